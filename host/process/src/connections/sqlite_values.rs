//! Values of SQLite. A column's declared type and what is stored in it decide together:
//!
//! | stored | declared | value |
//! |---|---|---|
//! | integer | `BOOL...` and it is 0 or 1 | boolean |
//! | integer, real | `DEC...`, `NUMERIC`, `NUMBER`, `MONEY` | decimal |
//! | integer | anything else | integer; decimal beyond 2^53 |
//! | real | anything else | float |
//! | text | `DEC...`, `DATE`, `TIME`, `DATETIME` or `TIMESTAMP...`, `UUID`, `JSON...`, and it is one | that |
//! | text | anything else | text |
//! | blob | `UUID` of 16 bytes | uuid |
//! | blob, and text that is no UTF-8 | anything else | bytes |
//!
//! SQLite has no exact decimals: a numeric column keeps 15 significant digits, and no trailing zeros (`12.50` is read as
//! `12.5`). So a decimal of up to 15 digits is bound as the number it is, which compares and sums as one; a longer one is
//! bound as text, which only a `TEXT` column keeps exactly. Dates, times, uuids and JSON are bound as text in the WIT's spelling.

use rusqlite::types::{ToSqlOutput, Value as Bound, ValueRef};
use rusqlite::{Row, Statement};
use sqlx::types::Uuid;

use super::values::{integer, is_json};
use super::{Column, Value, decimal, time};

/// Digits that a 64-bit float keeps of any decimal.
const FLOAT_DIGITS: usize = 15;
/// What a column's declared type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Boolean,
    Decimal,
    Date,
    Time,
    Timestamp,
    Uuid,
    Json,
    Other,
}

impl Declared {
    /// Of every column of a statement.
    pub(super) fn of(statement: &Statement<'_>) -> Vec<Self> {
        statement.columns().iter().map(|column| Self::parse(column.decl_type().unwrap_or_default())).collect()
    }

    fn parse(declared: &str) -> Self {
        let name = base_name(declared);
        match name.as_str() {
            "date" => Self::Date,
            "time" => Self::Time,
            "uuid" => Self::Uuid,
            "json" | "jsonb" => Self::Json,
            "numeric" | "number" | "money" => Self::Decimal,
            _ if name.starts_with("bool") => Self::Boolean,
            _ if name.starts_with("dec") => Self::Decimal,
            _ if name.starts_with("timestamp") || name.starts_with("datetime") => Self::Timestamp,
            _ => Self::Other,
        }
    }
}

/// `DECIMAL(18, 2)` as `decimal`.
fn base_name(declared: &str) -> String {
    declared.split('(').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Names and types. A column without a declared type, such as `count(*)`, has that of its value in the first row.
pub(super) fn columns(statement: &Statement<'_>, first: Option<&Row<'_>>) -> Vec<Column> {
    let stored = |index| match first.and_then(|row| row.get_ref(index).ok()) {
        Some(ValueRef::Integer(_)) => "integer",
        Some(ValueRef::Real(_)) => "real",
        Some(ValueRef::Text(_)) => "text",
        Some(ValueRef::Blob(_)) => "blob",
        Some(ValueRef::Null) | None => "null",
    };
    let column = |(index, column): (usize, &rusqlite::Column<'_>)| Column {
        name: column.name().to_owned(),
        database_type: match column.decl_type() {
            Some(declared) if !declared.is_empty() => base_name(declared),
            _ => stored(index).to_owned(),
        },
    };
    statement.columns().iter().enumerate().map(column).collect()
}

/// A stored value.
pub(super) fn value(stored: ValueRef<'_>, declared: Declared) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n @ (0 | 1)) if declared == Declared::Boolean => Value::Boolean(n == 1),
        ValueRef::Integer(n) if declared == Declared::Decimal => Value::Decimal(n.to_string()),
        ValueRef::Integer(n) => integer(n),
        // Shortest digits that give the same float again, never an exponent.
        ValueRef::Real(n) if declared == Declared::Decimal && n.is_finite() => Value::Decimal(n.to_string()),
        ValueRef::Real(n) => Value::Float(n),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => typed_text(text, declared).unwrap_or_else(|| Value::Text(text.to_owned())),
            Err(_) => Value::Bytes(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
            Ok(uuid) if declared == Declared::Uuid => Value::Uuid(uuid.to_string()),
            _ => Value::Bytes(bytes.to_vec()),
        },
    }
}

fn typed_text(text: &str, declared: Declared) -> Option<Value> {
    match declared {
        Declared::Boolean | Declared::Other => None,
        Declared::Decimal => decimal::parse(text).map(|_| Value::Decimal(text.to_owned())),
        Declared::Date => time::parse_date(text).map(time::date),
        Declared::Time => time::parse_time(text).map(time::time),
        Declared::Timestamp => time::parse_timestamp(text).map(time::Timestamp::value),
        Declared::Uuid => Uuid::try_parse(text).ok().map(|uuid| Value::Uuid(uuid.to_string())),
        Declared::Json => is_json(text).then(|| Value::Json(text.to_owned())),
    }
}

/// A parameter as SQLite takes it; the error says what is wrong with it.
pub(super) fn bind(value: &Value) -> Result<ToSqlOutput<'_>, String> {
    let text = |text: String| ToSqlOutput::Owned(Bound::Text(text));
    let borrowed = |text: &'_ str| ToSqlOutput::Owned(Bound::Text(text.to_owned()));
    let not = |text: &str, what: &str| format!("`{text}` is no {what}");
    Ok(match value {
        Value::Null => ToSqlOutput::Owned(Bound::Null),
        Value::Boolean(flag) => ToSqlOutput::Owned(Bound::Integer(i64::from(*flag))),
        Value::Integer(n) => ToSqlOutput::Owned(Bound::Integer(*n)),
        Value::Float(n) => ToSqlOutput::Owned(Bound::Real(*n)),
        Value::Decimal(digits) => {
            let parts =
                decimal::parse(digits).ok_or_else(|| not(digits, "decimal: write -12.50, without an exponent"))?;
            if let Some(n) = decimal::to_integer(digits) {
                ToSqlOutput::Owned(Bound::Integer(n))
            } else if decimal::significant_digits(&parts) <= FLOAT_DIGITS {
                ToSqlOutput::Owned(Bound::Real(digits.parse().map_err(|_| not(digits, "decimal"))?))
            } else {
                borrowed(digits)
            }
        }
        Value::Text(characters) => ToSqlOutput::Borrowed(ValueRef::Text(characters.as_bytes())),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Date(date) => {
            time::parse_date(date).map(|_| borrowed(date)).ok_or_else(|| not(date, "date: write 2026-11-22"))?
        }
        Value::Time(clock) => {
            time::parse_time(clock).map(|_| borrowed(clock)).ok_or_else(|| not(clock, "time: write 13:45:00.25"))?
        }
        Value::Timestamp(at) => time::parse_timestamp(at)
            .map(|_| borrowed(at))
            .ok_or_else(|| not(at, "timestamp: write 2026-11-22T13:45:00.25Z"))?,
        Value::Uuid(uuid) => text(Uuid::try_parse(uuid).map_err(|_| not(uuid, "uuid"))?.to_string()),
        Value::Json(json) => is_json(json).then(|| borrowed(json)).ok_or_else(|| not(json, "JSON text"))?,
    })
}
