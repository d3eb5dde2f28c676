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

pub use auricle_model::DEFAULT_NAMESPACE;

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
    pub(crate) fn new(message: impl Into<String>) -> Self {
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
        [document] if operation.output.is_single() => {
            reply.apply(document)?;
            reply.drop_body_where_forbidden(document);
        }
        _ => reply.notes.extend(ignored(operation.output, documents)),
    }
    Ok(reply)
}

fn body(operation: &Operation, documents: &[Document], list: &List<'_>) -> Result<Bytes, OutputError> {
    match (operation.output, documents) {
        (DocumentType::MultipleXml, _) => xml_list(operation, documents, list),
        (DocumentType::MultipleJson, _) => json_list(documents),
        (DocumentType::None, _) | (_, []) => Ok(Bytes::new()),
        (_, [document]) => Ok(document.data.to_bytes()),
        (DocumentType::SingleData, _) => {
            let mut all = Vec::with_capacity(documents.iter().map(|d| d.data.len()).sum());
            documents.iter().flat_map(|d| d.data.pieces()).for_each(|piece| all.extend_from_slice(piece));
            Ok(all.into())
        }
        (single, _) => Err(too_many(single, documents.len())),
    }
}

/// The process returned several documents, and its output type has a place for one.
pub(crate) fn too_many(single: DocumentType, returned: usize) -> OutputError {
    OutputError::new(format!(
        "the process returned {returned} documents, and output type {single} takes one: return one, or declare multiple-{}",
        if single.is_xml() { "xml" } else { "json" },
    ))
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
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
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
        let data = document.data.contiguous();
        let decoded = xml::decode(&data, None).map_err(|e| misfit(i, documents, "XML", e))?;
        text.push_str(xml::content(&decoded).map_err(|e| misfit(i, documents, "XML", e))?);
    }
    text.push_str(&format!("</wss:{name}>"));
    Ok(text.into())
}

/// A document that can't stand where it has to.
pub(crate) fn misfit(index: usize, documents: &[Document], kind: &str, why: impl std::fmt::Display) -> OutputError {
    let (nth, all) = (index + 1, documents.len());
    OutputError::new(format!("document {nth} of {all} of the answer is not well-formed {kind}: {why}"))
}

/// The note about properties that would have set status or headers, had there been one document of a single-* output.
pub(crate) fn ignored(output: DocumentType, documents: &[Document]) -> Option<String> {
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
    pub(crate) fn apply(&mut self, document: &Document) -> Result<(), OutputError> {
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
        Ok(())
    }

    /// 204, 205 and 304 have no body (RFC 9110), and then no media type but one that was asked for.
    pub(crate) fn drop_body_where_forbidden(&mut self, document: &Document) {
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
pub(crate) mod tests;
