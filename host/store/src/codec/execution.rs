//! An execution as bytes, for a queue row: its documents with a header that says the rest.

use std::sync::Arc;

use auricle_model::{Execution, ExecutionId, Mode, Operation, Properties, Protocol, Taping, TraceContext};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::documents::{self, Part};
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
    sets: Vec<Properties>,
    documents: Vec<Part>,
}

/// All of an execution but its id and its attempt, which change or are looked for and so are columns, and its taping: what
/// is queued is neither debugged nor replayed.
pub(crate) fn encode(execution: Execution) -> Result<Vec<u8>, StoreError> {
    let Execution { id, process, operation, protocol, mode, attempt: _, properties, documents, trace, taping: _ } =
        execution;
    let (sets, parts) = documents::described(&documents);
    let header = Header { process, operation, protocol, mode, properties, trace, sets, documents: parts };
    documents::framed(FORMAT, &header, &documents)
        .map_err(|why| StoreError::invalid(format!("the execution {id} can't be kept: {why}")))
}

/// Reads what [`encode`] wrote. The error says what is wrong with the bytes.
pub(crate) fn decode(id: ExecutionId, attempt: u32, mut bytes: Bytes) -> Result<Execution, String> {
    let header: Header = documents::header(FORMAT, &mut bytes)?;
    let Header { process, operation, protocol, mode, properties, trace, sets, documents: parts } = header;
    let documents = documents::cut(bytes, &sets, &parts)?;
    let taping = Taping::Off;
    Ok(Execution { id, process, operation, protocol, mode, attempt, properties, documents, trace, taping })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use auricle_model::{Data, Document, DocumentType, OperationKind};
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
        let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
        let document = (bytes(), bytes(), properties())
            .prop_map(|(head, rest, properties)| Document::with_properties(Data::joined(head, rest), properties));
        proptest::collection::vec(document, 0..6)
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
