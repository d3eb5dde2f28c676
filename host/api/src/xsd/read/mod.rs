//! Reads schema documents: finds what each name stands for, and compiles what messages are checked by.
//!
//! A definition is read when the first asks for it, so that the order of the documents does not matter, and once. What goes
//! through definitions recursively is bounded, and so is all that a small document can be written out to.

mod attribute;
mod complex;
mod element;
mod particle;
mod reference;
mod simple;

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::component::{Allowed, Attribute, Attributes, Complex, Content, Element, Process, Type, TypeId, Wildcard};
use super::content::{Compiler, Particle, Term};
use super::documents::{self, Document};
use super::faults::Faults;
use super::names::{Name, Names, XSD};
use super::simple::SimpleType;
use super::tree::Node;
use super::{ElementId, Schema, SchemaError, Source};
use crate::xml::is_ncname;
use attribute::Flat;
use complex::{Draft, DraftComplex, DraftContent};
use reference::Kind;

/// How many definitions and groups may lie inside each other, and how often types may be derived from each other.
const MAX_DEPTH: usize = 200;

/// Attributes of all complex types of a schema, as they come to be by extension and groups: more is refused.
const MAX_ATTRIBUTES: usize = 500_000;

/// The simple types that every schema has.
const SIMPLE_TYPES: &str = "anySimpleType string normalizedString token language Name NCName NMTOKEN NMTOKENS ID IDREF \
    IDREFS ENTITY ENTITIES boolean decimal integer nonPositiveInteger negativeInteger long int short byte \
    nonNegativeInteger unsignedLong unsignedInt unsignedShort unsignedByte positiveInteger float double duration \
    dateTime time date gYearMonth gYear gMonthDay gDay gMonth hexBinary base64Binary anyURI QName";

/// `xs:anySimpleType`, which comes behind `xs:anyType`.
const ANY_SIMPLE: TypeId = TypeId(1);

/// A group that is read when it is asked for.
#[derive(Debug)]
enum Once<T> {
    /// Being read: who asks for it now is part of it.
    Open,
    /// None: it has faults.
    Read(Option<T>),
}

/// What has been read so far.
#[derive(Debug)]
struct Reading<'d, 's> {
    documents: &'d [Document<'d>],
    names: Names,
    faults: Faults<'s>,
    /// What the documents declare by name.
    globals: FxHashMap<(Kind, Name), &'d Node<'d>>,
    elements: Vec<Element>,
    global_elements: FxHashMap<Name, ElementId>,
    types: Vec<Draft<'d>>,
    named_types: FxHashMap<Name, TypeId>,
    global_attributes: FxHashMap<Name, Arc<Attribute>>,
    groups: FxHashMap<Name, Once<Rc<Term>>>,
    attribute_groups: FxHashMap<Name, Once<Rc<Flat>>>,
    /// The elements with a `default` or `fixed`, which can be looked at when all types are known.
    constrained: Vec<(ElementId, &'d Node<'d>)>,
    /// Definitions and groups inside each other at this moment.
    depth: usize,
    /// Attributes that complex types may still have, those of their bases and groups included.
    attributes_left: usize,
}

/// Reads a schema.
pub(super) fn schema(sources: &[Source<'_>]) -> Result<Schema, Vec<SchemaError>> {
    let mut faults = Faults::new(sources);
    let mut names = Names::new();
    let Some(documents) = documents::read(sources, &mut names, &mut faults) else { return Err(faults.told()) };
    let mut reading = Reading::new(&documents, names, faults);
    reading.declarations();
    reading.finish()
}

impl<'d, 's> Reading<'d, 's> {
    fn new(documents: &'d [Document<'d>], names: Names, faults: Faults<'s>) -> Self {
        let mut reading = Self {
            documents,
            names,
            faults,
            globals: FxHashMap::default(),
            elements: Vec::new(),
            global_elements: FxHashMap::default(),
            types: Vec::new(),
            named_types: FxHashMap::default(),
            global_attributes: FxHashMap::default(),
            groups: FxHashMap::default(),
            attribute_groups: FxHashMap::default(),
            constrained: Vec::new(),
            depth: 0,
            attributes_left: MAX_ATTRIBUTES,
        };
        reading.builtins();
        reading
    }

    /// Declares the types that every schema has.
    fn builtins(&mut self) {
        let any = Wildcard { allowed: Allowed::Any, process: Process::Lax };
        let content = Particle { min: 0, max: None, term: Rc::new(Term::Any(any.clone())) };
        let any_type = DraftComplex {
            base: TypeId::ANY,
            is_abstract: false,
            is_mixed: true,
            content: DraftContent::Particle(Some(content)),
            attributes: Arc::new(Attributes { uses: Vec::new(), wildcard: Some(any) }),
            depth: 0,
            place: (0, 0),
        };
        let space = self.names.space(XSD);
        let simple =
            SIMPLE_TYPES.split_ascii_whitespace().filter_map(|local| Some((local, SimpleType::builtin(local).ok()?)));
        let simple = simple.map(|(local, ty)| (local, Draft::Simple(ty)));
        for (local, draft) in std::iter::once(("anyType", Draft::Complex(any_type))).chain(simple) {
            self.named_types.insert(self.names.name(space, local), TypeId(self.types.len()));
            self.types.push(draft);
        }
    }

    /// Notes what the documents declare by name, then reads all of it.
    fn declarations(&mut self) {
        let documents = self.documents;
        let declared =
            documents.iter().flat_map(|document| document.root.children.iter().map(move |node| (document, node)));
        for (document, node) in declared {
            let Some(kind) = Kind::of(node) else { continue };
            let Some(local) = self.local_name(node) else { continue };
            let name = self.names.name(document.target, local);
            if self.globals.contains_key(&(kind, name)) {
                self.fault(node, "name", format!("{kind} `{local}` is declared twice"));
                continue;
            }
            self.globals.insert((kind, name), node);
            match kind {
                Kind::Type => {
                    self.named_types.insert(name, TypeId(self.types.len()));
                    self.types.push(Draft::Waiting(node));
                }
                Kind::Element => {
                    let id = self.placeholder(name);
                    self.global_elements.insert(name, id);
                }
                _ => {}
            }
        }
        let mut globals: Vec<_> = self.globals.iter().map(|((kind, name), node)| (*kind, *name, *node)).collect();
        globals.sort_unstable_by_key(|(.., node)| (node.document, node.at));
        for (kind, name, node) in globals {
            match kind {
                Kind::Element => {
                    if let Some(id) = self.global_elements.get(&name).copied() {
                        self.element(id, node);
                    }
                }
                Kind::Attribute => drop(self.global_attribute(name, node)),
                Kind::Group => drop(self.named_group(name, node)),
                Kind::AttributeGroup => drop(self.attribute_group(name, node)),
                Kind::Type => {}
            }
        }
        let mut next = 0;
        // Types in it are added while it is gone through.
        while next < self.types.len() {
            self.define(TypeId(next), None);
            next += 1;
        }
    }

    /// Compiles what has been read.
    fn finish(mut self) -> Result<Schema, Vec<SchemaError>> {
        if !self.faults.is_empty() {
            return Err(self.faults.told());
        }
        let mut compiler = Compiler::new();
        let mut types = Vec::with_capacity(self.types.len());
        for draft in std::mem::take(&mut self.types) {
            types.push(match draft {
                // Told, and refused with it. What is here keeps the numbers of the others, and lets nothing through.
                Draft::Waiting(_) | Draft::Open | Draft::Broken => Type::Complex(Complex {
                    base: TypeId::ANY,
                    is_abstract: true,
                    content: Content::Empty,
                    attributes: Arc::default(),
                }),
                Draft::Simple(ty) => Type::Simple(ty),
                Draft::Complex(draft) => Type::Complex(self.complex(draft, &mut compiler)),
            });
        }
        for (id, node) in std::mem::take(&mut self.constrained) {
            self.constrain(id, node, &types);
        }
        if !self.faults.is_empty() {
            return Err(self.faults.told());
        }
        Ok(Schema {
            main: self.documents.first().map(|document| document.target).unwrap_or(super::names::Space::NONE),
            names: self.names,
            elements: self.elements,
            types,
            global_elements: self.global_elements,
            global_attributes: self.global_attributes,
            named_types: self.named_types,
        })
    }

    fn complex(&mut self, draft: DraftComplex, compiler: &mut Compiler) -> Complex {
        let content = match &draft.content {
            DraftContent::Simple(ty) => Content::Simple(ty.clone()),
            DraftContent::Particle(None) if !draft.is_mixed => Content::Empty,
            DraftContent::Particle(particle) => match compiler.model(particle.as_ref(), &self.elements) {
                Ok(model) => Content::Children { model, is_mixed: draft.is_mixed },
                Err(message) => {
                    self.faults.add(draft.place.0, draft.place.1, message);
                    Content::Empty
                }
            },
        };
        let DraftComplex { base, is_abstract, attributes, .. } = draft;
        Complex { base, is_abstract, content, attributes }
    }

    /// Does a step that definitions inside each other lead to, unless they are too deep.
    fn deeper<T>(&mut self, node: &Node<'_>, step: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.too_deep(node);
            return None;
        }
        self.depth += 1;
        let done = step(self);
        self.depth -= 1;
        Some(done)
    }

    fn too_deep(&mut self, node: &Node<'_>) {
        let message =
            format!("more than {MAX_DEPTH} definitions or groups inside each other or derived from each other");
        self.faults.add(node.document, node.at, message);
    }

    /// A fault at an attribute's value, or at the element that does not have the attribute.
    fn fault(&mut self, node: &Node<'_>, attribute: &str, message: impl Into<String>) {
        self.faults.add(node.document, node.place(attribute), message);
    }

    /// The `name` of a declaration.
    fn local_name<'n>(&mut self, node: &'n Node<'_>) -> Option<&'n str> {
        match node.value("name") {
            Some(name) if is_ncname(name) => return Some(name),
            Some(name) => {
                self.fault(
                    node,
                    "name",
                    format!("`{name}` is no name: letters, digits, `.`, `-` and `_`, without a prefix"),
                );
            }
            None => self.fault(node, "name", format!("`xs:{}` needs a `name`", node.local)),
        }
        None
    }

    /// The value of an attribute that says yes or no.
    fn is(&mut self, node: &Node<'_>, attribute: &str) -> Option<bool> {
        match node.value(attribute)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            other => {
                self.fault(node, attribute, format!("`{attribute}` is `true` or `false`, not `{other}`"));
                None
            }
        }
    }
}
