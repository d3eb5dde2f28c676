//! What only the whole can be wrong in: two declarations that do not go together.
//!
//! Runs on the declarations that could be read, when all files have been. Linear in their number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::process::without_effect;
use super::reader::Findings;
use super::server::{RESERVED, is_under, named};
use super::{Places, messages, soap};
use crate::{ApiDecl, Deployment, DocumentType, ProcessDecl, ServerConfig, SoapVersions};

pub(super) fn check(server: &ServerConfig, deployment: &Deployment, places: &Places, findings: &Findings) {
    let note = |key: &str, message: String| findings.add(Some(places.locate(key)), key, message);
    one_process_for_each_name(&deployment.processes, places, &note);
    one_api_for_each_base(&deployment.apis, places, &note);
    let processes = deployment.processes.iter().map(|process| (process.name.as_str(), process)).collect();
    messages::check(deployment, &processes, &note);
    for api in &deployment.apis {
        for message in collisions(server, api) {
            note(&format!("api[{}].base", api.name), message);
        }
        content_types(api, &processes, &note);
        soap::check(api, &processes, &note);
    }
}

/// Simple HTTP finds a process by its operation's name alone.
fn one_process_for_each_name(processes: &[ProcessDecl], places: &Places, note: &impl Fn(&str, String)) {
    let mut first: HashMap<String, &str> = HashMap::new();
    for process in processes {
        match first.entry(process.operation.name()) {
            Entry::Vacant(free) => drop(free.insert(&process.name)),
            // Two processes of one name are a problem already.
            Entry::Occupied(taken) if *taken.get() == process.name => {}
            Entry::Occupied(taken) => {
                let (name, other) = (taken.key(), taken.get());
                let there = places.locate(&format!("process[{other}]"));
                note(
                    &format!("process[{}].object", process.name),
                    format!(
                        "the operation is called `{name}`, and so is that of process `{other}` at {there}: change the \
                         type or the object of one"
                    ),
                );
            }
        }
    }
}

fn one_api_for_each_base(apis: &[ApiDecl], places: &Places, note: &impl Fn(&str, String)) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    for api in apis {
        match first.entry(&api.base) {
            Entry::Vacant(free) => drop(free.insert(&api.name)),
            Entry::Occupied(taken) if *taken.get() == api.name => {}
            Entry::Occupied(taken) => {
                let other = taken.get();
                let there = places.locate(&format!("api[{other}].base"));
                let base = if api.base.is_empty() { "/" } else { &api.base };
                note(
                    &format!("api[{}].base", api.name),
                    format!("`{base}` is the base of api `{other}` already, at {there}: give each its own"),
                );
            }
        }
    }
}

/// What else is where an API would be. A root above its protocol's own is no collision: the longer wins.
fn collisions(server: &ServerConfig, api: &ApiDecl) -> Vec<String> {
    let versions = Some(api.soap_settings.versions).filter(|_| !api.soap.is_empty());
    let at = |root: &str| format!("{root}{}", api.base);
    let mut places = Vec::new();
    // One of SOAP alone has nothing there.
    if versions.is_none() || !api.rest.is_empty() {
        places.push(("rest-root", &server.roots.rest, "routes"));
    }
    if versions.is_some_and(|versions| versions != SoapVersions::V12) {
        places.push(("soap-root", &server.roots.soap, "SOAP 1.1"));
    }
    if versions.is_some_and(|versions| versions != SoapVersions::V11) {
        places.push(("soap12-root", &server.roots.soap12, "SOAP 1.2"));
    }
    let collision = |(own, root, what): (&str, &String, &str)| {
        let at = at(root);
        let roots = named(&server.roots).into_iter().filter(|(key, _)| *key != own);
        let (key, taken) = roots
            .chain(RESERVED.map(|own| ("", own)))
            .find(|(_, other)| is_under(&at, other) && !is_under(root, other))?;
        let owner = if key.is_empty() { "the server's own".to_owned() } else { format!("the `{key}`") };
        Some(format!("its {what} would be at `{at}`, and `{taken}` is {owner}: take another base or another `{own}`"))
    };
    places.into_iter().filter_map(collision).collect()
}

fn content_types(api: &ApiDecl, processes: &HashMap<&str, &ProcessDecl>, note: &impl Fn(&str, String)) {
    for (index, route) in api.rest.iter().enumerate() {
        let Some(process) = processes.get(route.process.as_str()) else { continue };
        let output = route.operation(&process.operation).output;
        if route.content_type.is_some() && output != DocumentType::SingleData {
            note(&format!("api[{}].rest[{index}].content-type", api.name), without_effect(output));
        }
    }
}
