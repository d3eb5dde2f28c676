//! An error as SOAP clients read it: the shape of each version, with its codes and header blocks.
//!
//! What is wrong stands in the reason, for people. The detail holds what a program needs: first the process's own document,
//! since JAX-WS knows a typed fault by the first element of its detail, then the execution.

use bytes::Bytes;

use super::Version;
use super::envelope::{self, Kind};
use super::message::Addressing;
use crate::profile::Profile;
use crate::xml;

/// Namespace of the elements that the host itself puts into a detail.
pub const NAMESPACE: &str = "urn:auricle:fault";

/// Whose fault it is. Each version has its own name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// `Client` in 1.1, `Sender` in 1.2: the same request would fail again.
    Sender,
    /// `Server` in 1.1, `Receiver` in 1.2: the same request may succeed later.
    Receiver,
    /// The envelope is none of this version.
    VersionMismatch,
    /// A header block that has to be understood was not.
    MustUnderstand,
}

impl Code {
    /// The HTTP status of such a fault (SOAP 1.1: 500; SOAP 1.2 HTTP binding: Sender 400, others 500).
    pub const fn status(self, version: Version) -> u16 {
        match (self, version) {
            (Self::Sender, Version::V12) => 400,
            _ => 500,
        }
    }

    /// Its local name in the envelope's namespace.
    const fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Sender, Version::V11) => "Client",
            (Self::Sender, Version::V12) => "Sender",
            (Self::Receiver, Version::V11) => "Server",
            (Self::Receiver, Version::V12) => "Receiver",
            (Self::VersionMismatch, _) => "VersionMismatch",
            (Self::MustUnderstand, _) => "MustUnderstand",
        }
    }
}

/// A fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// Whose it is.
    pub code: Code,
    /// One or two sentences.
    pub reason: &'a str,
    /// Content of the detail: elements as text, well-formed, with their namespaces. The process's own document, if it is
    /// its fault.
    pub detail: Option<&'a str>,
    /// In the detail of every fault of an execution.
    pub execution: Option<&'a str>,
    /// Namespace and local name of headers that were not understood (1.2 names them in `NotUnderstood` headers).
    pub not_understood: &'a [(String, String)],
    /// What it is an answer to.
    pub addressing: Option<&'a Addressing>,
}

/// The envelope of a fault.
pub fn envelope(version: Version, fault: &Fault<'_>) -> Bytes {
    let size = 512 + fault.reason.len() + fault.detail.map_or(0, str::len);
    let mut text = envelope::begin(version, Kind::Fault, fault.addressing, &blocks(version, fault), size);
    text.push_str("<S:Fault>");
    let code = fault.code.name(version);
    match version {
        // The children are in no namespace: SOAP 1.1 section 4.4, Basic Profile 1.1 R1001.
        Version::V11 => {
            text.push_str(&format!("<faultcode>S:{code}</faultcode><faultstring>"));
            xml::escaped(fault.reason, &mut text);
            text.push_str("</faultstring>");
        }
        Version::V12 => {
            text.push_str(&format!("<S:Code><S:Value>S:{code}</S:Value></S:Code><S:Reason><S:Text xml:lang=\"en\">"));
            xml::escaped(fault.reason, &mut text);
            text.push_str("</S:Text></S:Reason>");
        }
    }
    if fault.detail.is_some() || fault.execution.is_some() {
        let name = if version == Version::V11 { "detail" } else { "S:Detail" };
        text.push_str(&format!("<{name}>"));
        text.push_str(fault.detail.unwrap_or_default());
        if let Some(execution) = fault.execution {
            own("execution", |text| xml::escaped(execution, text), &mut text);
        }
        text.push_str(&format!("</{name}>"));
    }
    text.push_str("</S:Fault>");
    envelope::end(text)
}

/// The detail of a process's document that is no XML: its text.
pub(super) fn of_text(document: &str) -> String {
    let mut text = String::with_capacity(document.len() + 128);
    own("document", |text| xml::escaped(document, text), &mut text);
    text
}

/// Local name of the element, in the service's namespace, that holds what a JSON profile says of a fault. JAX-WS knows no typed
/// fault in no namespace, and no element of the root's own name in a second one.
pub(super) fn element(profile: &Profile) -> String {
    format!("{}Fault", profile.root().1)
}

/// The detail of a process's document that follows its JSON profile, with notes on what of it had no place there.
///
/// # Errors
/// The document does not follow it.
pub(super) fn of_json(profile: &Profile, namespace: &str, json: &str) -> Result<(String, Vec<String>), String> {
    let mut text = String::with_capacity(2 * json.len());
    let notes = profile.to_xml(json, &mut text)?;
    let (_, root) = profile.root();
    let inner = text.strip_prefix('<').and_then(|text| text.strip_prefix(root));
    let inner = inner.and_then(|text| text.strip_suffix('>')?.strip_suffix(root)?.strip_suffix("</"));
    let name = element(profile);
    let renamed =
        inner.map(|inner| format!("<wss:{name} xmlns:wss=\"{}\"{inner}</wss:{name}>", xml::quoted(namespace)));
    Ok((renamed.unwrap_or(text), notes))
}

/// Writes an element of the host's own.
fn own(name: &str, content: impl FnOnce(&mut String), into: &mut String) {
    into.push_str(&format!("<auricle:{name} xmlns:auricle=\"{NAMESPACE}\">"));
    content(into);
    into.push_str(&format!("</auricle:{name}>"));
}

/// The header blocks that SOAP 1.2 has for a fault (part 1, sections 5.4.7 and 5.4.8).
fn blocks(version: Version, fault: &Fault<'_>) -> String {
    let mut blocks = String::new();
    if version == Version::V11 {
        return blocks;
    }
    if fault.code == Code::VersionMismatch {
        blocks.push_str("<S:Upgrade><S:SupportedEnvelope qname=\"S:Envelope\"/></S:Upgrade>");
    }
    for (namespace, local) in fault.not_understood {
        let name = xml::quoted(local);
        if namespace.is_empty() {
            blocks.push_str(&format!("<S:NotUnderstood qname=\"{name}\"/>"));
        } else {
            let namespace = xml::quoted(namespace);
            blocks.push_str(&format!("<S:NotUnderstood qname=\"h:{name}\" xmlns:h=\"{namespace}\"/>"));
        }
    }
    blocks
}

#[cfg(test)]
mod tests;
