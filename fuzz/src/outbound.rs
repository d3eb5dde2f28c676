//! What a process returned, to a response of every output type. The input is the first document's properties as
//! `name=value` lines, an empty line, and the documents' bodies, separated by the byte 0x1E.

use auricle_api::outbound::{List, reply};
use auricle_api::paging;
use auricle_model::{Document, DocumentType, Properties};

use crate::inbound::{operation, read_back};

const OF_THE_HOST: &[&str] =
    &["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-execution-id"];

/// Nothing panics; what becomes a response is one that HTTP can carry, and a list holds as many documents as were returned.
pub fn run(data: &[u8]) {
    let blank = data.windows(2).position(|pair| pair == b"\n\n");
    let (properties, bodies) = blank.map_or((&[][..], data), |at| (&data[..at], &data[at + 2..]));
    let properties: Properties = String::from_utf8_lossy(properties)
        .split('\n')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut documents: Vec<Document> =
        bodies.split(|byte| *byte == 0x1E).map(|body| Document::new(body.to_vec())).collect();
    if let Some(first) = documents.first_mut() {
        first.properties = properties.clone();
    }
    let text = properties.get("object").map(str::to_owned);
    for kind in DocumentType::NAMES.iter().filter_map(|name| name.parse().ok()) {
        respond(kind, &documents, text.as_deref());
        respond(kind, &[], text.as_deref());
    }
}

/// `text` stands in for every text that a manifest or a token puts into a response.
fn respond(kind: DocumentType, documents: &[Document], text: Option<&str>) {
    let mut operation = operation(kind);
    let mut list = List { own_object: "Own", namespace: "urn:list", next: None };
    if let Some(text) = text {
        operation.object = text.into();
        operation.content_type = text.into();
        operation.max_documents = u32::try_from(text.len()).unwrap_or(1);
        list = List { own_object: "Own", namespace: text, next: Some(text) };
    }
    let (page, rest) = paging::split(&operation, documents.to_vec());
    assert_eq!(page.len() + rest.len(), documents.len());

    let reply = match reply(&operation, documents, &list) {
        Ok(reply) => reply,
        Err(error) => {
            assert!(error.message.len() < 512, "an error repeats what was returned: {error}");
            return;
        }
    };
    assert!((200..=599).contains(&reply.status.as_u16()));
    for name in reply.headers.keys() {
        assert!(!OF_THE_HOST.contains(&name.as_str()) && !name.as_str().starts_with("proxy-"), "{name}");
    }
    assert!(reply.notes.iter().all(|note| note.len() < 1_024), "{:?}", reply.notes);
    let is_bodiless = matches!(reply.status.as_u16(), 204 | 205 | 304);
    match (kind, documents) {
        (DocumentType::MultipleJson, _) => {
            let back = read_back(kind, reply.body).expect("a list of JSON");
            assert_eq!(back.len(), documents.len());
        }
        // Only with the name and namespace that the reader expects; without a text they are those.
        (DocumentType::MultipleXml, _) if text.is_none() => {
            let back = read_back(kind, reply.body).expect("a list of XML");
            assert_eq!(back.len(), documents.len());
        }
        (DocumentType::MultipleXml, _) => {}
        (DocumentType::None, _) | (_, []) => assert!(reply.body.is_empty()),
        (_, [document]) => {
            assert!(reply.body == if is_bodiless { Default::default() } else { document.data.to_bytes() })
        }
        _ => assert_eq!(kind, DocumentType::SingleData),
    }
}
