//! Packages from registries, and signatures: what is pushed is what runs, and who has not signed does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use auricle_tests::build::guest;
use auricle_tests::manifest::{Section, process};
use auricle_tests::registry::Registry;
use auricle_tests::site::{Finished, Site, free_port};

const OPERATION: &str = "get Echo: none -> single-json";
const ECHO: &str = "/ws/simple/getEcho";

/// The process `echo` of this package, a reference or a file.
fn echo(package: &str) -> Section {
    process("echo", Path::new(package), OPERATION)
}

/// What a command prints that does what it is asked.
#[track_caller]
fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.trim().to_owned()
}

/// Pushes `inspect`; gives the reference with its digest.
#[track_caller]
fn push(site: &Site, registry: &Registry, artifact: &str, more: &[&str]) -> String {
    let package = guest("inspect");
    done(site.cli(&[&["push", package.to_str().unwrap(), &registry.reference(artifact)], more].concat()))
}

/// What `check` says of a manifest that it refuses, at the key of the package.
#[track_caller]
fn refused(site: &Site) -> String {
    let check = site.run("check", &[]);
    assert_eq!(check.code, Some(1), "{check:?}");
    let told = check.told();
    assert!(told.contains("process[echo].package: "), "{told}");
    told
}

#[test]
fn what_is_pushed_is_served_by_tag_and_by_digest() {
    let registry = Registry::start();
    let site = Site::new([]);
    let pinned = push(&site, &registry, "acme/echo:1.0", &[]);
    assert!(pinned.starts_with(&(registry.reference("acme/echo:1.0") + "@sha256:")), "{pinned}");
    let manifest = registry.manifest("acme/echo:1.0");
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    for reference in [&registry.reference("acme/echo:1.0"), &pinned, &format!("oci://{pinned}")] {
        let server = Site::new([echo(reference)]).serve();
        assert_eq!(server.get(ECHO).status, 200, "{reference}");
    }
}

#[test]
fn a_second_push_sends_the_package_no_second_time() {
    let registry = Registry::start();
    let site = Site::new([]);
    push(&site, &registry, "acme/echo:1.0", &[]);
    let puts = || registry.asked().iter().filter(|asked| asked.starts_with("PUT ")).count();
    let first = puts();
    assert_eq!(first, 3, "the component, its configuration, the manifest: {:?}", registry.asked());
    push(&site, &registry, "acme/echo:2.0", &[]);
    assert!(puts() < 2 * first, "{:?}", registry.asked());
}

#[test]
fn other_bytes_than_the_digest_stands_for_are_refused() {
    let registry = Registry::start();
    let site = Site::new([]);
    let pinned = push(&site, &registry, "acme/echo:1.0", &[]);
    let reference = registry.reference("acme/echo:1.0");

    let other = format!("{reference}@sha256:{}", "0".repeat(64));
    site.rewrite("", [echo(&other)]);
    assert!(refused(&site).contains("has no such artifact"));

    let artifact = pinned.strip_prefix(&registry.reference("")).unwrap().replace(":1.0", "");
    let mut lie = registry.manifest(&artifact);
    lie["annotations"] = serde_json::json!({ "a": "b" });
    registry.replace(&artifact, &lie);
    site.rewrite("", [echo(&pinned)]);
    let told = refused(&site);
    assert!(told.contains("sends other bytes than the digest stands for"), "{told}");

    // The tag's manifest is what it was: now the package is not. Without a cache, so that it is fetched.
    let size = fs::metadata(guest("inspect")).unwrap().len();
    registry.tamper(usize::try_from(size).unwrap());
    fs::remove_file(site.path("data/cache")).unwrap();
    site.rewrite("", [echo(&reference)]);
    let told = refused(&site);
    assert!(told.contains("sends other bytes than the digest stands for"), "{told}");
}

#[test]
fn what_is_no_package_is_refused() {
    let registry = Registry::start();
    let site = Site::new([]);
    push(&site, &registry, "acme/echo:1.0", &[]);
    site.rewrite("", [echo(&registry.reference("acme/echo:1.0"))]);
    let sound = registry.manifest("acme/echo:1.0");
    for (path, value, words) in [
        ("/layers/0/mediaType", serde_json::json!("application/vnd.oci.image.layer.v1.tar"), "it is no package"),
        ("/layers/0/size", serde_json::json!(300 << 20), "256MiB at most"),
        ("/layers", serde_json::json!([]), "this has 0 layers"),
    ] {
        let mut manifest = sound.clone();
        *manifest.pointer_mut(path).unwrap() = value;
        registry.replace("acme/echo:1.0", &manifest);
        let told = refused(&site);
        assert!(told.contains(words), "{told}");
    }
    let push = site.cli(&["push", site.manifest().to_str().unwrap(), &registry.reference("acme/echo:2.0")]);
    assert_eq!(push.code, Some(1), "{push:?}");
    assert!(push.stderr.contains("it is no component"), "{push:?}");
    let push = site.cli(&["push", "x.wasm", "acme/echo"]);
    assert_eq!(push.code, Some(2), "{push:?}");
    assert!(push.stderr.contains("it has neither tag nor digest"), "{push:?}");
}

#[test]
fn a_start_with_an_unchanged_manifest_needs_no_registry() {
    let registry = Registry::start();
    let reference = registry.reference("acme/echo:1.0");
    let site = Site::new([echo(&reference)]);
    push(&site, &registry, "acme/echo:1.0", &[]);
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
    let site = server.kill();

    let asked = registry.asked().len();
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
    assert_eq!(registry.asked().len(), asked, "a registry was asked: {:?}", registry.asked());
    let site = server.kill();

    registry.go();
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
    let site = server.kill();

    site.rewrite("", [echo(&reference).and("timeout = \"9s\"")]);
    let told = refused(&site);
    assert!(told.contains("cannot be reached"), "{told}");
}

#[test]
fn a_registry_with_a_lock_wants_the_key() {
    let registry = Registry::start();
    let site = Site::new([echo(&registry.reference("acme/echo:1.0"))]);
    push(&site, &registry, "acme/echo:1.0", &[]);
    registry.lock("am9lOnNlY3JldA==");
    let told = refused(&site);
    assert!(told.contains("refuses access without credentials"), "{told}");
    assert!(told.contains("AURICLE_OCI_USERNAME"), "{told}");
    let server = site.serve_with(&[("AURICLE_OCI_USERNAME", "joe"), ("AURICLE_OCI_PASSWORD", "secret")]);
    assert_eq!(server.get(ECHO).status, 200);
    assert!(!server.log().contains("secret"), "{}", server.log());
}

/// The same component in other bytes: with a custom section at its end.
fn changed(component: &[u8]) -> Vec<u8> {
    [component, b"\0\x02\x01x"].concat()
}

/// A site with a package `p.wasm` and two keys, of which `release` is trusted and has to sign.
fn demanding() -> Site {
    let site = Site::new([]);
    site.write("p.wasm", fs::read(guest("inspect")).unwrap());
    let [release, _] = ["release.pem", "other.pem"].map(|file| done(site.cli(&["keygen", file])));
    let trust = release.replace("[server.trust]\n", "[server.trust]\nrequired = true\n");
    site.rewrite(&trust, [echo("p.wasm")]);
    site
}

#[test]
fn unsigned_wrongly_signed_and_changed_packages_are_told_apart() {
    let site = demanding();
    let told = refused(&site);
    assert!(told.contains("it is not signed by a trusted key"), "{told}");

    done(site.cli(&["sign", "p.wasm", "--key", "other.pem"]));
    let told = refused(&site);
    assert!(told.contains("which is not trusted"), "{told}");

    done(site.cli(&["sign", "p.wasm", "--key", "release.pem"]));
    assert_eq!(site.run("check", &[]).code, Some(0));

    let signed = fs::read(site.path("p.wasm")).unwrap();
    site.write("p.wasm", changed(&signed));
    let told = refused(&site);
    assert!(told.contains("its signature by `release` is for other bytes"), "{told}");

    site.write("p.wasm", signed);
    site.write("p.wasm.sig", "c2lnbmVk");
    let told = refused(&site);
    assert!(told.contains("its signature is none"), "{told}");

    done(site.cli(&["sign", "p.wasm", "--key", "release.pem"]));
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
}

#[test]
fn a_signature_is_pushed_and_pulled_with_its_package() {
    let registry = Registry::start();
    let site = demanding();
    let trust = site.read("auricle.toml");
    let trust = &trust[trust.find("[server.trust]").unwrap()..trust.find("[[process]]").unwrap()];
    let package = site.path("p.wasm");
    let package = package.to_str().unwrap();

    done(site.cli(&["push", package, &registry.reference("acme/echo:unsigned")]));
    site.rewrite(trust, [echo(&registry.reference("acme/echo:unsigned"))]);
    assert!(refused(&site).contains("it is not signed by a trusted key"));

    done(site.cli(&["push", package, &registry.reference("acme/echo:1.0"), "--key", "release.pem"]));
    site.rewrite(trust, [echo(&registry.reference("acme/echo:1.0"))]);
    // The one that lies beside it goes along.
    done(site.cli(&["sign", package, "--key", "release.pem"]));
    done(site.cli(&["push", package, &registry.reference("acme/echo:2.0")]));
    let signature =
        |tag: &str| registry.manifest(&format!("acme/echo:{tag}"))["annotations"]["dev.auricle.signature"].clone();
    assert!(signature("1.0").is_string());
    assert_eq!(signature("1.0"), signature("2.0"));
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
}

#[test]
fn a_running_host_takes_packages_of_a_registry() {
    let registry = Registry::start();
    let admin = format!("admin-listen = \"127.0.0.1:{}\"\n", free_port());
    let server = Site::with(&admin, []).serve();
    push(&server.site, &registry, "acme/echo:1.0", &[]);
    server.site.rewrite(&admin, [echo(&registry.reference("acme/echo:1.0"))]);
    done(server.site.cli(&["deploy"]));
    assert_eq!(server.get(ECHO).status, 200);
}

#[test]
fn a_running_host_takes_what_is_signed_and_goes_back_to_nothing_else() {
    let admin = format!("admin-listen = \"127.0.0.1:{}\"\n", free_port());
    let site = Site::with(&admin, [echo("p.wasm")]);
    let package = fs::read(guest("inspect")).unwrap();
    site.write("p.wasm", &package);
    let trust = done(site.cli(&["keygen", "release.pem"])) + "\nrequired = true";
    let site = site.serve().kill();

    // What was active before goes on being served.
    let demanding = format!("{admin}{trust}\n");
    site.rewrite(&demanding, [echo("p.wasm")]);
    let server = site.serve();
    assert_eq!(server.get(ECHO).status, 200);
    server.site.write("p.wasm", changed(&package));
    let unsigned = server.site.cli(&["deploy"]);
    assert_eq!(unsigned.code, Some(1), "{unsigned:?}");
    assert!(unsigned.stderr.contains("it is not signed by a trusted key"), "{unsigned:?}");

    done(server.site.cli(&["sign", "p.wasm", "--key", "release.pem"]));
    done(server.site.cli(&["deploy"]));
    assert_eq!(server.get(ECHO).status, 200);
    let back = server.site.cli(&["rollback"]);
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(back.stderr.contains("it is not signed by a trusted key"), "{back:?}");
    assert_eq!(server.get(ECHO).status, 200);
}

#[test]
fn a_key_file_is_its_owners_and_is_not_overwritten() {
    let site = Site::new([]);
    let told = done(site.cli(&["keygen", "release.pem"]));
    assert!(told.starts_with("[server.trust]\nkeys = { release = \"ed25519:"), "{told}");
    let mode = fs::metadata(site.path("release.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = site.read("release.pem");
    assert!(before.starts_with("-----BEGIN PRIVATE KEY-----"), "{before}");
    let again = site.cli(&["keygen", "release.pem"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("it exists"), "{again:?}");
    assert_eq!(site.read("release.pem"), before);
    let sign = site.cli(&["sign", "x", "--key", "auricle.toml"]);
    assert!(sign.stderr.contains("holds no Ed25519 private key"), "{sign:?}");
}
