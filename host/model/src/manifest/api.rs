//! `[[api]]` and `[[api.rest]]`: what is published, and where. `[[api.soap]]` is read by `soap`.

use super::process::PAGE_SIZES;
use super::reader::{Table, Value};
use super::{messages, soap, values};
use crate::{ApiDecl, DocumentType, RouteDecl, RouteHeader};

/// Reads an `[[api]]`; none where a key that it needs is missing or wrong.
pub(super) fn read(mut table: Table<'_>) -> Option<ApiDecl> {
    table.later("odata");
    let name = table.require("name", "\"crm\"").and_then(|value| {
        let name = value.parse(values::name)?;
        value.define("api", &name);
        Some(name)
    });
    let base = table.require("base", "\"/crm\"").and_then(|value| value.parse(values::base));
    let title = table.parse("title", values::any);
    let version = table.parse("version", values::not_empty).unwrap_or_else(|| "1.0.0".to_owned());
    let description = table.parse("description", values::any).unwrap_or_default();
    let headers = table.get("headers").map(|value| passed_headers(&value)).unwrap_or_default();
    // All are read, so that all their mistakes are noted. With one left out, the others would have wrong indexes.
    let routes: Vec<Option<RouteDecl>> = table.tables("rest").into_iter().map(route).collect();
    let rest = routes.into_iter().collect::<Option<_>>().unwrap_or_default();
    let (soap_settings, soap) = soap::read(&mut table);
    table.finish();

    let name = name?;
    let title = title.unwrap_or_else(|| name.clone());
    Some(ApiDecl { name, base: base?, title, version, description, headers, rest, soap, soap_settings })
}

/// Header names, none twice whatever their case: a process sees one spelling.
fn passed_headers(value: &Value<'_>) -> Vec<String> {
    let mut headers: Vec<String> = Vec::new();
    for value in value.elements().unwrap_or_default() {
        let Some(name) = value.parse(values::header_name) else { continue };
        if headers.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            value.problem(format!("`{name}` is listed twice: header names have no case"));
        } else {
            headers.push(name);
        }
    }
    headers
}

fn route(mut table: Table<'_>) -> Option<RouteDecl> {
    let method = table.require("method", "\"GET\"").and_then(|value| value.parse(values::method));
    let path = table.parse("path", values::route_path).unwrap_or_default();
    let process = table.require("process", "\"account-get\"").and_then(|value| {
        let name = value.text()?;
        value.refer("process", name);
        Some(name.to_owned())
    });
    let object = table.parse("object", values::route_object);
    let input = table.parse("input", values::one_of(DocumentType::NAMES));
    let output = table.parse("output", values::one_of(DocumentType::NAMES));
    let content_type = table.parse("content-type", values::media_type);
    let max_documents = table.number("max-documents", PAGE_SIZES);
    let headers = table.get("headers").map(|value| conditions(&value)).unwrap_or_default();
    let exact = table.flag("exact").unwrap_or(false);
    let messages = messages::of_route(&mut table);
    table.finish();

    Some(RouteDecl {
        method: method?,
        path,
        process: process?,
        object,
        input,
        output,
        content_type,
        max_documents,
        headers,
        exact,
        messages,
    })
}

/// `{ Content-Type = "json" }`
fn conditions(value: &Value<'_>) -> Vec<RouteHeader> {
    let mut conditions: Vec<RouteHeader> = Vec::new();
    for (name, value) in value.entries().unwrap_or_default() {
        match values::header_name(name) {
            Err(message) => value.problem(message),
            Ok(name) if conditions.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) => {
                value.problem(format!("`{name}` has two conditions: header names have no case"));
            }
            Ok(name) => conditions.extend(value.parse(values::not_empty).map(|value| RouteHeader { name, value })),
        }
    }
    conditions
}
