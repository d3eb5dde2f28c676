//! Rows of a table, out of a database and into one.

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _};

use super::{Connection, Engine, Row, cannot};
use crate::StoreError;
use crate::backup::{Kind, Table, Value};
use crate::limits::{COPIED_BYTES, COPIED_ROWS};

/// Every row of a table, one after the other.
pub(crate) fn read<'a>(
    on: &'a mut Connection,
    table: &'a Table,
) -> impl Stream<Item = Result<Vec<Value>, StoreError>> + Send + 'a {
    let statement = format!("SELECT {} FROM {}", table.list(), table.name);
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch(on);
    rows.map_err(cannot("read a table")).and_then(|row| std::future::ready(values(&row, table)))
}

fn values(row: &Row, table: &Table) -> Result<Vec<Value>, StoreError> {
    let value = |(place, (_, kind)): (usize, &(String, Kind))| {
        Ok(match kind {
            Kind::Text => Value::Text(row.try_get(place)?),
            Kind::Number => Value::Number(row.try_get(place)?),
            Kind::Bytes => Value::Bytes(row.try_get(place)?),
        })
    };
    table.columns.iter().enumerate().map(value).collect::<Result<_, _>>().map_err(cannot("read a table"))
}

/// Empties a table.
pub(crate) async fn clear(on: &mut Connection, table: &'static str) -> Result<(), StoreError> {
    let statement = AssertSqlSafe(format!("DELETE FROM {table}"));
    sqlx::query(statement).execute(on).await.map_err(cannot("empty a table"))?;
    Ok(())
}

/// Puts rows into a table, several by one statement.
pub(crate) async fn fill(
    on: &mut Connection,
    table: &Table,
    rows: impl Stream<Item = Result<Vec<Value>, StoreError>> + Send,
) -> Result<(), StoreError> {
    let mut rows = std::pin::pin!(rows);
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += row.iter().map(Value::size).sum::<usize>();
        waiting.push(row);
        if waiting.len() >= COPIED_ROWS || bytes >= COPIED_BYTES {
            insert(on, table, std::mem::take(&mut waiting)).await?;
            bytes = 0;
        }
    }
    if !waiting.is_empty() {
        insert(on, table, waiting).await?;
    }
    Ok(())
}

async fn insert(on: &mut Connection, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let full = rows.len() == COPIED_ROWS;
    let mut statement = QueryBuilder::<Engine>::new(format!("INSERT INTO {} ({}) ", table.name, table.list()));
    statement.push_values(rows, |mut values, row| {
        for value in row {
            match value {
                Value::Text(text) => values.push_bind(text),
                Value::Number(number) => values.push_bind(number),
                Value::Bytes(bytes) => values.push_bind(bytes),
            };
        }
    });
    // Only the statement of a full chunk comes again.
    statement.build().persistent(full).execute(on).await.map_err(cannot("write a table"))?;
    Ok(())
}
