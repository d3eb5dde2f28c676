//! Callers who do not wait: `X-Max-Wait`, `Prefer: respond-async`, and the link where the result will be.

use auricle_tests::client::Response;
use auricle_tests::manifest::{inspect, probe};
use auricle_tests::site::{Server, Site, wait};
use serde_json::{Value, json};

/// A process that leaves `begin ID ATTEMPT` in `out/log` and waits for `out/log.go`.
fn slow() -> Server {
    let keys = "files = { '/out' = { path = 'out', write = true } }\nretry = { attempts = 2, backoff = '1ms' }";
    let site = Site::new([probe("p", "execute P: single-data -> single-json").and(keys)]);
    std::fs::create_dir(site.path("out")).unwrap();
    site.serve()
}

const REQUEST: &str = "/ws/simple/executeP?journal=/out/log";

fn ask(server: &Server, header: &str, value: &str) -> Response {
    server.request("POST", REQUEST).header(header, value).body("x").send()
}

/// The path of the status link of an answer that says that there is none yet.
#[track_caller]
fn link(answer: &Response) -> String {
    assert_eq!((answer.status, answer.text()), (202, ""), "{answer}");
    let link = answer.header("x-execution-status-link").unwrap();
    assert_eq!(answer.header("location"), Some(link));
    let path = link.strip_prefix("http://test").unwrap();
    assert_eq!(path, format!("/_executions/{}", answer.header("x-execution-id").unwrap()));
    path.to_owned()
}

/// What the link tells at the end.
#[track_caller]
fn result(server: &Server, link: &str) -> Value {
    let told = || server.request("GET", link).header("prefer", "wait=30").send();
    let mut last = told();
    wait("the execution to end", || {
        last = told();
        ["done", "failed"].contains(&last.json()["state"].as_str().unwrap())
    });
    last.json()
}

#[test]
fn an_answer_in_time_is_an_answer_as_ever() {
    let server = Site::new([inspect("p", "get P: none -> single-json")]).serve();
    for (header, value) in [("x-max-wait", "60000"), ("prefer", "respond-async, wait=60"), ("prefer", "wait=0")] {
        let answer = server.request("GET", "/ws/simple/getP?set_status=203").header(header, value).send();
        assert_eq!(answer.json_of(203)["execution"]["name"], "p");
        assert_eq!(answer.header("x-execution-status-link"), None);
        assert_eq!(server.get(&format!("/_executions/{}", answer.header("x-execution-id").unwrap())).status, 404);
    }
}

#[test]
fn who_does_not_wait_finds_the_result_at_the_link() {
    let server = slow();
    let asked = ask(&server, "x-max-wait", "20");
    let link = link(&asked);
    let id = asked.header("x-execution-id").unwrap();
    assert_eq!(asked.header("preference-applied"), None);
    wait("it to run", || server.site.read("out/log").contains("begin"));
    let meanwhile = server.get(&link);
    assert_eq!(meanwhile.json(), json!({ "id": id, "state": "running", "attempt": 1 }));
    assert_eq!(meanwhile.header("cache-control"), Some("no-store"));
    server.site.write("out/log.go", "");
    let told = result(&server, &link);
    assert_eq!((&told["state"], &told["attempt"]), (&json!("done"), &json!(1)));
    assert_eq!(told["result"]["status"], 200);
    let headers = told["result"]["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["content-type", "application/json"])), "{told}");
    assert!(headers.contains(&json!(["x-execution-id", id])), "{told}");
    let body: Value = serde_json::from_str(told["result"]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["id"], &body["documents"]), (&json!(id), &json!(["x"])));
    assert_eq!(server.site.read("out/log").matches("begin").count(), 1, "it went on, and was not run again");
    let server = server.kill().serve();
    assert_eq!(server.get(&link).json(), told, "the result outlives the host");
}

#[test]
fn a_preference_is_said_to_be_applied() {
    let server = slow();
    for preference in ["respond-async", "respond-async, wait=0", "foo=bar; x, Respond-Async"] {
        let asked = ask(&server, "prefer", preference);
        link(&asked);
        assert_eq!(asked.header("preference-applied"), Some("respond-async"));
    }
    server.site.write("out/log.go", "");
}

#[test]
fn a_process_without_input_can_be_asked_so_too() {
    let server = Site::new([inspect("p", "get P: none -> single-json")]).serve();
    let asked = server.request("GET", "/ws/simple/getP?set_status=404").header("x-max-wait", "0").send();
    let told = result(&server, &link(&asked));
    assert_eq!((&told["state"], &told["result"]["status"]), (&json!("done"), &json!(404)), "{told}");
}

#[test]
fn a_crash_makes_it_run_again() {
    let server = slow();
    let asked = ask(&server, "x-max-wait", "20");
    wait("it to run", || server.site.read("out/log").contains("begin"));
    let site = server.kill();
    site.write("out/log.go", "");
    let server = site.serve();
    let told = result(&server, &link(&asked));
    assert_eq!((&told["state"], &told["attempt"]), (&json!("done"), &json!(2)), "{told}");
    assert_eq!(told["result"]["status"], 200);
}

#[test]
fn a_stop_waits_for_what_was_promised() {
    let server = slow();
    let link = link(&ask(&server, "x-max-wait", "20"));
    wait("it to run", || server.site.read("out/log").contains("begin"));
    server.terminate();
    server.site.write("out/log.go", "");
    let (status, site) = server.wait();
    assert!(status.success());
    let server = site.serve();
    assert_eq!(server.get(&link).json()["attempt"], 1);
    assert_eq!(result(&server, &link)["state"], "done");
}

#[test]
fn what_fails_is_tried_again_and_then_has_failed() {
    let server = slow();
    server.site.write("out/log.go", "");
    let request = server.request("POST", &format!("{REQUEST}&need=/out/never")).header("prefer", "respond-async");
    let told = result(&server, &link(&request.body("x").send()));
    assert_eq!((&told["state"], &told["attempt"]), (&json!("failed"), &json!(2)), "{told}");
    assert_eq!(told["result"]["status"], 500);
    let problem: Value = serde_json::from_str(told["result"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["title"], "The process failed.");
    assert!(!told.to_string().contains("never"), "the process's own words are not told: {told}");
}

#[test]
fn all_documents_are_in_the_result() {
    let server = Site::new([inspect("p", "query P: none -> multiple-json").and("max-documents = 2")]).serve();
    let asked = server.request("GET", "/ws/simple/queryP?documents=3").header("x-max-wait", "0").send();
    let told = result(&server, &link(&asked));
    assert_eq!(told["result"]["body"], r#"[{"n":1},{"n":2},{"n":3}]"#, "{told}");
}

#[test]
fn a_body_that_is_no_text_is_told_in_base64() {
    let server = Site::new([inspect("p", "execute P: single-data -> single-data")]).serve();
    let request = server.request("POST", "/ws/simple/executeP?echo=1").header("x-max-wait", "0");
    let told = result(&server, &link(&request.body([0xff, 0]).send()));
    assert_eq!(told["result"]["base64"], "/wA=", "{told}");
}

#[test]
fn with_a_key_the_link_is_given_again() {
    let server = slow();
    let send = |wait: &str| {
        let request = server.request("POST", REQUEST).header("idempotency-key", "k").header("x-max-wait", wait);
        request.body("x").send()
    };
    let first = link(&send("20"));
    let again = send("20");
    assert_eq!((link(&again), again.header("idempotency-replayed")), (first.clone(), Some("true")));
    server.site.write("out/log.go", "");
    assert_eq!(result(&server, &first)["attempt"], 1);
    assert_eq!(link(&send("60000")), first);
    assert_eq!(server.site.read("out/log").matches("begin").count(), 1);
}

#[test]
fn a_receipt_needs_no_patience() {
    let server = Site::new([inspect("p", "execute P: none -> none")]).serve();
    let receipt = server.request("GET", "/ws/simple/executeP").header("x-max-wait", "0").send();
    assert_eq!((receipt.status, receipt.text()), (200, ""));
}

#[test]
fn what_cannot_be_understood_is_said() {
    let server = Site::new([inspect("p", "get P: none -> single-json")]).serve();
    for bad in ["soon", "-1", "1.5", ""] {
        let answer = server.request("GET", "/ws/simple/getP").header("x-max-wait", bad).send();
        assert!(answer.problem(400).detail.contains("X-Max-Wait"), "{answer}");
    }
    // RFC 7240: what is malformed is no preference.
    assert_eq!(server.request("GET", "/ws/simple/getP").header("prefer", "respond-async wait").send().status, 200);
    for unknown in ["0192a5d0-0000-7000-8000-000000000000", "x", ""] {
        let answer = server.get(&format!("/_executions/{unknown}"));
        assert_eq!(answer.problem(404).title, "Unknown execution.", "{answer}");
    }
    let posted = server.post("/_executions/x", "");
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(server.request("HEAD", "/_executions/x").send().status, 404);
}
