//! The value of a field on its three ways: out of a request's JSON or XML, into and out of the database, into an answer's JSON.

use auricle_guest::sql;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::field::LARGEST_INTEGER;
use crate::{Decimal, Dialect, Id, Kind, Timestamp};

/// What a field holds when it is not null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Id`].
    Id(Id),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Decimal`].
    Decimal(Decimal),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Timestamp`].
    Timestamp(Timestamp),
}

impl Value {
    /// Reads a field of a request; none for null, and for an empty text, which Salesforce does not tell from null.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the field's name.
    pub fn from_json(kind: Kind, raw: &RawValue) -> Result<Option<Self>, String> {
        let raw = raw.get();
        if matches!(raw, "null" | "\"\"") {
            return Ok(None);
        }
        match kind {
            Kind::Decimal | Kind::Integer => Self::from_text(kind, number(raw)?),
            Kind::Id | Kind::Text(_) | Kind::Timestamp => Self::from_text(kind, &text(raw)?),
        }
    }

    /// Reads a field that is written as text, as in XML; none for an empty one.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the field's name.
    pub fn from_text(kind: Kind, text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        match kind {
            Kind::Id => Id::parse(text).map(Self::Id),
            Kind::Text(longest) => limited(text.to_owned(), longest).map(Self::Text),
            Kind::Decimal => Decimal::parse(text).map(Self::Decimal),
            Kind::Integer => Decimal::parse(text)?
                .whole()
                .filter(|whole| (0..=LARGEST_INTEGER).contains(whole))
                .map(Self::Integer)
                .ok_or_else(|| format!("must be a whole number from 0 to {LARGEST_INTEGER}")),
            Kind::Timestamp => Timestamp::parse(text).map(Self::Timestamp),
        }
        .map(Some)
    }

    /// Reads a column of the table.
    ///
    /// # Errors
    /// Where somebody else wrote what this kind of field cannot hold.
    pub fn from_column(kind: Kind, column: &sql::Value) -> Result<Option<Self>, String> {
        if column.is_null() {
            return Ok(None);
        }
        match kind {
            Kind::Id => column.as_str().map(Id::parse).transpose()?.map(Self::Id),
            Kind::Text(_) => column.as_str().map(|text| Self::Text(text.to_owned())),
            Kind::Decimal => column.as_str().map(Decimal::parse).transpose()?.map(Self::Decimal),
            Kind::Integer => column.as_i64().map(Self::Integer),
            Kind::Timestamp => column.as_str().map(Timestamp::parse).transpose()?.map(Self::Timestamp),
        }
        .map_or_else(|| Err(format!("is of the type {} in the table", column.kind())), |value| Ok(Some(value)))
    }

    /// The parameter of a statement. SQLite has neither exact decimals nor times: there they are text.
    pub fn to_parameter(&self, dialect: Dialect) -> sql::Value {
        match (self, dialect) {
            (Self::Id(id), _) => sql::Value::Text(id.to_string()),
            (Self::Text(text), _) => sql::Value::Text(text.clone()),
            (Self::Integer(whole), _) => sql::Value::Integer(*whole),
            (Self::Decimal(decimal), Dialect::Sqlite) => sql::Value::Text(decimal.to_string()),
            (Self::Decimal(decimal), Dialect::Postgres) => sql::Value::Decimal(decimal.to_string()),
            (Self::Timestamp(moment), Dialect::Sqlite) => sql::Value::Text(moment.to_string()),
            (Self::Timestamp(moment), Dialect::Postgres) => sql::Value::Timestamp(moment.to_string()),
        }
    }
}

/// The text in a JSON string.
fn text(raw: &str) -> Result<String, String> {
    serde_json::from_str(raw).map_err(|_| "must be text, in quotes".to_owned())
}

/// A text that the table can hold.
fn limited(text: String, longest: usize) -> Result<String, String> {
    if text.chars().count() > longest {
        return Err(format!("must have at most {longest} characters"));
    }
    if text.contains('\0') {
        // PostgreSQL has no such text, and would refuse it with an error that names no field.
        return Err("must not contain the character U+0000".to_owned());
    }
    Ok(text)
}

/// A JSON number's own digits: through a float it would lose some.
fn number(raw: &str) -> Result<&str, String> {
    if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        Ok(raw)
    } else {
        Err("must be a number, without quotes".to_owned())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => serializer.collect_str(id),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(whole) => serializer.serialize_i64(*whole),
            Self::Timestamp(moment) => serializer.collect_str(moment),
            // With its own digits, which neither f64 nor a JSON library's number type would keep.
            Self::Decimal(decimal) => {
                RawValue::from_string(decimal.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, json: &str) -> Result<Option<Value>, String> {
        Value::from_json(kind, &RawValue::from_string(json.to_owned()).unwrap())
    }

    fn written(kind: Kind, json: &str) -> String {
        serde_json::to_string(&read(kind, json).unwrap()).unwrap()
    }

    #[test]
    fn json_comes_back_as_it_was_meant() {
        assert_eq!(written(Kind::Decimal, "1234567890123456.78"), "1234567890123456.78");
        assert_eq!(written(Kind::Decimal, "5e6"), "5000000");
        assert_eq!(written(Kind::Integer, "120.0"), "120");
        assert_eq!(written(Kind::Text(9), r#""\u00e9\"""#), r#""é\"""#);
        assert_eq!(written(Kind::Text(9), "null"), "null");
        assert_eq!(written(Kind::Text(9), r#""""#), "null");
        assert_eq!(written(Kind::Timestamp, r#""2026-11-22T13:45:00.000+0000""#), r#""2026-11-22T13:45:00.000Z""#);
    }

    #[test]
    fn a_value_of_another_type_or_size_is_refused() {
        for (kind, json, reason) in [
            (Kind::Decimal, r#""12""#, "without quotes"),
            (Kind::Decimal, "true", "without quotes"),
            (Kind::Decimal, "[1]", "without quotes"),
            (Kind::Integer, "1.5", "whole number"),
            (Kind::Integer, "-1", "whole number"),
            (Kind::Integer, "100000000", "whole number"),
            (Kind::Text(3), "42", "in quotes"),
            (Kind::Text(3), r#""abcd""#, "at most 3"),
            (Kind::Text(3), r#""a\u0000""#, "U+0000"),
            (Kind::Id, r#""1""#, "15 or 18"),
        ] {
            let error = read(kind, json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
        assert!(read(Kind::Text(3), r#""äöü""#).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn a_column_is_read_in_the_types_of_both_databases() {
        let decimal = Some(Value::Decimal(Decimal::parse("12.5").unwrap()));
        for column in [sql::Value::Decimal("12.50".into()), sql::Value::Text("12.5".into())] {
            assert_eq!(Value::from_column(Kind::Decimal, &column), Ok(decimal.clone()));
        }
        let moment = Some(Value::Timestamp(Timestamp::parse("2026-11-22T13:45:00.25Z").unwrap()));
        for column in [
            sql::Value::Timestamp("2026-11-22T13:45:00.25Z".into()),
            sql::Value::Text("2026-11-22T13:45:00.250Z".into()),
        ] {
            assert_eq!(Value::from_column(Kind::Timestamp, &column), Ok(moment.clone()));
        }
        assert_eq!(Value::from_column(Kind::Integer, &sql::Value::Null), Ok(None));
        assert!(Value::from_column(Kind::Integer, &sql::Value::Text("many".into())).unwrap_err().contains("text"));
    }
}
