//! JSON profiles as one XML Schema: what a client generates its classes from.
//!
//! Only what every client reads: named complex types of sequences, named enumerations, no choice, no wildcard, no namespace.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::Profile;
use super::shape::{Content, Member, Object, Shape, Simple, TypeId};
use crate::xml::{escaped, quoted};

/// One schema document, without a target namespace, for all of some JSON profiles: their roots are its global elements. The prefix
/// `xsd` is that of XML Schema's own names, and the document that this stands in must have no default namespace. The text begins
/// with `<xsd:schema`, without an XML declaration.
pub(crate) fn schema_of(profiles: &[&Profile]) -> String {
    let mut schema = Schema::default();
    let roots: Vec<_> = profiles.iter().filter_map(|profile| Some((profile.root().1, profile.shape().ok()?))).collect();
    for (_, shape) in &roots {
        schema.add(shape);
    }
    let mut text =
        String::from("<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" elementFormDefault=\"qualified\">\n");
    let mut named = HashSet::new();
    for (root, shape) in roots {
        if named.insert(root) {
            line(&mut text, 1, format_args!("<xsd:element name=\"{root}\" type=\"{}\"/>", schema.name_of(shape, 0)));
        }
    }
    for (name, shape, id) in &schema.objects {
        if let Some(object) = shape.object(*id) {
            schema.complex_type(name, shape, object, &mut text);
        }
    }
    for (name, simple) in &schema.enumerations {
        line(&mut text, 1, format_args!("<xsd:simpleType name=\"{name}\">"));
        restriction(simple, 2, &mut text);
        line(&mut text, 1, format_args!("</xsd:simpleType>"));
    }
    text.push_str("</xsd:schema>");
    text
}

/// The first JSON profile of a list that has the root element of one before it, but is of another type: they can't be in one
/// schema.
pub(crate) fn clash<'p>(profiles: &[&'p Profile]) -> Option<(&'p Profile, &'p Profile)> {
    let mut roots: HashMap<&str, (&'p Profile, &'p Shape)> = HashMap::new();
    profiles.iter().find_map(|profile| {
        let (root, shape) = (profile.root().1, profile.shape().ok()?);
        let (other, known) = *roots.entry(root).or_insert((profile, shape));
        (!is_same(known, 0, shape, 0)).then_some((other, *profile))
    })
}

/// What is in a schema, under names that are each there once.
#[derive(Default)]
struct Schema<'p> {
    objects: Vec<(String, &'p Shape, TypeId)>,
    enumerations: Vec<(String, &'p Simple)>,
    taken: HashSet<String>,
    /// The types and enumerations by where they are kept.
    names: HashMap<*const (), String>,
}

impl<'p> Schema<'p> {
    fn add(&mut self, shape: &'p Shape) {
        for (id, object) in shape.types.iter().enumerate() {
            let same = self.objects.iter().find(|(_, other, known)| {
                let named = other.object(*known).is_some_and(|known| known.name == object.name);
                named && is_same(other, *known, shape, id)
            });
            let name = match same {
                Some((name, ..)) => name.clone(),
                None => {
                    let name = self.free(&object.name);
                    self.objects.push((name.clone(), shape, id));
                    name
                }
            };
            self.names.insert(std::ptr::from_ref(object).cast(), name);
        }
        for simple in shape.types.iter().flat_map(|object| object.members.values()).filter_map(Member::simple) {
            let Some(wanted) = &simple.name else { continue };
            let same = self.enumerations.iter().find(|(_, known)| known.name == simple.name && is_alike(known, simple));
            let name = match same {
                Some((name, _)) => name.clone(),
                None => {
                    let name = self.free(wanted);
                    self.enumerations.push((name.clone(), simple));
                    name
                }
            };
            self.names.insert(std::ptr::from_ref(simple).cast(), name);
        }
    }

    /// The name itself, or with the first number that makes it a new one.
    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }

    fn name_of(&self, shape: &Shape, id: TypeId) -> &str {
        let object = shape.object(id).map(|object| std::ptr::from_ref(object).cast());
        object.and_then(|object| self.names.get(&object)).map_or("", String::as_str)
    }

    fn complex_type(&self, name: &str, shape: &Shape, object: &Object, text: &mut String) {
        line(text, 1, format_args!("<xsd:complexType name=\"{name}\">"));
        annotation(object.documentation.as_deref(), 2, text);
        line(text, 2, format_args!("<xsd:sequence>"));
        for (name, member) in &object.members {
            self.element(name, shape, member, text);
        }
        line(text, 2, format_args!("</xsd:sequence>"));
        line(text, 1, format_args!("</xsd:complexType>"));
    }

    fn element(&self, name: &str, shape: &Shape, member: &Member, text: &mut String) {
        let mut attributes = format!("name=\"{name}\"");
        let inline = match &member.content {
            Content::Object(id) => {
                attribute(&mut attributes, "type", self.name_of(shape, *id));
                None
            }
            Content::Simple(simple) => match self.names.get(&std::ptr::from_ref(simple).cast()) {
                Some(name) => {
                    attribute(&mut attributes, "type", name);
                    None
                }
                None if simple.facets.is_empty() => {
                    attribute(&mut attributes, "type", format_args!("xsd:{}", simple.base));
                    None
                }
                None => Some(simple),
            },
        };
        // An empty list is also written where the member is missing, which has no number of elements.
        let least = member.list.map_or(1, |count| count.least);
        let least = if member.is_required { least } else { 0 };
        if least != 1 {
            attribute(&mut attributes, "minOccurs", least);
        }
        if let Some(count) = member.list {
            let most = count.most.map_or_else(|| "unbounded".to_owned(), |most| most.to_string());
            attribute(&mut attributes, "maxOccurs", most);
        }
        if member.is_nullable {
            attribute(&mut attributes, "nillable", "true");
        }
        if inline.is_none() && member.documentation.is_none() {
            return line(text, 3, format_args!("<xsd:element {attributes}/>"));
        }
        line(text, 3, format_args!("<xsd:element {attributes}>"));
        annotation(member.documentation.as_deref(), 4, text);
        if let Some(simple) = inline {
            line(text, 4, format_args!("<xsd:simpleType>"));
            restriction(simple, 5, text);
            line(text, 4, format_args!("</xsd:simpleType>"));
        }
        line(text, 3, format_args!("</xsd:element>"));
    }
}

impl Member {
    fn simple(&self) -> Option<&Simple> {
        match &self.content {
            Content::Simple(simple) => Some(simple),
            Content::Object(_) => None,
        }
    }
}

fn line(text: &mut String, depth: usize, line: std::fmt::Arguments<'_>) {
    // A `String` takes all that is written.
    let _ = writeln!(text, "{:1$}{line}", "", depth * 2);
}

fn attribute(attributes: &mut String, name: &str, value: impl std::fmt::Display) {
    // As above.
    let _ = write!(attributes, " {name}=\"{value}\"");
}

fn annotation(documentation: Option<&str>, depth: usize, text: &mut String) {
    if let Some(documentation) = documentation {
        let mut said = String::new();
        escaped(documentation, &mut said);
        line(
            text,
            depth,
            format_args!("<xsd:annotation><xsd:documentation>{said}</xsd:documentation></xsd:annotation>"),
        );
    }
}

fn restriction(simple: &Simple, depth: usize, text: &mut String) {
    line(text, depth, format_args!("<xsd:restriction base=\"xsd:{}\">", simple.base));
    for (name, value) in &simple.facets {
        line(text, depth + 1, format_args!("<xsd:{name} value=\"{}\"/>", quoted(value)));
    }
    line(text, depth, format_args!("</xsd:restriction>"));
}

fn is_alike(one: &Simple, other: &Simple) -> bool {
    (one.kind, one.base, &one.facets) == (other.kind, other.base, &other.facets)
}

/// Whether two types take the same XML.
fn is_same(one: &Shape, id: TypeId, other: &Shape, other_id: TypeId) -> bool {
    // A type may be inside of itself: a pair that is being compared is not compared again.
    let mut assumed = HashSet::new();
    let mut open = vec![(id, other_id)];
    while let Some((id, other_id)) = open.pop() {
        if !assumed.insert((id, other_id)) {
            continue;
        }
        let (Some(a), Some(b)) = (one.object(id), other.object(other_id)) else { return false };
        if a.members.len() != b.members.len() {
            return false;
        }
        for ((name, a), (other_name, b)) in a.members.iter().zip(&b.members) {
            let as_members =
                (name, a.is_required, a.is_nullable, a.list) == (other_name, b.is_required, b.is_nullable, b.list);
            let as_contents = match (&a.content, &b.content) {
                (Content::Object(inner), Content::Object(other_inner)) => {
                    open.push((*inner, *other_inner));
                    true
                }
                (Content::Simple(a), Content::Simple(b)) => is_alike(a, b),
                _ => false,
            };
            if !(as_members && as_contents) {
                return false;
            }
        }
    }
    true
}
