//! Profiles from outside: schemas that are refused, messages both ways, validation, the XML Schema that is served.

mod conversion;
mod refused;
mod round_trip;
mod served;
mod validation;

use auricle_model::{ProfileDecl, ProfileKind, SourceFile};

use super::{Profile, SchemaError};

/// Everything that a profile can have.
pub(super) const ORDER: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "description": "What somebody wants.",
    "type": "object",
    "required": ["Id", "Lines", "Total"],
    "properties": {
        "Id": { "type": "string", "pattern": "^[A-Z]{2}\\d{4}$", "description": "Two letters & four digits." },
        "Status": { "enum": ["open", "on hold", "it's <done>"] },
        "Placed": { "type": "string", "format": "date-time" },
        "Due": { "type": ["string", "null"], "format": "date" },
        "At": { "type": "string", "format": "time" },
        "Key": { "type": "string", "format": "uuid" },
        "Link": { "type": "string", "format": "uri-reference", "maxLength": 100 },
        "Note": { "type": "string", "minLength": 1, "maxLength": 40 },
        "Scan": { "type": "string", "contentEncoding": "base64" },
        "Rush": { "type": "boolean" },
        "Count": { "type": "integer" },
        "Huge": { "type": "integer", "minimum": 0, "maximum": 1e30 },
        "Grade": { "type": "integer", "minimum": 1, "maximum": 5 },
        "Total": { "type": "number", "exclusiveMinimum": -1e3 },
        "Rate": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
        "Address": { "$ref": "#/$defs/Address", "description": "Where to." },
        "Lines": { "type": "array", "maxItems": 4, "items": {
            "type": "object",
            "required": ["Sku"],
            "properties": {
                "Sku": { "type": "string" },
                "Tags": { "type": "array", "items": { "type": "string" } },
                "Marks": { "type": "array", "minItems": 1, "items": { "type": ["integer", "null"] } },
                "Parts": { "type": "array", "items": { "$ref": "#/$defs/Part" } }
            },
            "additionalProperties": false
        } },
        "Root": { "$ref": "#/$defs/Part" }
    },
    "$defs": {
        "Address": { "allOf": [{ "$ref": "#/$defs/Place" }, { "properties": { "Street": { "type": "string" } } }] },
        "Place": { "type": "object", "required": ["City"], "properties": {
            "City": { "type": "string" }, "Kind": { "$ref": "#/$defs/Kind" }
        } },
        "Kind": { "type": "string", "enum": ["home", "work"] },
        "Part": { "type": "object", "properties": {
            "Name": { "type": "string" }, "Inner": { "type": "array", "items": { "$ref": "#/$defs/Part" } }
        } }
    }
}"##;

pub(super) fn declared(schema: &str, root: &str, kind: ProfileKind) -> Result<Profile, Vec<SchemaError>> {
    let file = SourceFile { path: "profiles/it.json".into(), text: schema.into() };
    Profile::new(&ProfileDecl { name: "it".into(), root: root.into(), kind, files: vec![file] })
}

/// A JSON profile.
pub(super) fn profile(schema: &str, root: &str) -> Profile {
    declared(schema, root, ProfileKind::JsonSchema).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// One with these properties, all of them required.
pub(super) fn with(properties: &str) -> Profile {
    let names: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&format!("{{{properties}}}")).unwrap();
    let required = serde_json::to_string(&names.keys().collect::<Vec<_>>()).unwrap();
    profile(&format!(r#"{{"type":"object","properties":{{{properties}}},"required":{required}}}"#), "R")
}

pub(super) fn to_xml(profile: &Profile, json: &str) -> Result<String, String> {
    let mut xml = String::new();
    profile.to_xml(json, &mut xml).map(|_| xml)
}

pub(super) fn to_json(profile: &Profile, xml: &str) -> Result<String, String> {
    let mut documents = profile.to_json(xml, &[0]).map_err(|violation| violation.to_string())?;
    Ok(String::from_utf8(documents.remove(0).to_vec()).unwrap())
}
