//! Profiles: the types of messages, and the way between an XML and a JSON message of one type.
//!
//! An XML profile is an XML Schema. A JSON profile is a JSON Schema, of which two things are made: a validator of JSON, and the
//! [`shape`] of its messages, which says how they are written in XML: a member is an element of its name in no namespace, an array
//! a repeated one, null is `xsi:nil`. Reading a profile is for deployments; using one takes one pass over the message.

mod json;
mod number;
mod pattern;
mod read;
mod schema;
mod shape;
mod simple;
#[cfg(test)]
mod tests;
mod to_json;
mod to_xml;
mod validate;

use auricle_model::manifest::nearest;
use auricle_model::{ProfileDecl, ProfileKind, SourceFile};
use bytes::Bytes;

use self::json::Json;
use self::shape::Shape;
use self::to_json::Marks;
use self::validate::Failure;
use crate::inbound::{EXPANSION_BASE, MAX_EXPANSION};
use crate::parse_error::{ParseError, short};
use crate::xsd::{ElementId, Schema, Source};

pub(crate) use self::schema::{clash, schema_of};
pub use crate::xsd::{SchemaError, Violation};

/// Namespace of `xsi:nil`.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A message type, ready to use.
#[derive(Debug)]
pub struct Profile {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Xml(XmlProfile),
    Json(JsonProfile),
}

#[derive(Debug)]
struct XmlProfile {
    schema: Schema,
    root: ElementId,
    sources: Vec<SourceFile>,
}

#[derive(Debug)]
struct JsonProfile {
    root: String,
    /// How its messages look in XML, or why some of them have no place there.
    shape: Result<Shape, Vec<SchemaError>>,
    validator: jsonschema::Validator,
}

impl Profile {
    /// Reads the files of a declaration.
    ///
    /// # Errors
    ///
    /// All that is wrong with them or not supported, in the order of the text.
    pub fn new(decl: &ProfileDecl) -> Result<Self, Vec<SchemaError>> {
        let kind = match decl.kind {
            ProfileKind::Xsd => Kind::Xml(XmlProfile::new(decl)?),
            ProfileKind::JsonSchema => Kind::Json(JsonProfile::new(decl)?),
        };
        Ok(Self { name: decl.name.clone(), kind })
    }

    /// Name in the manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its messages are JSON. Then the XML of such a message is in no namespace.
    pub fn is_json(&self) -> bool {
        matches!(self.kind, Kind::Json(_))
    }

    /// Namespace (empty for none) and local name of the root element.
    pub fn root(&self) -> (&str, &str) {
        match &self.kind {
            Kind::Xml(xml) => xml.schema.name(xml.root),
            Kind::Json(json) => ("", &json.root),
        }
    }

    /// What keeps messages of a JSON profile from being XML; nothing of one that goes over SOAP.
    pub fn not_in_xml(&self) -> &[SchemaError] {
        match &self.kind {
            Kind::Json(JsonProfile { shape: Err(errors), .. }) => errors,
            _ => &[],
        }
    }

    /// Whether the elements of a well-formed text at these offsets (of their `<`, ascending, none inside another) are such messages;
    /// no offsets: the root. The XML of a JSON profile is judged by the JSON that it stands for.
    pub(crate) fn validate_xml(&self, text: &str, offsets: Option<&[usize]>) -> Result<(), Violation> {
        match &self.kind {
            Kind::Xml(xml) => xml.schema.validate(xml.root, text, offsets),
            Kind::Json(profile) => to_json::read(self.shape()?, &profile.root, text, offsets, Marks::Made, |written| {
                // Nobody has sent this JSON: what is wrong with it is told where its element is.
                let violation = |failure: &Failure| profile.violation(text, written.element(failure.at), failure);
                let json = std::str::from_utf8(&written.json).unwrap_or_default();
                let json = Json::read(json).map_err(|e| violation(&Failure::unread(e.message)))?;
                validate::check(&profile.validator, &json).map_err(|failure| violation(&failure))
            }),
        }
    }

    /// Whether a JSON text is such a message (of a JSON profile).
    pub(crate) fn validate_json(&self, json: &str) -> Result<(), Violation> {
        let Kind::Json(profile) = &self.kind else { return Err(self.unfit(NOT_JSON)) };
        let read = Json::read(json).map_err(|e| at(e, "json"))?;
        validate::check(&profile.validator, &read).map_err(|failure| profile.violation(json, failure.at, &failure))
    }

    /// The JSON of the elements of a well-formed text at these offsets (as above). Numbers keep their digits. Only what JSON could
    /// not be written without is checked: the members and their types.
    pub(crate) fn to_json(&self, text: &str, offsets: &[usize]) -> Result<Vec<Bytes>, Violation> {
        let mut documents = Vec::with_capacity(offsets.len());
        to_json::read(self.shape()?, self.root().1, text, Some(offsets), Marks::LeftOut, |written| {
            documents.push(written.json.into());
            Ok(())
        })?;
        Ok(documents)
    }

    /// Writes a JSON message as the XML that the profile says, without a declaration. Gives notes on what had no place in it, for
    /// the record. What is written follows [`schema_of`]; where there is an error, a part of it may have been written.
    pub(crate) fn to_xml(&self, json: &str, into: &mut String) -> Result<Vec<String>, String> {
        let shape = self.shape().map_err(|violation| violation.message)?;
        to_xml::write(shape, self.root().1, json, into)
    }

    /// The schema documents of an XML profile, the main one first; none for JSON.
    pub(crate) fn sources(&self) -> &[SourceFile] {
        match &self.kind {
            Kind::Xml(xml) => &xml.sources,
            Kind::Json(_) => &[],
        }
    }

    /// How messages of a JSON profile look in XML.
    fn shape(&self) -> Result<&Shape, Violation> {
        match &self.kind {
            Kind::Json(json) => json.shape.as_ref().map_err(|_| self.unfit("has messages that XML has no place for")),
            Kind::Xml(_) => Err(self.unfit(NOT_JSON)),
        }
    }

    /// What has been looked at when this was deployed.
    fn unfit(&self, why: &str) -> Violation {
        Violation { line: 1, column: 1, message: format!("profile `{}` {why}", self.name), rule: "profile".into() }
    }
}

/// Why JSON can't follow a profile.
const NOT_JSON: &str = "is an XML Schema, and the message is JSON";

impl XmlProfile {
    fn new(decl: &ProfileDecl) -> Result<Self, Vec<SchemaError>> {
        let sources: Vec<_> = decl.files.iter().map(|file| Source { path: &file.path, text: &file.text }).collect();
        let schema = Schema::read(&sources)?;
        match schema.root(&decl.root) {
            Some(root) => Ok(Self { schema, root, sources: decl.files.clone() }),
            None => {
                let near = nearest(&decl.root, schema.roots());
                let told = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Err(vec![in_file(decl, format!("there is no global element `{}`{told}", decl.root))])
            }
        }
    }
}

impl JsonProfile {
    fn new(decl: &ProfileDecl) -> Result<Self, Vec<SchemaError>> {
        let [file] = decl.files.as_slice() else {
            return Err(vec![in_file(decl, "a JSON profile is one file".into())]);
        };
        let wrong = |e: ParseError| {
            vec![SchemaError { file: file.path.clone(), line: e.line, column: e.column, message: e.message }]
        };
        let schema = Json::read(&file.text).map_err(wrong)?;
        if let Some(name) = schema.twice() {
            return Err(wrong(schema.error_at(name.start(), format!("`{}` comes twice in one object", name.string()))));
        }
        if let Some(dialect) = schema.root().get("$schema").filter(|dialect| !is_read(&dialect.string())) {
            let message = format!("`{}` is not read: a profile is JSON Schema 2020-12", dialect.string());
            return Err(wrong(schema.error_at(dialect.start(), message)));
        }
        let validator = validate::validator(&schema, &file.path).map_err(|e| vec![e])?;
        let shape = read::shape(&schema, &file.path, &decl.root);
        Ok(Self { root: decl.root.clone(), shape, validator })
    }

    /// `text` is the one that was sent, and `start` an offset of it.
    fn violation(&self, text: &str, start: usize, failure: &Failure) -> Violation {
        let message = format!("{}{}: {}", self.root, failure.pointer, failure.message);
        let e = ParseError::at(text, start, message);
        Violation { line: e.line, column: e.column, message: e.message, rule: short(failure.rule.clone()) }
    }
}

/// Whether this is the dialect that profiles are written in.
fn is_read(dialect: &str) -> bool {
    dialect.trim_end_matches('#') == "https://json-schema.org/draft/2020-12/schema"
}

fn at(e: ParseError, rule: &str) -> Violation {
    Violation { line: e.line, column: e.column, message: e.message, rule: rule.to_owned() }
}

/// What is wrong with a declaration as a whole.
fn in_file(decl: &ProfileDecl, message: String) -> SchemaError {
    let file = decl.files.first().map(|file| file.path.clone()).unwrap_or_default();
    SchemaError { file, line: 1, column: 1, message }
}

/// Bytes that may be made of a text, as of the text of a list: what is written in a few bytes may stand for many.
const fn most_made(text: &str) -> usize {
    text.len().saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_BASE)
}

/// The first character that XML has no place for, not even as a reference.
fn unwritable(text: &str) -> Option<char> {
    text.chars()
        .find(|c| matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}'))
}
