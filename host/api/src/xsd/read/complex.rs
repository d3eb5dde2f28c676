//! Reads complex types: what they are derived from, their content and their attributes.

use std::rc::Rc;
use std::sync::Arc;

use super::{MAX_DEPTH, Reading};
use crate::xsd::component::{Attributes, TypeId};
use crate::xsd::content::{Group, Order, Particle, Term};
use crate::xsd::simple::SimpleType;
use crate::xsd::tree::Node;

/// A type that is being read.
#[derive(Debug)]
pub(super) enum Draft<'d> {
    /// Nobody has asked for it yet.
    Waiting(&'d Node<'d>),
    /// Being read: who asks for it now is derived from itself.
    Open,
    /// It has faults.
    Broken,
    Simple(SimpleType),
    Complex(DraftComplex),
}

/// A complex type before its content model is compiled.
#[derive(Debug, Clone)]
pub(super) struct DraftComplex {
    pub(super) base: TypeId,
    pub(super) is_abstract: bool,
    pub(super) is_mixed: bool,
    pub(super) content: DraftContent,
    pub(super) attributes: Arc<Attributes>,
    /// How many types it is derived from in a row.
    pub(super) depth: usize,
    /// Document and offset, for what can only be told of the compiled model.
    pub(super) place: (usize, usize),
}

#[derive(Debug, Clone)]
pub(super) enum DraftContent {
    Simple(SimpleType),
    /// None: nothing can stand in it, but text where it is mixed.
    Particle(Option<Particle>),
}

/// What a derivation makes of the base's content.
type Derived = (DraftContent, bool);

impl<'d> Reading<'d, '_> {
    /// Reads a type if that has not been done. `from` is where it is asked for; none without a fault in it.
    pub(super) fn define(&mut self, id: TypeId, from: Option<(&Node<'_>, &str)>) -> Option<()> {
        let draft = self.types.get_mut(id.0)?;
        let node = match draft {
            Draft::Waiting(node) => *node,
            Draft::Open => {
                if let Some((node, attribute)) = from {
                    self.fault(node, attribute, "the type is derived from itself");
                }
                return None;
            }
            Draft::Broken => return None,
            Draft::Simple(_) | Draft::Complex(_) => return Some(()),
        };
        *draft = Draft::Open;
        let read = self.deeper(node, |reading| match node.local {
            "simpleType" => reading.simple_type(node).map(Draft::Simple),
            _ => reading.complex_type(node).map(Draft::Complex),
        });
        let read = read.flatten();
        let is_read = read.is_some();
        if let Some(draft) = self.types.get_mut(id.0) {
            *draft = read.unwrap_or(Draft::Broken);
        }
        is_read.then_some(())
    }

    /// A type without a name, which will be read.
    pub(super) fn anonymous(&mut self, node: &'d Node<'d>) -> TypeId {
        self.types.push(Draft::Waiting(node));
        TypeId(self.types.len() - 1)
    }

    fn complex_type(&mut self, node: &'d Node<'d>) -> Option<DraftComplex> {
        let is_abstract = self.is(node, "abstract").unwrap_or_default();
        let is_mixed = self.is(node, "mixed").unwrap_or_default();
        let place = (node.document, node.at);
        let Some(wrapper) = node.child(&["simpleContent", "complexContent"]) else {
            let content = DraftContent::Particle(self.model(node));
            let attributes = self.attributes(node, None)?;
            return Some(DraftComplex {
                base: TypeId::ANY,
                is_abstract,
                is_mixed,
                content,
                attributes,
                depth: 1,
                place,
            });
        };
        if let [_, second, ..] = &*node.children {
            let message = format!("`xs:{}` goes into the `xs:{}` beside it", second.local, wrapper.local);
            self.faults.add(second.document, second.at, message);
        }
        let derivation = wrapper.children.first()?;
        let Some(value) = derivation.value("base") else {
            self.fault(derivation, "base", format!("`xs:{}` needs a `base`", derivation.local));
            return None;
        };
        let id = self.type_named(derivation, "base", value)?;
        self.define(id, Some((derivation, "base")))?;
        let base = match self.types.get(id.0)? {
            Draft::Complex(base) => Ok(base.clone()),
            Draft::Simple(base) => Err(base.clone()),
            _ => return None,
        };
        let (content, is_mixed) = if wrapper.local == "simpleContent" {
            (DraftContent::Simple(self.simple_content(derivation, base.as_ref())?), false)
        } else {
            let is_mixed = self.is(wrapper, "mixed").unwrap_or(is_mixed);
            let Ok(base) = &base else {
                self.fault(
                    derivation,
                    "base",
                    format!("`{value}` is a simple type: it is extended in an `xs:simpleContent`"),
                );
                return None;
            };
            self.complex_content(derivation, base, is_mixed)?
        };
        let base = base.ok();
        let attributes = self.attributes(derivation, base.as_ref().map(|base| &*base.attributes))?;
        let depth = base.map_or(0, |base| base.depth) + 1;
        if depth > MAX_DEPTH {
            self.too_deep(node);
            return None;
        }
        Some(DraftComplex { base: id, is_abstract, is_mixed, content, attributes, depth, place })
    }

    /// The simple type of a simple content.
    fn simple_content(&mut self, node: &'d Node<'d>, base: Result<&DraftComplex, &SimpleType>) -> Option<SimpleType> {
        let is_extension = node.local == "extension";
        let own = match node.child(&["simpleType"]) {
            Some(inner) => Some(self.simple_type(inner)?),
            None => None,
        };
        let narrowed = match (base, own) {
            (Err(simple), _) if is_extension => return Some(simple.clone()),
            (Err(_), _) => {
                self.fault(
                    node,
                    "base",
                    "a simple type is restricted in an `xs:simpleType`, and extended in an `xs:simpleContent`",
                );
                return None;
            }
            (Ok(DraftComplex { content: DraftContent::Simple(simple), .. }), _) if is_extension => {
                return Some(simple.clone());
            }
            (Ok(DraftComplex { content: DraftContent::Simple(simple), .. }), Some(own)) => {
                if !own.is_derived_from(simple) {
                    self.fault(node, "base", "the `xs:simpleType` inside is not derived from the base's content");
                    return None;
                }
                own
            }
            (Ok(DraftComplex { content: DraftContent::Simple(simple), .. }), None) => simple.clone(),
            (Ok(DraftComplex { is_mixed: true, content: DraftContent::Particle(particle), .. }), Some(own))
                if !is_extension && particle.as_ref().is_none_or(Particle::is_optional) =>
            {
                own
            }
            _ => {
                self.fault(node, "base", "the base of an `xs:simpleContent` has simple content itself");
                return None;
            }
        };
        self.restricted(&narrowed, node)
    }

    /// Content and mixedness of a complex content.
    fn complex_content(&mut self, node: &'d Node<'d>, base: &DraftComplex, is_mixed: bool) -> Option<Derived> {
        let DraftContent::Particle(inherited) = &base.content else {
            self.fault(node, "base", "the base has simple content: it is derived from in an `xs:simpleContent`");
            return None;
        };
        let own = self.model(node);
        if node.local == "restriction" {
            return Some((DraftContent::Particle(own), is_mixed));
        }
        let is_empty = inherited.is_none() && !base.is_mixed;
        let (content, is_mixed) = match (inherited, own) {
            (inherited, None) if !is_mixed => return Some((DraftContent::Particle(inherited.clone()), base.is_mixed)),
            (_, own) if is_empty => return Some((DraftContent::Particle(own), is_mixed)),
            (inherited, own) => {
                if base.is_mixed != is_mixed {
                    self.fault(node, "base", "one of the type and its base is mixed: both are, or none");
                    return None;
                }
                let parts: Vec<_> = inherited.iter().cloned().chain(own).collect();
                if parts.len() > 1 && parts.iter().any(Particle::is_all) {
                    self.fault(
                        node,
                        "base",
                        "an `xs:all` is all of the content: it can't be extended, nor extend what is not empty",
                    );
                    return None;
                }
                (self.group_of(node, Order::Sequence, parts)?, is_mixed)
            }
        };
        Some((DraftContent::Particle(Some(content)), is_mixed))
    }

    /// A group that comes once; one of a single particle is that.
    fn group_of(&mut self, node: &Node<'_>, order: Order, mut parts: Vec<Particle>) -> Option<Particle> {
        if parts.len() == 1 {
            return parts.pop();
        }
        let group = Group::new(order, parts);
        if group.height() > MAX_DEPTH {
            self.too_deep(node);
            return None;
        }
        Some(Particle::once(Rc::new(Term::Group(group))))
    }
}
