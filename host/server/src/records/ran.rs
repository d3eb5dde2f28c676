//! An execution that is over, with everything that its record is made of. It shares documents and properties with whoever
//! has them: making it copies no large body.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auricle_api::route::Endpoint;
use auricle_model::{Document, Execution, Failure, LogLine, Outcome, Properties, RecordKind, RecordSummary, Tape};
use auricle_store::Digest;
use serde_json::Value;

use crate::deploy::Active;
use crate::limits::SHRUNK_MESSAGE;

/// Bytes of the documents that went in up to which they are copied: a larger body fills its buffer well enough.
const DETACHED_BYTES: usize = 16 << 10;

/// The process property that names the method of the request.
const METHOD: &str = "inmethod";

/// What is known of an execution that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// As it was asked for.
    pub(crate) execution: Execution,
    /// What it came to.
    pub(crate) outcome: Outcome,
    /// Why the documents that it returned could not be sent.
    pub(crate) unsendable: Option<Failure>,
    /// Version of the deployment that it ran in.
    pub(crate) version: u32,
    /// Its package.
    pub(crate) package: Option<Digest>,
    /// The route that was taken.
    pub(crate) endpoint: Option<Arc<Endpoint>>,
    /// The authenticated caller.
    pub(crate) user: Option<String>,
    /// The caller's address.
    pub(crate) client: Option<IpAddr>,
    /// Whether its caller asked to debug.
    pub(crate) debug: bool,
    /// When it was asked for.
    pub(crate) began_at: SystemTime,
    /// Status of the answer.
    pub(crate) status: Option<u16>,
    /// What the host dropped or ignored of the answer.
    pub(crate) notes: Vec<String>,
    /// What it took beside running.
    pub(crate) times: Times,
}

/// How long the steps before and after an execution took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// From the request's head to its last byte.
    pub(crate) read: Duration,
    /// Body into documents.
    pub(crate) inbound: Duration,
    /// Documents into the response.
    pub(crate) outbound: Duration,
}

impl Ran {
    /// What is known where no request waits.
    pub(crate) fn new(active: &Active, execution: Execution, outcome: Outcome, began_at: SystemTime) -> Self {
        Self {
            version: active.version,
            package: active.packages.get(&*execution.process).copied(),
            execution,
            outcome,
            unsendable: None,
            endpoint: None,
            user: None,
            client: None,
            debug: false,
            began_at,
            status: None,
            notes: Vec::new(),
            times: Times::default(),
        }
    }

    /// Why its caller has no documents.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.unsendable.as_ref().or(self.outcome.result.as_ref().err())
    }

    /// The documents that it returned, whether they could be sent or not.
    pub(super) fn returned(&self) -> &[Document] {
        self.outcome.result.as_deref().unwrap_or_default()
    }

    /// Bytes that it holds, about.
    pub(super) fn cost(&self) -> usize {
        let bodies = |documents: &[Document]| -> usize {
            documents.iter().map(|document| size_of::<Document>() + document.data.len()).sum()
        };
        let Execution { properties, documents, .. } = &self.execution;
        // Those of a request share their properties; those that come back seldom do.
        let headers = documents.first().map_or(0, |first| first.properties.size());
        let returned: usize = self.returned().iter().map(|document| document.properties.size()).sum();
        let log: usize = self.outcome.log.iter().map(|line| size_of::<LogLine>() + line.message.len()).sum();
        let tape = self.outcome.tape.as_deref().map_or(0, tape_cost);
        let own = size_of::<Self>() + properties.size() + headers + returned + log + tape;
        own + bodies(documents) + bodies(self.returned())
    }

    /// Lets go of the buffers that the request was read into: a body that is a small part of one would hold all of it.
    pub(super) fn detach(&mut self) {
        let documents = &mut self.execution.documents;
        if documents.iter().map(|document| document.data.len()).sum::<usize>() <= DETACHED_BYTES {
            documents.iter_mut().for_each(|document| document.data = document.data.to_vec().into());
        }
    }

    /// Lets go of everything but what a summary is made of.
    pub(super) fn shrink(&mut self) {
        let mut few = Properties::new();
        if let Some(method) = self.execution.properties.get(METHOD) {
            few.set(METHOD, method);
        }
        self.execution.properties = few;
        self.execution.documents = Vec::new();
        self.outcome.log = Vec::new();
        self.outcome.tape = None;
        self.notes = Vec::new();
        match &mut self.outcome.result {
            Ok(documents) => *documents = Vec::new(),
            // Summaries are bounded in number: each has to be small.
            Err(failure) if failure.message.len() > SHRUNK_MESSAGE => {
                let end = failure.message.floor_char_boundary(SHRUNK_MESSAGE);
                failure.message = failure.message.get(..end).unwrap_or_default().to_owned();
            }
            Err(_) => {}
        }
    }

    /// What it is found by.
    pub(super) fn summary(&self, environment: &str, kind: RecordKind) -> RecordSummary {
        let Self { execution, outcome, endpoint, .. } = self;
        let method = execution.properties.get(METHOD).unwrap_or_default();
        RecordSummary {
            id: outcome.id,
            environment: environment.to_owned(),
            version: self.version,
            process: execution.process.to_string(),
            api: endpoint.as_ref().and_then(|endpoint| endpoint.api.clone()),
            route: endpoint.as_ref().map(|endpoint| format!("{method} {}", endpoint.route)),
            protocol: execution.protocol,
            mode: outcome.mode,
            attempt: execution.attempt,
            debug: self.debug,
            began_at: self.began_at,
            user: self.user.clone(),
            status: self.status,
            failure: self.failure().map(|failure| failure.kind),
            waited_us: micros(outcome.waited),
            ran_us: micros(outcome.ran),
            kind,
            trace_id: execution.trace.as_ref().map(|trace| trace.trace_id().to_string()),
        }
    }
}

/// A time as records have it.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn tape_cost(tape: &Tape) -> usize {
    tape.entries.iter().map(|entry| entry.call.len() + entry.asked.len() + value_cost(&entry.answer)).sum()
}

/// Not nested deeper than the engine writes answers.
fn value_cost(value: &Value) -> usize {
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_cost).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + value_cost(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inner
}
