//! What `sql/` has to know of SQLite.

use std::time::Duration;

use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqlitePool, SqliteRow};

use crate::StoreError;

pub(super) use super::SqliteStore as ThisStore;
pub(super) use super::error::cannot;

pub(super) type Engine = Sqlite;
pub(super) type Connection = SqliteConnection;
pub(super) type Options = SqliteConnectOptions;
pub(super) type Pool = SqlitePool;
pub(super) type Row = SqliteRow;

/// Other hosts can't use the file.
pub(super) const SHARED: bool = false;

/// A transaction that will write: takes its turn now, so that it never has to give way half-way.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// A transaction that only reads, as of now: that takes a look.
pub(super) const BEGIN_READING: &str = "BEGIN; SELECT count(*) FROM sqlite_schema;";

/// A connection is an open file: it does not end by itself.
pub(super) const MAY_BE_STALE: bool = false;

/// Records are in a file of their own.
pub(super) const RECORDS_APART: bool = true;

/// The file is on this machine: the disk's own answer is waited for.
pub(super) async fn within<F: Future>(_: Duration, work: F) -> Option<F::Output> {
    Some(work.await)
}

/// The table that says which steps were taken of a set of tables.
pub(super) const VERSIONS: &str =
    "CREATE TABLE {versions} (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT";

/// Whether there is a table of this name.
pub(super) const HAS_TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";

/// Nothing is to be done before the tables are made: the transaction has the file for itself.
pub(super) async fn prepare(_: &mut Connection) -> Result<(), StoreError> {
    Ok(())
}

/// Whoever writes has the file for itself.
pub(super) async fn lock(_: &mut Connection, _: &[&'static str]) -> Result<(), StoreError> {
    Ok(())
}

/// The audit log counts on behind what was put into it.
pub(super) async fn restored(on: &mut Connection) -> Result<(), StoreError> {
    sqlx::query("UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(number), 0) FROM audit) WHERE name = 'audit'")
        .execute(on)
        .await
        .map_err(cannot("count its audit log on"))?;
    Ok(())
}
