//! What is different between two versions, and how a version is shown: never with its secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auricle_model::{Deployment, format_duration};
use auricle_store::{DeploymentVersion, Digest};
use serde_json::{Map, Value};

use crate::admin::wire::{Change, ChangeKind};

/// What stands for a secret.
const MASK: &str = "***";

/// Parts of names whose values are secrets, in lower case.
const SECRET: [&str; 9] = ["pass", "pwd", "secret", "token", "key", "credential", "auth", "private", "session"];

/// What is different, by path.
pub(crate) fn diff(from: &DeploymentVersion, to: &DeploymentVersion) -> Vec<Change> {
    let (before, after) = (leaves(from), leaves(to));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |path: &String| {
        let (before, after) = (before.get(path), after.get(path));
        let kind = match (before, after) {
            (Some(before), Some(after)) if before == after => return None,
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let shown = |value: Option<&Value>| value.map(|value| masked(path, value.clone()));
        Some(Change { path: path.clone(), kind, before: shown(before), after: shown(after) })
    };
    paths.into_iter().filter_map(change).collect()
}

/// What is declared, without passwords and other secrets.
pub(crate) fn shown(deployment: &Deployment) -> Value {
    masked("", written(deployment))
}

/// A deployment as values. Of the files that it took in their digests: the texts are long, and what looks like a password in one
/// is none.
fn written(deployment: &Deployment) -> Value {
    let mut deployment = deployment.clone();
    let schemas = deployment.profiles.iter_mut().flat_map(|profile| &mut profile.files);
    let wsdls = deployment.apis.iter_mut().filter_map(|api| api.soap_settings.wsdl.as_mut());
    for file in schemas.chain(wsdls) {
        file.text = Digest::of(file.text.as_bytes()).to_string();
    }
    // Serialising plain values to memory does not fail.
    serde_json::to_value(deployment).unwrap_or_default()
}

/// Every value of a version by its path, as the manifest writes it: `process[account-get].limits.timeout`.
fn leaves(version: &DeploymentVersion) -> BTreeMap<String, Value> {
    let Value::Object(mut all) = written(&version.deployment) else {
        return BTreeMap::new();
    };
    let mut leaves = BTreeMap::new();
    let lists = [("processes", "process"), ("apis", "api"), ("connections", "connection"), ("profiles", "profile")];
    for (list, table) in lists {
        for (name, mut value) in named(all.remove(list)) {
            if let Value::Object(declared) = &mut value {
                // What counts of a package are its bytes; where it was built is the affair of a desk.
                for key in ["package", "build", "build_dir"] {
                    declared.remove(key);
                }
                if let Some(digest) = version.packages.get(&name).filter(|_| table == "process") {
                    declared.insert("package".to_owned(), digest.to_string().into());
                }
            }
            flatten(format!("{table}[{name}]"), value, &mut leaves);
        }
    }
    if let Some(guard) = all.remove("guard") {
        flatten("deployment".to_owned(), guard, &mut leaves);
    }
    leaves
}

/// The tables of a list by their names.
fn named(list: Option<Value>) -> Vec<(String, Value)> {
    let Some(Value::Array(list)) = list else { return Vec::new() };
    let name = |value: &mut Value| value.as_object_mut()?.remove("name")?.as_str().map(str::to_owned);
    list.into_iter().filter_map(|mut value| Some((name(&mut value)?, value))).collect()
}

fn flatten(path: String, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(object) => match duration(&object) {
            Some(duration) => drop(into.insert(path, format_duration(duration).into())),
            None if object.is_empty() => drop(into.insert(path, Value::Object(object))),
            None => {
                for (name, value) in object {
                    flatten(format!("{path}.{}", name.replace('_', "-")), value, into);
                }
            }
        },
        // A route goes by what it answers, a SOAP operation by its name: one that is put between two others changes neither.
        Value::Array(list) if path.ends_with(".rest") => {
            for route in list {
                let of = format!("{path}[{} {}{}]", text(&route, "method"), text(&route, "path"), conditions(&route));
                flatten(of, route, into);
            }
        }
        Value::Array(list) if path.ends_with(".soap") => {
            for operation in list {
                let named = Some(text(&operation, "operation")).filter(|name| !name.is_empty());
                let of = format!("{path}[{}]", named.unwrap_or_else(|| text(&operation, "process")));
                flatten(of, operation, into);
            }
        }
        value => drop(into.insert(path, value)),
    }
}

/// A text of a table; empty where there is none.
fn text<'v>(table: &'v Value, key: &str) -> &'v str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The header conditions of a route, which tell it from another one of the same method and path; its object too.
fn conditions(route: &Value) -> String {
    let headers = route.get("headers").and_then(Value::as_array).into_iter().flatten();
    let object = route.get("object").and_then(Value::as_str).map(|object| format!(" of {object}"));
    let header = |header: &Value| format!(" {}={}", text(header, "name"), text(header, "value"));
    object.into_iter().chain(headers.map(header)).collect()
}

/// A duration as serde writes it.
fn duration(object: &Map<String, Value>) -> Option<Duration> {
    let part = |name: &str| object.get(name)?.as_u64();
    match object.len() {
        2 => Some(Duration::new(part("secs")?, u32::try_from(part("nanos")?).ok()?)),
        _ => None,
    }
}

/// A value that stands under a name, without what is secret in it.
fn masked(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) => {
            // Of what the manifest itself calls a key, nothing is secret; of what people name, much may be.
            let free = [".env.", ".properties."].iter().find_map(|part| name.split_once(part));
            let free = free.map(|(_, own)| own.to_ascii_lowercase());
            let is_secret = free.is_some_and(|own| SECRET.iter().any(|secret| own.contains(secret)));
            if is_secret { MASK.into() } else { url(&text).into() }
        }
        Value::Object(object) => {
            let masked = |(key, value): (String, Value)| {
                let value = masked(&format!("{name}.{key}"), value);
                (key, value)
            };
            Value::Object(object.into_iter().map(masked).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(|value| masked(name, value)).collect()),
        other => other,
    }
}

/// A text without the password of the URL that it may be, nor what its query says of secrets.
fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let end = rest.find('/').unwrap_or(rest.len());
    // The password may hold a `/` that should have been encoded: the last `@` ends it.
    let rest = match rest.rfind('@') {
        Some(at) => {
            let (user, host) = rest.split_at(at);
            match user.split_once(':') {
                Some((user, _)) => format!("{user}:{MASK}{host}"),
                None if at > end => format!("{MASK}{host}"),
                None => rest.to_owned(),
            }
        }
        None => rest.to_owned(),
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if SECRET.iter().any(|secret| key.to_ascii_lowercase().contains(secret)) => {
            format!("{key}={MASK}")
        }
        _ => pair.to_owned(),
    };
    let query = query.map(|query| format!("?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&")));
    format!("{scheme}://{rest}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use auricle_model::manifest::Manifest;

    use super::*;

    fn version(manifest: &str, package: &str) -> DeploymentVersion {
        let deployment = Manifest::parse("m", manifest, "/".as_ref()).unwrap().deployment;
        let packages = deployment.processes.iter().map(|p| (p.name.clone(), Digest::of(package.as_bytes()))).collect();
        DeploymentVersion {
            environment: "default".into(),
            version: 1,
            deployment,
            packages,
            source: None,
            fingerprint: None,
            note: None,
            deployed_by: None,
            deployed_at: SystemTime::UNIX_EPOCH,
        }
    }

    const PROCESS: &str =
        "[[process]]\nname='a'\npackage='a.wasm'\ntype='get'\nobject='A'\ninput='none'\noutput='single-json'\n";

    fn told(from: &str, to: &str) -> Vec<String> {
        let told = diff(&version(from, "x"), &version(to, "x")).into_iter().map(|change| {
            let value = |value: Option<Value>| value.map_or_else(String::new, |value| value.to_string());
            format!("{} {} -> {}", change.path, value(change.before), value(change.after))
        });
        told.collect()
    }

    #[test]
    fn what_is_different_is_told_as_the_manifest_writes_it() {
        let to = format!("{PROCESS}timeout='5s'\nenv={{A='1'}}\n[[api]]\nname='x'\nbase='/x'\n");
        let told = told(PROCESS, &to);
        assert!(told.contains(&r#"process[a].limits.timeout "30s" -> "5s""#.to_owned()), "{told:?}");
        assert!(told.contains(&r#"process[a].grants.env.A  -> "1""#.to_owned()), "{told:?}");
        assert!(told.contains(&r#"api[x].base  -> "/x""#.to_owned()), "{told:?}");
        assert!(super::diff(&version(PROCESS, "x"), &version(PROCESS, "x")).is_empty());
        let [package] = &diff(&version(PROCESS, "x"), &version(PROCESS, "y"))[..] else { panic!() };
        assert_eq!((&*package.path, package.kind), ("process[a].package", ChangeKind::Changed));
    }

    #[test]
    fn a_route_between_two_others_changes_neither() {
        let route = |path: &str| format!("[[api.rest]]\nmethod='GET'\npath='{path}'\nprocess='a'\n");
        let api = format!("{PROCESS}[[api]]\nname='x'\nbase='/x'\n");
        let before = format!("{api}{}{}", route("a"), route("c"));
        let after = format!("{api}{}{}{}", route("a"), route("b"), route("c"));
        let told = told(&before, &after);
        assert!(!told.is_empty() && told.iter().all(|told| told.starts_with("api[x].rest[GET b].")), "{told:?}");
    }

    #[test]
    fn a_schema_and_a_soap_operation_are_told_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let with = |schema: &str, soap: &str| {
            std::fs::write(folder.path().join("p.xsd"), schema).unwrap();
            let manifest =
                format!("{PROCESS}[[profile]]\nname='P'\nfile='p.xsd'\n[[api]]\nname='x'\nbase='/x'\n{soap}");
            let mut version = version(PROCESS, "x");
            version.deployment = Manifest::parse("m", &manifest, folder.path()).unwrap().deployment;
            version
        };
        let operation = |name: &str| format!("[[api.soap]]\nprocess='a'\n{name}\n");
        let before = with("<!-- http://a:b@c -->", &operation(""));
        let after = with("<!-- http://d:e@f -->", &(operation("operation='find'") + &operation("")));
        let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
        let changes = diff(&before, &after);
        let [of_operation @ .., of_profile] = &changes[..] else { panic!() };
        assert!(of_operation.iter().all(|change| change.path.starts_with("api[x].soap[find].")), "{changes:?}");
        assert_eq!((&*of_profile.path, of_profile.kind), ("profile[P].files", ChangeKind::Changed));
        assert_eq!(
            of_profile.before,
            Some(serde_json::json!([{"path": "p.xsd", "text": digest("<!-- http://a:b@c -->")}]))
        );
        let shown = shown(&after.deployment).to_string();
        assert!(shown.contains(&digest("<!-- http://d:e@f -->")) && !shown.contains("d:e"), "{shown}");
    }

    #[test]
    fn a_secret_is_told_to_be_another_one_and_not_shown() {
        let with = |secret: &str| {
            format!(
                "{PROCESS}env={{ERP_TOKEN='{secret}',MODE='m'}}\n[[connection]]\nname='erp'\nurl='postgres://joe:{secret}@db/erp?sslpassword={secret}&x=1'\n"
            )
        };
        let told = told(&with("one"), &with("two"));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|told| !told.contains("one") && !told.contains("two")), "{told:?}");
        let shown = shown(&version(&with("hidden"), "x").deployment).to_string();
        assert!(!shown.contains("hidden") && shown.contains(r#""MODE":"m""#), "{shown}");
        assert!(shown.contains("postgres://joe:***@db/erp?sslpassword=***&x=1"), "{shown}");
    }
}
