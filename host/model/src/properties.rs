//! Dynamic properties: names and string values, of a process or of a document.
//!
//! A clone shares the names and values until one side changes them, so that every document of a request carries the same
//! `inheader_*` and a sub-process gets its copy for the price of a counter.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The prefix of the document properties that hold request headers.
const HEADER_PREFIX: &str = "inheader_";

/// A set of properties, ordered by name. Names are case-sensitive, but for the lookup of `inheader_*` by
/// [`Properties::get_document`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Properties(Arc<BTreeMap<String, String>>);

impl Properties {
    /// No properties; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value set under exactly this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a document property: as [`Properties::get`], but a name that begins with `inheader_` is found
    /// whatever its case, since HTTP header names have none.
    pub fn get_document(&self, name: &str) -> Option<&str> {
        if let Some(value) = self.get(name) {
            return Some(value);
        }
        let prefix = name.get(..HEADER_PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(HEADER_PREFIX) {
            return None;
        }
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Sets or replaces a value. Copies the set first when it is shared.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        Arc::make_mut(&mut self.0).insert(name.into(), value.into());
    }

    /// All of them, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all names and values: what a guest that sets properties has made the host hold.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(n, v)| n.len() + v.len()).sum()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect()))
    }
}

impl<'a> IntoIterator for &'a Properties {
    type Item = (&'a String, &'a String);
    type IntoIter = btree_map::Iter<'a, String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_until_it_changes() {
        let a: Properties = [("x", "1")].into_iter().collect();
        let mut b = a.clone();
        assert!(Arc::ptr_eq(&a.0, &b.0));
        b.set("x", "2");
        assert_eq!((a.get("x"), b.get("x")), (Some("1"), Some("2")));
    }

    #[test]
    fn only_inheader_ignores_case() {
        let p: Properties = [("inheader_Content-Type", "text/csv"), ("Own", "1")].into_iter().collect();
        assert_eq!(p.get_document("inheader_content-type"), Some("text/csv"));
        assert_eq!(p.get_document("INHEADER_CONTENT-TYPE"), Some("text/csv"));
        assert_eq!(p.get_document("own"), None);
        assert_eq!(p.get_document("inheader_"), None);
        assert_eq!(p.get("inheader_content-type"), None);
    }
}
