//! Databases, by the names of the manifest's `connections`. The host owns the connections and pools them.
//!
//! ```
//! use auricle_guest::prelude::*;
//! use auricle_guest::{params, sql};
//!
//! fn rename(execution: Execution, _: Vec<Document>) -> Result<Reply, Error> {
//!     let id = execution.param("Id").context("the path has no Id")?;
//!     let erp = sql::Connection::open("erp")?;
//!     let work = erp.begin()?;
//!     let changed = work.execute("update account set name = $1 where id = $2", params!["New", id])?;
//!     work.commit()?;
//!     Ok(if changed == 0 { Reply::status(404).text("no such account") } else { Reply::new() })
//! }
//!
//! # use auricle_guest::testing::Run;
//! let run = Run::new().param("Id", "7").sql("erp", |statement, parameters| {
//!     assert!(statement.starts_with("update account"));
//!     assert_eq!(parameters, params!["New", "7"]);
//!     Ok(0.into())
//! });
//! assert_eq!(run.execute(rename).status(), 404);
//! ```

mod de;
mod rows;
mod value;

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::rc::Rc;

pub use rows::{Column, ColumnRef, Row, Rows};
pub use value::{FromValue, Value};

use crate::host;

/// Rows that a cursor fetches at a time.
const BATCH: u32 = 256;

/// Makes the parameters of a statement from values of different types: `params![id, name, 3]` is a `&[Value]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        (&[$($crate::sql::Value::from($value)),*] as &[$crate::sql::Value])
    };
}

/// A granted connection. It holds nothing in the database: each statement borrows a connection of the host's pool, so
/// one of these can be kept in a static for the life of an instance.
#[derive(Debug)]
pub struct Connection(host::Connection);

impl Connection {
    /// Opens the connection that the manifest calls so.
    ///
    /// # Errors
    /// [`ErrorKind::NotGranted`] where the process's `connections` do not name it.
    pub fn open(name: &str) -> Result<Self, Error> {
        host::Connection::open(name).map(Self)
    }

    /// `sqlite`, `postgres` or `mysql`.
    pub fn dialect(&self) -> String {
        self.0.dialect()
    }

    /// Runs a statement and takes its whole result. `$1`, `$2` stand for the parameters on SQLite and PostgreSQL;
    /// otherwise placeholders are the database's own.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::TooLarge`] where the host wants the result to be read by [`Connection::open_query`].
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, Error> {
        self.0.query(statement, parameters)
    }

    /// Runs a statement and reads its result piece by piece.
    ///
    /// # Errors
    /// Any [`ErrorKind`], here or from the cursor.
    pub fn open_query(&self, statement: &str, parameters: &[Value]) -> Result<Cursor, Error> {
        self.0.open_query(statement, parameters).map(Cursor::new)
    }

    /// Runs a statement and tells how many rows it changed.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.0.execute(statement, parameters)
    }

    /// Begins a transaction, on a connection of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where the pool has none left.
    pub fn begin(&self) -> Result<Transaction, Error> {
        self.0.begin().map(Transaction)
    }
}

/// A transaction. Dropping it before [`Transaction::commit`], or the end of the execution, rolls it back.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction(host::Transaction);

impl Transaction {
    /// As [`Connection::query`], within the transaction.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub fn query(&self, statement: &str, parameters: &[Value]) -> Result<Rows, Error> {
        self.0.query(statement, parameters)
    }

    /// As [`Connection::open_query`], within the transaction.
    ///
    /// # Errors
    /// Any [`ErrorKind`], here or from the cursor.
    pub fn open_query(&self, statement: &str, parameters: &[Value]) -> Result<Cursor, Error> {
        self.0.open_query(statement, parameters).map(Cursor::new)
    }

    /// As [`Connection::execute`], within the transaction.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    pub fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.0.execute(statement, parameters)
    }

    /// Makes everything done in the transaction last.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] where the whole transaction may be tried again, or any other kind.
    pub fn commit(self) -> Result<(), Error> {
        self.0.commit()
    }

    /// Undoes everything done in the transaction.
    ///
    /// # Errors
    /// Where the database could not be told; the transaction is over all the same.
    pub fn rollback(self) -> Result<(), Error> {
        self.0.rollback()
    }
}

/// The rows of a result, fetched 256 at a time as they are asked for. It ends after an error.
#[derive(Debug)]
pub struct Cursor {
    cursor: host::Cursor,
    columns: Rc<[Column]>,
    fetched: VecDeque<Vec<Value>>,
    ended: bool,
}

impl Cursor {
    fn new(cursor: host::Cursor) -> Self {
        let columns = cursor.columns().into();
        Self { cursor, columns, fetched: VecDeque::new(), ended: false }
    }

    /// The columns of each row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl Iterator for Cursor {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.is_empty() && !self.ended {
            match self.cursor.next(BATCH) {
                Ok(rows) => {
                    self.ended = rows.is_empty();
                    self.fetched = rows.into();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.fetched.pop_front().map(|values| Ok(Row::new(Rc::clone(&self.columns), values)))
    }
}

impl FusedIterator for Cursor {}

/// In what way a statement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The manifest does not grant this process a connection of that name.
    NotGranted,
    /// The database cannot be reached, or the pool gave no connection in time. Trying again may help.
    Unavailable,
    /// The statement ran into its deadline.
    Timeout,
    /// Deadlock or serialization failure: the whole transaction may be tried again.
    Conflict,
    /// A value that has to be unique is there already.
    UniqueViolation,
    /// A row is referred to that is not there, or is removed while it is referred to.
    ForeignKeyViolation,
    /// A column that needs a value was given none.
    NotNullViolation,
    /// A check of the table refused a value.
    CheckViolation,
    /// A parameter does not fit, or there are too many or too few.
    Parameter,
    /// The statement itself: syntax, an unknown table or column, a missing right.
    Statement,
    /// The transaction is already ended.
    Closed,
    /// A result larger than the host allows in one piece: use [`Connection::open_query`].
    TooLarge,
    /// What a column holds is not what the process asked for. Only from this crate, never from the host.
    Conversion,
    /// Anything else.
    Other,
}

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In what way.
    pub kind: ErrorKind,
    /// The database's words, or the host's.
    pub message: String,
    /// SQLSTATE, or SQLite's extended result code, as the database gave it.
    pub code: Option<String>,
}

impl Error {
    /// An error without a code: what a mocked database answers with.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} (code {code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::{Document, Execution};
    use crate::testing::Run;

    fn numbers(count: i64) -> Rows {
        (1..=count).fold(Rows::of(["n"]), |rows, n| rows.row([n]))
    }

    #[test]
    fn a_cursor_gives_every_row_in_order() {
        let outcome = Run::new().sql("erp", |_, _| Ok(numbers(600).into())).execute(|_: Execution, _| {
            let mut cursor = Connection::open("erp")?.open_query("select n from t", &[])?;
            assert_eq!(cursor.columns()[0].name, "n");
            let read = cursor.by_ref().map(|row| row?.get::<i64>("n")).collect::<Result<Vec<_>, _>>()?;
            assert_eq!(read, (1..=600).collect::<Vec<_>>());
            assert!(cursor.next().is_none());
            Ok::<_, Error>(())
        });
        assert_eq!(outcome.failure(), None);
    }

    #[test]
    fn the_mock_notes_what_was_run_and_how_transactions_ended() {
        let run = Run::new().sql("erp", |_, _| Ok(1.into()));
        let outcome = run.execute(|_: Execution, _: Vec<Document>| {
            let erp = Connection::open("erp")?;
            let kept = erp.begin()?;
            kept.execute("insert into t values ($1)", params![1])?;
            kept.commit()?;
            let dropped = erp.begin()?;
            dropped.execute("delete from t", &[])?;
            drop(dropped);
            erp.begin()?.rollback()?;
            Ok::<_, Error>(())
        });
        let texts: Vec<_> = outcome.statements().iter().map(|s| s.text.as_str()).collect();
        let insert = "insert into t values ($1)";
        assert_eq!(texts, ["begin", insert, "commit", "begin", "delete from t", "rollback", "begin", "rollback"]);
        assert_eq!(outcome.statements()[1].parameters, [Value::Integer(1)]);
    }

    #[test]
    fn a_connection_that_is_not_granted_says_so() {
        let outcome = Run::new().sql("erp", |_, _| Ok(1.into())).execute(|_: Execution, _| {
            let error = Connection::open("crm").unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotGranted);
            Err::<(), _>(error)
        });
        assert!(outcome.failure().is_some_and(|m| m.contains("`crm`")), "{outcome:?}");
    }
}
