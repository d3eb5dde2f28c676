//! Runs every seed through its target: what the seeds show holds on any toolchain, and no seed is forgotten.

use std::fs;
use std::path::Path;

fn seeds(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} has no seeds", folder.display());
    run(b"");
}

#[test]
fn target() {
    seeds("target", auricle_fuzz::target::run);
}

#[test]
fn query() {
    seeds("query", auricle_fuzz::query::run);
}

#[test]
fn headers() {
    seeds("headers", auricle_fuzz::headers::run);
}

#[test]
fn inbound() {
    seeds("inbound", auricle_fuzz::inbound::run);
}

#[test]
fn outbound() {
    seeds("outbound", auricle_fuzz::outbound::run);
}

#[test]
fn manifest() {
    seeds("manifest", auricle_fuzz::manifest::run);
}

#[test]
fn soap() {
    seeds("soap", auricle_fuzz::soap::run);
}

#[test]
fn xsd() {
    seeds("xsd", auricle_fuzz::xsd::run);
}

#[test]
fn profile() {
    seeds("profile", auricle_fuzz::xsd::run_json);
}

/// A seed that was meant to be right and is not reaches nothing behind the reader.
#[test]
fn manifests_are_as_right_or_wrong_as_they_are_named() {
    use auricle_model::manifest::Manifest;

    for (name, right) in [
        ("served.toml", true),
        ("all-keys.toml", true),
        ("small.toml", true),
        ("mistakes.toml", false),
        ("syntax.toml", false),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/manifest").join(name);
        let read = Manifest::parse(name, &fs::read_to_string(path).unwrap(), Path::new(auricle_fuzz::manifest::FOLDER));
        assert_eq!(read.is_ok(), right, "{read:?}");
    }
}
