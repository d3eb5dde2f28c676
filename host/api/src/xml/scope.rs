//! Which prefix stands for which namespace. A look-up costs one hash of the prefix, however many are declared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::MAX_NAMESPACE_BYTES;
use super::chars::normalised;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace, by number: names of long namespaces are then compared as fast as those of short ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Namespace(usize);

impl Namespace {
    /// No namespace.
    pub(super) const NONE: Self = Self(0);
    const XML: Self = Self(1);
}

/// One `xmlns` or `xmlns:prefix` attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding<'a> {
    /// Empty for the default namespace.
    pub(super) prefix: &'a str,
    /// The attribute as written.
    pub(super) source: &'a str,
    /// Its namespace; [`Namespace::NONE`] where the default one is taken back.
    pub(super) namespace: Namespace,
}

/// The declarations in force, outermost first.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    bindings: Vec<Binding<'a>>,
    /// Where in `bindings` each prefix is declared, outermost first.
    by_prefix: HashMap<&'a str, Vec<usize>>,
    numbers: HashMap<Cow<'a, str>, Namespace>,
    /// The namespaces by their numbers, which begin at 2.
    names: Vec<Cow<'a, str>>,
}

impl<'a> Scope<'a> {
    /// How many declarations are in force: a mark to go back to.
    pub(super) const fn len(&self) -> usize {
        self.bindings.len()
    }

    /// The declarations since a mark.
    pub(super) fn since(&self, mark: usize) -> &[Binding<'a>] {
        self.bindings.get(mark..).unwrap_or_default()
    }

    /// Whether a prefix has been declared since a mark.
    pub(super) fn is_declared_since(&self, mark: usize, prefix: &str) -> bool {
        self.by_prefix.get(prefix).and_then(|at| at.last()).is_some_and(|at| *at >= mark)
    }

    /// Adds a declaration. `value` is the attribute's, as written.
    pub(super) fn declare(&mut self, prefix: &'a str, value: &'a str, source: &'a str) -> Result<(), String> {
        let name = normalised(value);
        if name.len() > MAX_NAMESPACE_BYTES {
            return Err(format!("a namespace is longer than {MAX_NAMESPACE_BYTES} bytes"));
        }
        let namespace = match (prefix, &*name) {
            ("xml", XML) => Namespace::XML,
            ("xml", _) => return Err(format!("prefix `xml` always stands for {XML}")),
            ("xmlns", _) => return Err("prefix `xmlns` can't be declared".into()),
            (_, XML | XMLNS) => return Err(format!("namespace {name} can't be given another prefix")),
            ("", "") => Namespace::NONE,
            (_, "") => return Err(format!("prefix `{prefix}` needs a namespace: `{source}` gives it none")),
            _ => {
                let next = Namespace(self.names.len() + 2);
                match self.numbers.entry(name) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        self.names.push(new.key().clone());
                        *new.insert(next)
                    }
                }
            }
        };
        self.by_prefix.entry(prefix).or_default().push(self.bindings.len());
        self.bindings.push(Binding { prefix, source, namespace });
        Ok(())
    }

    /// The declarations in force, outermost first; an inner one hides those of the same prefix before it.
    pub(super) fn all(&self) -> &[Binding<'a>] {
        &self.bindings
    }

    /// The declarations that were in force at a mark, without those that were hidden there.
    pub(super) fn visible_before(&self, mark: usize) -> Vec<Binding<'a>> {
        let bindings = self.bindings.get(..mark).unwrap_or_default();
        let is_visible = |(index, binding): &(usize, &Binding<'a>)| {
            let at = self.by_prefix.get(binding.prefix);
            at.and_then(|at| at.iter().rev().find(|at| **at < mark)) == Some(index)
        };
        bindings.iter().enumerate().filter(is_visible).map(|(_, binding)| *binding).collect()
    }

    /// The text of a namespace; empty for none.
    pub(super) fn name(&self, namespace: Namespace) -> &str {
        match namespace {
            Namespace::NONE => "",
            Namespace::XML => XML,
            Namespace(number) => self.names.get(number.wrapping_sub(2)).map_or("", |name| name),
        }
    }

    /// The default namespace.
    pub(super) fn unprefixed(&self) -> Namespace {
        let at = self.by_prefix.get("").and_then(|at| at.last());
        at.and_then(|at| self.bindings.get(*at)).map_or(Namespace::NONE, |binding| binding.namespace)
    }

    /// Takes back all declarations since a mark.
    pub(super) fn leave(&mut self, mark: usize) {
        for binding in self.bindings.drain(mark.min(self.bindings.len())..) {
            if let Some(at) = self.by_prefix.get_mut(binding.prefix) {
                at.pop();
            }
        }
    }

    /// What a prefix that isn't empty stands for.
    pub(super) fn resolve(&self, prefix: &str) -> Option<Namespace> {
        if prefix == "xml" {
            return Some(Namespace::XML);
        }
        let at = *self.by_prefix.get(prefix)?.last()?;
        self.bindings.get(at).map(|binding| binding.namespace)
    }
}
