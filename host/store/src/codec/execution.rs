//! An execution as bytes, for a queue row: a format number, the length of a JSON header, the header, then the bodies as
//! they are. Bodies cost their own length and are read back without a copy; the properties that the documents of a request
//! share are written once and shared again when read.

use std::sync::Arc;

use auricle_model::{Document, Execution, ExecutionId, Mode, Operation, Properties, Protocol, Taping, TraceContext};
use bytes::{Buf, BufMut, Bytes};
use serde::{Deserialize, Serialize};

use crate::StoreError;

const FORMAT: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    process: Arc<str>,
    operation: Arc<Operation>,
    protocol: Protocol,
    mode: Option<Mode>,
    properties: Properties,
    /// Rows of before there was one have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<TraceContext>,
    /// Document properties, without repeats of the one before.
    sets: Vec<Properties>,
    documents: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    length: u64,
    set: usize,
}

/// All of an execution but its id and its attempt, which change or are looked for and so are columns, and its taping: what
/// is queued is neither debugged nor replayed.
pub(crate) fn encode(execution: Execution) -> Result<Vec<u8>, StoreError> {
    let Execution { id, process, operation, protocol, mode, attempt: _, properties, documents, trace, taping: _ } =
        execution;
    let mut sets: Vec<Properties> = Vec::new();
    let mut parts = Vec::with_capacity(documents.len());
    for document in &documents {
        if sets.last() != Some(&document.properties) {
            sets.push(document.properties.clone());
        }
        parts.push(Part { length: document.data.len() as u64, set: sets.len() - 1 });
    }
    let header = Header { process, operation, protocol, mode, properties, trace, sets, documents: parts };
    let too_large =
        |why: &dyn std::fmt::Display| StoreError::invalid(format!("the execution {id} can't be kept: {why}"));
    let header = serde_json::to_vec(&header).map_err(|e| too_large(&e))?;
    let length = u32::try_from(header.len()).map_err(|_| too_large(&"its properties have over 4 GiB"))?;

    let bodies: usize = documents.iter().map(|d| d.data.len()).sum();
    let mut bytes = Vec::with_capacity(5 + header.len() + bodies);
    bytes.put_u8(FORMAT);
    bytes.put_u32_le(length);
    bytes.put_slice(&header);
    documents.iter().for_each(|document| bytes.put_slice(&document.data));
    Ok(bytes)
}

/// Reads what [`encode`] wrote. The error says what is wrong with the bytes.
pub(crate) fn decode(id: ExecutionId, attempt: u32, mut bytes: Bytes) -> Result<Execution, String> {
    let cut = || "it ends early".to_owned();
    match bytes.try_get_u8() {
        Ok(FORMAT) => {}
        Ok(other) => return Err(format!("it has the unknown format {other}")),
        Err(_) => return Err(cut()),
    }
    let length = bytes.try_get_u32_le().map_err(|_| cut())? as usize;
    let header = take(&mut bytes, length).ok_or_else(cut)?;
    let header: Header = serde_json::from_slice(&header).map_err(|e| format!("its header can't be read: {e}"))?;

    let Header { process, operation, protocol, mode, properties, trace, sets, documents: parts } = header;
    let mut documents = Vec::with_capacity(parts.len());
    for Part { length, set } in parts {
        let data = usize::try_from(length).ok().and_then(|length| take(&mut bytes, length)).ok_or_else(cut)?;
        let properties = sets.get(set).ok_or("a document names properties that are not there")?.clone();
        documents.push(Document { data, properties });
    }
    if !bytes.is_empty() {
        return Err(format!("{} bytes follow its last document", bytes.len()));
    }
    let taping = Taping::Off;
    Ok(Execution { id, process, operation, protocol, mode, attempt, properties, documents, trace, taping })
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use auricle_model::{DocumentType, OperationKind};
    use proptest::prelude::*;

    use super::*;

    fn execution(properties: Properties, documents: Vec<Document>) -> Execution {
        let operation = Operation {
            kind: OperationKind::Create,
            object: "Konto \u{0} \"ä\"".into(),
            input: DocumentType::MultipleJson,
            output: DocumentType::None,
            content_type: "text/plain".into(),
            return_documents: false,
            max_documents: 7,
        };
        let mut execution = Execution::new("account-create", Arc::new(operation), Protocol::Rest);
        execution.mode = Some(Mode::General);
        execution.properties = properties;
        execution.documents = documents;
        execution
    }

    fn properties() -> impl Strategy<Value = Properties> {
        proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4)
            .prop_map(|map: BTreeMap<String, String>| map.into_iter().collect())
    }

    fn documents() -> impl Strategy<Value = Vec<Document>> {
        let document = (proptest::collection::vec(any::<u8>(), 0..200), properties());
        proptest::collection::vec(document, 0..6)
            .prop_map(|all| all.into_iter().map(|(data, p)| Document::with_properties(data, p)).collect())
    }

    proptest! {
        #[test]
        fn any_execution_comes_back_as_it_was(properties in properties(), documents in documents()) {
            let given = execution(properties, documents);
            let back = decode(given.id, 3, encode(given.clone()).unwrap().into()).unwrap();
            prop_assert_eq!(back.attempt, 3);
            prop_assert_eq!(format!("{back:?}"), format!("{:?}", Execution { attempt: 3, ..given }));
        }

        #[test]
        fn no_beginning_of_one_is_taken_for_the_whole(documents in documents(), cut in any::<prop::sample::Index>()) {
            let given = execution(Properties::new(), documents);
            let mut bytes = encode(given.clone()).unwrap();
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(decode(given.id, 0, bytes.into()).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(ExecutionId::new(), 0, bytes.clone().into());
            bytes.splice(..0, [FORMAT, 8, 0, 0, 0]);
            let _ = decode(ExecutionId::new(), 0, bytes.into());
        }
    }

    #[test]
    fn shared_properties_are_written_once_and_shared_again() {
        let shared: Properties = [("inheader_X-WSS-Long", "v".repeat(1000))].into_iter().collect();
        let documents = (0..100).map(|n: u32| Document::with_properties(n.to_string(), shared.clone())).collect();
        let given = execution(Properties::new(), documents);
        let bytes = encode(given.clone()).unwrap();
        assert!(bytes.len() < 6000, "{} bytes", bytes.len());
        let back = decode(given.id, 0, bytes.into()).unwrap();
        assert_eq!(back.documents, given.documents);
    }

    #[test]
    fn a_trace_is_kept_and_a_row_without_one_is_read() {
        let mut given = execution(Properties::new(), vec![Document::new("x")]);
        let plain = encode(given.clone()).unwrap();
        assert!(!String::from_utf8_lossy(&plain).contains("trace"), "rows without one are as they always were");
        given.trace = Some(TraceContext::root(true).with_state([&b"a=1"[..]]));
        let back = decode(given.id, 1, encode(given.clone()).unwrap().into()).unwrap();
        assert_eq!(back.trace, given.trace);
        assert_eq!(decode(given.id, 1, plain.into()).unwrap().trace, None);
    }

    #[test]
    fn what_follows_the_last_document_is_an_error() {
        let given = execution(Properties::new(), vec![Document::new("x")]);
        let mut bytes = encode(given.clone()).unwrap();
        bytes.push(0);
        assert!(decode(given.id, 0, bytes.into()).unwrap_err().contains("1 bytes follow"));
    }
}
