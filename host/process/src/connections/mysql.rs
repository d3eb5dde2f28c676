//! MySQL and MariaDB. Placeholders are `?`; the session's time zone is UTC.
//!
//! Read: `BOOLEAN` and `TINYINT(1)` as boolean (beyond 0 and 1 as integer), integers as integer (beyond 2^53 as decimal), `DECIMAL` as decimal
//! with its scale, `DATE` and `TIME` as such (a `TIME` beyond a day as text), `DATETIME` as timestamp without offset, `TIMESTAMP` with `Z`, `JSON` as json,
//! text types as text, the rest as bytes. Zero dates are null. Written: a uuid as text, since there is no such type.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use futures_util::TryStreamExt as _;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::types::MySqlTime;
use sqlx::mysql::{MySql, MySqlArguments, MySqlColumn, MySqlConnection, MySqlRow, MySqlTypeInfo};
use sqlx::types::{Decimal, Uuid};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, Decode, Either, Encode, Executor as _, Row as _, SqlSafeStr as _,
    Statement as _, Type, TypeInfo as _, ValueRef as _,
};

use super::error::{count, error, parameter};
use super::session::Failed;
use super::sink::Sink;
use super::time::Timestamp;
use super::values::{integer, is_json};
use super::{Column, ErrorKind, SqlError, Value, decimal, time};

/// Digits of any number, bound as a decimal: compared as a text they would go through floats.
struct Digits<'a>(&'a str);

impl Type<MySql> for Digits<'_> {
    fn type_info() -> MySqlTypeInfo {
        <Decimal as Type<MySql>>::type_info()
    }
}

impl Encode<'_, MySql> for Digits<'_> {
    fn encode_by_ref(&self, buffer: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        <&str as Encode<'_, MySql>>::encode_by_ref(&self.0, buffer)
    }
}

/// Runs one statement.
pub(super) async fn run(
    connection: &mut MySqlConnection,
    statement: &str,
    parameters: &[Value],
    sink: &mut Sink,
) -> Result<u64, Failed> {
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await.map_err(Failed::from_sqlx)?;
    let expected = match prepared.parameters() {
        Some(Either::Left(types)) => types.len(),
        Some(Either::Right(count)) => count,
        None => 0,
    };
    let arguments = arguments(expected, parameters).map_err(Failed::before)?;
    let mut columns = Some(prepared.columns().iter().map(describe).collect::<Vec<_>>());
    let mut changed = 0;
    let mut results = connection.fetch_many(prepared.query_with(arguments));
    while let Some(step) = results.try_next().await.map_err(Failed::from_sqlx)? {
        if let Some(prepared) = columns.take() {
            // A row knows better: what a parameter is of is settled at execution.
            let columns = match &step {
                Either::Right(row) => row.columns().iter().map(describe).collect(),
                Either::Left(_) => prepared,
            };
            sink.columns(columns).await.map_err(Failed::midway)?;
        }
        match step {
            Either::Left(done) => changed += done.rows_affected(),
            Either::Right(row) => {
                let values = row.columns().iter().map(|column| read(&row, column)).collect::<Result<_, _>>();
                sink.push(values.map_err(Failed::midway)?).await.map_err(Failed::midway)?;
            }
        }
    }
    Ok(changed)
}

fn describe(column: &MySqlColumn) -> Column {
    Column { name: column.name().to_owned(), database_type: column.type_info().name().to_ascii_lowercase() }
}

fn arguments(expected: usize, parameters: &[Value]) -> Result<MySqlArguments, SqlError> {
    if expected != parameters.len() {
        return Err(count(expected, parameters.len()));
    }
    let mut arguments = MySqlArguments::default();
    for (number, value) in (1..).zip(parameters) {
        add(&mut arguments, value).map_err(|why| parameter(number, why))?;
    }
    Ok(arguments)
}

fn add(arguments: &mut MySqlArguments, value: &Value) -> Result<(), BoxDynError> {
    let not = |text: &str, what: &str| BoxDynError::from(format!("`{text}` is no {what}"));
    match value {
        Value::Null => arguments.add(None::<&str>),
        Value::Boolean(flag) => arguments.add(*flag),
        Value::Integer(n) => arguments.add(*n),
        Value::Float(n) if n.is_finite() => arguments.add(*n),
        Value::Float(n) => Err(not(&n.to_string(), "number that MySQL has")),
        Value::Decimal(digits) => {
            decimal::parse(digits).ok_or_else(|| not(digits, "decimal: write -12.50, without an exponent"))?;
            arguments.add(Digits(digits))
        }
        Value::Text(text) => arguments.add(text.as_str()),
        Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
        Value::Date(text) => arguments.add(time::parse_date(text).ok_or_else(|| not(text, "date: write 2026-11-22"))?),
        Value::Time(text) => arguments.add(time::parse_time(text).ok_or_else(|| not(text, "time: write 13:45:00.25"))?),
        Value::Timestamp(text) => {
            match time::parse_timestamp(text).ok_or_else(|| not(text, "timestamp: write 2026-11-22T13:45:00.25Z"))? {
                Timestamp::Instant(at) => arguments.add(at),
                Timestamp::Local(at) => arguments.add(at),
            }
        }
        Value::Uuid(text) => arguments.add(Uuid::try_parse(text).map_err(|_| not(text, "uuid"))?.to_string()),
        Value::Json(text) if is_json(text) => arguments.add(text.as_str()),
        Value::Json(text) => Err(not(text, "JSON text")),
    }
}

fn read(row: &MySqlRow, column: &MySqlColumn) -> Result<Value, SqlError> {
    let unreadable =
        |why: BoxDynError| error(ErrorKind::Other, format!("column `{}` can't be read: {why}", column.name()));
    let raw = row.try_get_raw(column.ordinal()).map_err(|e| unreadable(e.into()))?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    value(raw, column.type_info()).map_err(unreadable)
}

fn value(raw: <MySql as sqlx::Database>::ValueRef<'_>, info: &MySqlTypeInfo) -> Result<Value, BoxDynError> {
    Ok(match info.name() {
        "BOOLEAN" => match <i64 as Decode<MySql>>::decode(raw)? {
            n @ (0 | 1) => Value::Boolean(n == 1),
            n => integer(n),
        },
        "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => integer(<i64 as Decode<MySql>>::decode(raw)?),
        "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED" | "BIGINT UNSIGNED"
        | "YEAR" | "BIT" => {
            let n = <u64 as Decode<MySql>>::decode(raw)?;
            i64::try_from(n).map_or_else(|_| Value::Decimal(n.to_string()), integer)
        }
        "FLOAT" => Value::Float(<f32 as Decode<MySql>>::decode(raw)?.to_string().parse()?),
        "DOUBLE" => Value::Float(<f64 as Decode<MySql>>::decode(raw)?),
        "DECIMAL" => Value::Decimal(<String as Decode<MySql>>::decode(raw)?),
        "DATE" => time::date(<NaiveDate as Decode<MySql>>::decode(raw)?),
        "TIME" => {
            let text = <MySqlTime as Decode<MySql>>::decode(raw)?.to_string();
            time::parse_time(&text).map_or(Value::Text(text), time::time)
        }
        "DATETIME" => Timestamp::Local(<NaiveDateTime as Decode<MySql>>::decode(raw)?).value(),
        "TIMESTAMP" => Timestamp::Instant(<DateTime<Utc> as Decode<MySql>>::decode(raw)?).value(),
        "JSON" => Value::Json(<String as Decode<MySql>>::decode(raw)?),
        // Told by the collation: a text that is compared byte by byte has a binary type's name.
        _ if <str as Type<MySql>>::compatible(info) => Value::Text(<String as Decode<MySql>>::decode(raw)?),
        _ => Value::Bytes(<Vec<u8> as Decode<MySql>>::decode(raw)?),
    })
}
