//! Reads attributes of types: declared in them, referred to, of groups, and inherited.

use std::rc::Rc;
use std::sync::Arc;

use super::reference::Kind;
use super::{Once, Reading};
use crate::xsd::component::{Attribute, Attributes, Use, Wildcard};
use crate::xsd::names::{Name, Space, XSI};
use crate::xsd::tree::Node;

/// The attributes that stand at one place, those of groups among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Flat {
    uses: Vec<Use>,
    /// Names that the base may have and this type does not.
    prohibited: Vec<Name>,
    wildcard: Option<Wildcard>,
}

impl<'d> Reading<'d, '_> {
    /// The attributes of a type. `base`: of the type that it extends or restricts.
    pub(super) fn attributes(&mut self, node: &'d Node<'d>, base: Option<&Attributes>) -> Option<Arc<Attributes>> {
        let Flat { mut uses, prohibited, mut wildcard } = self.flat(node)?;
        self.refuse_twice(node, &mut uses);
        let ids = uses.iter().filter(|used| used.attribute.ty.is_id()).count();
        if ids > 1 {
            self.faults.add(node.document, node.at, "a type can have one attribute of the type `ID`");
        }
        if let Some(base) = base {
            let is_extension = node.local == "extension";
            if is_extension {
                let twice = uses.iter().find(|used| base.position(used.attribute.name).is_some());
                if let Some(name) = twice.map(|used| used.attribute.name) {
                    let message = format!("the base has the attribute `{}`, too", self.names.text(name).1);
                    self.faults.add(node.document, node.at, message);
                }
                wildcard = match (wildcard, &base.wildcard) {
                    (Some(Wildcard { allowed, process }), Some(other)) => {
                        Some(Wildcard { allowed: allowed.union(&other.allowed), process })
                    }
                    (own, other) => own.or_else(|| other.clone()),
                };
            }
            let own = uses.len();
            for used in &base.uses {
                let name = used.attribute.name;
                let is_own =
                    uses.get(..own).unwrap_or_default().binary_search_by_key(&name, |own| own.attribute.name).is_ok();
                if !is_own && (is_extension || !prohibited.contains(&name)) {
                    uses.push(used.clone());
                }
            }
            uses.sort_by_key(|used| used.attribute.name);
        }
        let Some(left) = self.attributes_left.checked_sub(uses.len()) else {
            let message = format!("the types of the schema have more than {} attributes in all", super::MAX_ATTRIBUTES);
            self.faults.add(node.document, node.at, message);
            return None;
        };
        self.attributes_left = left;
        Some(Arc::new(Attributes { uses, wildcard }))
    }

    /// An attribute that was declared by name.
    pub(super) fn global_attribute(&mut self, name: Name, node: &'d Node<'d>) -> Option<Arc<Attribute>> {
        if let Some(known) = self.global_attributes.get(&name) {
            return Some(Arc::clone(known));
        }
        let attribute = Arc::new(self.attribute(name, node)?);
        self.global_attributes.insert(name, Arc::clone(&attribute));
        Some(attribute)
    }

    /// A group that was declared by name.
    pub(super) fn attribute_group(&mut self, name: Name, node: &'d Node<'d>) -> Option<Rc<Flat>> {
        match self.attribute_groups.get(&name) {
            Some(Once::Read(known)) => return known.clone(),
            Some(Once::Open) => return None,
            None => {}
        }
        self.attribute_groups.insert(name, Once::Open);
        let read = self.deeper(node, |reading| {
            let mut flat = reading.flat(node)?;
            reading.refuse_twice(node, &mut flat.uses);
            Some(Rc::new(flat))
        });
        let read = read.flatten();
        self.attribute_groups.insert(name, Once::Read(read.clone()));
        read
    }

    /// What is said of attributes among the children of a type, a derivation or a group.
    fn flat(&mut self, node: &'d Node<'d>) -> Option<Flat> {
        let mut flat = Flat::default();
        let mut inherited: Option<Wildcard> = None;
        for child in &node.children {
            match child.local {
                "attribute" => self.used(child, &mut flat),
                "attributeGroup" => {
                    let Some((name, declared)) = self.declared(child, "ref", Kind::AttributeGroup) else {
                        if child.attribute("ref").is_none() {
                            self.fault(child, "ref", "`xs:attributeGroup` needs a `ref`");
                        }
                        continue;
                    };
                    if matches!(self.attribute_groups.get(&name), Some(Once::Open)) {
                        self.fault(child, "ref", "the attribute group refers to itself");
                        continue;
                    }
                    let Some(group) = self.attribute_group(name, declared) else { continue };
                    if group.uses.len() > self.attributes_left {
                        self.fault(
                            child,
                            "ref",
                            format!(
                                "the types of the schema have more than {} attributes in all",
                                super::MAX_ATTRIBUTES
                            ),
                        );
                        return None;
                    }
                    self.attributes_left -= group.uses.len();
                    flat.uses.extend(group.uses.iter().cloned());
                    flat.prohibited.extend(&group.prohibited);
                    if let Some(wildcard) = &group.wildcard {
                        inherited = Some(match inherited {
                            Some(Wildcard { allowed, process }) => {
                                Wildcard { allowed: allowed.intersection(&wildcard.allowed), process }
                            }
                            None => wildcard.clone(),
                        });
                    }
                }
                "anyAttribute" => flat.wildcard = Some(self.wildcard(child)),
                _ => {}
            }
        }
        flat.wildcard = match (flat.wildcard, inherited) {
            (Some(Wildcard { allowed, process }), Some(other)) => {
                Some(Wildcard { allowed: allowed.intersection(&other.allowed), process })
            }
            (own, inherited) => own.or(inherited),
        };
        Some(flat)
    }

    /// Reads the use of an attribute.
    fn used(&mut self, node: &'d Node<'d>, flat: &mut Flat) {
        let attribute = if node.attribute("ref").is_some() {
            self.refuse_beside_ref(node, &["ref", "use", "default", "fixed", "id"]);
            let Some((name, declared)) = self.declared(node, "ref", Kind::Attribute) else { return };
            self.global_attribute(name, declared)
        } else {
            let Some(local) = self.local_name(node) else { return };
            let Some(document) = self.documents.get(node.document) else { return };
            let space =
                if self.is_qualified(node, document.qualifies_attributes) { document.target } else { Space::NONE };
            let name = self.names.name(space, local);
            self.attribute(name, node).map(Arc::new)
        };
        let Some(attribute) = attribute else { return };
        let mut is_required = false;
        match node.value("use") {
            None | Some("optional") => {}
            Some("required") => is_required = true,
            Some("prohibited") => return flat.prohibited.push(attribute.name),
            Some(other) => {
                self.fault(node, "use", format!("`use` is `optional`, `required` or `prohibited`, not `{other}`"));
            }
        }
        if is_required && node.attribute("default").is_some() {
            self.fault(node, "default", "an attribute with a `default` is not required");
        }
        let own = if node.attribute("ref").is_some() { self.constraint(node, Some(&attribute.ty)) } else { None };
        if let (Some(own), Some(other)) = (&own, &attribute.constraint)
            && other.is_fixed
            && !(own.is_fixed && own.value == other.value)
        {
            self.fault(node, "fixed", "the declaration of the attribute has another `fixed` value");
        }
        let constraint = own.or_else(|| attribute.constraint.clone());
        flat.uses.push(Use { attribute, is_required, constraint });
    }

    /// Reads the declaration of an attribute.
    fn attribute(&mut self, name: Name, node: &'d Node<'d>) -> Option<Attribute> {
        let (space, local) = self.names.text(name);
        if local == "xmlns" || space == XSI {
            self.fault(node, "name", "an attribute can't be called `xmlns`, nor be in the namespace of `xsi:type`");
            return None;
        }
        if node.attribute("default").is_some() && node.attribute("fixed").is_some() {
            self.fault(node, "default", "an attribute has `default` or `fixed`: not both");
        }
        let ty = self.attribute_type(node)?;
        let constraint = self.constraint(node, Some(&ty));
        Some(Attribute { name, ty, constraint })
    }

    /// Sorts attributes, and refuses two of one name.
    fn refuse_twice(&mut self, node: &Node<'_>, uses: &mut Vec<Use>) {
        uses.sort_by_key(|used| used.attribute.name);
        let twice = uses.windows(2).find_map(|pair| match pair {
            [one, two] if one.attribute.name == two.attribute.name => Some(one.attribute.name),
            _ => None,
        });
        if let Some(name) = twice {
            let message = format!("the attribute `{}` comes twice", self.names.text(name).1);
            self.faults.add(node.document, node.at, message);
        }
        uses.dedup_by_key(|used| used.attribute.name);
    }
}
