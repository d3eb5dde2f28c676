//! The shared store: a PostgreSQL database, for any number of hosts.
//!
//! A change is answered when the server has synced its commit (its `synchronous_commit` stands as the server has it, on by
//! default). A few writers take turns at batches of changes, as the server can commit side by side; records have a writer
//! of their own whose commits are not waited for. A database that is gone is an error for who asks, and connected to again
//! as soon as it is back. A change costs a round trip for each of its statements, and its share of one for the commit.

mod dialect;
mod error;
#[path = "../sql/mod.rs"]
mod sql;

use std::str::FromStr;

use auricle_model::StoreUrl;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::StoreError;
use crate::limits::{CONNECT, POSTGRES_READERS, POSTGRES_WRITERS};
use error::cannot;
use sql::{Database, Schema, Writer, migrate};

const SCHEMA: Schema = Schema {
    versions: "schema_version",
    migrations: &[include_str!("schema/0001_store.sql"), include_str!("schema/0002_pages.sql")],
};

/// Keeps everything in the schema `auricle` of a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    main: Database,
    records: Database,
}

impl PostgresStore {
    /// Connects, makes the tables if they are missing, and brings older ones up to date. The tables are in the schema
    /// `auricle`, or where the URL's `options=-c search_path=...` says. To be called inside a tokio runtime, which has to
    /// outlive the store.
    ///
    /// # Errors
    ///
    /// Unavailable: the server can't be reached or lets nobody in. Newer: a later version of Auricle made the tables.
    /// Invalid: the URL is none. No message has the password.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        let options = options(url)?;
        let place = format!(
            "the PostgreSQL database `{}` on {}",
            options.get_database().unwrap_or(options.get_username()),
            options.get_host()
        );
        let mut connection = connect(&options).await?;
        migrate(&mut connection, &SCHEMA, &place).await?;
        let mut connections = vec![connection];
        while connections.len() < POSTGRES_WRITERS {
            connections.push(connect(&options).await?);
        }
        let recording = options.clone().options([("synchronous_commit", "off")]);
        let recorder = connect(&recording).await?;
        let readers = PgPoolOptions::new()
            .max_connections(POSTGRES_READERS)
            .acquire_timeout(CONNECT)
            .connect_lazy_with(options.clone());
        Ok(Self {
            main: Database { writer: Writer::start(connections, options, ()), readers: readers.clone() },
            records: Database { writer: Writer::start(vec![recorder], recording, ()), readers },
        })
    }
}

fn options(url: &StoreUrl) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(&url.0).map_err(|error| {
        let why = match error {
            sqlx::Error::Configuration(why) => why.to_string(),
            _ => "it can't be read".to_owned(),
        };
        StoreError::invalid(format!(
            "the store's URL is wrong ({why}): write postgres://user:password@host:port/database, special characters \
             percent-encoded"
        ))
    })?;
    let options = options.application_name("auricle").disable_statement_logging();
    let placed = options.get_options().is_some_and(|given| given.contains("search_path"));
    Ok(if placed { options } else { options.options([("search_path", "auricle")]) })
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = tokio::time::timeout(CONNECT, PgConnection::connect_with(options)).await;
    connected
        .map_err(|_| StoreError::unavailable(format!("the store's PostgreSQL gave no answer for {CONNECT:?}")))?
        .map_err(cannot("connect to its database"))
}
