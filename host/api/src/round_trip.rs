//! What goes out as a list comes in as the same documents, and no bytes at all make either way panic.

use std::borrow::Cow;

use auricle_model::{Document, DocumentType, Operation, Properties, Protocol};
use proptest::collection::vec;
use proptest::prelude::*;
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::inbound::{MAX_DOCUMENTS, Refusal, documents};
use crate::outbound::tests::operation;
use crate::outbound::{DEFAULT_NAMESPACE, List, reply};
use crate::xml;

const TYPES: [DocumentType; 6] = [
    DocumentType::None,
    DocumentType::SingleData,
    DocumentType::SingleXml,
    DocumentType::MultipleXml,
    DocumentType::SingleJson,
    DocumentType::MultipleJson,
];

const LIST: List<'_> = List { own_object: "Own", namespace: DEFAULT_NAMESPACE, next: None };

/// The documents of a body that is an answer's list.
fn read_back(kind: DocumentType, body: impl Into<bytes::Bytes>) -> Result<Vec<Document>, Refusal> {
    let operation = Operation { input: kind, object: "ContactResponse".into(), ..operation(kind) };
    documents(&operation, "", Protocol::Rest, body.into(), &Properties::new())
}

fn join(kind: DocumentType, documents: &[Document]) -> bytes::Bytes {
    reply(&operation(kind), documents, &LIST).unwrap().body
}

fn documents_of(texts: &[String]) -> Vec<Document> {
    texts.iter().map(|text| Document::new(text.clone())).collect()
}

/// JSON as people write it: spaces, numbers of any length, keys in any order and twice.
fn json() -> impl Strategy<Value = String> {
    let string = any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap());
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
        string.clone(),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let spaced = ("[ \n\t]{0,2}", inner, "[ \r\n]{0,2}").prop_map(|(a, v, b)| format!("{a}{v}{b}"));
        prop_oneof![
            vec(spaced.clone(), 0..6).prop_map(|v| format!("[{}]", v.join(","))),
            vec((string.clone(), spaced), 0..6).prop_map(|members| {
                let members: Vec<_> = members.into_iter().map(|(k, v)| format!("{k}:{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    "[\\PC\n\t]{0,12}"
        .prop_map(|t| t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;"))
        .prop_filter("characters of XML", |t| !t.contains(['\u{FFFE}', '\u{FFFF}', '\u{FEFF}']))
}

/// Namespace declarations; inside the root, prefixes p and q always stand for something.
fn declarations() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        " xmlns='urn:d'",
        " xmlns=\"\"",
        " xmlns:p='urn:1'",
        " xmlns:q = 'urn:1' xmlns:p='urn:p'",
    ])
}

fn attributes() -> impl Strategy<Value = String> {
    let prefix = || prop::sample::select(vec!["", "p:", "q:", "xml:"]);
    (vec((prefix(), text()), 0..4)).prop_map(|found| {
        let one = |(i, (prefix, value)): (usize, (&str, String))| {
            format!(" {prefix}x{i}=\"{}\"", value.replace('"', "&quot;"))
        };
        found.into_iter().enumerate().map(one).collect()
    })
}

fn name() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["", "p:", "q:"]), "[a-zé_][a-z0-9.é-]{0,5}")
        .prop_map(|(prefix, local)| format!("{prefix}{local}"))
}

/// An element and what is in it, in a place where p and q are declared.
fn element() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => text(),
        1 => "[a-z<&>]{0,6}".prop_map(|t| format!("<![CDATA[{t}]]>")),
        1 => "[a-z<&> ]{0,6}".prop_map(|t| format!("<!--{t}-->")),
        1 => "[a-z<&> ]{0,6}".prop_map(|t| format!("<?pi {t}?>")),
    ];
    let content = leaf.prop_recursive(4, 24, 4, |inner| {
        (name(), declarations(), attributes(), vec(inner, 0..4))
            .prop_map(|(n, d, a, content)| format!("<{n}{d}{a}>{}</{n} >", content.concat()))
    });
    (name(), attributes(), vec(content, 0..4)).prop_map(|(n, a, content)| {
        // The root of a document declares what everything in it relies on.
        let inside = content.concat();
        format!("<{n} xmlns:p='urn:p' xmlns:q=\"urn:q\"{a}>{inside}</{n}>")
    })
}

/// What a document says, whatever prefixes and declarations it says it with: the judgement of another XML library.
fn meaning(document: &str) -> Vec<String> {
    let mut reader = NsReader::from_str(document);
    let mut said = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        let start = |e: &BytesStart<'_>| {
            let space = |r: ResolveResult<'_>| match r {
                ResolveResult::Bound(n) => n.0.to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(p) => panic!("{p} in {document}"),
            };
            let mut attributes = Vec::new();
            for attribute in e.attributes() {
                let attribute = attribute.unwrap();
                if attribute.key.as_namespace_binding().is_none() {
                    let (found, local) = reader.resolver().resolve_attribute(attribute.key);
                    attributes.push(format!("{}|{}={}", space(found), local.as_ref(), attribute.value));
                }
            }
            attributes.sort();
            let (found, local) = reader.resolver().resolve_element(e.name());
            format!("<{}|{} {attributes:?}>", space(found), local.as_ref())
        };
        match event {
            Event::Eof => return said,
            Event::Decl(_) => {}
            Event::Start(e) => said.push(start(&e)),
            Event::Empty(e) => said.extend([start(&e), "</>".to_owned()]),
            Event::End(_) => said.push("</>".to_owned()),
            other => said.push(format!("{other:?}")),
        }
    }
}

fn text_of(document: &Document) -> Cow<'_, str> {
    document.text().unwrap()
}

/// Shuffled pieces of markup: far nearer to well-formed than random bytes.
fn markup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "<",
        ">",
        "/",
        "</",
        "/>",
        "<a",
        "<a>",
        "</a>",
        "<b/>",
        "<p:a",
        "ContactResponseList",
        "<ContactResponseList>",
        "</ContactResponseList>",
        " ",
        "\n",
        "x='1'",
        " xmlns:p='u'",
        " xmlns=''",
        "'",
        "\"",
        "=",
        "&",
        "&amp;",
        "&#x;",
        ";",
        "<!--",
        "-->",
        "--",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "<?xml version='1.0'",
        "<!DOCTYPE a",
        "é",
        "\u{0}",
        "\u{FEFF}",
        ":",
    ];
    vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

fn jsonish() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[", "]", "{", "}", ",", ":", "\"", "\\", "\\u", "d800", "1", "-", ".", "e9", "null", " ", "\n", "é",
        "\u{FEFF}",
    ];
    vec(prop::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn json_documents_come_back_to_the_byte(texts in vec(json(), 0..5)) {
        let documents = documents_of(&texts);
        let back = read_back(DocumentType::MultipleJson, join(DocumentType::MultipleJson, &documents)).unwrap();
        prop_assert_eq!(back, documents);
    }

    #[test]
    fn xml_documents_come_back_with_their_meaning(texts in vec(element(), 0..4)) {
        let back = read_back(DocumentType::MultipleXml, join(DocumentType::MultipleXml, &documents_of(&texts))).unwrap();
        prop_assert_eq!(back.len(), texts.len());
        for (document, text) in back.iter().zip(&texts) {
            prop_assert!(text_of(document).starts_with("<?xml version='1.0' encoding='UTF-8'?><"));
            prop_assert_eq!(meaning(&text_of(document)), meaning(text));
        }
    }

    #[test]
    fn xml_documents_of_a_plain_list_come_in_to_the_byte(texts in vec(element(), 0..4), between in "[ \r\n\t]{0,3}(<!-- c -->)?") {
        let list = format!("<ContactResponseList>{between}{}</ContactResponseList>", texts.join(&between));
        let back = read_back(DocumentType::MultipleXml, list).unwrap();
        let expected: Vec<_> = texts.iter().map(|t| format!("<?xml version='1.0' encoding='UTF-8'?>{t}")).collect();
        prop_assert_eq!(back.iter().map(text_of).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn namespaces_of_the_list_keep_their_meaning(inner in vec((name(), declarations(), text()), 1..4), default in any::<bool>()) {
        let children: Vec<_> = inner.iter().map(|(n, d, t)| format!("<{n}{d} p:a='' q:b=''>{t}</{n}>")).collect();
        let default = if default { " xmlns='urn:list'" } else { "" };
        let root = format!("ContactResponseList{default} xmlns:p='urn:x' xmlns:q='urn:y'");
        let back = read_back(DocumentType::MultipleXml, format!("<{root}>{}</ContactResponseList>", children.concat())).unwrap();
        for (document, child) in back.iter().zip(&children) {
            let alone = meaning(&format!("<{root}>{child}</ContactResponseList>"));
            prop_assert_eq!(&meaning(&text_of(document))[..], &alone[1..alone.len() - 1]);
        }
    }

    #[test]
    fn any_bytes_in_or_out_never_panic(bytes in vec(any::<u8>(), 0..200), property in any::<String>(), value in any::<String>()) {
        for kind in TYPES {
            let _ = read_back(kind, bytes.clone());
            let properties: Properties = [(format!("outheader_{property}"), value.clone()), ("outstatuscode".into(), value.clone())].into_iter().collect();
            let _ = reply(&operation(kind), &[Document::with_properties(bytes.clone(), properties)], &LIST);
            let _ = reply(&operation(kind), &[Document::new(bytes.clone()), Document::new("1")], &LIST);
        }
    }

    #[test]
    fn broken_xml_never_panics_and_what_is_taken_is_well_formed(text in markup()) {
        for list in [text.clone(), format!("<ContactResponseList>{text}</ContactResponseList>")] {
            for document in read_back(DocumentType::MultipleXml, list).unwrap_or_default() {
                prop_assert!(xml::content(&text_of(&document)).is_ok(), "{}", text_of(&document));
                meaning(&text_of(&document));
            }
        }
        if let Ok(content) = xml::content(&text) {
            meaning(content);
        }
    }

    #[test]
    fn broken_json_never_panics_and_what_is_taken_is_json(text in jsonish()) {
        for list in [text.clone(), format!("[{text}]")] {
            for document in read_back(DocumentType::MultipleJson, list).unwrap_or_default() {
                prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&document.data.contiguous()).is_ok());
            }
        }
    }
}

/// Linear time: with quadratic work, each of these would take minutes.
#[test]
fn large_lists_take_little_time() {
    let began = std::time::Instant::now();
    let many = "<a p:b=''>é</a>".repeat(MAX_DOCUMENTS);
    let list = format!("<ContactResponseList xmlns:p='u'>{many}</ContactResponseList>");
    assert_eq!(read_back(DocumentType::MultipleXml, list).unwrap().len(), MAX_DOCUMENTS);
    let declarations: String = (0..400).map(|i| format!(" xmlns:p{i}='u'")).collect();
    let deep = format!(
        "<ContactResponseList>{}{}{}",
        format!("<a{declarations}>").repeat(200),
        "<p0:b p9:c=''/>".repeat(100_000),
        "</a>".repeat(200)
    );
    assert_eq!(read_back(DocumentType::MultipleXml, format!("{deep}</ContactResponseList>")).unwrap().len(), 1);
    let list = format!("[{}[0,0,0,0,0,0,0,0]]", "[0,0,0,0,0,0,0,0],".repeat(MAX_DOCUMENTS - 1));
    assert_eq!(read_back(DocumentType::MultipleJson, list).unwrap().len(), MAX_DOCUMENTS);
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}
