//! `[[api.soap]]`, and the keys of an `[[api]]` that hold for all of its SOAP operations.

use std::collections::HashMap;

use super::process::PAGE_SIZES;
use super::profile::source_file;
use super::reader::{Table, Value};
use super::{messages, values};
use crate::{ApiDecl, DocumentType, ProcessDecl, SoapDecl, SoapSettings, SoapVersions, WsdlSchema};

const OMIT: &str = "omit-wrappers";
const PASSTHROUGH: &str = "envelope-passthrough";

/// The keys of an `[[api]]`, and its `[[api.soap]]`.
pub(super) fn read(table: &mut Table<'_>) -> (SoapSettings, Vec<SoapDecl>) {
    let usual = SoapSettings::default();
    let namespace = table.get("namespace");
    let service_name = table.get("service-name");
    let versions = table.get("soap-version");
    let omit_wrappers = table.get(OMIT);
    let envelope_passthrough = table.get(PASSTHROUGH);
    let wsdl = table.get("wsdl");
    let wsdl_schema = table.get("wsdl-schema");
    let operations = table.tables("soap");

    if operations.is_empty() {
        let given = [&namespace, &service_name, &versions, &omit_wrappers, &envelope_passthrough, &wsdl, &wsdl_schema];
        for value in given.into_iter().flatten() {
            value.problem("has no effect: this API has no [[api.soap]]: write one, or take it out");
        }
    } else if wsdl.is_some() {
        for value in [&service_name, &wsdl_schema].into_iter().flatten() {
            value.problem("has no effect: with `wsdl` the WSDL is your own, and none is made: take one out");
        }
    }
    let flag = |value: Option<Value<'_>>| value.and_then(|value| value.flag()).unwrap_or(false);
    let settings = SoapSettings {
        namespace: namespace.and_then(|value| value.parse(values::namespace)).unwrap_or(usual.namespace),
        service_name: service_name.and_then(|value| value.parse(values::xml_name)),
        versions: versions.and_then(|value| value.parse(values::one_of(SoapVersions::NAMES))).unwrap_or(usual.versions),
        omit_wrappers: flag(omit_wrappers),
        envelope_passthrough: flag(envelope_passthrough),
        wsdl_schema: wsdl_schema
            .and_then(|value| value.parse(values::one_of(WsdlSchema::NAMES)))
            .unwrap_or(usual.wsdl_schema),
        wsdl: wsdl.and_then(|value| source_file(&value)),
    };
    // All are read, so that all their mistakes are noted. With one left out, the others would have wrong indexes.
    let operations: Vec<Option<SoapDecl>> = operations.into_iter().map(|table| operation(table, &settings)).collect();
    let operations = operations.into_iter().collect::<Option<_>>().unwrap_or_default();
    (settings, operations)
}

fn operation(mut table: Table<'_>, api: &SoapSettings) -> Option<SoapDecl> {
    let process = table.require("process", "\"account-get\"").and_then(|value| {
        let name = value.text()?;
        value.refer("process", name);
        Some(name.to_owned())
    });
    let keys = table.get("keys");
    let query = table.get("query");
    let omit_wrappers = table.flag(OMIT);
    let envelope_passthrough = table.flag(PASSTHROUGH);
    let returns_fault = table.get("returns-fault");

    let passthrough = envelope_passthrough.unwrap_or(api.envelope_passthrough);
    let wrapped = !passthrough && !omit_wrappers.unwrap_or(api.omit_wrappers);
    for value in [&keys, &query].into_iter().flatten().filter(|_| !wrapped) {
        let cause = if passthrough { PASSTHROUGH } else { OMIT };
        value.problem(format!(
            "has no effect: it names children of the wrapper, which `{cause}` does without: take it out"
        ));
    }
    if let Some(value) = returns_fault.as_ref().filter(|_| !passthrough) {
        value.problem(format!(
            "has no effect without `{PASSTHROUGH}`: only a process that writes envelopes writes faults"
        ));
    }
    let keys = keys.map(|value| children(&value, &[]));
    let query = query.map(|value| children(&value, keys.as_deref().unwrap_or_default())).unwrap_or_default();
    let decl = SoapDecl {
        process: process.clone().unwrap_or_default(),
        operation: table.parse("operation", values::xml_name),
        description: table.parse("description", values::any).unwrap_or_default(),
        object: table.parse("object", values::xml_name),
        input: table.parse("input", values::one_of(DocumentType::NAMES)),
        output: table.parse("output", values::one_of(DocumentType::NAMES)),
        max_documents: table.number("max-documents", PAGE_SIZES),
        keys,
        query,
        omit_wrappers,
        envelope_passthrough,
        returns_fault: returns_fault.and_then(|value| value.flag()).unwrap_or(false),
        messages: messages::of_operation(&mut table),
    };
    table.finish();
    process.map(|_| decl)
}

/// Names of children of a wrapper, none twice and none of `others`.
fn children(value: &Value<'_>, others: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for value in value.elements().unwrap_or_default() {
        let Some(name) = value.parse(values::xml_name) else { continue };
        if names.contains(&name) {
            value.problem(format!("`{name}` is listed twice: a request has one such child"));
        } else if others.contains(&name) {
            value.problem(format!("`{name}` is among `keys` too: a child is one or the other"));
        } else {
            names.push(name);
        }
    }
    names
}

/// What is wrong with the SOAP operations of an API beside their processes.
pub(super) fn check(api: &ApiDecl, processes: &HashMap<&str, &ProcessDecl>, note: &impl Fn(&str, String)) {
    let settings = &api.soap_settings;
    for (index, soap) in api.soap.iter().enumerate() {
        let Some(process) = processes.get(soap.process.as_str()) else { continue };
        let key = |key: &str| format!("api[{}].soap[{index}].{key}", api.name);
        let operation = soap.in_force(&process.operation);
        let (input, output) = (operation.input, operation.output);
        let passthrough = soap.envelope_passthrough.unwrap_or(settings.envelope_passthrough);

        if passthrough && !matches!(input, DocumentType::SingleXml | DocumentType::SingleData) {
            let message = format!(
                "the input is {input}, and with `{PASSTHROUGH}` it is one envelope: write `input = \"single-xml\"`"
            );
            note(&key("input"), message);
        }
        if passthrough && soap.messages.over(&process.messages).validate {
            let message = format!(
                "has no effect with `{PASSTHROUGH}`: the process gets the envelope unread: write `validate = false`"
            );
            note(&key("validate"), message);
        }
        // Without passthrough it was refused where it is written.
        if passthrough && soap.returns_fault {
            let cause = if !output.is_single() {
                Some(format!("the output is {output}, and only a single document can be an envelope"))
            } else if operation.is_receipt() {
                Some("with `return-documents = false` no document of the process is sent".to_owned())
            } else {
                None
            };
            if let Some(cause) = cause {
                note(&key("returns-fault"), format!("has no effect: {cause}: take it out"));
            }
        }
        for (side, documents) in [("input", input), ("output", output)] {
            if documents == DocumentType::SingleData && !passthrough {
                note(
                    &key(side),
                    format!("the {side} is single-data, which SOAP has no element for: write an XML or JSON type"),
                );
            }
        }
        let omit = soap.omit_wrappers.unwrap_or(settings.omit_wrappers);
        if omit && !passthrough && input.is_multiple() {
            let at = if soap.omit_wrappers.is_some() { key(OMIT) } else { key("input") };
            note(
                &at,
                format!("the input is {input}, and with `{OMIT}` a body holds one document: write `{OMIT} = false`"),
            );
        }
        let name = soap.operation.clone().unwrap_or_else(|| operation.name());
        if !values::is_xml_name(&name) {
            note(
                &key("operation"),
                format!("it would be called `{name}`, which is no XML name: write `operation = \"...\"`"),
            );
        }
        if (input.is_multiple() || output.is_multiple()) && !values::is_xml_name(&operation.object) {
            let object = &operation.object;
            note(
                &key("object"),
                format!("its lists would be called after `{object}`, which is no XML name: write `object = \"...\"`"),
            );
        }
    }
}
