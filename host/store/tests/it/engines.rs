//! Empty stores of every engine, each with what has to live as long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use auricle_model::StoreUrl;
use auricle_store::{MemoryStore, PostgresStore, SqliteStore, Store};
use sqlx::Connection as _;

use crate::postgres::Postgres;

/// A store that is empty, and what it is kept in.
pub(crate) struct Empty {
    pub(crate) store: Arc<dyn Store>,
    _kept: Box<dyn std::any::Any + Send>,
}

pub(crate) async fn memory() -> Option<Empty> {
    Some(Empty { store: Arc::new(MemoryStore::new()), _kept: Box::new(()) })
}

pub(crate) async fn sqlite() -> Option<Empty> {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).await.unwrap());
    Some(Empty { store, _kept: Box::new(dir) })
}

/// None: there is no server here.
pub(crate) async fn postgres() -> Option<Empty> {
    let (url, server) = postgres_schema().await?;
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    Some(Empty { store, _kept: Box::new(server) })
}

/// The URL of an empty schema of the tests' server.
pub(crate) async fn postgres_schema() -> Option<(StoreUrl, Arc<Postgres>)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap()?;
    let name = format!("store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut connection = sqlx::PgConnection::connect(&server.url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let join = if server.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{join}options=-c%20search_path%3D{name}", server.url);
    Some((StoreUrl(url), server))
}
