//! A request as it came: its parts, the envelope, what its header says to the host, and what is in its body.
//!
//! [`Message::read`] goes over the envelope once and keeps places in it, not copies: text that is UTF-8 stays where it is.
//! What it gives is a well-formed envelope of the endpoint's version, without a DOCTYPE, whose header blocks were understood.

mod addressing;
mod envelope;
mod header;
mod security;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::Range;

use bytes::Bytes;

use super::Version;
use super::fault::Code;
use super::mime::{self, MediaType, Part};
use crate::parse_error::ParseError;
use crate::percent::excerpt;
use crate::profile::Violation;
use crate::xml;

/// Elements directly in the body's first one that are told apart: an operation has fewer keys and query parameters.
pub(super) const MAX_CHILDREN: usize = 1_000;

/// Bytes of one key, query parameter or value of a header block.
pub(super) const MAX_VALUE_BYTES: usize = 64 << 10;

/// Blocks of a header.
const MAX_BLOCKS: usize = 100;

/// A request that was read.
#[derive(Debug)]
pub struct Message {
    /// The envelope as UTF-8 text.
    pub envelope: Bytes,
    /// Its version, by its namespace: the endpoint's.
    pub version: Version,
    /// What its headers say to the host.
    pub headers: Headers,
    /// The first element of the body; none where the body is empty.
    pub body: Option<Payload>,
    /// The other parts of a multipart request.
    pub attachments: Vec<Attachment>,
    /// Offset of the envelope's `<`.
    pub(super) root: usize,
    /// What the passwords in the header are written in: ascending, and none in another.
    pub(super) passwords: Vec<Range<usize>>,
    /// Where a multipart request's parts belong in its body (XOP), in their order.
    pub(super) includes: Vec<Include>,
}

/// The first element of a body.
#[derive(Debug)]
pub struct Payload {
    /// Empty for none.
    pub namespace: String,
    /// Local name.
    pub local: String,
    /// Of its `<` in the envelope.
    pub offset: usize,
    /// Its elements: the first [`MAX_CHILDREN`] of them.
    pub(super) children: Vec<Child>,
    /// Offset of the first element beyond those.
    pub(super) beyond: Option<usize>,
    /// Offset of the first text directly in it that is not blank.
    pub(super) text: Option<usize>,
}

/// An element directly in the first one of a body.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) namespace: String,
    pub(super) local: String,
    /// Of its `<` in the envelope.
    pub(super) offset: usize,
    /// Whether it says that it has no value: `xsi:nil`.
    pub(super) is_nil: bool,
    pub(super) content: Content,
}

/// What stands in such an element.
#[derive(Debug)]
pub(super) enum Content {
    /// Text alone, or nothing.
    Text(String),
    /// Text of more than [`MAX_VALUE_BYTES`], which is not kept.
    LongText,
    /// Elements.
    Elements {
        /// Of their `<`, of as many as one more than a request may have documents.
        offsets: Vec<usize>,
        /// Of the first text beside them that is not blank.
        text: Option<usize>,
    },
}

/// A place where the content of a part belongs: `xop:Include`.
#[derive(Debug)]
pub(super) struct Include {
    /// The element.
    pub(super) place: Range<usize>,
    /// What it names the part by, as written.
    pub(super) href: String,
}

/// What is said to the host itself.
#[derive(Debug, Default, Clone)]
pub struct Headers {
    /// WS-Addressing; none where the message has none of its headers.
    pub addressing: Option<Addressing>,
    /// UsernameToken of WS-Security, PasswordText.
    pub credentials: Option<Credentials>,
}

/// WS-Addressing headers of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// The namespace that it used: 2005/08 (1.0) or 2004/08.
    pub namespace: &'static str,
    /// What an answer relates to.
    pub message_id: Option<String>,
    /// What the message is for. Nothing goes by it.
    pub action: Option<String>,
}

/// A user name and password.
#[derive(Clone)]
pub struct Credentials {
    /// As sent, without white space around.
    pub username: String,
    /// As sent.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A part of a multipart request beside the envelope.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Without angle brackets; the number of the part among the attachments, from 1, where it has none.
    pub content_id: String,
    /// As sent; `application/octet-stream` where the part says none.
    pub content_type: String,
    /// What it holds, decoded.
    pub data: Bytes,
}

/// Why a request is no message for this service: it is the client's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The fault's code.
    pub code: Code,
    /// What is wrong, where, and what to send.
    pub message: String,
    /// HTTP status where it is one of HTTP itself (413, 415); none: that of a fault of this code.
    pub status: Option<u16>,
    /// Namespace and local name of headers that were not understood.
    pub not_understood: Vec<(String, String)>,
    /// Where a message does not follow its profile.
    pub violation: Option<Violation>,
    /// What the answer relates to, as far as the headers were read.
    pub addressing: Option<Addressing>,
}

impl Refused {
    fn new(code: Code, message: impl Into<String>) -> Box<Self> {
        let message = message.into();
        Box::new(Self { code, message, status: None, not_understood: Vec::new(), violation: None, addressing: None })
    }

    /// A request that is wrong in itself.
    pub(super) fn sender(message: impl Into<String>) -> Box<Self> {
        Self::new(Code::Sender, message)
    }

    /// As [`Refused::sender`], with a status of HTTP itself.
    pub(super) fn with_status(status: u16, message: impl Into<String>) -> Box<Self> {
        let mut refused = Self::sender(message);
        refused.status = Some(status);
        refused
    }
}

/// An envelope that can't be read.
impl From<ParseError> for Box<Refused> {
    fn from(error: ParseError) -> Self {
        Refused::sender(format!("the envelope is not well-formed XML: {error}"))
    }
}

impl Message {
    /// Reads a request. `content_type` is the header's value, where it was sent.
    ///
    /// # Errors
    /// What is no SOAP message of this version, or asks for what is not understood: the fault to answer with.
    pub fn read(version: Version, content_type: Option<&str>, body: Bytes) -> Result<Self, Box<Refused>> {
        if body.is_empty() {
            return Err(Refused::sender(format!("the request has no body: send a {} envelope", version.name())));
        }
        let Some(value) = content_type.filter(|value| !value.trim().is_empty()) else {
            return envelope::read(version, xml::decoded(&body, None)?, Vec::new());
        };
        let media_type = MediaType::parse(value);
        if media_type.essence == "multipart/related" {
            return read_parts(version, value, &media_type, &body);
        }
        if !takes(version, &media_type.essence) {
            return Err(unsupported(version, value));
        }
        envelope::read(version, xml::decoded(&body, media_type.parameter("charset"))?, Vec::new())
    }
}

fn read_parts(
    version: Version,
    value: &str,
    media_type: &MediaType<'_>,
    body: &Bytes,
) -> Result<Message, Box<Refused>> {
    let root_type = match media_type.parameter("type").map(MediaType::parse) {
        // MTOM: the type of the envelope within is told beside (RFC 2387 section 3.4).
        Some(xop) if xop.essence == "application/xop+xml" => media_type.parameter("start-info").map(MediaType::parse),
        other => other,
    };
    if root_type.is_some_and(|root_type| !takes(version, &root_type.essence)) {
        return Err(unsupported(version, value));
    }
    let (root, others) = mime::parts(media_type, body)
        .map_err(|message| Refused::sender(format!("the multipart/related body can't be read: {message}")))?;
    let root_type = root.content_type.as_deref().map(MediaType::parse);
    let charset = root_type.as_ref().and_then(|media_type| media_type.parameter("charset"));
    let attachments = others.into_iter().enumerate().map(|(index, part)| attachment(index + 1, part)).collect();
    envelope::read(version, xml::decoded(&root.data, charset)?, attachments)
}

fn attachment(number: usize, part: Part) -> Attachment {
    Attachment {
        content_id: part.id.unwrap_or_else(|| number.to_string()),
        content_type: part.content_type.unwrap_or_else(|| "application/octet-stream".into()),
        data: part.data,
    }
}

/// Whether envelopes of a version come as this type.
fn takes(version: Version, essence: &str) -> bool {
    match version {
        Version::V11 => matches!(essence, "text/xml" | "application/xml"),
        Version::V12 => matches!(essence, "application/soap+xml" | "text/xml"),
    }
}

fn unsupported(version: Version, value: &str) -> Box<Refused> {
    let own = version.media_type().split(';').next().unwrap_or_default();
    let name = version.name();
    let value = excerpt(value);
    Refused::with_status(
        415,
        format!(
            "Content-Type `{value}` is not taken here: this endpoint speaks {name}, which is sent as `{own}`, \
             or as multipart/related with that `type`"
        ),
    )
}
