//! An OCI registry, as small as pushing and pulling need it: the distribution protocol's blobs and manifests in memory.
//!
//! It can demand credentials, lie about what it has, and be gone.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

/// A registry on a port of this machine. Dropped, it answers nobody any more.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
}

/// What it holds. Names are `repository` and `digest` or `tag`, as the paths have them.
#[derive(Debug, Default)]
struct Shelf {
    blobs: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, Vec<u8>>,
    /// Base64 of `user:password`, where only that may enter.
    key: Option<String>,
    asked: Vec<String>,
    gone: bool,
}

impl Registry {
    /// A registry that lets everybody in.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Arc::<Mutex<Shelf>>::default();
        let own = shelf.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = own.clone();
                thread::spawn(move || serve(stream, &shelf));
            }
        });
        Self { address, shelf }
    }

    /// Lets in only who has this key from now on: base64 of `user:password`.
    pub fn lock(&self, key: &str) {
        self.shelf.lock().unwrap().key = Some(key.to_owned());
    }

    /// A reference to something in it: `reference("acme/echo:1.0")`.
    pub fn reference(&self, artifact: &str) -> String {
        format!("{}/{artifact}", self.address)
    }

    /// What it was asked so far: `GET /v2/...`.
    pub fn asked(&self) -> Vec<String> {
        self.shelf.lock().unwrap().asked.clone()
    }

    /// The manifest of an artifact: `manifest("acme/echo:1.0")`.
    pub fn manifest(&self, artifact: &str) -> serde_json::Value {
        serde_json::from_slice(&self.shelf.lock().unwrap().manifests[artifact]).unwrap()
    }

    /// Gives other bytes for each blob of this size from now on.
    pub fn tamper(&self, size: usize) {
        let mut shelf = self.shelf.lock().unwrap();
        let blobs = shelf.blobs.values_mut().filter(|blob| blob.len() == size);
        blobs.for_each(|blob| *blob.last_mut().unwrap() ^= 1);
    }

    /// Gives something else for an artifact.
    pub fn replace(&self, artifact: &str, manifest: &serde_json::Value) {
        self.shelf.lock().unwrap().manifests.insert(artifact.to_owned(), manifest.to_string().into_bytes());
    }

    /// Answers nobody from now on.
    pub fn go(&self) {
        self.shelf.lock().unwrap().gone = true;
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.go();
    }
}

/// A request, read whole.
struct Asked {
    method: String,
    target: String,
    head: String,
    body: Vec<u8>,
}

fn serve(stream: TcpStream, shelf: &Mutex<Shelf>) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream) {
        let mut shelf = shelf.lock().unwrap();
        if shelf.gone {
            return;
        }
        shelf.asked.push(format!("{} {}", asked.method, asked.target));
        let (status, headers, body) = shelf.answer(&asked);
        let length = body.len();
        let body = if asked.method == "HEAD" { Vec::new() } else { body };
        let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes();
        answer.extend(body);
        if stream.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            return None;
        }
    }
    let mut first = head.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { method, target, head, body })
}

fn header(head: &str, name: &str) -> Option<String> {
    let of = |line: &str| line.split_once(':').map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned()));
    head.lines().filter_map(of).find(|(key, _)| key == name).map(|(_, value)| value)
}

type Answer = (u16, String, Vec<u8>);

impl Shelf {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if let Some(key) = &self.key
            && header(&asked.head, "authorization") != Some(format!("Basic {key}"))
        {
            return (401, "www-authenticate: Basic realm=\"test\"\r\n".to_owned(), Vec::new());
        }
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let path = path.trim_start_matches("/v2/");
        match asked.method.as_str() {
            "POST" if path.ends_with("/blobs/uploads/") => (202, location(&format!("/v2/{path}one")), Vec::new()),
            "PUT" if path.contains("/blobs/uploads/") => {
                let digest = query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap_or_default();
                let name = path.split("/uploads/").next().unwrap_or_default();
                let name = format!("{name}/{}", digest.replace("%3A", ":"));
                self.blobs.insert(name.clone(), asked.body.clone());
                (201, location(&format!("/v2/{name}")), Vec::new())
            }
            "PUT" if path.contains("/manifests/") => {
                let repository = path.split("/manifests/").next().unwrap_or_default();
                self.manifests.insert(format!("{repository}@{}", sha256(&asked.body)), asked.body.clone());
                self.manifests.insert(path.replace("/manifests/", ":"), asked.body.clone());
                (201, location(&asked.target), Vec::new())
            }
            "GET" | "HEAD" if path.contains("/blobs/") => found(self.blobs.get(path), "application/octet-stream"),
            "GET" | "HEAD" if path.contains("/manifests/") => {
                let separator = if path.contains("sha256:") { "@" } else { ":" };
                let name = path.replace("/manifests/", separator);
                found(self.manifests.get(&name), "application/vnd.oci.image.manifest.v1+json")
            }
            "GET" if path == "/v2" || path.is_empty() => (200, String::new(), Vec::new()),
            _ => (404, String::new(), Vec::new()),
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{digits}")
}

fn location(target: &str) -> String {
    format!("location: {target}\r\n")
}

fn found(bytes: Option<&Vec<u8>>, media_type: &str) -> Answer {
    match bytes {
        Some(bytes) => (200, format!("content-type: {media_type}\r\n"), bytes.clone()),
        None => {
            let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}"#;
            (404, "content-type: application/json\r\n".to_owned(), body.as_bytes().to_vec())
        }
    }
}
