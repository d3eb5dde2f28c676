//! The text of a manifest, to declarations, a router and requests to what it serves.

use std::path::Path;

use auricle_api::route::{Destination, Router};
use auricle_model::Deployment;
use auricle_model::manifest::Manifest;
use http::{HeaderMap, Method};

const NAME: &str = "auricle.toml";

/// Where a manifest finds the files that it names: a schema of each kind, and a WSDL.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/files");

/// Every mistake is told in one line and at a place of the text; what is right can be stored, and its router takes requests.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // An include reads whatever file it names, `/dev/zero` among them, and some files of the kernel never end: that is the author's
    // own affair, not a fuzzer's.
    if text.contains("include") || text.contains("/proc") {
        return;
    }
    match Manifest::parse(NAME, text, Path::new(FOLDER)) {
        Ok(manifest) => right(&manifest),
        Err(problems) => {
            assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                let shown = problem.to_string();
                assert!(!shown.contains(char::is_control), "{shown:?}");
                assert!(!problem.message.is_empty());
                let location = problem.location.as_ref().expect("the text was read");
                assert!((1..=text.split('\n').count()).contains(&location.line), "{shown}");
                let line = text.split('\n').nth(location.line - 1).unwrap_or_default();
                assert!((1..=line.chars().count() + 1).contains(&location.column), "{shown}");
            }
        }
    }
}

fn right(manifest: &Manifest) {
    let stored = serde_json::to_string(&manifest.deployment).expect("declarations can be stored");
    let loaded: Deployment = serde_json::from_str(&stored).expect("what was stored can be loaded");
    assert_eq!(loaded, manifest.deployment);

    match Router::new(&manifest.deployment, &manifest.server) {
        Err(conflicts) => {
            for conflict in conflicts {
                let problem = manifest.problem(&conflict.key, conflict.message);
                assert_eq!(problem.location.expect("a place").file, Path::new(NAME), "{}", conflict.key);
            }
        }
        Ok(router) => {
            for endpoint in router.endpoints() {
                for method in endpoint.methods.iter().chain([&Method::OPTIONS, &Method::HEAD]) {
                    match router.find(method, &endpoint.route, &HeaderMap::new()) {
                        Ok(Destination::Operation(found)) => assert!(found.endpoint.takes(method)),
                        Ok(Destination::Soap(at)) => assert!(at.operation(0).is_some()),
                        Err(miss) => assert_ne!(miss.status().as_u16(), 400, "{}: {miss}", endpoint.route),
                    }
                }
            }
        }
    }
}
