//! Dynamic properties: names and string values, of a process or of a document.
//!
//! A clone shares the names and values until one side changes them, so that every document of a request carries the same
//! `inheader_*` and a sub-process gets its copy for the price of a counter.
//!
//! On every request's path: no properties cost nothing, and few ones (nearly always) two allocations, since names and values
//! of up to 24 bytes are kept in place. Many ones are a tree, so that no number of them makes setting one slow.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, btree_map};
use std::slice;
use std::sync::Arc;

use compact_str::CompactString;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// The prefix of the document properties that hold request headers.
const HEADER_PREFIX: &str = "inheader_";

/// Room for as many as a request has nearly always.
const USUAL: usize = 8;

/// So many are searched faster in a row than in a tree.
const FEW: usize = 64;

/// A set of properties, ordered by name. Names are case-sensitive, but for the lookup of `inheader_*` by
/// [`Properties::get_document`].
#[derive(Debug, Clone, Default)]
pub struct Properties(Option<Arc<Set>>);

/// Properties that are being put together: nobody shares them yet, so that setting one costs no look at whether somebody does.
#[derive(Debug, Default)]
pub struct PropertySet(Set);

#[derive(Debug, Clone)]
enum Set {
    /// At most [`FEW`], ordered by name.
    Few(Vec<(CompactString, CompactString)>),
    Many(BTreeMap<CompactString, CompactString>),
}

impl Default for Set {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Set {
    fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Few(few) => {
                let at = few.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
                few.get(at).map(|(_, value)| value.as_str())
            }
            Self::Many(many) => many.get(name).map(CompactString::as_str),
        }
    }

    /// Sets a value under a name that has none; else gives the place of the one that it has, and the value back.
    fn add(&mut self, name: CompactString, value: CompactString) -> Result<(), (&mut CompactString, CompactString)> {
        if let Self::Few(few) = self
            && few.len() == FEW
        {
            *self = Self::Many(std::mem::take(few).into_iter().collect());
        }
        match self {
            Self::Few(few) => {
                // They often come in their order.
                let last = few.last().is_none_or(|(last, _)| *last < name);
                let place = if last { Err(few.len()) } else { few.binary_search_by(|(n, _)| n.cmp(&name)) };
                match place {
                    Ok(at) => match few.get_mut(at) {
                        Some((_, before)) => Err((before, value)),
                        None => Ok(()),
                    },
                    Err(at) => {
                        if few.capacity() == 0 {
                            few.reserve_exact(USUAL);
                        }
                        few.insert(at, (name, value));
                        Ok(())
                    }
                }
            }
            Self::Many(many) => match many.entry(name) {
                Entry::Occupied(place) => Err((place.into_mut(), value)),
                Entry::Vacant(place) => {
                    place.insert(value);
                    Ok(())
                }
            },
        }
    }

    fn set(&mut self, name: CompactString, value: CompactString) {
        if let Err((before, value)) = self.add(name, value) {
            *before = value;
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }
}

impl PropertySet {
    /// No properties; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value set under exactly this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Sets or replaces a value.
    pub fn set(&mut self, name: impl Into<CompactString>, value: impl Into<CompactString>) {
        self.0.set(name.into(), value.into());
    }

    /// Sets a value under a name that has none. If it has one that stays, and its place is given.
    pub fn add(
        &mut self,
        name: impl Into<CompactString>,
        value: impl Into<CompactString>,
    ) -> Option<&mut CompactString> {
        self.0.add(name.into(), value.into()).err().map(|(before, _)| before)
    }
}

impl From<PropertySet> for Properties {
    fn from(PropertySet(set): PropertySet) -> Self {
        Self((!set.is_empty()).then(|| Arc::new(set)))
    }
}

impl Properties {
    /// No properties; allocates nothing.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The value set under exactly this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name)
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
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Sets or replaces a value. Copies the set first when it is shared.
    pub fn set(&mut self, name: impl Into<CompactString>, value: impl Into<CompactString>) {
        Arc::make_mut(self.0.get_or_insert_default()).set(name.into(), value.into());
    }

    /// All of them, ordered by name.
    pub fn iter(&self) -> Iter<'_> {
        match self.0.as_deref() {
            None => Iter::Few([].iter()),
            Some(Set::Few(few)) => Iter::Few(few.iter()),
            Some(Set::Many(many)) => Iter::Many(many.iter()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all names and values: what a guest that sets properties has made the host hold.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// Properties by name, in their order.
#[derive(Debug, Clone)]
pub enum Iter<'a> {
    #[doc(hidden)]
    Few(slice::Iter<'a, (CompactString, CompactString)>),
    #[doc(hidden)]
    Many(btree_map::Iter<'a, CompactString, CompactString>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(few) => few.next().map(|(name, value)| (name.as_str(), value.as_str())),
            Self::Many(many) => many.next().map(|(name, value)| (name.as_str(), value.as_str())),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(few) => few.size_hint(),
            Self::Many(many) => many.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Properties {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N: Into<CompactString>, V: Into<CompactString>> FromIterator<(N, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut set = PropertySet::new();
        for (name, value) in pairs {
            set.set(name, value);
        }
        set.into()
    }
}

impl PartialEq for Properties {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Properties {}

/// As a map.
impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<CompactString, CompactString>::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(a: &Properties, b: &Properties) -> bool {
        matches!((&a.0, &b.0), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
    }

    #[test]
    fn a_clone_shares_until_it_changes() {
        let a: Properties = [("x", "1")].into_iter().collect();
        let mut b = a.clone();
        assert!(shared(&a, &b));
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

    #[test]
    fn few_and_many_are_the_same_map() {
        let mut properties = Properties::new();
        let mut model = BTreeMap::new();
        for n in 0..3 * FEW {
            // Neither in order nor without repeats.
            let (name, value) = (format!("n{}", n * 37 % (2 * FEW)), n.to_string());
            properties.set(name.as_str(), value.as_str());
            model.insert(name, value);
            let expected: Vec<_> = model.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            assert_eq!(properties.iter().collect::<Vec<_>>(), expected);
            assert!(model.iter().all(|(n, v)| properties.get(n) == Some(v.as_str())));
        }
        assert_eq!((properties.len(), properties.get("n")), (2 * FEW, None));
        let json = serde_json::to_string(&properties).unwrap();
        assert_eq!(json, serde_json::to_string(&model).unwrap());
        assert_eq!(serde_json::from_str::<Properties>(&json).unwrap(), properties);
    }

    #[test]
    fn none_are_equal_however_they_came_about() {
        assert_eq!(Properties::new(), Vec::<(String, String)>::new().into_iter().collect());
        assert_eq!(serde_json::from_str::<Properties>("{}").unwrap(), Properties::default());
    }
}
