//! A schema and a document of it, with a line of `---` between them.

use auricle_api::profile::Profile;
use auricle_api::validate;
use auricle_model::{Document, DocumentType, ProfileDecl, ProfileKind, SourceFile};
use bytes::Bytes;

/// Neither a schema nor a document makes anything panic, and what is wrong is told shortly, with its place.
pub fn run(data: &[u8]) {
    both(data, ProfileKind::Xsd, DocumentType::SingleXml);
}

/// The same of JSON Schema and JSON.
pub fn run_json(data: &[u8]) {
    both(data, ProfileKind::JsonSchema, DocumentType::SingleJson);
}

fn both(data: &[u8], kind: ProfileKind, documents: DocumentType) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (schema, document) = text.split_once("\n---\n").unwrap_or((text, ""));
    let files = vec![SourceFile { path: "schema".into(), text: schema.into() }];
    let decl = ProfileDecl { name: "Contact".into(), root: "Contact".into(), kind, files };
    let profile = match Profile::new(&decl) {
        Ok(profile) => profile,
        Err(errors) => {
            assert!(!errors.is_empty());
            return errors.iter().for_each(|error| assert!(error.line > 0 && error.message.len() < 4_096, "{error}"));
        }
    };
    let body = Bytes::copy_from_slice(document.as_bytes());
    if let Err(refusal) = validate::documents(&profile, documents, &body, &[Document::new(body.clone())]) {
        assert_eq!(refusal.status(), 400);
        assert!(refusal.to_string().len() < 8_192, "a refusal repeats what was sent: {refusal}");
    }
}
