//! A version that gets some of the requests at first, and versions that are taken back because they fail.

use auricle_tests::manifest::raw;
use auricle_tests::site::wait;
use serde_json::json;

use crate::operate::{Operated, named};
use crate::ran;

const ROUTE: &str = "/ws/rest/api/p";

fn told(host: &Operated, header: Option<(&str, &str)>) -> String {
    let request = host.server.request("GET", ROUTE);
    ran(&match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    }
    .send())
}

#[test]
fn a_share_of_the_requests_goes_to_it() {
    let host = Operated::start("", named("one"));
    host.deploy("default", named("two"), json!({ "canary": { "share": 0.25 } })).json();
    let canary = host.get("/environments/default");
    assert_eq!((&canary["active"], &canary["canary"]["version"]), (&json!(1), &json!(2)), "{canary}");
    let two = (0..200).filter(|_| told(&host, None) == "two").count();
    // Each thread of the host draws evenly; how requests fall to them is not its affair.
    assert!((30..=70).contains(&two), "{two} of 200");

    let host = host.restart();
    let two = (0..200).filter(|_| told(&host, None) == "two").count();
    assert!((30..=70).contains(&two), "{two} of 200 after a restart");

    assert_eq!(host.request("POST", "/environments/default/promote").send().json()["version"], 2);
    assert!((0..20).all(|_| told(&host, None) == "two"));
    host.request("POST", "/environments/default/promote").send().problem(409);
    host.send("POST", "/environments/default/rollback", &json!({})).json();
    assert!((0..20).all(|_| told(&host, None) == "one"));
}

#[test]
fn a_header_brings_a_request_to_it() {
    let host = Operated::start("", named("one"));
    let canary = json!({ "canary": { "header": "X-Canary: yes" } });
    host.deploy("default", named("two"), canary).json();
    assert!((0..20).all(|_| told(&host, None) == "one"));
    for value in ["yes", "YES"] {
        assert_eq!(told(&host, Some(("x-canary", value))), "two");
    }
    assert_eq!(told(&host, Some(("x-canary", "no"))), "one");
    // Its end, and no other version than before.
    assert_eq!(host.send("POST", "/environments/default/rollback", &json!({})).json()["version"], 1);
    assert_eq!(told(&host, Some(("x-canary", "yes"))), "one");
    assert_eq!(host.get("/environments/default")["canary"], json!(null));
}

#[test]
fn a_canary_that_makes_no_sense_is_refused() {
    let host = Operated::start("", named("one"));
    for (canary, status) in [
        (json!({}), 422),
        (json!({ "share": 1.5 }), 422),
        (json!({ "header": "no colon" }), 422),
        (json!({ "sharre": 0.5 }), 400),
    ] {
        assert_eq!(host.deploy("default", named("two"), json!({ "canary": canary })).status, status);
    }
    host.deploy("empty", named("two"), json!({ "canary": { "share": 0.5 } })).problem(409);
    assert_eq!(host.active(), 1);
}

fn guarded(name: &str) -> Vec<auricle_tests::manifest::Section> {
    let guard = "[deployment]\nmax-error-rate = '10%'\nwindow = '5s'\nmin-requests = 10\nwatch = '10m'";
    let mut sections = named(name).to_vec();
    sections.push(raw(guard));
    sections
}

fn fail(host: &Operated, header: (&str, &str)) {
    let answer = host.server.request("GET", &format!("{ROUTE}?fail=oh")).header(header.0, header.1).send();
    assert_eq!(answer.status, 500);
}

#[test]
fn a_canary_that_fails_ends_by_itself() {
    let host = Operated::start("", named("one"));
    host.deploy("default", guarded("two"), json!({ "canary": { "header": "X-Canary: yes" } })).json();
    for _ in 0..30 {
        fail(&host, ("x-other", "no"));
    }
    assert_eq!(told(&host, Some(("x-canary", "yes"))), "two", "what the active version does is not its fault");
    for _ in 0..10 {
        fail(&host, ("x-canary", "yes"));
    }
    wait("the canary to end", || host.get("/environments/default")["canary"].is_null());
    assert_eq!(host.active(), 1);
    wait("the host to serve that", || told(&host, Some(("x-canary", "yes"))) == "one");
    let audit = host.audit();
    assert!(audit[0].starts_with("guard rollback default: version 2: "), "{audit:?}");
}

#[test]
fn a_version_that_fails_is_taken_back_by_itself_and_stays_so() {
    let host = Operated::start("", guarded("one"));
    host.deploy("default", guarded("two"), json!({})).json();
    for _ in 0..20 {
        fail(&host, ("x-any", "x"));
    }
    wait("the version to be taken back", || host.active() == 1);
    wait("the host to serve that", || told(&host, None) == "one");
    // What was gone back to stays, however it does: two versions must not take each other back for ever.
    for _ in 0..20 {
        fail(&host, ("x-any", "x"));
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(host.active(), 1);
    let metrics = auricle_tests::client::Request::new(host.admin, "GET", "/metrics").send();
    assert!(metrics.text().contains("auricle_rollbacks_total{reason=\"guard\"} 1"), "{metrics}");
}
