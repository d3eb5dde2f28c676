//! Reads simple types. What they mean is the matter of [`crate::xsd::simple`]. Where there is none, a fault has been told.

use super::Reading;
use super::complex::Draft;
use crate::xsd::simple::{Facet, SimpleType};
use crate::xsd::tree::Node;

impl<'d> Reading<'d, '_> {
    /// Reads an `xs:simpleType`.
    pub(super) fn simple_type(&mut self, node: &'d Node<'d>) -> Option<SimpleType> {
        let how = node.children.first()?;
        self.deeper(node, |reading| match how.local {
            "restriction" => {
                let base = reading.one_simple(how, "base")?;
                reading.restricted(&base, how)
            }
            "list" => {
                let item = reading.one_simple(how, "itemType")?;
                reading.made(how, SimpleType::list(&item))
            }
            "union" => reading.union(how),
            _ => None,
        })?
    }

    /// The simple type of an attribute declaration.
    pub(super) fn attribute_type(&mut self, node: &'d Node<'d>) -> Option<SimpleType> {
        if node.attribute("type").is_some() || node.child(&["simpleType"]).is_some() {
            self.one_simple(node, "type")
        } else {
            self.simple(super::ANY_SIMPLE)
        }
    }

    /// Narrows a type by the facets among the children of a restriction.
    pub(super) fn restricted(&mut self, base: &SimpleType, node: &Node<'_>) -> Option<SimpleType> {
        let nodes: Vec<_> = node.children.iter().filter(|child| SimpleType::is_facet(child.local)).collect();
        let mut fixed = Vec::with_capacity(nodes.len());
        for facet in &nodes {
            if facet.attribute("value").is_none() {
                self.fault(facet, "value", format!("`xs:{}` needs a `value`", facet.local));
                return None;
            }
            fixed.push(self.is(facet, "fixed") == Some(true));
        }
        let names = &self.names;
        let scope = |facet: &Node<'_>, prefix: &str| facet.space(prefix).map(|space| names.space_text(space));
        let scopes: Vec<_> = nodes.iter().map(|facet| move |prefix: &str| scope(facet, prefix)).collect();
        let mut facets: Vec<Facet<'_>> = Vec::with_capacity(nodes.len());
        for ((facet, namespaces), fixed) in nodes.iter().zip(&scopes).zip(fixed) {
            let value = facet.attribute("value").map_or("", |value| &value.value);
            facets.push(Facet { name: facet.local, value, fixed, namespaces });
        }
        match base.restrict(&facets) {
            Ok(ty) => Some(ty),
            Err(errors) => {
                for error in errors {
                    let place = nodes.get(error.facet).copied().unwrap_or(node);
                    self.faults.add(place.document, place.place("value"), error.message);
                }
                None
            }
        }
    }

    /// The simple type that an attribute refers to.
    fn simple_named(&mut self, node: &'d Node<'d>, attribute: &str, value: &str) -> Option<SimpleType> {
        let id = self.type_named(node, attribute, value)?;
        self.define(id, Some((node, attribute)))?;
        let simple = self.simple(id);
        if simple.is_none() {
            self.fault(node, attribute, format!("`{value}` is a complex type: a simple one has to stand here"));
        }
        simple
    }

    fn simple(&self, id: super::TypeId) -> Option<SimpleType> {
        match self.types.get(id.0) {
            Some(Draft::Simple(ty)) => Some(ty.clone()),
            _ => None,
        }
    }

    /// The simple type that an attribute names or that stands inside: exactly one of both.
    fn one_simple(&mut self, node: &'d Node<'d>, attribute: &str) -> Option<SimpleType> {
        match (node.value(attribute), node.child(&["simpleType"])) {
            (Some(value), None) => self.simple_named(node, attribute, value),
            (None, Some(inner)) => self.simple_type(inner),
            (named, _) => {
                let what = if named.is_some() { "not both" } else { "one of them is missing" };
                self.fault(
                    node,
                    attribute,
                    format!("`xs:{}` has `{attribute}` or an `xs:simpleType`: {what}", node.local),
                );
                None
            }
        }
    }

    fn union(&mut self, node: &'d Node<'d>) -> Option<SimpleType> {
        let mut members = Vec::new();
        for name in node.value("memberTypes").unwrap_or_default().split_ascii_whitespace() {
            members.push(self.simple_named(node, "memberTypes", name));
        }
        for inner in &node.children {
            members.push(self.simple_type(inner));
        }
        let members = members.into_iter().collect::<Option<Vec<_>>>()?;
        self.made(node, SimpleType::union(members))
    }

    fn made(&mut self, node: &Node<'_>, made: Result<SimpleType, String>) -> Option<SimpleType> {
        made.map_err(|message| self.faults.add(node.document, node.at, message)).ok()
    }
}
