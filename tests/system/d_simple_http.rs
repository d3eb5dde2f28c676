//! Simple HTTP: a process by the name of its operation.

use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};

use crate::{UNKNOWN, pairs, properties, ran};

fn serve(operation: &str) -> Server {
    Site::new([inspect("p", operation)]).serve()
}

#[test]
fn d1_type_and_object() {
    assert_eq!(ran(&serve("create Contact: single-xml -> single-json").post("/ws/simple/createContact", "<a/>")), "p");
}

#[test]
fn d2_the_first_letter_of_the_object_is_upper_case() {
    let server = serve("execute qaM6IntakeA: single-data -> single-json");
    assert_eq!(ran(&server.post("/ws/simple/executeQaM6IntakeA", "x")), "p");
    let problem = server.post("/ws/simple/executeqaM6IntakeA", "x").problem(404);
    assert_eq!(problem.title, UNKNOWN);
    assert_eq!(problem.members["near"][0], "POST /ws/simple/executeQaM6IntakeA");
}

#[test]
fn d5_input_none_takes_a_post_without_body() {
    let server = serve("get Thing: none -> single-json");
    assert_eq!(ran(&server.post("/ws/simple/getThing", "")), "p");
    assert_eq!(ran(&server.get("/ws/simple/getThing")), "p");
}

#[test]
fn d6_input_none_takes_no_body() {
    let response = serve("get Thing: none -> single-json").post("/ws/simple/getThing", "x");
    let problem = response.problem(405);
    assert_eq!(response.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    assert!(problem.detail.contains("takes no body"), "{}", problem.detail);
}

/// `decisions.md`: anything but POST is 405 with `Allow`.
#[test]
fn d7_an_input_wants_a_post() {
    let response = serve("create Thing: single-json -> single-json").get("/ws/simple/createThing");
    response.problem(405);
    assert_eq!(response.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(response.header("x-execution-id"), None, "nothing ran");
}

/// Only the path: there are no credentials in this version. The matrix part is not seen.
#[test]
fn d8_matrix_parameters_are_left_aside() {
    let server = serve("execute Echo: none -> single-json");
    let response = server.get("/ws/simple/executeEcho;boomi_auth=dTp0?foo=1");
    assert_eq!(properties(&response, "query_"), pairs(&[("foo", "1")]));
    assert_eq!(properties(&response, "inpath"), pairs(&[("", "/executeEcho")]));
}

/// `decisions.md` knows no API types: a process of an API is served over simple HTTP too.
#[test]
fn d9_everything_is_served() {
    let server =
        Site::new([inspect("echo", "execute Echo: none -> single-json"), api("api", "/api").route("GET {Id}", "echo")])
            .serve();
    assert_eq!(ran(&server.get("/ws/simple/executeEcho")), "echo");
    assert_eq!(properties(&server.get("/ws/simple/executeEcho?Id=7"), "param_"), pairs(&[("Id", "7")]));
}
