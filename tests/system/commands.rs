//! The commands that ask a running host, as a person in the folder of its manifest types them.

use std::net::SocketAddr;

use auricle_tests::build::guest;
use auricle_tests::client::Request;
use auricle_tests::manifest::{Section, api, inspect, probe};
use auricle_tests::site::{Finished, Server, Site, free_port, wait};
use serde_json::Value;

/// A host that is found by its manifest.
struct Hosted {
    server: Server,
    admin: SocketAddr,
}

impl Hosted {
    fn start(sections: impl IntoIterator<Item = Section>) -> Self {
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        Self { server: Site::with(&listen(admin), sections).serve(), admin }
    }

    /// Writes another manifest for the same host.
    fn rewrite(&self, sections: impl IntoIterator<Item = Section>) {
        self.server.site.rewrite(&listen(self.admin), sections);
    }

    fn try_cli(&self, arguments: &[&str]) -> Finished {
        self.server.site.cli(arguments)
    }

    /// What a command that does what it is asked prints.
    #[track_caller]
    fn cli(&self, arguments: &[&str]) -> String {
        let finished = self.try_cli(arguments);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
        finished.stdout
    }

    /// The same for a machine.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.cli(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What a command says that fails.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let finished = self.try_cli(arguments);
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
        finished.stderr
    }

    /// Runs `p` for debugging; gives the id of the execution.
    #[track_caller]
    fn debug(&self, query: &str) -> String {
        let request = self.server.request("GET", &format!("/ws/simple/getP?{query}")).header("X-Boomi-Debug", "true");
        request.send().header("x-execution-id").unwrap().to_owned()
    }

    /// Waits until an execution has its record.
    #[track_caller]
    fn wait_for_record(&self, id: &str) {
        wait("the record to be written", || self.try_cli(&["executions", "show", id]).code == Some(0));
    }
}

fn listen(admin: SocketAddr) -> String {
    format!("admin-listen = '{admin}'")
}

fn p() -> Section {
    inspect("p", "get p: none -> single-json")
}

fn at(base: &str) -> [Section; 2] {
    [p(), api("api", base).route("GET", "p")]
}

/// The columns of the row of a table that begins with a cell.
fn row<'t>(table: &'t str, first: &str) -> Vec<&'t str> {
    let mut rows = table.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect());
    let found = rows.find(|cells: &Vec<&str>| cells.first() == Some(&first));
    found.unwrap_or_else(|| panic!("no row {first}: {table}"))
}

#[test]
fn a_version_is_deployed_compared_and_taken_back() {
    let host = Hosted::start(at("/one"));
    assert_eq!(host.cli(&["deploy"]), "`default` serves it already, as version 1\n");
    host.rewrite(at("/two"));
    assert_eq!(host.cli(&["deploy", "--check"]), "ok: `default` would take it (0 packages sent)\n");
    assert_eq!(host.server.get("/ws/rest/two/p").status, 404);
    let told = host.cli(&["deploy", "--note", "a better base"]);
    assert_eq!(told, "`default` serves version 2 (0 packages sent)\n");
    assert_eq!(host.server.get("/ws/rest/two/p").status, 200);

    let list = host.cli(&["deployments"]);
    assert!(list.starts_with("`default` serves version 2 since "), "{list}");
    let second = row(&list, "2");
    assert_eq!((second[1], second[4]), ("active", "a better base"), "{list}");
    assert!(row(&list, "1")[1].ends_with(" ago)") || row(&list, "1")[1].ends_with("(now)"), "{list}");
    let page = host.try_cli(&["deployments", "--limit", "1"]);
    assert!(page.stderr.contains("--before 2"), "{page:?}");
    let rest = host.json(&["deployments", "--before", "2"]);
    assert_eq!(rest["versions"][0]["version"], 1, "{rest}");
    assert_eq!(rest["environment"]["active"], 2, "{rest}");

    let diff = host.cli(&["diff"]);
    assert!(diff.contains("from version 1 to 2") && diff.contains("/one -> /two"), "{diff}");
    assert_eq!(host.cli(&["deployments", "diff", "1", "2"]), diff);
    let show = host.cli(&["deployments", "show", "2"]);
    for part in ["version 2 of `default`, which is active", "a better base", "sha256:", "GET", "auricle.toml"] {
        assert!(show.contains(part), "{part}: {show}");
    }

    assert_eq!(host.cli(&["rollback", "--note", "it was not"]), "`default` serves version 1\n");
    assert_eq!(host.server.get("/ws/rest/two/p").status, 404);
    assert_eq!(host.json(&["rollback", "2"])["version"], 2);
    let wrong = host.refused(&["rollback", "9"], 1);
    assert!(wrong.contains('9'), "{wrong}");
    let audit = host.cli(&["audit"]);
    assert!(audit.contains("rollback") && audit.contains("it was not"), "{audit}");
}

#[test]
fn what_the_host_finds_wrong_is_told_where_it_is_written() {
    let host = Hosted::start(at("/one"));
    host.server.site.write("no.wasm", "no component");
    let wrong =
        auricle_tests::manifest::process("bad", &host.server.site.path("no.wasm"), "get bad: none -> single-json");
    host.rewrite(at("/two").into_iter().chain([wrong]));
    let told = host.refused(&["deploy"], 1);
    assert!(told.contains("auricle.toml:") && told.contains("process[bad].package"), "{told}");
    assert!(told.contains("error: 1 problem in the manifest"), "{told}");
    assert_eq!(host.server.get("/ws/rest/one/p").status, 200);
    assert_eq!(host.json(&["deployments"])["environment"]["active"], 1);
    let told = host.try_cli(&["deploy", "--json"]);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["problems"][0]["key"], "process[bad].package", "{told}");
    assert!(told["problems"][0]["line"].as_u64().unwrap() > 1, "{told}");
}

#[test]
fn one_package_is_replaced_from_a_file_and_from_standard_input() {
    let host = Hosted::start([p()]);
    let package = guest("probe").to_str().unwrap();
    assert_eq!(host.cli(&["deploy", package, "--process", "p"]), "`default` serves version 2\n");
    assert!(host.server.get("/ws/simple/getP").json().get("execution").is_none(), "probe does not tell it so");
    let bytes = std::fs::read(guest("inspect")).unwrap();
    let back = host.server.site.cli_with(&["deploy", "-", "--process", "p", "--note", "back"], &bytes);
    assert_eq!((back.code, &*back.stdout), (Some(0), "`default` serves version 3\n"), "{back:?}");
    assert_eq!(host.server.get("/ws/simple/getP").json()["execution"]["name"], "p");
    let wrong = host.refused(&["deploy", package, "--process", "q"], 1);
    assert!(wrong.contains("`q`"), "{wrong}");
    let wrong = host.refused(&["deploy", package, "--process", "p", "--environment", "prod"], 1);
    assert!(wrong.contains("prod"), "{wrong}");
}

#[test]
fn a_canary_is_promoted_or_ended() {
    let host = Hosted::start(at("/one"));
    host.rewrite(at("/two"));
    let told = host.cli(&["deploy", "--canary-header", "X-Canary: yes"]);
    assert!(told.starts_with("version 2 is a canary of `default`"), "{told}");
    assert!(host.cli(&["deployments"]).contains("as a canary version 2 (X-Canary: yes)"));
    let canary = || host.server.request("GET", "/ws/rest/two/p").header("x-canary", "yes").send().status;
    assert_eq!((canary(), host.server.get("/ws/rest/two/p").status), (200, 404));
    assert_eq!(host.cli(&["rollback"]), "`default` serves version 1\n");
    assert_eq!(canary(), 404);
    let wrong = host.refused(&["promote"], 1);
    assert!(wrong.contains("canary"), "{wrong}");
    host.cli(&["deploy", "--canary", "1%"]);
    assert!(host.cli(&["promote"]).starts_with("`default` serves version "));
    assert_eq!(host.server.get("/ws/rest/two/p").status, 200);
}

#[test]
fn an_environment_is_undeployed_and_another_is_deployed_to() {
    let host = Hosted::start(at("/one"));
    let told = host.try_cli(&["deploy", "--environment", "prod"]);
    assert_eq!((told.code, &*told.stdout), (Some(0), "`prod` serves version 1 (0 packages sent)\n"), "{told:?}");
    assert!(told.stderr.contains("itself serves the environment `default`"), "{told:?}");
    let all = host.cli(&["deployments", "--all"]);
    assert_eq!((row(&all, "prod")[1], row(&all, "default")[1]), ("1", "1"), "{all}");
    assert_eq!(host.cli(&["undeploy", "--note", "done"]), "`default` serves nothing\n");
    assert_eq!(host.server.get("/ws/rest/one/p").status, 404);
    assert!(host.cli(&["deployments"]).starts_with("`default` serves nothing: it was undeployed"));
    assert_eq!(host.cli(&["rollback", "1"]), "`default` serves version 1\n");
    assert_eq!(host.server.get("/ws/rest/one/p").status, 200);
}

#[test]
fn an_execution_is_found_shown_and_run_again() {
    let host = Hosted::start([p()]);
    let id = host.debug("log=hello&set_status=202");
    let failed = host.debug("fail=no+stock");
    host.wait_for_record(&failed);
    host.wait_for_record(&id);

    let list = host.cli(&["executions", "list", "--since", "1h"]);
    let (one, other) = (row(&list, &id), row(&list, &failed));
    assert_eq!((one[2], one[3], other[3]), ("p", "ok 202", "failed 500"), "{list}");
    let found = host.json(&["executions", "list", "--failed"]);
    assert_eq!((found.as_array().unwrap().len(), found[0]["id"].as_str()), (1, Some(&*failed)), "{found}");
    assert!(host.cli(&["executions", "list", "--process", "q"]).starts_with("no execution is recorded"));
    let show = host.cli(&["executions", "show", &id]);
    for part in
        ["`p`: ok 202", "a debug run", "inmethod = GET", "query_log = hello", "Log", "hello", "Documents out", "ran "]
    {
        assert!(show.contains(part), "{part}: {show}");
    }
    assert!(host.cli(&["executions", "show", &failed]).contains("no stock"));
    assert_eq!(host.json(&["executions", "show", &id])["id"], id);

    assert_eq!(host.cli(&["executions", "replay", &id]), format!("same       {id} in version 1\n"));
    assert_eq!(host.cli(&["executions", "replay", &failed]), format!("same       {failed} in version 1\n"));
    assert_eq!(host.json(&["executions", "replay", &id, "--here"])["same"], true);
    host.rewrite([probe("p", "get p: none -> single-json")]);
    host.cli(&["deploy"]);
    let differs = host.try_cli(&["executions", "replay", &id, "--version", "2"]);
    assert_eq!(differs.code, Some(1), "{differs:?}");
    assert!(differs.stdout.starts_with(&format!("different  {id} in version 2\n")), "{differs:?}");
    assert!(differs.stdout.contains("\n    - "), "{differs:?}");
    assert_eq!(host.try_cli(&["executions", "replay", &id, "--here"]).code, Some(1));

    let all = host.try_cli(&["executions", "replay", "--all", "--since", "1h"]);
    assert_eq!(
        (all.code, &*all.stdout),
        (Some(0), "2 executions run again: 2 the same, 0 different; 0 not run\n"),
        "{all:?}"
    );
    let all = host.try_cli(&["executions", "replay", "--all", "--since", "1h", "--version", "2", "--json"]);
    let last: Value = serde_json::from_str(all.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((all.code, &last["total"]["same"]), (Some(1), &0.into()), "{all:?}");
}

#[test]
fn executions_are_followed_as_they_end() {
    let host = Hosted::start([p()]);
    let following = host.server.site.start_cli(&["executions", "follow", "--failed", "--json"]);
    // From when it follows is not told: ask until it sees one.
    let seen = || following.stdout().lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok());
    wait("an execution to be seen", || {
        host.server.get("/ws/simple/getP?fail=x");
        seen().is_some()
    });
    assert_eq!((&seen().unwrap()["process"], &seen().unwrap()["failure"]), (&"p".into(), &"failed".into()));
    assert_eq!(following.interrupt().code, Some(0));
}

#[test]
fn tokens_say_who_may_do_what() {
    let host = Hosted::start([p()]);
    let token = host.cli(&["tokens", "add", "looker", "--role", "viewer", "--expires", "1h"]);
    let token = token.trim();
    assert_eq!(row(&host.cli(&["tokens", "list"]), "looker")[1], "viewer");
    let status = host.cli(&["status", "--token", token]);
    assert!(status.contains("you are `looker` (viewer)") && status.contains("serves version 1"), "{status}");
    let refused = host.refused(&["deploy", "--token", token], 1);
    assert!(refused.contains("publisher"), "{refused}");
    host.cli(&["tokens", "remove", "looker"]);
    let refused = host.refused(&["status", "--token", token], 1);
    assert!(refused.contains("does not know you") && refused.contains("--token"), "{refused}");
    let server = format!("http://{}", host.admin);
    let stranger = Site::new([]);
    let refused = stranger.cli(&["status", "--server", &server, "--config", "none.toml", "--token", "x"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("does not know you"), "{refused:?}");
    let json = host.try_cli(&["status", "--token", "x", "--json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["problem"]["status"], 401, "{json}");
}

#[test]
fn everything_is_backed_up_and_restored() {
    let host = Hosted::start(at("/one"));
    host.cli(&["backup", "one.db"]);
    let again = host.refused(&["backup", "one.db"], 2);
    assert!(again.contains("exists"), "{again}");
    host.rewrite(at("/two"));
    host.cli(&["deploy"]);
    let wrong = host.refused(&["restore", "one.db"], 2);
    assert!(wrong.contains("--yes"), "{wrong}");
    assert_eq!(host.server.get("/ws/rest/two/p").status, 200);
    host.cli(&["restore", "one.db", "--yes"]);
    wait("the host to serve what was restored", || host.server.get("/ws/rest/one/p").status == 200);
    assert_eq!(host.json(&["deployments"])["environment"]["active"], 1);
    host.server.site.write("no.db", "no database");
    host.refused(&["restore", "no.db", "--yes"], 1);
    assert_eq!(host.server.get("/ws/rest/one/p").status, 200);
}

#[test]
fn a_dead_letter_is_seen_sent_again_and_thrown_away() {
    let queued = inspect("q", "execute q: single-data -> none").and("retry = { attempts = 1 }");
    let host = Hosted::start([queued]);
    let answer = Request::new(host.server.address(), "POST", "/ws/simple/executeQ?fail=no+stock").body("x").send();
    let id = answer.header("x-execution-id").unwrap().to_owned();
    let dead = || host.json(&["queue", "list", "--dead"]).as_array().unwrap().len();
    wait("it to be a dead letter", || dead() == 1);
    let list = host.cli(&["queue", "list"]);
    assert_eq!((row(&list, &id)[1], row(&list, &id)[2]), ("q", "a dead letter"), "{list}");
    let show = host.cli(&["queue", "show", &id]);
    assert!(show.contains("is a dead letter") && show.contains("no stock"), "{show}");
    assert_eq!(host.cli(&["queue", "resend", &id]), "1 dead letter sent again\n");
    wait("it to be a dead letter again", || dead() == 1);
    assert_eq!(host.cli(&["queue", "resend", "--all", "--process", "other"]), "0 dead letters sent again\n");
    host.cli(&["queue", "discard", &id]);
    assert_eq!(dead(), 0);
    host.refused(&["queue", "show", &id], 1);
}

#[test]
fn usage_counts_what_leaves_no_record_too() {
    let host = Hosted::start([p().and("mode = 'low-latency'")]);
    for _ in 0..5 {
        assert_eq!(host.server.get("/ws/simple/getP").status, 200);
    }
    host.server.get("/ws/simple/getP?fail=x");
    let ran = || host.cli(&["usage", "--since", "10m"]);
    wait("all of them to be counted", || {
        ran().lines().any(|line| line.starts_with("p ")) && row(&ran(), "p")[1] == "6"
    });
    assert_eq!(row(&ran(), "p")[2], "1");
    let minutes = host.json(&["usage", "--process", "p"]);
    let counted: u64 = minutes.as_array().unwrap().iter().map(|minute| minute["executions"].as_u64().unwrap()).sum();
    assert_eq!(counted, 6, "{minutes}");
    assert!(host.cli(&["usage", "--process", "none"]).starts_with("nothing ran"));
}
