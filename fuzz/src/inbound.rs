//! A request's body, taken in for every input type.

use auricle_api::inbound::{Refusal, documents};
use auricle_api::outbound::{DEFAULT_NAMESPACE, List, reply};
use auricle_model::{Document, DocumentType, Operation, OperationKind, Properties, Protocol};
use bytes::Bytes;
use serde_json::value::RawValue;

/// An operation of this input and output type, of object `Contact`.
pub(crate) fn operation(kind: DocumentType) -> Operation {
    Operation {
        kind: OperationKind::Create,
        object: "Contact".into(),
        input: kind,
        output: kind,
        content_type: "text/plain".into(),
        return_documents: true,
        max_documents: 100,
    }
}

/// The documents of a body that an answer's list is.
pub(crate) fn read_back(kind: DocumentType, body: Bytes) -> Result<Vec<Document>, Refusal> {
    let operation = Operation { object: "ContactResponse".into(), ..operation(kind) };
    documents(&operation, "", Protocol::Rest, body, &Properties::new())
}

/// Documents as the list of an answer.
fn join(kind: DocumentType, documents: &[Document]) -> Bytes {
    let list = List { own_object: "", namespace: DEFAULT_NAMESPACE, next: None };
    reply(&operation(kind), documents, &list).expect("what was taken from a list goes into a list").body
}

/// Nothing panics; what is refused says so by its status; what is taken from a list can be a list again.
pub fn run(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for kind in DocumentType::NAMES.iter().filter_map(|name| name.parse().ok()) {
        let charsets: &[&str] = if kind == DocumentType::MultipleXml {
            &["text/xml", "text/xml; charset=iso-8859-1", "text/xml; charset=\"UTF-16\""]
        } else {
            &["text/plain"]
        };
        for content_type in charsets {
            take(kind, content_type, &body);
        }
    }
}

fn take(kind: DocumentType, content_type: &str, body: &Bytes) {
    let properties: Properties = [("inheader_Content-Type", content_type)].into_iter().collect();
    let taken = match documents(&operation(kind), "Own", Protocol::Simple, body.clone(), &properties) {
        Ok(taken) => taken,
        Err(refusal) => {
            assert!(kind == DocumentType::None || kind.is_multiple(), "{kind}: {refusal}");
            assert!(matches!(refusal.status(), 400 | 405 | 413));
            assert_eq!(refusal.allow().is_some(), refusal.status() == 405);
            assert!(refusal.to_string().len() < 2_048, "a refusal repeats what was sent: {refusal}");
            return;
        }
    };
    match kind {
        DocumentType::None => assert!(body.is_empty() && taken == [Document::default()]),
        DocumentType::SingleData | DocumentType::SingleXml | DocumentType::SingleJson => {
            assert_eq!(taken, [Document::with_properties(body.clone(), properties)]);
        }
        DocumentType::MultipleJson => {
            for document in &taken {
                let text = document.text().expect("JSON is text");
                assert_eq!(serde_json::from_str::<&RawValue>(&text).map(RawValue::get).ok(), Some(&*text));
            }
            let again = read_back(kind, join(kind, &taken)).expect("an answer's list can be read");
            assert!(again.iter().map(|d| &d.data).eq(taken.iter().map(|d| &d.data)));
        }
        DocumentType::MultipleXml => {
            // On the way through a list each document gets the list's own namespace, where it does not say it already:
            // the second time changes nothing any more.
            let once = read_back(kind, join(kind, &taken)).expect("an answer's list can be read");
            let twice = read_back(kind, join(kind, &once)).expect("an answer's list can be read");
            assert_eq!(once.len(), taken.len());
            assert_eq!(once, twice);
        }
    }
}
