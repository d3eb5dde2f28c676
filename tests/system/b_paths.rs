//! Which route of an API takes a path, and what the path tells the process.

use auricle_tests::manifest::{Section, api, inspect};
use auricle_tests::site::{Server, Site};

use crate::{UNKNOWN, pairs, properties, ran};

/// A process that answers GET, for each route one of its own.
fn get(name: &str) -> Section {
    inspect(name, &format!("get {name}: none -> single-json"))
}

fn fx_routes() -> Server {
    let item = "object = 'item'";
    Site::new([
        get("list"),
        get("id"),
        get("field"),
        get("metadata"),
        api("api", "/api")
            .route("GET /", "list")
            .and(item)
            .route("GET /{id}", "id")
            .and(item)
            .route("GET /{id}/{fieldName}", "field")
            .and(item)
            .route("GET /{id}/metadata", "metadata")
            .and(item),
    ])
    .serve()
}

/// Asks for a path under FX-routes and tells the process and its path parameters.
#[track_caller]
fn asked(path: &str) -> (String, Vec<(String, String)>) {
    let response = fx_routes().get(&format!("/ws/rest/api/item{path}"));
    (ran(&response), properties(&response, "param_"))
}

#[test]
fn b1_the_object_alone() {
    assert_eq!(asked("/"), ("list".into(), vec![]));
}

#[test]
fn b2_one_parameter() {
    assert_eq!(asked("/1234"), ("id".into(), pairs(&[("id", "1234")])));
}

#[test]
fn b3_two_parameters() {
    assert_eq!(asked("/1234/name"), ("field".into(), pairs(&[("fieldName", "name"), ("id", "1234")])));
}

/// B4 of the mission's table: `/1234/name/other`.
#[test]
fn b4_what_follows_a_full_match_is_accepted() {
    assert_eq!(asked("/1234/name/other"), ("field".into(), pairs(&[("fieldName", "name"), ("id", "1234")])));
}

/// B5 of the mission's table: static before parameter at the same depth.
#[test]
fn b5_static_before_parameter() {
    assert_eq!(asked("/1234/metadata"), ("metadata".into(), pairs(&[("id", "1234")])));
}

#[test]
fn b6_what_follows_a_static_segment() {
    assert_eq!(asked("/1234/metadata/x"), ("metadata".into(), pairs(&[("id", "1234")])));
}

#[test]
fn b7_static_segments_are_case_sensitive() {
    assert_eq!(asked("/1234/Metadata"), ("field".into(), pairs(&[("fieldName", "Metadata"), ("id", "1234")])));
}

/// `decisions.md` answers 405 with `Allow` where the case has 404: the path exists, and the answer says for what.
#[test]
fn b9_a_known_path_with_another_method() {
    let response = fx_routes().request("DELETE", "/ws/rest/api/item/7").send();
    let problem = response.problem(405);
    assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert!(problem.detail.contains("does not take DELETE"), "{}", problem.detail);
}

fn exact_leads() -> Server {
    Site::new([
        inspect("lead", "create Lead: single-json -> single-json"),
        api("b", "/b").route("POST leads", "lead").and("object = ''\nexact = true"),
    ])
    .serve()
}

#[test]
fn b10_an_exact_route() {
    assert_eq!(ran(&exact_leads().post("/ws/rest/b/leads", "{}")), "lead");
}

#[test]
fn b11_an_exact_route_takes_nothing_more() {
    let server = exact_leads();
    let response = server.post("/ws/rest/b/leads/leads", "{}");
    let problem = response.problem(404);
    assert_eq!(problem.title, UNKNOWN);
    assert_eq!(problem.members["near"][0], "POST /ws/rest/b/leads");
    assert_eq!(response.header("x-execution-id"), None, "nothing ran");
}

#[test]
fn b13_a_trailing_slash_is_ignored() {
    assert_eq!(asked("/1234/"), ("id".into(), pairs(&[("id", "1234")])));
    assert_eq!(asked("//1234//"), ("id".into(), pairs(&[("id", "1234")])));
}

#[test]
fn b15_parameters_are_decoded_once() {
    assert_eq!(asked("/caf%C3%A9"), ("id".into(), pairs(&[("id", "café")])));
    assert_eq!(asked("/a%2Fb%2541"), ("id".into(), pairs(&[("id", "a/b%41")])));
}

#[test]
fn b16_without_an_object_of_its_own_a_route_has_the_process_s() {
    let server =
        Site::new([inspect("query", "query HubGR: none -> single-json"), api("hr", "/hr").route("GET query", "query")])
            .serve();
    assert_eq!(ran(&server.get("/ws/rest/hr/HubGR/query")), "query");
    assert_eq!(server.get("/ws/rest/hr/query").problem(404).title, UNKNOWN);
}

#[test]
fn b17_a_route_s_object_replaces_the_process_s() {
    let server = Site::new([
        inspect("details", "get Employee: none -> single-json"),
        api("hr", "/hr").route("GET userdetails", "details").and("object = 'resource'"),
    ])
    .serve();
    assert_eq!(ran(&server.get("/ws/rest/hr/resource/userdetails")), "details");
    assert_eq!(server.get("/ws/rest/hr/Employee/userdetails").status, 404);
}

#[test]
fn b18_the_object_is_taken_as_it_is_written() {
    let server = Site::new([
        inspect("general", "execute generalListener: none -> single-json"),
        api("root", "").route("GET", "general"),
    ])
    .serve();
    assert_eq!(ran(&server.get("/ws/rest/generalListener")), "general");
    assert_eq!(server.get("/ws/rest/GeneralListener").status, 404);
}

#[test]
fn b19_the_leftmost_static_segment_decides() {
    let server = Site::new([
        get("first"),
        get("second"),
        api("api", "/")
            .route("GET /{a}/x", "first")
            .and("object = ''")
            .route("GET /y/{b}", "second")
            .and("object = ''"),
    ])
    .serve();
    let response = server.get("/ws/rest/y/x");
    assert_eq!((ran(&response), properties(&response, "param_")), ("second".into(), pairs(&[("b", "x")])));
}

/// `object = ""` drops the segment.
#[test]
fn an_empty_object_drops_its_segment() {
    let server = Site::new([get("Thing"), api("api", "/api").route("GET {id}", "Thing").and("object = ''")]).serve();
    assert_eq!(properties(&server.get("/ws/rest/api/7"), "param_"), pairs(&[("id", "7")]));
}
