//! One value of a database, either way, and what Rust makes of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Error, ErrorKind};

/// One value. Decimals, dates and the rest travel as text in one fixed spelling; they have cases of their own so that a
/// parameter reaches the database with its right type, and so that a decimal read can be written as a JSON number.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false. SQLite has none: it gives integers, which [`Value::as_bool`] takes too.
    Boolean(bool),
    /// From the host only between -(2^53-1) and 2^53-1: what lies outside arrives as [`Value::Decimal`]. Any as parameter.
    Integer(i64),
    /// Binary floating point.
    Float(f64),
    /// Digits with an optional sign and point, no exponent: `-12.50`. Also a large integer.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// `2026-11-22`
    Date(String),
    /// `13:45:00.25`, without an offset.
    Time(String),
    /// RFC 3339: `2026-11-22T13:45:00.25Z`. Without an offset for a column that has no time zone.
    Timestamp(String),
    /// In lower case with hyphens.
    Uuid(String),
    /// A JSON text.
    Json(String),
}

impl Value {
    /// Whether it is null.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A whole number: an integer, or a decimal that is one and fits (`9007199254740993`, `12.00`).
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            Self::Decimal(text) => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                fraction.bytes().all(|b| b == b'0').then(|| whole.parse().ok())?
            }
            _ => None,
        }
    }

    /// Any number, as near as an `f64` comes to it.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "as near as an f64 comes")]
            Self::Integer(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            Self::Decimal(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A boolean; also the integers 0 and 1, since SQLite has no booleans.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(b) => Some(*b),
            Self::Integer(0) => Some(false),
            Self::Integer(1) => Some(true),
            _ => None,
        }
    }

    /// The text of everything that travels as text: text, decimal, date, time, timestamp, UUID, JSON.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text)
            | Self::Decimal(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Uuid(text)
            | Self::Json(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes, or the UTF-8 of text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// What kind of value it is, as the WIT calls it: `integer`, `decimal`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Decimal(_) => "decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Date(_) => "date",
            Self::Time(_) => "time",
            Self::Timestamp(_) => "timestamp",
            Self::Uuid(_) => "uuid",
            Self::Json(_) => "json",
        }
    }
}

/// To JSON: a decimal becomes a number with exactly its digits (when written by `serde_json` to text), JSON becomes
/// itself, bytes become base64, dates and the like become strings.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Boolean(b) => serializer.serialize_bool(*b),
            Self::Integer(n) => serializer.serialize_i64(*n),
            Self::Float(n) => serializer.serialize_f64(*n),
            // A spelling that JSON does not have, such as NaN, stays readable as a string.
            Self::Decimal(text) | Self::Json(text) => match serde_json::from_str::<&RawValue>(text) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            Self::Text(text) | Self::Date(text) | Self::Time(text) | Self::Timestamp(text) | Self::Uuid(text) => {
                serializer.serialize_str(text)
            }
            Self::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

macro_rules! from {
    ($($type:ty => |$given:ident| $value:expr,)+) => {
        $(impl From<$type> for Value {
            fn from($given: $type) -> Self {
                $value
            }
        })+
    };
}

from! {
    bool => |b| Self::Boolean(b),
    i8 => |n| Self::Integer(n.into()),
    i16 => |n| Self::Integer(n.into()),
    i32 => |n| Self::Integer(n.into()),
    i64 => |n| Self::Integer(n),
    u8 => |n| Self::Integer(n.into()),
    u16 => |n| Self::Integer(n.into()),
    u32 => |n| Self::Integer(n.into()),
    u64 => |n| i64::try_from(n).map_or_else(|_| Self::Decimal(n.to_string()), Self::Integer),
    // By its digits: 0.1 stays 0.1, and does not become 0.10000000149011612.
    f32 => |n| Self::Float(n.to_string().parse().unwrap_or_else(|_| n.into())),
    f64 => |n| Self::Float(n),
    String => |text| Self::Text(text),
    &String => |text| Self::Text(text.clone()),
    &str => |text| Self::Text(text.to_owned()),
    Vec<u8> => |bytes| Self::Bytes(bytes),
    &[u8] => |bytes| Self::Bytes(bytes.to_owned()),
    serde_json::Value => |json| Self::Json(json.to_string()),
    &serde_json::Value => |json| Self::Json(json.to_string()),
    &Value => |value| value.clone(),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A Rust type that a value can be read as.
#[diagnostic::on_unimplemented(
    message = "a column cannot be read as `{Self}`",
    note = "read it as bool, an integer, f64, String, Vec<u8>, serde_json::Value, sql::Value, or an Option of these"
)]
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`], with what was there and what was wanted.
    fn from_value(value: &Value) -> Result<Self, Error>;
}

/// The error of [`FromValue`].
fn mismatch<T>(value: &Value) -> Error {
    let wanted = std::any::type_name::<T>();
    let hint = if value.is_null() { ": read it as an `Option`" } else { "" };
    Error::new(ErrorKind::Conversion, format!("a value of kind {} cannot be read as {wanted}{hint}", value.kind()))
}

macro_rules! read {
    ($($type:ty => |$value:ident| $read:expr,)+) => {
        $(impl FromValue for $type {
            fn from_value($value: &Value) -> Result<Self, Error> {
                $read.ok_or_else(|| mismatch::<Self>($value))
            }
        })+
    };
}

read! {
    bool => |value| value.as_bool(),
    i16 => |value| value.as_i64().and_then(|n| n.try_into().ok()),
    i32 => |value| value.as_i64().and_then(|n| n.try_into().ok()),
    i64 => |value| value.as_i64(),
    u16 => |value| value.as_i64().and_then(|n| n.try_into().ok()),
    u32 => |value| value.as_i64().and_then(|n| n.try_into().ok()),
    u64 => |value| match value {
        Value::Decimal(text) => text.parse().ok(),
        _ => value.as_i64().and_then(|n| n.try_into().ok()),
    },
    f64 => |value| value.as_f64(),
    String => |value| value.as_str().map(str::to_owned),
    Vec<u8> => |value| value.as_bytes().map(<[u8]>::to_vec),
    serde_json::Value => |value| serde_json::to_value(value).ok(),
    Value => |value| Some(value.clone()),
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, Error> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.into())
    }

    #[test]
    fn a_whole_number_is_read_from_integer_and_decimal() {
        assert_eq!(Value::Integer(7).as_i64(), Some(7));
        assert_eq!(decimal("9007199254740993").as_i64(), Some(9_007_199_254_740_993));
        assert_eq!(decimal("-12.00").as_i64(), Some(-12));
        assert_eq!(decimal("12.50").as_i64(), None);
        assert_eq!(decimal("99999999999999999999").as_i64(), None);
        assert_eq!(u64::from_value(&u64::MAX.into()).unwrap(), u64::MAX);
        assert_eq!(Value::Integer(1).as_bool(), Some(true));
        assert_eq!(Value::Integer(2).as_bool(), None);
    }

    #[test]
    fn json_keeps_the_digits_of_a_decimal() {
        let json = |value: &Value| serde_json::to_string(value).unwrap();
        assert_eq!(json(&decimal("12345678901234567890.10")), "12345678901234567890.10");
        assert_eq!(json(&decimal("NaN")), "\"NaN\"");
        assert_eq!(json(&Value::Json("{\"a\": 1}".into())), "{\"a\": 1}");
        assert_eq!(json(&Value::Date("2026-11-22".into())), "\"2026-11-22\"");
        assert_eq!(json(&Value::Bytes(vec![0, 255])), "\"AP8=\"");
        assert_eq!(json(&Value::Null), "null");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let error = i64::from_value(&Value::Null).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conversion);
        assert_eq!(error.message, "a value of kind null cannot be read as i64: read it as an `Option`");
        assert_eq!(Option::<i64>::from_value(&Value::Null).unwrap(), None);
        assert!(i16::from_value(&Value::Integer(70_000)).is_err());
    }

    #[test]
    fn a_single_keeps_its_digits() {
        assert_eq!(Value::from(0.1_f32), Value::Float(0.1));
        assert_eq!(Value::from(f32::INFINITY), Value::Float(f64::INFINITY));
        assert!(matches!(Value::from(f32::NAN), Value::Float(n) if n.is_nan()));
    }

    proptest! {
        #[test]
        fn what_is_bound_is_read_back(n: i64, u: u64, f in proptest::num::f64::NORMAL, s: String, b: Vec<u8>) {
            prop_assert_eq!(i64::from_value(&n.into()).unwrap(), n);
            prop_assert_eq!(u64::from_value(&u.into()).unwrap(), u);
            prop_assert_eq!(f64::from_value(&f.into()).unwrap(), f);
            prop_assert_eq!(String::from_value(&s.as_str().into()).unwrap(), s);
            prop_assert_eq!(Vec::<u8>::from_value(&b.as_slice().into()).unwrap(), b);
        }
    }
}
