//! The tables, and how a database of an older version gets those of this one. Runs at every start, in one transaction.

use std::path::Path;
use std::time::SystemTime;

use sqlx::{Connection as _, SqliteConnection};

use super::error::cannot;
use crate::{StoreError, StoreErrorKind, time};

/// In order; the first makes version 1. One that has been released is never edited.
const MIGRATIONS: &[&str] = &[include_str!("schema/0001_deployments_and_queue.sql")];

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT";

/// Brings the database to this program's version, or refuses one that is past it.
pub(super) async fn migrate(on: &mut SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let failed = cannot("prepare its tables");
    let mut transaction = on.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
    sqlx::raw_sql(VERSIONS).execute(&mut *transaction).await.map_err(&failed)?;
    let found: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM schema_version")
        .fetch_one(&mut *transaction)
        .await
        .map_err(&failed)?;
    if usize::try_from(found).is_ok_and(|found| found > MIGRATIONS.len()) {
        return Err(StoreError::new(
            StoreErrorKind::Newer,
            format!(
                "`{}` was written by a newer Auricle (its tables have version {found}, this program knows up to {}): \
                 run that Auricle, or give this one another `data-dir`",
                file.display(),
                MIGRATIONS.len()
            ),
        ));
    }
    for (version, migration) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(&failed)?;
        sqlx::query("INSERT INTO schema_version (version, applied_at) VALUES (?, ?)")
            .bind(version)
            .bind(time::to_millis(SystemTime::now()))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
    }
    transaction.commit().await.map_err(&failed)
}
