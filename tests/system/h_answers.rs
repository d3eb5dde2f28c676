//! From documents to a response: output types, status, headers.

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};
use serde_json::json;

fn serve(output: &str) -> Server {
    Site::new([inspect("p", &format!("execute Thing: single-data -> {output}")), api("api", "/api").route("POST", "p")])
        .serve()
}

/// Runs the process with this output type, over REST and simple HTTP; both answer alike.
#[track_caller]
fn told(output: &str, query: &str) -> Response {
    let server = serve(output);
    let [rest, simple] =
        ["/ws/rest/api/Thing", "/ws/simple/executeThing"].map(|path| server.post(&format!("{path}?{query}"), "x"));
    assert_eq!(rest.status, simple.status);
    if rest.status < 500 {
        // An error names its execution, an answer does not.
        assert_eq!(rest.text(), simple.text());
    }
    for response in [&rest, &simple] {
        assert!(response.header("x-execution-id").is_some(), "{response}");
    }
    rest
}

#[test]
fn h1_outheaders_become_headers() {
    let response =
        told("single-json", "set_header=Some-Data:5&set_header1=Content-Type:application/vnd.a%2Bjson&body={}");
    assert_eq!(response.header("some-data"), Some("5"));
    assert_eq!(response.all("content-type"), ["application/vnd.a+json"]);
}

#[test]
fn h2_outstatuscode_is_the_status() {
    let response = told("single-json", "set_status=404&body={}");
    assert_eq!((response.status, response.text()), (404, "{}"));
}

#[test]
fn h5_a_list_has_no_status_of_its_own() {
    let response = told("multiple-json", "documents=1&set_status=418&set_header=Some-Data:5");
    assert_eq!((response.status, response.text()), (200, r#"[{"n":1}]"#));
    assert_eq!(response.header("some-data"), None);
}

#[test]
fn h6_single_data_is_concatenated() {
    let response = told("single-data", "documents=2");
    assert_eq!((response.status, response.text()), (200, r#"{"n":1}{"n":2}"#));
    assert_eq!(response.header("content-type"), Some("text/plain"));
}

#[test]
fn h7_no_document_is_an_empty_200() {
    for output in ["single-json", "single-xml", "single-data"] {
        let response = told(output, "documents=0");
        assert_eq!((response.status, response.text()), (200, ""), "{output}");
        assert_eq!(response.header("content-type"), None);
    }
    assert_eq!(told("multiple-json", "documents=0").text(), "[]");
    let xml = told("multiple-xml", "documents=0");
    assert_eq!(
        xml.text(),
        r#"<wss:ThingResponseList xmlns:wss="http://www.boomi.com/connector/wss"></wss:ThingResponseList>"#
    );
}

/// The receipt of `decisions.md`: 200 at once, empty, with the id; the execution fails later, and the record says so.
#[test]
fn h12_output_none_is_a_receipt() {
    let server = serve("none");
    let response = server.post("/ws/simple/executeThing?sleep_ms=500&fail=too+late+to+tell", "x");
    assert_eq!((response.status, response.text()), (200, ""));
    let id = response.header("x-execution-id").unwrap();
    server.wait_for_log("too late to tell");
    assert!(server.log().contains(id), "the log names the execution");
}

#[test]
fn h13_without_returned_documents_there_is_a_receipt() {
    let server = Site::new([
        inspect("p", "execute Thing: single-data -> single-json").and("return-documents = false"),
        api("api", "/api").route("POST", "p"),
    ])
    .serve();
    for path in ["/ws/rest/api/Thing", "/ws/simple/executeThing"] {
        let response = server.post(&format!("{path}?body={{}}&set_status=404"), "x");
        assert_eq!((response.status, response.text()), (200, ""));
        assert!(response.header("x-execution-id").is_some());
    }
}

#[test]
fn h14_the_output_type_gives_the_media_type() {
    for (output, media_type) in [
        ("single-json", "application/json"),
        ("single-xml", "application/xml"),
        ("single-data", "text/plain"),
        ("multiple-json", "application/json"),
        ("multiple-xml", "application/xml"),
    ] {
        assert_eq!(told(output, "documents=1").header("content-type"), Some(media_type), "{output}");
    }
    let csv = Site::new([inspect("p", "get p: none -> single-data").and("content-type = 'text/csv'")]).serve();
    assert_eq!(csv.get("/ws/simple/getP?body=a").header("content-type"), Some("text/csv"));
}

/// `decisions.md`: several documents of a single type are the process's error.
#[test]
fn h15_several_documents_of_a_single_type() {
    let response = told("single-json", "documents=2&_boomi_debug=true");
    let problem = response.problem(500);
    assert!(problem.detail.contains("returned 2 documents, and output type single-json takes one"), "{response}");
    assert_eq!(problem.members["executionId"].as_str(), response.header("x-execution-id"));
    told("single-xml", "documents=3").problem(500);
}

#[test]
fn h19_several_documents_set_no_headers() {
    let response = told("single-data", "documents=2&set_header=Some-Data:5&set_status=418");
    assert_eq!((response.status, response.text(), response.header("some-data")), (200, r#"{"n":1}{"n":2}"#, None));
}

#[test]
fn lists_hold_every_document() {
    assert_eq!(told("multiple-json", "documents=3").json(), json!([{ "n": 1 }, { "n": 2 }, { "n": 3 }]));
    let xml = told("multiple-xml", "documents=2");
    assert_eq!(
        xml.text(),
        r#"<wss:ThingResponseList xmlns:wss="http://www.boomi.com/connector/wss"><n>1</n><n>2</n></wss:ThingResponseList>"#
    );
}

#[test]
fn what_http_forbids_is_the_process_s_error() {
    for (query, words) in [
        ("set_status=abc", "`outstatuscode`"),
        ("set_status=199", "no status from 200 to 599"),
        ("set_header=Bad%20Name:1", "no header name"),
        ("set_header=X:a%0D%0Ab", "no control characters"),
    ] {
        let problem = told("single-json", &format!("body={{}}&_boomi_debug=true&{query}")).problem(500);
        assert!(problem.detail.contains(words), "{query}: {}", problem.detail);
    }
}

#[test]
fn headers_of_the_host_are_not_the_process_s() {
    let query =
        "body={}&set_header=Content-Length:99&set_header1=X-Execution-Id:mine&set_header2=Transfer-Encoding:chunked";
    let response = told("single-json", query);
    assert_eq!((response.status, response.text()), (200, "{}"));
    assert_eq!(response.all("content-length"), ["2"]);
    assert_ne!(response.header("x-execution-id"), Some("mine"));
}

#[test]
fn cookies_can_be_several() {
    let response = told("single-json", "body={}&set_header=Set-Cookie:a%3D1&set_header1=Set-Cookie:b%3D2");
    assert_eq!(response.all("set-cookie"), ["a=1", "b=2"]);
}

#[test]
fn a_204_has_no_body() {
    let server = serve("single-json");
    let mut wire = server.connect();
    let request = "POST /ws/simple/executeThing?set_status=204&body=x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let first = wire.send(request).read();
    assert_eq!((first.status, first.header("content-type")), (204, None));
    assert_eq!(wire.send(request).read().status, 204, "the connection is still in step");
}
