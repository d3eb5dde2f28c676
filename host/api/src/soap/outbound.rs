//! From the documents that a process returned to an envelope.
//!
//! The envelope is written once. Each document is parsed, in linear time, so that what leaves here is one well-formed text
//! or an error that says which document is to blame. JSON becomes XML by its profile.

use std::borrow::Cow;

use auricle_model::Document;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::envelope::{self, Kind};
use super::fault::{self, Code, Fault};
use super::message::Addressing;
use super::{SoapOperation, Version};
use crate::outbound::{OutputError, Reply, ignored, misfit, too_many};
use crate::paging::TOKEN;
use crate::parse_error::short;
use crate::xml;

/// What the tags around documents take, but for the names in them.
const TAGS: usize = 128;

/// The envelope for one page of documents: all of them, or what `paging::split` gave first, with the token of the next one.
/// `more`: whether it answers a request for a further page (`{operation}MoreResults`), which names its wrapper.
/// A single document with an `outstatuscode` of 400 or more becomes a fault.
///
/// # Errors
///
/// There are several documents for a single-* output, a document is not well-formed or does not follow its profile, or
/// `outstatuscode` or an `outheader_*` is nothing that HTTP can say.
pub fn reply(
    operation: &SoapOperation,
    version: Version,
    execution: &str,
    documents: &[Document],
    next: Option<&str>,
    more: bool,
    addressing: Option<&Addressing>,
) -> Result<Reply, OutputError> {
    let output = operation.operation.output;
    let answer = Answer { operation, version, addressing };
    if operation.operation.is_receipt() {
        return Ok(empty(operation, version, addressing));
    }
    if output.is_multiple() {
        let mut reply = answer.list(documents, next, more)?;
        reply.notes.extend(ignored(output, documents));
        return Ok(reply);
    }
    match documents {
        [] => Ok(empty(operation, version, addressing)),
        [document] => answer.single(document, execution),
        _ => Err(too_many(output, documents.len())),
    }
}

/// The empty answer of an operation without output, whose request is only received, or whose process returned nothing.
pub fn empty(operation: &SoapOperation, version: Version, addressing: Option<&Addressing>) -> Reply {
    let mut text = envelope::begin(version, Kind::Response, addressing, "", TAGS);
    text.push_str(&format!("<wss:{} xmlns:wss=\"{}\"/>", operation.response_name(), xml::quoted(&operation.namespace)));
    answered(version, envelope::end(text))
}

/// What all that is written for one request has in common.
#[derive(Clone, Copy)]
struct Answer<'a> {
    operation: &'a SoapOperation,
    version: Version,
    addressing: Option<&'a Addressing>,
}

impl Answer<'_> {
    /// The answer of the one document of a single-* output: its own envelope, a fault, or itself in an envelope.
    fn single(self, document: &Document, execution: &str) -> Result<Reply, OutputError> {
        let mut asked = Reply { headers: HeaderMap::new(), ..answered(self.version, Bytes::new()) };
        asked.apply(document)?;
        // SOAP has its own; a process that also answers REST sets it with every problem, so that no note is due.
        asked.headers.remove(CONTENT_TYPE);
        let own = self.own_envelope(document)?;
        let is_own = own.is_some();
        let is_fault = !is_own && asked.status.as_u16() >= 400;
        let mut reply = match own {
            Some(own) => own,
            None if is_fault => self.fault(asked.status, document, execution),
            // As REST's 204: headers and a status, without a document.
            None if document.data.is_empty() => empty(self.operation, self.version, self.addressing),
            None => self.framed(document)?,
        };
        if is_own && self.operation.returns_fault {
            reply.status = asked.status;
        } else if !asked.status.is_success() && !is_fault {
            asked.notes.push(format!(
                "`outstatuscode` {} not followed: over SOAP it counts from 400 on, as a fault, and with an envelope of the \
                 process's own where `returns-fault` is set",
                asked.status.as_u16()
            ));
        }
        asked.headers.extend(std::mem::take(&mut reply.headers));
        reply.headers = asked.headers;
        reply.notes.splice(0..0, asked.notes);
        if is_own {
            reply.drop_body_where_forbidden(document);
        }
        Ok(reply)
    }

    /// The list of a multiple-* output.
    fn list(self, documents: &[Document], next: Option<&str>, more: bool) -> Result<Reply, OutputError> {
        let operation = self.operation;
        let name = operation.response_list_name();
        let wrapper = match (more, operation.wrapped) {
            (true, _) => Some(format!("{}Response", operation.more_name())),
            (false, true) => Some(operation.response_name()),
            (false, false) => None,
        };
        let namespace = format!(" xmlns:wss=\"{}\"", xml::quoted(&operation.namespace));
        let size = documents.iter().map(|document| document.data.len()).sum::<usize>();
        self.written(size + 2 * (name.len() + namespace.len()), |text| {
            if let Some(wrapper) = &wrapper {
                text.push_str(&format!("<wss:{wrapper}{namespace}>"));
            }
            let declared = if wrapper.is_some() { "" } else { &namespace };
            text.push_str(&format!("<wss:{name}{declared}"));
            if let Some(token) = next {
                text.push_str(&format!(" {TOKEN}=\"{}\"", xml::quoted(token)));
            }
            text.push('>');
            let mut notes = Vec::new();
            for index in 0..documents.len() {
                notes.extend(self.document(index, documents, text)?);
            }
            text.push_str(&format!("</wss:{name}>"));
            if let Some(wrapper) = &wrapper {
                text.push_str(&format!("</wss:{wrapper}>"));
            }
            Ok(notes)
        })
    }

    /// An envelope with a document, in its wrapper if it has one.
    fn framed(self, document: &Document) -> Result<Reply, OutputError> {
        let operation = self.operation;
        let documents = std::slice::from_ref(document);
        self.written(document.data.len(), |text| {
            if !operation.wrapped {
                return self.document(0, documents, text);
            }
            let name = operation.response_name();
            text.push_str(&format!("<wss:{name} xmlns:wss=\"{}\">", xml::quoted(&operation.namespace)));
            let notes = self.document(0, documents, text)?;
            text.push_str(&format!("</wss:{name}>"));
            Ok(notes)
        })
    }

    /// An envelope around what is written into it. JSON grows by its tags: twice is a good guess.
    fn written(
        self,
        size: usize,
        content: impl FnOnce(&mut String) -> Result<Vec<String>, OutputError>,
    ) -> Result<Reply, OutputError> {
        let size = if self.operation.operation.output.is_json() { 2 * size } else { size };
        let mut text = envelope::begin(self.version, Kind::Response, self.addressing, "", size + TAGS);
        let notes = content(&mut text)?;
        Ok(Reply { notes, ..answered(self.version, envelope::end(text)) })
    }

    /// Writes a document as XML; gives the notes on what of it had no place there.
    fn document(self, index: usize, documents: &[Document], into: &mut String) -> Result<Vec<String>, OutputError> {
        let Some(document) = documents.get(index) else { return Ok(Vec::new()) };
        if !self.operation.operation.output.is_json() {
            let data = document.data.contiguous();
            let decoded = xml::decode(&data, None).map_err(|e| misfit(index, documents, "XML", e))?;
            into.push_str(xml::content(&decoded).map_err(|e| misfit(index, documents, "XML", e))?);
            return Ok(Vec::new());
        }
        let profile = self.operation.response.as_deref().filter(|profile| profile.is_json()).ok_or_else(|| {
            OutputError::new(format!(
                "operation {} answers with JSON, and has no `response-profile` that says which XML that is",
                self.operation.name
            ))
        })?;
        let text = json(document).ok_or_else(|| misfit(index, documents, "JSON", "it is not UTF-8"))?;
        profile.to_xml(&text, into).map_err(|why| {
            let (nth, all, profile) = (index + 1, documents.len(), profile.name());
            OutputError::new(format!(
                "document {nth} of {all} of the answer does not follow profile `{profile}`: {why}"
            ))
        })
    }

    /// The answer of a process that got the whole envelope and gave one itself. Its version is the process's business.
    fn own_envelope(self, document: &Document) -> Result<Option<Reply>, OutputError> {
        if !self.operation.passthrough {
            return Ok(None);
        }
        let data = document.data.contiguous();
        let Ok(text) = xml::decode(&data, None) else { return Ok(None) };
        let Some(version) = envelope_version(&text) else { return Ok(None) };
        let content = xml::content(&text).map_err(|e| misfit(0, std::slice::from_ref(document), "XML", e))?;
        Ok(Some(answered(version, content.to_owned().into())))
    }

    /// What a process says with a status of 400 or more, as a fault with its document for a detail.
    fn fault(self, status: StatusCode, document: &Document, execution: &str) -> Reply {
        let is_json = self.operation.operation.output.is_json();
        let (detail, notes) = match is_json {
            _ if document.data.is_empty() => (String::new(), Vec::new()),
            true => self.json_detail(document),
            false => xml_detail(document),
        };
        let reason = json(document).filter(|_| is_json).and_then(|text| said(&text));
        let reason = reason.unwrap_or_else(|| format!("The process answered with status {}.", status.as_u16()));
        let code = if status.is_client_error() { Code::Sender } else { Code::Receiver };
        let fault = Fault {
            code,
            reason: &reason,
            detail: Some(&detail),
            execution: Some(execution),
            not_understood: &[],
            addressing: self.addressing,
        };
        let status = StatusCode::from_u16(code.status(self.version)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply { status, notes, ..answered(self.version, fault::envelope(self.version, &fault)) }
    }

    /// The detail that the fault profile makes of a JSON document, or its text where there is none or it is not followed.
    fn json_detail(self, document: &Document) -> (String, Vec<String>) {
        let profile = self.operation.fault.as_deref().filter(|profile| profile.is_json());
        let Some((profile, json)) = profile.zip(json(document)) else { return (as_text(document), Vec::new()) };
        fault::of_json(profile, &self.operation.namespace, &json).unwrap_or_else(|why| {
            let name = profile.name();
            let note = format!("the fault's document does not follow profile `{name}`, and is sent as text: {why}");
            (as_text(document), vec![note])
        })
    }
}

fn xml_detail(document: &Document) -> (String, Vec<String>) {
    let data = document.data.contiguous();
    match xml::decode(&data, None).and_then(|text| xml::content(&text).map(str::to_owned)) {
        Ok(content) => (content, Vec::new()),
        Err(why) => {
            let note = format!("the fault's document is not well-formed XML, and is sent as text: {why}");
            (as_text(document), vec![note])
        }
    }
}

fn as_text(document: &Document) -> String {
    fault::of_text(&String::from_utf8_lossy(&document.data.contiguous()))
}

/// The text of a JSON document; none where it is not UTF-8.
fn json(document: &Document) -> Option<Cow<'_, str>> {
    let text = document.text()?;
    if text.starts_with('\u{FEFF}') { Some(text.chars().skip(1).collect()) } else { Some(text) }
}

/// What a problem of RFC 9457 says for people.
fn said(json: &str) -> Option<String> {
    let problem: Value = serde_json::from_str(json).ok()?;
    let member = |name: &str| problem.get(name).and_then(Value::as_str).filter(|said| !said.is_empty());
    match (member("title"), member("detail")) {
        (Some(title), Some(detail)) => Some(short(format!("{title}: {detail}"))),
        (one, other) => one.or(other).map(|said| short(said.to_owned())),
    }
}

/// The version of the envelope that a text begins with.
fn envelope_version(text: &str) -> Option<Version> {
    let mut reader = xml::Reader::new(text);
    reader.next().ok()??;
    let (namespace, local) = reader.element();
    let version = [Version::V11, Version::V12].into_iter().find(|version| version.namespace() == namespace)?;
    (local == "Envelope").then_some(version)
}

/// A good answer with this envelope.
fn answered(version: Version, body: Bytes) -> Reply {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(version.media_type()))]);
    Reply { status: StatusCode::OK, headers, body, notes: Vec::new() }
}

#[cfg(test)]
mod tests;
