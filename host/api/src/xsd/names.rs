//! Names by number. A name of a message is looked up once; whatever then asks for it compares two integers.

use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// The namespace of XML Schema itself.
pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// The namespace of the attributes by which a message talks about its schema.
pub(super) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A namespace as messages tell it.
pub(super) fn told(namespace: &str) -> String {
    if namespace.is_empty() { "no namespace".into() } else { format!("the namespace {namespace}") }
}

/// A namespace that a schema speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Space(usize);

impl Space {
    /// No namespace.
    pub(super) const NONE: Self = Self(0);
}

/// A name of an element, an attribute or a type that a schema speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name(usize);

/// All names of a schema.
#[derive(Debug)]
pub(super) struct Names {
    spaces: IndexMap<Box<str>, FxHashMap<Arc<str>, Name>, FxBuildHasher>,
    names: Vec<(Space, Arc<str>)>,
}

impl Names {
    pub(super) fn new() -> Self {
        let mut names = Self { spaces: IndexMap::default(), names: Vec::new() };
        names.space("");
        names
    }

    /// The number of a namespace, a new one if need be.
    pub(super) fn space(&mut self, text: &str) -> Space {
        match self.find_space(text) {
            Some(space) => space,
            None => Space(self.spaces.insert_full(text.into(), FxHashMap::default()).0),
        }
    }

    /// The number of a name, a new one if need be.
    pub(super) fn name(&mut self, space: Space, local: &str) -> Name {
        if let Some(known) = self.find(space, local) {
            return known;
        }
        let (name, local) = (Name(self.names.len()), Arc::<str>::from(local));
        if let Some((_, names)) = self.spaces.get_index_mut(space.0) {
            names.insert(Arc::clone(&local), name);
        }
        self.names.push((space, local));
        name
    }

    pub(super) fn find_space(&self, text: &str) -> Option<Space> {
        self.spaces.get_index_of(text).map(Space)
    }

    pub(super) fn find(&self, space: Space, local: &str) -> Option<Name> {
        self.spaces.get_index(space.0)?.1.get(local).copied()
    }

    /// The text of a namespace; empty for none.
    pub(super) fn space_text(&self, space: Space) -> &str {
        self.spaces.get_index(space.0).map_or("", |(text, _)| text)
    }

    /// Namespace and local name.
    pub(super) fn text(&self, name: Name) -> (&str, &str) {
        self.names.get(name.0).map_or(("", ""), |(space, local)| (self.space_text(*space), local))
    }
}
