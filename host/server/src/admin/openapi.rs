//! The API described by OpenAPI 3.1, written from the table of endpoints.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::METRICS_PATH;
use super::endpoints::{ALL, Endpoint, OPENAPI};
use super::speak::{Body, whole};
use super::wire::{BASE, Problem, SIGNATURE, Status};
use crate::dispatch::STATUS_PATH;

/// It is the same for the life of the program.
static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));

pub(super) fn answer() -> Response<Body> {
    let mut response = Response::new(whole(TEXT.clone()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in ALL.iter() {
        let path = paths.entry(format!("{BASE}{}", endpoint.path)).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.as_str().to_lowercase(), operation(endpoint, &mut generator));
        }
    }
    for (path, operation) in open(&mut generator) {
        paths.insert(path.to_owned(), json!({ "get": operation }));
    }
    let problem = generator.subschema_for::<Problem>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Auricle admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Deployments, executions, the queue and access of an Auricle host. Times are milliseconds since 1970.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Problem": {
                    "description": "What is wrong, and what to do.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let (status, response) = (endpoint.gives)(generator);
    let mut parameters = path_parameters(endpoint.path);
    parameters.extend(query_parameters((endpoint.query)(generator)));
    if endpoint.path == "/packages/{digest}" && endpoint.method == Method::PUT {
        parameters.push(json!({
            "name": SIGNATURE, "in": "header", "required": false, "schema": { "type": "string" },
            "description": "Base64 of an Ed25519 signature over the 32 bytes of the digest.",
        }));
    }
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": format!("Role: {}.", endpoint.role),
        "tags": [tag(endpoint.path)],
        "parameters": parameters,
        "responses": {
            status.to_string(): response,
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let (Some(body), Some(operation)) = ((endpoint.takes)(generator), operation.as_object_mut()) {
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

fn tag(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let schema = |name: &str| match name {
        "id" => json!({ "type": "string", "format": "uuid" }),
        "digest" => json!({ "type": "string", "pattern": "^sha256:[0-9a-fA-F]{64}$" }),
        "version" => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": schema(name) })).collect()
}

/// The fields of a query's type, one a parameter. Absent is their only way of being none.
fn query_parameters(schema: Value) -> Vec<Value> {
    let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({ "name": name, "in": "query", "required": false, "description": description, "schema": without_null(schema) })
    };
    fields.into_iter().map(parameter).collect()
}

fn without_null(mut schema: Value) -> Value {
    let Some(fields) = schema.as_object_mut() else { return schema };
    fields.remove("default");
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            fields.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    let alternatives = fields.get("anyOf").and_then(Value::as_array);
    let real =
        alternatives.map(|all| all.iter().filter(|one| one.get("type") != Some(&"null".into())).collect::<Vec<_>>());
    match real.as_deref() {
        Some([one]) => (*one).clone(),
        _ => schema,
    }
}

/// What needs no token.
fn open(generator: &mut SchemaGenerator) -> [(&'static str, Value); 3] {
    let operation = |name: &str, summary: &str, content: Value| {
        json!({
            "operationId": name,
            "summary": summary,
            "tags": ["host"],
            "security": [],
            "responses": { "200": { "description": summary, "content": content } },
        })
    };
    let status = json!({ "application/json": { "schema": generator.subschema_for::<Status>() } });
    let mut health = operation("status", "The host takes requests.", status.clone());
    if let Some(responses) = health.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("503".to_owned(), json!({ "description": "It does not, or not yet.", "content": status }));
    }
    [
        (STATUS_PATH, health),
        (METRICS_PATH, operation("metrics", "What the host counts.", json!({ "application/openmetrics-text": {} }))),
        (OPENAPI, operation("openapi", "This document.", json!({ "application/json": {} }))),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every `$ref` below a value.
    fn references<'v>(value: &'v Value, into: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(object) => {
                into.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, into));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, into)),
            _ => {}
        }
    }

    #[test]
    fn the_document_is_openapi_and_whole() {
        let text = document().to_string();
        let parsed: oas3::OpenApiV3Spec = oas3::from_json(&text).unwrap();
        assert_eq!(parsed.operations().count(), ALL.len() + 3);
        let document = document();
        let mut all = BTreeSet::new();
        references(&document, &mut all);
        assert!(!all.is_empty());
        for reference in all {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    #[test]
    fn a_query_parameter_is_never_null() {
        let document = document();
        let parameters =
            document.pointer("/paths/~1_admin~1v1~1executions/get/parameters").unwrap().as_array().unwrap();
        let of = |name: &str| &parameters.iter().find(|p| p["name"] == name).unwrap()["schema"];
        assert_eq!(of("failed")["type"], "boolean");
        assert_eq!(of("longer-ms")["type"], "integer");
        assert_eq!(of("failure")["type"], "string");
        assert!(parameters.iter().all(|p| !p["schema"].to_string().contains("null")), "{parameters:?}");
    }
}
