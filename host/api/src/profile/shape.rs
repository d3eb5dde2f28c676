//! What a JSON profile's messages look like, as far as XML and JSON have it in common: objects of members with one type each.

use indexmap::IndexMap;

use crate::xsd::simple::SimpleType;

/// The types of a profile.
#[derive(Debug)]
pub(super) struct Shape {
    /// Of which the first is the root's.
    pub(super) types: Vec<Object>,
    /// Whether a member may be null: then messages declare the prefix `xsi`.
    pub(super) has_null: bool,
}

/// Which of the types of a [`Shape`].
pub(super) type TypeId = usize;

/// A type with members: a complex type of XML Schema.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// That of its complex type. Objects of one profile may have the same.
    pub(super) name: String,
    pub(super) documentation: Option<String>,
    /// By name, in the order that the elements have.
    pub(super) members: IndexMap<String, Member>,
    /// Whether JSON may have further members, which XML has no place for.
    pub(super) is_open: bool,
}

/// A member of an object: an element, or a repeated one.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) documentation: Option<String>,
    pub(super) is_required: bool,
    /// Whether it may be null; the elements, where it is a list.
    pub(super) is_nullable: bool,
    pub(super) list: Option<Count>,
    pub(super) content: Content,
}

/// How many elements a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

/// What a member, or an element of its list, is.
#[derive(Debug)]
pub(super) enum Content {
    Object(TypeId),
    Simple(Simple),
}

/// A value without members.
#[derive(Debug)]
pub(super) struct Simple {
    pub(super) kind: SimpleKind,
    /// Local name of a type of XML Schema.
    pub(super) base: &'static str,
    /// Names and values of its facets, in the order of an XML Schema.
    pub(super) facets: Vec<(&'static str, String)>,
    /// Name of the type, where it is an enumeration: clients make one of their own of it.
    pub(super) name: Option<String>,
    /// Without the facets but those of a format: what XML can be read as.
    pub(super) lexical: SimpleType,
    /// With the facets: what the XML Schema promises.
    pub(super) full: SimpleType,
}

/// How JSON writes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SimpleKind {
    /// Any text.
    Text,
    /// A text in which XML does not count white space: a date, a URI.
    Token,
    /// Base64, which XML may break into lines.
    Base64,
    Integer,
    Number,
    Boolean,
}

impl Shape {
    pub(super) fn object(&self, id: TypeId) -> Option<&Object> {
        self.types.get(id)
    }
}
