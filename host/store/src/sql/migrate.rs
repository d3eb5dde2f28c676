//! How a database of an older version gets the tables of this one. Runs at every start, in one transaction.

use sqlx::AssertSqlSafe;

use super::{Connection, StoreError, cannot, dialect};
use crate::{StoreErrorKind, time};

/// A set of tables, and the steps by which they came about.
pub(in super::super) struct Schema {
    /// The table that says which steps were taken.
    pub(in super::super) versions: &'static str,
    /// In order; the first makes version 1. One that has been released is never edited.
    pub(in super::super) migrations: &'static [&'static str],
}

impl Schema {
    /// The last step that was taken in a database. None: it does not even have the table that would say so.
    pub(in super::super) async fn version(&self, on: &mut Connection) -> Result<Option<i64>, StoreError> {
        let failed = cannot("look at its tables");
        let there = sqlx::query(dialect::HAS_TABLE).bind(self.versions).fetch_optional(&mut *on).await;
        if there.map_err(&failed)?.is_none() {
            return Ok(None);
        }
        let newest = AssertSqlSafe(format!("SELECT coalesce(max(version), 0) FROM {}", self.versions));
        sqlx::query_scalar(newest).fetch_one(on).await.map(Some).map_err(&failed)
    }
}

/// Brings a database to this program's version, or refuses one that is past it. `place` names it for people.
pub(in super::super) async fn migrate(on: &mut Connection, schema: &Schema, place: &str) -> Result<(), StoreError> {
    let failed = cannot("prepare its tables");
    sqlx::raw_sql(dialect::BEGIN).execute(&mut *on).await.map_err(&failed)?;
    let outcome = steps(on, schema, place).await;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    outcome.and(sqlx::raw_sql(end).execute(on).await.map(drop).map_err(&failed))
}

async fn steps(on: &mut Connection, schema: &Schema, place: &str) -> Result<(), StoreError> {
    let failed = cannot("prepare its tables");
    dialect::prepare(on).await?;
    let Schema { versions, migrations } = schema;
    let found = match schema.version(on).await? {
        Some(found) => found,
        None => {
            let table = AssertSqlSafe(dialect::VERSIONS.replace("{versions}", versions));
            sqlx::raw_sql(table).execute(&mut *on).await.map_err(&failed)?;
            0
        }
    };
    if usize::try_from(found).is_ok_and(|found| found > migrations.len()) {
        return Err(newer(place, found, migrations.len()));
    }
    for (version, migration) in (1_i64..).zip(*migrations).filter(|(version, _)| *version > found) {
        sqlx::raw_sql(*migration).execute(&mut *on).await.map_err(&failed)?;
        sqlx::query(AssertSqlSafe(format!("INSERT INTO {versions} (version, applied_at) VALUES ($1, $2)")))
            .bind(version)
            .bind(time::to_millis(time::now()))
            .execute(&mut *on)
            .await
            .map_err(&failed)?;
    }
    Ok(())
}

fn newer(place: &str, found: i64, known: usize) -> StoreError {
    StoreError::new(
        StoreErrorKind::Newer,
        format!(
            "{place} was written by a newer Auricle (its tables have version {found}, this program knows up to {known}): \
             run that Auricle, or give this one another store"
        ),
    )
}
