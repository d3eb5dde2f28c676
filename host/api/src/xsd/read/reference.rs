//! What a name in a schema document refers to.

use std::fmt;

use super::Reading;
use crate::xsd::component::TypeId;
use crate::xsd::names::{Name, XSD, told};
use crate::xsd::tree::Node;

/// What can be declared by name. Each has names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Element,
    Attribute,
    Type,
    Group,
    AttributeGroup,
}

impl Kind {
    /// The kind of a global declaration.
    pub(super) fn of(node: &Node<'_>) -> Option<Self> {
        Some(match node.local {
            "element" => Self::Element,
            "attribute" => Self::Attribute,
            "simpleType" | "complexType" => Self::Type,
            "group" => Self::Group,
            "attributeGroup" => Self::AttributeGroup,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Element => "element",
            Self::Attribute => "attribute",
            Self::Type => "type",
            Self::Group => "group",
            Self::AttributeGroup => "attribute group",
        })
    }
}

/// How many letters a name may differ by to be what was meant.
const NEAR: usize = 3;
/// Longer names are not compared: it takes the square of their length.
const COMPARED: usize = 32;

impl<'d> Reading<'d, '_> {
    /// What an attribute refers to: its name and the declaration.
    pub(super) fn declared(&mut self, node: &Node<'_>, attribute: &str, kind: Kind) -> Option<(Name, &'d Node<'d>)> {
        let name = self.reference(node, attribute, node.value(attribute)?, kind)?;
        match self.globals.get(&(kind, name)) {
            Some(declared) => Some((name, declared)),
            None => {
                self.unknown(node, attribute, name, kind);
                None
            }
        }
    }

    /// The type that a name in an attribute's value refers to.
    pub(super) fn type_named(&mut self, node: &Node<'_>, attribute: &str, value: &str) -> Option<TypeId> {
        let name = self.reference(node, attribute, value, Kind::Type)?;
        match self.named_types.get(&name) {
            Some(id) => Some(*id),
            None => {
                self.unknown(node, attribute, name, Kind::Type);
                None
            }
        }
    }

    /// The name that a value stands for.
    fn reference(&mut self, node: &Node<'_>, attribute: &str, value: &str, kind: Kind) -> Option<Name> {
        let document = self.documents.get(node.document)?;
        match document.resolve(node, value, &self.names) {
            Ok((space, local)) => Some(self.names.name(space, local)),
            Err(message) => {
                self.fault(node, attribute, format!("{kind} `{value}`: {message}"));
                None
            }
        }
    }

    fn unknown(&mut self, node: &Node<'_>, attribute: &str, name: Name, kind: Kind) {
        if self.faults.is_full() {
            return;
        }
        let (space, local) = self.names.text(name);
        let of = told(space);
        let known = self.globals.keys().filter(|(other, _)| *other == kind).map(|(_, name)| name);
        let known = known.chain(self.named_types.keys().filter(|_| space == XSD));
        let known = known.map(|name| self.names.text(*name)).filter(|(other, _)| *other == space);
        let known = known.filter(|(_, other)| other.len() <= COMPARED && other.len().abs_diff(local.len()) <= NEAR);
        let near =
            known.map(|(_, other)| (strsim::levenshtein(local, other), other)).filter(|(far, _)| *far <= NEAR).min();
        let hint = near.map(|(_, other)| format!("; is `{other}` meant?")).unwrap_or_default();
        let message = match (space, local) {
            (XSD, "NOTATION") => "the type `NOTATION` is not supported".into(),
            _ => format!("there is no {kind} `{local}` of {of}{hint}"),
        };
        self.fault(node, attribute, message);
    }
}
