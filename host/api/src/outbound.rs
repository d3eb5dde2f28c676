//! From the documents that a process returned to status, headers and body, as the output type has it.
//!
//! One document of a single-* output is not copied; a list is written once. Documents of a list are parsed, in linear
//! time, so that what leaves here is one well-formed text or an error that says which document is to blame.

use std::collections::BTreeSet;

use auricle_model::{Document, DocumentType, Operation};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::paging::TOKEN;
use crate::parse_error::short;
use crate::{json, xml};

/// Namespace of the list element unless an API says otherwise: existing clients know it.
pub const DEFAULT_NAMESPACE: &str = "http://www.boomi.com/connector/wss";

/// Document property that sets the status of the response.
const STATUS: &str = "outstatuscode";

/// What the document properties begin with that set headers of the response.
const HEADER: &str = "outheader_";

/// Headers that a process can't set, beside `Proxy-*`: those of one hop (RFC 9110 section 7.6.1), those that frame the
/// body, and the host's own.
const NOT_SETTABLE: &[&str] =
    &["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-execution-id"];

/// Header properties of one document: more are refused.
const MAX_HEADERS: usize = 1_000;

/// More names than these are not listed in a note.
const NOTED_NAMES: usize = 8;

/// What the list of a multiple-* output needs to know beside its documents.
#[derive(Debug, Clone, Copy)]
pub struct List<'a> {
    /// Object of the process itself: it names the list where the operation's object is empty.
    pub own_object: &'a str,
    /// Namespace of the list element; [`DEFAULT_NAMESPACE`] unless the API has another.
    pub namespace: &'a str,
    /// Token of the next page, where there is one.
    pub next: Option<&'a str>,
}

/// A response, but for what the server adds (`X-Execution-Id`, `Link`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 200, or `outstatuscode`.
    pub status: StatusCode,
    /// Content-Type, unless there is no body, and `outheader_*`.
    pub headers: HeaderMap,
    /// The document or the list.
    pub body: Bytes,
    /// For the record: what was set and could not be followed, one sentence each.
    pub notes: Vec<String>,
}

/// What a process returned makes no response: a 500, since the process is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OutputError {
    /// Which document or property, and what to do.
    pub message: String,
}

impl OutputError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: short(message.into()) }
    }
}

/// The response for one page of documents: all of them, or what [`crate::paging::split`] gave first.
///
/// # Errors
///
/// There are several documents for single-xml or single-json, a document can't stand in its list, or `outstatuscode` or
/// an `outheader_*` is nothing that HTTP can say.
pub fn reply(operation: &Operation, documents: &[Document], list: &List<'_>) -> Result<Reply, OutputError> {
    let mut reply = Reply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body(operation, documents, list)?,
        notes: Vec::new(),
    };
    let has_body = !documents.is_empty() || operation.output.is_multiple();
    if has_body && let Some(content_type) = content_type(operation)? {
        reply.headers.insert(CONTENT_TYPE, content_type);
    }
    match documents {
        [document] if operation.output.is_single() => reply.apply(document)?,
        _ => reply.notes.extend(ignored(operation.output, documents)),
    }
    Ok(reply)
}

fn body(operation: &Operation, documents: &[Document], list: &List<'_>) -> Result<Bytes, OutputError> {
    match (operation.output, documents) {
        (DocumentType::MultipleXml, _) => xml_list(operation, documents, list),
        (DocumentType::MultipleJson, _) => json_list(documents),
        (DocumentType::None, _) | (_, []) => Ok(Bytes::new()),
        (_, [document]) => Ok(document.data.clone()),
        (DocumentType::SingleData, _) => {
            let mut all = Vec::with_capacity(documents.iter().map(|d| d.data.len()).sum());
            documents.iter().for_each(|d| all.extend_from_slice(&d.data));
            Ok(all.into())
        }
        (single, _) => Err(OutputError::new(format!(
            "the process returned {} documents, and output type {single} takes one: return one, or declare multiple-{}",
            documents.len(),
            if single.is_xml() { "xml" } else { "json" },
        ))),
    }
}

fn content_type(operation: &Operation) -> Result<Option<HeaderValue>, OutputError> {
    match operation.output {
        DocumentType::None => Ok(None),
        DocumentType::SingleData => HeaderValue::try_from(&operation.content_type).map(Some).map_err(|_| {
            OutputError::new(format!("content-type {:?} of the operation is no header value", operation.content_type))
        }),
        DocumentType::SingleXml | DocumentType::MultipleXml => Ok(Some(HeaderValue::from_static("application/xml"))),
        DocumentType::SingleJson | DocumentType::MultipleJson => Ok(Some(HeaderValue::from_static("application/json"))),
    }
}

fn json_list(documents: &[Document]) -> Result<Bytes, OutputError> {
    let mut list = String::with_capacity(2 + documents.iter().map(|d| d.data.len() + 1).sum::<usize>());
    list.push('[');
    for (i, document) in documents.iter().enumerate() {
        let text = document.text().ok_or_else(|| misfit(i, documents, "JSON", "it is not UTF-8"))?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if i > 0 {
            list.push(',');
        }
        list.push_str(json::value(text).map_err(|e| misfit(i, documents, "JSON", e))?);
    }
    list.push(']');
    Ok(list.into())
}

fn xml_list(operation: &Operation, documents: &[Document], list: &List<'_>) -> Result<Bytes, OutputError> {
    let object = if operation.object.is_empty() { list.own_object } else { &operation.object };
    let name = format!("{object}ResponseList");
    if !xml::is_ncname(&name) {
        return Err(OutputError::new(format!(
            "object {object:?} can't name the element `{{object}}ResponseList` of a multiple-xml output: \
             use letters, digits, `_`, `-` and `.`"
        )));
    }
    let size = documents.iter().map(|d| d.data.len()).sum::<usize>();
    let mut text = String::with_capacity(size + 2 * name.len() + list.namespace.len() + 128);
    text.push_str(&format!("<wss:{name} xmlns:wss=\"{}\"", xml::quoted(list.namespace)));
    if let Some(token) = list.next {
        text.push_str(&format!(" {TOKEN}=\"{}\"", xml::quoted(token)));
    }
    text.push('>');
    for (i, document) in documents.iter().enumerate() {
        let decoded = xml::decode(&document.data, None).map_err(|e| misfit(i, documents, "XML", e))?;
        text.push_str(xml::content(&decoded).map_err(|e| misfit(i, documents, "XML", e))?);
    }
    text.push_str(&format!("</wss:{name}>"));
    Ok(text.into())
}

fn misfit(index: usize, documents: &[Document], kind: &str, why: impl std::fmt::Display) -> OutputError {
    let (nth, all) = (index + 1, documents.len());
    OutputError::new(format!("document {nth} of {all} of the answer is not well-formed {kind}: {why}"))
}

/// The note about properties that would have set status or headers, had there been one document of a single-* output.
fn ignored(output: DocumentType, documents: &[Document]) -> Option<String> {
    let mut names = BTreeSet::new();
    for (name, _) in documents.iter().flat_map(|d| d.properties.iter()) {
        if (name == STATUS || name.starts_with(HEADER)) && names.len() <= NOTED_NAMES {
            names.insert(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let more = if names.len() > NOTED_NAMES { " and more" } else { "" };
    let names = short(names.into_iter().take(NOTED_NAMES).collect::<Vec<_>>().join(", "));
    Some(format!(
        "{names}{more} ignored: they count where the output type is single-* and exactly one document is returned, \
         here it is {output} and {}",
        documents.len()
    ))
}

impl Reply {
    /// Follows `outstatuscode` and `outheader_*` of the one document.
    fn apply(&mut self, document: &Document) -> Result<(), OutputError> {
        if document.properties.iter().filter(|(name, _)| name.starts_with(HEADER)).count() > MAX_HEADERS {
            return Err(OutputError::new(format!("the document has more than {MAX_HEADERS} `{HEADER}*` properties")));
        }
        let mut cookies = Vec::new();
        for (property, value) in &document.properties {
            if property == STATUS {
                self.status = status(value)?;
                continue;
            }
            let Some(name) = property.strip_prefix(HEADER) else { continue };
            let cookie = cookie_number(name);
            let header = if cookie.is_some() { SET_COOKIE } else { header_name(property, name)? };
            let value = header_value(property, value)?;
            if !is_settable(&header) {
                self.notes.push(short(format!("`{property}` dropped: this header is the host's to set")));
            } else if let Some(number) = cookie {
                cookies.push((number, value));
            } else {
                self.headers.insert(header, value);
            }
        }
        cookies.sort_by_key(|(number, _)| *number);
        for (_, cookie) in cookies {
            self.headers.append(SET_COOKIE, cookie);
        }
        self.drop_body_where_forbidden(document);
        Ok(())
    }

    /// 204, 205 and 304 have no body (RFC 9110), and then no media type but one that was asked for.
    fn drop_body_where_forbidden(&mut self, document: &Document) {
        if !matches!(self.status.as_u16(), 204 | 205 | 304) {
            return;
        }
        if !self.body.is_empty() {
            self.notes.push(format!(
                "the document's {} bytes dropped: status {} has no body",
                self.body.len(),
                self.status
            ));
            self.body = Bytes::new();
        }
        let asked = |(name, _): (&str, &str)| {
            name.strip_prefix(HEADER).is_some_and(|name| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()))
        };
        if !document.properties.iter().any(asked) {
            self.headers.remove(CONTENT_TYPE);
        }
    }
}

fn status(value: &str) -> Result<StatusCode, OutputError> {
    let digits = value.trim();
    Some(digits)
        .filter(|d| d.len() == 3 && d.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|d| d.parse::<u16>().ok())
        .filter(|status| (200..=599).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| {
            OutputError::new(format!("document property `{STATUS}`: {value:?} is no status from 200 to 599"))
        })
}

fn header_name(property: &str, name: &str) -> Result<HeaderName, OutputError> {
    HeaderName::try_from(name).map_err(|_| {
        OutputError::new(format!("document property {property:?}: {name:?} is no header name that HTTP allows"))
    })
}

fn header_value(property: &str, value: &str) -> Result<HeaderValue, OutputError> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        OutputError::new(format!(
            "document property `{property}`: HTTP allows no control characters in a header's value"
        ))
    })
}

/// The number of a cookie: 0 for `Set-Cookie`, else that in `Set-Cookie[n]`. None for any other header.
fn cookie_number(name: &str) -> Option<u32> {
    let (name, number) = name.split_at_checked(SET_COOKIE.as_str().len())?;
    if !name.eq_ignore_ascii_case(SET_COOKIE.as_str()) {
        return None;
    }
    match number {
        "" => Some(0),
        _ => number.strip_prefix('[')?.strip_suffix(']')?.parse().ok(),
    }
}

fn is_settable(name: &HeaderName) -> bool {
    !name.as_str().starts_with("proxy-") && !NOT_SETTABLE.contains(&name.as_str())
}

#[cfg(test)]
pub(crate) mod tests {
    use auricle_model::{OperationKind, Properties};

    use super::*;

    /// An operation of this output type.
    pub(crate) fn operation(output: DocumentType) -> Operation {
        Operation {
            kind: OperationKind::Create,
            object: "Contact".into(),
            input: DocumentType::None,
            output,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 100,
        }
    }

    const LIST: List<'_> = List { own_object: "Own", namespace: DEFAULT_NAMESPACE, next: None };

    fn reply_to(output: DocumentType, documents: &[&str]) -> Result<Reply, OutputError> {
        let documents: Vec<_> = documents.iter().map(|d| Document::new((*d).to_owned())).collect();
        reply(&operation(output), &documents, &LIST)
    }

    fn with(properties: &[(&str, &str)]) -> Result<Reply, OutputError> {
        let properties: Properties = properties.iter().copied().collect();
        reply(&operation(DocumentType::SingleJson), &[Document::with_properties("{}", properties)], &LIST)
    }

    fn header<'a>(reply: &'a Reply, name: &str) -> Vec<&'a [u8]> {
        reply.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    #[test]
    fn h2_a_document_sets_the_status() {
        let reply = with(&[("outstatuscode", "404")]).unwrap();
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (404, &b"{}"[..]));
        assert_eq!(header(&reply, "content-type"), [b"application/json"]);
        assert_eq!(with(&[("outstatuscode", " 299 ")]).unwrap().status.as_u16(), 299);
        for bad in ["", "199", "600", "abc", "+404", "4 4", "0404", "٤٠٤"] {
            let error = with(&[("outstatuscode", bad)]).unwrap_err().message;
            assert!(error.contains("`outstatuscode`") && error.contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn h5_lists_and_several_documents_ignore_status_and_headers_and_say_so() {
        let properties: Properties =
            [("outstatuscode", "418"), ("outheader_A", "1"), ("own", "")].into_iter().collect();
        let document = Document::with_properties("1", properties);
        for (output, documents) in [
            (DocumentType::MultipleJson, vec![document.clone()]),
            (DocumentType::SingleData, vec![Document::new("0"), document]),
        ] {
            let reply = reply(&operation(output), &documents, &LIST).unwrap();
            assert_eq!((reply.status, reply.headers.len()), (StatusCode::OK, 1));
            assert_eq!(reply.notes.len(), 1);
            assert!(reply.notes[0].starts_with("outheader_A, outstatuscode ignored"), "{:?}", reply.notes);
        }
        assert!(reply_to(DocumentType::MultipleJson, &["1"]).unwrap().notes.is_empty());
    }

    #[test]
    fn h6_h19_single_data_is_concatenated() {
        let reply = reply_to(DocumentType::SingleData, &["a", "b"]).unwrap();
        assert_eq!((reply.status, &reply.body[..]), (StatusCode::OK, &b"ab"[..]));
        assert_eq!(header(&reply, "content-type"), [b"text/plain"]);
    }

    #[test]
    fn single_xml_and_json_take_one_document() {
        let error = reply_to(DocumentType::SingleJson, &["1", "2", "3"]).unwrap_err().message;
        assert!(error.contains("3 documents") && error.contains("multiple-json"), "{error}");
        assert!(reply_to(DocumentType::SingleXml, &["<a/>", "<b/>"]).unwrap_err().message.contains("multiple-xml"));
        assert_eq!(&reply_to(DocumentType::SingleXml, &["not <xml"]).unwrap().body[..], b"not <xml");
    }

    #[test]
    fn h7_no_document_is_an_empty_body() {
        for single in [DocumentType::SingleJson, DocumentType::SingleXml, DocumentType::SingleData, DocumentType::None]
        {
            let reply = reply_to(single, &[]).unwrap();
            assert_eq!((reply.status, reply.body.len(), reply.headers.len()), (StatusCode::OK, 0, 0));
        }
        assert_eq!(&reply_to(DocumentType::MultipleJson, &[]).unwrap().body[..], b"[]");
        let list =
            "<wss:ContactResponseList xmlns:wss=\"http://www.boomi.com/connector/wss\"></wss:ContactResponseList>";
        assert_eq!(reply_to(DocumentType::MultipleXml, &[]).unwrap().body, list);
    }

    #[test]
    fn h14_the_output_type_says_the_media_type() {
        for (output, expected) in [
            (DocumentType::SingleJson, "application/json"),
            (DocumentType::MultipleJson, "application/json"),
            (DocumentType::SingleXml, "application/xml"),
            (DocumentType::MultipleXml, "application/xml"),
        ] {
            let document = if output.is_json() { "1" } else { "<a/>" };
            assert_eq!(header(&reply_to(output, &[document]).unwrap(), "content-type"), [expected.as_bytes()]);
        }
        assert_eq!(header(&with(&[("outheader_Content-Type", "text/csv")]).unwrap(), "content-type"), [b"text/csv"]);
        let operation = Operation { content_type: "a\nb".into(), ..operation(DocumentType::SingleData) };
        assert!(reply(&operation, &[Document::new("")], &LIST).unwrap_err().message.contains("content-type"));
    }

    #[test]
    fn i7_json_pages_are_arrays() {
        let reply = reply_to(DocumentType::MultipleJson, &[" {\"a\": 1.0}\n", "\u{FEFF}2", "\"x\""]).unwrap();
        assert_eq!(&reply.body[..], b"[{\"a\": 1.0},2,\"x\"]");
    }

    /// I8 is SOAP's; the list element of the plain protocols carries the same attribute.
    #[test]
    fn i8_an_xml_page_carries_the_token_of_the_next() {
        let documents = [
            Document::new("<?xml version='1.0'?>\n<a>1</a>\n"),
            Document::new(&b"\xEF\xBB\xBF<b/>"[..]),
            Document::new(&b"<?xml version='1.0' encoding='ISO-8859-1'?><c>\xE9</c>"[..]),
        ];
        let list = List { next: Some("t<1"), namespace: "urn:a&b", ..LIST };
        let operation = Operation { object: String::new(), ..operation(DocumentType::MultipleXml) };
        assert_eq!(
            reply(&operation, &documents, &list).unwrap().body,
            "<wss:OwnResponseList xmlns:wss=\"urn:a&amp;b\" moreDataToken=\"t&lt;1\"><a>1</a><b/><c>é</c></wss:OwnResponseList>"
        );
    }

    #[test]
    fn what_cannot_stand_in_a_list_is_named() {
        for (output, documents, expected) in [
            (DocumentType::MultipleJson, ["1", ""], "document 2 of 2 of the answer is not well-formed JSON: line 1"),
            (DocumentType::MultipleJson, ["1 2", "3"], "document 1 of 2"),
            (DocumentType::MultipleJson, ["1", "1],[2"], "document 2 of 2"),
            (DocumentType::MultipleXml, ["<a/>", ""], "document 2 of 2 of the answer is not well-formed XML: line 1"),
            (DocumentType::MultipleXml, ["<a/><b/>", "<a/>"], "document 1 of 2"),
            (DocumentType::MultipleXml, ["<a/>", "</wss:ContactResponseList>"], "document 2 of 2"),
            (DocumentType::MultipleXml, ["<a/>", "<wss:a/>"], "document 2 of 2"),
            (DocumentType::MultipleXml, ["<!DOCTYPE a><a/>", "<a/>"], "document 1 of 2"),
        ] {
            let error = reply_to(output, &documents).unwrap_err().message;
            assert!(error.starts_with(expected), "{documents:?}: {error}");
        }
        let latin = [Document::new(&b"\"\xE9\""[..])];
        let error = reply(&operation(DocumentType::MultipleJson), &latin, &LIST).unwrap_err().message;
        assert!(error.contains("not UTF-8"), "{error}");
        let operation = Operation { object: "my contact".into(), ..operation(DocumentType::MultipleXml) };
        assert!(reply(&operation, &[], &LIST).unwrap_err().message.contains("my contact"));
    }

    #[test]
    fn properties_become_headers() {
        let reply = with(&[("outheader_Some-Data", "5"), ("outheader_X-Name", "é"), ("Outheader_No", "1")]).unwrap();
        assert_eq!(header(&reply, "some-data"), [b"5"]);
        assert_eq!(header(&reply, "x-name"), ["é".as_bytes()]);
        assert!(!reply.headers.contains_key("no"), "the prefix has a case");
    }

    #[test]
    fn cookies_are_added_in_order() {
        let cookies = ["a", "b", "c", "d"];
        let names =
            ["outheader_Set-Cookie", "outheader_set-cookie[1]", "outheader_Set-Cookie[2]", "outheader_Set-Cookie[10]"];
        let reply = with(&names.into_iter().zip(cookies).collect::<Vec<_>>()).unwrap();
        assert_eq!(header(&reply, "set-cookie"), cookies.map(str::as_bytes));
    }

    #[test]
    fn headers_that_http_forbids_fail_and_name_the_property() {
        for (name, value) in [
            ("outheader_", "1"),
            ("outheader_a b", "1"),
            ("outheader_Link[1]", "1"),
            ("outheader_Set-Cookie[x]", "1"),
            ("outheader_é", "1"),
            ("outheader_A", "1\r\nB: 2"),
            ("outheader_A", "\0"),
            ("outheader_Connection", "\n"),
        ] {
            let error = with(&[(name, value)]).unwrap_err().message;
            assert!(error.contains(name) || error.contains(&format!("{name:?}")), "{name}: {error}");
        }
    }

    #[test]
    fn the_number_of_headers_is_limited() {
        let many = |n: usize| (0..n).map(|i| (format!("outheader_A{i}"), "1")).collect::<Properties>();
        let single = |n| reply(&operation(DocumentType::SingleData), &[Document::with_properties("", many(n))], &LIST);
        assert_eq!(single(MAX_HEADERS).unwrap().headers.len(), MAX_HEADERS + 1);
        assert!(single(100_000).unwrap_err().message.contains("more than 1000"));
    }

    #[test]
    fn headers_of_the_host_are_dropped_with_a_note() {
        for name in [
            "Connection",
            "Keep-Alive",
            "Proxy-Authenticate",
            "Proxy-Connection",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "content-length",
            "X-Execution-Id",
        ] {
            let reply = with(&[(&format!("outheader_{name}"), "1")]).unwrap();
            assert!(!reply.headers.contains_key(name), "{name}");
            assert!(reply.notes.len() == 1 && reply.notes[0].contains(name), "{:?}", reply.notes);
        }
    }

    #[test]
    fn some_statuses_have_no_body() {
        for status in ["204", "205", "304"] {
            let reply = with(&[("outstatuscode", status), ("outheader_ETag", "\"1\"")]).unwrap();
            assert_eq!((reply.body.len(), reply.headers.len(), reply.notes.len()), (0, 1, 1));
        }
        let reply = with(&[("outstatuscode", "304"), ("outheader_content-type", "a/b")]).unwrap();
        assert_eq!(header(&reply, "content-type"), [b"a/b"]);
    }

    #[test]
    fn one_document_is_not_copied() {
        let data = Bytes::from_static(b"x");
        let reply = reply(&operation(DocumentType::SingleData), &[Document::new(data.clone())], &LIST).unwrap();
        assert_eq!(reply.body.as_ptr(), data.as_ptr());
    }
}
