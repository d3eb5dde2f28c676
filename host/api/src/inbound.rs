//! From a request's body to documents, as the input type has it.
//!
//! single-* passes the body on unread and uncopied. multiple-* reads it once, in linear time: JSON documents are slices
//! of the body, XML documents are too, each behind a short head of its own.

use auricle_model::{Data, Document, DocumentType, Operation, Properties, Protocol};
use bytes::Bytes;

use crate::parse_error::ParseError;
use crate::profile::{Profile, Violation};
use crate::xml::Budget;
use crate::{json, xml};

/// Documents that one body may hold: as many as the engine gives to one execution, so that a list that is too long is told
/// to whoever sent it, and is no failure of the process.
pub const MAX_DOCUMENTS: usize = 65_536;

/// The documents of a multiple-xml body may together be so many times its size ...
pub const MAX_EXPANSION: usize = 16;

/// ... and so many bytes more: each repeats the namespace declarations of the list.
pub const EXPANSION_BASE: usize = 16 << 20;

/// A body that the operation does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a body, and the input type is none.
    #[error("this operation takes no body (input type none), and one was sent: send the request without it")]
    BodyNotTaken {
        /// How the operation was called: it decides the status.
        protocol: Protocol,
    },
    /// There is no body, and the input type is multiple-*.
    #[error("this operation takes a list of documents, and no body was sent: {expected}")]
    NoBody {
        /// What to send.
        expected: String,
    },
    /// The body can't be parsed, and has to be to be split.
    #[error("the body is not well-formed {kind}: line {line}, column {column}: {message}")]
    Malformed {
        /// `XML` or `JSON`.
        kind: &'static str,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The root of a multiple-xml body has another name.
    #[error("the root element is `{found}`; a list for this operation is `<{expected}>`, in any namespace or none")]
    WrongRoot {
        /// The name it has to have.
        expected: String,
        /// The name it has.
        found: String,
    },
    /// A multiple-json body is neither an array nor an object.
    #[error("the body is {found}; send a JSON array of documents, or one object")]
    NotAList {
        /// What it is: "a string".
        found: &'static str,
    },
    /// A document does not follow the profile that the operation wants it to.
    #[error("the request does not follow profile `{profile}`: {violation}")]
    Invalid {
        /// Name of the profile.
        profile: String,
        /// Where in the body, and what is wrong.
        violation: Violation,
        /// Its number from 1, where there are several and each was looked at for itself.
        document: Option<usize>,
    },
    /// The body holds more than a request may: more documents, or documents that are much larger than itself.
    #[error("the body holds too much: {message}")]
    TooMuch {
        /// What, the limit, and what to do.
        message: String,
    },
}

impl Refusal {
    /// The status that tells it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BodyNotTaken { protocol: Protocol::Simple } => 405,
            Self::TooMuch { .. } => 413,
            _ => 400,
        }
    }

    /// Value of the `Allow` header that a 405 has to have.
    pub const fn allow(&self) -> Option<&'static str> {
        match self {
            Self::BodyNotTaken { protocol: Protocol::Simple } => Some("GET, HEAD, POST, OPTIONS"),
            _ => None,
        }
    }

    /// A document that does not follow its profile.
    pub(crate) fn invalid(profile: &Profile, violation: Violation, document: Option<usize>) -> Self {
        Self::Invalid { profile: profile.name().to_owned(), violation, document }
    }

    pub(crate) fn malformed(kind: &'static str, ParseError { line, column, message }: ParseError) -> Self {
        Self::Malformed { kind, line, column, message }
    }

    fn too_many() -> Self {
        Self::TooMuch { message: format!("more than {MAX_DOCUMENTS} documents; send them in several requests") }
    }
}

/// The documents of a body, each with the given properties (its `inheader_*`).
///
/// `own_object` is the object of the process itself: it names the list where the operation's object is empty.
///
/// # Errors
///
/// The body is not what the input type takes.
pub fn documents(
    operation: &Operation,
    own_object: &str,
    protocol: Protocol,
    body: Bytes,
    properties: &Properties,
) -> Result<Vec<Document>, Refusal> {
    let document = |data: Data| Document::with_properties(data, properties.clone());
    match operation.input {
        DocumentType::None if body.is_empty() => Ok(vec![Document::default()]),
        DocumentType::None => Err(Refusal::BodyNotTaken { protocol }),
        DocumentType::SingleData | DocumentType::SingleXml | DocumentType::SingleJson => {
            Ok(vec![document(body.into())])
        }
        DocumentType::MultipleXml => {
            let root = list_name(operation, own_object);
            Ok(multiple_xml(&root, &body, properties)?.into_iter().map(document).collect())
        }
        DocumentType::MultipleJson => Ok(multiple_json(&body)?.into_iter().map(document).collect()),
    }
}

/// Name of the root of a multiple-xml body.
fn list_name(operation: &Operation, own_object: &str) -> String {
    format!("{}List", if operation.object.is_empty() { own_object } else { &operation.object })
}

fn multiple_xml(root: &str, body: &Bytes, properties: &Properties) -> Result<Vec<Data>, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NoBody { expected: format!("send `<{root}>` with an element for each") });
    }
    let charset = properties.get_document("inheader_Content-Type").and_then(charset);
    let text = xml::decoded(body, charset).map_err(|e| Refusal::malformed("XML", e))?;
    let bytes = text.len().saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_BASE);
    xml::split(&text, root, Budget { count: MAX_DOCUMENTS, bytes }).map_err(|e| match e {
        xml::SplitError::Parse(e) => Refusal::malformed("XML", e),
        xml::SplitError::Root(found) => Refusal::WrongRoot { expected: root.into(), found },
        xml::SplitError::Count => Refusal::too_many(),
        xml::SplitError::Bytes => Refusal::TooMuch {
            message: format!(
                "its documents, each with the namespaces that the list declares, are more than {bytes} bytes; \
                 declare a namespace where it is used"
            ),
        },
    })
}

fn multiple_json(body: &Bytes) -> Result<Vec<Data>, Refusal> {
    if body.is_empty() {
        return Err(Refusal::NoBody { expected: "send a JSON array of them, or one object".into() });
    }
    let bytes = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let good = bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default();
        Refusal::malformed("JSON", ParseError::at(good, good.len(), "the bytes here are not UTF-8"))
    })?;
    let elements = json::split(text, MAX_DOCUMENTS).map_err(|e| match e {
        json::SplitError::Parse(e) => Refusal::malformed("JSON", e),
        json::SplitError::Scalar(found) => Refusal::NotAList { found },
        json::SplitError::Count => Refusal::too_many(),
    })?;
    Ok(elements.into_iter().map(|element| body.slice_ref(element.as_bytes()).into()).collect())
}

/// The charset parameter of a media type.
pub(crate) fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::tests::operation;

    const HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>";

    fn taken(input: DocumentType, body: impl Into<Bytes>) -> Result<Vec<Document>, Refusal> {
        let operation = Operation { input, object: "Contact".into(), ..operation(DocumentType::SingleData) };
        let properties = [("inheader_Content-Type", "text/x; charset=UTF-8")].into_iter().collect();
        documents(&operation, "Own", Protocol::Rest, body.into(), &properties)
    }

    fn texts(input: DocumentType, body: &str) -> Vec<String> {
        taken(input, body.to_owned()).unwrap().iter().map(|d| d.text().unwrap().into_owned()).collect()
    }

    fn refused(input: DocumentType, body: &str) -> (u16, String) {
        let refusal = taken(input, body.to_owned()).unwrap_err();
        (refusal.status(), refusal.to_string())
    }

    #[test]
    fn g1_input_none_gives_one_empty_document_without_headers() {
        assert_eq!(taken(DocumentType::None, ""), Ok(vec![Document::default()]));
    }

    #[test]
    fn g2_single_data_is_the_same_bytes() {
        let body = Bytes::from_static(&[0, 0xFF, 0x80, b'\r', b'\n']);
        let documents = taken(DocumentType::SingleData, body.clone()).unwrap();
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0].data.pieces(), [&[][..], &body]);
        assert_eq!(documents[0].data.pieces()[1].as_ptr(), body.as_ptr(), "not even copied");
        assert_eq!(documents[0].properties.get("inheader_Content-Type"), Some("text/x; charset=UTF-8"));
    }

    #[test]
    fn g3_single_xml_is_unchanged() {
        let body = "<?xml version='1.0'?> <Contact><a/>\r\n</Contact>";
        assert_eq!(texts(DocumentType::SingleXml, body), [body]);
    }

    #[test]
    fn g4_a_list_of_xml_becomes_its_elements() {
        let body = "<ContactList><Contact>1</Contact><Contact>2</Contact></ContactList>";
        let expected = [format!("{HEAD}<Contact>1</Contact>"), format!("{HEAD}<Contact>2</Contact>")];
        assert_eq!(texts(DocumentType::MultipleXml, body), expected);
        let body = format!("\u{FEFF}{HEAD}\n<n:ContactList xmlns:n='urn:n'>\n<n:Any/></n:ContactList>");
        assert_eq!(texts(DocumentType::MultipleXml, &body), [format!("{HEAD}<n:Any xmlns:n='urn:n'/>")]);
        for document in taken(DocumentType::MultipleXml, body).unwrap() {
            assert!(document.properties.get("inheader_Content-Type").is_some());
        }
    }

    #[test]
    fn g6_one_json_object_is_a_list_of_one() {
        assert_eq!(texts(DocumentType::MultipleJson, "\u{FEFF} {\"a\":1}\n"), ["{\"a\":1}"]);
    }

    #[test]
    fn g7_an_empty_list_gives_no_documents() {
        assert_eq!(taken(DocumentType::MultipleJson, "[]"), Ok(vec![]));
        assert_eq!(taken(DocumentType::MultipleXml, "<ContactList/>"), Ok(vec![]));
    }

    #[test]
    fn g8_an_unclosed_list_is_400_and_says_where() {
        let (status, message) = refused(DocumentType::MultipleXml, "<ContactList>\n<Contact/>");
        assert_eq!(status, 400);
        assert!(message.starts_with("the body is not well-formed XML: line 2, column 11: "), "{message}");
        let (status, message) = refused(DocumentType::MultipleJson, "[{\"a\":\n}]");
        assert_eq!(status, 400);
        assert!(message.starts_with("the body is not well-formed JSON: line 2, column 1: "), "{message}");
        let not_utf8 = taken(DocumentType::MultipleJson, &b"[\n\"\xFF\"]"[..]).unwrap_err();
        assert!(not_utf8.to_string().contains("line 2, column 2: the bytes here"), "{not_utf8}");
    }

    #[test]
    fn g9_single_json_passes_unread() {
        assert_eq!(texts(DocumentType::SingleJson, "not json"), ["not json"]);
    }

    #[test]
    fn json_documents_are_slices_of_the_body() {
        let body = Bytes::from_static(b"[ {\"b\":1.0,\"a\":1e400} , 2 ]");
        let documents = taken(DocumentType::MultipleJson, body.clone()).unwrap();
        assert_eq!(documents[0].text().as_deref(), Some("{\"b\":1.0,\"a\":1e400}"));
        assert_eq!(documents[0].data.pieces()[1].as_ptr(), body[2..].as_ptr());
        assert_eq!(documents[1].text().as_deref(), Some("2"));
    }

    #[test]
    fn no_body_is_an_empty_document_for_single_and_400_for_multiple() {
        for single in [DocumentType::SingleData, DocumentType::SingleXml, DocumentType::SingleJson] {
            assert_eq!(texts(single, ""), [""]);
        }
        assert_eq!(refused(DocumentType::MultipleXml, "").0, 400);
        assert!(refused(DocumentType::MultipleXml, "").1.contains("<ContactList>"));
        assert!(refused(DocumentType::MultipleJson, "").1.contains("JSON array"));
        assert!(matches!(taken(DocumentType::MultipleJson, " ").unwrap_err(), Refusal::Malformed { .. }));
    }

    /// D6 of the cases, for simple HTTP; `decisions.md` makes it 400 for REST.
    #[test]
    fn d6_a_body_for_input_none_is_refused() {
        let refusal = taken(DocumentType::None, "x").unwrap_err();
        assert_eq!((refusal.status(), refusal.allow()), (400, None));
        let refusal = Refusal::BodyNotTaken { protocol: Protocol::Simple };
        assert_eq!((refusal.status(), refusal.allow()), (405, Some("GET, HEAD, POST, OPTIONS")));
    }

    #[test]
    fn another_root_or_a_scalar_is_no_list() {
        let (status, message) = refused(DocumentType::MultipleXml, "<n:Contacts xmlns:n=''/>");
        assert_eq!(status, 400, "{message}");
        let (status, message) = refused(DocumentType::MultipleXml, "<n:contactList xmlns:n='u'/>");
        assert_eq!(status, 400);
        assert!(message.contains("`n:contactList`") && message.contains("`<ContactList>`"), "{message}");
        for (body, found) in [("1", "a number"), ("\"[]\"", "a string"), ("null", "null"), (" true", "a boolean")] {
            assert_eq!(taken(DocumentType::MultipleJson, body).unwrap_err(), Refusal::NotAList { found });
        }
    }

    #[test]
    fn an_empty_object_leaves_the_name_to_the_process() {
        let operation = Operation { input: DocumentType::MultipleXml, ..operation(DocumentType::None) };
        let operation = Operation { object: String::new(), ..operation };
        let list = |own| documents(&operation, own, Protocol::Rest, "<OwnList/>".into(), &Properties::new());
        assert_eq!(list("Own"), Ok(vec![]));
        assert!(list("Other").is_err());
    }

    #[test]
    fn the_charset_of_the_media_type_counts() {
        let operation =
            Operation { input: DocumentType::MultipleXml, object: "Contact".into(), ..operation(DocumentType::None) };
        let body = Bytes::from_static(b"<ContactList><a>\xE9</a></ContactList>");
        let list = |content_type| {
            let properties = [("inheader_Content-Type", content_type)].into_iter().collect();
            documents(&operation, "", Protocol::Rest, body.clone(), &properties)
        };
        let documents = list("text/xml; x=y; Charset=\"iso-8859-1\"").unwrap();
        assert_eq!(documents[0].text().unwrap(), format!("{HEAD}<a>é</a>"));
        assert!(list("text/xml").unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn more_than_a_request_may_hold_is_413() {
        let body = format!("[{}0]", "0,".repeat(MAX_DOCUMENTS));
        assert_eq!(refused(DocumentType::MultipleJson, &body).0, 413);
        let namespace = "u".repeat(1 << 10);
        let declarations: String = (0..1_000).map(|i| format!(" xmlns:p{i}='{namespace}'")).collect();
        let body = format!("<ContactList{declarations}>{}</ContactList>", "<a/>".repeat(40));
        let (status, message) = refused(DocumentType::MultipleXml, &body);
        assert_eq!(status, 413);
        assert!(message.contains("namespaces"), "{message}");
    }
}
