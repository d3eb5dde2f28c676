//! What is promised holds when the host dies, while versions come and go under load, and when the store cannot be written.
//!
//! The first two are `auricle-bench kills` and `swaps` in short; by hand they run hundreds of kills and a minute of swaps
//! (docs/performance.md).

use std::process::Command;

use auricle_tests::build;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site, wait};

use crate::postgres::Postgres;

#[track_caller]
fn bench(arguments: &[&str]) {
    let output = Command::new(build::bench()).args(arguments).arg("--auricle").arg(build::program()).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
}

#[test]
fn what_was_acknowledged_outlives_kills() {
    bench(&["kills", "--kills", "6"]);
}

#[test]
fn what_was_acknowledged_outlives_kills_on_postgresql() {
    let Some(postgres) = Postgres::shared() else { return };
    let environment = format!("kills-{}", std::process::id());
    bench(&["kills", "--kills", "6", "--store", &postgres.url, "--environment", &environment]);
}

#[test]
fn versions_come_and_go_without_a_failed_or_mixed_answer() {
    bench(&["swaps", "--seconds", "6", "--every", "0.5", "--connections", "8"]);
}

/// One process that answers, and one that gives a receipt.
fn site() -> Site {
    Site::new([
        inspect("p", "query p: single-data -> single-json").and("mode = 'low-latency'"),
        inspect("later", "execute later: single-data -> single-json").and("return-documents = false"),
        api("api", "/api").route("POST", "p").route("POST", "later"),
    ])
}

/// While the store cannot be written: no receipt is given, and everything else is served. Afterwards receipts are given again.
#[track_caller]
fn lives_through(server: &Server, over: impl FnOnce()) {
    let refused = server.post("/ws/rest/api/later", "x".repeat(100_000));
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.post("/ws/rest/api/p", "x").status, 200);
    assert_eq!(server.get("/_admin/status").status, 200);
    over();
    wait("receipts again", || server.post("/ws/rest/api/later", "x").status == 200);
}

#[test]
fn a_database_that_another_program_holds_stops_receipts_only() {
    let server = site().serve();
    let other = rusqlite::Connection::open(server.site.path("data/auricle.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    lives_through(&server, || other.execute_batch("ROLLBACK").unwrap());
}

/// A first page alone would be documents lost, and nobody told.
#[test]
fn an_answer_whose_further_pages_cannot_be_kept_is_refused() {
    let paged = inspect("p", "query p: none -> multiple-json").and("max-documents = 1");
    let server = Site::new([paged, api("api", "/api").route("GET", "p")]).serve_on_a_small_disk();
    let full = std::fs::metadata(server.site.path("data/auricle.db-wal")).unwrap().len();
    server.limit_files(Some(full));
    let refused = server.get("/ws/rest/api/p?documents=2000");
    assert!(refused.problem(503).detail.contains("the process has run"), "{refused}");
    assert!(refused.header("x-execution-id").is_some() && refused.header("link").is_none(), "{refused}");
    assert_eq!(server.get("/ws/rest/api/p?documents=1").status, 200, "it has one page");
    server.limit_files(None);
    wait("pages again", || server.get("/ws/rest/api/p?documents=2").status == 200);
    let first = server.get("/ws/rest/api/p?documents=2000");
    assert_eq!(server.get(&first.next().unwrap()).text(), "[{\"n\":2}]");
}

#[test]
fn a_disk_that_is_full_stops_receipts_only() {
    let server = site().serve_on_a_small_disk();
    let full = std::fs::metadata(server.site.path("data/auricle.db-wal")).unwrap().len();
    server.limit_files(Some(full));
    lives_through(&server, || server.limit_files(None));
}
