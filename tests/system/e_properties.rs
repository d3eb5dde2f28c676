//! Process properties: what a request tells besides its body.

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};

use crate::{pairs, properties};

fn serve() -> Server {
    Site::new([
        inspect("p", "execute p: single-data -> single-json"),
        api("test", "/test")
            .route("GET", "p")
            .and("object = ''\ninput = 'none'")
            .route("POST", "p")
            .and("object = ''")
            .route("GET by/{id}", "p")
            .and("object = ''\ninput = 'none'"),
    ])
    .serve()
}

fn get(path_and_query: &str) -> Response {
    serve().get(&format!("/ws/rest/test{path_and_query}"))
}

fn queried(query: &str) -> Vec<(String, String)> {
    properties(&get(query), "query_")
}

#[test]
fn e1_query_parameters() {
    assert_eq!(queried("?foo=blah&bar=buzz"), pairs(&[("bar", "buzz"), ("foo", "blah")]));
}

#[test]
fn e2_query_parameters_are_decoded() {
    assert_eq!(queried("?a=x%20y%26z&b=x+y"), pairs(&[("a", "x y&z"), ("b", "x y")]));
}

#[test]
fn e3_any_key() {
    assert_eq!(queried("?my-key=1&a.b=2&novalue"), pairs(&[("a.b", "2"), ("my-key", "1"), ("novalue", "")]));
}

#[test]
fn e5_a_repeated_key() {
    assert_eq!(queried("?k=1&k=2&k=3"), pairs(&[("k", "1"), ("k[1]", "2"), ("k[2]", "3")]));
}

#[test]
fn e6_quotes_are_kept() {
    assert_eq!(queried("?a=%22q%22"), pairs(&[("a", "\"q\"")]));
}

#[test]
fn e7_what_was_not_sent_is_not_set() {
    assert_eq!(queried("?other=1"), pairs(&[("other", "1")]));
    assert_eq!(queried(""), []);
}

#[test]
fn e8_the_method() {
    assert_eq!(properties(&serve().post("/ws/rest/test", "x"), "inmethod"), pairs(&[("", "POST")]));
    assert_eq!(properties(&get(""), "inmethod"), pairs(&[("", "GET")]));
}

#[test]
fn e9_the_path_from_the_base_on() {
    assert_eq!(properties(&get("/account/1?x=2"), "inpath"), pairs(&[("", "/test/account/1")]));
    assert_eq!(properties(&get("/caf%C3%A9/;a=b?x=2"), "inpath"), pairs(&[("", "/test/caf%C3%A9")]));
}

#[test]
fn e12_nobody_is_authenticated() {
    assert_eq!(properties(&get(""), "inuser"), []);
}

#[test]
fn e15_a_parameter_is_text() {
    assert_eq!(properties(&get("/by/0042"), "param_"), pairs(&[("id", "0042")]));
}

#[test]
fn the_debug_switch_is_not_the_process_s() {
    assert_eq!(queried("?a=1&_boomi_debug=true"), pairs(&[("a", "1")]));
}
