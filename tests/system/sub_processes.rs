//! `processes.call`: one process runs another of its deployment.

use auricle_tests::manifest::probe;
use auricle_tests::site::{Server, Site};
use serde_json::Value;

/// Two low-latency processes, and `plain`, which declares nothing and so is general.
fn serve() -> Server {
    Site::new([
        probe("first", "execute first: single-data -> single-json").and("mode = 'low-latency'"),
        probe("second", "execute second: single-data -> single-json").and("mode = 'low-latency'"),
        probe("plain", "execute plain: single-data -> single-json").and("max-concurrent = 1"),
    ])
    .serve()
}

#[track_caller]
fn run(server: &Server, process: &str, query: &str) -> Value {
    server.post(&format!("/ws/simple/execute{process}?{query}"), "hello").json()
}

/// How deep calls are nested in an answer, and the innermost answer.
fn innermost<'a>(answer: &'a Value, by: &str) -> (usize, &'a Value) {
    match answer.get(by) {
        Some(called) => {
            let (depth, inner) = innermost(called, by);
            (depth + 1, inner)
        }
        None => (0, answer),
    }
}

#[test]
fn documents_and_properties_go_down_and_an_answer_comes_up() {
    let server = serve();
    let answer = run(&server, "First", "call=second&set=colour:blue");
    let called = &answer["call"];
    assert_eq!(called["name"], "second");
    assert_eq!(called["protocol"], "process");
    assert_eq!(called["documents"], serde_json::json!(["hello"]));
    assert_eq!(called["properties"]["colour"], "blue", "a copy of the caller's");
    assert_eq!(called["properties"]["inmethod"], "POST");
    assert_ne!(called["id"], answer["id"], "an execution of its own");
    assert_eq!(called["properties"]["probe"], "second");
    assert_eq!(answer["properties"]["probe"], "first", "what the child set is the child's");
}

#[test]
fn j18_the_whole_run_has_the_caller_s_mode() {
    let server = serve();
    let answer = run(&server, "First", "call=plain");
    assert_eq!((&answer["mode"], &answer["call"]["mode"]), (&"low-latency".into(), &"low-latency".into()));
    let answer = run(&server, "Plain", "call=first");
    assert_eq!((&answer["mode"], &answer["call"]["mode"]), (&"general".into(), &"general".into()));
    let answer = run(&server, "First", "call=plain&_boomi_debug=true");
    assert_eq!((&answer["mode"], &answer["call"]["mode"]), (&"general".into(), &"general".into()));
}

#[test]
fn a_chain_ends_at_sixteen() {
    let server = serve();
    for process in ["First", "Plain"] {
        let answer = run(&server, process, &format!("loop={}", process.to_lowercase()));
        let (depth, inner) = innermost(&answer, "loop");
        assert_eq!(depth, 17, "the seventeenth call is refused");
        assert!(inner["error"].as_str().unwrap().contains("more than 16 deep"), "{inner}");
    }
    assert_eq!(run(&server, "First", "")["name"], "first");
}

/// Two processes that call each other, with one permit: no deadlock, an end.
#[test]
fn a_cycle_ends() {
    let names = ["plain", "second"].repeat(20).join(",");
    let answer = run(&serve(), "Plain", &format!("call={names}"));
    let (depth, inner) = innermost(&answer, "call");
    assert_eq!(depth, 17);
    assert!(inner["error"].as_str().unwrap().contains("more than 16 deep"), "{inner}");
}

#[test]
fn an_unknown_process_is_an_error_that_names_the_nearest() {
    let answer = run(&serve(), "First", "call=secnd");
    let told = answer["call"]["error"].as_str().unwrap();
    assert!(told.contains("no process `secnd`") && told.contains("did you mean `second`"), "{told}");
}

#[test]
fn a_sub_process_that_fails_is_an_error_of_the_call() {
    let server = Site::new([
        probe("first", "execute first: single-data -> single-json"),
        auricle_tests::manifest::inspect("other", "execute other: single-data -> single-json"),
    ])
    .serve();
    let answer = run(&server, "First", "call=other&fail=so+be+it");
    assert_eq!(answer["call"]["error"], "sub-process `other`: so be it");
    let answer = run(&server, "First", "call=other&trap=1");
    assert!(answer["call"]["error"].as_str().unwrap().contains("asked to by `trap=1`"), "{answer}");
}

#[test]
fn a_sub_process_has_what_is_left_of_its_caller_s_time() {
    let server = Site::new([
        probe("first", "execute first: single-data -> single-json").and("timeout = '500ms'"),
        auricle_tests::manifest::inspect("other", "execute other: single-data -> single-json"),
    ])
    .serve();
    server.post("/ws/simple/executeFirst?call=other&sleep_ms=60000", "x").problem(504);
}
