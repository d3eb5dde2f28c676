//! The one pass over an envelope: its root, its header, and where everything stands in its body.

use bytes::Bytes;

use super::header::Header;
use super::walk::{Tag, Walk, is_blank};
use super::{Attachment, Child, Content, Include, MAX_CHILDREN, MAX_VALUE_BYTES, Message, Payload, Refused};
use crate::inbound::MAX_DOCUMENTS;
use crate::soap::Version;
use crate::soap::fault::Code;
use crate::soap::mime::MAX_PARTS;
use crate::xml::What;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XOP: &str = "http://www.w3.org/2004/08/xop/include";

/// Reads an envelope, which is UTF-8.
pub(super) fn read(version: Version, envelope: Bytes, attachments: Vec<Attachment>) -> Result<Message, Box<Refused>> {
    let text = std::str::from_utf8(&envelope).map_err(|_| Refused::sender("the envelope is not UTF-8"))?;
    let mut reading = Reading {
        walk: Walk::new(text),
        version,
        header: Header::default(),
        has_parts: !attachments.is_empty(),
        includes: Vec::new(),
    };
    let (root, body) = reading.envelope().map_err(|mut refused| {
        refused.addressing = reading.header.addressing.clone();
        refused
    })?;
    let Reading { walk, header, includes, .. } = reading;
    let (headers, passwords) = (header.into_headers(), walk.passwords);
    Ok(Message { envelope, version, headers, body, attachments, root, passwords, includes })
}

struct Reading<'a> {
    walk: Walk<'a>,
    version: Version,
    header: Header,
    /// Whether elements may stand for parts.
    has_parts: bool,
    includes: Vec<Include>,
}

impl Reading<'_> {
    /// The offset of the envelope and what its body holds first.
    fn envelope(&mut self) -> Result<(usize, Option<Payload>), Box<Refused>> {
        // The reader refuses a text without a root.
        let root = self.walk.child()?.map_or(0, |tag| tag.start);
        self.check_root(root)?;
        let mut has_header = false;
        let mut body = None;
        while let Some(tag) = self.walk.child()? {
            let (namespace, local) = self.walk.reader.element();
            match local {
                _ if namespace != self.version.namespace() => return Err(self.misplaced(tag)),
                "Header" if !has_header && body.is_none() => {
                    has_header = true;
                    self.walk.in_header = true;
                    self.header.read(&mut self.walk, self.version)?;
                    self.walk.in_header = false;
                }
                "Body" if body.is_none() => body = Some(self.body()?),
                _ => return Err(self.misplaced(tag)),
            }
        }
        // What follows the envelope can only be comments, but has to be read to know that.
        self.walk.next()?;
        match body {
            Some(payload) => Ok((root, payload)),
            None => Err(self.walk.refused(root, "the envelope has no `Body`")),
        }
    }

    fn check_root(&self, root: usize) -> Result<(), Box<Refused>> {
        let (namespace, local) = self.walk.reader.element();
        let expected = self.version.namespace();
        if namespace == expected && local == "Envelope" {
            return Ok(());
        }
        let name = self.version.name();
        let mut refused = self.walk.refused(
            root,
            format!(
                "this endpoint speaks {name}: a message is an `Envelope` of namespace {expected}, and `{local}` {} was sent",
                of_namespace(namespace)
            ),
        );
        if namespace != expected {
            refused.code = Code::VersionMismatch;
        }
        Err(refused)
    }

    fn misplaced(&self, tag: Tag) -> Box<Refused> {
        let (namespace, local) = self.walk.reader.element();
        let found = format!("`{local}` {}", of_namespace(namespace));
        self.walk.refused(
            tag.start,
            format!("{found} can't stand here: an envelope holds one `Header` or none, then one `Body`"),
        )
    }

    /// What stands in the body.
    fn body(&mut self) -> Result<Option<Payload>, Box<Refused>> {
        let Some(tag) = self.walk.child()? else { return Ok(None) };
        let payload = self.payload(tag)?;
        match self.walk.child()? {
            None => Ok(Some(payload)),
            Some(tag) => {
                let (first, second) = (&payload.local, self.walk.reader.element().1);
                Err(self.walk.refused(
                    tag.start,
                    format!("the body holds `{first}` and `{second}`: send one request in one body"),
                ))
            }
        }
    }

    fn payload(&mut self, tag: Tag) -> Result<Payload, Box<Refused>> {
        let (namespace, local) = self.walk.reader.element();
        let (namespace, local) = (namespace.to_owned(), local.to_owned());
        let mut payload =
            Payload { namespace, local, offset: tag.start, children: Vec::new(), beyond: None, text: None };
        let depth = self.walk.reader.depth();
        // The open `xop:Include` and its depth.
        let mut include: Option<(Include, usize)> = None;
        while let Some(event) = self.walk.next()? {
            let reader = &self.walk.reader;
            let inside = reader.depth().saturating_sub(depth);
            match event.what {
                What::Start => {
                    match inside {
                        1 if payload.children.len() < MAX_CHILDREN => payload.children.push(self.child(event.start)),
                        1 => payload.beyond = payload.beyond.or(Some(event.start)),
                        2 if payload.beyond.is_none() => payload.grandchild(event.start),
                        _ => {}
                    }
                    // Too many are told apart from as many as there are parts, and more of them say no more.
                    if self.has_parts && include.is_none() && self.includes.len() <= MAX_PARTS {
                        include = self.include(event.start).map(|include| (include, reader.depth()));
                    }
                }
                What::Text(text) => match inside {
                    0 if !is_blank(&text) => payload.text = payload.text.or(Some(event.start)),
                    1 if payload.beyond.is_none() => payload.words(&text, event.start),
                    _ => {}
                },
                What::End => {
                    if let Some((mut found, _)) = include.take_if(|(_, depth)| reader.depth() < *depth) {
                        found.place.end = event.end;
                        self.includes.push(found);
                    }
                    if reader.depth() < depth {
                        break;
                    }
                }
            }
        }
        Ok(payload)
    }

    /// The element that has just begun.
    fn child(&self, offset: usize) -> Child {
        let reader = &self.walk.reader;
        let (namespace, local) = reader.element();
        let is_nil = reader
            .attributes()
            .any(|a| a.local == "nil" && a.namespace == XSI && matches!(a.value.trim(), "true" | "1"));
        let (namespace, local) = (namespace.to_owned(), local.to_owned());
        Child { namespace, local, offset, is_nil, content: Content::Text(String::new()) }
    }

    /// The element that has just begun, if it stands for a part.
    fn include(&self, start: usize) -> Option<Include> {
        let reader = &self.walk.reader;
        (reader.element() == (XOP, "Include")).then(|| {
            let href = reader.attributes().find(|a| a.local == "href" && a.namespace.is_empty());
            Include { place: start..start, href: href.map(|href| href.value.into_owned()).unwrap_or_default() }
        })
    }
}

impl Payload {
    /// An element in the last child.
    fn grandchild(&mut self, start: usize) {
        let Some(child) = self.children.last_mut() else { return };
        match &mut child.content {
            Content::Elements { offsets, .. } if offsets.len() > MAX_DOCUMENTS => {}
            Content::Elements { offsets, .. } => offsets.push(start),
            Content::Text(text) => {
                let text = (!is_blank(text)).then_some(child.offset);
                child.content = Content::Elements { offsets: vec![start], text };
            }
            Content::LongText => {
                child.content = Content::Elements { offsets: vec![start], text: Some(child.offset) };
            }
        }
    }

    /// Text in the last child.
    fn words(&mut self, words: &str, start: usize) {
        let Some(child) = self.children.last_mut() else { return };
        match &mut child.content {
            Content::Text(text) if text.len() + words.len() <= MAX_VALUE_BYTES => text.push_str(words),
            Content::Text(text) if is_blank(text) && is_blank(words) => {}
            Content::Text(_) => child.content = Content::LongText,
            Content::Elements { text, .. } if !is_blank(words) => *text = text.or(Some(start)),
            Content::Elements { .. } | Content::LongText => {}
        }
    }
}

/// `of no namespace` or `of namespace urn:x`.
pub(in crate::soap) fn of_namespace(namespace: &str) -> String {
    match namespace {
        "" => "of no namespace".into(),
        namespace => format!("of namespace {}", crate::percent::excerpt(namespace)),
    }
}
