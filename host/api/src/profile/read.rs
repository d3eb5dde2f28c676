//! From a JSON Schema to a [`Shape`]: finds the one type of each value, and refuses by name what XML has no place for.
//!
//! Keywords that only narrow what a value may be (`multipleOf`, `if`, `not`, `uniqueItems` ...) are left to the validation of JSON.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use indexmap::IndexMap;

use super::SchemaError;
use super::json::{Json, Kind, Value};
use super::shape::{Content, Count, Member, Object, Shape, TypeId};
use crate::xml::is_ncname;

/// References that lead to each other before a type is found.
const MAX_HOPS: usize = 32;

/// Types of one profile.
const MAX_TYPES: usize = 1_000;

/// Keywords by which a schema says what its values look like, and not only which of them are allowed.
const SHAPING: [&str; 10] =
    ["type", "properties", "items", "prefixItems", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"];

/// Mistakes that are told.
const MAX_ERRORS: usize = 100;

/// Reads a schema. `root` is the name of the root element.
pub(super) fn shape(schema: &Json<'_>, file: &str, root: &str) -> Result<Shape, Vec<SchemaError>> {
    let mut reader = Reader {
        schema,
        file,
        types: Vec::new(),
        sources: Vec::new(),
        known: HashMap::new(),
        has_null: false,
        errors: Vec::new(),
    };
    reader.root(root);
    // A type is read after the one that refers to it, so that the stack does not grow with their number.
    let mut id = 0;
    while let Some(source) = reader.sources.get(id).copied() {
        reader.object(id, source);
        id += 1;
    }
    if reader.errors.is_empty() {
        Ok(Shape { types: reader.types, has_null: reader.has_null })
    } else {
        reader.errors.sort_by_key(|e| (e.line, e.column));
        reader.errors.dedup();
        Err(reader.errors)
    }
}

pub(super) struct Reader<'j, 'a> {
    schema: &'j Json<'a>,
    file: &'j str,
    types: Vec<Object>,
    /// The schemas of the types.
    sources: Vec<Value<'j, 'a>>,
    /// Types by their schemas: one that is referred to twice, or by itself, is one type.
    known: HashMap<usize, TypeId>,
    has_null: bool,
    errors: Vec<SchemaError>,
}

/// A schema behind its references.
#[derive(Clone)]
struct Target<'j, 'a> {
    schema: Value<'j, 'a>,
    is_nullable: bool,
    /// Name of the definition that was referred to.
    name: Option<String>,
    /// What is said where it is used or, if nothing is, where it is defined.
    documentation: Option<String>,
}

/// What the branches of `allOf` say together of an object.
#[derive(Default)]
struct Parts<'j, 'a> {
    members: IndexMap<String, Member>,
    /// Names of members that have been refused.
    refused: HashSet<String>,
    required: Vec<Value<'j, 'a>>,
    is_closed: bool,
    /// The schemas that have been read: what one says holds once, however often it is a part.
    read: HashSet<usize>,
    /// Those that are being read, to notice one that is a part of itself.
    within: Vec<usize>,
}

impl<'j, 'a> Reader<'j, 'a> {
    /// Notes a mistake.
    pub(super) fn wrong(&mut self, at: Value<'_, '_>, message: impl Display) {
        if self.errors.len() == MAX_ERRORS {
            return;
        }
        let pointer = at.pointer();
        let place = if pointer.is_empty() { "the schema".to_owned() } else { format!("`#{pointer}`") };
        let e = self.schema.error_at(at.start(), format!("{place}: {message}"));
        self.errors.push(SchemaError {
            file: self.file.to_owned(),
            line: e.line,
            column: e.column,
            message: e.message,
        });
    }

    fn root(&mut self, name: &str) {
        let schema = self.schema.root();
        let Some(target) = self.target(schema) else { return };
        match self.type_of(&target) {
            Some(("object", false)) => {
                self.type_id(target, name);
            }
            Some(("object", true)) => self.wrong(schema, "a message can't be null"),
            Some(_) => self.wrong(schema, "the root of a message has to be an object: `\"type\": \"object\"`"),
            None => {}
        }
    }

    /// Follows references: `$ref`, `allOf` of one, a choice between a type and null.
    fn target(&mut self, schema: Value<'j, 'a>) -> Option<Target<'j, 'a>> {
        let mut target = Target { schema, is_nullable: false, name: None, documentation: None };
        for _ in 0..MAX_HOPS {
            let here = target.schema;
            if here.kind() != Kind::Object {
                self.wrong(here, "XML needs a type here: write a schema with `type`");
                return None;
            }
            if !self.has_one_base(here) {
                return None;
            }
            target.documentation = target.documentation.or_else(|| documentation(here));
            let only = |keyword: &str| SHAPING.iter().all(|other| *other == keyword || here.get(other).is_none());
            target.schema = if let Some(reference) = here.get("$ref") {
                if !only("$ref") {
                    self.wrong(here, "beside `$ref` stands another type: put both into `allOf`");
                    return None;
                }
                let (definition, name) = self.definition(reference)?;
                target.name = name.or(target.name);
                definition
            } else if let Some(choice) =
                ["anyOf", "oneOf"].into_iter().filter_map(|keyword| here.get(keyword)).find(shapes)
            {
                let mut branches: Vec<_> = choice.elements().collect();
                let all = branches.len();
                branches.retain(|branch| branch.get("type").is_none_or(|kind| kind.string() != "null"));
                match *branches.as_slice() {
                    [one] if all == 2 && (only("anyOf") || only("oneOf")) => {
                        target.is_nullable = true;
                        one
                    }
                    _ => {
                        self.wrong(
                            choice,
                            "XML needs one type here: a choice can only be between a type and `{\"type\": \"null\"}`. \
                             List the members of all choices in `properties`, as not required",
                        );
                        return None;
                    }
                }
            } else if let Some(one) = here.get("allOf").filter(|all| only("allOf") && all.elements().count() == 1) {
                one.elements().next()?
            } else {
                return Some(target);
            };
        }
        self.wrong(schema, "the references lead to each other, and never to a type");
        None
    }

    /// Refuses a base below the root: the references below it would lead elsewhere than they seem to.
    fn has_one_base(&mut self, schema: Value<'j, 'a>) -> bool {
        // A member of this name has a schema, which is no string.
        let id =
            schema.get("$id").filter(|id| schema.start() != self.schema.root().start() && id.kind() == Kind::String);
        if let Some(id) = id {
            self.wrong(id, "XML needs one base: take the `$id` out");
        }
        id.is_none()
    }

    /// What a `$ref` refers to, and its name where it is a definition.
    fn definition(&mut self, reference: Value<'j, 'a>) -> Option<(Value<'j, 'a>, Option<String>)> {
        let uri = reference.string();
        let found =
            uri.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/')).map(|pointer| {
                let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
                let name = pointer.strip_prefix("/$defs/").or(pointer.strip_prefix("/definitions/"));
                (self.schema.find(&pointer), name.filter(|name| !name.contains('/')).map(type_name))
            });
        match found {
            // What is around it may have a base of its own, too.
            Some((Some(definition), name)) => {
                definition.around().all(|around| self.has_one_base(around)).then_some((definition, name))
            }
            Some((None, _)) => {
                self.wrong(reference, format!("there is no `{uri}`"));
                None
            }
            None => {
                self.wrong(
                    reference,
                    format!("`{uri}` is not followed: references stay in the file, as `#/$defs/Name`"),
                );
                None
            }
        }
    }

    /// The one type of a schema that is no reference, and whether null is allowed too.
    fn type_of(&mut self, target: &Target<'j, 'a>) -> Option<(&'static str, bool)> {
        let schema = target.schema;
        let Some(declared) = schema.get("type") else {
            return self.type_of_values(target);
        };
        let named: Vec<_> = match declared.kind() {
            Kind::Array => declared.elements().map(Value::string).collect(),
            _ => vec![declared.string()],
        };
        let is_null = named.iter().any(|name| name == "null");
        let mut others = named.iter().filter(|name| **name != "null");
        let (one, another) = (others.next(), others.next());
        let known = ["object", "array", "string", "integer", "number", "boolean"];
        match one.filter(|_| another.is_none()).and_then(|one| known.iter().find(|known| *known == one)) {
            Some(known) => Some((known, is_null || target.is_nullable)),
            None => {
                self.wrong(
                    declared,
                    "XML needs one type here: object, array, string, integer, number or boolean, and perhaps \"null\" beside it",
                );
                None
            }
        }
    }

    /// The type of the values that `enum` or `const` lists, for a schema without `type`; of an object of parts.
    fn type_of_values(&mut self, target: &Target<'j, 'a>) -> Option<(&'static str, bool)> {
        let schema = target.schema;
        let values = listed(schema);
        let all = |kind| values.iter().all(|value| matches!(value.kind(), k if k == kind || k == Kind::Null));
        let is_null = target.is_nullable || values.iter().any(|value| value.kind() == Kind::Null);
        let known = if values.is_empty() {
            schema.get("allOf").map(|_| "object")
        } else if all(Kind::String) {
            Some("string")
        } else if all(Kind::Boolean) {
            Some("boolean")
        } else if all(Kind::Number) {
            let is_whole = |value: &Value<'_, '_>| value.kind() == Kind::Null || value.text().parse::<i64>().is_ok();
            Some(if values.iter().all(is_whole) { "integer" } else { "number" })
        } else {
            None
        };
        if known.is_none() {
            self.wrong(schema, "XML needs one type here: write `type`");
        }
        known.map(|known| (known, is_null))
    }

    /// The type of a schema of objects. `name` is for one that has no other.
    fn type_id(&mut self, target: Target<'j, 'a>, name: &str) -> TypeId {
        if let Some(id) = self.known.get(&target.schema.index()) {
            return *id;
        }
        let id = self.types.len();
        if id == MAX_TYPES {
            self.wrong(target.schema, format!("more than {MAX_TYPES} types of objects"));
            return 0;
        }
        self.known.insert(target.schema.index(), id);
        self.sources.push(target.schema);
        self.types.push(Object { name: target.name.unwrap_or_else(|| name.to_owned()), ..Object::default() });
        id
    }

    /// Reads the schema of a type.
    fn object(&mut self, id: TypeId, schema: Value<'j, 'a>) {
        let name = self.types.get(id).map(|object| object.name.clone()).unwrap_or_default();
        let mut parts = Parts::default();
        self.part(schema, &name, &mut parts);
        for required in parts.required {
            let name = required.string();
            match parts.members.get_mut(&*name) {
                Some(member) => member.is_required = true,
                None if parts.refused.contains(&*name) => {}
                None => self.wrong(required, "it is not among the `properties`: give it a type there"),
            }
        }
        if let Some(object) = self.types.get_mut(id) {
            object.documentation = documentation(schema);
            object.members = parts.members;
            object.is_open = !parts.is_closed;
        }
    }

    /// Adds what a schema of an object says: its own members, and those of the schemas that it is made of.
    fn part(&mut self, schema: Value<'j, 'a>, name: &str, parts: &mut Parts<'j, 'a>) {
        if parts.within.contains(&schema.index()) {
            return self.wrong(schema, "the schema is a part of itself by `allOf`");
        }
        if !self.has_one_base(schema) {
            return;
        }
        if parts.within.len() == MAX_HOPS {
            return self.wrong(schema, format!("more than {MAX_HOPS} `allOf` inside each other"));
        }
        if !parts.read.insert(schema.index()) {
            return;
        }
        parts.within.push(schema.index());
        for (keyword, value) in schema.members() {
            let is_false = value.text() == "false";
            match &*keyword {
                "properties" => self.properties(value, name, parts),
                "required" => parts.required.extend(value.elements()),
                "additionalProperties" | "unevaluatedProperties" if is_false => parts.is_closed = true,
                "additionalProperties" if value.text() != "true" && value.members().next().is_some() => {
                    self.wrong(
                        value,
                        "XML has no place for members of any name: list them in `properties`, or make it an array of objects",
                    );
                }
                "patternProperties" if value.members().next().is_some() => {
                    self.wrong(
                        value,
                        "XML has no place for members by pattern: list them in `properties`, or make it an array of objects",
                    );
                }
                "allOf" => value.elements().for_each(|branch| self.branch(branch, name, parts)),
                _ => {}
            }
        }
        parts.within.pop();
    }

    fn branch(&mut self, branch: Value<'j, 'a>, name: &str, parts: &mut Parts<'j, 'a>) {
        if !is_shaping(&branch) {
            // It only narrows what is allowed; but what it requires is required.
            return self.part(branch, name, parts);
        }
        let Some(target) = self.target(branch) else { return };
        let is_object = target.schema.get("type").is_none_or(|kind| kind.string() == "object");
        if is_object && !target.is_nullable {
            self.part(target.schema, name, parts);
        } else {
            self.wrong(branch, "`allOf` can only join objects: put what is said of one type into one schema");
        }
    }

    fn properties(&mut self, properties: Value<'j, 'a>, owner: &str, parts: &mut Parts<'j, 'a>) {
        for (name, schema) in properties.members() {
            let member = if !is_ncname(&name) {
                self.wrong(
                    schema,
                    format!(
                        "`{name}` can't be the name of an element: a letter or `_` begins one, then letters, digits, `_`, `-` \
                         and `.` follow"
                    ),
                );
                None
            } else if parts.members.contains_key(&*name) {
                self.wrong(schema, format!("`{name}` is declared by another part of `allOf` already"));
                None
            } else {
                self.member(schema, &type_name(&format!("{owner}{}", capitalised(&name))))
            };
            match member {
                Some(member) => {
                    parts.members.insert(name.into_owned(), member);
                }
                None => {
                    parts.refused.insert(name.into_owned());
                }
            }
        }
    }

    /// `name` is for a type that has no other.
    fn member(&mut self, schema: Value<'j, 'a>, name: &str) -> Option<Member> {
        let outer = self.target(schema)?;
        let (mut kind, mut is_nullable) = self.type_of(&outer)?;
        let mut inner = outer.clone();
        let mut list = None;
        if kind == "array" {
            let array = outer.schema;
            if is_nullable {
                self.wrong(array, "XML has no place for a list that is null: let it be empty");
            }
            if let Some(tuple) = array.get("prefixItems") {
                self.wrong(
                    tuple,
                    "XML has no place for a list whose elements have types of their own: make it an object",
                );
                return None;
            }
            let Some(items) = array.get("items") else {
                self.wrong(array, "XML needs the type of the list's elements: write `items`");
                return None;
            };
            let number = |keyword| array.get(keyword).and_then(|value| value.text().parse().ok());
            list = Some(Count { least: number("minItems").unwrap_or(0), most: number("maxItems") });
            inner = self.target(items)?;
            (kind, is_nullable) = self.type_of(&inner)?;
            if kind == "array" {
                self.wrong(items, "XML has no place for a list of lists: make the inner one a member of an object");
                return None;
            }
        }
        self.has_null |= is_nullable;
        let content = if kind == "object" {
            Content::Object(self.type_id(inner, name))
        } else {
            let named = inner.name.as_deref().unwrap_or(name).to_owned();
            Content::Simple(self.simple(inner.schema, kind, named)?)
        };
        // What is said of a type of objects stands with the type.
        let documentation = match content {
            Content::Object(_) => documentation(schema),
            Content::Simple(_) => outer.documentation,
        };
        Some(Member { documentation, is_required: false, is_nullable, list, content })
    }
}

/// The values that `enum` or `const` lists. Of both, `const` says it all.
pub(super) fn listed<'j, 'a>(schema: Value<'j, 'a>) -> Vec<Value<'j, 'a>> {
    match schema.get("const") {
        Some(only) => vec![only],
        None => schema.get("enum").into_iter().flat_map(Value::elements).collect(),
    }
}

/// Whether a schema says what its values look like.
fn is_shaping(schema: &Value<'_, '_>) -> bool {
    SHAPING.iter().any(|keyword| schema.get(keyword).is_some())
}

/// Whether a choice is one between types, and not only between rules for the members of one.
fn shapes(choice: &Value<'_, '_>) -> bool {
    choice.elements().any(|branch| is_shaping(&branch))
}

/// What a schema says for people.
fn documentation(schema: Value<'_, '_>) -> Option<String> {
    let said = schema.get("description").or_else(|| schema.get("title"))?.as_string()?;
    (!said.trim().is_empty()).then(|| said.into_owned())
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A name that a type of XML Schema may have.
fn type_name(wanted: &str) -> String {
    let name: String = wanted.chars().map(|c| if is_ncname(&format!("a{c}")) { c } else { '_' }).collect();
    if is_ncname(&name) { name } else { format!("_{name}") }
}
