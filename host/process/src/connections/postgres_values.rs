//! Values of PostgreSQL, in its binary form.
//!
//! | type | value |
//! |---|---|
//! | `bool` | boolean |
//! | `int2`, `int4`, `int8`, `oid` | integer; decimal beyond 2^53 |
//! | `float4`, `float8` | float |
//! | `numeric` | decimal, all digits, with the column's scale; NaN and the infinities are floats |
//! | `text`, `varchar`, `bpchar`, `name`, `char`, `citext`, `xml`, enums | text |
//! | `bytea`; `uuid`; `json`, `jsonb` | bytes; uuid; json |
//! | `date`; `time`; `timestamp`; `timestamptz` | date; time; timestamp without offset; timestamp in UTC, with `Z`; `infinity` is text |
//! | `void` | null |
//! | domains | as what they are made of |
//! | the rest (arrays, ranges, `interval`, `inet`, ...) | refused before the statement runs; cast to text |
//!
//! A parameter may have any case that its server type can hold: a text is parsed for a number, a date or a uuid; everything
//! but bytes can be bound where a text is wanted. What does not fit is an error, never cut off or rounded.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use sqlx::TypeInfo as _;
use sqlx::postgres::{PgTypeInfo, PgTypeKind};
use sqlx::types::Uuid;

use super::time::Timestamp;
use super::values::integer;
use super::{Value, decimal, time};

/// The types that have values, domains looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytea,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Uuid,
    Json,
    Jsonb,
    Void,
}

/// By the fixed ids of the server's own types; of others by kind.
fn kind(info: &PgTypeInfo) -> Option<Kind> {
    Some(match info.oid().map(|oid| oid.0) {
        Some(16) => Kind::Bool,
        Some(17) => Kind::Bytea,
        Some(20) => Kind::Int8,
        Some(21) => Kind::Int2,
        Some(23) => Kind::Int4,
        Some(26) => Kind::Oid,
        // "char", name, text, xml, unknown, bpchar, varchar.
        Some(18 | 19 | 25 | 142 | 705 | 1042 | 1043) => Kind::Text,
        Some(114) => Kind::Json,
        Some(700) => Kind::Float4,
        Some(701) => Kind::Float8,
        Some(1082) => Kind::Date,
        Some(1083) => Kind::Time,
        Some(1114) => Kind::Timestamp,
        Some(1184) => Kind::TimestampTz,
        Some(1266) => Kind::TimeTz,
        Some(1700) => Kind::Numeric,
        Some(2278) => Kind::Void,
        Some(2950) => Kind::Uuid,
        Some(3802) => Kind::Jsonb,
        _ => match info.kind() {
            PgTypeKind::Enum(_) => Kind::Text,
            PgTypeKind::Domain(base) => return kind(base),
            PgTypeKind::Simple if info.name().eq_ignore_ascii_case("citext") => Kind::Text,
            _ => return None,
        },
    })
}

/// Whether a column of this type can be read.
pub(super) fn reads(info: &PgTypeInfo) -> bool {
    kind(info).is_some()
}

/// The first day of PostgreSQL's calendar.
fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

/// A value that was sent. None when it is not what its type says.
pub(super) fn decode(bytes: &[u8], info: &PgTypeInfo) -> Option<Value> {
    let text = || std::str::from_utf8(bytes).ok().map(str::to_owned);
    let word = || bytes.try_into().ok().map(i64::from_be_bytes);
    Some(match kind(info)? {
        Kind::Bool => Value::Boolean(bytes != [0]),
        Kind::Int2 => Value::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Kind::Int4 => Value::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Kind::Oid => Value::Integer(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        Kind::Int8 => integer(word()?),
        // By way of its shortest digits: 0.1 stays 0.1, as the server prints it.
        Kind::Float4 => Value::Float(f32::from_be_bytes(bytes.try_into().ok()?).to_string().parse().ok()?),
        Kind::Float8 => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        Kind::Numeric => decimal::from_postgres(bytes)?,
        Kind::Text => Value::Text(text()?),
        Kind::Bytea => Value::Bytes(bytes.to_vec()),
        Kind::Date => match i32::from_be_bytes(bytes.try_into().ok()?) {
            i32::MAX => Value::Text("infinity".into()),
            i32::MIN => Value::Text("-infinity".into()),
            days => time::date(epoch().checked_add_signed(TimeDelta::try_days(days.into())?)?),
        },
        Kind::Time => time::time(time_of_day(word()?)?),
        Kind::TimeTz => {
            let (micros, west) = bytes.split_first_chunk::<8>()?;
            let Value::Time(clock) = time::time(time_of_day(i64::from_be_bytes(*micros))?) else { return None };
            Value::Text(clock + &offset(i32::from_be_bytes(west.try_into().ok()?)))
        }
        Kind::Timestamp => timestamp(word()?, Timestamp::Local)?,
        Kind::TimestampTz => timestamp(word()?, |at| Timestamp::Instant(at.and_utc()))?,
        Kind::Uuid => Value::Uuid(Uuid::from_slice(bytes).ok()?.to_string()),
        Kind::Json => Value::Json(text()?),
        Kind::Jsonb => Value::Json(std::str::from_utf8(bytes.strip_prefix(&[1])?).ok()?.to_owned()),
        Kind::Void => Value::Null,
    })
}

fn time_of_day(micros: i64) -> Option<NaiveTime> {
    // 24:00:00 is a time to PostgreSQL; to everybody else it is the last moment of the day.
    let micros = u64::try_from(micros).ok()?.min(86_399_999_999);
    let nanos = u32::try_from(micros % 1_000_000).ok()? * 1000;
    NaiveTime::from_num_seconds_from_midnight_opt(u32::try_from(micros / 1_000_000).ok()?, nanos)
}

/// Seconds west of Greenwich as `+02:00`.
fn offset(west: i32) -> String {
    let sign = if west <= 0 { '+' } else { '-' };
    let minutes = west.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn timestamp(micros: i64, kind: impl Fn(NaiveDateTime) -> Timestamp) -> Option<Value> {
    Some(match micros {
        i64::MAX => Value::Text("infinity".into()),
        i64::MIN => Value::Text("-infinity".into()),
        micros => {
            kind(epoch().and_time(NaiveTime::default()).checked_add_signed(TimeDelta::microseconds(micros))?).value()
        }
    })
}

/// A parameter for a type of the server; none is NULL. The error says what does not fit.
pub(super) fn encode(value: &Value, info: &PgTypeInfo) -> Result<Option<Vec<u8>>, String> {
    if matches!(value, Value::Null) {
        return Ok(None);
    }
    let name = || info.name().to_ascii_lowercase();
    let Some(kind) = kind(info) else {
        return Err(format!(
            "type `{0}` takes no value directly; write the placeholder as $1::text::{0} and give a text",
            name()
        ));
    };
    let encoded = match kind {
        Kind::Bool => as_bool(value).map(|flag| vec![flag.into()]),
        Kind::Int2 => as_integer(value).and_then(|n| i16::try_from(n).ok()).map(|n| n.to_be_bytes().into()),
        Kind::Int4 => as_integer(value).and_then(|n| i32::try_from(n).ok()).map(|n| n.to_be_bytes().into()),
        Kind::Oid => as_integer(value).and_then(|n| u32::try_from(n).ok()).map(|n| n.to_be_bytes().into()),
        Kind::Int8 => as_integer(value).map(|n| n.to_be_bytes().into()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float4 is what the column holds; the server would round the same way"
        )]
        Kind::Float4 => as_float(value).map(|n| (n as f32).to_be_bytes().into()),
        Kind::Float8 => as_float(value).map(|n| n.to_be_bytes().into()),
        Kind::Numeric => as_numeric(value),
        Kind::Text => as_text(value).map(String::into_bytes),
        Kind::Bytea => as_bytes(value),
        Kind::Date => as_date(value).map(|date| days(date).to_be_bytes().into()),
        Kind::Time => as_time(value).map(|clock| micros_of_day(clock).to_be_bytes().into()),
        Kind::TimeTz => as_time(value).map(|clock| [&micros_of_day(clock).to_be_bytes()[..], &[0; 4]].concat()),
        Kind::Timestamp => as_timestamp(value).and_then(|at| micros(at.local())).map(|n| n.to_be_bytes().into()),
        Kind::TimestampTz => {
            as_timestamp(value).and_then(|at| micros(at.instant().naive_utc())).map(|n| n.to_be_bytes().into())
        }
        Kind::Uuid => as_uuid(value).map(|uuid| uuid.into_bytes().into()),
        Kind::Json => as_json(value).map(String::into_bytes),
        Kind::Jsonb => as_json(value).map(|json| [&[1], json.as_bytes()].concat()),
        Kind::Void => None,
    };
    encoded.map(Some).ok_or_else(|| format!("{} does not fit the type `{}`", describe(value), name()))
}

/// What was given, for an error: short, and without the content of large values.
fn describe(value: &Value) -> String {
    let (case, content) = match value {
        Value::Null => ("null", String::new()),
        Value::Boolean(flag) => ("boolean", flag.to_string()),
        Value::Integer(n) => ("integer", n.to_string()),
        Value::Float(n) => ("float", n.to_string()),
        Value::Bytes(bytes) => ("bytes", format!("{} of them", bytes.len())),
        Value::Decimal(text) => ("decimal", text.clone()),
        Value::Text(text) => ("text", text.clone()),
        Value::Date(text) => ("date", text.clone()),
        Value::Time(text) => ("time", text.clone()),
        Value::Timestamp(text) => ("timestamp", text.clone()),
        Value::Uuid(text) => ("uuid", text.clone()),
        Value::Json(text) => ("json", text.clone()),
    };
    let short: String = content.chars().take(40).collect();
    let dots = if short.len() < content.len() { "..." } else { "" };
    format!("{case} `{short}{dots}`")
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(flag) => Some(*flag),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(n) => Some(*n),
        Value::Decimal(text) | Value::Text(text) => decimal::to_integer(text),
        // Up to 2^63; `as` is exact there.
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        Value::Float(n) if n.fract() == 0.0 && n.abs() < 9_223_372_036_854_775_808.0 => Some(*n as i64),
        _ => None,
    }
}

fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(n) => Some(*n),
        Value::Integer(n) => n.to_string().parse().ok(),
        Value::Decimal(text) | Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn as_numeric(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Integer(n) => decimal::to_postgres(&n.to_string()),
        Value::Float(n) if n.is_nan() => Some(vec![0, 0, 0, 0, 0xC0, 0, 0, 0]),
        Value::Float(n) => decimal::to_postgres(&n.to_string()),
        Value::Decimal(text) | Value::Text(text) => decimal::to_postgres(text),
        _ => None,
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bytes(_) => None,
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Integer(n) => Some(n.to_string()),
        Value::Float(n) => Some(n.to_string()),
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text)
        | Value::Json(text) => Some(text.clone()),
    }
}

fn as_bytes(value: &Value) -> Option<Vec<u8>> {
    if let Value::Bytes(bytes) = value { Some(bytes.clone()) } else { None }
}

fn as_date(value: &Value) -> Option<NaiveDate> {
    if let Value::Date(text) | Value::Text(text) = value { time::parse_date(text) } else { None }
}

fn as_time(value: &Value) -> Option<NaiveTime> {
    if let Value::Time(text) | Value::Text(text) = value { time::parse_time(text) } else { None }
}

fn as_timestamp(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Timestamp(text) => time::parse_timestamp(text),
        Value::Date(text) => midnight(text),
        Value::Text(text) => time::parse_timestamp(text).or_else(|| midnight(text)),
        _ => None,
    }
}

fn midnight(date: &str) -> Option<Timestamp> {
    Some(Timestamp::Local(time::parse_date(date)?.and_time(NaiveTime::default())))
}

fn as_uuid(value: &Value) -> Option<Uuid> {
    if let Value::Uuid(text) | Value::Text(text) = value { Uuid::try_parse(text).ok() } else { None }
}

fn as_json(value: &Value) -> Option<String> {
    match value {
        Value::Json(text) | Value::Text(text) => Some(text.clone()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Integer(n) => Some(n.to_string()),
        Value::Decimal(text) => decimal::parse(text).map(|_| text.clone()),
        _ => None,
    }
}

/// Days since [`epoch`]; chrono's whole calendar fits.
fn days(date: NaiveDate) -> i32 {
    i32::try_from(date.signed_duration_since(epoch()).num_days()).unwrap_or(i32::MAX)
}

fn micros_of_day(clock: NaiveTime) -> i64 {
    clock.signed_duration_since(NaiveTime::default()).num_microseconds().unwrap_or_default()
}

fn micros(at: NaiveDateTime) -> Option<i64> {
    at.signed_duration_since(epoch().and_time(NaiveTime::default())).num_microseconds()
}
