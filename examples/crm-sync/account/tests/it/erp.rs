//! A mocked host whose connection `erp` is a real SQLite database in memory, so that the SQL itself is tested.

use std::rc::Rc;

use auricle_guest::sql::{Error, ErrorKind, Rows, Value};
use auricle_guest::testing::{Answer, Run};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, params_from_iter, types};

/// The ERP's database, with the table that the processes make at their start.
pub(crate) struct Erp(Rc<Connection>);

impl Erp {
    pub(crate) fn new() -> Self {
        let erp = Self(Rc::new(Connection::open_in_memory().unwrap()));
        erp.run().start(account::prepare).unwrap();
        erp
    }

    /// An execution that may use this database.
    pub(crate) fn run(&self) -> Run {
        let database = Rc::clone(&self.0);
        Run::new().sql("erp", move |statement, parameters| {
            answer(&database, statement, parameters).map_err(|failed| error(&failed))
        })
    }
}

/// What a host says whose database is away.
pub(crate) fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "the database is away")
}

fn answer(database: &Connection, statement: &str, parameters: &[Value]) -> rusqlite::Result<Answer> {
    let mut statement = database.prepare(statement)?;
    let parameters = params_from_iter(parameters.iter().map(bound));
    if statement.column_count() == 0 {
        return Ok((statement.execute(parameters)? as u64).into());
    }
    let columns = statement.column_count();
    let mut answer = Rows::of(statement.column_names());
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        answer = answer.row((0..columns).map(|at| read(row.get_ref(at).unwrap())));
    }
    Ok(answer.into())
}

fn bound(parameter: &Value) -> types::Value {
    match parameter {
        Value::Integer(whole) => (*whole).into(),
        Value::Text(text) => text.clone().into(),
        other => panic!("on SQLite a process binds integers and text, not {}", other.kind()),
    }
}

fn read(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(whole) => whole.into(),
        ValueRef::Text(text) => String::from_utf8(text.to_owned()).unwrap().into(),
        other => panic!("the table holds integers and text, not {}", other.data_type()),
    }
}

fn error(error: &rusqlite::Error) -> Error {
    let unique = error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation);
    Error::new(if unique { ErrorKind::UniqueViolation } else { ErrorKind::Statement }, error.to_string())
}
