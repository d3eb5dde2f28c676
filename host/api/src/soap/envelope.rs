//! The frame of an answer: the envelope and its header blocks. The body is whatever is written in between.
//!
//! No default namespace is declared in it, so that what is in no namespace stays there.

use bytes::Bytes;

use super::Version;
use super::message::Addressing;
use crate::xml;

/// What an answer is, for `wsa:Action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Response,
    Fault,
}

/// The frame alone is shorter, but for header blocks.
const FRAME: usize = 256;

/// Begins an envelope up to the start of its body, which is expected to have so many bytes. `blocks` are header blocks,
/// as text.
pub(super) fn begin(
    version: Version,
    kind: Kind,
    addressing: Option<&Addressing>,
    blocks: &str,
    body: usize,
) -> String {
    let mut text = String::with_capacity(FRAME + blocks.len() + body);
    text.push_str("<S:Envelope xmlns:S=\"");
    text.push_str(version.namespace());
    text.push_str("\">");
    let related = addressing.and_then(|addressing| Some((addressing, addressing.message_id.as_deref()?)));
    if related.is_some() || !blocks.is_empty() {
        text.push_str("<S:Header>");
        text.push_str(blocks);
        if let Some((addressing, message)) = related {
            relate(addressing, message, kind, &mut text);
        }
        text.push_str("</S:Header>");
    }
    text.push_str("<S:Body>");
    text
}

/// Ends what [`begin`] began.
pub(super) fn end(mut text: String) -> Bytes {
    text.push_str("</S:Body></S:Envelope>");
    text.into()
}

/// Writes what an answer is to, and its action: that of the request and `Response`, or that of all faults.
fn relate(addressing: &Addressing, message: &str, kind: Kind, into: &mut String) {
    let namespace = addressing.namespace;
    let mut block = |name: &str, value: &str| {
        into.push_str(&format!("<wsa:{name} xmlns:wsa=\"{namespace}\">"));
        xml::escaped(value, into);
        into.push_str(&format!("</wsa:{name}>"));
    };
    match (kind, &addressing.action) {
        // The namespace of 2004 names its action otherwise: "WS-Addressing" (August 2004), section 4.
        (Kind::Fault, _) if namespace.contains("2004") => block("Action", &format!("{namespace}/fault")),
        (Kind::Fault, _) => block("Action", &format!("{namespace}/soap/fault")),
        (Kind::Response, Some(action)) => block("Action", &format!("{action}Response")),
        (Kind::Response, None) => {}
    }
    block("RelatesTo", message);
}
