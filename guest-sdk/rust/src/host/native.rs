//! The backend off wasm: what a [`Run`](crate::testing::Run) says the host would answer. A thread has a stack of runs, so
//! that a mocked sub-process can be a run of its own. Without a run there is no host: properties are unset, what is
//! logged goes nowhere, and calls fail with an error that names `testing::Run`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::execution::Operation;
use crate::logging::Level;
use crate::testing::{Answer, LogLine, Statement};
use crate::{http, sql};

/// Why a call outside of any run fails.
const NO_HOST: &str = "there is no host outside of a component: run the listener with `auricle_guest::testing::Run`";

/// Document properties of this prefix are found in any case, because HTTP header names have none.
const HEADER_PREFIX: &str = "inheader_";

pub(crate) type SubProcess = dyn Fn(Vec<crate::Document>) -> Result<Vec<crate::Document>, crate::Error>;
pub(crate) type Database = dyn Fn(&str, &[sql::Value]) -> Result<Answer, sql::Error>;
pub(crate) type Server = dyn Fn(&http::Request) -> Result<http::Response, http::Error>;

/// The host of one run.
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) process_name: String,
    pub(crate) mode: String,
    pub(crate) attempt: u32,
    pub(crate) operation: Operation,
    pub(crate) properties: RefCell<BTreeMap<String, String>>,
    pub(crate) log: RefCell<Vec<LogLine>>,
    pub(crate) statements: RefCell<Vec<Statement>>,
    pub(crate) processes: BTreeMap<String, Rc<SubProcess>>,
    pub(crate) databases: BTreeMap<String, Rc<Database>>,
    pub(crate) dialect: String,
    pub(crate) server: Option<Rc<Server>>,
}

thread_local! {
    static RUNS: RefCell<Vec<Rc<State>>> = const { RefCell::new(Vec::new()) };
}

/// Makes this the host of the thread until the guard is dropped, by a panic too.
#[must_use]
pub(crate) fn enter(state: Rc<State>) -> impl Drop {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            RUNS.with_borrow_mut(Vec::pop);
        }
    }
    RUNS.with_borrow_mut(|runs| runs.push(state));
    Leave
}

fn current() -> Option<Rc<State>> {
    RUNS.with_borrow(|runs| runs.last().cloned())
}

/// A document whose body is here. Changed through a shared handle, as the host's is.
#[derive(Debug, Default)]
pub(crate) struct Document {
    body: RefCell<Vec<u8>>,
    properties: RefCell<BTreeMap<String, String>>,
}

impl Document {
    pub(crate) fn new(body: &[u8]) -> Self {
        Self { body: RefCell::new(body.to_vec()), properties: RefCell::default() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.body.borrow().len() as u64
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.body.borrow().clone()
    }

    pub(crate) fn text(&self) -> Option<String> {
        String::from_utf8(self.data()).ok()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let body = self.body.borrow();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(body.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        body.iter().skip(offset).take(length).copied().collect()
    }

    pub(crate) fn append(&self, bytes: &[u8]) {
        self.body.borrow_mut().extend_from_slice(bytes);
    }

    pub(crate) fn property(&self, name: &str) -> Option<String> {
        let properties = self.properties.borrow();
        let header = |n: &str| n.get(..HEADER_PREFIX.len()).is_some_and(|p| p.eq_ignore_ascii_case(HEADER_PREFIX));
        let any_case = || properties.iter().find(|(n, _)| header(name) && n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        properties.get(name).or_else(any_case).cloned()
    }

    pub(crate) fn set_property(&self, name: &str, value: &str) {
        self.properties.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn properties(&self) -> Vec<(String, String)> {
        self.properties.borrow().clone().into_iter().collect()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self { body: self.body.clone(), properties: self.properties.clone() }
    }
}

pub(crate) mod properties {
    use super::current;

    pub(crate) fn get(name: &str) -> Option<String> {
        current()?.properties.borrow().get(name).cloned()
    }

    pub(crate) fn set(name: &str, value: &str) {
        if let Some(state) = current() {
            state.properties.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) fn entries() -> Vec<(String, String)> {
        current().map(|state| state.properties.borrow().clone().into_iter().collect()).unwrap_or_default()
    }
}

pub(crate) mod execution {
    use super::{Level, LogLine, Operation, current};

    pub(crate) fn log(level: Level, message: &str) {
        if let Some(state) = current() {
            state.log.borrow_mut().push(LogLine { level, message: message.to_owned() });
        }
    }

    pub(crate) fn id() -> String {
        current().map(|state| state.id.clone()).unwrap_or_default()
    }

    pub(crate) fn process_name() -> String {
        current().map(|state| state.process_name.clone()).unwrap_or_default()
    }

    pub(crate) fn mode() -> String {
        current().map_or_else(|| "general".to_owned(), |state| state.mode.clone())
    }

    pub(crate) fn attempt() -> u32 {
        current().map_or(1, |state| state.attempt)
    }

    pub(crate) fn operation() -> Operation {
        current().map(|state| state.operation.clone()).unwrap_or_default()
    }
}

pub(crate) fn call(process: &str, documents: Vec<Document>) -> Result<Vec<Document>, String> {
    let state = current().ok_or(NO_HOST)?;
    let Some(run) = state.processes.get(process).cloned() else {
        let known = state.processes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("no process `{process}` is mocked: the run has [{known}]; add it by `Run::sub_process`"));
    };
    let documents = documents.into_iter().map(crate::Document::from_host).collect();
    let returned = run(documents).map_err(|error| error.message().to_owned())?;
    Ok(returned.into_iter().map(crate::Document::into_host).collect())
}

/// A mocked database, and the run that notes what is asked of it.
#[derive(Clone)]
struct Session {
    name: String,
    database: Rc<Database>,
    state: Rc<State>,
}

impl Session {
    fn note(&self, text: &str, parameters: &[sql::Value]) {
        let statement = Statement { connection: self.name.clone(), text: text.into(), parameters: parameters.into() };
        self.state.statements.borrow_mut().push(statement);
    }

    fn answer(&self, statement: &str, parameters: &[sql::Value]) -> Result<Answer, sql::Error> {
        self.note(statement, parameters);
        (self.database)(statement, parameters)
    }

    fn query(&self, statement: &str, parameters: &[sql::Value]) -> Result<sql::Rows, sql::Error> {
        match self.answer(statement, parameters)? {
            Answer::Rows(rows) => Ok(rows),
            Answer::Changed(_) => Err(wrong_answer("queried", "a number of changed rows", "`Rows`", statement)),
        }
    }

    fn open_query(&self, statement: &str, parameters: &[sql::Value]) -> Result<Cursor, sql::Error> {
        let (columns, rows) = self.query(statement, parameters)?.into_parts();
        Ok(Cursor { columns, rows: RefCell::new(rows.into()) })
    }

    fn execute(&self, statement: &str, parameters: &[sql::Value]) -> Result<u64, sql::Error> {
        match self.answer(statement, parameters)? {
            Answer::Changed(count) => Ok(count),
            Answer::Rows(_) => Err(wrong_answer("executed", "rows", "a number", statement)),
        }
    }
}

fn wrong_answer(done: &str, given: &str, wanted: &str, statement: &str) -> sql::Error {
    let message = format!("the mock answers {given} where the process has {done} `{statement}`: answer {wanted}");
    sql::Error::new(sql::ErrorKind::Other, message)
}

/// The calls that a connection and a transaction have in common.
macro_rules! statements {
    ($type:ident) => {
        impl $type {
            pub(crate) fn query(&self, statement: &str, parameters: &[sql::Value]) -> Result<sql::Rows, sql::Error> {
                self.session.query(statement, parameters)
            }

            pub(crate) fn open_query(&self, statement: &str, parameters: &[sql::Value]) -> Result<Cursor, sql::Error> {
                self.session.open_query(statement, parameters)
            }

            pub(crate) fn execute(&self, statement: &str, parameters: &[sql::Value]) -> Result<u64, sql::Error> {
                self.session.execute(statement, parameters)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($type)).field(&self.session.name).finish()
            }
        }
    };
}

pub(crate) struct Connection {
    session: Session,
}

statements!(Connection);

impl Connection {
    pub(crate) fn open(name: &str) -> Result<Self, sql::Error> {
        let state = current().ok_or_else(|| sql::Error::new(sql::ErrorKind::Unavailable, NO_HOST))?;
        match state.databases.get(name).cloned() {
            Some(database) => Ok(Self { session: Session { name: name.to_owned(), database, state } }),
            None => {
                let message = format!("no connection `{name}` is mocked: add it by `Run::sql`");
                Err(sql::Error::new(sql::ErrorKind::NotGranted, message))
            }
        }
    }

    pub(crate) fn dialect(&self) -> String {
        self.session.state.dialect.clone()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host can fail to begin")]
    pub(crate) fn begin(&self) -> Result<Transaction, sql::Error> {
        self.session.note("begin", &[]);
        Ok(Transaction { session: self.session.clone(), ended: Cell::new(false) })
    }
}

/// Notes how it ended; dropping it is a rollback.
pub(crate) struct Transaction {
    session: Session,
    ended: Cell<bool>,
}

statements!(Transaction);

impl Transaction {
    #[expect(clippy::unnecessary_wraps, reason = "the host can fail to commit")]
    pub(crate) fn commit(self) -> Result<(), sql::Error> {
        self.end("commit");
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host can fail to roll back")]
    pub(crate) fn rollback(self) -> Result<(), sql::Error> {
        self.end("rollback");
        Ok(())
    }

    fn end(&self, how: &str) {
        if !self.ended.replace(true) {
            self.session.note(how, &[]);
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.end("rollback");
    }
}

#[derive(Debug)]
pub(crate) struct Cursor {
    columns: Vec<sql::Column>,
    rows: RefCell<VecDeque<Vec<sql::Value>>>,
}

impl Cursor {
    pub(crate) fn columns(&self) -> Vec<sql::Column> {
        self.columns.clone()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the host can fail to fetch")]
    pub(crate) fn next(&self, limit: u32) -> Result<Vec<Vec<sql::Value>>, sql::Error> {
        let mut rows = self.rows.borrow_mut();
        let count = rows.len().min(limit as usize);
        Ok(rows.drain(..count).collect())
    }
}

pub(crate) fn send(request: http::Request) -> Result<http::Response, http::Error> {
    let server = current().and_then(|state| state.server.clone()).ok_or_else(|| {
        let message = format!("{} is not granted: no server is mocked, add one by `Run::http`", request.url);
        http::Error::new(http::ErrorKind::NotGranted, message)
    })?;
    server(&request)
}
