//! What the interface `sql` says, on a tape: every value with its exact type, and readable.
//!
//! Null, booleans, integers and text stand for themselves; every other value is a pair of its case and its text. Floats are
//! text, since not every reader of JSON keeps their last bit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wasmtime::component::Resource;

use super::{Column, Connection, ErrorKind, ResultSet, Row, SqlError, Transaction, Value};
use crate::state::State;

/// What a handle stands for in a replay: nothing but words for the questions that are put to it.
struct Played(String);

/// What statements are put to.
pub(super) trait Subject: Send + 'static {
    /// In the words of a tape.
    fn subject(&self) -> String;
}

impl Subject for Connection {
    fn subject(&self) -> String {
        self.pool.name().to_string()
    }
}

impl Subject for Transaction {
    fn subject(&self) -> String {
        in_transaction(&self.name)
    }
}

/// A transaction of a connection, in the words of a tape.
pub(super) fn in_transaction(connection: &str) -> String {
    format!("{connection}, in a transaction")
}

impl State {
    /// A statement as it is asked: of whom, what, with which parameters.
    pub(super) fn statement<T: Subject>(&self, this: &Resource<T>, statement: &str, parameters: &[Value]) -> String {
        let subject = self.subject(this);
        if parameters.is_empty() {
            return format!("{subject}: {statement}");
        }
        let parameters = serde_json::to_string(parameters).unwrap_or_default();
        format!("{subject}: {statement} {parameters}")
    }

    /// Whom a guest asks.
    pub(super) fn subject<T: Subject>(&self, this: &Resource<T>) -> String {
        let played = || self.table.get(&Resource::<Played>::new_borrow(this.rep())).map(|played| played.0.clone());
        self.table.get(this).map(Subject::subject).or_else(|_| played()).unwrap_or_default()
    }

    /// The handle that a replay gives, where the recorded execution was given one.
    pub(super) fn played<T: 'static, E>(
        &mut self,
        opened: Result<(), E>,
        subject: String,
    ) -> wasmtime::Result<Result<Resource<T>, E>> {
        Ok(match opened {
            Ok(()) => Ok(Resource::new_own(self.table.push(Played(subject))?.rep())),
            Err(failure) => Err(failure),
        })
    }

    /// Drops such a handle.
    pub(super) fn drop_played<T>(&mut self, this: &Resource<T>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Played>::new_own(this.rep()))?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Column", rename_all = "kebab-case")]
struct ColumnForm {
    name: String,
    database_type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ResultSet")]
struct ResultSetForm {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SqlError")]
struct SqlErrorForm {
    kind: ErrorKind,
    message: String,
    code: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ErrorKind", rename_all = "kebab-case")]
enum ErrorKindForm {
    NotGranted,
    Unavailable,
    Timeout,
    Conflict,
    UniqueViolation,
    ForeignKeyViolation,
    NotNullViolation,
    CheckViolation,
    Parameter,
    Statement,
    Closed,
    TooLarge,
    Other,
}

/// The generated types get theirs from these forms.
macro_rules! formed {
    ($($ty:ty: $form:ty,)+) => {$(
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                <$form>::serialize(self, to)
            }
        }

        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$form>::deserialize(from)
            }
        }
    )+};
}

formed! {
    Column: ColumnForm,
    ResultSet: ResultSetForm,
    SqlError: SqlErrorForm,
    ErrorKind: ErrorKindForm,
}

/// The cases that do not stand for themselves.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Case {
    Float,
    Decimal,
    Bytes,
    Date,
    Time,
    Timestamp,
    Uuid,
    Json,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Null(()),
    Boolean(bool),
    Integer(i64),
    Text(String),
    Pair(Case, String),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Boolean(value) => to.serialize_bool(*value),
            Self::Integer(value) => to.serialize_i64(*value),
            Self::Text(text) => to.serialize_str(text),
            // The shortest text that is read as the same number.
            Self::Float(value) => (Case::Float, value.to_string()).serialize(to),
            Self::Bytes(bytes) => (Case::Bytes, STANDARD.encode(bytes)).serialize(to),
            Self::Decimal(text) => (Case::Decimal, text).serialize(to),
            Self::Date(text) => (Case::Date, text).serialize(to),
            Self::Time(text) => (Case::Time, text).serialize(to),
            Self::Timestamp(text) => (Case::Timestamp, text).serialize(to),
            Self::Uuid(text) => (Case::Uuid, text).serialize(to),
            Self::Json(text) => (Case::Json, text).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (case, text) = match Form::deserialize(from)? {
            Form::Null(()) => return Ok(Self::Null),
            Form::Boolean(value) => return Ok(Self::Boolean(value)),
            Form::Integer(value) => return Ok(Self::Integer(value)),
            Form::Text(text) => return Ok(Self::Text(text)),
            Form::Pair(case, text) => (case, text),
        };
        Ok(match case {
            Case::Float => Self::Float(text.parse().map_err(D::Error::custom)?),
            Case::Bytes => Self::Bytes(STANDARD.decode(text).map_err(D::Error::custom)?),
            Case::Decimal => Self::Decimal(text),
            Case::Date => Self::Date(text),
            Case::Time => Self::Time(text),
            Case::Timestamp => Self::Timestamp(text),
            Case::Uuid => Self::Uuid(text),
            Case::Json => Self::Json(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_map(Value::Float),
            any::<String>().prop_map(Value::Text),
            any::<String>().prop_map(Value::Decimal),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<String>().prop_map(Value::Timestamp),
            any::<String>().prop_map(Value::Json),
        ]
    }

    fn back<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        let json = serde_json::to_value(value).unwrap();
        // By text too: that is how a tape is stored.
        let json: serde_json::Value = serde_json::from_str(&json.to_string()).unwrap();
        T::deserialize(&json).unwrap()
    }

    proptest! {
        #[test]
        fn every_value_comes_back_exactly(value in value()) {
            let returned = back(&value);
            match (&value, &returned) {
                (Value::Float(a), Value::Float(b)) if a.is_nan() => prop_assert!(b.is_nan()),
                (Value::Float(a), Value::Float(b)) => prop_assert_eq!(a.to_bits(), b.to_bits()),
                _ => prop_assert_eq!(format!("{value:?}"), format!("{returned:?}")),
            }
        }
    }

    #[test]
    fn common_values_stand_for_themselves() {
        let row = vec![
            Value::Null,
            Value::Boolean(true),
            Value::Integer(i64::MIN),
            Value::Text("a".into()),
            Value::Float(-0.0),
            Value::Bytes(vec![0, 255]),
            Value::Date("2026-11-22".into()),
        ];
        let json = serde_json::to_string(&row).unwrap();
        let expected = r#"[null,true,-9223372036854775808,"a",["float","-0"],["bytes","AP8="],["date","2026-11-22"]]"#;
        assert_eq!(json, expected);
        assert_eq!(format!("{:?}", back(&row)), format!("{row:?}"));
    }

    #[test]
    fn errors_and_results_come_back() {
        let failure: Result<ResultSet, SqlError> =
            Err(SqlError { kind: ErrorKind::UniqueViolation, message: "twice".into(), code: Some("23505".into()) });
        assert_eq!(format!("{:?}", back(&failure)), format!("{failure:?}"));
        let column = Column { name: "a".into(), database_type: "int8".into() };
        let result: Result<ResultSet, SqlError> =
            Ok(ResultSet { columns: vec![column], rows: vec![vec![Value::Integer(1)], vec![Value::Null]] });
        assert_eq!(format!("{:?}", back(&result)), format!("{result:?}"));
    }
}
