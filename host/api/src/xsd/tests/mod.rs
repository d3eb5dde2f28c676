//! The verdicts of lxml on a corpus of schemas and documents, and what it can't be asked.

mod bounds;
mod schemas;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::{Schema, SchemaError, Source, Violation};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/xsd/corpus")
}

/// Each schema of the corpus, by its name: `name.xsd`, and with it `name.part.xsd`.
fn schemas() -> BTreeMap<String, Schema> {
    let mut files: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for entry in fs::read_dir(corpus()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(stem) = file.strip_suffix(".xsd") {
            let name = stem.split('.').next().unwrap().to_owned();
            files.entry(name).or_default().push((file, fs::read_to_string(&path).unwrap()));
        }
    }
    let read = files.into_iter().map(|(name, mut files)| {
        files.sort_by_key(|(file, _)| (file.matches('.').count(), file.clone()));
        let sources: Vec<_> = files.iter().map(|(path, text)| Source { path, text }).collect();
        let schema = Schema::read(&sources).unwrap_or_else(|errors| panic!("{errors:#?}"));
        (name, schema)
    });
    read.collect()
}

/// Looks at a document by the declaration of its root, whatever that is.
fn look(schema: &Schema, document: &str) -> Result<(), Violation> {
    let mut reader = crate::xml::Reader::new(document);
    reader.next().unwrap();
    let (namespace, local) = reader.element();
    let name = schema.names.find_space(namespace).and_then(|space| schema.names.find(space, local));
    let root = name.and_then(|name| schema.global_elements.get(&name)).copied();
    // As lxml does: a root of another name is no root.
    let root = root.or_else(|| schema.global_elements.values().next().copied()).unwrap();
    schema.validate(root, document, None)
}

#[test]
fn verdicts_are_those_of_lxml() {
    let schemas = schemas();
    let table = fs::read_to_string(corpus().join("verdicts.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for line in table.lines() {
        let [name, verdict, element, rule, document] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let told = look(&schemas[name], document);
        asked += 1;
        let is_right = match &told {
            Ok(()) => verdict == "valid",
            Err(violation) => {
                let path = violation.message.split(": ").next().unwrap();
                let is_root = rule == "CVC_ELT_1";
                verdict == "invalid"
                    && (is_root || path.rsplit('/').next() == Some(element))
                    && is_same_rule(&violation.rule, rule)
            }
        };
        if !is_right {
            wrong.push(format!("{name}: {verdict} {element} {rule}, not {told:?}\n  {document}"));
        }
    }
    assert!(asked > 400, "{asked}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a rule is the one that libxml2 calls so. It has one name for all that is wrong with children, and one for values that are
/// not of a built-in type; which of several facets it tells first is its own matter.
fn is_same_rule(own: &str, theirs: &str) -> bool {
    let own = own.replace(['-', '.'], "_").to_uppercase();
    let is_facet = own.ends_with("_VALID");
    own == theirs
        || match theirs {
            "ELEMENT_CONTENT" => own.starts_with("CVC_COMPLEX_TYPE_2_4_"),
            "CVC_ELT_1" => own == "CVC_COMPLEX_TYPE_2_4_C",
            "CVC_DATATYPE_VALID_1_2_1" => is_facet || own == "CVC_ELT_4_1" || own == "CVC_ID_2",
            _ => is_facet && theirs.ends_with("_VALID"),
        }
}

fn read(text: &str) -> Result<Schema, Vec<SchemaError>> {
    Schema::read(&[Source { path: "a.xsd", text }])
}

#[test]
fn broken_schemas_are_those_of_lxml() {
    let table = fs::read_to_string(corpus().join("schemas.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in table.lines() {
        let (verdict, body) = line.split_once('\t').unwrap();
        match (verdict, read(&schema(body))) {
            ("sound", Ok(_)) | ("broken", Err(_)) => {}
            (_, told) => wrong.push(format!("{verdict}, not {:?}\n  {body}", told.map(drop))),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn schema(body: &str) -> String {
    format!(
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='urn:t' targetNamespace='urn:t'>{body}</xs:schema>"
    )
}
