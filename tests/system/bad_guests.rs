//! Guests that loop, eat, trap, recurse or flood: each is stopped, the caller is told the truth, and both the process and its
//! neighbour answer the next request. In both modes.

use auricle_tests::client::Problem;
use auricle_tests::hostile::{self, Harm};
use auricle_tests::manifest::{inspect, process};
use auricle_tests::site::{Server, Site};

use crate::ran;

const MODES: [&str; 2] = ["general", "low-latency"];

fn assert_neighbour_is_up(server: &Server) {
    assert_eq!(ran(&server.get("/ws/simple/getNeighbour")), "neighbour");
}

/// Runs `inspect` so that it does harm, in both modes, in debug and not; gives what the debugging caller was told.
#[track_caller]
fn inspected(harm: &str, status: u16) -> Problem {
    let mut told = None;
    for mode in MODES {
        let limits = format!("mode = '{mode}'\ntimeout = '400ms'\nmemory = '64MiB'");
        let server = Site::new([
            inspect("bad", "get bad: none -> single-json").and(&limits),
            inspect("neighbour", "get neighbour: none -> single-json"),
        ])
        .serve();
        let response = server.get(&format!("/ws/simple/getBad?{harm}"));
        let problem = response.problem(status);
        assert_eq!(problem.members["executionId"].as_str(), response.header("x-execution-id"));
        assert_eq!(ran(&server.get("/ws/simple/getBad")), "bad", "the process itself answers again");
        assert_neighbour_is_up(&server);
        let debugged = server.get(&format!("/ws/simple/getBad?{harm}&_boomi_debug=true")).problem(status);
        assert_eq!(debugged.title, problem.title);
        told = Some(debugged);
    }
    told.unwrap()
}

/// The same with a guest that knows nothing else.
#[track_caller]
fn hostile(harm: Harm) -> Problem {
    let mut told = None;
    for mode in MODES {
        let site = Site::new([]);
        let package = site.write("bad.wasm", hostile::guest(harm));
        site.rewrite(
            "",
            [
                process("bad", &package, "get bad: none -> single-json").and(&format!("mode = '{mode}'")),
                inspect("neighbour", "get neighbour: none -> single-json"),
            ],
        );
        let server = site.serve();
        for _ in 0..2 {
            let problem = server.get("/ws/simple/getBad").problem(500);
            assert!(problem.detail.contains("X-Boomi-Debug"), "says how to learn more: {}", problem.detail);
            assert_neighbour_is_up(&server);
        }
        told = Some(server.get("/ws/simple/getBad?_boomi_debug=true").problem(500));
    }
    told.unwrap()
}

#[test]
fn a_process_that_loops() {
    let problem = inspected("spin_ms=600000", 504);
    assert_eq!(problem.title, "The process ran out of time.");
    assert!(problem.detail.contains("its `timeout` of 400ms"), "{}", problem.detail);
}

/// Computing has a limit of its own, which waiting does not use up.
#[test]
fn a_process_that_computes_for_too_long() {
    for mode in MODES {
        let limits = format!("mode = '{mode}'\ncpu-timeout = '200ms'\ntimeout = '20s'");
        let server = Site::new([
            inspect("bad", "get bad: none -> single-json").and(&limits),
            inspect("neighbour", "get neighbour: none -> single-json"),
        ])
        .serve();
        assert_eq!(ran(&server.get("/ws/simple/getBad?sleep_ms=400")), "bad");
        let problem = server.get("/ws/simple/getBad?spin_ms=600000").problem(504);
        assert_eq!(problem.title, "The process used too much CPU time.");
        assert_eq!(problem.members["kind"], "cpu");
        assert!(problem.detail.contains("its `cpu-timeout` of 200ms"), "{}", problem.detail);
        assert_neighbour_is_up(&server);
    }
}

/// What one process sets in `limits` holds for it and for no other.
#[test]
fn limits_are_each_process_s_own() {
    let server = Site::new([
        inspect("small", "get small: none -> single-json").and("limits = { response = '1KiB', log = '1KiB' }"),
        inspect("usual", "get usual: none -> single-json"),
    ])
    .serve();
    let body = "x".repeat(2000);
    assert_eq!(server.get(&format!("/ws/simple/getUsual?body={body}")).text(), body);
    assert_eq!(ran(&server.get("/ws/simple/getSmall")), "small");
    let problem = server.get(&format!("/ws/simple/getSmall?body={body}&_boomi_debug=true")).problem(500);
    assert_eq!(problem.title, "The process went beyond a limit.");
    assert!(problem.detail.contains("`limits.response` is 1KiB"), "{}", problem.detail);
}

#[test]
fn a_process_that_sleeps() {
    assert_eq!(inspected("sleep_ms=600000", 504).members["kind"], "deadline");
}

#[test]
fn a_process_that_eats_memory() {
    let problem = inspected("alloc_mb=512", 500);
    assert_eq!(problem.title, "The process wanted too much memory.");
    assert!(problem.detail.contains("more than its `memory` of 64MiB"), "{}", problem.detail);
}

#[test]
fn a_process_that_traps() {
    let problem = inspected("trap=1", 500);
    assert_eq!(problem.title, "The process trapped.");
    assert!(problem.detail.contains("asked to by `trap=1`"), "its last words: {}", problem.detail);
}

#[test]
fn a_process_that_recurses_for_ever() {
    let problem = hostile(Harm::Recurse);
    assert_eq!(problem.title, "The process trapped.");
    assert!(problem.detail.contains("recursed too deep"), "{}", problem.detail);
}

#[test]
fn a_process_that_keeps_documents_for_ever() {
    let problem = hostile(Harm::KeepDocuments);
    assert_eq!(problem.title, "The process went beyond a limit.");
    assert!(problem.detail.contains("handles"), "{}", problem.detail);
}

#[test]
fn a_document_that_grows_for_ever() {
    let problem = hostile(Harm::GrowDocument);
    assert_eq!(problem.title, "The process went beyond a limit.");
    assert!(problem.detail.contains("`limits.documents` of 256MiB"), "{}", problem.detail);
}

#[test]
fn a_process_that_sets_properties_for_ever() {
    // One name over and over: what counts is what was set, not what is left of it.
    let problem = hostile(Harm::SetProperties);
    assert_eq!(problem.title, "The process went beyond a limit.");
    assert!(problem.detail.contains("1MiB of process properties"), "{}", problem.detail);
}

/// A flood of log is no failure: the log is cut, the answer stands.
#[test]
fn a_process_that_floods_the_log() {
    let site = Site::new([]);
    let package = site.write("bad.wasm", hostile::guest(Harm::FloodLog));
    site.rewrite(
        "",
        [
            process("bad", &package, "get bad: none -> single-json"),
            inspect("neighbour", "get neighbour: none -> single-json"),
        ],
    );
    let server = site.serve();
    let response = server.get("/ws/simple/getBad");
    assert_eq!((response.status, response.text()), (200, ""));
    assert_neighbour_is_up(&server);
}
