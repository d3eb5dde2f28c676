//! A host as its operator has it: by the admin API, with a token.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use auricle::{Digest, Manifest};
use auricle_tests::client::{Request, Response};
use auricle_tests::manifest::{Section, api, inspect};
use auricle_tests::site::{Server, Site, free_port};
use serde_json::{Value, json};

/// A host with its admin address and its first token.
pub(crate) struct Operated {
    pub(crate) server: Server,
    pub(crate) admin: SocketAddr,
    pub(crate) token: String,
    keys: String,
}

impl Operated {
    pub(crate) fn start(keys: &str, sections: impl IntoIterator<Item = Section>) -> Self {
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let keys = format!("admin-listen = '{admin}'\n{keys}");
        Self::serve(Site::with(&keys, sections), admin, keys)
    }

    fn serve(site: Site, admin: SocketAddr, keys: String) -> Self {
        let server = site.serve();
        let token = server.site.read("data/admin-token").trim().to_owned();
        Self { server, admin, token, keys }
    }

    /// Stops it and starts it again, with its manifest as it is.
    pub(crate) fn restart(self) -> Self {
        self.server.terminate();
        let (status, site) = self.server.wait();
        assert!(status.success(), "{status}");
        Self::serve(site, self.admin, self.keys)
    }

    /// A request to the API, below its base.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        self.request_as(&self.token, method, path)
    }

    pub(crate) fn request_as(&self, token: &str, method: &str, path: &str) -> Request {
        let request = Request::new(self.admin, method, &format!("/_admin/v1{path}"));
        request.header("authorization", format!("Bearer {token}"))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.request("GET", path).send().json()
    }

    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path).header("content-type", "application/json");
        request.body(body.to_string()).send()
    }

    /// Everything that a stream gives until it ends, a JSON value a line.
    #[track_caller]
    pub(crate) fn lines(&self, method: &str, path: &str, body: &Value) -> Vec<Value> {
        let (head, body) = self.whole(method, path, &body.to_string());
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// Head and body of an answer that is sent as it comes. HTTP/1.0 has no chunks: the connection ends it.
    pub(crate) fn whole(&self, method: &str, path: &str, body: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        write!(
            stream,
            "{method} /_admin/v1{path} HTTP/1.0\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
    }

    /// Puts a package; gives its digest.
    #[track_caller]
    pub(crate) fn put(&self, bytes: &[u8]) -> String {
        let digest = Digest::of(bytes).to_string();
        let put = self.request("PUT", &format!("/packages/{digest}")).body(bytes).send();
        assert_eq!(put.json()["digest"], *digest);
        digest
    }

    /// What is to be deployed of these sections: their packages are put.
    #[track_caller]
    pub(crate) fn version(&self, sections: impl IntoIterator<Item = Section>) -> Value {
        // Written in a place of its own: the host's manifest stays what it was started with.
        let desk = Site::with(&self.keys, sections);
        let manifest = Manifest::load(&desk.manifest()).unwrap();
        let deployment = serde_json::to_value(&manifest.deployment).unwrap();
        let mut packages = serde_json::Map::new();
        for process in deployment["processes"].as_array().unwrap() {
            let bytes = std::fs::read(process["package"]["path"].as_str().unwrap()).unwrap();
            packages.insert(process["name"].as_str().unwrap().to_owned(), self.put(&bytes).into());
        }
        json!({ "deployment": deployment, "packages": packages })
    }

    /// Deploys to an environment, with more than the sections say.
    #[track_caller]
    pub(crate) fn deploy(&self, to: &str, sections: impl IntoIterator<Item = Section>, more: Value) -> Response {
        let mut version = self.version(sections);
        version.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send("POST", &format!("/environments/{to}/versions"), &version)
    }

    /// The active version of the host's environment.
    #[track_caller]
    pub(crate) fn active(&self) -> Value {
        self.get("/environments/default")["active"].clone()
    }

    /// The audit log, newest first, as `who action target: detail`.
    #[track_caller]
    pub(crate) fn audit(&self) -> Vec<String> {
        let entries = self.get("/audit");
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or("nobody").to_owned();
        let line = |e: &Value| {
            format!("{} {} {}: {}", text(e, "who"), text(e, "action"), text(e, "target"), text(e, "detail"))
        };
        entries.as_array().unwrap().iter().map(line).collect()
    }
}

/// A process, and a route `/ws/rest/api/p` to it: its answer names it.
pub(crate) fn named(name: &str) -> [Section; 2] {
    [inspect(name, "get p: none -> single-json"), api("api", "/api").route("GET", name)]
}
