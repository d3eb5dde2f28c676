//! What only the whole can be wrong in: two declarations that do not go together.
//!
//! Runs on the declarations that could be read, when all files have been. Linear in their number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Places;
use super::process::without_effect;
use super::reader::Findings;
use super::server::{RESERVED, is_under, named};
use crate::{ApiDecl, Deployment, DocumentType, ProcessDecl, ServerConfig};

pub(super) fn check(server: &ServerConfig, deployment: &Deployment, places: &Places, findings: &Findings) {
    let note = |key: &str, message: String| findings.add(Some(places.locate(key)), key, message);
    one_process_for_each_name(&deployment.processes, places, &note);
    one_api_for_each_base(&deployment.apis, places, &note);
    let processes = deployment.processes.iter().map(|process| (process.name.as_str(), process)).collect();
    for api in &deployment.apis {
        if let Some(message) = collision(server, api) {
            note(&format!("api[{}].base", api.name), message);
        }
        content_types(api, &processes, &note);
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

/// What else is where the REST routes of an API would be. A root above `rest-root` is no collision: the longer wins.
fn collision(server: &ServerConfig, api: &ApiDecl) -> Option<String> {
    let rest = server.roots.rest.as_str();
    let at = format!("{rest}{}", api.base);
    let roots = named(&server.roots).into_iter().filter(|(key, _)| *key != "rest-root");
    let (key, taken) =
        roots.chain(RESERVED.map(|own| ("", own))).find(|(_, root)| is_under(&at, root) && !is_under(rest, root))?;
    let owner = if key.is_empty() { "the server's own".to_owned() } else { format!("the `{key}`") };
    Some(format!("its routes would be at `{at}`, and `{taken}` is {owner}: take another base or another `rest-root`"))
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
