//! Requests that are wrong, too large, too slow or broken: each is told what is wrong, and the next one is answered.

use auricle_tests::client::Response;
use auricle_tests::manifest::inspect;
use auricle_tests::site::{Server, Site};

use crate::{UNKNOWN, headers_seen, texts};

const LIMIT: usize = 2048;
const POST: &str = "POST /ws/simple/executeEcho HTTP/1.1\r\nhost: a\r\n";

fn serve() -> Server {
    Site::with(
        &format!("max-request-bytes = '{LIMIT}B'"),
        [inspect("echo", "execute Echo: single-data -> single-json"), inspect("get", "get Thing: none -> single-json")],
    )
    .serve()
}

/// The host is up, and answers.
#[track_caller]
fn assert_up(server: &Server) {
    assert_eq!(texts(&server.post("/ws/simple/executeEcho", "next").json()), ["next"]);
}

/// Sends what is wrong, reads the answer, and looks whether the host is still there.
#[track_caller]
fn sent(server: &Server, bytes: impl AsRef<[u8]>) -> Response {
    let response = server.connect().try_send(bytes).read();
    assert_up(server);
    response
}

#[test]
fn no_such_process() {
    let server = serve();
    let response = server.post("/ws/simple/executeEhco", "x");
    let problem = response.problem(404);
    assert_eq!(problem.title, UNKNOWN);
    assert!(problem.detail.contains("POST /ws/simple/executeEhco"), "{}", problem.detail);
    assert_eq!(problem.members["near"][0], "POST /ws/simple/executeEcho");
    assert_up(&server);
}

/// G15: the size is known from Content-Length, and the body is not read.
#[test]
fn g15_a_body_over_the_limit_by_its_length() {
    let server = serve();
    let mut wire = server.connect();
    // Not one byte of the body is sent.
    let response = wire.send(format!("{POST}content-length: {}\r\n\r\n", LIMIT + 1)).read();
    let problem = response.problem(413);
    assert!(
        problem.detail.contains("2048 bytes") && problem.detail.contains("`max-request-bytes`"),
        "{}",
        problem.detail
    );
    assert_eq!(response.header("x-execution-id"), None, "nothing ran");
    assert_eq!(response.header("connection"), Some("close"));
    assert!(wire.is_closed());
    let exactly = server.post("/ws/simple/executeEcho", vec![b'x'; LIMIT]);
    assert_eq!(texts(&exactly.json())[0].len(), LIMIT);
}

#[test]
fn a_client_that_waits_does_not_send_a_body_over_the_limit() {
    let server = serve();
    let mut wire = server.connect();
    wire.send(format!("{POST}expect: 100-continue\r\ncontent-length: {}\r\n\r\n", LIMIT + 1));
    wire.read_head();
    assert_up(&server);
    let first = server.connect().send(format!("{POST}expect: 100-continue\r\ncontent-length: 9999\r\n\r\n")).read();
    assert_eq!(first.status, 413, "and not 100");
}

#[test]
fn a_chunked_body_over_the_limit() {
    let server = serve();
    let mut wire = server.connect();
    wire.send(format!("{POST}transfer-encoding: chunked\r\n\r\n"));
    for _ in 0..3 {
        wire.try_send(format!("400\r\n{}\r\n", "x".repeat(1024)));
    }
    let response = wire.read();
    assert!(response.problem(413).detail.contains("larger than 2048 bytes"));
    assert_up(&server);
}

/// Takes as long as the host's patience: half a minute.
#[test]
fn a_slow_body() {
    let server = serve();
    let mut slow = server.connect();
    slow.send(format!("{POST}content-length: 10\r\n\r\nabc"));
    assert_up(&server);
    let problem = slow.read().problem(408);
    assert!(problem.detail.contains("did not arrive in time: 3 bytes came"), "{}", problem.detail);
    assert_up(&server);
}

#[test]
fn a_body_that_ends_early() {
    let server = serve();
    let mut wire = server.connect();
    let response = wire.send(format!("{POST}content-length: 10\r\n\r\nabc")).end().read();
    let problem = response.problem(400);
    assert!(problem.detail.contains("broke off after 3 bytes"), "{}", problem.detail);
    assert_eq!(response.header("x-execution-id"), None, "nothing ran");
    assert_up(&server);
    // The same, and gone without waiting for an answer.
    server.connect().send(format!("{POST}content-length: 10\r\n\r\nabc"));
    assert_up(&server);
}

#[test]
fn a_chunked_body_that_is_none() {
    let response = sent(&serve(), format!("{POST}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n"));
    assert!(response.problem(400).detail.contains("broke off after 0 bytes"), "{response}");
}

#[test]
fn a_header_that_is_not_utf8() {
    let server = serve();
    let request = |name: &str| server.request("POST", "/ws/simple/executeEcho").header(name, b"a\xff").body("x");
    let problem = request("X-WSS-A").send().problem(400);
    assert!(problem.detail.contains("`x-wss-a` is not UTF-8"), "{}", problem.detail);
    assert_eq!(headers_seen(&request("X-Other").send()), [], "what is not passed on may be anything");
    assert_up(&server);
}

#[test]
fn a_path_that_is_not_utf8() {
    let server = serve();
    for (path, words) in [
        ("/ws/simple/%FF", "does not decode to UTF-8"),
        ("/ws/simple/100%", "not followed by two hexadecimal digits"),
        ("/ws/simple/%2e%2e/executeEcho", "`.` and `..` are not taken"),
        ("/ws/./simple", "`.` and `..` are not taken"),
    ] {
        let problem = server.get(path).problem(400);
        assert!(problem.detail.contains(words), "{path}: {}", problem.detail);
    }
    let problem = server.get("/ws/simple/getThing?a=%C3").problem(400);
    assert!(problem.detail.contains("query parameter `a`"), "{}", problem.detail);
    assert_eq!(sent(&server, b"GET /ws/simple/\xff\xfe HTTP/1.1\r\nhost: a\r\n\r\n").status / 100, 4);
}

#[test]
fn ten_thousand_headers() {
    let headers: String = (0..10_000).map(|n| format!("h{n}: v\r\n")).collect();
    assert_eq!(sent(&serve(), format!("{POST}{headers}content-length: 1\r\n\r\nx")).status, 431);
}

#[test]
fn a_hundred_headers_and_a_long_one_are_fine() {
    let server = serve();
    let headers: String = (0..100).map(|n| format!("h{n}: v\r\n")).collect();
    let long = format!("x-wss-long: {}\r\n", "v".repeat(30_000));
    let response = sent(&server, format!("{POST}{headers}{long}content-length: 1\r\n\r\nx"));
    assert_eq!(headers_seen(&response)[0].1.len(), 30_000);
}

#[test]
fn one_header_that_is_too_long() {
    assert_eq!(sent(&serve(), format!("{POST}x-wss-long: {}\r\n\r\n", "v".repeat(200_000))).status, 431);
}

#[test]
fn a_path_that_is_too_long() {
    // The line counts among the headers, and is refused as they are: 431, not 414.
    let response = sent(&serve(), format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(200_000)));
    assert_eq!(response.status, 431, "{response}");
}

#[test]
fn what_is_no_http() {
    let server = serve();
    for bytes in [&b"hello\r\n\r\n"[..], b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"] {
        assert_eq!(sent(&server, bytes).status, 400);
    }
    // Two lengths that differ: nobody may guess which one is meant.
    let both = format!("{POST}content-length: 1\r\ncontent-length: 2\r\n\r\nxy");
    assert_eq!(sent(&server, both).status, 400);
}
