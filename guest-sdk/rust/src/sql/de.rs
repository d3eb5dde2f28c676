//! Rows into structs, by serde. A number is read as whatever number the field wants, a boolean from SQLite's 0 and 1,
//! and what travels as text from its text.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{Column, Error, ErrorKind, Value};

/// Reads a row into a `T`.
pub(super) fn row<T: DeserializeOwned>(columns: &[Column], values: Vec<Value>) -> Result<T, Error> {
    let cells =
        columns.iter().map(|column| column.name.as_str()).zip(values).map(|(name, value)| (name, Cell { name, value }));
    T::deserialize(MapDeserializer::new(cells)).map_err(|Failed(message)| Error::new(ErrorKind::Conversion, message))
}

/// A value, with the name of its column for errors.
struct Cell<'a> {
    name: &'a str,
    value: Value,
}

/// Serde's error; its text becomes that of an [`Error`].
#[derive(Debug)]
struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl de::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'de> IntoDeserializer<'de, Failed> for Cell<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads by `as_..` where the value is such a one, and by its own kind otherwise, so that serde's own error tells what
/// was there and what was wanted.
macro_rules! read_as {
    ($($method:ident: $as:ident => $visit:ident,)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
            match self.value.$as() {
                Some(read) => at(self.name, visitor.$visit(read)),
                None => self.deserialize_any(visitor),
            }
        })+
    };
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(b) => visitor.visit_bool(b),
            Value::Integer(n) => visitor.visit_i64(n),
            Value::Float(n) => visitor.visit_f64(n),
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::Json(text) => {
                let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| failed(self.name, e))?;
                return json.deserialize_any(visitor).map_err(|e| failed(self.name, e));
            }
            Value::Decimal(text)
            | Value::Text(text)
            | Value::Date(text)
            | Value::Time(text)
            | Value::Timestamp(text)
            | Value::Uuid(text) => visitor.visit_string(text),
        };
        at(self.name, read)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let Some(text) = self.value.as_str() else {
            return Err(failed(self.name, format_args!("a value of kind {} is no {name}", self.value.kind())));
        };
        let text: de::value::StrDeserializer<'_, Failed> = text.into_deserializer();
        at(self.name, text.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.value {
            Value::Json(text) => at(self.name, visitor.visit_string(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_string(visitor)
    }

    read_as! {
        deserialize_bool: as_bool => visit_bool,
        deserialize_i8: as_i64 => visit_i64,
        deserialize_i16: as_i64 => visit_i64,
        deserialize_i32: as_i64 => visit_i64,
        deserialize_i64: as_i64 => visit_i64,
        deserialize_u8: as_i64 => visit_i64,
        deserialize_u16: as_i64 => visit_i64,
        deserialize_u32: as_i64 => visit_i64,
        deserialize_u64: as_i64 => visit_i64,
        deserialize_f32: as_f64 => visit_f64,
        deserialize_f64: as_f64 => visit_f64,
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// An error of a column.
fn failed(column: &str, error: impl fmt::Display) -> Failed {
    Failed(format!("column `{column}`: {error}"))
}

/// Names the column in what went wrong, once.
fn at<T>(column: &str, read: Result<T, Failed>) -> Result<T, Failed> {
    read.map_err(
        |Failed(message)| if message.starts_with("column `") { Failed(message) } else { failed(column, message) },
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::{Rows, Value};

    #[derive(Debug, Deserialize, PartialEq)]
    enum Tier {
        Gold,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(i64);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Everything {
        active: bool,
        large: Wrapped,
        day: String,
        tags: Vec<String>,
        raw: serde_json::Value,
        tier: Tier,
    }

    #[test]
    fn each_kind_is_read_as_the_field_wants_it() {
        let rows = Rows::of(["active", "large", "day", "tags", "raw", "tier", "not-wanted"]).row([
            Value::Integer(1),
            Value::Decimal("9007199254740993".into()),
            Value::Date("2026-11-22".into()),
            Value::Json(r#"["a","b"]"#.into()),
            Value::Json(r#"{"a":1}"#.into()),
            "Gold".into(),
            Value::Null,
        ]);
        let expected = Everything {
            active: true,
            large: Wrapped(9_007_199_254_740_993),
            day: "2026-11-22".into(),
            tags: vec!["a".into(), "b".into()],
            raw: serde_json::json!({ "a": 1 }),
            tier: Tier::Gold,
        };
        assert_eq!(rows.first().unwrap().deserialize::<Everything>().unwrap(), expected);
    }

    #[test]
    fn an_error_names_its_column_and_both_types() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only what is refused matters")]
        struct Narrow {
            small: u8,
        }

        let error =
            |value: Value| Rows::of(["small"]).row([value]).first().unwrap().deserialize::<Narrow>().unwrap_err();
        assert_eq!(error(300.into()).message, "column `small`: invalid value: integer `300`, expected u8");
        assert!(error("x".into()).message.starts_with("column `small`: invalid type: string \"x\""));
    }
}
