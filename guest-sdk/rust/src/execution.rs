//! The execution that is going on: what was asked, by whom, and how it is run.
//!
//! Each accessor is one call of the host and costs the copy of its answer; none of them fails.

use std::rc::Rc;

use crate::{Document, Error, host};

/// The execution that is going on. The host makes it; a listener gets it.
#[derive(Debug)]
pub struct Execution {
    /// The first document, kept for its headers: each document of a request has the same.
    first: Option<Rc<host::Document>>,
}

/// What is declared of the operation being run, as the route that was taken has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// `get`, `query`, `create`, `update`, `upsert`, `delete` or `execute`.
    pub kind: String,
    /// The effective object name; may be empty.
    pub object: String,
    /// `none`, `single-data`, `single-xml`, `multiple-xml`, `single-json` or `multiple-json`.
    pub input: String,
    /// The same six.
    pub output: String,
    /// How it was called: `rest`, `simple`, `soap`, `odata`, `process` (as a sub-process) or `invoke`.
    pub protocol: String,
}

impl Execution {
    pub(crate) fn of(documents: &[Document]) -> Self {
        Self { first: documents.first().map(Document::share) }
    }

    /// A path parameter: `param("Id")` is the process property `param_Id`, set by a route with `{Id}` in its path.
    pub fn param(&self, name: &str) -> Option<String> {
        self.property(&format!("param_{name}"))
    }

    /// The first value of a query parameter: the process property `query_{name}`. A key without value is `""`.
    pub fn query(&self, name: &str) -> Option<String> {
        self.property(&format!("query_{name}"))
    }

    /// Every value of a repeated query parameter, in the order sent: `query_{name}`, `query_{name}[1]` and so on.
    pub fn queries(&self, name: &str) -> Vec<String> {
        let more = (1..).map_while(|n| self.property(&format!("query_{name}[{n}]")));
        self.query(name).into_iter().chain(more).collect()
    }

    /// A request header, by its name in any case: the document property `inheader_{name}` of the first document. Only
    /// there when the host passes this header on, and the operation has an input type other than `none`.
    pub fn header(&self, name: &str) -> Option<String> {
        self.first.as_ref()?.property(&format!("inheader_{name}"))
    }

    /// The request's HTTP method, upper-case; none when no HTTP request is behind this execution.
    pub fn method(&self) -> Option<String> {
        self.property("inmethod")
    }

    /// The request's path from the API's base on, as sent, without the query.
    pub fn path(&self) -> Option<String> {
        self.property("inpath")
    }

    /// The authenticated user; none when nobody had to say who they are.
    pub fn user(&self) -> Option<String> {
        self.property("inuser")
    }

    /// A dynamic process property, or none when it was never set. Names are case-sensitive.
    pub fn property(&self, name: &str) -> Option<String> {
        host::properties::get(name)
    }

    /// Sets or replaces a process property. This process and the sub-processes it then calls can read it.
    pub fn set_property(&self, name: &str, value: &str) {
        host::properties::set(name, value);
    }

    /// All process properties, ordered by name.
    pub fn properties(&self) -> Vec<(String, String)> {
        host::properties::entries()
    }

    /// The execution's id, also sent as `X-Execution-Id`. A sub-process has an id of its own.
    pub fn id(&self) -> String {
        host::execution::id()
    }

    /// Name of the process, as in the manifest.
    pub fn process_name(&self) -> String {
        host::execution::process_name()
    }

    /// `general` or `low-latency`. A sub-process runs in its caller's mode.
    pub fn mode(&self) -> String {
        host::execution::mode()
    }

    /// 1, and one more each time that a queued request is run again.
    pub fn attempt(&self) -> u32 {
        host::execution::attempt()
    }

    /// The operation as the route that was taken has it.
    pub fn operation(&self) -> Operation {
        host::execution::operation()
    }

    /// Runs another process of the same deployment and waits for what it returns. It gets these documents, a copy of the
    /// process properties, and the rest of this execution's time.
    ///
    /// # Errors
    /// When it failed, or could not be run; the message names it.
    pub fn call(&self, process: &str, documents: impl IntoIterator<Item = Document>) -> Result<Vec<Document>, Error> {
        let documents = documents.into_iter().map(Document::into_host).collect();
        match host::call(process, documents) {
            Ok(returned) => Ok(returned.into_iter().map(Document::from_host).collect()),
            Err(message) => Err(Error::new(format_args!("sub-process `{process}`: {message}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::testing::Run;

    #[test]
    fn a_request_is_seen_through_the_accessors() {
        let outcome = Run::new()
            .method("PATCH")
            .path("/crm/Account/7")
            .user("anna")
            .param("Id", "7")
            .query("tag", "a")
            .query("tag", "b")
            .header("Content-Type", "text/csv")
            .document("x")
            .attempt(2)
            .execute(|execution: Execution, _: Vec<Document>| {
                assert_eq!(execution.method().as_deref(), Some("PATCH"));
                assert_eq!(execution.path().as_deref(), Some("/crm/Account/7"));
                assert_eq!(execution.user().as_deref(), Some("anna"));
                assert_eq!(execution.param("Id").as_deref(), Some("7"));
                assert_eq!(execution.param("id"), None);
                assert_eq!(execution.query("tag").as_deref(), Some("a"));
                assert_eq!(execution.queries("tag"), ["a", "b"]);
                assert_eq!(execution.queries("other"), [""; 0]);
                assert_eq!(execution.header("content-TYPE").as_deref(), Some("text/csv"));
                assert_eq!(execution.attempt(), 2);
                execution.set_property("seen", "yes");
            });
        assert_eq!(outcome.failure(), None);
        assert_eq!(outcome.property("seen"), Some("yes"));
    }

    #[test]
    fn a_failed_sub_process_is_named() {
        let run = || {
            Run::new().sub_process("upper", |documents| {
                let [document] = documents.as_slice() else { bail!("one document is wanted") };
                Ok(vec![document.text()?.to_uppercase().into()])
            })
        };
        let called =
            run().document("abc").execute(|execution: Execution, documents| execution.call("upper", documents));
        assert_eq!(called.text(), "ABC");
        let failed = run().execute(|execution: Execution, _| execution.call("upper", []));
        assert_eq!(failed.failure(), Some("sub-process `upper`: one document is wanted"));
        let missing = run().execute(|execution: Execution, _| execution.call("lower", []));
        assert!(missing.failure().is_some_and(|m| m.contains("`lower`") && m.contains("upper")), "{missing:?}");
    }
}
