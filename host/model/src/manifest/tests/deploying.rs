//! The keys that deployments, records and packages have: what they mean, and every mistake in them.

use std::time::Duration;

use super::mistakes::wrong;
use super::{named_process, parse, process, right};
use crate::{Guard, PackageRef, RecordLevel, RecordsConfig, Redact, RetryPolicy, Smoke, Trust};

/// A public key of 32 zero bytes.
const KEY: &str = "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn all_of_them_are_read() {
    let manifest = right(&format!(
        "[server]\nenvironment = \"production\"\nstore = \"postgresql://u:p@db/auricle\"\n\
         [server.trust]\nrequired = true\nkeys = {{ release = \"{KEY}\" }}\n\
         [server.records]\nlevel = \"failures\"\nkeep = \"30d\"\nmax-bytes = \"2GiB\"\nmax-document-bytes = \"0B\"\nslow = \"250ms\"\n\
         redact = {{ headers = [\"X-Token\"], properties = [\"param_card\"], json = [\"$..card.number\", \"$.a[?@.b > 1]\"] }}\n\
         [deployment]\nmax-error-rate = \"0.5%\"\nwindow = \"30s\"\nmin-requests = 5\nwatch = \"1h\"\n{}",
        process(
            "retry = { attempts = 2, backoff = \"10s\", max-backoff = \"10s\" }\nsmoke = { properties = { param_Id = \"7\" }, status = 404 }"
        ),
    ));
    let server = &manifest.server;
    assert_eq!(server.environment, "production");
    assert_eq!(server.store.as_ref().unwrap().0, "postgresql://u:p@db/auricle");
    assert!(!format!("{server:?}").contains("u:p@"), "a password is never printed");
    assert_eq!(server.trust, Trust { required: true, keys: [("release".to_owned(), [0; 32])].into() });
    assert_eq!(
        server.records,
        RecordsConfig {
            level: RecordLevel::Failures,
            keep: Duration::from_secs(30 * 24 * 3600),
            max_bytes: 2 << 30,
            max_document_bytes: 0,
            slow: Some(Duration::from_millis(250)),
            redact: Redact {
                headers: vec!["X-Token".into()],
                properties: vec!["param_card".into()],
                json: vec!["$..card.number".into(), "$.a[?@.b > 1]".into()],
            },
        }
    );
    let seconds = Duration::from_secs;
    let guard = Guard { max_error_rate: 0.005, window: seconds(30), min_requests: 5, watch: seconds(3600) };
    assert_eq!(manifest.deployment.guard, Some(guard));
    let process = manifest.deployment.process("a").unwrap();
    assert_eq!(process.retry, RetryPolicy { attempts: 2, backoff: seconds(10), max_backoff: seconds(10) });
    let properties = [("param_Id".to_owned(), "7".to_owned())].into();
    assert_eq!(process.smoke, Some(Smoke { properties, documents: Vec::new(), status: Some(404) }));
}

#[test]
fn what_is_not_written_has_its_default() {
    let manifest = right(&format!("[deployment]\nmax-error-rate = \"5%\"\n{}", process("smoke = {}")));
    let declared = manifest.deployment.process("a").unwrap();
    assert_eq!((&declared.retry, &declared.smoke), (&RetryPolicy::default(), &Some(Smoke::default())));
    let guard = manifest.deployment.guard.unwrap();
    assert_eq!((guard.window.as_secs(), guard.min_requests, guard.watch.as_secs()), (60, 20, 600));
    assert_eq!(right("[server.trust]\n[server.records]").server.records, RecordsConfig::default());
    assert_eq!(right("").deployment.guard, None);
    let one = "documents = [\"{}\"]";
    let single = process(&format!("smoke = {{ {one} }}")).replace("\"none\"", "\"single-json\"");
    assert_eq!(right(&single).deployment.process("a").unwrap().smoke.as_ref().unwrap().documents, ["{}"]);
    // A long window is watched for as long, a long first pause is the longest.
    let manifest = right(&format!(
        "[deployment]\nmax-error-rate = \"0%\"\nwindow = \"1h\"\n{}",
        process("retry = { backoff = \"1h\" }")
    ));
    assert_eq!(manifest.deployment.guard.unwrap().watch.as_secs(), 3600);
    assert_eq!(manifest.deployment.processes[0].retry.max_backoff.as_secs(), 3600);
}

#[test]
fn mistakes_in_server_are_explained() {
    for (text, expected) in [
        (
            "environment = \"a b\"",
            "2:15: server.environment: `a b` is no name of an environment: use letters, digits, `.`, `_` and `-`",
        ),
        (
            "store = \"sqlite://x.db\"",
            "2:9: server.store: without this key the store is SQLite in `data-dir`: leave it out",
        ),
        ("store = \"mysql://u:secret@h/d\"", "2:9: server.store: unknown scheme `mysql`: one of postgres, postgresql"),
        (
            "store = \"u:secret@h/d\"",
            "2:9: server.store: is no URL: write for example \"postgres://user:password@host/database\"",
        ),
        (
            "store = \"postgres://u:sec ret@h/d\"",
            "2:9: server.store: is no URL of a database: write for example \"postgres://user:password@host/database\"",
        ),
        (
            "trust = { required = true }",
            "2:9: server.trust: `required` without `keys` would refuse every package: write for example `keys = { release = \"ed25519:...\" }`, as `auricle keygen` prints it",
        ),
        (
            "trust = { keys = { r = \"ed25519:AAAA\" } }",
            "2:24: server.trust.keys.r: `ed25519:AAAA` is no public key: it is `ed25519:` and 32 bytes in base64, as `auricle keygen` prints it",
        ),
        (
            "trust = { keys = { r = \"-----BEGIN PRIVATE KEY-----\" } }",
            "2:24: server.trust.keys.r: is a private key: write the line that `auricle keygen` printed",
        ),
        ("trust = { key = 1 }", "2:11: server.trust.key: unknown key `key`: did you mean `keys`?"),
        (
            "records = { level = \"fail\" }",
            "2:21: server.records.level: unknown value `fail`: did you mean `failures`?",
        ),
        ("records = { keep = \"1s\" }", "2:20: server.records.keep: `1s` is out of range: 1m to 3650d"),
        (
            "records = { max-bytes = \"1KiB\" }",
            "2:25: server.records.max-bytes: `1KiB` is out of range: 1MiB to 1048576GiB",
        ),
        (
            "records = { max-document-bytes = \"1GiB\" }",
            "2:34: server.records.max-document-bytes: `1GiB` is out of range: 0B to 16MiB",
        ),
        ("records = { slow = \"0s\" }", "2:20: server.records.slow: `0s` is out of range: 1ms to 1d"),
        (
            "records = { redact = { json = [\"card.number\"] } }",
            "2:32: server.records.redact.json[0]: `card.number` is no JSON path (RFC 9535), such as \"$.card.number\"",
        ),
        (
            "records = { redact = { headers = [\"a b\"] } }",
            "2:35: server.records.redact.headers[0]: `a b` is no header name, such as `X-Trace`",
        ),
        (
            "records = { redact = { property = [] } }",
            "2:24: server.records.redact.property: unknown key `property`: did you mean `properties`?",
        ),
    ] {
        let shown = parse(&format!("[server]\n{text}")).map(|_| ()).unwrap_err().to_string();
        // What the library says of a path follows.
        assert!(shown.starts_with(&format!("auricle.toml:{expected}")), "{text}\n{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn mistakes_in_a_deployment_are_explained() {
    wrong(&[
        (
            "[deployment]\n",
            "auricle.toml:1:1: deployment: `max-error-rate` is missing: write for example `max-error-rate = \"5%\"`",
        ),
        (
            "[deployment]\nmax-error-rate = \"0.05\"",
            "auricle.toml:2:18: deployment.max-error-rate: `0.05` is no share: write for example \"5%\"",
        ),
        (
            "[deployment]\nmax-error-rate = \"100%\"",
            "auricle.toml:2:18: deployment.max-error-rate: `100%` would never be exceeded: write less than \"100%\"",
        ),
        (
            "[deployment]\nmax-error-rate = \"-1%\"",
            "auricle.toml:2:18: deployment.max-error-rate: `-1%` is no share: write for example \"5%\"",
        ),
        (
            "[deployment]\nmax-error-rate = \"5%\"\nwatch = \"30s\"",
            "auricle.toml:3:9: deployment.watch: is shorter than `window`: a version would be let go before one has passed",
        ),
        (
            "[deployment]\nmax-error-rate = \"5%\"\nmin-requests = 0",
            "auricle.toml:3:16: deployment.min-requests: `0` is out of range: 1 to 1000000",
        ),
    ]);
    for (more, expected) in [
        ("retry = { attempts = 0 }", "8:22: process[a].retry.attempts: `0` is out of range: 1 to 1000"),
        ("retry = { backoff = \"0s\" }", "8:21: process[a].retry.backoff: `0s` is out of range: 1ms to 7d"),
        (
            "retry = { backoff = \"10s\", max-backoff = \"1s\" }",
            "8:42: process[a].retry.max-backoff: is shorter than `backoff`, which is the first pause: raise it",
        ),
        ("retry = 5", "8:9: process[a].retry: expected a table, found a number"),
        (
            "smoke = { documents = [\"x\"] }",
            "8:23: process[a].smoke.documents: the input is none: such a process is called without documents: take them out",
        ),
        ("smoke = { status = 100 }", "8:20: process[a].smoke.status: `100` is out of range: 200 to 599"),
        (
            "smoke = { property = 1 }",
            "8:11: process[a].smoke.property: unknown key `property`: did you mean `properties`?",
        ),
        (
            "smoke = { properties = { a = 1 } }",
            "8:30: process[a].smoke.properties.a: expected text in quotes, found a number",
        ),
    ] {
        wrong(&[(&process(more), &format!("auricle.toml:{expected}"))]);
    }
    let single = process("smoke = { documents = [\"1\", \"2\"] }").replace("\"none\"", "\"single-json\"");
    let expected = "auricle.toml:8:23: process[a].smoke.documents: the input is single-json: such a process is called with one document";
    wrong(&[(&single, expected)]);
    right(&single.replace("\"single-json\"", "\"multiple-json\""));
}

#[test]
fn packages_are_files_or_references() {
    let read = |package: &str| {
        right(&named_process("a", "A", "").replace("a.wasm", package)).deployment.processes[0].package.clone()
    };
    for file in ["b.wasm", "./x.y/a:1.wasm", "../a.wasm", "target/a.b/c.wasm", "/opt/a:1/b.wasm", "ghcr.io/a/b"] {
        assert!(matches!(read(file), PackageRef::Path(_)), "{file}");
    }
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    for text in [
        "ghcr.io/a/b:1.0",
        "localhost/b:1",
        "127.0.0.1:5000/a__b/c.d-e/f--g:_x.Y-1",
        &format!("reg:5000/b@{digest}"),
        &format!("reg.example/b:1.0@{digest}"),
    ] {
        assert_eq!(read(text), PackageRef::Oci(text.to_owned()));
        assert_eq!(read(&format!("oci://{text}")), PackageRef::Oci(text.to_owned()));
    }
    assert_eq!(read("oci://registry/b:1"), PackageRef::Oci("registry/b:1".into()), "the scheme settles what it is");
    wrong(&[(
        &process("build = \"make\"").replace("a.wasm", "localhost/b:1"),
        "auricle.toml:8:9: process[a].build: has no effect: the package comes from a registry, where `auricle push` puts it: take one out",
    )]);
    const EXAMPLE: &str = "write for example \"registry.example/acme/account-get:1.0\"";
    for (package, expected) in [
        ("https://h/x.wasm", "a package is a file or from an OCI registry"),
        ("oci://ghcr.io/a/b", "it has neither tag nor digest"),
        ("oci://b:1", "it needs a registry and what is in it"),
        ("oci:///b:1", "what stands before the first `/` is no registry"),
        ("oci://h:0/b:1", "what stands before the first `/` is no registry"),
        ("ghcr.io/A/b:1", "a repository is named with lower-case letters, digits, and `.`, `_`, `-`, `/` between them"),
        (
            "ghcr.io/a..b/b:1",
            "a repository is named with lower-case letters, digits, and `.`, `_`, `-`, `/` between them",
        ),
        ("ghcr.io/a/b:-1", "a tag has letters, digits, `.`, `_` and `-`, and begins with none of `.` and `-`"),
        ("reg:5000/b@sha256:00", "a digest is `sha256:` and 64 hexadecimal digits"),
    ] {
        let text = process("").replace("a.wasm", package);
        let shown = package.strip_prefix("oci://").unwrap_or(package);
        wrong(&[(&text, &format!("auricle.toml:3:11: process[a].package: `{shown}`: {expected}: {EXAMPLE}"))]);
    }
}
