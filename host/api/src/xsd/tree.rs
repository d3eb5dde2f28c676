//! A schema document as a tree: its elements with their places, without annotations and text.

use std::borrow::Cow;

use super::Source;
use super::faults::Faults;
use super::names::{Names, Space, XSD};
use crate::xml::{Reader, What};

/// Elements of the documents of a schema, annotations not counted: more is refused.
const MAX_NODES: usize = 100_000;

/// The attributes whose values are or may be names with prefixes.
const NAMING: [&str; 8] = ["type", "ref", "base", "itemType", "memberTypes", "value", "default", "fixed"];

/// An element of XML Schema's own namespace.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) local: &'a str,
    /// Index of its document.
    pub(super) document: usize,
    /// Offset of its `<`.
    pub(super) at: usize,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) children: Vec<Node<'a>>,
    /// What the prefixes in its values stand for here.
    prefixes: Vec<(Box<str>, Space)>,
}

/// An attribute without a namespace; others mean nothing to a schema.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) local: &'a str,
    pub(super) value: Cow<'a, str>,
    /// Offset of its value.
    pub(super) at: usize,
}

impl<'a> Node<'a> {
    pub(super) fn attribute(&self, local: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.local == local)
    }

    /// The value of an attribute without the white space around it.
    pub(super) fn value(&self, local: &str) -> Option<&str> {
        self.attribute(local).map(|attribute| attribute.value.trim())
    }

    /// The first child of one of these names.
    pub(super) fn child(&self, locals: &[&str]) -> Option<&Self> {
        self.children.iter().find(|child| locals.contains(&child.local))
    }

    /// Offset of an attribute's value; of the element where it has none.
    pub(super) fn place(&self, local: &str) -> usize {
        self.attribute(local).map_or(self.at, |attribute| attribute.at)
    }

    /// What a prefix in one of its values stands for.
    pub(super) fn space(&self, prefix: &str) -> Option<Space> {
        self.prefixes.iter().find(|(known, _)| **known == *prefix).map(|(_, space)| *space)
    }
}

/// Reads a document: none if it can't be told what it declares. `nodes` counts those of all documents.
pub(super) fn read<'a>(
    document: usize,
    source: &Source<'a>,
    nodes: &mut usize,
    names: &mut Names,
    faults: &mut Faults<'_>,
) -> Option<Node<'a>> {
    let mut reader = Reader::new(source.text);
    let mut open: Vec<Node<'a>> = Vec::new();
    let mut root = None;
    // How deep the element lies that is passed over with all that is in it.
    let mut aside: Option<usize> = None;
    loop {
        let event = match reader.next() {
            Ok(Some(event)) => event,
            Ok(None) => return root,
            Err(error) => {
                faults.ended(document, error);
                return None;
            }
        };
        match event.what {
            _ if aside.is_some_and(|depth| reader.depth() >= depth) => {}
            What::End if aside.take().is_some() => {}
            What::Start => {
                let (namespace, local) = reader.element();
                if namespace != XSD {
                    let Some(parent) = open.last() else {
                        let message = format!("the root element of a schema is `schema` of the namespace {XSD}");
                        faults.add(document, event.start, message);
                        return None;
                    };
                    faults.add(document, event.start, format!("`{local}` can't stand in `xs:{}`", parent.local));
                    aside = Some(reader.depth());
                } else if local == "annotation" && !open.is_empty() {
                    aside = Some(reader.depth());
                } else if *nodes >= MAX_NODES {
                    faults.add(document, event.start, format!("the schema has more than {MAX_NODES} elements"));
                    return None;
                } else {
                    *nodes += 1;
                    open.push(start(document, event.start, &reader, names));
                }
            }
            What::Text(text) => {
                if let (Some(parent), false) = (open.last(), text.trim_ascii().is_empty()) {
                    faults.add(document, event.start, format!("text can't stand in `xs:{}`", parent.local));
                }
            }
            What::End => {
                if let Some(node) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(node),
                        None => root = Some(node),
                    }
                }
            }
        }
    }
}

/// The element that has just begun.
fn start<'a>(document: usize, at: usize, reader: &Reader<'a>, names: &mut Names) -> Node<'a> {
    let own = reader.attributes().filter(|attribute| attribute.namespace.is_empty());
    let attributes: Vec<_> =
        own.map(|own| Attribute { local: own.local, value: own.value, at: own.value_at }).collect();
    let mut prefixes: Vec<(Box<str>, Space)> = Vec::new();
    for value in attributes.iter().filter(|a| NAMING.contains(&a.local)).map(|a| &a.value) {
        for item in value.split_ascii_whitespace() {
            let prefix = item.split_once(':').map_or("", |(prefix, _)| prefix);
            if prefixes.iter().all(|(known, _)| **known != *prefix)
                && let Some(namespace) = reader.namespace(prefix)
            {
                prefixes.push((prefix.into(), names.space(namespace)));
            }
        }
    }
    Node { local: reader.element().1, document, at, attributes, children: Vec::new(), prefixes }
}
