//! What the durable queue does with executions that fail: again, later, and at last not any more.

use std::time::{SystemTime, UNIX_EPOCH};

use auricle_tests::client::{Request, Response};
use auricle_tests::manifest::{Section, inspect, probe};
use auricle_tests::site::{Server, Site, free_port, wait};
use serde_json::{Value, json};

use crate::operate::Operated;
use crate::postgres::Postgres;

/// A process `name` that leaves its marks in `out/log`, with what `retry` says of it.
fn process(name: &str, retry: &str) -> Section {
    probe(name, &format!("execute {name}: single-data -> single-json"))
        .and("return-documents = false\nfiles = { '/out' = { path = 'out', write = true } }")
        .and(&format!("retry = {{ {retry} }}"))
}

/// Has a process write in the folder `out` of another site.
fn writes_to(shared: &Site) -> String {
    format!("files = {{ '/out' = {{ path = {:?}, write = true }} }}", shared.path("out"))
}

fn site(sections: impl IntoIterator<Item = Section>) -> Site {
    let site = Site::new(sections);
    site.write("out/log.go", "");
    site
}

/// Takes the receipt and gives the execution's id.
#[track_caller]
fn id(receipt: &Response) -> String {
    assert_eq!((receipt.status, receipt.text()), (200, ""), "{receipt}");
    receipt.header("x-execution-id").unwrap().to_owned()
}

fn count(site: &Site, line: &str) -> usize {
    site.read("out/log").matches(line).count()
}

/// Where it stands; null once it has left the queue.
fn status(server: &Server, id: &str) -> Value {
    let answer = server.get(&format!("/_executions/{id}"));
    if answer.status == 404 { Value::Null } else { answer.json() }
}

/// A request whose runs fail until `out/ok` is there.
const REQUEST: &str = "/ws/simple/executeP?journal=/out/log&need=/out/ok";

#[test]
fn a_failed_run_is_tried_again_until_it_succeeds() {
    let server = site([process("p", "attempts = 1000, backoff = '10ms', max-backoff = '20ms'")]).serve();
    let id = id(&server.post(REQUEST, "x"));
    wait("a third try", || count(&server.site, &format!("begin {id} 3")) == 1);
    server.site.write("out/ok", "");
    wait("it to leave the queue", || status(&server, &id).is_null());
    let runs = count(&server.site, &format!("begin {id}"));
    assert_eq!(count(&server.site, &format!("begin {id} {runs}")), 1, "each run has its own number");
}

#[test]
fn after_its_last_attempt_it_is_a_dead_letter_and_stays_one() {
    let server = site([process("p", "attempts = 2, backoff = '1ms'")]).serve();
    let id = id(&server.post(REQUEST, "x"));
    server.wait_for_log("is a dead letter now");
    wait("it to be noted", || status(&server, &id)["state"] == "failed");
    assert_eq!(status(&server, &id)["attempt"], 2);
    let site = server.kill();
    site.write("out/ok", "");
    let server = site.serve();
    assert_eq!(status(&server, &id)["state"], "failed");
    // One that was accepted later has been run: had the other been pending, it would have been too.
    let later = self::id(&server.post(REQUEST, "x"));
    wait("the later one to run", || count(&server.site, &format!("end {later}")) == 1);
    assert_eq!(count(&server.site, &format!("begin {id}")), 2);
}

#[test]
fn a_trap_and_a_deadline_count_as_attempts() {
    let inspect = inspect("p", "execute P: none -> single-json");
    let keys = "return-documents = false\ntimeout = '200ms'\nretry = { attempts = 2, backoff = '1ms' }";
    let server = Site::new([inspect.and(keys)]).serve();
    for what in ["trap=1", "sleep_ms=60000"] {
        let id = id(&server.get(&format!("/ws/simple/executeP?{what}")));
        wait(&format!("{what} to be a dead letter"), || status(&server, &id)["state"] == "failed");
        assert_eq!(status(&server, &id)["attempt"], 2, "{what}");
    }
}

/// It was accepted: that its process is gone from the deployment uses up none of its attempts.
#[test]
fn what_cannot_begin_loses_no_attempt() {
    let p = || process("p", "attempts = 2, backoff = '1ms'");
    let site = site([p()]);
    std::fs::remove_file(site.path("out/log.go")).unwrap();
    let server = site.serve();
    let id = id(&server.post(REQUEST, "x"));
    wait("it to begin", || count(&server.site, &format!("begin {id} 1")) == 1);
    let site = server.kill();
    site.rewrite("", [process("another", "attempts = 1")]);
    let server = site.serve();
    wait("some tries", || server.log().matches("could not begin").count() >= 2);
    // Before that is noted, a crash would cut a run off, and count.
    wait("the last to be noted", || status(&server, &id)["attempt"] == 1);
    let site = server.kill();
    site.rewrite("", [p()]);
    site.write("out/log.go", "");
    site.write("out/ok", "");
    let server = site.serve();
    wait("it to end", || count(&server.site, &format!("end {id}")) == 1);
    assert_eq!(count(&server.site, &format!("end {id} 2")), 1, "the tries between did not count");
}

#[test]
fn a_long_backlog_of_one_process_keeps_no_other_waiting() {
    let stuck = process("stuck", "attempts = 1").and("max-concurrent = 100\ntimeout = '10m'");
    let server = site([stuck, process("p", "attempts = 1")]).serve();
    // Each has its own journal: guests that append to one file at the same time write over each other.
    let post = |process: &str, n: usize| {
        let target = format!("/ws/simple/execute{process}?journal=/out/{process}{n}");
        id(&server.post(&target, "x"))
    };
    let marks = |process: &str, n: usize| server.site.read(&format!("out/{process}{n}"));
    let release = |process: &str, n: usize| server.site.write(&format!("out/{process}{n}.go"), "");
    // They hold all that one process may have, of the slots and of memory, and wait in the store beside that.
    let waiting: Vec<_> = (0..300).map(|n| post("Stuck", n)).collect();
    wait("as many to run as may", || (0..300).filter(|n| !marks("Stuck", *n).is_empty()).count() >= 20);
    for n in 0..10 {
        release("P", n);
        let id = post("P", n);
        wait("another's to end meanwhile", || marks("P", n).contains(&format!("end {id} 1")));
    }
    assert!((0..300).any(|n| marks("Stuck", n).is_empty()), "the backlog is still there");
    (0..300).for_each(|n| drop(release("Stuck", n)));
    for (n, id) in waiting.iter().enumerate() {
        wait("the backlog to end", || marks("Stuck", n) == format!("begin {id} 1\nend {id} 1\n"));
    }
}

#[test]
fn a_dead_letter_that_is_sent_again_has_all_its_attempts() {
    let shared = Site::new([]);
    shared.write("out/log.go", "");
    let keys = "return-documents = false\nretry = { attempts = 2, backoff = '1ms' }";
    let p = probe("p", "execute p: single-data -> single-json").and(keys).and(&writes_to(&shared));
    let host = Operated::start("", [p]);
    let server = &host.server;
    let id = id(&server.post(REQUEST, "x"));
    let is_dead = || status(server, &id)["state"] == "failed";
    wait("it to be a dead letter", is_dead);
    host.send("POST", &format!("/queue/{id}/resend"), &json!({}));
    wait("two more runs", || is_dead() && count(&shared, &format!("end {id}")) == 4);
    shared.write("out/ok", "");
    host.send("POST", "/queue/resend", &json!({}));
    wait("it to leave the queue", || status(server, &id).is_null());
    assert_eq!(count(&shared, &format!("end {id} 1")), 3);
}

#[test]
fn what_a_host_was_running_when_it_died_another_one_runs() {
    let Some(postgres) = Postgres::shared() else { return };
    let shared = Site::new([]);
    std::fs::create_dir(shared.path("out")).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let keys = format!("store = '{}'\nenvironment = 'queue-{now}'", postgres.url);
    let host = || {
        let p = probe("p", "execute p: single-data -> single-json").and("return-documents = false");
        Site::with(&keys, [p.and(&writes_to(&shared))]).serve()
    };
    let (one, other) = (host(), host());
    let send = |to: &Server| {
        let request = to.request("POST", "/ws/simple/executeP?journal=/out/log").header("idempotency-key", "k");
        request.body("x").send()
    };
    let id = id(&send(&one));
    wait("it to run", || shared.read("out/log").contains(&format!("begin {id} 1")));
    assert_eq!(status(&other, &id)["state"], "running");
    assert_eq!(self::id(&send(&other)), id, "its key is known to both");
    one.kill();
    shared.write("out/log.go", "");
    wait("the other to run it", || shared.read("out/log").contains(&format!("end {id} 2")));
    assert_eq!(shared.read("out/log").matches("begin").count(), 2);
}

#[test]
fn the_metrics_tell_of_dead_letters() {
    let admin = free_port();
    let site = Site::with(&format!("admin-listen = '127.0.0.1:{admin}'"), [process("p", "attempts = 1")]);
    site.write("out/log.go", "");
    let server = site.serve();
    let scrape = || Request::new(([127, 0, 0, 1], admin).into(), "GET", "/metrics").send();
    id(&server.post(REQUEST, "x"));
    wait("the run to be counted", || scrape().text().contains("auricle_queue_runs_total{end=\"failed\"} 1"));
    wait("the store to be counted", || scrape().text().contains("auricle_queue_depth{state=\"failed\"} 1"));
}

/// The status of a receipt tells where it stands, and nothing of what its process said.
#[test]
fn a_caller_is_not_told_why() {
    let server = site([process("p", "attempts = 1")]).serve();
    let id = id(&server.post(REQUEST, "x"));
    wait("it to fail", || status(&server, &id)["state"] == "failed");
    let told = status(&server, &id);
    assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["attempt", "id", "state"], "{told}");
}
