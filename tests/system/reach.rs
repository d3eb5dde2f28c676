//! What a process can reach: what its manifest grants, and nothing else. A refusal says which key would grant it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use auricle_tests::manifest::{connection, probe};
use auricle_tests::site::{Server, Site};
use serde_json::{Value, json};

fn process(keys: &str) -> auricle_tests::manifest::Section {
    probe("p", "execute p: single-data -> single-json").and(keys)
}

/// What came of an attempt.
#[track_caller]
fn tried(server: &Server, what: &str, argument: &str) -> Value {
    server.post(&format!("/ws/simple/executeP?{what}={argument}"), "new").json()[what].take()
}

#[track_caller]
fn refused(server: &Server, what: &str, argument: &str) -> String {
    let answer = tried(server, what, argument);
    answer["error"].as_str().unwrap_or_else(|| panic!("{what}={argument} was let through: {answer}")).to_owned()
}

fn with_files() -> Server {
    let site = Site::new([process("files = { '/data' = 'in', '/out' = { path = 'out', write = true } }")]);
    site.write("in/a.txt", "granted");
    site.write("out/old.txt", "old");
    site.write("secret.txt", "secret");
    std::os::unix::fs::symlink("../secret.txt", site.path("in/link.txt")).unwrap();
    site.serve()
}

#[test]
fn granted_folders_are_read_and_written_as_granted() {
    let server = with_files();
    assert_eq!(tried(&server, "read", "/data/a.txt"), "granted");
    assert_eq!(tried(&server, "list", "/data"), json!(["a.txt", "link.txt"]));
    assert_eq!(tried(&server, "write", "/out/new.txt"), 3);
    assert_eq!(server.site.read("out/new.txt"), "new");
}

#[test]
fn a_read_only_folder_is_not_written() {
    let server = with_files();
    refused(&server, "write", "/data/a.txt");
    refused(&server, "write", "/data/new.txt");
    assert_eq!(server.site.read("in/a.txt"), "granted");
    assert!(!server.site.path("in/new.txt").exists());
}

#[test]
fn there_is_no_way_out_of_a_folder() {
    let server = with_files();
    for path in
        ["/etc/passwd", "/data/../secret.txt", "/out/../../secret.txt", "/data/link.txt", "/secret.txt", "secret.txt"]
    {
        refused(&server, "read", path);
    }
    refused(&server, "write", "/out/../written.txt");
    assert!(!server.site.path("written.txt").exists());
}

#[test]
fn without_folders_there_are_none() {
    let server = Site::new([process("")]).serve();
    refused(&server, "list", "/");
    refused(&server, "read", "/data/a.txt");
}

#[test]
fn the_environment_is_the_manifest_s() {
    let server = Site::new([process("env = { REGION = 'eu' }")]).serve();
    assert_eq!(tried(&server, "env", "REGION"), "eu");
    for of_the_host in ["PATH", "HOME"] {
        refused(&server, "env", of_the_host);
    }
}

#[test]
fn a_connection_has_to_be_granted() {
    let site = Site::new([
        process("connections = ['db']"),
        connection("db", "sqlite://db.db"),
        connection("other", "sqlite://o.db"),
    ]);
    let server = site.serve();
    let run =
        |on: &str, sql: &str| server.post(&format!("/ws/simple/executeP?on={on}&sql={sql}"), "").json()["sql"].take();
    assert_eq!(run("db", "select+'a'||'b'"), "ab");
    assert_eq!(run("db", "create+table+t+(n+text)"), 0);
    assert_eq!(run("db", "insert+into+t+values+('x')"), 1);
    assert_eq!(run("db", "select+n+from+t"), "x");
    for name in ["other", "nowhere"] {
        let answer = run(name, "select+1");
        let told = answer["error"].as_str().unwrap();
        assert!(
            told.contains(&format!("`{name}` is not granted to process `p`")) && told.contains("`connections`"),
            "{told}"
        );
    }
}

/// A server that answers each request with its path, and `/moved` with a redirect. Gives its port.
fn upstream() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap_or("?").to_owned();
            let mut header = String::from("-");
            while !header.trim().is_empty() {
                header.clear();
                reader.read_line(&mut header).unwrap();
            }
            let head = match path.as_str() {
                "/moved" => "302 Found\r\nlocation: /elsewhere",
                _ => "200 OK",
            };
            let answer =
                format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{path}", path.len());
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    port
}

#[test]
fn a_granted_server_is_reached() {
    let port = upstream();
    let server = Site::new([process(&format!("allow-hosts = ['http://127.0.0.1:{port}']"))]).serve();
    assert_eq!(tried(&server, "get", &format!("http://127.0.0.1:{port}/a")), json!({ "status": 200, "body": "/a" }));
    let moved = tried(&server, "get", &format!("http://127.0.0.1:{port}/moved"));
    assert_eq!(moved["status"], 302, "redirects are not followed");
}

#[test]
fn a_server_that_is_not_granted_is_not_reached() {
    let port = upstream();
    let server =
        Site::new([process(&format!("allow-hosts = ['https://example.com', 'http://127.0.0.1:{}']", port ^ 1))])
            .serve();
    for url in
        [format!("http://127.0.0.1:{port}/"), format!("http://[::1]:{port}/"), format!("http://localhost:{port}/")]
    {
        let told = refused(&server, "get", &url);
        assert!(told.contains("allow-hosts"), "{told}");
    }
}

/// A name is granted, and it leads to this machine: refused after DNS, unless the manifest says that it is meant.
#[test]
fn a_private_address_is_refused_after_dns() {
    let port = upstream();
    let url = format!("http://localhost:{port}/a");
    let wary = Site::new([process(&format!("allow-hosts = ['http://localhost:{port}']"))]).serve();
    let told = refused(&wary, "get", &url);
    assert!(told.contains("private address") && told.contains("private = true"), "{told}");
    let host = format!("allow-hosts = [{{ host = 'http://localhost:{port}', private = true }}]");
    let willing = Site::new([process(&host)]).serve();
    assert_eq!(tried(&willing, "get", &url)["body"], "/a");
}

/// `wasi:http` is under the same rules as `http-client`, whatever its guest's language calls it by.
#[test]
fn wasi_http_is_under_the_same_rules() {
    let port = upstream();
    let url = format!("http://127.0.0.1:{port}/a");
    let granted = Site::new([process(&format!("allow-hosts = ['http://127.0.0.1:{port}']"))]).serve();
    assert_eq!(tried(&granted, "wasi_get", &url), json!({ "status": 200, "body": "/a" }));
    let moved = tried(&granted, "wasi_get", &format!("http://127.0.0.1:{port}/moved"));
    assert_eq!(moved["status"], 302, "redirects are not followed");

    let other = Site::new([process(&format!("allow-hosts = ['http://127.0.0.1:{}']", port ^ 1))]).serve();
    assert_eq!(refused(&other, "wasi_get", &url), "ErrorCode::HttpRequestDenied");
    let wary = Site::new([process(&format!("allow-hosts = ['http://localhost:{port}']"))]).serve();
    let told = refused(&wary, "wasi_get", &format!("http://localhost:{port}/a"));
    assert_eq!(told, "ErrorCode::DestinationIpProhibited");
}
