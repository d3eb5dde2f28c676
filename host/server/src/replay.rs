//! A recorded execution run again: what it is made of, and what is different afterwards. For the host and for
//! `auricle executions replay --here`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use auricle_model::{
    Document, Execution, ExecutionRecord, FailureKind, Mode, Operation, Outcome, Phases, Properties, RecordKind,
    RecordSummary, RecordedDocument, Taping,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::admin::wire::Difference;
use crate::deploy;
use crate::records::REDACTED;

/// Bytes of a document that a difference shows.
const SHOWN: usize = 2_000;

/// Why a record cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// Only a summary was kept.
    #[error("only a summary was recorded: the host had fallen behind with its records")]
    Summary,
    /// What went in is not what is recorded.
    #[error(
        "what went in was recorded in part, cut or redacted: record more ([server.records] max-document-bytes, redact), \
         or ask with `X-Boomi-Debug: true` next time"
    )]
    Altered,
    /// A document of the record cannot be read.
    #[error("a document of the record cannot be read: {0}")]
    Damaged(String),
    /// It has no tape, and the outside was not asked for.
    #[error(
        "the record has no tape of what it saw of the outside (a debug run, `X-Boomi-Debug: true`, leaves one): replay it \
         live, against the databases and servers of now, if that may be"
    )]
    NoTape,
}

/// What to run: the recorded documents, properties, id and attempt, in a fresh instance. Where there is a tape, it plays;
/// else the outside of now is there, which has to be asked for by `live`. `operation` is that of the version it is run in;
/// none for the recorded one.
///
/// # Errors
///
/// What went in is not there as it was, or there is no tape and `live` is not set.
pub fn execution(
    record: &ExecutionRecord,
    live: bool,
    operation: Option<Arc<Operation>>,
) -> Result<Execution, NotReplayable> {
    if record.summary.kind == RecordKind::Summary {
        return Err(NotReplayable::Summary);
    }
    let taping = match &record.tape {
        Some(tape) => Taping::Play(Arc::new(tape.clone())),
        None if live => Taping::Off,
        None => return Err(NotReplayable::NoTape),
    };
    if is_redacted(&record.properties) {
        return Err(NotReplayable::Altered);
    }
    let operation = operation.unwrap_or_else(|| Arc::new(record.operation.clone()));
    let summary = &record.summary;
    let mut execution = Execution::new(summary.process.as_str(), operation, summary.protocol);
    execution.id = summary.id;
    execution.attempt = summary.attempt;
    execution.mode = Some(Mode::General);
    execution.properties = record.properties.clone();
    execution.documents = record.documents_in.iter().map(document).collect::<Result<_, _>>()?;
    execution.taping = taping;
    Ok(execution)
}

fn is_redacted(properties: &Properties) -> bool {
    properties.iter().any(|(_, value)| value == REDACTED)
}

fn document(recorded: &RecordedDocument) -> Result<Document, NotReplayable> {
    if recorded.altered || is_redacted(&recorded.properties) {
        return Err(NotReplayable::Altered);
    }
    let data = match (&recorded.text, &recorded.base64) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(coded)) => BASE64.decode(coded).map_err(|e| NotReplayable::Damaged(e.to_string()))?,
        (None, None) if recorded.size == 0 => Vec::new(),
        (None, None) => return Err(NotReplayable::Altered),
    };
    Ok(Document::with_properties(data, recorded.properties.clone()))
}

/// What is different: status, failure, documents and log. Times are not looked at. What was recorded in part is compared as
/// far as it is there.
pub fn differences(record: &ExecutionRecord, operation: &Operation, outcome: &Outcome) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut note = |what: String, before: Value, after: Value| {
        if before != after {
            all.push(Difference { what, before, after });
        }
    };
    if let Some(before) = record.summary.status {
        let after = if operation.is_receipt() { before } else { deploy::status(operation, &outcome.result) };
        note("status".to_owned(), before.into(), after.into());
    }
    let failure = outcome.result.as_ref().err();
    let told = |kind: Option<&str>, message: Option<&str>| match kind {
        Some(kind) => json!({ "kind": kind, "message": message }),
        None => Value::Null,
    };
    let before = told(record.summary.failure.map(FailureKind::name), record.message.as_deref());
    let after = told(failure.map(|f| f.kind.name()), failure.map(|f| f.message.as_str()));
    note("failure".to_owned(), before, after);

    let documents = outcome.result.as_deref().unwrap_or_default();
    note("documents".to_owned(), record.documents_out.len().into(), documents.len().into());
    for (nth, (before, after)) in record.documents_out.iter().zip(documents).enumerate() {
        compare(nth, before, after, &mut note);
    }
    let lines = |log: &[auricle_model::LogLine]| -> Value {
        log.iter().map(|line| format!("{} {}", line.level, line.message)).collect::<Vec<_>>().into()
    };
    note("log".to_owned(), lines(&record.log), lines(&outcome.log));
    all
}

fn compare(nth: usize, before: &RecordedDocument, after: &Document, note: &mut impl FnMut(String, Value, Value)) {
    let what = format!("document[{nth}]");
    if before.altered {
        // A beginning, or something redacted: only its length is left to be compared.
        note(what, json!({ "size": before.size }), json!({ "size": after.data.len() }));
        return;
    }
    let is_same = match (&before.text, &before.base64) {
        (Some(text), _) => after.data == *text.as_bytes(),
        (None, Some(coded)) => *coded == BASE64.encode(after.data.contiguous()),
        (None, None) => before.size == after.data.len() as u64,
    };
    if !is_same {
        let old = before.text.as_deref().map_or_else(|| Value::from(before.base64.clone()), shown);
        let new = after.text().map_or_else(|| BASE64.encode(after.data.contiguous()).into(), |text| shown(&text));
        if old == new {
            // The same as far as it is shown.
            note(what.clone(), json!({ "size": before.size, "end": Value::Null }), json!({ "size": after.data.len() }));
        } else {
            note(what.clone(), old, new);
        }
    }
    note(format!("{what}.properties"), properties(&before.properties), properties(&after.properties));
}

/// What a replay did, told as a record of the same execution: with the version that it was run in, all of its documents and
/// the times of this run.
pub fn record(of: &ExecutionRecord, version: u32, operation: &Operation, outcome: &Outcome) -> ExecutionRecord {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let failure = outcome.result.as_ref().err();
    let mut record = of.clone();
    record.summary = RecordSummary {
        version,
        mode: outcome.mode,
        began_at: SystemTime::now().checked_sub(outcome.waited + outcome.ran).unwrap_or(SystemTime::UNIX_EPOCH),
        status: of.summary.status.map(|_| deploy::status(operation, &outcome.result)),
        failure: failure.map(|failure| failure.kind),
        waited_us: micros(outcome.waited),
        ran_us: micros(outcome.ran),
        ..of.summary.clone()
    };
    record.message = failure.map(|failure| failure.message.clone());
    record.operation = operation.clone();
    record.package = None;
    record.documents_out = outcome.result.as_deref().unwrap_or_default().iter().map(recorded).collect();
    record.log = outcome.log.clone();
    record.notes = Vec::new();
    record.phases = Phases {
        waited_us: micros(outcome.waited),
        instantiated_us: micros(outcome.instantiated),
        ran_us: micros(outcome.ran),
        ..Phases::default()
    };
    record.cpu_us = micros(outcome.cpu);
    record.memory = outcome.memory;
    record.uses = outcome.uses;
    record.instance_age_us = micros(outcome.instance_age);
    record.tape = None;
    record
}

fn recorded(document: &Document) -> RecordedDocument {
    let text = document.text().map(Cow::into_owned);
    RecordedDocument {
        size: document.data.len() as u64,
        base64: text.is_none().then(|| BASE64.encode(document.data.contiguous())),
        text,
        altered: false,
        properties: document.properties.clone(),
    }
}

fn shown(text: &str) -> Value {
    text.get(..text.floor_char_boundary(SHOWN)).unwrap_or(text).into()
}

fn properties(properties: &Properties) -> Value {
    serde_json::to_value(properties).unwrap_or_default()
}
