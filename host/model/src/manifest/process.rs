//! `[[process]]` and `[[connection]]`: what is run, and what it may reach.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::{Table, Value};
use super::{guard, limits, messages, package, url, values};
use crate::{
    AllowedHost, ConnectionDecl, DocumentType, FolderGrant, Grants, Mode, Operation, OperationKind, PackageRef,
    ProcessDecl, RetryPolicy,
};

/// Media type of single-data output where none is declared.
const CONTENT_TYPE: &str = "text/plain";
/// Page size of multiple outputs where none is declared.
const MAX_DOCUMENTS: u32 = 100;
/// The page sizes that a process or a route may ask for.
pub(super) const PAGE_SIZES: RangeInclusive<u32> = 1..=10_000;

/// How often a queued execution may be tried.
const ATTEMPTS: RangeInclusive<u32> = 1..=1000;
/// How long a pause between two tries may be.
const BACKOFF: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(7 * 24 * 3600);

/// Reads a `[[process]]`; none where a key that it needs is missing or wrong.
pub(super) fn read(mut table: Table<'_>) -> Option<ProcessDecl> {
    let scope = table.scope();
    let folder = &scope.source.folder;
    let name = table.require("name", "\"account-get\"").and_then(|value| {
        let name = value.parse(values::identifier("a process"))?;
        value.define("process", &name);
        Some(name)
    });
    let package = table
        .require("package", "\"target/wasm32-wasip2/release/account_get.wasm\"")
        .and_then(|value| value.parse(package::package(folder)));
    let kind = table.require("type", "\"get\"").and_then(|value| value.parse(values::one_of(OperationKind::NAMES)));
    let object = table.require("object", "\"Account\"").and_then(|value| value.parse(values::object));
    let mut documents = |key, example| {
        let value = table.require(key, example)?;
        value.parse(values::one_of::<DocumentType>(DocumentType::NAMES))
    };
    let input = documents("input", "\"none\"");
    let output = documents("output", "\"single-json\"");

    let content_type = table.get("content-type").and_then(|value| {
        let media_type = value.parse(values::media_type);
        // To write out the default is no mistake anywhere.
        let other = media_type.as_deref().is_some_and(|media_type| media_type != CONTENT_TYPE);
        if let Some(output) = output.filter(|output| other && *output != DocumentType::SingleData) {
            value.problem(without_effect(output));
        }
        media_type
    });
    let return_documents = table.flag("return-documents").unwrap_or(true);
    let max_documents = table.number("max-documents", PAGE_SIZES).unwrap_or(MAX_DOCUMENTS);
    let build = table.get("build").and_then(|value| {
        if let Some(PackageRef::Oci(_)) = package {
            value.problem(
                "has no effect: the package comes from a registry, where `auricle push` puts it: take one out",
            );
        }
        value.parse(values::not_empty)
    });
    let mode = table.get("mode").map_or(Some(Mode::General), |value| value.parse(values::one_of(Mode::NAMES)));
    let limits = limits::read(&mut table, mode);
    let grants = grants(&mut table);
    let retry = table.table("retry").map(retry).unwrap_or_default();
    let smoke = table.get("smoke").and_then(|value| guard::smoke(&value, input));
    let messages = messages::of_process(&mut table);
    table.finish();

    Some(ProcessDecl {
        name: name?,
        package: package?,
        build,
        build_dir: folder.clone(),
        mode: mode?,
        operation: Operation {
            kind: kind?,
            object: object?,
            input: input?,
            output: output?,
            content_type: content_type.unwrap_or_else(|| CONTENT_TYPE.to_owned()),
            return_documents,
            max_documents,
        },
        limits,
        grants,
        retry,
        smoke,
        messages,
    })
}

/// `{ attempts = 5, backoff = "1s", max-backoff = "5m" }`
fn retry(mut table: Table<'_>) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let attempts = table.number("attempts", ATTEMPTS).unwrap_or(usual.attempts);
    let backoff = table.parse("backoff", values::duration_within(BACKOFF)).unwrap_or(usual.backoff);
    let given = table.get("max-backoff");
    let max_backoff = given.as_ref().and_then(|value| value.parse(values::duration_within(BACKOFF)));
    let max_backoff = max_backoff.unwrap_or(usual.max_backoff.max(backoff));
    if let Some(value) = given.filter(|_| max_backoff < backoff) {
        value.problem("is shorter than `backoff`, which is the first pause: raise it");
    }
    table.finish();
    RetryPolicy { attempts, backoff, max_backoff }
}

/// Why a `content-type` is refused beside this output type.
pub(super) fn without_effect(output: DocumentType) -> String {
    format!("has no effect: the output is {output}, and only single-data takes a media type: take it out")
}

fn grants(table: &mut Table<'_>) -> Grants {
    let hosts = table.get("allow-hosts").and_then(|value| value.elements()).unwrap_or_default();
    let connections = table.get("connections").and_then(|value| value.elements()).unwrap_or_default();
    let connection = |value: &Value<'_>| {
        let name = value.text()?;
        value.refer("connection", name);
        Some(name.to_owned())
    };
    Grants {
        files: table.get("files").map(|value| folders(&value)).unwrap_or_default(),
        allow_hosts: hosts.iter().filter_map(allowed_host).collect(),
        connections: connections.iter().filter_map(connection).collect(),
        env: table.get("env").map(|value| environment(&value)).unwrap_or_default(),
    }
}

/// `{ "/data" = "./data", "/out" = { path = "./out", write = true } }`
fn folders(value: &Value<'_>) -> Vec<FolderGrant> {
    let mut folders: Vec<FolderGrant> = Vec::new();
    for (key, value) in value.entries().unwrap_or_default() {
        let folder = &value.scope().source.folder;
        let (host, write) = if let Some(mut table) = value.is_table().then(|| value.table()).flatten() {
            let host = table.require("path", "\"./data\"").and_then(|value| value.parse(values::path(folder)));
            let write = table.flag("write").unwrap_or(false);
            table.finish();
            (host, write)
        } else if value.is_text() {
            (value.parse(values::path(folder)), false)
        } else {
            value.mismatch("a path in quotes, or { path = \"...\", write = true }");
            (None, false)
        };
        match values::guest_path(key) {
            Err(message) => value.problem(message),
            Ok(guest) if folders.iter().any(|other| other.guest == guest) => {
                value.problem(format!("`{guest}` is granted twice: a guest sees one folder there"));
            }
            Ok(guest) => folders.extend(host.map(|host| FolderGrant { guest, host, write })),
        }
    }
    folders
}

/// `"https://example.com"` or `{ host = "https://erp.internal", private = true }`
fn allowed_host(value: &Value<'_>) -> Option<AllowedHost> {
    if value.is_text() {
        return value.parse(|text| url::allowed_host(text, false));
    }
    if !value.is_table() {
        value.mismatch("a URL in quotes, or { host = \"https://erp.internal\", private = true }");
        return None;
    }
    let mut table = value.table()?;
    let private = table.flag("private").unwrap_or(false);
    let host = table.require("host", "\"https://erp.internal\"");
    table.finish();
    host?.parse(|text| url::allowed_host(text, private))
}

fn environment(value: &Value<'_>) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for (name, value) in value.entries().unwrap_or_default() {
        match values::variable(name) {
            Err(message) => value.problem(message),
            Ok(name) => environment.extend(value.parse(values::variable_value).map(|text| (name, text))),
        }
    }
    environment
}

/// Reads a `[[connection]]`.
pub(super) fn connection(mut table: Table<'_>) -> Option<ConnectionDecl> {
    let scope = table.scope();
    let name = table.require("name", "\"erp\"").and_then(|value| {
        let name = value.parse(values::name)?;
        value.define("connection", &name);
        Some(name)
    });
    let url = table
        .require("url", "\"sqlite://erp.db\"")
        .and_then(|value| value.parse(|text| url::database(&scope.source.folder, text)));
    table.finish();
    Some(ConnectionDecl { name: name?, url: url? })
}
