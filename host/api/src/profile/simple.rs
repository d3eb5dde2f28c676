//! From the JSON Schema of a string, a number or a boolean to a type of XML Schema.

use super::json::{Kind, Value};
use super::number;
use super::pattern;
use super::read::{Reader, listed};
use super::shape::{Simple, SimpleKind};
use crate::xsd::simple::{Facet, SimpleType};

/// What RFC 3339, which JSON Schema follows, asks of a date or time beyond XML Schema.
const DATE: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
const DATE_TIME: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):.*(Z|[+\\-][0-9]{2}:[0-9]{2})";
const TIME: &str = "([01][0-9]|2[0-3]):.*(Z|[+\\-][0-9]{2}:[0-9]{2})";
const UUID: &str = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";

type Facets = Vec<(&'static str, String)>;

impl<'a> Reader<'_, 'a> {
    /// `kind` is the type as JSON Schema names it, `name` that of an enumeration.
    pub(super) fn simple(&mut self, schema: Value<'_, 'a>, kind: &str, name: String) -> Option<Simple> {
        let (kind, base, format, mut facets) = match kind {
            "string" => string(schema),
            "integer" => (SimpleKind::Integer, integer(schema), None, bounds(schema, true)),
            "number" => (SimpleKind::Number, "decimal", None, bounds(schema, false)),
            _ => (SimpleKind::Boolean, "boolean", None, Vec::new()),
        };
        let is_enumeration = facets.iter().any(|(name, _)| *name == "enumeration");
        if is_enumeration && facets.iter().any(|(_, value)| super::unwritable(value).is_some()) {
            self.wrong(schema, "XML has no place for a character of the values");
            return None;
        }
        let format = Vec::from_iter(format.map(|pattern| ("pattern", pattern.to_owned())));
        let built = SimpleType::builtin(base).map_err(|message| vec![message]).and_then(|base| {
            let lexical = restricted(&base, &format)?;
            let pattern = facets.iter().position(|(name, _)| *name == "pattern");
            let full = match (restricted(&lexical, &facets), pattern) {
                // The pattern may be beyond the host's XML Schema; JSON Schema has its own.
                (Err(_), Some(index)) => {
                    facets.remove(index);
                    restricted(&lexical, &facets)?
                }
                (full, _) => full?,
            };
            Ok((lexical, full))
        });
        match built {
            Ok((lexical, full)) => {
                let facets = format.into_iter().chain(facets).collect();
                Some(Simple { kind, base, facets, name: is_enumeration.then_some(name), lexical, full })
            }
            Err(messages) => {
                messages.into_iter().for_each(|message| self.wrong(schema, message));
                None
            }
        }
    }
}

fn restricted(base: &SimpleType, facets: &Facets) -> Result<SimpleType, Vec<String>> {
    if facets.is_empty() {
        return Ok(base.clone());
    }
    let facets: Vec<_> =
        facets.iter().map(|(name, value)| Facet { name, value, fixed: false, namespaces: &|_| None }).collect();
    base.restrict(&facets).map_err(|errors| errors.into_iter().map(|e| e.message).collect())
}

/// Kind, base, the pattern of the format, and the facets of a string.
fn string(schema: Value<'_, '_>) -> (SimpleKind, &'static str, Option<&'static str>, Facets) {
    let text_of = |keyword| schema.get(keyword).and_then(Value::as_string);
    if text_of("contentEncoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        return (SimpleKind::Base64, "base64Binary", None, Vec::new());
    }
    let values = listed(schema);
    if !values.is_empty() {
        let texts = values.into_iter().filter(|value| value.kind() == Kind::String);
        return (
            SimpleKind::Text,
            "string",
            None,
            texts.map(|text| ("enumeration", text.string().into_owned())).collect(),
        );
    }
    let (kind, base, format) = match text_of("format").as_deref() {
        Some("date-time") => (SimpleKind::Token, "dateTime", Some(DATE_TIME)),
        Some("date") => (SimpleKind::Token, "date", Some(DATE)),
        Some("time") => (SimpleKind::Token, "time", Some(TIME)),
        Some("uuid") => (SimpleKind::Token, "string", Some(UUID)),
        Some("uri" | "uri-reference") => (SimpleKind::Token, "anyURI", None),
        _ => (SimpleKind::Text, "string", None),
    };
    let mut facets = Vec::new();
    if matches!(base, "string" | "anyURI") {
        for (keyword, facet) in [("minLength", "minLength"), ("maxLength", "maxLength")] {
            facets
                .extend(schema.get(keyword).and_then(|value| number::whole(value.text())).map(|value| (facet, value)));
        }
        if format.is_none() {
            facets.extend(text_of("pattern").and_then(|own| pattern::translated(&own)).map(|own| ("pattern", own)));
        }
    }
    (kind, base, format, facets)
}

/// The smallest type that holds all that the bounds allow; without them what most languages have.
fn integer(schema: Value<'_, '_>) -> &'static str {
    let bound = |inclusive, exclusive| {
        let value = schema.get(inclusive).or_else(|| schema.get(exclusive))?;
        Some(number::whole(value.text()).and_then(|digits| digits.parse::<i64>().ok()))
    };
    let (least, most) = (bound("minimum", "exclusiveMinimum"), bound("maximum", "exclusiveMaximum"));
    let is_int = |bound: Option<Option<i64>>| bound.flatten().is_some_and(|bound| i32::try_from(bound).is_ok());
    if least == Some(None) || most == Some(None) {
        "integer"
    } else if is_int(least) && is_int(most) || schema.get("format").is_some_and(|format| format.string() == "int32") {
        "int"
    } else {
        "long"
    }
}

fn bounds(schema: Value<'_, '_>, whole: bool) -> Facets {
    let bound = |keyword| {
        let text = schema.get(keyword)?.text();
        if whole { number::whole(text) } else { number::plain(text) }
    };
    let either = |inclusive: (_, _), exclusive: (_, _)| {
        let one = bound(inclusive.0).map(|value| (inclusive.1, value));
        one.or_else(|| bound(exclusive.0).map(|value| (exclusive.1, value)))
    };
    let least = either(("minimum", "minInclusive"), ("exclusiveMinimum", "minExclusive"));
    let most = either(("maximum", "maxInclusive"), ("exclusiveMaximum", "maxExclusive"));
    least.into_iter().chain(most).collect()
}
