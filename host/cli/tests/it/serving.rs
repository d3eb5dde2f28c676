//! `serve`, `dev` and `demo`: they answer over a socket, and end when told to.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::{Folder, checkout, inspect, manifest, ready};

/// Longer than anything takes, a cold build of the examples included.
const PATIENCE: Duration = Duration::from_secs(600);

/// The program while it runs: the lines of its standard output and error as they come.
struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = lines(BufReader::new(child.stdout.take().unwrap()));
        let err = lines(BufReader::new(child.stderr.take().unwrap()));
        Self { child, out, err }
    }

    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line; on standard error: {:?}", self.errors()))
    }

    /// The first line on standard error from now on that has a text in it.
    fn error_with(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self.err.recv_timeout(until - Instant::now()).unwrap_or_else(|_| panic!("never said: {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn errors(&self) -> Vec<String> {
        self.err.try_iter().collect()
    }

    /// Asks it to end, waits, gives its status.
    fn end(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::BufRead + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || from.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    receive
}

fn get(url: &str, path: &str) -> String {
    request(url, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

fn request(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const ROUTE: &str = "[[api]]\nname = \"a\"\nbase = \"\"\n[[api.rest]]\nmethod = \"GET\"\npath = \"{id}\"\nobject = \"\"\n\
                     input = \"none\"\nprocess = \"inspect\"\n";

#[test]
fn serve_says_where_and_drains() {
    let folder = ready(ROUTE);
    for signal in ["-TERM", "-INT"] {
        let mut serving = Running::start(folder.command(&["serve"]));
        let line = serving.line();
        let url = line.strip_prefix("listening on ").unwrap();
        let answer = get(url, "/ws/rest/7");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""param_id":"7""#), "{answer}");
        assert_eq!(serving.end(signal), Some(0));
        assert!(serving.out.recv().is_err(), "one line on standard output");
    }
}

#[test]
fn a_stop_waits_for_requests_and_a_second_one_does_not() {
    let folder = ready(ROUTE);
    let start = |sleep: &str| {
        let serving = Running::start(folder.command(&["serve"]));
        let url = serving.line().strip_prefix("listening on ").unwrap().to_owned();
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        write!(stream, "GET /ws/rest/7?sleep_ms={sleep} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        // Until the request is under way.
        std::thread::sleep(Duration::from_millis(300));
        (serving, stream)
    };
    let (mut serving, mut stream) = start("1000");
    assert_eq!(serving.end("-TERM"), Some(0));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let (mut serving, _stream) = start("20000");
    serving.signal("-INT");
    serving.error_with("a second signal ends at once");
    let begun = Instant::now();
    assert_eq!(serving.end("-INT"), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn serve_says_why_it_cannot() {
    let folder = ready("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = manifest("").replacen("127.0.0.1:0", &taken.local_addr().unwrap().to_string(), 1);
    folder.write("auricle.toml", text);
    let said = folder.run(&["serve"]);
    assert_eq!((said.status, &*said.out), (1, ""));
    assert!(said.err.contains("error: cannot listen on 127.0.0.1:") && said.err.contains("`listen`"), "{said:?}");
}

#[test]
fn dev_swaps_what_changes_and_keeps_what_works() {
    let folder = Folder::new();
    let build = "build = \"sh build.sh\"";
    folder.write("auricle.toml", manifest(build) + ROUTE);
    folder.write("build.sh", "cp source.bin inspect.wasm");
    folder.write("source.bin", inspect());
    let mut dev = Running::start(folder.command(&["dev"]));
    let line = dev.line();
    let url = line.strip_prefix("listening on ").unwrap();
    let status = || get(url, "/ws/rest/7?set_status=218").lines().next().map(str::to_owned);
    let works = || assert!(status().unwrap().starts_with("HTTP/1.1 218"), "{:?}", status());
    works();

    // Another component of the same behaviour: a custom section more.
    folder.write("source.bin", [inspect(), &[0, 2, 1, b'x']].concat());
    assert!(dev.line().starts_with("swapped inspect in "));
    works();

    folder.write("build.sh", "echo expected a semicolon >&2; exit 3");
    dev.error_with("expected a semicolon");
    dev.error_with("failed (exit status 3)");
    works();

    folder.write("build.sh", "cp source.bin inspect.wasm");
    folder.write("auricle.toml", manifest("tiem = 1"));
    dev.error_with("auricle.toml:12:1: process[inspect].tiem");
    works();

    folder.write("auricle.toml", manifest(build) + &ROUTE.replace("{id}", "new/{id}"));
    assert!(dev.line().starts_with("swapped the manifest in "));
    assert!(get(url, "/ws/rest/new/7").starts_with("HTTP/1.1 200"));
    assert!(get(url, "/ws/rest/7").starts_with("HTTP/1.1 404"));
    assert_eq!(dev.end("-INT"), Some(0));
}

#[test]
fn dev_waits_for_what_does_not_build_yet() {
    let folder = Folder::with(&manifest("build = \"sh build.sh\""));
    folder.write("build.sh", "exit 1");
    let mut dev = Running::start(folder.command(&["dev"]));
    dev.error_with("nothing is served yet");
    folder.write("given.bin", inspect());
    folder.write("build.sh", "cp given.bin inspect.wasm");
    assert!(dev.line().starts_with("listening on http://127.0.0.1:"));
    assert_eq!(dev.end("-TERM"), Some(0));
}

#[test]
fn demo_serves_what_it_prints() {
    let mut demo = Running::start(Folder::new().command(&["demo", "--listen", "127.0.0.1:0", "--json"]));
    let said: serde_json::Value = serde_json::from_str(&demo.line()).unwrap();
    let url = said["listening"].as_str().unwrap();
    assert!(said["accounts"].as_u64().unwrap() > 100, "{said}");
    assert_eq!(said["requests"].as_array().unwrap().len(), 5);
    let one = &said["requests"][0];
    let (_, path) = one["curl"].as_str().unwrap().split_once(url).unwrap();
    let name = one["what"].as_str().unwrap().strip_prefix("Get ").unwrap();
    let answer = get(url, path);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(name), "{answer}");
    let answer = get(url, "/ws/rest/crm/Account?BillingCountry=Switzerland");
    assert!(answer.contains(r#""BillingCity":"Zurich""#), "{answer}");
    assert_eq!(demo.end("-INT"), Some(0));
    let place = url.trim_start_matches("http://").replace(':', "-");
    std::fs::remove_dir_all(checkout().join("target/demo").join(place)).unwrap();
}
