//! A message to a SOAP service: its Content-Type in the first line, then the body.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use auricle_api::outbound::{DEFAULT_NAMESPACE, List, reply};
use auricle_api::route::{Destination, Router, SoapSite};
use auricle_api::soap::message::Message;
use auricle_api::soap::{Call, Version, inbound};
use auricle_model::manifest::Manifest;
use auricle_model::{Document, DocumentType, Operation, ProfileDecl, ProfileKind, Properties, SourceFile};
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::inbound::operation;
use crate::split_once;

/// A service with an operation of each input type, in both versions.
static SITES: LazyLock<[Arc<SoapSite>; 2]> = LazyLock::new(|| {
    let folder = Path::new("/auricle-fuzz");
    let mut deployment = Manifest::parse("soap.toml", include_str!("soap.toml"), folder).expect("right").deployment;
    deployment.profiles.push(ProfileDecl {
        name: "Account".into(),
        root: "Account".into(),
        kind: ProfileKind::JsonSchema,
        files: vec![SourceFile { path: "account.json".into(), text: include_str!("account.json").into() }],
    });
    for process in deployment.processes.iter_mut().filter(|process| process.operation.input.is_json()) {
        process.messages.request = Some("Account".into());
        process.messages.response = Some("Account".into());
        process.messages.validate = process.name.starts_with("checked");
    }
    let router = Router::new(&deployment, &Default::default()).expect("the fixture has no conflicts");
    ["/ws/soap/crm", "/ws/soap12/crm"].map(|path| match router.find(&Method::POST, path, &HeaderMap::new()) {
        Ok(Destination::Soap(at)) => at.site,
        other => panic!("{path}: {other:?}"),
    })
});

/// Nothing panics; a refusal is short; what is taken is one document, or a list that can be a list again.
pub fn run(data: &[u8]) {
    let (content_type, body) = split_once(data, b'\n').unwrap_or((&[], data));
    let content_type = std::str::from_utf8(content_type).ok();
    let body = Bytes::copy_from_slice(body);
    for site in &*SITES {
        let message = match Message::read(site.version, content_type, body.clone()) {
            Ok(message) => message,
            Err(refused) => {
                assert!(refused.message.len() < 4_096, "a refusal repeats what was sent: {refused}");
                continue;
            }
        };
        match inbound::call(&site.service, &message) {
            Ok(Call::Operation(number)) => take(site, number, &message),
            Ok(Call::MoreResults(number)) => {
                let token = inbound::more_token(&site.service, &site.service.operations[number], &message);
                assert!(token.map_or_else(|refused| refused.message.len() < 4_096, |_| true));
            }
            Err(refused) => assert!(refused.message.len() < 4_096, "{refused}"),
        }
    }
}

fn take(site: &SoapSite, number: usize, message: &Message) {
    let called = &site.service.operations[number];
    let taken = match inbound::taken(called, message, &Properties::new(), "id") {
        Ok(taken) => taken,
        Err(refused) => return assert!(refused.message.len() < 4_096, "{refused}"),
    };
    assert!(taken.properties.iter().all(|(name, _)| name.starts_with("param_") || name.starts_with("query_")));
    match called.operation.input {
        DocumentType::None => assert_eq!(taken.documents, [Document::default()]),
        DocumentType::MultipleXml => whole(&taken.documents),
        DocumentType::SingleXml => whole(&taken.documents[..1]),
        _ => {
            for document in &taken.documents[..taken.documents.len().min(1)] {
                serde_json::from_slice::<serde_json::Value>(&document.data.to_bytes()).expect("it was made JSON");
            }
        }
    }
    assert!(site.version == Version::V11 || message.version == Version::V12);
}

/// Each can stand in a list: it is a well-formed document of its own.
fn whole(documents: &[Document]) {
    let operation = Operation { output: DocumentType::MultipleXml, ..operation(DocumentType::MultipleXml) };
    let list = List { own_object: "", namespace: DEFAULT_NAMESPACE, next: None };
    reply(&operation, documents, &list).expect("what was cut out of an envelope goes into a list");
}
