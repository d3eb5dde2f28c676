//! What a schema says once it is read: elements, types and attributes that refer to each other by number.

use std::sync::Arc;

use super::ElementId;
use super::content::Model;
use super::names::{Name, Names, Space};
use super::simple::{SimpleType, Value};

/// A type, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TypeId(pub(super) usize);

impl TypeId {
    /// `xs:anyType`.
    pub(super) const ANY: Self = Self(0);
}

/// An element declaration.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) ty: TypeId,
    pub(super) is_nillable: bool,
    pub(super) is_abstract: bool,
    pub(super) constraint: Option<Constraint>,
}

/// A `default` or `fixed`.
#[derive(Debug, Clone)]
pub(super) struct Constraint {
    pub(super) is_fixed: bool,
    pub(super) text: Box<str>,
    /// What the text stands for; none for elements of mixed content, which are compared by their text.
    pub(super) value: Option<Value<'static>>,
}

/// A type definition.
#[derive(Debug)]
pub(super) enum Type {
    Simple(SimpleType),
    Complex(Complex),
}

/// A complex type.
#[derive(Debug)]
pub(super) struct Complex {
    /// The type that it extends or restricts.
    pub(super) base: TypeId,
    pub(super) is_abstract: bool,
    pub(super) content: Content,
    pub(super) attributes: Arc<Attributes>,
}

/// What may stand between the tags of a complex type.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing at all.
    Empty,
    Simple(SimpleType),
    Children {
        model: Model,
        is_mixed: bool,
    },
}

/// The attributes of a complex type.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    /// Ascending by name.
    pub(super) uses: Vec<Use>,
    pub(super) wildcard: Option<Wildcard>,
}

/// An attribute of a complex type.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) attribute: Arc<Attribute>,
    pub(super) is_required: bool,
    /// Of the use, else of the declaration.
    pub(super) constraint: Option<Constraint>,
}

/// An attribute declaration.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: Name,
    pub(super) ty: SimpleType,
    pub(super) constraint: Option<Constraint>,
}

/// `xs:any` or `xs:anyAttribute`.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    pub(super) allowed: Allowed,
    pub(super) process: Process,
}

/// The namespaces of a wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    Any,
    /// Neither this one nor none.
    Not(Space),
    Only(Vec<Space>),
}

/// What is asked of what a wildcard stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// It has a declaration, and follows it.
    Strict,
    /// It follows its declaration, if it has one.
    Lax,
    Skip,
}

impl Wildcard {
    /// Whether it stands for a name of this namespace; none for one that the schema does not know.
    pub(super) fn allows(&self, space: Option<Space>) -> bool {
        match &self.allowed {
            Allowed::Any => true,
            Allowed::Not(other) => space.is_none_or(|space| space != *other && space != Space::NONE),
            Allowed::Only(spaces) => space.is_some_and(|space| spaces.contains(&space)),
        }
    }
}

impl Allowed {
    /// What both allow (section 3.10.6, attribute wildcard intersection).
    pub(super) fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (Self::Only(some), Self::Only(others)) => {
                Self::Only(some.iter().filter(|space| others.contains(space)).copied().collect())
            }
            (Self::Not(not), Self::Only(some)) | (Self::Only(some), Self::Not(not)) => {
                Self::Only(some.iter().filter(|space| **space != *not && **space != Space::NONE).copied().collect())
            }
            (Self::Not(Space::NONE), one @ Self::Not(_)) | (one, Self::Not(Space::NONE)) => one.clone(),
            // Of two different ones the specification says that it can't be expressed; nothing is the safe side.
            (Self::Not(one), Self::Not(two)) => {
                if one == two {
                    self.clone()
                } else {
                    Self::Only(Vec::new())
                }
            }
        }
    }

    /// What either allows (section 3.10.6, attribute wildcard union).
    pub(super) fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Only(some), Self::Only(others)) => {
                Self::Only(some.iter().chain(others.iter().filter(|space| !some.contains(space))).copied().collect())
            }
            (Self::Not(one), Self::Not(two)) => {
                if one == two {
                    self.clone()
                } else {
                    Self::Not(Space::NONE)
                }
            }
            (Self::Not(not), Self::Only(some)) | (Self::Only(some), Self::Not(not)) => {
                match (some.contains(not), some.contains(&Space::NONE)) {
                    (true, true) => Self::Any,
                    (true, false) => Self::Not(Space::NONE),
                    _ => Self::Not(*not),
                }
            }
        }
    }

    /// As messages tell it.
    pub(super) fn told(&self, names: &Names) -> String {
        let told = |space: &Space| match names.space_text(*space) {
            "" => "no namespace".to_owned(),
            text => text.to_owned(),
        };
        match self {
            Self::Any => "any element".into(),
            Self::Not(Space::NONE) => "an element of any namespace".into(),
            Self::Not(space) => format!("an element of a namespace other than {}", told(space)),
            Self::Only(spaces) => format!("an element of {}", spaces.iter().map(told).collect::<Vec<_>>().join(" or ")),
        }
    }
}

impl Attributes {
    pub(super) fn position(&self, name: Name) -> Option<usize> {
        self.uses.binary_search_by_key(&name, |used| used.attribute.name).ok()
    }
}

/// What a content model says of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Element(ElementId),
    Wildcard(Process),
}
