//! The embedded store: SQLite files in the data folder, for one host.
//!
//! `auricle.db` has all that was promised: write-ahead log with `synchronous = FULL`, so a commit is synced before it is
//! answered and survives the loss of power; one writer with group commit, a few readers beside it. `records.db` has the
//! execution records, with a writer of its own and `synchronous = NORMAL`: it never makes a promise wait, and may lose its
//! last seconds with the power. A change costs its share of a sync, a read a fraction of a millisecond.

mod backup_file;
mod dialect;
mod error;
mod folder;
#[path = "../sql/mod.rs"]
mod sql;

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::limits::{RECORD_PAGE, SQLITE_BUSY, SQLITE_READERS};
use crate::{StoreError, StoreErrorKind};
pub(crate) use backup_file::{Backup, NewBackup, table};
use error::cannot;
use folder::DataFolder;
pub(crate) use sql::copy;
use sql::{Database, Schema, Writer, migrate};

const MAIN: Schema = Schema {
    versions: "schema_version",
    migrations: &[
        include_str!("schema/0001_deployments_and_queue.sql"),
        include_str!("schema/0002_canaries_access_and_leases.sql"),
        include_str!("schema/0003_pages.sql"),
    ],
};

/// Named apart, so that a backup has both in one file.
const RECORDS: Schema =
    Schema { versions: "record_schema_version", migrations: &[include_str!("schema/records/0001_records.sql")] };

/// Keeps everything in `auricle.db` and `records.db` of a data folder.
///
/// Dropped without [`Store::close`](crate::Store::close) it still writes what it was asked for, but holds its folder a
/// moment longer.
#[derive(Debug)]
pub struct SqliteStore {
    main: Database,
    records: Database,
}

impl SqliteStore {
    /// Opens the store of a data folder; makes both if they are missing, and brings older tables up to date. A `records.db`
    /// that is damaged is set aside, with a warning. To be called inside a tokio runtime, which has to outlive the store.
    ///
    /// # Errors
    ///
    /// Unavailable: another host uses the folder, or it can't be written. Newer: a later version of Auricle wrote it.
    /// Corrupt: `auricle.db` is no database.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::open_as(data_dir, |options| options).await
    }

    /// Opens it with other settings than it has: for tests of what goes wrong.
    async fn open_as(
        data_dir: &Path,
        set: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions,
    ) -> Result<Self, StoreError> {
        let folder = DataFolder::claim(data_dir)?;
        let file = folder.file("auricle.db")?;
        let main = set(options(&file, SqliteSynchronous::Full));
        let connection = prepared(&main, &MAIN, &file).await?;

        let file = folder.file("records.db")?;
        // Rows of some kilobytes fill larger pages better: fewer are written, and a list reads fewer.
        let records = set(options(&file, SqliteSynchronous::Normal).page_size(RECORD_PAGE));
        let recording = match prepared(&records, &RECORDS, &file).await {
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                let aside = folder.set_aside(&file)?;
                tracing::warn!(
                    %error, aside = %aside.display(),
                    "the execution records are damaged and were set aside; new ones are begun"
                );
                prepared(&records, &RECORDS, &folder.file("records.db")?).await?
            }
            other => other?,
        };
        Ok(Self { main: database(connection, main, folder), records: database(recording, records, ()) })
    }
}

fn options(file: &Path, synchronous: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        // Where fsync does not reach the platter (macOS), this does; elsewhere it is nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .foreign_keys(true)
        .busy_timeout(SQLITE_BUSY)
        .disable_statement_logging()
}

async fn prepared(
    options: &SqliteConnectOptions,
    schema: &Schema,
    file: &Path,
) -> Result<SqliteConnection, StoreError> {
    let mut connection = options.connect().await.map_err(cannot("open its database"))?;
    migrate(&mut connection, schema, &format!("`{}`", file.display())).await?;
    Ok(connection)
}

fn database(
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    held: impl std::any::Any + Send + Sync,
) -> Database {
    let readers =
        SqlitePoolOptions::new().max_connections(SQLITE_READERS).connect_lazy_with(options.clone().read_only(true));
    Database { writer: Writer::start(vec![connection], options, held), readers }
}

#[cfg(test)]
mod tests;
