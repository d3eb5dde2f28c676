//! Requests that are answered before they run: what has a receipt is run, whatever happens to the host.

use std::net::TcpStream;

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, probe};
use auricle_tests::site::{Server, Site, wait};
use serde_json::json;

/// A process that leaves `begin ID ATTEMPT` and `end ID ATTEMPT` in `out/log`, with `out/log.go` between them.
fn site(keys: &str) -> Site {
    let site = Site::new([
        probe("p", "execute p: single-data -> single-json")
            .and("return-documents = false\nfiles = { '/out' = { path = 'out', write = true } }")
            .and(keys),
        api("api", "/api").route("POST", "p"),
    ]);
    std::fs::create_dir(site.path("out")).unwrap();
    site
}

const REQUEST: &str = "/ws/rest/api/p?journal=/out/log";

/// Takes the receipt and gives the execution's id.
#[track_caller]
fn id(receipt: &Response) -> String {
    assert_eq!((receipt.status, receipt.text()), (200, ""));
    receipt.header("x-execution-id").unwrap().to_owned()
}

#[track_caller]
fn wait_for(site: &Site, line: &str) {
    wait(&format!("out/log to say {line:?}"), || site.read("out/log").contains(line));
}

fn count(site: &Site, line: &str) -> usize {
    site.read("out/log").matches(line).count()
}

#[test]
fn the_receipt_comes_first_and_the_execution_follows() {
    let server = site("").serve();
    let id = id(&server.post(REQUEST, "x"));
    wait_for(&server.site, &format!("begin {id} 1"));
    assert_eq!(count(&server.site, "end"), 0, "the answer did not wait for it");
    server.site.write("out/log.go", "");
    wait_for(&server.site, &format!("end {id} 1"));
}

#[test]
fn a_crash_while_it_runs_makes_it_run_again() {
    let server = site("").serve();
    let id = id(&server.post(REQUEST, "x"));
    wait_for(&server.site, &format!("begin {id} 1"));
    let site = server.kill();
    site.write("out/log.go", "");
    let server = site.serve();
    wait_for(&server.site, &format!("end {id} 2"));
}

#[test]
fn a_crash_right_after_the_receipts_loses_none() {
    // One at a time, so that most have not begun.
    let server = site("max-concurrent = 1").serve();
    let ids: Vec<_> = (0..10).map(|_| id(&server.post(REQUEST, "x"))).collect();
    let site = server.kill();
    assert_eq!(count(&site, "end"), 0);
    site.write("out/log.go", "");
    let server = site.serve();
    for id in &ids {
        wait_for(&server.site, &format!("end {id}"));
    }
}

/// It was accepted: that its process is not deployed for a while is no reason to give it up.
#[test]
fn what_cannot_begin_is_tried_again() {
    let server = site("").serve();
    let id = id(&server.post(REQUEST, "x"));
    wait_for(&server.site, &format!("begin {id} 1"));
    let site = server.kill();
    let whole = std::fs::read_to_string(site.manifest()).unwrap();
    site.rewrite("", [probe("another", "execute another: none -> single-json")]);
    let server = site.serve();
    server.wait_for_log("could not begin");
    let site = server.kill();
    std::fs::write(site.manifest(), whole).unwrap();
    site.write("out/log.go", "");
    let server = site.serve();
    wait_for(&server.site, &format!("end {id}"));
}

#[test]
fn what_is_done_is_not_run_again() {
    let site = site("");
    site.write("out/log.go", "");
    let server = site.serve();
    let first = id(&server.post(REQUEST, "x"));
    wait_for(&server.site, &format!("end {first}"));
    // Asked to stop, the host lets it be noted as done; a crash here might run it once more, as is promised.
    server.terminate();
    let (status, site) = server.wait();
    assert!(status.success());
    let server = site.serve();
    let second = id(&server.post(REQUEST, "x"));
    wait_for(&server.site, &format!("end {second}"));
    assert_eq!(count(&server.site, &format!("begin {first}")), 1);
}

#[test]
fn a_stop_leaves_what_has_not_begun_for_the_next_start() {
    // One runs and four are in line for it, which is as much as having begun; the others have not.
    let server = site("max-concurrent = 1").serve();
    let ids: Vec<_> = (0..12).map(|_| id(&server.post(REQUEST, "x"))).collect();
    wait_for(&server.site, "begin");
    server.terminate();
    wait("new connections to be refused", || TcpStream::connect(server.address()).is_err());
    server.site.write("out/log.go", "");
    let (status, site) = server.wait();
    assert!(status.success());
    let done = count(&site, "end");
    assert_eq!(done, count(&site, "begin"), "what had begun was waited for");
    assert!((1..ids.len()).contains(&done), "{done} of {}", ids.len());
    let server = site.serve();
    for id in &ids {
        wait_for(&server.site, &format!("end {id}"));
    }
    assert_eq!(count(&server.site, "end"), ids.len(), "each once");
}

#[test]
fn the_body_and_its_headers_are_kept_with_it() {
    let site = Site::new([
        probe("p", "execute p: multiple-json -> none").and("files = { '/out' = { path = 'out', write = true } }"),
        probe("reader", "get reader: none -> single-json").and("files = { '/out' = 'out' }"),
    ]);
    std::fs::create_dir(site.path("out")).unwrap();
    let server: Server = site.serve();
    let request = server.request("POST", "/ws/simple/executeP?keep=/out/first").header("X-WSS-A", "é");
    id(&request.body(r#"[{"a":1.0},2]"#).send());
    wait("the first document to be written", || server.site.read("out/first").ends_with('}'));
    let first: serde_json::Value = serde_json::from_str(&server.site.read("out/first")).unwrap();
    assert_eq!(first, json!({ "text": r#"{"a":1.0}"#, "properties": { "inheader_X-WSS-A": "é" } }));
}
