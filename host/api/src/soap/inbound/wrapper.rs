//! What stands in the element that is named after an operation: its keys, its query parameters, and the message.

use auricle_model::DocumentType;

use super::{element, refused};
use crate::percent::excerpt;
use crate::soap::SoapOperation;
use crate::soap::message::{Child, Content, MAX_CHILDREN, MAX_VALUE_BYTES, Message, Payload, Refused};

/// What was found in a wrapper.
#[derive(Debug)]
pub(super) struct Picked<'m> {
    /// The message, or the list of messages; none for an operation without input.
    pub(super) message: Option<&'m Child>,
    /// `param_*` and `query_*`.
    pub(super) properties: Vec<(String, String)>,
}

/// Tells apart what stands in the wrapper of an operation.
pub(super) fn pick<'m>(
    operation: &SoapOperation,
    message: &Message,
    wrapper: &'m Payload,
) -> Result<Picked<'m>, Box<Refused>> {
    let refuse = |at, reason: String| Err(refused(message, at, format!("{reason}; {}", expected(operation))));
    if let Some(at) = wrapper.text {
        return refuse(at, format!("text can't stand between the elements of `{}`", wrapper.local));
    }
    if let Some(at) = wrapper.beyond {
        return refuse(at, format!("more than {MAX_CHILDREN} elements in `{}`", wrapper.local));
    }
    let mut properties: Vec<(String, String)> = Vec::new();
    // The element that the message is by its name, and what has no place.
    let mut found: Option<&Child> = None;
    let mut others = Vec::new();
    for child in &wrapper.children {
        let is_message = is_message(operation, child);
        if let Some(name) = property(operation, child, is_message) {
            if properties.iter().any(|(known, _)| *known == name) {
                return refuse(child.offset, format!("`{}` comes twice", child.local));
            }
            match value(child) {
                Ok(text) => properties.extend(text.map(|text| (name, text.clone()))),
                Err(reason) => return refuse(child.offset, reason),
            }
        } else if is_message && let Some(first) = found.replace(child) {
            return refuse(child.offset, format!("`{}` comes twice: one call takes one message", first.local));
        } else if !is_message {
            others.push(child);
        }
    }
    // A single-xml message is not looked at: its process does that.
    if found.is_none() && operation.operation.input == DocumentType::SingleXml && !others.is_empty() {
        found = Some(others.remove(0));
    }
    if let Some(other) = others.first() {
        let name = element(&other.namespace, &other.local);
        return refuse(other.offset, format!("{name} has no place in `{}`", operation.name));
    }
    if let Some(key) =
        operation.keys.iter().find(|key| !properties.iter().any(|(name, _)| name.strip_prefix("param_") == Some(key)))
    {
        return refuse(wrapper.offset, format!("`{}` needs its key `{key}`", operation.name));
    }
    if found.is_none() && operation.operation.input != DocumentType::None {
        return refuse(wrapper.offset, format!("`{}` needs a message", operation.name));
    }
    Ok(Picked { message: found, properties })
}

/// Whether an element is the message by its name.
fn is_message(operation: &SoapOperation, child: &Child) -> bool {
    match (operation.operation.input, &operation.request) {
        (DocumentType::None, _) => false,
        (input, _) if input.is_multiple() => child.local == operation.list_name(),
        (_, Some(profile)) => profile.root() == (&*child.namespace, &*child.local),
        (_, None) => false,
    }
}

/// The property that an element sets, if it is a key or a query parameter: in the namespace of the wrapper, or in none
/// where the message is not of that name.
fn property(operation: &SoapOperation, child: &Child, is_message: bool) -> Option<String> {
    let is_own = child.namespace == operation.namespace || child.namespace.is_empty() && !is_message;
    let prefix = match &child.local {
        _ if !is_own => return None,
        local if operation.keys.contains(local) => "param_",
        local if operation.query.contains(local) => "query_",
        _ => return None,
    };
    Some(format!("{prefix}{}", child.local))
}

/// The text of a key or query parameter; none where it says that it has no value.
fn value(child: &Child) -> Result<Option<&String>, String> {
    match &child.content {
        Content::Text(_) if child.is_nil => Ok(None),
        Content::Text(text) => Ok(Some(text)),
        Content::LongText => Err(format!("`{}` has more than {MAX_VALUE_BYTES} bytes", child.local)),
        Content::Elements { .. } => Err(format!("`{}` holds elements, and is text", child.local)),
    }
}

/// What a call of an operation holds, for a person.
pub(super) fn expected(operation: &SoapOperation) -> String {
    let (namespace, local) = operation.body();
    let mut parts = Vec::new();
    if operation.wrapped || operation.operation.input == DocumentType::None {
        parts.extend(operation.keys.iter().map(|key| format!("`{}` (a key)", excerpt(key))));
        parts.extend(operation.query.iter().map(|name| format!("`{}` (may be left out)", excerpt(name))));
        let message = operation.request.as_ref().map(|profile| {
            let (namespace, local) = profile.root();
            element(namespace, local)
        });
        match (operation.operation.input, message) {
            (DocumentType::None, _) => {}
            (input, message) if input.is_multiple() => {
                let documents = message.unwrap_or_else(|| "an element".into());
                parts.push(format!("`{}` with {documents} for each document", operation.list_name()));
            }
            (_, Some(message)) => parts.push(message),
            (_, None) => parts.push("one element, the message".into()),
        }
    }
    let wrapper = element(&namespace, &local);
    if parts.is_empty() { format!("send {wrapper}") } else { format!("send {wrapper} with {}", parts.join(", ")) }
}
