//! `request-profile`, `response-profile`, `fault-profile` and `validate`, of a process and of what overrides it.
//!
//! A profile that its documents cannot follow, or that nothing would be held against, is a mistake: [`check`] finds it once all is
//! read.

use std::collections::HashMap;

use super::reader::{Table, Value};
use crate::{Deployment, DocumentType, MessageOverrides, Messages, Operation, ProcessDecl, ProfileKind};

const REQUEST: &str = "request-profile";
const RESPONSE: &str = "response-profile";
const FAULT: &str = "fault-profile";
const VALIDATE: &str = "validate";

/// The keys of a process.
pub(super) fn of_process(table: &mut Table<'_>) -> Messages {
    let overrides = of_operation(table);
    overrides.over(&Messages::default())
}

/// The keys of a SOAP operation.
pub(super) fn of_operation(table: &mut Table<'_>) -> MessageOverrides {
    MessageOverrides {
        request: profile(table, REQUEST),
        response: profile(table, RESPONSE),
        fault: profile(table, FAULT),
        validate: table.flag(VALIDATE),
    }
}

/// The keys of a route: the other two say nothing that REST would act on.
pub(super) fn of_route(table: &mut Table<'_>) -> MessageOverrides {
    let request = profile(table, REQUEST);
    MessageOverrides { request, validate: table.flag(VALIDATE), ..MessageOverrides::default() }
}

fn profile(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    let refer = |value: Value<'_>| {
        let name = value.text()?;
        value.refer("profile", name);
        Some(name.to_owned())
    };
    table.get(key).and_then(refer)
}

/// Who takes messages of which types: a process, a route or a SOAP operation.
struct Endpoint<'a> {
    /// Its path in the manifest.
    key: String,
    /// What it says itself.
    own: MessageOverrides,
    /// What is in force.
    messages: Messages,
    operation: Operation,
    /// Whether it writes an input type of its own, an output type of its own.
    overrides: [bool; 2],
    kinds: &'a HashMap<&'a str, ProfileKind>,
}

/// What is wrong with the profiles of processes, routes and SOAP operations.
pub(super) fn check(deployment: &Deployment, processes: &HashMap<&str, &ProcessDecl>, note: &impl Fn(&str, String)) {
    let kinds = &deployment.profiles.iter().map(|profile| (profile.name.as_str(), profile.kind)).collect();
    for process in &deployment.processes {
        let Messages { request, response, fault, validate } = process.messages.clone();
        let endpoint = Endpoint {
            key: format!("process[{}]", process.name),
            own: MessageOverrides { request, response, fault, validate: Some(validate) },
            messages: process.messages.clone(),
            operation: process.operation.clone(),
            overrides: [false; 2],
            kinds,
        };
        endpoint.check(note);
    }
    for api in &deployment.apis {
        for (index, route) in api.rest.iter().enumerate() {
            let Some(process) = processes.get(route.process.as_str()) else { continue };
            let messages = route.messages.over(&process.messages);
            let endpoint = Endpoint {
                key: format!("api[{}].rest[{index}]", api.name),
                own: route.messages.clone(),
                operation: route.operation(&process.operation),
                // Without validation REST has no use for what it inherits.
                overrides: [route.input.is_some() && messages.validate, false],
                messages,
                kinds,
            };
            endpoint.check(note);
        }
        for (index, soap) in api.soap.iter().enumerate() {
            let Some(process) = processes.get(soap.process.as_str()) else { continue };
            let endpoint = Endpoint {
                key: format!("api[{}].soap[{index}]", api.name),
                own: soap.messages.clone(),
                messages: soap.messages.over(&process.messages),
                operation: soap.in_force(&process.operation),
                overrides: [soap.input.is_some(), soap.output.is_some()],
                kinds,
            };
            endpoint.check(note);
        }
    }
}

impl Endpoint<'_> {
    fn check(&self, note: &impl Fn(&str, String)) {
        let Self { own, messages, operation, .. } = self;
        let [input, output] = self.overrides;
        let sides = [
            (REQUEST, "input", &own.request, &messages.request, operation.input, input),
            (RESPONSE, "output", &own.response, &messages.response, operation.output, output),
            (FAULT, "output", &own.fault, &messages.fault, operation.output, output),
        ];
        for (key, side, own, in_force, documents, overridden) in sides {
            let Some(name) = in_force else { continue };
            if own.is_some() {
                if let Some(message) = self.useless(key, side, documents).or_else(|| self.misfit(name, side, documents))
                {
                    note(&format!("{}.{key}", self.key), message);
                }
            } else if let Some(message) = self.misfit(name, side, documents).filter(|_| overridden) {
                note(&format!("{}.{side}", self.key), message);
            }
        }
        if own.validate == Some(true) && messages.request.is_none() {
            let message =
                format!("has no effect: no `{REQUEST}` says what a request has to be: name one, or take it out");
            note(&format!("{}.{VALIDATE}", self.key), message);
        }
    }

    /// Why a profile is refused that nothing would be held against.
    fn useless(&self, key: &str, side: &str, documents: DocumentType) -> Option<String> {
        match documents {
            DocumentType::None => Some(format!("has no effect: the {side} is none: take it out")),
            DocumentType::SingleData => {
                Some(format!("has no effect: the {side} is single-data, which may be anything: take it out"))
            }
            _ if key == FAULT && documents.is_multiple() => Some(format!(
                "has no effect: the output is {documents}, and only a single document can be a fault: take it out"
            )),
            _ => None,
        }
    }

    /// Why documents cannot follow the profile of this name.
    fn misfit(&self, name: &str, side: &str, documents: DocumentType) -> Option<String> {
        let (is, other) = match self.kinds.get(name)? {
            ProfileKind::Xsd if documents.is_json() => ("an XML Schema", "a JSON Schema"),
            ProfileKind::JsonSchema if documents.is_xml() => ("a JSON Schema", "an XML Schema"),
            _ => return None,
        };
        Some(format!("profile `{name}` is {is}, and the {side} is {documents}: name a profile that is {other}"))
    }
}
