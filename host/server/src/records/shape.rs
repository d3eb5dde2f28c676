//! From an execution that has ended to its record: redacted first, then cut, so that no cut lets a secret through.

use auricle_model::{Data, Document, ExecutionRecord, Phases, Properties, RecordKind, RecordedDocument, ServerConfig};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::json::Seen;
use super::ran::{Ran, micros};
use super::redact::{InvalidPath, REDACTED, Redactor};
use crate::limits::{RECORD_BYTES, RECORD_DOCUMENTS};

/// How records are made.
#[derive(Debug)]
pub(super) struct Shape {
    environment: String,
    /// Bytes that are recorded of a document.
    document: usize,
    redactor: Redactor,
}

impl Shape {
    pub(super) fn new(config: &ServerConfig) -> Result<Self, InvalidPath> {
        let document = usize::try_from(config.records.max_document_bytes).unwrap_or(usize::MAX).min(RECORD_BYTES);
        let redactor = Redactor::new(&config.records.redact)?;
        Ok(Self { environment: config.environment.clone(), document, redactor })
    }

    /// Makes a record. Costs a copy of what is recorded, and where JSON paths are redacted the parsing of each document.
    pub(super) fn record(&self, ran: &Ran, kind: RecordKind) -> ExecutionRecord {
        let Ran { execution, outcome, times, .. } = ran;
        let most = if ran.debug { RECORD_BYTES } else { self.document };
        let mut notes = ran.notes.clone();
        let documents_in = self.documents(&execution.documents, most, "went in", &mut notes);
        let documents_out = self.documents(ran.returned(), most, "came back", &mut notes);
        let redacted = self.redactor.properties(&execution.properties);
        if redacted.is_some() {
            notes.push("process properties are redacted: a replay sees them so".to_owned());
        }
        let mut tape = outcome.tape.as_deref().cloned();
        if let Some(tape) = &mut tape {
            self.redactor.tape(tape);
        }
        ExecutionRecord {
            summary: ran.summary(&self.environment, kind),
            message: ran.failure().map(|failure| failure.message.clone()),
            operation: (*execution.operation).clone(),
            package: ran.package.map(|digest| digest.to_string()),
            client: ran.client.map(|address| address.to_string()),
            properties: redacted.unwrap_or_else(|| execution.properties.clone()),
            documents_in,
            documents_out,
            log: outcome.log.clone(),
            notes,
            phases: Phases {
                read_us: micros(times.read),
                inbound_us: micros(times.inbound),
                waited_us: micros(outcome.waited),
                instantiated_us: micros(outcome.instantiated),
                ran_us: micros(outcome.ran),
                outbound_us: micros(times.outbound),
            },
            cpu_us: micros(outcome.cpu),
            memory: outcome.memory,
            uses: outcome.uses,
            instance_age_us: micros(outcome.instance_age),
            tape,
        }
    }

    /// Each document up to `most` bytes, and all of them up to what a record may have.
    fn documents(
        &self,
        documents: &[Document],
        most: usize,
        which: &str,
        notes: &mut Vec<String>,
    ) -> Vec<RecordedDocument> {
        let mut room = RECORD_BYTES;
        let kept = documents.iter().take(RECORD_DOCUMENTS);
        let mut recorded: Vec<_> = kept.map(|document| self.document(document, most, &mut room)).collect();
        let rest = documents.get(RECORD_DOCUMENTS..).unwrap_or_default();
        if !rest.is_empty() {
            notes.push(format!("{} more documents {which}: the last that is shown stands for them", rest.len()));
            let size = rest.iter().map(|document| document.data.len() as u64).sum();
            recorded.push(RecordedDocument { size, altered: true, ..RecordedDocument::default() });
        }
        recorded
    }

    fn document(&self, document: &Document, most: usize, room: &mut usize) -> RecordedDocument {
        let Document { data, properties } = document;
        let redacted = self.redactor.properties(properties);
        let mut altered = redacted.is_some();
        let mut properties = redacted.unwrap_or_else(|| properties.clone());
        if properties.size() > *room {
            altered = true;
            properties = Properties::new();
        }
        *room -= properties.size();
        let seen = match self.redactor.document(data) {
            Seen::AsItIs => data.clone(),
            Seen::Redacted(text) => Data::from(text),
            Seen::Withheld => Data::from(REDACTED),
        };
        // A redacted one is never the same, a cut one is shorter.
        let kept = seen.slice(0..most.min(*room));
        let (text, base64) = written(&kept, kept.len() < seen.len());
        *room -= kept.len();
        altered |= seen != *data || kept.len() < seen.len();
        RecordedDocument { size: data.len() as u64, text, base64, altered, properties }
    }
}

/// As text, where it is UTF-8; a cut one may end amid a character, which is then left out.
fn written(data: &[u8], cut: bool) -> (Option<String>, Option<String>) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => {
            data.get(..error.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok())
        }
        Err(_) => None,
    };
    match text {
        Some(text) => (Some(text.to_owned()), None),
        None => (None, Some(BASE64_STANDARD.encode(data))),
    }
}
