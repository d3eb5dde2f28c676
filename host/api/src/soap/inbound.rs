//! From a message to what its process is given: which operation it is for, its documents, its keys and query parameters.
//!
//! Documents are cut out of the envelope as the documents of a list are: each is a short head and a slice. What has to be JSON
//! is converted by the operation's profile. A message that could not be meant is refused before the process is run, by a
//! text that says what to send.

mod include;
mod wrapper;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use auricle_model::{Data, Document, DocumentType, Properties};
use bytes::Bytes;

use self::include::Expanded;
use super::message::{Content, Message, Payload, Refused};
use super::{Call, Service, SoapOperation};
use crate::inbound::{EXPANSION_BASE, MAX_DOCUMENTS, MAX_EXPANSION};
use crate::parse_error::ParseError;
use crate::profile::{Profile, Violation};
use crate::xml::{self, Budget, DECLARATION, SplitError};

/// What a message comes to.
#[derive(Debug)]
pub struct Taken {
    /// In their order; those of attachments follow that of the message.
    pub documents: Vec<Document>,
    /// From the wrapper's children: `param_*` and `query_*` properties, name and value.
    pub properties: Vec<(String, String)>,
}

const NO_ATTACHMENTS: &str =
    "this operation takes no attachments, which go with a single message: send the envelope alone";

/// How many operations are named where the one that was asked for is not there.
const TOLD: usize = 3;

/// How many operations are compared in full with one that is not there, and how many characters of each: anybody can ask.
const COMPARED: (usize, usize) = (128, 32);

/// The operation that a message is for.
///
/// # Errors
/// A fault that names the nearest ones.
pub fn call(service: &Service, message: &Message) -> Result<Call, Box<Refused>> {
    let body = body(message, || format!("send {}", nearest(service, "")))?;
    match service.call(&body.namespace, &body.local) {
        Some(call) => Ok(call.clone()),
        None => Err(refused(message, body.offset, unknown(service, body))),
    }
}

fn unknown(service: &Service, body: &Payload) -> String {
    let asked = element(&body.namespace, &body.local);
    let elsewhere: Vec<_> = service
        .operations
        .iter()
        .map(|operation| operation.body())
        .filter(|(_, local)| *local == body.local)
        .map(|(namespace, local)| element(&namespace, &local))
        .collect();
    match elsewhere.first() {
        Some(expected) => format!("no operation here takes {asked}: send {expected}"),
        None => format!("no operation here takes {asked}: send {}", nearest(service, &body.local)),
    }
}

/// The elements of the operations whose names are the most like this one.
fn nearest(service: &Service, local: &str) -> String {
    let (count, chars) = COMPARED;
    let head = |name: &str| name.chars().take(chars).collect::<String>();
    let in_common = |name: &str| name.bytes().zip(local.bytes()).take_while(|(a, b)| a == b).count();
    let mut bodies: Vec<_> = service.operations.iter().map(|operation| operation.body()).collect();
    if bodies.len() > count {
        bodies.select_nth_unstable_by_key(count, |(_, name)| Reverse(in_common(name)));
        bodies.truncate(count);
    }
    bodies.sort_by_cached_key(|(_, name)| strsim::levenshtein(&head(name), &head(local)));
    let told: Vec<_> = bodies.iter().take(TOLD).map(|(namespace, local)| element(namespace, local)).collect();
    if told.is_empty() { "nothing: there are no operations here".into() } else { told.join(" or ") }
}

/// The documents of a message, each with the given properties (its `inheader_*`), and what the wrapper says beside them.
/// `id` is the `WSS_ROOT_DOCUMENT_ID` of a request that has attachments: any text that no other request has.
///
/// # Errors
/// A message that the operation does not take, or that does not follow its profile where it has to.
pub fn taken(
    operation: &SoapOperation,
    message: &Message,
    properties: &Properties,
    id: &str,
) -> Result<Taken, Box<Refused>> {
    let input = operation.operation.input;
    let body = body(message, || wrapper::expected(operation))?;
    offered(operation).map_err(|reason| refused(message, body.offset, reason))?;
    if !message.attachments.is_empty() && (input.is_multiple() || input == DocumentType::None) {
        return Err(about(message, Refused::sender(NO_ATTACHMENTS)));
    }
    let (documents, told) = if operation.passthrough {
        (vec![envelope(message)], Vec::new())
    } else if operation.wrapped || input == DocumentType::None {
        let picked = wrapper::pick(operation, message, body)?;
        let documents = match picked.message {
            // Without input there are no `inheader_*` either.
            None => return Ok(Taken { documents: vec![Document::default()], properties: picked.properties }),
            Some(child) if input.is_multiple() => list(operation, message, child.offset, &child.content)?,
            Some(child) => vec![single(operation, message, child.offset)?],
        };
        (documents, picked.properties)
    } else {
        (vec![single(operation, message, body.offset)?], Vec::new())
    };
    let mut documents: Vec<_> =
        documents.into_iter().map(|data| Document::with_properties(data, properties.clone())).collect();
    if !message.attachments.is_empty() {
        attach(message, properties, id, &mut documents);
    }
    Ok(Taken { documents, properties: told })
}

/// The token of a request for a further page.
///
/// # Errors
/// A message without one.
pub fn more_token(service: &Service, operation: &SoapOperation, message: &Message) -> Result<String, Box<Refused>> {
    const TOKEN: &str = "moreDataToken";
    let name = operation.more_name();
    let expected = || format!("send {} with a `{TOKEN}`", element(&service.namespace, &name));
    let body = body(message, expected)?;
    if let [child] = &*body.children
        && child.local == TOKEN
        && (child.namespace.is_empty() || child.namespace == service.namespace)
        && let Content::Text(text) = &child.content
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    Err(refused(
        message,
        body.offset,
        format!("`{name}` takes one `{TOKEN}`, the text of an answer's attribute: {}", expected()),
    ))
}

/// Why an operation can't be called over SOAP.
fn offered(operation: &SoapOperation) -> Result<(), String> {
    let side = |documents: DocumentType, profile: Option<&Profile>, key: &str| match documents {
        DocumentType::SingleData => {
            Err(format!("its {key} type is single-data, which is not offered over SOAP; call it by HTTP"))
        }
        DocumentType::SingleJson | DocumentType::MultipleJson if !profile.is_some_and(Profile::is_json) => {
            Err(format!(
                "its {key} is JSON, which is offered over SOAP only with a profile (`{key}-profile`); call it by HTTP"
            ))
        }
        _ => Ok(()),
    };
    if operation.passthrough {
        return Ok(());
    }
    side(operation.operation.input, operation.request.as_deref(), "request")
        .and_then(|()| match operation.operation.is_receipt() {
            true => Ok(()),
            false => side(operation.operation.output, operation.response.as_deref(), "response"),
        })
        .map_err(|reason| format!("`{}` is not offered over SOAP: {reason}", operation.name))
}

/// The message at this offset as a document.
fn single(operation: &SoapOperation, message: &Message, offset: usize) -> Result<Data, Box<Refused>> {
    let mut documents = converted(operation, message, &[offset])?;
    match documents.pop() {
        Some(document) => Ok(document),
        None => Err(refused(message, offset, "the message can't be read")),
    }
}

/// The documents of the list at this offset.
fn list(
    operation: &SoapOperation,
    message: &Message,
    list: usize,
    content: &Content,
) -> Result<Vec<Data>, Box<Refused>> {
    let (offsets, text): (&[usize], _) = match content {
        Content::Elements { offsets, text } => (offsets, *text),
        Content::Text(text) => (&[], (!text.trim().is_empty()).then_some(list)),
        Content::LongText => (&[], Some(list)),
    };
    if let Some(at) = text {
        return Err(refused(
            message,
            at,
            format!("text can't stand between the elements of `{}`", operation.list_name()),
        ));
    }
    if offsets.len() > MAX_DOCUMENTS {
        return Err(too_many());
    }
    converted(operation, message, offsets)
}

/// Elements of the envelope as documents, validated where that is asked for.
fn converted(operation: &SoapOperation, message: &Message, offsets: &[usize]) -> Result<Vec<Data>, Box<Refused>> {
    let is_json = operation.operation.input.is_json();
    if let Some(profile) = operation.request.as_deref()
        && (is_json || operation.validate)
        && !offsets.is_empty()
    {
        let expanded = Expanded::new(message)?;
        let moved: Vec<_> = offsets.iter().map(|offset| expanded.moved(*offset)).collect();
        let invalid = |violation| invalid(message, profile, &expanded, violation);
        if operation.validate {
            profile.validate_xml(expanded.text(), Some(&moved)).map_err(invalid)?;
        }
        if is_json {
            let json = profile.to_json(expanded.text(), &moved).map_err(invalid)?;
            return Ok(json.into_iter().map(Data::from).collect());
        }
    }
    let bytes = message.envelope.len().saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_BASE);
    xml::cut(&message.envelope, offsets, Budget { count: MAX_DOCUMENTS, bytes }).map_err(|error| match error {
        SplitError::Parse(error) => error.into(),
        SplitError::Bytes => Refused::with_status(
            413,
            format!(
                "the envelope holds too much: its documents, each with the namespaces in force there, are more than {bytes} \
                 bytes; declare a namespace where it is used"
            ),
        ),
        SplitError::Count | SplitError::Root(_) => too_many(),
    })
}

/// The whole envelope without passwords.
fn envelope(message: &Message) -> Data {
    let mut head = Vec::from(DECLARATION);
    let mut at = message.root;
    for password in &message.passwords {
        head.extend_from_slice(message.envelope.get(at..password.start).unwrap_or_default());
        at = password.end;
    }
    Data::joined(head, message.envelope.slice(at..))
}

/// Adds the attachments, and to all documents what tells that they belong together.
fn attach(message: &Message, properties: &Properties, id: &str, documents: &mut Vec<Document>) {
    const ID: &str = "WSS_ROOT_DOCUMENT_ID";
    for document in &mut *documents {
        document.properties.set(ID, id);
    }
    documents.extend(message.attachments.iter().map(|attachment| {
        let mut properties = properties.clone();
        properties.set(ID, id);
        properties.set("WSS_ATTACHMENT_CONTENT_ID", attachment.content_id.as_str());
        properties.set("WSS_ATTACHMENT_CONTENT_TYPE", attachment.content_type.as_str());
        Document::with_properties(attachment.data.clone(), properties)
    }));
}

fn too_many() -> Box<Refused> {
    Refused::with_status(
        413,
        format!("the envelope holds too much: more than {MAX_DOCUMENTS} documents; send them in several requests"),
    )
}

fn invalid(message: &Message, profile: &Profile, expanded: &Expanded, violation: Violation) -> Box<Refused> {
    let violation = expanded.in_envelope(violation);
    let mut refused = Refused::sender(format!("the message does not follow profile `{}`: {violation}", profile.name()));
    refused.violation = Some(violation);
    about(message, refused)
}

/// The first element of the body.
fn body(message: &Message, expected: impl Fn() -> String) -> Result<&Payload, Box<Refused>> {
    let empty = || about(message, Refused::sender(format!("the body of the envelope is empty: {}", expected())));
    message.body.as_ref().ok_or_else(empty)
}

/// A refusal that tells a place of the envelope.
fn refused(message: &Message, at: usize, reason: impl Into<String>) -> Box<Refused> {
    about(message, Refused::sender(ParseError::at(text(&message.envelope), at, reason).to_string()))
}

fn about(message: &Message, mut refused: Box<Refused>) -> Box<Refused> {
    refused.addressing = message.headers.addressing.clone();
    refused
}

/// An envelope as text: [`Message::read`] has seen that it is UTF-8.
fn text(envelope: &Bytes) -> &str {
    std::str::from_utf8(envelope).unwrap_or_default()
}

/// An element as it would be written.
fn element(namespace: &str, local: &str) -> String {
    let (namespace, local) = (crate::percent::excerpt(namespace), crate::percent::excerpt(local));
    if namespace.is_empty() { format!("`<{local} xmlns=\"\">`") } else { format!("`<{local} xmlns=\"{namespace}\">`") }
}
