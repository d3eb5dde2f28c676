//! PostgreSQL: every statement is prepared first, so that the server says what type each parameter has; values are then encoded
//! for that type, and NULL needs none. One round trip more when a statement is first seen on a connection.
//!
//! A deadline closes the connection; a server of version 14 or later then stops the statement within a second.

use futures_util::TryStreamExt as _;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnection, PgRow, PgTypeInfo, Postgres};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Connection as _, Either, Encode, Executor as _, Row as _,
    SqlSafeStr as _, Statement as _, Type, TypeInfo as _,
};

use super::error::{count, error, parameter};
use super::postgres_values::{decode, encode, reads};
use super::session::Failed;
use super::sink::Sink;
use super::{Column, ErrorKind, SqlError, Value};

/// A value already in the server's binary form.
struct Encoded {
    as_type: PgTypeInfo,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for Encoded {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Encoded {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = &self.bytes else { return Ok(IsNull::Yes) };
        buffer.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.as_type.clone())
    }
}

/// Runs one statement.
pub(super) async fn run(
    connection: &mut PgConnection,
    statement: &str,
    parameters: &[Value],
    sink: &mut Sink,
) -> Result<u64, Failed> {
    match attempt(connection, statement, parameters, sink).await {
        // Prepared before a table was altered. The server says so before it runs anything.
        Err(failed) if is_stale(&failed.error) => {
            connection.clear_cached_statements().await.map_err(Failed::from_sqlx)?;
            attempt(connection, statement, parameters, sink).await
        }
        ran => ran,
    }
}

/// In a transaction the second attempt fails too, and says that the transaction has to be tried again.
fn is_stale(failure: &SqlError) -> bool {
    failure.code.as_deref() == Some("0A000") && failure.message.contains("cached plan")
}

async fn attempt(
    connection: &mut PgConnection,
    statement: &str,
    parameters: &[Value],
    sink: &mut Sink,
) -> Result<u64, Failed> {
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await.map_err(Failed::from_sqlx)?;
    let types = match prepared.parameters() {
        Some(Either::Left(types)) => types,
        Some(Either::Right(_)) | None => &[],
    };
    let arguments = arguments(types, parameters).map_err(Failed::before)?;
    // Refused before it runs: an INSERT ... RETURNING must not insert and then fail.
    let columns = prepared.columns().iter().map(|column| {
        let info = column.type_info();
        if !reads(info) {
            let (name, database_type) = (column.name(), info.name().to_ascii_lowercase());
            let message = format!(
                "column `{name}` has the type `{database_type}`, which has no value of its own here; write `{name}::text`, or to_jsonb(...) for an array"
            );
            return Err(error(ErrorKind::Other, message));
        }
        Ok(Column { name: column.name().to_owned(), database_type: info.name().to_ascii_lowercase().replace('"', "") })
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(Failed::before)?;

    let mut changed = 0;
    let mut results = connection.fetch_many(prepared.query_with(arguments));
    let mut columns = Some(columns);
    while let Some(step) = results.try_next().await.map_err(Failed::from_sqlx)? {
        // Told only now: until the first answer the statement may turn out to be stale, and be run again.
        if let Some(columns) = columns.take() {
            sink.columns(columns).await.map_err(Failed::midway)?;
        }
        match step {
            Either::Left(done) => changed += done.rows_affected(),
            Either::Right(row) => sink.push(read(&row).map_err(Failed::midway)?).await.map_err(Failed::midway)?,
        }
    }
    Ok(changed)
}

fn arguments(types: &[PgTypeInfo], parameters: &[Value]) -> Result<PgArguments, SqlError> {
    if types.len() != parameters.len() {
        return Err(count(types.len(), parameters.len()));
    }
    let mut arguments = PgArguments::default();
    for (number, (as_type, value)) in (1..).zip(types.iter().zip(parameters)) {
        let bytes = encode(value, as_type).map_err(|why| parameter(number, why))?;
        arguments.add(Encoded { as_type: as_type.clone(), bytes }).map_err(|why| parameter(number, why))?;
    }
    Ok(arguments)
}

fn read(row: &PgRow) -> Result<Vec<Value>, SqlError> {
    let value = |column: &sqlx::postgres::PgColumn| {
        let raw = row.try_get_raw(column.ordinal()).map_err(|e| error(ErrorKind::Other, e.to_string()))?;
        let bytes = match raw.as_bytes() {
            Ok(bytes) => bytes,
            // The only error there is: no bytes.
            Err(_) => return Ok(Value::Null),
        };
        decode(bytes, column.type_info())
            .ok_or_else(|| error(ErrorKind::Other, format!("column `{}` can't be read as its own type", column.name())))
    };
    row.columns().iter().map(value).collect()
}
