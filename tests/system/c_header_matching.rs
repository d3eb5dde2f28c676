//! Routes that differ by header.

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};

use crate::ran;

fn serve(with_headerless: bool) -> Server {
    let mut routes = api("api", "/api");
    for (process, condition) in [("P-xml", "xml"), ("P-json", "json")] {
        routes = routes
            .route("POST", process)
            .and(&format!("object = 'item'\nheaders = {{ Content-Type = '{condition}' }}"));
    }
    if with_headerless {
        routes = routes.route("POST", "P-any").and("object = 'item'");
    }
    Site::new([
        inspect("P-xml", "create xml: single-data -> single-json"),
        inspect("P-json", "create json: single-data -> single-json"),
        inspect("P-any", "create any: single-data -> single-json"),
        routes,
    ])
    .serve()
}

fn post(server: &Server, content_type: &str) -> Response {
    server.request("POST", "/ws/rest/api/item").header("Content-Type", content_type).body("x").send()
}

#[test]
fn c1_content_type_xml() {
    let server = serve(false);
    assert_eq!(ran(&post(&server, "xml")), "P-xml");
    assert_eq!(ran(&post(&server, "text/xml; charset=utf-8")), "P-xml");
}

#[test]
fn c2_content_type_json() {
    let server = serve(false);
    assert_eq!(ran(&post(&server, "json")), "P-json");
    assert_eq!(ran(&post(&server, "application/vnd.api+json")), "P-json");
}

#[test]
fn c3_a_route_without_condition_takes_the_rest() {
    let server = serve(true);
    assert_eq!(ran(&post(&server, "text/plain")), "P-any");
    assert_eq!(ran(&post(&server, "json")), "P-json");
}

/// `decisions.md` has 415 where the case has 404: only the condition on Content-Type failed.
#[test]
fn c4_no_route_wants_this_content_type() {
    let problem = post(&serve(false), "text/plain").problem(415);
    assert_eq!(problem.members["expected"], serde_json::json!(["json", "xml"]));
    assert!(problem.detail.contains("`text/plain` was sent"), "{}", problem.detail);
}

/// Where the Content-Type is one that a route takes, it is not what is blamed.
#[test]
fn c4_a_content_type_that_is_taken_is_not_blamed() {
    let server = Site::new([
        inspect("json", "create json: single-data -> single-json"),
        inspect("csv", "create csv: single-data -> single-json"),
        api("api", "/api")
            .route("POST", "json")
            .and("object = 'item'\nheaders = { Content-Type = 'json', Accept = 'json' }")
            .route("POST", "csv")
            .and("object = 'item'\nheaders = { Content-Type = 'csv', Accept = 'csv' }"),
    ])
    .serve();
    let post = |content_type: &str, accept: &str| {
        let request = server.request("POST", "/ws/rest/api/item").header("Content-Type", content_type);
        request.header("Accept", accept).body("x").send()
    };
    assert_eq!(ran(&post("text/csv", "text/csv")), "csv");
    let problem = post("text/csv", "application/json").problem(406);
    assert_eq!(problem.members["expected"], serde_json::json!(["csv"]));
    assert!(problem.detail.contains("`application/json` was sent"), "{}", problem.detail);
    post("text/html", "text/csv").problem(415);
}

#[test]
fn c5_no_route_gives_what_is_accepted() {
    let server = Site::new([
        inspect("p", "get p: none -> single-json"),
        api("api", "/api").route("GET", "p").and("headers = { Accept = 'json' }"),
    ])
    .serve();
    let get = |accept: &str| server.request("GET", "/ws/rest/api/p").header("Accept", accept).send();
    assert_eq!(ran(&get("text/html, application/json;q=0.9")), "p");
    assert!(get("text/html").problem(406).detail.contains("`text/html` was sent"));
}
