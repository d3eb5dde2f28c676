//! What came of a mocked execution.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::host::State;
use crate::logging::Level;
use crate::{Document, Error, sql};

/// A line of the execution's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its weight.
    pub level: Level,
    /// What was said.
    pub message: String,
}

/// A statement that a mocked database was given. Transactions leave `begin`, `commit` and `rollback`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Name of the connection.
    pub connection: String,
    /// As the process wrote it.
    pub text: String,
    /// As the process bound them.
    pub parameters: Vec<sql::Value>,
}

/// What came of a [`Run`](super::Run).
#[derive(Debug)]
pub struct Outcome {
    result: Result<Vec<Document>, Error>,
    properties: BTreeMap<String, String>,
    log: Vec<LogLine>,
    statements: Vec<Statement>,
}

impl Outcome {
    pub(super) fn new(state: &State, result: Result<Vec<Document>, Error>) -> Self {
        Self { result, properties: state.properties.take(), log: state.log.take(), statements: state.statements.take() }
    }

    /// The documents returned; none when it failed.
    pub fn documents(&self) -> &[Document] {
        self.result.as_deref().unwrap_or_default()
    }

    /// The documents returned, or the failure: what a mocked sub-process hands on.
    ///
    /// # Errors
    /// When it failed.
    pub fn into_result(self) -> Result<Vec<Document>, Error> {
        self.result
    }

    /// The message of the failure; none when it went well.
    pub fn failure(&self) -> Option<&str> {
        self.result.as_ref().err().map(Error::message)
    }

    /// The status that a caller over REST or simple HTTP would see: 500 after a failure, the first document's
    /// `outstatuscode`, or 200.
    pub fn status(&self) -> u16 {
        if self.result.is_err() {
            return 500;
        }
        let set = self.documents().first().and_then(|document| document.property("outstatuscode"));
        // What is no number is a 500 from the host too.
        set.map_or(200, |status| status.parse().unwrap_or(500))
    }

    /// A response header, by its name in any case: the first document's `outheader_{name}`.
    pub fn header(&self, name: &str) -> Option<String> {
        let wanted = format!("outheader_{name}");
        let properties = self.documents().first()?.properties();
        properties.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(&wanted)).map(|(_, value)| value)
    }

    /// The text of all documents, one after the other; what is not UTF-8 in them is replaced. Empty after a failure.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.documents().iter().flat_map(Document::bytes).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The only document, read as JSON.
    ///
    /// # Errors
    /// The failure itself; or where there is not one document, or not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.result {
            Err(failure) => Err(Error::new(failure)),
            Ok(documents) => match documents.as_slice() {
                [document] => document.json(),
                several => Err(Error::new(format_args!("{} documents came back, and not one", several.len()))),
            },
        }
    }

    /// A process property as the execution left it.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// What was logged, in order.
    pub fn log(&self) -> &[LogLine] {
        &self.log
    }

    /// What the mocked databases were given, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use crate::testing::Run;

    #[test]
    fn status_and_headers_are_those_a_caller_would_see() {
        let outcome = Run::new().execute(|_: Execution, _| Reply::status(404).header("X-Why", "gone").text("no"));
        assert_eq!((outcome.status(), outcome.header("x-why").as_deref()), (404, Some("gone")));
        let failed = Run::new().execute(|_: Execution, _| Err::<(), _>(Error::new("broken")));
        assert_eq!((failed.status(), failed.failure()), (500, Some("broken")));
        assert_eq!(failed.json::<String>().unwrap_err().message(), "broken");
        let two = Run::new().execute(|_: Execution, _| Reply::documents(["1", "2"].map(Document::from)));
        assert_eq!((two.status(), two.text()), (200, "12".into()));
        assert!(two.json::<u32>().is_err());
    }
}
