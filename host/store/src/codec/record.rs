//! A record as bytes, in two parts, since lists need only the first: the summary, and the detail. Each is a format number,
//! then JSON. A small record takes about two microseconds to write.

use auricle_model::{
    ExecutionId, ExecutionRecord, LogLine, Operation, Phases, Properties, RecordSummary, RecordedDocument, Tape,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::StoreError;

const FORMAT: u8 = 1;

/// What the columns of a record and its places in the indexes take, about.
const ROW: u64 = 300;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    operation: Operation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    properties: Properties,
    #[serde(rename = "in", default, skip_serializing_if = "Vec::is_empty")]
    documents_in: Vec<RecordedDocument>,
    #[serde(rename = "out", default, skip_serializing_if = "Vec::is_empty")]
    documents_out: Vec<RecordedDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    log: Vec<LogLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    phases: Phases,
    cpu_us: u64,
    memory: u64,
    uses: u64,
    instance_age_us: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tape: Option<Tape>,
}

/// A record as a store keeps it.
#[derive(Debug)]
pub(crate) struct EncodedRecord {
    pub(crate) summary: RecordSummary,
    pub(crate) summary_bytes: Vec<u8>,
    pub(crate) detail: Vec<u8>,
}

impl EncodedRecord {
    /// About how much room it takes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.summary_bytes.len() + self.detail.len()) as u64 + ROW
    }
}

fn to_bytes(id: ExecutionId, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(1024);
    bytes.push(FORMAT);
    serde_json::to_writer(&mut bytes, value)
        .map_err(|e| StoreError::invalid(format!("the record of {id} can't be kept: {e}")))?;
    Ok(bytes)
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let damaged = |why: &dyn std::fmt::Display| StoreError::corrupt(format!("a record can't be read: {why}"));
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|e| damaged(&e)),
        Some((other, _)) => Err(damaged(&format_args!("it has the unknown format {other}"))),
        None => Err(damaged(&"it is empty")),
    }
}

/// A record as bytes.
pub(crate) fn encode_record(record: ExecutionRecord) -> Result<EncodedRecord, StoreError> {
    let ExecutionRecord {
        summary,
        message,
        operation,
        package,
        client,
        properties,
        documents_in,
        documents_out,
        log,
        notes,
        phases,
        cpu_us,
        memory,
        uses,
        instance_age_us,
        tape,
    } = record;
    let detail = Detail {
        message,
        operation,
        package,
        client,
        properties,
        documents_in,
        documents_out,
        log,
        notes,
        phases,
        cpu_us,
        memory,
        uses,
        instance_age_us,
        tape,
    };
    let (summary_bytes, detail) = (to_bytes(summary.id, &summary)?, to_bytes(summary.id, &detail)?);
    Ok(EncodedRecord { summary, summary_bytes, detail })
}

/// Reads a summary.
pub(crate) fn decode_summary(bytes: &[u8]) -> Result<RecordSummary, StoreError> {
    from_bytes(bytes)
}

/// Reads what [`encode_record`] wrote.
pub(crate) fn decode_record(summary: &[u8], detail: &[u8]) -> Result<ExecutionRecord, StoreError> {
    let (summary, detail): (RecordSummary, Detail) = (from_bytes(summary)?, from_bytes(detail)?);
    Ok(ExecutionRecord {
        summary,
        message: detail.message,
        operation: detail.operation,
        package: detail.package,
        client: detail.client,
        properties: detail.properties,
        documents_in: detail.documents_in,
        documents_out: detail.documents_out,
        log: detail.log,
        notes: detail.notes,
        phases: detail.phases,
        cpu_us: detail.cpu_us,
        memory: detail.memory,
        uses: detail.uses,
        instance_age_us: detail.instance_age_us,
        tape: detail.tape,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use auricle_model::{DocumentType, LogLevel, Mode, OperationKind, Protocol, RecordKind, TapeEntry};
    use proptest::prelude::*;

    use super::*;

    fn record(texts: Vec<String>, numbers: [u64; 4]) -> ExecutionRecord {
        let some = |n: usize| texts.get(n).cloned();
        let text = |n: usize| some(n).unwrap_or_default();
        let properties: Properties = texts.iter().map(|text| (text.as_str(), "v")).collect();
        let document = RecordedDocument {
            size: numbers[0],
            text: some(0),
            base64: some(1),
            altered: texts.len() > 2,
            properties: properties.clone(),
        };
        ExecutionRecord {
            summary: RecordSummary {
                id: ExecutionId::new(),
                environment: text(0),
                version: 3,
                process: text(1),
                api: some(2),
                route: some(3),
                protocol: Protocol::Rest,
                mode: Mode::General,
                attempt: 1,
                debug: false,
                began_at: SystemTime::UNIX_EPOCH + Duration::from_secs(7),
                user: some(0),
                status: Some(200),
                failure: None,
                waited_us: numbers[1],
                ran_us: numbers[2],
                kind: RecordKind::Whole,
                trace_id: None,
            },
            message: some(0),
            operation: Operation {
                kind: OperationKind::Create,
                object: text(0),
                input: DocumentType::SingleJson,
                output: DocumentType::None,
                content_type: text(1),
                return_documents: true,
                max_documents: 7,
            },
            package: some(1),
            client: some(2),
            properties,
            documents_in: texts.iter().map(|_| document.clone()).collect(),
            documents_out: vec![document],
            log: texts
                .iter()
                .map(|text| LogLine { after: Duration::from_micros(9), level: LogLevel::Info, message: text.clone() })
                .collect(),
            notes: texts.clone(),
            phases: Phases { read_us: numbers[3], ..Phases::default() },
            cpu_us: numbers[0],
            memory: numbers[1],
            uses: numbers[2],
            instance_age_us: numbers[3],
            tape: texts.first().map(|text| Tape {
                entries: vec![TapeEntry {
                    call: text.clone(),
                    asked: text.clone(),
                    answer: serde_json::json!({ "a": [1, null, text] }),
                }],
                cut: true,
            }),
        }
    }

    proptest! {
        #[test]
        fn any_record_comes_back_as_it_was(texts in proptest::collection::vec(any::<String>(), 0..5), numbers: [u64; 4]) {
            let given = record(texts, numbers);
            let kept = encode_record(given.clone()).unwrap();
            prop_assert_eq!(decode_summary(&kept.summary_bytes).unwrap(), given.summary.clone());
            prop_assert_eq!(decode_record(&kept.summary_bytes, &kept.detail).unwrap(), given);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(decode_record(&bytes, &bytes).is_err());
        }
    }
}
