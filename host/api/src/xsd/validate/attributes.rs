//! The attributes of an element that has just begun.

use smallvec::SmallVec;

use super::{Run, Stop, broken};
use crate::xml;
use crate::xsd::component::{Attributes, Constraint, Process, Type};
use crate::xsd::names::XSI;
use crate::xsd::simple::{Fault, SimpleType, Value};

impl Run<'_, '_> {
    /// Looks at the attributes by the type of the element, whose offset is `element`.
    pub(super) fn attributes(&mut self, ty: &Type, element: usize) -> Result<(), Stop> {
        let Type::Complex(complex) = ty else {
            let own = self.reader.attributes().find(|attribute| !is_instance(attribute));
            return match own {
                Some(a) => broken(
                    a.at,
                    "cvc-type.3.1.1",
                    format!("`{}` is no attribute of this element, which has none", a.local),
                ),
                None => Ok(()),
            };
        };
        let mut seen: SmallVec<[usize; 8]> = SmallVec::new();
        let mut ids: SmallVec<[(Value<'static>, usize); 1]> = SmallVec::new();
        let checked = self.present(&complex.attributes, &mut seen, &mut ids);
        // One that is missing is missing at the element, which comes before its attributes.
        seen.sort_unstable();
        self.missing(&complex.attributes, &seen, element)?;
        checked?;
        ids.iter().try_for_each(|(id, at)| self.note_ids(id, *at))
    }

    /// Looks at the attributes that are there.
    fn present(
        &self,
        declared: &Attributes,
        seen: &mut SmallVec<[usize; 8]>,
        ids: &mut SmallVec<[(Value<'static>, usize); 1]>,
    ) -> Result<(), Stop> {
        let names = &self.schema.names;
        let mut first = Ok(());
        for attribute in self.reader.attributes().filter(|attribute| !is_instance(attribute)) {
            let space = names.find_space(attribute.namespace);
            let name = space.and_then(|space| names.find(space, attribute.local));
            let place = name.and_then(|name| declared.position(name));
            seen.extend(place);
            if first.is_err() {
                continue;
            }
            let used = place.and_then(|place| declared.uses.get(place));
            let checked = match (used, &declared.wildcard) {
                (Some(used), _) => self.attribute(&attribute, &used.attribute.ty, used.constraint.as_ref()),
                (None, Some(wildcard)) if wildcard.allows(space) => {
                    let global = name.and_then(|name| self.schema.global_attributes.get(&name));
                    match (wildcard.process, global) {
                        (Process::Skip, _) | (Process::Lax, None) => Ok(None),
                        (_, Some(global)) => self.attribute(&attribute, &global.ty, global.constraint.as_ref()),
                        (Process::Strict, None) => {
                            let message = format!(
                                "there is no declaration of the attribute `{}`, which is required here",
                                attribute.local
                            );
                            broken(attribute.at, "cvc-wildcard", message)
                        }
                    }
                }
                (None, wildcard) => {
                    let rule = if wildcard.is_some() { "cvc-complex-type.3.2.2" } else { "cvc-complex-type.3.2.1" };
                    broken(attribute.at, rule, format!("`{}` is no attribute of this element", attribute.local))
                }
            };
            match checked {
                Ok(id) => ids.extend(id.map(|id| (id, attribute.value_at))),
                Err(stop) => first = Err(stop),
            }
        }
        first
    }

    /// Looks at the value of an attribute, and gives it back where it is an `xs:ID`.
    fn attribute(
        &self,
        attribute: &xml::Attribute<'_, '_>,
        ty: &SimpleType,
        constraint: Option<&Constraint>,
    ) -> Result<Option<Value<'static>>, Stop> {
        let checked = ty.check(&attribute.value, &|prefix| self.reader.namespace(prefix));
        let value = match checked {
            Ok(value) => value,
            Err(Fault { rule, message }) => {
                return broken(attribute.value_at, rule, format!("attribute `{}`: {message}", attribute.local));
            }
        };
        if let Some(constraint) = constraint.filter(|constraint| constraint.is_fixed)
            && constraint.value.as_ref().is_some_and(|fixed| *fixed != value)
        {
            let message = format!("the value of the attribute `{}` is always `{}`", attribute.local, constraint.text);
            return broken(attribute.value_at, "cvc-au", message);
        }
        let has_ids = value.ids().next().is_some();
        Ok(has_ids.then(|| value.into_owned()))
    }

    fn missing(&self, declared: &Attributes, seen: &[usize], element: usize) -> Result<(), Stop> {
        let mut required = declared.uses.iter().enumerate().filter(|(_, used)| used.is_required);
        match required.find(|(index, _)| seen.binary_search(index).is_err()) {
            Some((_, used)) => {
                let (_, local) = self.schema.names.text(used.attribute.name);
                broken(element, "cvc-complex-type.4", format!("the attribute `{local}` is missing"))
            }
            None => Ok(()),
        }
    }
}

/// Whether an attribute is one of those that every element may have.
fn is_instance(attribute: &xml::Attribute<'_, '_>) -> bool {
    attribute.namespace == XSI
        && matches!(attribute.local, "type" | "nil" | "schemaLocation" | "noNamespaceSchemaLocation")
}
