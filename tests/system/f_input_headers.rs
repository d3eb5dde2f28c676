//! Request headers as document properties.

use auricle_tests::client::Request;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};

use crate::{headers_seen, pairs};

fn serve() -> Server {
    Site::new([inspect("p", "execute p: single-data -> single-json")]).serve()
}

fn post(server: &Server) -> Request {
    server.request("POST", "/ws/simple/executeP").body("x")
}

#[test]
fn f1_content_type() {
    assert_eq!(
        headers_seen(&post(&serve()).header("Content-Type", "text/csv").send()),
        pairs(&[("Content-Type", "text/csv")])
    );
}

#[test]
fn f2_custom_headers_have_one_spelling() {
    let sent = post(&serve()).header("X-WSS-Some-Info", "7").header("x-wss-other", "8").send();
    assert_eq!(headers_seen(&sent), pairs(&[("X-WSS-Other", "8"), ("X-WSS-Some-Info", "7")]));
}

#[test]
fn f3_none_with_input_none() {
    let server = Site::new([inspect("p", "get p: none -> single-json")]).serve();
    let request = server.request("GET", "/ws/simple/getP").header("Content-Type", "text/csv");
    assert_eq!(headers_seen(&request.header("X-WSS-Some-Info", "7").send()), []);
}

#[test]
fn f6_protected_headers_do_not_pass_even_when_listed() {
    let server = Site::with(
        "protected-headers = ['X-Mine', 'X-WSS-Mine']",
        [
            inspect("p", "create p: single-data -> single-json"),
            api("api", "/api").and("headers = ['Host', 'Cookie', 'X-Mine', 'X-Trace']").route("POST", "p"),
        ],
    )
    .serve();
    let mut request = server.request("POST", "/ws/rest/api/p").body("x");
    for name in ["Cookie", "Authorization", "Via", "X-Forwarded-For", "X-Mine", "X-WSS-Mine", "x-trace", "X-Unlisted"] {
        request = request.header(name, "1");
    }
    assert_eq!(headers_seen(&request.send()), pairs(&[("X-Trace", "1")]));
}

/// `decisions.md`: whatever the request's spelling, a name has one (F9 and F10 are not followed).
#[test]
fn f9_a_listed_header_has_the_listed_spelling() {
    let server = Site::new([
        inspect("p", "create p: single-data -> single-json"),
        api("api", "/api").and("headers = ['X-TraceID']").route("POST", "p"),
    ])
    .serve();
    let sent = server.request("POST", "/ws/rest/api/p").body("x").header("x-traceid", "9").send();
    assert_eq!(headers_seen(&sent), pairs(&[("X-TraceID", "9")]));
}

#[test]
fn f11_the_eight_special_headers() {
    const SPECIAL: [&str; 8] = [
        "Accept",
        "Accept-Charset",
        "Accept-Encoding",
        "Accept-Language",
        "Content-Encoding",
        "Content-Language",
        "Content-MD5",
        "Content-Type",
    ];
    let server = serve();
    let request = SPECIAL.iter().fold(post(&server), |request, name| request.header(&name.to_lowercase(), "v"));
    assert_eq!(headers_seen(&request.send()), SPECIAL.map(|name| (name.to_owned(), "v".to_owned())));
}

#[test]
fn f13_a_repeated_header_is_joined() {
    let sent = post(&serve()).header("X-WSS-A", "1").header("X-WSS-A", "2").send();
    assert_eq!(headers_seen(&sent), pairs(&[("X-WSS-A", "1, 2")]));
}

#[test]
fn every_document_of_a_request_has_the_headers() {
    let server = Site::new([inspect("p", "create p: multiple-json -> single-json")]).serve();
    let sent = server.request("POST", "/ws/simple/createP").header("X-WSS-A", "1").body("[1,2]").send();
    for document in sent.json()["documents"].as_array().unwrap() {
        assert_eq!(document["properties"], serde_json::json!({ "inheader_X-WSS-A": "1" }));
    }
}
