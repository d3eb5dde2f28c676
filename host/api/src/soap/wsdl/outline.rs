//! What a schema document has at its top, and where: to point its imports elsewhere, and to find a name that two have.

use std::ops::Range;

use crate::xml::{Reader, What};

/// Namespace of XML Schema.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// The top of a schema document. It was read before, when its profile was made: what is not well-formed ends it early.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// `targetNamespace`; empty for none.
    pub(super) namespace: String,
    /// Offset of the root's `<`.
    pub(super) start: usize,
    /// Behind the name in the root's start tag.
    pub(super) head: usize,
    /// Whether the root declares a default namespace.
    pub(super) has_default: bool,
    /// Behind the root's end.
    pub(super) end: usize,
    /// What gives the parts their meaning beside their text: the root's namespace declarations and its other attributes.
    pub(super) context: Vec<String>,
    /// The children of the root.
    pub(super) parts: Vec<Part>,
}

/// A child of `xs:schema`.
#[derive(Debug)]
pub(super) struct Part {
    /// Its local name: `import`, `element`, `complexType` ...
    pub(super) kind: String,
    /// Attribute `name`, or `namespace` of an import; empty for none.
    pub(super) name: String,
    /// Attribute `type`; empty for none.
    pub(super) type_name: String,
    /// From `<` to behind its end.
    pub(super) range: Range<usize>,
    /// Behind the name in its start tag, where an attribute can be added.
    pub(super) head: usize,
    /// Attribute `schemaLocation`, and where it is written.
    pub(super) location: Option<(String, Range<usize>)>,
}

impl Part {
    /// Whether it brings in another document.
    pub(super) fn is_link(&self) -> bool {
        matches!(self.kind.as_str(), "import" | "include")
    }

    /// The location of a document that it includes.
    pub(super) fn included(&self) -> Option<&str> {
        let (location, _) = self.location.as_ref().filter(|_| self.kind == "include")?;
        Some(location)
    }

    /// What it defines, as kind and name: simple and complex types share their names. None where it defines nothing.
    pub(super) fn definition(&self) -> Option<(&str, &str)> {
        let kind = match self.kind.as_str() {
            "simpleType" | "complexType" => "type",
            kind @ ("element" | "attribute" | "group" | "attributeGroup") => kind,
            _ => return None,
        };
        Some((kind, &self.name))
    }
}

/// The outline of a document.
pub(super) fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut reader = Reader::new(text);
    while let Ok(Some(event)) = reader.next() {
        match (event.what, reader.depth()) {
            (What::Start, 1) => {
                outline.start = event.start;
                outline.head = head(text, event.start);
                let declarations = reader.declarations();
                outline.has_default = declarations.iter().any(|(prefix, ..)| prefix.is_empty());
                let declarations = declarations.into_iter().map(|(_, source, _)| source.to_owned());
                let attributes = reader.attributes().map(|a| format!("{}={}", a.local, a.value));
                outline.context = declarations.chain(attributes).collect();
                outline.context.sort_unstable();
                let target = reader.attributes().find(|a| a.namespace.is_empty() && a.local == "targetNamespace");
                outline.namespace = target.map(|target| target.value.into_owned()).unwrap_or_default();
            }
            (What::Start, 2) if reader.element().0 == XSD => outline.parts.push(part(text, &reader, event.start)),
            (What::End, 1) => {
                // The end of a part that was begun; foreign elements can't be there (they stand in annotations).
                if let Some(part) = outline.parts.last_mut().filter(|part| part.range.is_empty()) {
                    part.range.end = event.end;
                }
            }
            (What::End, 0) => outline.end = event.end,
            _ => {}
        }
    }
    outline
}

/// Behind the name of the tag that begins at an offset.
fn head(text: &str, start: usize) -> usize {
    let tag = text.get(start..).unwrap_or_default();
    start + tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(tag.len())
}

fn part(text: &str, reader: &Reader<'_>, start: usize) -> Part {
    let (_, kind) = reader.element();
    let mut part = Part {
        kind: kind.to_owned(),
        name: String::new(),
        type_name: String::new(),
        range: start..start,
        head: head(text, start),
        location: None,
    };
    for attribute in reader.attributes().filter(|attribute| attribute.namespace.is_empty()) {
        match attribute.local {
            "schemaLocation" => {
                // With the closing quote.
                let place = attribute.at..attribute.value_at + attribute.value_len + 1;
                part.location = Some((attribute.value.into_owned(), place));
            }
            "namespace" if part.is_link() => part.name = attribute.value.into_owned(),
            "type" => part.type_name = attribute.value.into_owned(),
            "name" => part.name = attribute.value.into_owned(),
            _ => {}
        }
    }
    part
}
