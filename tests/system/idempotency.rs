//! `Idempotency-Key`: a request that is sent again is answered as the first time, and not run again.

use std::thread;

use auricle_tests::client::Response;
use auricle_tests::manifest::{inspect, probe};
use auricle_tests::site::{Server, Site, wait};

fn serve() -> Server {
    Site::new([inspect("p", "execute P: single-data -> single-json")]).serve()
}

/// A POST with a key.
#[track_caller]
fn post(server: &Server, key: &str, query: &str, body: &str) -> Response {
    server.request("POST", &format!("/ws/simple/executeP?{query}")).header("idempotency-key", key).body(body).send()
}

#[track_caller]
fn id(answer: &Response) -> &str {
    answer.header("x-execution-id").unwrap_or_else(|| panic!("{answer}"))
}

fn is_replayed(answer: &Response) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// All of an answer but what says when and that it was given again.
fn told(answer: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers.iter().filter(|(name, _)| !["date", "idempotency-replayed"].contains(&&**name));
    let mut headers: Vec<_> = headers.cloned().collect();
    headers.sort();
    (answer.status, headers, answer.body.clone())
}

#[test]
fn the_same_request_gets_the_same_answer() {
    let server = serve();
    let query = "set_status=201&set_header=Some-Data:5&set_header1=Set-Cookie:a%3D1";
    let first = post(&server, "k", query, "body");
    assert!(first.status == 201 && !is_replayed(&first), "{first}");
    for _ in 0..2 {
        let again = post(&server, "k", query, "body");
        assert!(is_replayed(&again), "{again}");
        assert_eq!(told(&again), told(&first));
    }
    let other = post(&server, "k2", query, "body");
    assert!(!is_replayed(&other) && id(&other) != id(&first), "another key is another request");
    let none = server.post(&format!("/ws/simple/executeP?{query}"), "body");
    assert!(!is_replayed(&none) && id(&none) != id(&first), "without a key each is run");
}

#[test]
fn a_restart_changes_nothing() {
    let server = serve();
    let first = post(&server, "k", "", "body");
    let server = server.kill().serve();
    let again = post(&server, "k", "", "body");
    assert!(is_replayed(&again), "{again}");
    assert_eq!(told(&again), told(&first));
}

#[test]
fn a_key_is_good_for_one_request() {
    let server = serve();
    let send = |query: &str, media_type: &str, body: &str| {
        let request = server.request("POST", &format!("/ws/simple/executeP?{query}")).header("idempotency-key", "k");
        request.header("content-type", media_type).body(body).send()
    };
    assert_eq!(send("a=1", "text/plain", "body").status, 200);
    for other in [send("a=1", "text/plain", "other"), send("a=2", "text/plain", "body"), send("a=1", "a/b", "body")] {
        assert_eq!(other.problem(422).title, "This key was used for another request.");
    }
    assert!(is_replayed(&send("a=1", "text/plain", "body")));
}

#[test]
fn a_key_belongs_to_a_route() {
    let server = Site::new([
        inspect("p", "execute P: single-data -> single-json"),
        inspect("q", "execute Q: single-data -> single-json"),
    ])
    .serve();
    for object in ["P", "Q"] {
        let request = server.request("POST", &format!("/ws/simple/execute{object}")).header("idempotency-key", "k");
        let answer = request.body("body").send();
        assert!(answer.status == 200 && !is_replayed(&answer), "{answer}");
    }
}

#[test]
fn while_the_first_is_in_flight_the_second_is_refused() {
    let site =
        Site::new([probe("p", "execute P: single-data -> single-json")
            .and("files = { '/out' = { path = 'out', write = true } }")]);
    std::fs::create_dir(site.path("out")).unwrap();
    let server = site.serve();
    let send = || post(&server, "k", "journal=/out/log", "body");
    thread::scope(|scope| {
        let first = scope.spawn(send);
        wait("the first to run", || server.site.read("out/log").contains("begin"));
        let second = send();
        assert_eq!(second.problem(409).title, "A request with this key is being answered.");
        assert_eq!(second.header("retry-after"), Some("1"));
        server.site.write("out/log.go", "");
        let first = first.join().unwrap();
        assert_eq!(second.problem(409).members["executionId"], id(&first));
        assert_eq!(told(&send()), told(&first));
    });
    assert_eq!(server.site.read("out/log").matches("begin").count(), 1);
}

#[test]
fn what_failed_is_run_anew_and_what_was_refused_is_not() {
    let server = serve();
    for failure in ["fail=oh", "trap=1", "set_status=503"] {
        let (first, second) = (post(&server, failure, failure, "b"), post(&server, failure, failure, "b"));
        assert!(first.status >= 500 && second.status == first.status, "{first}");
        assert!(!is_replayed(&second) && id(&first) != id(&second), "{second}");
    }
    let (first, second) = (post(&server, "k", "set_status=404", "b"), post(&server, "k", "set_status=404", "b"));
    assert!(first.status == 404 && is_replayed(&second), "{second}");
    // Refused before anything was run: the key is still free.
    let server = Site::new([inspect("p", "execute P: multiple-json -> single-json")]).serve();
    assert_eq!(post(&server, "k", "", "no json").status, 400);
    assert_eq!(post(&server, "k", "", "[]").status, 200);
}

#[test]
fn a_receipt_is_given_again_and_its_request_queued_once() {
    let keys = "return-documents = false\nfiles = { '/out' = { path = 'out', write = true } }";
    let site = Site::new([probe("p", "execute P: single-data -> single-json").and(keys)]);
    site.write("out/log.go", "");
    let server = site.serve();
    let first = post(&server, "k", "journal=/out/log", "body");
    assert_eq!((first.status, first.text()), (200, ""));
    let server = server.kill().serve();
    assert_eq!(told(&post(&server, "k", "journal=/out/log", "body")), told(&first));
    // One that is queued after it has run: there is no second run of the first.
    let last = server.post("/ws/simple/executeP?journal=/out/log", "x");
    let ran = |answer: &Response| server.site.read("out/log").matches(&format!("end {}", id(answer))).count();
    wait("both to run", || ran(&last) == 1 && ran(&first) >= 1);
    assert_eq!(post(&server, "k", "journal=/out/log", "other").status, 422);
}

#[test]
fn a_key_is_text_of_1_to_255_characters() {
    let server = serve();
    for bad in ["", &"k".repeat(256), "\u{e9}"] {
        let answer = post(&server, bad, "", "b");
        assert!(answer.problem(400).detail.contains("Idempotency-Key"), "{answer}");
    }
    let two = server.request("POST", "/ws/simple/executeP").header("idempotency-key", "a");
    assert_eq!(two.header("idempotency-key", "b").body("b").send().status, 400);
    assert_eq!(post(&server, &"k".repeat(255), "", "b").status, 200);
}

#[test]
fn a_method_that_changes_nothing_needs_no_key() {
    let server = Site::new([inspect("p", "get P: none -> single-json")]).serve();
    let get = || server.request("GET", "/ws/simple/getP").header("idempotency-key", "k").send();
    let (first, second) = (get(), get());
    assert!(!is_replayed(&second) && id(&first) != id(&second));
}

#[test]
fn an_answer_that_is_too_large_to_be_kept_is_not_given_twice_and_not_run_twice() {
    let site = Site::with("max-request-bytes = '12MiB'", [inspect("p", "execute P: single-data -> single-data")]);
    let server = site.serve();
    let body = "x".repeat(11 << 20);
    let first = post(&server, "k", "echo=1", &body);
    assert_eq!((first.status, first.body.len()), (200, body.len()));
    let second = post(&server, "k", "echo=1", &body);
    assert_eq!(second.problem(409).title, "The answer is no longer there.");
    assert_eq!(id(&second), id(&first));
}
