//! Runs a listener on the author's own machine, without a host: `cargo test` of a process needs nothing else.
//!
//! A [`Run`] says what the host would: the request, and what sub-processes, databases and other servers answer. Its
//! [`Outcome`] tells what came back, what was logged and what was asked of the databases. It is only there off wasm.
//!
//! ```
//! use auricle_guest::prelude::*;
//! use auricle_guest::testing::Run;
//!
//! fn greet(execution: Execution, _: Vec<Document>) -> Result<Reply, Error> {
//!     let name = execution.query("name").context("who is it?")?;
//!     Ok(Reply::status(201).header("X-Name", &name).text(format!("hello {name}")))
//! }
//!
//! let outcome = Run::new().method("GET").query("name", "Anna").execute(greet);
//! assert_eq!((outcome.status(), outcome.header("x-name").as_deref()), (201, Some("Anna")));
//! assert_eq!(outcome.text(), "hello Anna");
//! assert_eq!(Run::new().execute(greet).failure(), Some("who is it?"));
//! ```

mod outcome;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

pub use outcome::{LogLine, Outcome, Statement};

use crate::execution::Operation;
use crate::host::{self, Database, Server, State, SubProcess};
use crate::reply::IntoReply;
use crate::{Document, Error, Execution, http, logging, sql};

/// What a mocked database answers: rows to a query, or a number of changed rows to an `execute`.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The answer to `query` and `open_query`.
    Rows(sql::Rows),
    /// The answer to `execute`.
    Changed(u64),
}

impl From<sql::Rows> for Answer {
    fn from(rows: sql::Rows) -> Self {
        Self::Rows(rows)
    }
}

impl From<u64> for Answer {
    fn from(count: u64) -> Self {
        Self::Changed(count)
    }
}

/// One execution to be run: the request, and the mocked rest of the world.
///
/// Unless told otherwise it is a REST `execute` of object `Test`, `single-json` in and out, of a process `test` in general
/// mode, with one empty document: what a request without a body gives.
#[must_use = "a run does nothing before `execute`"]
pub struct Run {
    state: State,
    headers: Vec<(String, String)>,
    documents: Option<Vec<Document>>,
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

impl Run {
    /// A run of which nothing is said yet.
    pub fn new() -> Self {
        let operation = Operation {
            kind: "execute".into(),
            object: "Test".into(),
            input: "single-json".into(),
            output: "single-json".into(),
            protocol: "rest".into(),
        };
        let state = State {
            id: "00000000-0000-7000-8000-000000000001".into(),
            process_name: "test".into(),
            mode: "general".into(),
            attempt: 1,
            operation,
            properties: RefCell::default(),
            log: RefCell::default(),
            statements: RefCell::default(),
            processes: BTreeMap::new(),
            databases: BTreeMap::new(),
            dialect: "sqlite".into(),
            server: None,
        };
        Self { state, headers: Vec::new(), documents: None }
    }

    /// The HTTP method, upper-case.
    pub fn method(self, method: &str) -> Self {
        self.property("inmethod", method)
    }

    /// The path from the API's base on.
    pub fn path(self, path: &str) -> Self {
        self.property("inpath", path)
    }

    /// The authenticated user.
    pub fn user(self, user: &str) -> Self {
        self.property("inuser", user)
    }

    /// A path parameter.
    pub fn param(self, name: &str, value: &str) -> Self {
        self.property(&format!("param_{name}"), value)
    }

    /// A query parameter. Given again, it is a further value of the same name.
    pub fn query(self, name: &str, value: &str) -> Self {
        let mut property = format!("query_{name}");
        let mut further = 0;
        while self.state.properties.borrow().contains_key(&property) {
            further += 1;
            property = format!("query_{name}[{further}]");
        }
        self.property(&property, value)
    }

    /// A request header that the host passes on: a property of every document.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((format!("inheader_{name}"), value.to_owned()));
        self
    }

    /// Any other process property.
    pub fn property(self, name: &str, value: &str) -> Self {
        self.state.properties.borrow_mut().insert(name.to_owned(), value.to_owned());
        self
    }

    /// An input document; each call adds one.
    pub fn document(mut self, document: impl Into<Document>) -> Self {
        self.documents.get_or_insert_default().push(document.into());
        self
    }

    /// No input documents at all: what `[]` gives to an input type of `multiple-json`.
    pub fn no_documents(mut self) -> Self {
        self.documents = Some(Vec::new());
        self
    }

    /// The operation being run, whole.
    pub fn operation(mut self, operation: Operation) -> Self {
        self.state.operation = operation;
        self
    }

    /// The operation's output type.
    pub fn output(mut self, output: &str) -> Self {
        self.state.operation.output = output.to_owned();
        self
    }

    /// The process's name in the manifest.
    pub fn process_name(mut self, name: &str) -> Self {
        self.state.process_name = name.to_owned();
        self
    }

    /// The execution's id.
    pub fn id(mut self, id: &str) -> Self {
        self.state.id = id.to_owned();
        self
    }

    /// `general` or `low-latency`.
    pub fn mode(mut self, mode: &str) -> Self {
        self.state.mode = mode.to_owned();
        self
    }

    /// How often this request has been run, this time included.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.state.attempt = attempt;
        self
    }

    /// Another process of the deployment, by what it does with the documents it is called with.
    pub fn sub_process(
        mut self,
        name: &str,
        run: impl Fn(Vec<Document>) -> Result<Vec<Document>, Error> + 'static,
    ) -> Self {
        self.state.processes.insert(name.to_owned(), Rc::new(run) as Rc<SubProcess>);
        self
    }

    /// A connection that is granted, by what its database answers to a statement and its parameters.
    pub fn sql(
        mut self,
        connection: &str,
        database: impl Fn(&str, &[sql::Value]) -> Result<Answer, sql::Error> + 'static,
    ) -> Self {
        self.state.databases.insert(connection.to_owned(), Rc::new(database) as Rc<Database>);
        self
    }

    /// The dialect that every connection says it has; `sqlite` unless told.
    pub fn dialect(mut self, dialect: &str) -> Self {
        self.state.dialect = dialect.to_owned();
        self
    }

    /// All other servers, by what they answer to a request.
    pub fn http(mut self, server: impl Fn(&http::Request) -> Result<http::Response, http::Error> + 'static) -> Self {
        self.state.server = Some(Rc::new(server) as Rc<Server>);
        self
    }

    /// Runs a listener. A panic in it passes through and fails the test, where in the host it would be a trap.
    pub fn execute<R: IntoReply>(self, listener: impl FnOnce(Execution, Vec<Document>) -> R) -> Outcome {
        let mut documents = self.documents.unwrap_or_else(|| vec![Document::default()]);
        for document in &mut documents {
            for (name, value) in &self.headers {
                document.set_property(name, value);
            }
        }
        let state = Rc::new(self.state);
        let result = {
            let _left_at_the_end = host::enter(Rc::clone(&state));
            logging::scoped(|| crate::run(listener, documents))
        };
        Outcome::new(&state, result)
    }

    /// Runs a function that has the `#[start]` attribute, as the host does before the first execution.
    ///
    /// # Errors
    /// What the function returns.
    pub fn start(self, start: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let _left_at_the_end = host::enter(Rc::new(self.state));
        logging::scoped(start)
    }
}

/// Names what is mocked.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("operation", &self.state.operation)
            .field("properties", &self.state.properties.borrow())
            .field("headers", &self.headers)
            .field("documents", &self.documents)
            .field("sub_processes", &self.state.processes.keys())
            .field("connections", &self.state.databases.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(execution: Execution, _: Vec<Document>) -> String {
        execution.property("name").unwrap_or_default()
    }

    #[test]
    fn a_sub_process_can_be_a_run_of_its_own() {
        let inner = |_| Run::new().property("name", "inner").execute(name).into_result();
        let outcome =
            Run::new().property("name", "outer").sub_process("inner", inner).execute(|execution: Execution, _| {
                let mut documents = execution.call("inner", [])?;
                documents.push(Document::from(name(execution, Vec::new())));
                Ok::<_, Error>(documents)
            });
        let texts: Vec<_> = outcome.documents().iter().map(|d| d.text().unwrap()).collect();
        assert_eq!(texts, ["inner", "outer"]);
    }

    #[test]
    fn a_panic_leaves_no_run_behind() {
        let panicked = std::panic::catch_unwind(|| {
            Run::new().property("name", "gone").execute(|_: Execution, _| -> () { panic!("trap") });
        });
        assert!(panicked.is_err());
        assert_eq!(crate::host::properties::get("name"), None);
    }

    #[test]
    fn without_a_run_calls_say_that_there_is_no_host() {
        assert!(sql::Connection::open("erp").unwrap_err().message.contains("testing::Run"));
        let error = http::Request::get("https://a.example").send().unwrap_err();
        assert_eq!(error.kind, http::ErrorKind::NotGranted);
    }

    #[test]
    fn an_answer_of_the_wrong_kind_is_told() {
        let outcome = Run::new()
            .sql("erp", |_, _| Ok(1.into()))
            .execute(|_: Execution, _| sql::Connection::open("erp")?.query("select 1", &[]).map(|_| ()));
        assert!(outcome.failure().is_some_and(|m| m.contains("answer `Rows`")), "{outcome:?}");
    }

    #[test]
    fn start_runs_with_the_mocked_host() {
        let opened = || Ok(sql::Connection::open("erp").map(|_| ())?);
        assert!(Run::new().start(opened).is_err());
        assert!(Run::new().sql("erp", |_, _| Ok(0.into())).start(opened).is_ok());
    }
}
