//! The manifest as its users see it: what is accepted and what it means; any text at all.

mod deploying;
mod includes;
mod mistakes;
mod soap;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{AllowedHost, DocumentType, FolderGrant, Mode, OperationKind, PackageRef, RouteHeader};

const FOLDER: &str = "/srv/crm";

fn parse(text: &str) -> Result<Manifest, Problems> {
    Manifest::parse("auricle.toml", text, Path::new(FOLDER))
}

#[track_caller]
fn right(text: &str) -> Manifest {
    parse(text).unwrap_or_else(|problems| panic!("{text}\n---\n{problems}"))
}

/// A process `a` in five lines, with more keys after it.
fn process(more: &str) -> String {
    named_process("a", "A", more)
}

fn named_process(name: &str, object: &str, more: &str) -> String {
    format!(
        "[[process]]\nname = \"{name}\"\npackage = \"{name}.wasm\"\ntype = \"get\"\nobject = \"{object}\"\n\
         input = \"none\"\noutput = \"single-json\"\n{more}\n"
    )
}

/// Ten lines of process and API, then a route `GET` to `a`, with more keys.
fn route(more: &str) -> String {
    process("[[api]]\nname = \"crm\"\nbase = \"/crm\"\n[[api.rest]]") + "method = \"GET\"\n" + more
}

/// The process that section 3 of the interface has for an example, as it stands there.
const EXAMPLE: &str = r#"
[[process]]
name = "account-get"
package = "target/wasm32-wasip2/release/account_get.wasm"   # a path, or an OCI reference
build = "cargo build -p account-get --target wasm32-wasip2 --release"   # used by build, dev, demo
mode = "low-latency"                  # default "general"
type = "get"                          # get query create update upsert delete execute
object = "Account"
input = "none"                        # none single-data single-xml multiple-xml single-json multiple-json
output = "single-json"                # the same six
content-type = "text/plain"           # for single-data output
return-documents = true               # false: 200 OK at once, the execution is queued durably
max-documents = 100                   # page size of multiple-* outputs
timeout = "30s"
memory = "128MiB"
max-concurrent = 32
files = { "/data" = "./data" }        # granted folders (cap-std), read-only unless { path = "...", write = true }
allow-hosts = ["https://login.salesforce.com"]
connections = ["erp"]
env = { REGION = "eu" }
"#;

/// Everything that section 3 of the interface has in this version.
const COMPLETE: &str = r#"
[server]
listen = "127.0.0.1:9090"
admin-listen = "127.0.0.1:9091"
data-dir = ".auricle"
rest-root = "/ws/rest"
public-url = ""
trusted-proxies = []
max-request-bytes = "10MiB"
requests-per-second = 0
protected-headers = ["X-WSS-Secret"]

[[process]]
name = "account-get"
package = "target/wasm32-wasip2/release/account_get.wasm"
build = "cargo build -p account-get --target wasm32-wasip2 --release"
mode = "low-latency"
type = "get"
object = "Account"
input = "none"
output = "single-data"
content-type = "text/csv"
return-documents = true
max-documents = 100
timeout = "30s"
memory = "128MiB"
max-concurrent = 32
files = { "/data" = "./data", "/out/" = { path = "/var/out", write = true } }
allow-hosts = ["https://Login.Salesforce.com", { host = "http://erp.internal:8080/", private = true }, "http://[::1]"]
connections = ["erp"]
env = { REGION = "eu" }

[[connection]]
name = "erp"
url = "sqlite://erp.db?mode=ro"

[[api]]
name = "crm"
base = "crm/"
title = "CRM"
version = "2.0.0"
description = "Accounts"
headers = ["X-Trace"]
[[api.rest]]
method = "get"
path = "{Id}"
process = "account-get"
headers = { Content-Type = "json" }
exact = true
object = ""
input = "single-json"
output = "multiple-json"
max-documents = 7
"#;

#[test]
fn the_example_of_the_interface_is_right_as_it_stands() {
    let manifest = right(&format!("{EXAMPLE}[[connection]]\nname = \"erp\"\nurl = \"sqlite://erp.db\""));
    let operation = &manifest.deployment.processes[0].operation;
    assert_eq!((operation.output, operation.content_type.as_str()), (DocumentType::SingleJson, "text/plain"));
}

#[test]
fn the_complete_manifest_is_read() {
    let manifest = right(COMPLETE);
    assert_eq!(manifest.server, ServerConfig { data_dir: "/srv/crm/.auricle".into(), ..ServerConfig::default() });

    let process = manifest.deployment.process("account-get").unwrap();
    assert_eq!(process.package, PackageRef::Path("/srv/crm/target/wasm32-wasip2/release/account_get.wasm".into()));
    assert_eq!(process.build.as_deref(), Some("cargo build -p account-get --target wasm32-wasip2 --release"));
    assert_eq!(process.build_dir, Path::new(FOLDER));
    assert_eq!(process.mode, Mode::LowLatency);
    assert_eq!(process.operation.name(), "getAccount");
    assert_eq!(process.operation.kind, OperationKind::Get);
    assert_eq!(process.operation.output, DocumentType::SingleData);
    assert_eq!(process.operation.content_type, "text/csv");
    assert_eq!(process.limits, crate::Limits::default());
    assert_eq!(
        process.grants.files,
        [
            FolderGrant { guest: "/data".into(), host: "/srv/crm/data".into(), write: false },
            FolderGrant { guest: "/out".into(), host: "/var/out".into(), write: true },
        ]
    );
    let host = |scheme: &str, host: &str, port, private| AllowedHost {
        scheme: scheme.into(),
        host: host.into(),
        port,
        private,
    };
    assert_eq!(
        process.grants.allow_hosts,
        [
            host("https", "login.salesforce.com", 443, false),
            host("http", "erp.internal", 8080, true),
            host("http", "::1", 80, true)
        ]
    );
    assert_eq!(process.grants.connections, ["erp"]);
    assert_eq!(process.grants.env.get("REGION").map(String::as_str), Some("eu"));
    assert_eq!(manifest.deployment.connections.first().unwrap().url, "sqlite:///srv/crm/erp.db?mode=ro");

    let api = manifest.deployment.apis.first().unwrap();
    assert_eq!((&*api.base, &*api.title, &*api.version, &*api.description), ("/crm", "CRM", "2.0.0", "Accounts"));
    assert_eq!(api.headers, ["X-Trace"]);
    let route = api.rest.first().unwrap();
    assert_eq!((&*route.method, &*route.path, &*route.process, route.exact), ("GET", "{Id}", "account-get", true));
    assert_eq!(route.headers, [RouteHeader { name: "Content-Type".into(), value: "json".into() }]);
    let operation = route.operation(&process.operation);
    assert_eq!(
        (&*operation.object, operation.input, operation.output, operation.max_documents),
        ("", DocumentType::SingleJson, DocumentType::MultipleJson, 7)
    );
}

#[test]
fn limits_are_read() {
    let manifest = right(&process(
        "mode = \"low-latency\"\ncpu-timeout = \"2s\"\nmax-concurrent = 8\nmin-instances = 1\nmax-instances = 4\n\
         limits = { log = \"2MiB\", response = \"1MiB\", host-call = \"3MiB\", documents = \"4MiB\", handles = 5000, \
         table-elements = 6000, tables = 7, core-instances = 8, memories = 9 }",
    ));
    let limits = &manifest.deployment.process("a").unwrap().limits;
    assert_eq!(
        (limits.cpu_timeout(), limits.max_concurrent, limits.min_instances, limits.max_instances()),
        (Duration::from_secs(2), 8, 1, 4)
    );
    let bounds = crate::Bounds {
        log: 2 << 20,
        response: 1 << 20,
        host_call: 3 << 20,
        documents: 4 << 20,
        handles: 5000,
        table_elements: 6000,
        tables: 7,
        core_instances: 8,
        memories: 9,
    };
    assert_eq!(limits.bounds, bounds);
}

#[test]
fn what_is_not_written_has_its_default() {
    let manifest = right(&route("process = \"a\""));
    assert_eq!(manifest.server, ServerConfig { data_dir: "/srv/crm/.auricle".into(), ..ServerConfig::default() });
    let process = manifest.deployment.process("a").unwrap();
    assert_eq!(process.mode, Mode::General);
    assert_eq!(process.limits.timeout, Duration::from_secs(30));
    assert_eq!(process.limits.memory, 128 << 20);
    assert_eq!(process.limits.max_concurrent, 32);
    assert_eq!((process.limits.min_instances, process.limits.max_instances()), (0, 32));
    assert_eq!(process.limits.cpu_timeout(), Duration::from_secs(30));
    assert_eq!(process.limits.bounds, crate::Bounds::default());
    assert_eq!(process.grants, crate::Grants::default());
    let operation = &process.operation;
    assert_eq!(
        (&*operation.content_type, operation.return_documents, operation.max_documents),
        ("text/plain", true, 100)
    );
    let api = manifest.deployment.apis.first().unwrap();
    assert_eq!((&*api.title, &*api.version, &*api.description), ("crm", "1.0.0", ""));
    let route = api.rest.first().unwrap();
    assert_eq!((&*route.path, route.exact, &route.object), ("", false, &None));
    assert!(right("").deployment.processes.is_empty());
}

#[test]
fn every_server_key_is_read() {
    let server = right(
        "[server]\nlisten = \"[::]:0\"\nadmin-listen = \"localhost:81\"\ndata-dir = \"/var/lib/auricle\"\n\
         rest-root = \"\"\nsimple-root = \"simple//x/\"\nsoap-root = \"/s\"\nsoap12-root = \"/s12\"\n\
         odata-root = \"/o\"\nodata2-root = \"/o2\"\npublic-url = \"https://api.example.com:8443/crm/\"\n\
         trusted-proxies = [\"10.0.0.0/8\", \"::1\", \"0.0.0.0/0\"]\nmax-request-bytes = \"1KiB\"\n\
         requests-per-second = 5\nprotected-headers = []",
    )
    .server;
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(
        server,
        ServerConfig {
            listen: "[::]:0".into(),
            admin_listen: "localhost:81".into(),
            data_dir: "/var/lib/auricle".into(),
            roots: crate::Roots {
                rest: String::new(),
                simple: "/simple/x".into(),
                soap: "/s".into(),
                soap12: "/s12".into(),
                odata: "/o".into(),
                odata2: "/o2".into(),
            },
            public_url: "https://api.example.com:8443/crm".into(),
            trusted_proxies: vec![(ip("10.0.0.0"), 8), (ip("::1"), 128), (ip("0.0.0.0"), 0)],
            max_request_bytes: 1024,
            requests_per_second: 5,
            protected_headers: Vec::new(),
            ..ServerConfig::default()
        }
    );
}

#[test]
fn urls_of_databases_become_absolute_and_keep_the_rest() {
    let url = |given: &str, folder: &str| {
        let text = format!("[[connection]]\nname = \"c\"\nurl = \"{given}\"");
        Manifest::parse("auricle.toml", &text, Path::new(folder)).unwrap().deployment.connections.remove(0).url
    };
    assert_eq!(url("sqlite://./erp.db", FOLDER), "sqlite:///srv/crm/erp.db");
    assert_eq!(url("sqlite:erp.db", FOLDER), "sqlite:///srv/crm/erp.db");
    assert_eq!(url("sqlite:///var/erp.db?mode=rwc", FOLDER), "sqlite:///var/erp.db?mode=rwc");
    assert_eq!(url("sqlite://a%20b.db", "/50% off?"), "sqlite:///50%25 off%3F/a%20b.db");
    assert_eq!(url("postgres://u:p@db/erp?sslmode=require", FOLDER), "postgres://u:p@db/erp?sslmode=require");
    assert_eq!(url("mysql://db/erp", FOLDER), "mysql://db/erp");
}

#[test]
fn keys_are_located_by_others() {
    let manifest = right(COMPLETE);
    let at = |key: &str| {
        let location = manifest.locate(key);
        (location.line, location.column)
    };
    assert_eq!(at("process[account-get].package"), (15, 11));
    assert_eq!(at("process[account-get].files./out/.path"), (28, 50));
    assert_eq!(at("process[account-get]"), (13, 1));
    assert_eq!(at("api[crm].rest[0].process"), (47, 11));
    assert_eq!(at("api[crm].rest[0].content-type"), (44, 1), "not written: its table");
    assert_eq!(at("api[crm].rest[5].process"), (44, 1), "no such element: its list");
    assert_eq!(at("server.soap-root"), (2, 1));
    assert_eq!(at("nothing.like[this]"), (1, 1));
    assert_eq!(
        manifest.problem("process[account-get].package", "is no component").to_string(),
        "auricle.toml:15:11: process[account-get].package: is no component"
    );
}

/// Lines and pieces of manifests, right and wrong, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let lines: Vec<String> = COMPLETE
        .lines()
        .map(str::to_owned)
        .chain(
            ["[[", "]", "= 1", "a.b.c = {", "\"\"\"", "'", "\u{feff}", "name = \"é\"", "include = [\"x\"]"]
                .map(str::to_owned),
        )
        .chain(
            [
                "[[profile]]",
                "file = [\"no.xsd\"]",
                "[[api.soap]]",
                "keys = [\"Id\"]",
                "request-profile = \"P\"",
                "validate = true",
            ]
            .map(str::to_owned),
        )
        .collect();
    prop::collection::vec((prop::sample::select(lines), any::<bool>()), 0..40)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| if end { line + "\n" } else { line }).collect())
}

#[test]
fn depth_is_bounded() {
    for text in [
        "a.".repeat(100_000) + "a = 1",
        format!("[{}a]", "a.".repeat(100_000)),
        "a = ".to_owned() + &"[".repeat(100_000),
    ] {
        assert!(parse(&text).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any text gives a manifest or problems, and every problem is one line that says where.
    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), pieces(), "[\\[\\]{}\"'=.,a-c0-9\n #\\\\]{0,60}"]) {
        if let Err(Problems(problems)) = parse(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                let shown = problem.to_string();
                prop_assert!(shown.starts_with("auricle.toml:"), "{}", shown);
                prop_assert!(!shown.contains('\n'), "{}", shown);
            }
        }
    }

    /// Each key that is read is found where it was written.
    #[test]
    fn what_is_right_stays_right_whatever_is_above_it(blank in 0_usize..50) {
        let manifest = right(&("\n".repeat(blank) + COMPLETE));
        prop_assert_eq!(manifest.locate("process[account-get].package").line, 15 + blank);
        prop_assert_eq!(manifest.file, PathBuf::from("auricle.toml"));
    }
}
