//! What is left of an execution when it is over: its record, or a count.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auricle::{Document, Host, Manifest};
use auricle_tests::client::{Request, Response};
use auricle_tests::manifest::{Section, api, inspect};
use auricle_tests::site::{Server, Site, free_port, wait};
use serde_json::{Value, json};

const RUN: &str = "/ws/simple/getP";

/// A host whose records can be asked for.
struct Recorded {
    server: Server,
    admin: SocketAddr,
}

impl Recorded {
    /// `[server.records]` has these keys.
    fn start(records: &str, sections: impl IntoIterator<Item = Section>) -> Self {
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let settings = format!("admin-listen = '{admin}'\n[server.records]\n{records}");
        Self { server: Site::with(&settings, sections).serve(), admin }
    }

    #[track_caller]
    fn ask(&self, path: &str) -> Response {
        ask(self.admin, &self.server.site.read("data/admin-token"), path)
    }

    /// The record of the execution that an answer came from.
    #[track_caller]
    fn of(&self, response: &Response) -> Value {
        self.ask(&format!("executions/{}", id(response))).json()
    }

    /// Those that are listed, the newest first.
    #[track_caller]
    fn all(&self, filter: &str) -> Vec<Value> {
        // Whoever asks for one that is not there has everything written first.
        self.ask("executions/00000000-0000-7000-8000-000000000000").problem(404);
        self.ask(&format!("executions?{filter}")).json().as_array().unwrap().clone()
    }

    /// How many executions and failures were counted.
    #[track_caller]
    fn counted(&self) -> (u64, u64) {
        self.all("");
        let minutes = self.ask("usage").json();
        let sum = |key: &str| minutes.as_array().unwrap().iter().map(|minute| minute[key].as_u64().unwrap()).sum();
        (sum("executions"), sum("failures"))
    }
}

#[track_caller]
fn ask(admin: SocketAddr, token: &str, path: &str) -> Response {
    let request = Request::new(admin, "GET", &format!("/_admin/v1/{path}"));
    request.header("Authorization", format!("Bearer {}", token.trim())).send()
}

#[track_caller]
fn id(response: &Response) -> String {
    response.header("x-execution-id").unwrap_or_else(|| panic!("no execution answered: {response}")).to_owned()
}

fn low_latency() -> [Section; 1] {
    [inspect("p", "get p: none -> single-json").and("mode = 'low-latency'")]
}

#[test]
fn in_general_mode_everything_is_recorded() {
    let host = Recorded::start(
        "",
        [inspect("p", "update p: single-json -> single-json"), api("crm", "/crm").route("PUT {id}", "p")],
    );
    let request = host.server.request("PUT", "/ws/rest/crm/p/7?log=a+line&set_status=201&set_header=Some-Data:5");
    let response = request.header("X-WSS-Kind", "k").body(r#"{"a": 1}"#).send();
    assert_eq!(response.status, 201);

    let record = host.of(&response);
    for (key, value) in [
        ("id", json!(id(&response))),
        ("environment", json!("default")),
        ("version", json!(1)),
        ("process", json!("p")),
        ("api", json!("crm")),
        ("route", json!("PUT /ws/rest/crm/p/{id}")),
        ("protocol", json!("rest")),
        ("mode", json!("general")),
        ("attempt", json!(1)),
        ("debug", json!(false)),
        ("user", json!(null)),
        ("status", json!(201)),
        ("failure", json!(null)),
        ("kind", json!("whole")),
        ("message", json!(null)),
        ("client", json!("127.0.0.1")),
        ("uses", json!(1)),
        ("notes", json!([])),
    ] {
        assert_eq!(record[key], value, "{key}: {record}");
    }
    assert_eq!(record["operation"]["input"], "single-json");
    assert!(record["package"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!((&record["properties"]["param_id"], &record["properties"]["inmethod"]), (&json!("7"), &json!("PUT")));
    let went_in = &record["documents-in"][0];
    assert_eq!(
        (&went_in["text"], &went_in["size"], &went_in["altered"]),
        (&json!(r#"{"a": 1}"#), &json!(8), &json!(false))
    );
    assert_eq!(went_in["properties"]["inheader_X-WSS-Kind"], "k");
    let came_back = &record["documents-out"][0];
    assert_eq!(came_back["text"].as_str(), Some(response.text()));
    assert_eq!(came_back["properties"]["outheader_Some-Data"], "5");
    assert_eq!((&record["log"][0]["message"], &record["log"][0]["level"]), (&json!("a line"), &json!("info")));
    for key in ["began-at", "ran-us", "cpu-us", "memory", "instance-age-us"] {
        assert!(record[key].as_u64().unwrap() > 0, "{key}: {record}");
    }
    let phases = &record["phases"];
    assert!(phases["instantiated-us"].as_u64().unwrap() > 0 && phases["ran-us"] == record["ran-us"], "{phases}");

    let list = host.all("process=p&status=201&mode=general");
    assert_eq!((list.len(), &list[0]["id"]), (1, &record["id"]));
    assert_eq!(host.counted(), (1, 0));
}

#[test]
fn in_low_latency_mode_successes_are_counted_and_failures_recorded() {
    let sections = [inspect("p", "create p: multiple-json -> single-json").and("mode = 'low-latency'")];
    let host = Recorded::start("", sections);
    let post = |query: &str| {
        let request = host.server.request("POST", &format!("/ws/simple/createP?{query}"));
        request.header("X-WSS-Kind", "k").body(r#"[{"a":1},[2]]"#).send()
    };
    for _ in 0..5 {
        assert_eq!(post("").status, 200);
    }
    let response = post("log=a+line&fail=Lead+7+rejected");
    assert_eq!(response.status, 500);

    let record = host.of(&response);
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    assert_eq!((text("/failure"), text("/message")), (Some("failed".into()), Some("Lead 7 rejected".into())));
    assert_eq!(
        (text("/mode"), &record["status"], &record["uses"]),
        (Some("low-latency".into()), &json!(500), &json!(6))
    );
    // What went in was not kept for it, and is there all the same.
    assert_eq!(
        (text("/documents-in/0/text"), text("/documents-in/1/text")),
        (Some(r#"{"a":1}"#.into()), Some("[2]".into()))
    );
    assert_eq!(text("/documents-in/1/properties/inheader_X-WSS-Kind"), Some("k".into()));
    assert_eq!(text("/properties/query_fail"), Some("Lead 7 rejected".into()));
    assert_eq!(text("/log/0/message"), Some("a line".into()));
    assert_eq!(host.all("").len(), 1);
    assert_eq!(host.counted(), (6, 1));
    let minute = host.ask("usage?process=p").json()[0].take();
    let buckets: u64 = minute["buckets"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert!(buckets == minute["executions"] && minute["longest-us"].as_u64() <= minute["ran-us"].as_u64(), "{minute}");
}

#[test]
fn a_slow_success_leaves_a_record_where_that_is_asked_for() {
    let host = Recorded::start("slow = '40ms'", low_latency());
    host.server.get(RUN);
    let slow = host.server.get(&format!("{RUN}?sleep_ms=60"));
    let list = host.all("");
    assert_eq!((list.len(), list[0]["id"].as_str()), (1, slow.header("x-execution-id")));
    assert_eq!(host.all("longer-ms=60").len(), 1);
}

#[test]
fn an_answer_that_cannot_be_sent_is_a_failure_of_its_process() {
    let host = Recorded::start("", low_latency());
    let response = host.server.get(&format!("{RUN}?set_status=abc"));
    response.problem(500);
    let record = host.of(&response);
    assert_eq!((&record["failure"], &record["status"]), (&json!("contract"), &json!(500)));
    assert!(record["message"].as_str().unwrap().contains("\"abc\" is no status"), "{record}");
    assert_eq!(record["documents-out"][0]["properties"]["outstatuscode"], "abc");
}

#[test]
fn what_the_host_dropped_of_an_answer_is_in_the_record() {
    let host = Recorded::start("", [inspect("p", "get p: none -> single-json")]);
    let response = host.server.get(&format!("{RUN}?set_header=Content-Length:5"));
    let notes = host.of(&response)["notes"].to_string();
    assert!(notes.contains("`outheader_Content-Length` dropped"), "{notes}");
}

#[test]
fn every_answer_that_ran_a_process_names_its_execution() {
    let paged = inspect("list", "query list: none -> multiple-json").and("max-documents = 2");
    let later = inspect("later", "create later: none -> single-json").and("return-documents = false");
    let [p] = low_latency();
    let host = Recorded::start("", [p, paged, later, api("a", "/a").route("GET", "list")]);
    let get = |path: &str| host.server.get(path);
    for (path, status) in [
        (RUN.to_owned(), 200),
        (format!("{RUN}?fail=x"), 500),
        (format!("{RUN}?trap=1"), 500),
        (format!("{RUN}?set_status=abc"), 500),
        (format!("{RUN}?set_status=204&body="), 204),
        (format!("{RUN}?_boomi_debug=true"), 200),
    ] {
        let response = get(&path);
        assert_eq!(response.status, status, "{path}");
        id(&response);
    }
    let first = get("/ws/rest/a/list?documents=3");
    assert_eq!(id(&get(&first.next().unwrap())), id(&first));
    id(&host.server.post("/ws/simple/createLater", ""));
    assert_eq!(get("/ws/simple/nothing").header("x-execution-id"), None);
}

#[test]
fn a_debug_run_is_recorded_with_what_it_saw_of_the_outside() {
    let host = Recorded::start("", low_latency());
    let response = host.server.get(&format!("{RUN}?sleep_ms=1&_boomi_debug=true"));
    let record = host.of(&response);
    assert_eq!((&record["debug"], &record["mode"]), (&json!(true), &json!("general")));
    assert!(record["tape"]["entries"].is_array(), "{record}");
}

#[test]
fn a_queued_execution_is_recorded_with_its_attempt() {
    let retry = "return-documents = false\nretry = { attempts = 2, backoff = '10ms' }";
    let host = Recorded::start("", [inspect("p", "get p: none -> single-json").and(retry)]);
    let receipt = host.server.get(&format!("{RUN}?fail=x"));
    assert_eq!(receipt.status, 200);
    wait("the second attempt", || {
        let list = host.all("");
        list.len() == 1 && list[0]["attempt"] == 2
    });
    let record = host.of(&receipt);
    assert_eq!((&record["failure"], &record["message"]), (&json!("failed"), &json!("x")));
}

#[test]
fn with_level_failures_only_those_leave_a_record_and_with_off_nothing_does() {
    let general = || [inspect("p", "get p: none -> single-json")];
    let host = Recorded::start("level = 'failures'", general());
    host.server.get(RUN);
    let failed = host.server.get(&format!("{RUN}?fail=x"));
    let list = host.all("");
    assert_eq!((list.len(), list[0]["id"].as_str()), (1, failed.header("x-execution-id")));
    assert_eq!(host.of(&failed)["properties"]["query_fail"], "x");
    assert_eq!(host.counted(), (2, 1));

    let host = Recorded::start("level = 'off'", general());
    host.server.get(&format!("{RUN}?fail=x"));
    assert_eq!((host.all(""), host.counted()), (Vec::new(), (0, 0)));
}

/// All files of a folder, those of the shared cache of components aside.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let own = entries.filter(|entry| !entry.file_type().unwrap().is_symlink()).map(|entry| entry.path());
    own.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_is_redacted_is_nowhere_in_the_store() {
    let redact = "redact = { headers = ['x-wss-token'], properties = ['query_pin'], json = ['$..card'] }";
    let host = Recorded::start(redact, [inspect("p", "create p: single-json -> single-json")]);
    let request = host.server.request("POST", "/ws/simple/createP?echo=1&pin=secret-1&pin=secret-2");
    let body = r#"{"name": "in plain sight", "of": [{"card": "secret-3"}]}"#;
    let response = request.header("X-WSS-Token", "secret-4").body(body).send();
    assert_eq!(response.text(), body, "the process and its caller see all of it");
    // One that cannot be read could hold it anywhere.
    host.server.post("/ws/simple/createP?echo=1", r#"{"card": "secret-5", "#);
    host.server.post("/ws/simple/createP?fail=x", r#"{"card": "secret-6", "card": null}"#);

    let record = host.of(&response);
    assert_eq!(record["properties"]["query_pin"], "[redacted]");
    for documents in ["documents-in", "documents-out"] {
        let document = &record[documents][0];
        assert_eq!(document["text"], r#"{"name":"in plain sight","of":[{"card":"[redacted]"}]}"#);
        assert_eq!(
            (&document["altered"], &document["properties"]["inheader_X-WSS-Token"]),
            (&json!(true), &json!("[redacted]"))
        );
    }
    assert_eq!(host.all("").len(), 3);
    host.server.terminate();
    let (_, site) = host.server.wait();
    let all: Vec<u8> = files(&site.path("data")).iter().flat_map(|file| fs::read(file).unwrap()).collect();
    let holds = |words: &str| all.windows(words.len()).any(|part| part == words.as_bytes());
    assert!(holds("in plain sight"), "the store is written as it is read");
    assert!(!holds("secret-"), "something of it is in the store");
}

#[test]
fn records_survive_a_stop_and_the_oldest_give_way() {
    let host = Recorded::start("max-bytes = '1MiB'", [inspect("p", "create p: single-data -> single-data")]);
    let large = "x".repeat(60 << 10);
    let post = || host.server.post("/ws/simple/createP?body=ok", &large);
    let first = post();
    assert_eq!(host.of(&first)["documents-in"][0]["size"], 60 << 10);
    (0..30).for_each(|_| drop(post()));
    let last = post();
    let gone = format!("executions/{}", id(&first));
    wait("the oldest to go", || host.ask(&gone).status == 404);
    assert_eq!(host.of(&last)["status"], 200);

    let unread = id(&post());
    host.server.terminate();
    let (status, site) = host.server.wait();
    assert!(status.success());
    let (server, admin) = (site.serve(), host.admin);
    let token = server.site.read("data/admin-token");
    assert_eq!(ask(admin, &token, &format!("executions/{unread}")).status, 200, "it was written before the end");
}

#[test]
fn how_recording_goes_is_told_with_the_metrics() {
    let host = Recorded::start("", [inspect("p", "get p: none -> single-json")]);
    host.server.get(RUN);
    host.all("");
    let page = Request::new(host.admin, "GET", "/metrics").send();
    for line in [
        "auricle_records_written_total 1",
        "auricle_records_shed_total{kind=\"success\"} 0",
        "auricle_records_behind 0",
    ] {
        assert!(page.text().lines().any(|told| told.starts_with(line)), "{line}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_embedder_runs_is_recorded_too() {
    let site = Site::new([inspect("p", "execute p: single-data -> single-json")]);
    let host = Host::builder().manifest(Manifest::load(&site.manifest()).unwrap()).start().await.unwrap();
    let server = host.listen().await.unwrap();
    let outcome = host.run("p", [Document::new("hello")]).await;
    let (admin, token) = (server.admin_address(), site.read("data/admin-token"));
    let stop = tokio::spawn(server.run_until(tokio::time::sleep(std::time::Duration::from_secs(3600))));
    let path = format!("executions/{}", outcome.id);
    let record = tokio::task::spawn_blocking(move || ask(admin, &token, &path).json()).await.unwrap();
    assert_eq!((&record["protocol"], &record["status"]), (&json!("invoke"), &json!(null)));
    assert_eq!(record["documents-in"][0]["text"], "hello");
    stop.abort();
    host.close().await;
}
