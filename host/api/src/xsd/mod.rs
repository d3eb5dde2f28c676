//! XML Schema 1.0, as far as messages need it: reads schema documents and says whether an element follows them.
//!
//! A schema is read once, when a profile is deployed, and then shared. All that is wrong with its documents is told in one
//! reading, and what is not supported is refused by name (docs/xsd.md). Looking at a message is one pass over its text, with
//! memory for what is open at a time: the time is linear in the text for every schema that is sound.

mod component;
mod content;
mod documents;
mod faults;
mod names;
mod read;
pub(crate) mod simple;
mod tree;
mod validate;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use component::{Attribute, Element, Type, TypeId};
use names::{Name, Names, Space};

/// A schema document as it was written.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    /// Its path, for messages and for `xs:include`.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// Why a schema can't be used: it is wrong, or uses what is not supported (named).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct SchemaError {
    /// Path of the document.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and where it helps what to do.
    pub message: String,
}

/// Where an element does not follow its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message} ({rule})")]
pub struct Violation {
    /// From 1, in the text that was looked at.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, with the path of the element: `Account/NumberOfEmployees: ...`.
    pub message: String,
    /// The rule, by its name in the specification: `cvc-datatype-valid.1.2.1` of XML Schema, `/properties/Id/maxLength` of JSON Schema.
    pub rule: String,
}

/// Compiled schema documents that belong together.
#[derive(Debug)]
pub(crate) struct Schema {
    names: Names,
    /// The namespace of the first document.
    main: Space,
    elements: Vec<Element>,
    types: Vec<Type>,
    global_elements: FxHashMap<Name, ElementId>,
    global_attributes: FxHashMap<Name, Arc<Attribute>>,
    named_types: FxHashMap<Name, TypeId>,
}

/// An element declaration of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ElementId(pub(crate) usize);

impl Schema {
    /// Reads documents: the main one first, then those that it imports and includes.
    pub(crate) fn read(sources: &[Source<'_>]) -> Result<Self, Vec<SchemaError>> {
        read::schema(sources)
    }

    /// The global element of this local name: of the first document's namespace if it is there, else the only one of any.
    pub(crate) fn root(&self, local: &str) -> Option<ElementId> {
        let main = self.names.find(self.main, local).and_then(|name| self.global_elements.get(&name));
        main.copied().or_else(|| {
            let mut named = self.global_elements.iter().filter(|(name, _)| self.names.text(**name).1 == local);
            named.next().filter(|_| named.next().is_none()).map(|(_, id)| *id)
        })
    }

    /// The local names of all global elements.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &str> {
        self.global_elements.keys().map(|name| self.names.text(*name).1)
    }

    /// Namespace (empty for none) and local name.
    pub(crate) fn name(&self, element: ElementId) -> (&str, &str) {
        self.elements.get(element.0).map_or(("", ""), |element| self.names.text(element.name))
    }

    /// Whether the elements of a well-formed text at these offsets (of their `<`, ascending, none inside another) are valid ones of this
    /// name. No offsets: the root. The first violation in the order of the text is told.
    pub(crate) fn validate(&self, element: ElementId, text: &str, offsets: Option<&[usize]>) -> Result<(), Violation> {
        validate::validate(self, element, text, offsets)
    }
}
