//! A further page as bytes: its documents with a header that says how they are written.

use std::sync::Arc;

use auricle_model::{ExecutionId, Operation, Properties};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::documents::{self, Part};
use crate::{Page, StoreError};

const FORMAT: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Header {
    execution: ExecutionId,
    operation: Arc<Operation>,
    own_object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    sets: Vec<Properties>,
    documents: Vec<Part>,
}

pub(crate) fn encode_page(page: Page) -> Result<Vec<u8>, StoreError> {
    let Page { execution, operation, own_object, documents, next } = page;
    let (sets, parts) = documents::described(&documents);
    let header = Header { execution, operation, own_object, next, sets, documents: parts };
    documents::framed(FORMAT, &header, &documents)
        .map_err(|why| StoreError::invalid(format!("a page of the execution {execution} can't be kept: {why}")))
}

/// Reads what [`encode_page`] wrote; bodies are not copied.
pub(crate) fn decode_page(mut bytes: Bytes) -> Result<Page, StoreError> {
    let damaged = |why| StoreError::corrupt(format!("a page can't be read: {why}"));
    let header = documents::header(FORMAT, &mut bytes).map_err(damaged)?;
    let Header { execution, operation, own_object, next, sets, documents: parts } = header;
    let documents = documents::cut(bytes, &sets, &parts).map_err(damaged)?;
    Ok(Page { execution, operation, own_object, documents, next })
}

#[cfg(test)]
mod tests {
    use auricle_model::{Document, DocumentType, OperationKind};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_page_comes_back_as_it_was(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..6),
            texts: (String, String),
            next: Option<String>,
        ) {
            let operation = Operation {
                kind: OperationKind::Query,
                object: texts.0.clone(),
                input: DocumentType::None,
                output: DocumentType::MultipleXml,
                content_type: texts.1.clone(),
                return_documents: true,
                max_documents: 2,
            };
            let document = |(n, body): (usize, Vec<u8>)| {
                let properties = if n % 3 == 0 { [(texts.0.as_str(), texts.1.as_str())].into_iter().collect() } else { Properties::new() };
                Document::with_properties(body, properties)
            };
            let given = Page {
                execution: ExecutionId::new(),
                operation: Arc::new(operation),
                own_object: texts.1.clone(),
                documents: bodies.into_iter().enumerate().map(document).collect(),
                next,
            };
            prop_assert_eq!(decode_page(encode_page(given.clone()).unwrap().into()).unwrap(), given);
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_page(bytes.clone().into());
            bytes.splice(..0, [FORMAT, 8, 0, 0, 0]);
            let _ = decode_page(bytes.into());
        }
    }
}
