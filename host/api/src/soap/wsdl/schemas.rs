//! The schema documents of a service: its own, those of its profiles, and how they find each other.
//!
//! Number 1 defines the wrappers. Then each namespace has its documents one after the other; where it has several, one comes
//! before them that includes them all, and everyone imports that. Profiles may each bring a definition that says the same:
//! the first is kept.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use auricle_model::SourceFile;
use indexmap::IndexMap;

use super::files::{File, files, is_named};
use super::outline::{Outline, Part, XSD, outline};
use super::{ADDRESS, DECLARATION, Described, types};
use crate::profile::Profile;
use crate::xml;

/// How documents name each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Links {
    /// By number, at the service's URL: `?xsd=2`.
    Numbered,
    /// By namespace alone: they stand in one WSDL.
    Inline,
}

/// All schema documents of a service.
pub(super) struct Schemas<'a> {
    described: &'a Described<'a>,
    documents: Vec<Document<'a>>,
    /// Definitions that an earlier document has too: document and part, by index.
    dropped: HashSet<(usize, usize)>,
    /// Names that two documents define differently.
    pub(super) clashes: Vec<Clash>,
}

/// A name that two documents of one namespace define differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// `type`, `element` and so on.
    pub(super) kind: String,
    /// The name.
    pub(super) name: String,
    /// Its namespace; empty for none.
    pub(super) namespace: String,
    /// The documents, for people.
    pub(super) between: [String; 2],
}

/// A schema document.
struct Document<'a> {
    origin: Origin<'a>,
    /// As it is before its links are turned.
    text: Cow<'a, str>,
    outline: Outline,
}

/// Where a document comes from.
enum Origin<'a> {
    /// It defines the wrappers.
    Own,
    /// It defines the messages of all JSON profiles.
    Json,
    /// It is a file of this profile.
    File(&'a Profile, &'a SourceFile),
    /// It includes the documents of these numbers, and no more.
    Umbrella(Range<usize>),
}

impl<'a> Document<'a> {
    fn new(origin: Origin<'a>, text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let outline = outline(&text);
        Self { origin, text, outline }
    }

    /// What it is, for people.
    fn label(&self) -> String {
        match &self.origin {
            Origin::Own | Origin::Umbrella(_) => "the elements around messages".to_owned(),
            Origin::Json => "the JSON profiles".to_owned(),
            Origin::File(profile, file) => format!("`{}` of profile `{}`", file.path, profile.name()),
        }
    }
}

impl<'a> Schemas<'a> {
    /// The documents of what can be described.
    pub(super) fn of(described: &'a Described<'a>) -> Self {
        let mut groups: IndexMap<String, Vec<Document<'a>>> = IndexMap::new();
        let mut add = |document: Document<'a>| {
            groups.entry(document.outline.namespace.clone()).or_default().push(document);
        };
        add(Document::new(Origin::Own, types::schema(described, "")));
        if !described.json.is_empty() {
            add(Document::new(Origin::Json, &*described.json));
        }
        let mut known: HashSet<(String, &str, &str)> = HashSet::new();
        for profile in &described.profiles {
            for File { source, text, outline } in files(profile) {
                if known.insert((outline.namespace.clone(), &source.path, &source.text)) {
                    add(Document { origin: Origin::File(profile, source), text, outline });
                }
            }
        }
        let mut documents = Vec::new();
        for (namespace, group) in groups {
            // The service's own document includes the others of its namespace itself.
            if group.len() > 1 && !documents.is_empty() {
                let first = documents.len() + 2;
                let outline = Outline { namespace, ..Outline::default() };
                let origin = Origin::Umbrella(first..first + group.len());
                documents.push(Document { origin, text: Cow::Borrowed(""), outline });
            }
            documents.extend(group);
        }
        let (dropped, clashes) = repeated(&documents);
        Self { described, documents, dropped, clashes }
    }

    /// The documents as pages of their own, in the order of their numbers.
    pub(super) fn numbered(&self) -> Vec<String> {
        let all = self.documents.iter().enumerate();
        all.map(|(index, document)| format!("{DECLARATION}{}\n", self.written(index, document, Links::Numbered)))
            .collect()
    }

    /// All documents but those that only include others, to stand in one WSDL: what is used before what uses it, or wsimport
    /// warns.
    pub(super) fn inline(&self) -> impl Iterator<Item = String> {
        let all = self.documents.iter().enumerate().rev();
        let all = all.filter(|(_, document)| !matches!(document.origin, Origin::Umbrella(_)));
        all.map(|(index, document)| self.written(index, document, Links::Inline))
    }

    /// The schema that stands in a WSDL instead of all: it brings them in.
    pub(super) fn imports(&self) -> String {
        let mut text = String::new();
        if let Some(number) = self.number("") {
            // A schema without a namespace can't import what is in none. zeep takes it for a part of another namespace
            // unless it meets it here first.
            text.push_str(&format!("<xsd:schema xmlns:xsd=\"{XSD}\">\n{}</xsd:schema>\n", include(number)));
        }
        text.push_str(&format!("<xsd:schema xmlns:xsd=\"{XSD}\">\n"));
        let mut known = HashSet::new();
        for (index, Document { outline, .. }) in self.documents.iter().enumerate() {
            if !outline.namespace.is_empty() && known.insert(&outline.namespace) {
                text.push_str(&import(&outline.namespace, Some(index + 1), Links::Numbered));
            }
        }
        text + "</xsd:schema>"
    }

    /// The number of the document by which a namespace is imported.
    fn number(&self, namespace: &str) -> Option<usize> {
        self.documents.iter().position(|document| document.outline.namespace == namespace).map(|index| index + 1)
    }

    /// The text of a document, its links turned and its repeated definitions left out.
    fn written(&self, index: usize, document: &Document<'_>, links: Links) -> String {
        match (&document.origin, links) {
            (Origin::Own, _) => types::schema(self.described, &self.own_links(links)),
            (Origin::Umbrella(numbers), Links::Numbered) => {
                let target = match xml::quoted(&document.outline.namespace) {
                    none if none.is_empty() => none,
                    namespace => format!(" targetNamespace=\"{namespace}\""),
                };
                let includes: String = numbers.clone().map(include).collect();
                format!("<xsd:schema xmlns:xsd=\"{XSD}\"{target}>\n{includes}</xsd:schema>")
            }
            _ => self.turned(index, document, links),
        }
    }

    /// What the service's own document brings in.
    fn own_links(&self, links: Links) -> String {
        let mut text = String::new();
        let own = &self.described.service.namespace;
        if matches!(links, Links::Numbered) {
            let others = self.documents.iter().enumerate().skip(1).filter(|(_, other)| other.outline.namespace == *own);
            others.for_each(|(index, _)| text.push_str(&include(index + 1)));
            if self.number("").is_some() {
                text.push_str(&import("", self.number(""), links));
            }
        }
        // Also beside the one with a place: else zeep takes names without a prefix for ones of this namespace.
        if self.number("").is_some() {
            text.push_str(&import("", None, links));
        }
        for namespace in &self.described.namespaces {
            text.push_str(&import(namespace, self.number(namespace), links));
        }
        text
    }

    /// A file with its links turned and its repeated definitions left out.
    fn turned(&self, index: usize, document: &Document<'_>, links: Links) -> String {
        let Outline { start, end, parts, .. } = &document.outline;
        let mut text = String::with_capacity(end.saturating_sub(*start) + 64);
        let mut copied = *start;
        for (number, part) in parts.iter().enumerate() {
            let change = if self.dropped.contains(&(index, number)) {
                Some((part.range.clone(), String::new()))
            } else {
                self.target(document, part).map(|target| turned(part, target, links))
            };
            if let Some((place, change)) = change {
                text.push_str(document.text.get(copied..place.start).unwrap_or_default());
                text.push_str(&change);
                copied = place.end;
            }
        }
        text.push_str(document.text.get(copied..*end).unwrap_or_default());
        text
    }

    /// The number of the document that a part of a file brings in. None for what is no link, or to what every client knows
    /// (`xml:lang`).
    fn target(&self, document: &Document<'_>, part: &Part) -> Option<usize> {
        match (part.kind.as_str(), &document.origin) {
            ("import", _) => self.number(&part.name),
            ("include", Origin::File(profile, _)) => {
                let location = part.included()?;
                let file = profile.sources().iter().find(|file| is_named(file, location))?;
                let is_it = |other: &Document<'_>| {
                    let is_file = matches!(other.origin, Origin::File(_, other) if other == file);
                    is_file && other.outline.namespace == document.outline.namespace
                };
                self.documents.iter().position(is_it).map(|index| index + 1)
            }
            _ => None,
        }
    }
}

/// What a link of a file is to be replaced with, and where.
fn turned(part: &Part, target: usize, links: Links) -> (Range<usize>, String) {
    match (links, &part.location) {
        (Links::Numbered, Some((_, place))) => (place.clone(), location(target)),
        (Links::Numbered, None) => (part.head..part.head, format!(" {}", location(target))),
        (Links::Inline, Some((_, place))) if part.kind == "import" => (place.clone(), String::new()),
        (Links::Inline, Some(_)) => (part.range.clone(), String::new()),
        (Links::Inline, None) => (part.head..part.head, String::new()),
    }
}

fn location(number: usize) -> String {
    format!("schemaLocation=\"{ADDRESS}?xsd={number}\"")
}

fn include(number: usize) -> String {
    format!("  <xsd:include {}/>\n", location(number))
}

fn import(namespace: &str, number: Option<usize>, links: Links) -> String {
    let namespace = match xml::quoted(namespace) {
        none if none.is_empty() => none,
        namespace => format!(" namespace=\"{namespace}\""),
    };
    match (number, links) {
        (Some(number), Links::Numbered) => {
            format!("  <xsd:import{namespace} {}/>\n", location(number))
        }
        _ => format!("  <xsd:import{namespace}/>\n"),
    }
}

/// What is defined more than once in a namespace: by document and part where it says the same, as a clash where not.
fn repeated(documents: &[Document<'_>]) -> (HashSet<(usize, usize)>, Vec<Clash>) {
    let (mut dropped, mut clashes) = (HashSet::new(), Vec::new());
    let mut known: HashMap<(&str, &str, &str), (&Document<'_>, &Part)> = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        for (number, part) in document.outline.parts.iter().enumerate() {
            let Some((kind, name)) = part.definition() else { continue };
            let namespace = document.outline.namespace.as_str();
            let Some((other, before)) = known.get(&(namespace, kind, name)) else {
                known.insert((namespace, kind, name), (document, part));
                continue;
            };
            let is_same = other.outline.context == document.outline.context
                && other.text.get(before.range.clone()) == document.text.get(part.range.clone());
            if is_same {
                dropped.insert((index, number));
            } else {
                clashes.push(Clash {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    namespace: namespace.to_owned(),
                    between: [other.label(), document.label()],
                });
            }
        }
    }
    (dropped, clashes)
}
