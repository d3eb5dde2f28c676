//! What `sql/` has to know of PostgreSQL.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgRow, Postgres};

use crate::StoreError;

pub(super) use super::PostgresStore as ThisStore;
pub(super) use super::error::cannot;

pub(super) type Engine = Postgres;
pub(super) type Connection = PgConnection;
pub(super) type Options = PgConnectOptions;
pub(super) type Pool = PgPool;
pub(super) type Row = PgRow;

/// Other hosts may use the database.
pub(super) const SHARED: bool = true;

/// A transaction that will write.
pub(super) const BEGIN: &str = "BEGIN";

/// A transaction that only reads, as of its first look.
pub(super) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The server may have been gone, and be back.
pub(super) const MAY_BE_STALE: bool = true;

/// Records are tables like all others.
pub(super) const RECORDS_APART: bool = false;

/// A server that has vanished says nothing: after this time it is taken for gone.
pub(super) async fn within<F: Future>(patience: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(patience, work).await.ok()
}

/// The table that says which steps were taken of a set of tables.
pub(super) const VERSIONS: &str = "CREATE TABLE {versions} (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)";

/// Whether there is a table of this name.
pub(super) const HAS_TABLE: &str = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1";

/// Hosts that start together make the tables one after the other.
const MIGRATION_LOCK: i64 = 0x6175_7269_636c_6500;

/// Takes the turn, and makes the schema that the tables go into.
pub(super) async fn prepare(on: &mut Connection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *on)
        .await
        .map_err(cannot("take its turn to prepare the tables"))?;
    if has_schema(on).await? {
        return Ok(());
    }
    // Only where it is missing: it takes a privilege that a host needs at its first start only.
    sqlx::query("CREATE SCHEMA IF NOT EXISTS auricle")
        .execute(&mut *on)
        .await
        .map_err(cannot("make the schema `auricle` in its database"))?;
    if has_schema(on).await? {
        return Ok(());
    }
    Err(StoreError::invalid(
        "the search_path of the store's URL names no schema that there is: make it, or leave it out",
    ))
}

/// Whether there is a schema for tables to go into.
async fn has_schema(on: &mut Connection) -> Result<bool, StoreError> {
    let found: Option<String> = sqlx::query_scalar("SELECT current_schema()::TEXT")
        .fetch_one(on)
        .await
        .map_err(cannot("look for its schema"))?;
    Ok(found.is_some())
}

/// Lets nobody else write these tables until the transaction ends.
pub(super) async fn lock(on: &mut Connection, tables: &[&'static str]) -> Result<(), StoreError> {
    let statement = AssertSqlSafe(format!("LOCK TABLE {} IN EXCLUSIVE MODE", tables.join(", ")));
    sqlx::raw_sql(statement).execute(on).await.map_err(cannot("have its tables for itself"))?;
    Ok(())
}

/// The audit log counts on behind what was put into it.
pub(super) async fn restored(on: &mut Connection) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT setval(pg_get_serial_sequence('audit', 'number'), (SELECT coalesce(max(number), 0) + 1 FROM audit), false)",
    )
    .execute(on)
    .await
    .map_err(cannot("count its audit log on"))?;
    Ok(())
}
