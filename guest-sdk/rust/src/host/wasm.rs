//! The backend in a component: the generated bindings. Types are turned into this crate's own by moving what they hold.

use crate::bindings::process::auricle::process as wit;
use crate::execution::Operation;
use crate::logging::Level;
use crate::{http, sql};

#[derive(Debug)]
pub(crate) struct Document(wit::documents::Document);

impl Document {
    pub(crate) fn new(body: &[u8]) -> Self {
        Self(wit::documents::Document::new(body))
    }

    pub(crate) fn from_raw(raw: wit::documents::Document) -> Self {
        Self(raw)
    }

    pub(crate) fn into_raw(self) -> wit::documents::Document {
        self.0
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.0.data()
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.0.text()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        self.0.read(offset, length)
    }

    pub(crate) fn append(&self, bytes: &[u8]) {
        self.0.append(bytes);
    }

    pub(crate) fn property(&self, name: &str) -> Option<String> {
        self.0.property(name)
    }

    pub(crate) fn set_property(&self, name: &str, value: &str) {
        self.0.set_property(name, value);
    }

    pub(crate) fn properties(&self) -> Vec<(String, String)> {
        self.0.properties()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

pub(crate) mod properties {
    pub(crate) use super::wit::process_properties::{entries, get, set};
}

pub(crate) mod execution {
    use super::{Level, Operation, wit};
    pub(crate) use wit::execution::{attempt, id, mode, process_name};

    pub(crate) fn log(level: Level, message: &str) {
        let level = match level {
            Level::Trace => wit::execution::Level::Trace,
            Level::Debug => wit::execution::Level::Debug,
            Level::Info => wit::execution::Level::Info,
            Level::Warn => wit::execution::Level::Warn,
            Level::Error => wit::execution::Level::Error,
        };
        wit::execution::log(level, message);
    }

    pub(crate) fn operation() -> Operation {
        let wit::execution::Operation { kind, object, input, output, protocol } = wit::execution::current_operation();
        Operation { kind, object, input, output, protocol }
    }
}

pub(crate) fn call(process: &str, documents: Vec<Document>) -> Result<Vec<Document>, String> {
    let documents = documents.into_iter().map(Document::into_raw).collect();
    let returned = wit::processes::call(process, documents)?;
    Ok(returned.into_iter().map(Document).collect())
}

/// The calls that a connection and a transaction have in common.
macro_rules! statements {
    ($type:ident) => {
        impl $type {
            pub(crate) fn query(&self, statement: &str, parameters: &[sql::Value]) -> Result<sql::Rows, sql::Error> {
                let result = self.0.query(statement, &to_wit(parameters)).map_err(sql_error)?;
                Ok(sql::Rows::new(columns(result.columns), rows(result.rows)))
            }

            pub(crate) fn open_query(&self, statement: &str, parameters: &[sql::Value]) -> Result<Cursor, sql::Error> {
                self.0.open_query(statement, &to_wit(parameters)).map(Cursor).map_err(sql_error)
            }

            pub(crate) fn execute(&self, statement: &str, parameters: &[sql::Value]) -> Result<u64, sql::Error> {
                self.0.execute(statement, &to_wit(parameters)).map_err(sql_error)
            }
        }
    };
}

#[derive(Debug)]
pub(crate) struct Connection(wit::sql::Connection);

statements!(Connection);

impl Connection {
    pub(crate) fn open(name: &str) -> Result<Self, sql::Error> {
        wit::sql::Connection::open(name).map(Self).map_err(sql_error)
    }

    pub(crate) fn dialect(&self) -> String {
        self.0.dialect()
    }

    pub(crate) fn begin(&self) -> Result<Transaction, sql::Error> {
        self.0.begin().map(Transaction).map_err(sql_error)
    }
}

#[derive(Debug)]
pub(crate) struct Transaction(wit::sql::Transaction);

statements!(Transaction);

impl Transaction {
    pub(crate) fn commit(self) -> Result<(), sql::Error> {
        self.0.commit().map_err(sql_error)
    }

    pub(crate) fn rollback(self) -> Result<(), sql::Error> {
        self.0.rollback().map_err(sql_error)
    }
}

#[derive(Debug)]
pub(crate) struct Cursor(wit::sql::Cursor);

impl Cursor {
    pub(crate) fn columns(&self) -> Vec<sql::Column> {
        columns(self.0.columns())
    }

    pub(crate) fn next(&self, limit: u32) -> Result<Vec<Vec<sql::Value>>, sql::Error> {
        self.0.next(limit).map(rows).map_err(sql_error)
    }
}

fn columns(columns: Vec<wit::sql::Column>) -> Vec<sql::Column> {
    columns.into_iter().map(|wit::sql::Column { name, database_type }| sql::Column { name, database_type }).collect()
}

fn rows(rows: Vec<Vec<wit::sql::Value>>) -> Vec<Vec<sql::Value>> {
    rows.into_iter().map(|row| row.into_iter().map(from_wit).collect()).collect()
}

fn from_wit(value: wit::sql::Value) -> sql::Value {
    use sql::Value as Own;
    use wit::sql::Value as Wit;
    match value {
        Wit::Null => Own::Null,
        Wit::Boolean(b) => Own::Boolean(b),
        Wit::Integer(n) => Own::Integer(n),
        Wit::Float(n) => Own::Float(n),
        Wit::Decimal(text) => Own::Decimal(text),
        Wit::Text(text) => Own::Text(text),
        Wit::Bytes(bytes) => Own::Bytes(bytes),
        Wit::Date(text) => Own::Date(text),
        Wit::Time(text) => Own::Time(text),
        Wit::Timestamp(text) => Own::Timestamp(text),
        Wit::Uuid(text) => Own::Uuid(text),
        Wit::Json(text) => Own::Json(text),
    }
}

fn to_wit(parameters: &[sql::Value]) -> Vec<wit::sql::Value> {
    use sql::Value as Own;
    use wit::sql::Value as Wit;
    let one = |value: &sql::Value| match value {
        Own::Null => Wit::Null,
        Own::Boolean(b) => Wit::Boolean(*b),
        Own::Integer(n) => Wit::Integer(*n),
        Own::Float(n) => Wit::Float(*n),
        Own::Decimal(text) => Wit::Decimal(text.clone()),
        Own::Text(text) => Wit::Text(text.clone()),
        Own::Bytes(bytes) => Wit::Bytes(bytes.clone()),
        Own::Date(text) => Wit::Date(text.clone()),
        Own::Time(text) => Wit::Time(text.clone()),
        Own::Timestamp(text) => Wit::Timestamp(text.clone()),
        Own::Uuid(text) => Wit::Uuid(text.clone()),
        Own::Json(text) => Wit::Json(text.clone()),
    };
    parameters.iter().map(one).collect()
}

fn sql_error(error: wit::sql::SqlError) -> sql::Error {
    use sql::ErrorKind as Own;
    use wit::sql::ErrorKind as Wit;
    let kind = match error.kind {
        Wit::NotGranted => Own::NotGranted,
        Wit::Unavailable => Own::Unavailable,
        Wit::Timeout => Own::Timeout,
        Wit::Conflict => Own::Conflict,
        Wit::UniqueViolation => Own::UniqueViolation,
        Wit::ForeignKeyViolation => Own::ForeignKeyViolation,
        Wit::NotNullViolation => Own::NotNullViolation,
        Wit::CheckViolation => Own::CheckViolation,
        Wit::Parameter => Own::Parameter,
        Wit::Statement => Own::Statement,
        Wit::Closed => Own::Closed,
        Wit::TooLarge => Own::TooLarge,
        Wit::Other => Own::Other,
    };
    sql::Error { kind, message: error.message, code: error.code }
}

pub(crate) fn send(request: http::Request) -> Result<http::Response, http::Error> {
    let timeout_ms = request.timeout_ms();
    let http::Request { method, url, headers, body, .. } = request;
    let body = body.map(|document| document.into_host().into_raw());
    let request = wit::http_client::Request { method, url, headers, body, timeout_ms };
    let response = wit::http_client::send(request).map_err(http_error)?;
    Ok(http::Response {
        status: response.status,
        headers: response.headers,
        document: crate::Document::from_host(Document(response.body)),
    })
}

fn http_error(error: wit::http_client::HttpError) -> http::Error {
    use http::ErrorKind as Own;
    use wit::http_client::HttpErrorKind as Wit;
    let kind = match error.kind {
        Wit::NotGranted => Own::NotGranted,
        Wit::InvalidRequest => Own::InvalidRequest,
        Wit::Unreachable => Own::Unreachable,
        Wit::Timeout => Own::Timeout,
        Wit::TooLarge => Own::TooLarge,
        Wit::Protocol => Own::Protocol,
    };
    http::Error { kind, message: error.message }
}
