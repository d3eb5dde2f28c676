//! Reads element declarations.

use super::Reading;
use super::reference::Kind;
use crate::xsd::ElementId;
use crate::xsd::component::{Constraint, Content, Element, Type, TypeId};
use crate::xsd::names::{Name, Space};
use crate::xsd::simple::SimpleType;
use crate::xsd::tree::Node;

impl<'d> Reading<'d, '_> {
    /// An element of a name, of which nothing else is known yet.
    pub(super) fn placeholder(&mut self, name: Name) -> ElementId {
        let element = Element { name, ty: TypeId::ANY, is_nillable: false, is_abstract: false, constraint: None };
        self.elements.push(element);
        ElementId(self.elements.len() - 1)
    }

    /// Reads what a declaration says of an element.
    pub(super) fn element(&mut self, id: ElementId, node: &'d Node<'d>) {
        let is_nillable = self.is(node, "nillable").unwrap_or_default();
        let is_abstract = self.is(node, "abstract").unwrap_or_default();
        let ty = match (node.value("type"), node.children.first()) {
            (Some(named), None) => self.type_named(node, "type", named),
            (None, Some(inner)) => Some(self.anonymous(inner)),
            (None, None) => Some(TypeId::ANY),
            (Some(_), Some(_)) => {
                self.fault(node, "type", "an element has `type` or a type inside: not both");
                None
            }
        };
        if node.attribute("default").is_some() && node.attribute("fixed").is_some() {
            self.fault(node, "default", "an element has `default` or `fixed`: not both");
        } else if node.attribute("default").or(node.attribute("fixed")).is_some() {
            self.constrained.push((id, node));
        }
        if let (Some(element), Some(ty)) = (self.elements.get_mut(id.0), ty) {
            (element.ty, element.is_nillable, element.is_abstract) = (ty, is_nillable, is_abstract);
        }
    }

    /// The element of a content model: declared here, or referred to.
    pub(super) fn local_element(&mut self, node: &'d Node<'d>) -> Option<ElementId> {
        if node.attribute("ref").is_some() {
            self.refuse_beside_ref(node, &["ref", "minOccurs", "maxOccurs", "id"]);
            let (name, _) = self.declared(node, "ref", Kind::Element)?;
            return self.global_elements.get(&name).copied();
        }
        let local = self.local_name(node)?;
        let document = self.documents.get(node.document)?;
        let space = if self.is_qualified(node, document.qualifies_elements) { document.target } else { Space::NONE };
        let name = self.names.name(space, local);
        let id = self.placeholder(name);
        self.element(id, node);
        Some(id)
    }

    /// Whether a local declaration is in the namespace of its document.
    pub(super) fn is_qualified(&mut self, node: &Node<'_>, default: bool) -> bool {
        match node.value("form") {
            None => default,
            Some("qualified") => true,
            Some("unqualified") => false,
            Some(other) => {
                self.fault(node, "form", format!("`form` is `qualified` or `unqualified`, not `{other}`"));
                default
            }
        }
    }

    /// Refuses what would declare something anew where something is referred to.
    pub(super) fn refuse_beside_ref(&mut self, node: &Node<'_>, allowed: &[&str]) {
        for attribute in &node.attributes {
            if !allowed.contains(&attribute.local) {
                let message = format!("`{}` can't stand beside `ref`: it belongs to the declaration", attribute.local);
                self.faults.add(node.document, attribute.at, message);
            }
        }
        if let Some(child) = node.children.first() {
            let message =
                format!("`xs:{}` can't stand in what has a `ref`: it belongs to the declaration", child.local);
            self.faults.add(child.document, child.at, message);
        }
    }

    /// Reads the `default` or `fixed` of an element, now that the types are known.
    pub(super) fn constrain(&mut self, id: ElementId, node: &Node<'_>, types: &[Type]) {
        let ty = self.elements.get(id.0).and_then(|element| types.get(element.ty.0));
        let simple = match ty {
            Some(Type::Simple(ty)) => Some(ty),
            Some(Type::Complex(complex)) => match &complex.content {
                Content::Simple(ty) => Some(ty),
                Content::Children { model, is_mixed: true } if model.is_complete(&model.start()) => None,
                _ => {
                    let attribute = if node.attribute("fixed").is_some() { "fixed" } else { "default" };
                    let message =
                        format!("`{attribute}` needs a type of text, or a mixed one of which no child is required");
                    return self.fault(node, attribute, message);
                }
            },
            None => return,
        };
        let constraint = self.constraint(node, simple);
        if let Some(element) = self.elements.get_mut(id.0) {
            element.constraint = constraint;
        }
    }

    /// The `default` or `fixed` of a declaration. No type: of mixed content, which is compared as it is written.
    pub(super) fn constraint(&mut self, node: &Node<'_>, ty: Option<&SimpleType>) -> Option<Constraint> {
        let is_fixed = node.attribute("fixed").is_some();
        let attribute = if is_fixed { "fixed" } else { "default" };
        let text = &node.attribute(attribute)?.value;
        let text: Box<str> = text.as_ref().into();
        let Some(ty) = ty else { return Some(Constraint { is_fixed, text, value: None }) };
        let names = &self.names;
        let checked = ty.check(&text, &|prefix| node.space(prefix).map(|space| names.space_text(space)));
        let fault = match checked {
            Ok(_) if ty.is_id() => format!("`{attribute}` can't stand with the type `ID`"),
            Ok(value) => {
                let value = Some(value.into_owned());
                return Some(Constraint { is_fixed, text, value });
            }
            Err(fault) => format!("`{attribute}` is no value of the type: {} ({})", fault.message, fault.rule),
        };
        self.fault(node, attribute, fault);
        None
    }
}
