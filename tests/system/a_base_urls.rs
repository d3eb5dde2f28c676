//! Which API owns a URL: the longest base.

use auricle_tests::manifest::{Section, api, inspect};
use auricle_tests::site::{Server, Site};

use crate::{UNKNOWN, ran};

/// An API and its process of the same name, which answers `GET` of the base.
fn component(name: &str, base: &str) -> [Section; 2] {
    [inspect(name, &format!("get {name}: none -> single-json")), api(name, base).route("GET", name).and("object = ''")]
}

fn serve(components: &[(&str, &str)]) -> Server {
    Site::new(components.iter().flat_map(|(name, base)| component(name, base))).serve()
}

fn fx_base() -> Server {
    serve(&[("A", "/"), ("B", "/test"), ("C", "/test/account")])
}

#[test]
fn a1_the_root() {
    let server = fx_base();
    assert_eq!(ran(&server.get("/ws/rest/")), "A");
    assert_eq!(ran(&server.get("/ws/rest")), "A");
}

#[test]
fn a2_what_matches_no_other_base() {
    assert_eq!(ran(&fx_base().get("/ws/rest/other/path")), "A");
}

#[test]
fn a3_a_base_itself() {
    assert_eq!(ran(&fx_base().get("/ws/rest/test")), "B");
}

#[test]
fn a4_the_longest_base() {
    assert_eq!(ran(&fx_base().get("/ws/rest/test/account")), "C");
}

/// A5 and A6 of the mission's table.
#[test]
fn a5_a6_what_follows_a_base() {
    let server = fx_base();
    assert_eq!(ran(&server.get("/ws/rest/test/account/other")), "C");
    assert_eq!(ran(&server.get("/ws/rest/test/other")), "B");
}

#[test]
fn a7_a_base_ends_where_a_segment_ends() {
    assert_eq!(ran(&fx_base().get("/ws/rest/testing")), "A");
}

#[test]
fn a8_paths_are_case_sensitive() {
    assert_eq!(ran(&fx_base().get("/ws/rest/TEST")), "A");
}

#[test]
fn a9_without_the_longest_base_the_next_one_answers() {
    let server = serve(&[("A", "/"), ("B", "/test")]);
    assert_eq!(ran(&server.get("/ws/rest/test/account")), "B");
}

#[test]
fn a10_no_base_matches() {
    let problem = serve(&[("B", "/test")]).get("/ws/rest/other").problem(404);
    assert_eq!(problem.title, UNKNOWN);
    assert!(problem.detail.contains("GET /ws/rest/other"), "{}", problem.detail);
    assert_eq!(problem.members["near"][0], "GET /ws/rest/test");
}

/// In `decisions.md`, component C has only `GET /y`.
#[test]
fn a11_no_falling_back_to_a_shorter_base() {
    let server = Site::new([
        inspect("B", "get B: none -> single-json"),
        inspect("C", "get C: none -> single-json"),
        api("B", "/test").route("GET account/x", "B").and("object = ''"),
        api("C", "/test/account").route("GET y", "C").and("object = ''"),
    ])
    .serve();
    assert_eq!(server.get("/ws/rest/test/account/x").problem(404).title, UNKNOWN);
    assert_eq!(ran(&server.get("/ws/rest/test/account/y")), "C");
}
