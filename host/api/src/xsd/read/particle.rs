//! Reads content models: groups, elements and wildcards, and how often they may come.

use std::rc::Rc;

use super::reference::Kind;
use super::{MAX_DEPTH, Once, Reading};
use crate::xsd::component::{Allowed, Process, Wildcard};
use crate::xsd::content::{Group, Order, Particle, Term};
use crate::xsd::names::{Name, Space};
use crate::xsd::tree::Node;

impl<'d> Reading<'d, '_> {
    /// The content model among the children of a type or derivation; none where nothing can come.
    pub(super) fn model(&mut self, node: &'d Node<'d>) -> Option<Particle> {
        let child = node.child(&["group", "all", "choice", "sequence"])?;
        let particle = self.particle(child)?;
        if particle.is_all() && particle.max != Some(1) {
            self.fault(child, "maxOccurs", "an `xs:all` comes once at most");
        }
        // Said of what is written: a sequence of nothing that can come is not empty, and has room for white space.
        let is_void = child.children.is_empty()
            && match child.local {
                "sequence" | "all" => true,
                "choice" => particle.min == 0,
                _ => false,
            };
        (!is_void).then_some(particle)
    }

    /// A particle; none where it can't come, or has a fault.
    fn particle(&mut self, node: &'d Node<'d>) -> Option<Particle> {
        let (min, max) = self.occurs(node)?;
        let term = match node.local {
            "element" => Rc::new(Term::Element(self.local_element(node)?)),
            "any" => Rc::new(Term::Any(self.wildcard(node))),
            "group" => {
                let Some((name, declared)) = self.declared(node, "ref", Kind::Group) else {
                    if node.attribute("ref").is_none() {
                        self.fault(node, "ref", "`xs:group` needs a `ref`");
                    }
                    return None;
                };
                self.deeper(node, |reading| match reading.groups.get(&name) {
                    Some(Once::Open) => {
                        reading.fault(node, "ref", "the group refers to itself");
                        None
                    }
                    _ => reading.named_group(name, declared),
                })??
            }
            _ => self.deeper(node, |reading| reading.group(node))??,
        };
        // Nothing is gone by what can't come at all, but its faults had to be told.
        (max != Some(0)).then_some(Particle { min, max, term })
    }

    /// A group that was declared by name.
    pub(super) fn named_group(&mut self, name: Name, node: &'d Node<'d>) -> Option<Rc<Term>> {
        match self.groups.get(&name) {
            Some(Once::Read(known)) => return known.clone(),
            Some(Once::Open) => return None,
            None => {}
        }
        self.groups.insert(name, Once::Open);
        let read = node.children.first().and_then(|child| self.deeper(child, |reading| reading.group(child))?);
        self.groups.insert(name, Once::Read(read.clone()));
        read
    }

    /// What an `xs:sequence`, `xs:choice` or `xs:all` holds.
    fn group(&mut self, node: &'d Node<'d>) -> Option<Rc<Term>> {
        let order = match node.local {
            "sequence" => Order::Sequence,
            "choice" => Order::Choice,
            "all" => Order::All,
            _ => return None,
        };
        let mut items = Vec::with_capacity(node.children.len());
        for child in &node.children {
            let Some(item) = self.particle(child) else { continue };
            if item.is_all() {
                self.faults.add(
                    child.document,
                    child.at,
                    "an `xs:all` is all of the content of a type: it can't stand in a group",
                );
            }
            if order == Order::All && item.max != Some(1) {
                self.fault(child, "maxOccurs", "in an `xs:all`, an element comes once at most");
            }
            items.push(item);
        }
        let group = Group::new(order, items);
        if group.height() > MAX_DEPTH {
            self.too_deep(node);
            return None;
        }
        Some(Rc::new(Term::Group(group)))
    }

    /// How often a particle may come.
    fn occurs(&mut self, node: &Node<'_>) -> Option<(u32, Option<u32>)> {
        let mut number = |attribute: &str| match node.value(attribute) {
            None => Some(Some(1)),
            Some("unbounded") if attribute == "maxOccurs" => Some(None),
            Some(text) if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) => {
                // What is more than can be counted can't be reached either.
                Some(Some(text.parse().unwrap_or(u32::MAX)))
            }
            Some(text) => {
                let unbounded = if attribute == "maxOccurs" { ", or `unbounded`" } else { "" };
                self.fault(node, attribute, format!("`{attribute}` is a number from 0{unbounded}, not `{text}`"));
                None
            }
        };
        let (min, max) = (number("minOccurs")??, number("maxOccurs")?);
        if max.is_some_and(|max| max < min) {
            self.fault(node, "minOccurs", "`minOccurs` is more than `maxOccurs`");
            return None;
        }
        Some((min, max))
    }

    /// An `xs:any` or `xs:anyAttribute`.
    pub(super) fn wildcard(&mut self, node: &Node<'_>) -> Wildcard {
        let target = self.documents.get(node.document).map_or(Space::NONE, |document| document.target);
        let process = match node.value("processContents") {
            None | Some("strict") => Process::Strict,
            Some("lax") => Process::Lax,
            Some("skip") => Process::Skip,
            Some(other) => {
                self.fault(
                    node,
                    "processContents",
                    format!("`processContents` is `strict`, `lax` or `skip`, not `{other}`"),
                );
                Process::Skip
            }
        };
        let allowed = match node.value("namespace") {
            None | Some("##any") => Allowed::Any,
            Some("##other") => Allowed::Not(target),
            Some(list) => {
                let mut spaces = Vec::new();
                for item in list.split_ascii_whitespace() {
                    let space = match item {
                        "##targetNamespace" => target,
                        "##local" => Space::NONE,
                        _ if item.starts_with("##") => {
                            let message = format!(
                                "`{item}` stands for no namespace in a list: `##targetNamespace` and `##local` do"
                            );
                            self.fault(node, "namespace", message);
                            continue;
                        }
                        _ => self.names.space(item),
                    };
                    spaces.push(space);
                }
                Allowed::Only(spaces)
            }
        };
        Wildcard { allowed, process }
    }
}
