//! An element begins: whether it may stand here, as what it is declared, and which type it follows.

use super::frame::{Frame, Inside, Text};
use super::{Run, Stop, broken, expected};
use crate::xsd::ElementId;
use crate::xsd::component::{Content, Declared, Process, Type, TypeId};
use crate::xsd::names::{XSI, told};

/// What an element is told about itself.
#[derive(Debug, Default)]
struct Instance {
    /// Offset and value of `xsi:type`.
    ty: Option<(usize, String)>,
    /// Offset and value of `xsi:nil`.
    nil: Option<(usize, String)>,
}

impl<'a> Run<'_, 'a> {
    /// Begins a message, which has to be of this declaration.
    pub(super) fn root(&mut self, element: ElementId, at: usize) -> Result<(), Stop> {
        let found = self.reader.element();
        let expected = self.schema.name(element);
        if found != expected {
            let (found, expected) = (expected::name(found, expected), expected::name(expected, found));
            return broken(at, "cvc-elt.1", format!("{expected} is expected here, not {found}"));
        }
        self.begin(Some(element), at)
    }

    /// Begins a child of the innermost element.
    pub(super) fn child(&mut self, at: usize) -> Result<(), Stop> {
        let (schema, (namespace, local)) = (self.schema, self.reader.element());
        let Some(parent) = self.frames.last_mut() else { return Ok(()) };
        let outer = parent.local;
        let (model, position) = match &mut parent.inside {
            Inside::Anything => {
                self.frames.push(self.unseen(local, at));
                return Ok(());
            }
            Inside::Nothing { is_nil: true } => {
                return broken(
                    at,
                    "cvc-elt.3.2.1",
                    format!("`{local}` can't stand in `{outer}`: `xsi:nil` says that it is empty"),
                );
            }
            Inside::Nothing { is_nil: false } => {
                return broken(at, "cvc-complex-type.2.1", format!("`{local}` can't stand in `{outer}`: it is empty"));
            }
            Inside::Text { .. } => {
                let is_simple = matches!(schema.types.get(parent.ty.0), Some(Type::Simple(_)));
                let rule = if is_simple { "cvc-type.3.1.2" } else { "cvc-complex-type.2.2" };
                return broken(at, rule, format!("`{local}` can't stand in `{outer}`: only text can"));
            }
            Inside::Children { text: Some(_), .. } => {
                return broken(
                    at,
                    "cvc-elt.5.2.2.1",
                    format!("`{local}` can't stand in `{outer}`: its text is always the same"),
                );
            }
            Inside::Children { model, position, .. } => (*model, position),
        };
        let space = schema.names.find_space(namespace);
        let name = space.and_then(|space| schema.names.find(space, local));
        let Some(declared) = model.step(position, name, space) else {
            let may = model.expected(position);
            let is_closed = may.elements.is_empty() && may.wildcards.is_empty();
            let rule = if is_closed { "cvc-complex-type.2.4.d" } else { "cvc-complex-type.2.4.a" };
            let expected = expected::told(schema, &may, Some(namespace), outer);
            let found = expected::found(schema, &may, (namespace, local));
            self.frames.push(self.unseen(local, at));
            return broken(at, rule, format!("{found} is not expected here: expected {expected}"));
        };
        let process = match declared {
            Declared::Element(id) => return self.begin(Some(id), at),
            Declared::Wildcard(process) => process,
        };
        let global = name.and_then(|name| schema.global_elements.get(&name)).copied();
        match (process, global) {
            (Process::Skip, _) => {
                self.frames.push(self.unseen(local, at));
                Ok(())
            }
            (Process::Strict, None) => {
                let of = told(namespace);
                let message =
                    format!("there is no declaration of an element `{local}` of {of}, which is required here");
                self.frames.push(self.unseen(local, at));
                broken(at, "cvc-complex-type.2.4.c", message)
            }
            (_, global) => self.begin(global, at),
        }
    }

    /// Begins an element of a declaration, or one without, which may be of any type.
    fn begin(&mut self, element: Option<ElementId>, at: usize) -> Result<(), Stop> {
        let (schema, local) = (self.schema, self.reader.element().1);
        // For the path in messages; what it is in the end follows.
        self.frames.push(self.unseen(local, at));
        let declaration = element.and_then(|id| schema.elements.get(id.0));
        let ty = declaration.map_or(TypeId::ANY, |declaration| declaration.ty);
        if declaration.is_some_and(|declaration| declaration.is_abstract) {
            return broken(at, "cvc-elt.2", format!("`{local}` is abstract: it can't stand in a message"));
        }
        let Instance { ty: own, nil } = self.instance();
        let is_nil = match (nil, declaration) {
            // Without a declaration there is nothing that it could say.
            (None, _) | (_, None) => false,
            (Some((at, _)), Some(declaration)) if !declaration.is_nillable => {
                return broken(at, "cvc-elt.3.1", format!("`xsi:nil` can't stand at `{local}`, which is not nillable"));
            }
            (Some((at, value)), Some(_)) => match value.trim_ascii() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => {
                    let message = format!("`xsi:nil` is `true` or `false`, not `{value}`");
                    return broken(at, "cvc-datatype-valid.1.2.1", message);
                }
            },
        };
        let ty = match own {
            Some((at, value)) => self.own_type(ty, value.trim_ascii(), at)?,
            None => ty,
        };
        let constraint = declaration.and_then(|declaration| declaration.constraint.as_ref());
        let is_fixed = constraint.is_some_and(|constraint| constraint.is_fixed);
        if is_nil && is_fixed {
            return broken(at, "cvc-elt.3.2.2", format!("`{local}` can't be nil: its value is always the same"));
        }
        let Some(definition) = self.ty(ty) else { return Ok(()) };
        if let Type::Complex(complex) = definition
            && complex.is_abstract
        {
            return broken(
                at,
                "cvc-type.2",
                format!("the type of `{local}` is abstract: `xsi:type` has to name one that is derived from it"),
            );
        }
        self.attributes(definition, at)?;
        let inside = match definition {
            _ if is_nil => Inside::Nothing { is_nil },
            Type::Complex(complex) => match &complex.content {
                Content::Empty => Inside::Nothing { is_nil: false },
                Content::Simple(ty) => Inside::Text { ty, text: Text::Empty },
                Content::Children { model, is_mixed } => Inside::Children {
                    model,
                    position: model.start(),
                    is_mixed: *is_mixed,
                    text: (*is_mixed && is_fixed).then_some(Text::Empty),
                },
            },
            Type::Simple(ty) => Inside::Text { ty, text: Text::Empty },
        };
        if let Some(frame) = self.frames.last_mut() {
            *frame = Frame { local, at, element, ty, inside };
        }
        Ok(())
    }

    /// An element that is not looked at.
    const fn unseen<'s>(&self, local: &'a str, at: usize) -> Frame<'s, 'a> {
        Frame { local, at, element: None, ty: TypeId::ANY, inside: Inside::Anything }
    }

    fn instance(&self) -> Instance {
        let mut instance = Instance::default();
        for attribute in self.reader.attributes().filter(|attribute| attribute.namespace == XSI) {
            let value = || Some((attribute.value_at, attribute.value.as_ref().to_owned()));
            match attribute.local {
                "type" => instance.ty = value(),
                "nil" => instance.nil = value(),
                _ => {}
            }
        }
        instance
    }

    /// The type that an `xsi:type` names.
    fn own_type(&self, declared: TypeId, value: &str, at: usize) -> Result<TypeId, Stop> {
        let (prefix, local) = value.split_once(':').unwrap_or(("", value));
        if !crate::xml::is_ncname(local) || (prefix.is_empty() && value.len() != local.len()) {
            return broken(at, "cvc-elt.4.1", format!("`{value}` is no name of a type"));
        }
        let Some(namespace) = self.reader.namespace(prefix) else {
            return broken(at, "cvc-elt.4.1", format!("prefix `{prefix}` of `{value}` is not declared"));
        };
        let names = &self.schema.names;
        let name = names.find_space(namespace).and_then(|space| names.find(space, local));
        let Some(id) = name.and_then(|name| self.schema.named_types.get(&name)) else {
            let of = told(namespace);
            return broken(at, "cvc-elt.4.2", format!("there is no type `{local}` of {of}"));
        };
        if !self.is_derived(*id, declared) {
            return broken(at, "cvc-elt.4.3", format!("the type `{value}` is not derived from the element's own"));
        }
        Ok(*id)
    }
}
