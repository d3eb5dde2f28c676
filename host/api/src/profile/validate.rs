//! Whether a JSON text follows its schema: JSON Schema 2020-12, by the `jsonschema` crate.
//!
//! Formats are asserted, patterns are those that run in linear time, and nothing is fetched.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};

use super::SchemaError;
use super::json::{Json, Kind, Value};
use crate::parse_error::{ParseError, short};

/// The violations of larger messages are not looked for one by one: there may be one in every third byte.
const MAX_EXPLAINED: usize = 256 * 1024;

/// Nor those of messages whose names, repeated in the place of every value inside, take more bytes: each violation has its own.
const MAX_POINTERS: usize = 16 << 20;

/// Values of more characters are not repeated in a message.
const TOLD: usize = 60;

/// Where a message does not follow its schema.
#[derive(Debug)]
pub(super) struct Failure {
    /// Offset in the JSON.
    pub(super) at: usize,
    /// JSON Pointer of the value.
    pub(super) pointer: String,
    pub(super) message: String,
    /// Pointer of the keyword in the schema.
    pub(super) rule: String,
}

impl Failure {
    /// A message that is not even read.
    pub(super) fn unread(message: String) -> Self {
        Self { at: 0, pointer: String::new(), message, rule: "json".into() }
    }
}

/// Prepares a schema, whose text has been read.
pub(super) fn validator(schema: &Json<'_>, file: &str) -> Result<Validator, SchemaError> {
    let wrong =
        |e: ParseError| SchemaError { file: file.to_owned(), line: e.line, column: e.column, message: e.message };
    let value: serde_json::Value =
        serde_json::from_str(schema.root().text()).map_err(|e| wrong(schema.error_at(0, e.to_string())))?;
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&value)
        .map_err(|e| {
            let place = match e.kind() {
                // The library says which reference it is, but not where.
                ValidationErrorKind::Referencing(_) => schema.objects().find_map(|object| unresolved(schema, object)),
                _ => schema.find(e.instance_path().as_str()),
            };
            let place = place.unwrap_or(schema.root());
            wrong(schema.error_at(place.start(), format!("`#{}`: {}", place.pointer(), told(&e))))
        })
}

/// The reference of a schema, where it is none to a place of its file.
fn unresolved<'j, 'a>(schema: &Json<'a>, object: Value<'j, 'a>) -> Option<Value<'j, 'a>> {
    let reference = object.get("$ref").filter(|reference| reference.kind() == Kind::String)?;
    let uri = reference.string();
    let is_here = uri.strip_prefix('#').is_some_and(|pointer| schema.find(pointer).is_some());
    (!is_here).then_some(reference)
}

/// Checks a message. Names that come twice in an object are refused too: readers do not agree on what they mean.
pub(super) fn check(validator: &Validator, json: &Json<'_>) -> Result<(), Failure> {
    if let Some(name) = json.twice() {
        let (pointer, message) = (name.pointer(), format!("the object has two members `{}`", name.string()));
        return Err(Failure { at: name.start(), pointer, message: short(message), rule: "duplicate".into() });
    }
    let value: serde_json::Value =
        serde_json::from_str(json.root().text()).map_err(|e| match json.beyond_double() {
            Some(number) => {
                let message = "validation compares numbers as doubles, and this one is beyond them".to_owned();
                Failure { at: number.start(), pointer: number.pointer(), message, rule: "number".into() }
            }
            None => Failure::unread(e.to_string()),
        })?;
    if validator.is_valid(&value) {
        return Ok(());
    }
    if json.root().text().len() > MAX_EXPLAINED || json.pointer_bytes() > MAX_POINTERS {
        let message = "it does not follow its JSON Schema, and is too large to say where".to_owned();
        return Err(Failure { at: 0, pointer: String::new(), message, rule: "json-schema".into() });
    }
    let all: Vec<_> = validator.iter_errors(&value).collect();
    let mut pointers: Vec<_> = all.iter().map(|e| place(inner(e))).collect();
    // The first in the order of the text.
    let (which, at) = json.first(&pointers).map_or((0, 0), |(which, value)| (which, value.start()));
    let Some(e) = all.get(which).map(inner) else { return Ok(()) };
    let pointer = pointers.swap_remove(which);
    Err(Failure { at, pointer, message: short(told(e)), rule: e.schema_path().as_str().to_owned() })
}

/// Where a choice is not met: what the branch says that was followed furthest, as for an object that may be null.
fn inner<'e>(mut e: &'e ValidationError<'e>) -> &'e ValidationError<'e> {
    while let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = e.kind() {
        let depth = |e: &ValidationError<'_>| e.instance_path().as_str().len();
        match context.iter().flatten().max_by_key(|inner| depth(inner)) {
            Some(inner) if depth(inner) > depth(e) => e = inner,
            _ => break,
        }
    }
    e
}

/// The pointer of what is wrong: of a member that should not be there, not of the object around it.
fn place(e: &ValidationError<'_>) -> String {
    let mut pointer = e.instance_path().as_str().to_owned();
    if let ValidationErrorKind::AdditionalProperties { unexpected }
    | ValidationErrorKind::UnevaluatedProperties { unexpected } = e.kind()
        && let Some(name) = unexpected.first()
    {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

fn told(e: &ValidationError<'_>) -> String {
    let is_short = match &**e.instance() {
        serde_json::Value::String(text) => text.len() <= TOLD,
        value => !value.is_array() && !value.is_object(),
    };
    if is_short { e.to_string() } else { e.masked_with("the value").to_string() }
}
