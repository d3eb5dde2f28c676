//! HTTP: methods, connections, health.

use std::convert::Infallible;

use auricle_tests::client::Request;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site, free_port};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::{UNKNOWN, properties, ran};

fn serve() -> Server {
    Site::new([
        inspect("get", "get Thing: none -> single-json"),
        inspect("create", "create Thing: single-data -> single-json"),
        api("api", "/api").route("GET {id}", "get").route("PUT {id}", "create").route("POST", "create"),
    ])
    .serve()
}

#[test]
fn health_is_told_on_both_addresses_and_only_there() {
    let admin = free_port();
    let site = Site::with(&format!("admin-listen = '127.0.0.1:{admin}'"), [inspect("p", "get p: none -> single-json")]);
    let server = site.serve();
    let admin = std::net::SocketAddr::from(([127, 0, 0, 1], admin));
    for address in [server.address(), admin] {
        let status = Request::new(address, "GET", "/_admin/status").send();
        assert_eq!(status.json()["status"], "ready");
        assert_eq!(Request::new(address, "HEAD", "/_admin/status").send().status, 200);
    }
    Request::new(admin, "GET", "/ws/simple/getP").send().problem(404);
    assert_eq!(server.get("/_admin/other").problem(404).title, UNKNOWN);
}

#[test]
fn head_is_a_get_without_its_body() {
    let server = serve();
    let get = server.get("/ws/rest/api/Thing/7?body=hello");
    let mut wire = server.connect();
    let head = wire.send("HEAD /ws/rest/api/Thing/7?body=hello HTTP/1.1\r\nhost: a\r\n\r\n").read_head();
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    assert_eq!(head.header("content-type"), get.header("content-type"));
    // The connection is still in step: no body followed.
    let next = wire.send("GET /ws/rest/api/Thing/7 HTTP/1.1\r\nhost: a\r\n\r\n").read();
    assert_eq!(properties(&next, "inmethod"), [(String::new(), "GET".to_owned())]);
    let method = server.request("HEAD", "/ws/rest/api/Thing/7?set_status=404&body=x").send();
    assert_eq!(method.status, 404, "the process ran");
}

#[test]
fn options_tells_the_methods() {
    let server = serve();
    let told = |path: &str| {
        let response = server.request("OPTIONS", path).send();
        (response.status, response.header("allow").unwrap_or_default().to_owned())
    };
    assert_eq!(told("/ws/rest/api/Thing/7"), (204, "GET, HEAD, POST, PUT, OPTIONS".into()));
    assert_eq!(told("/ws/rest/api/Thing"), (204, "POST, OPTIONS".into()));
    assert_eq!(told("/ws/simple/createThing"), (204, "POST, OPTIONS".into()));
    assert_eq!(told("/ws/rest/api/Nothing").0, 404);
}

#[test]
fn a_method_that_is_not_taken_is_told_those_that_are() {
    let server = serve();
    for (method, path, allow) in [
        ("PATCH", "/ws/rest/api/Thing/7", "GET, HEAD, POST, PUT, OPTIONS"),
        ("GET", "/ws/rest/api/Thing", "POST, OPTIONS"),
        ("DELETE", "/ws/simple/getThing", "GET, HEAD, POST, OPTIONS"),
        ("BREW", "/ws/simple/createThing", "POST, OPTIONS"),
    ] {
        let response = server.request(method, path).send();
        response.problem(405);
        assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn a_miss_names_what_is_near() {
    let server = serve();
    for (path, near) in [
        ("/ws/rest/api/Thnig/7", "GET /ws/rest/api/Thing/{id}"),
        ("/ws/rest/apis/Thing/7", "GET /ws/rest/api/Thing/{id}"),
        ("/ws/simple/getThings", "GET /ws/simple/getThing"),
        ("/ws/soap/api", ""),
    ] {
        let problem = server.get(path).problem(404);
        assert_eq!(problem.title, UNKNOWN);
        assert!(problem.detail.starts_with(&format!("looked for GET {path}: ")), "{}", problem.detail);
        assert_eq!(problem.members["near"][0].as_str().unwrap_or_default(), near, "{path}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = serve();
    let mut wire = server.connect();
    let requests = (0..20).map(|n| format!("GET /ws/rest/api/Thing/{n} HTTP/1.1\r\nhost: a\r\n\r\n"));
    wire.send(requests.collect::<String>());
    for n in 0..20 {
        assert_eq!(properties(&wire.read(), "param_"), [("id".to_owned(), n.to_string())]);
    }
}

#[test]
fn a_connection_serves_many_and_closes_when_asked() {
    let server = serve();
    let mut wire = server.connect();
    for _ in 0..3 {
        wire.send("GET /ws/simple/getThing HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(ran(&wire.read()), "get");
    }
    wire.send("GET /ws/simple/getThing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert_eq!(ran(&wire.read()), "get");
    assert!(wire.is_closed());
}

#[test]
fn a_chunked_body_is_put_together() {
    let server = serve();
    let mut wire = server.connect();
    wire.send("POST /ws/simple/createThing HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    wire.send("7\r\n, world\r\n0\r\n\r\n");
    assert_eq!(crate::texts(&wire.read().json()), ["hello, world"]);
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    let server = serve();
    let mut wire = server.connect();
    wire.send("POST /ws/simple/createThing HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(wire.read_head().status, 100);
    assert_eq!(crate::texts(&wire.send("hello").read().json()), ["hello"]);
}

/// With prior knowledge, on the same address; many requests at once on one connection.
#[tokio::test]
async fn http2_is_spoken_too() {
    let server = serve();
    let stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let requests = (0..10).map(|n| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let target = format!("http://a/ws/rest/api/Thing/{n}");
            let body = Full::<Bytes>::default().map_err(|never: Infallible| match never {});
            let request = hyper::Request::get(target).body(body).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(response.headers().contains_key("x-execution-id"));
            let body = response.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["process"]["param_id"].take()
        })
    });
    for (n, request) in requests.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(request.await.unwrap(), n.to_string());
    }
}

#[test]
fn roots_can_be_moved() {
    let roots = "rest-root = ''\nsimple-root = '/run'";
    let server =
        Site::with(roots, [inspect("p", "get Thing: none -> single-json"), api("api", "/api").route("GET {id}", "p")])
            .serve();
    assert_eq!(properties(&server.get("/api/Thing/7"), "inpath"), [(String::new(), "/api/Thing/7".to_owned())]);
    assert_eq!(ran(&server.get("/run/getThing")), "p");
    assert_eq!(server.get("/ws/simple/getThing").status, 404);
}
