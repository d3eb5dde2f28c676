//! Versions of a running host: deployed, gone back to, taken away, and what is refused before anything changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auricle_tests::build::guest;
use auricle_tests::client::Wire;
use auricle_tests::manifest::{api, inspect, probe};
use auricle_tests::site::wait;
use serde_json::json;

use crate::operate::{Operated, named};
use crate::ran;

const ROUTE: &str = "/ws/rest/api/p";

#[test]
fn a_version_is_deployed_gone_back_from_and_gone_back_to() {
    let host = Operated::start("", named("one"));
    let deployed = host.deploy("default", named("two"), json!({ "note": "why" })).json();
    assert_eq!((&deployed["version"], &deployed["new"]), (&json!(2), &json!(true)), "{deployed}");
    assert_eq!(ran(&host.server.get(ROUTE)), "two", "in force when the answer is there");
    let again = host.deploy("default", named("two"), json!({})).json();
    assert_eq!((&again["version"], &again["new"]), (&json!(2), &json!(false)));

    let back = host.send("POST", "/environments/default/rollback", &json!({})).json();
    assert_eq!(back["version"], 1);
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
    // The version that was active before is now the other one.
    host.request("POST", "/environments/default/rollback").send().json();
    assert_eq!(ran(&host.server.get(ROUTE)), "two");
    host.send("POST", "/environments/default/rollback", &json!({ "version": 1, "note": "for good" })).json();
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
    host.send("POST", "/environments/default/rollback", &json!({ "version": 9 })).problem(404);

    let versions = host.get("/environments/default/versions");
    assert_eq!((&versions[0]["version"], &versions[0]["active"]), (&json!(2), &json!(false)));
    assert_eq!((&versions[0]["note"], &versions[0]["deployed-by"]), (&json!("why"), &json!("admin")));
    assert_eq!((&versions[1]["version"], &versions[1]["active"]), (&json!(1), &json!(true)));
    let diff = host.get("/environments/default/diff?from=1&to=2");
    let paths: Vec<_> = diff["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"api[api].rest[GET ].process") && paths.contains(&"process[two].package"), "{diff}");
    let audit = host.audit();
    assert_eq!(audit[0], "admin rollback default: to version 1: for good");
    assert!(audit.contains(&"admin deploy default: to all: why".to_owned()), "{audit:?}");

    let host = host.restart();
    assert_eq!(ran(&host.server.get(ROUTE)), "one", "a restart with an unchanged manifest keeps the rollback");
    assert_eq!(host.active(), 1);
}

#[test]
fn what_cannot_be_served_is_refused_and_changes_nothing() {
    let host = Operated::start("", named("one"));
    let refused = |sections, key: &str, words: &str| {
        let problem = host.deploy("default", sections, json!({})).problem(422);
        let found = problem.members["problems"].as_array().unwrap().clone();
        let is_told = found.iter().any(|p| p["key"] == key && p["message"].as_str().unwrap().contains(words));
        assert!(is_told, "no {key} with {words:?} in {problem:?}");
    };
    let get = |name: &str| inspect(name, &format!("get {name}: none -> single-json"));
    let twice = || [get("a"), get("b"), api("x", "/x").route("GET c", "a").route("GET c", "b").and("object = 'a'")];
    refused(twice().to_vec(), "api[x].rest[1]", "no request tells");
    refused(vec![get("a").and("memory = '1MiB'")], "process[a].package", "does not start");
    refused(vec![get("a").and("smoke = { properties = { query_set_status = '503' } }")], "process[a].smoke", "503");
    refused(
        vec![get("a").and("smoke = { properties = { query_fail = 'oh' }, status = 200 }")],
        "process[a].smoke",
        "oh",
    );
    // Whoever may deploy must not come by the tokens that are there.
    let data = host.server.site.path("data");
    for folder in [data.clone(), data.join("cache"), data.parent().unwrap().to_owned()] {
        let files = format!("files = {{ '/d' = {folder:?} }}");
        refused(vec![get("a").and(&files)], "process[a].files", "data folder");
    }
    let connection = |file: &str| json!([{ "name": "c", "url": format!("sqlite://{}", data.join(file).display()) }]);
    for file in ["auricle.db", "not-there.db", "../data/auricle.db"] {
        let mut reaching = host.version([get("a")]);
        reaching["deployment"]["connections"] = connection(file);
        let problem = host.send("POST", "/environments/default/versions", &reaching).problem(422);
        assert_eq!(problem.members["problems"][0]["key"], "connection[c].url", "{file}");
    }
    let mut unknown = host.version([get("a")]);
    unknown["packages"]["a"] = format!("sha256:{}", "0".repeat(64)).into();
    let problem = host.send("POST", "/environments/default/versions", &unknown).problem(422);
    assert_eq!(problem.members["problems"][0]["key"], "process[a].package");
    assert_eq!(host.send("POST", "/environments/de%20fault/versions", &unknown).status, 422);

    let fine = get("a").and("smoke = { properties = { query_set_status = '404' }, status = 404 }");
    let checked = host.deploy("default", [fine], json!({ "only-check": true })).json();
    assert_eq!((&checked["version"], &checked["new"]), (&json!(null), &json!(false)));
    assert_eq!(host.active(), 1);
    assert_eq!(host.get("/environments/default/versions").as_array().unwrap().len(), 1);
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
}

#[test]
fn what_is_taken_away_is_gone_and_comes_back() {
    let host = Operated::start("", named("one"));
    let gone = host.request("DELETE", "/environments/default?note=over").send().json();
    assert_eq!(gone["version"], json!(null));
    let problem = host.server.get(ROUTE).problem(404);
    assert_eq!(problem.title, "Nothing is deployed.");
    assert_eq!(host.request("DELETE", "/environments/default").send().status, 404);
    let host = host.restart();
    assert_eq!(host.server.get(ROUTE).status, 404, "a restart with an unchanged manifest brings nothing back");
    host.send("POST", "/environments/default/rollback", &json!({})).json();
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
}

#[test]
fn one_package_is_replaced_wherever_its_process_is_active() {
    let host = Operated::start("", named("one"));
    host.deploy("test", named("one"), json!({})).json();
    host.deploy("other", named("two"), json!({})).json();
    let probe = host.put(&std::fs::read(guest("probe")).unwrap());
    let all = host.send("PUT", "/processes/one/package", &json!({ "digest": probe, "note": "n" })).json();
    let told: Vec<_> =
        all.as_array().unwrap().iter().map(|c| (c["environment"].clone(), c["version"].clone())).collect();
    assert_eq!(told, [(json!("default"), json!(2)), (json!("test"), json!(2))]);
    assert!(host.server.get(ROUTE).json()["execution"].is_null(), "it is not inspect any more");
    let again = host.send("PUT", "/processes/one/package", &json!({ "digest": probe })).json();
    assert_eq!((&again[0]["version"], &again[0]["new"]), (&json!(2), &json!(false)), "what is served already");
    let none = host.send("PUT", "/processes/onne/package", &json!({ "digest": probe }));
    assert!(none.problem(404).detail.contains("did you mean `one`"));
    let host = host.restart();
    assert_eq!(host.active(), 2, "the manifest has not changed");
}

#[test]
fn another_environment_is_not_this_hosts_affair() {
    let host = Operated::start("", named("one"));
    assert_eq!(host.deploy("test", named("two"), json!({})).json()["version"], 1);
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
    let names: Vec<_> =
        host.get("/environments").as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["default", "test"]);
    host.request("GET", "/environments/prod").send().problem(404);
}

#[test]
fn a_host_serves_the_environment_that_it_is_told() {
    let host = Operated::start("environment = 'test'", named("one"));
    assert_eq!(host.get("/whoami")["environment"], "test");
    assert_eq!(host.get("/environments/test")["active"], 1);
    host.deploy("default", named("two"), json!({})).json();
    assert_eq!(ran(&host.server.get(ROUTE)), "one");
    host.deploy("test", named("two"), json!({})).json();
    assert_eq!(ran(&host.server.get(ROUTE)), "two");
}

/// Who comes second is told who was first, and changes nothing.
#[test]
fn what_was_prepared_on_something_else_is_refused() {
    let host = Operated::start("", named("one"));
    host.deploy("default", named("two"), json!({})).json();
    let folder = host.server.site.path("out");
    std::fs::create_dir(&folder).unwrap();
    // Its smoke request lasts until a file is there.
    let slow = probe("slow", "execute slow: none -> single-json")
        .and(&format!("files = {{ '/out' = {{ path = {folder:?}, write = true }} }}"))
        .and("smoke = { properties = { query_journal = '/out/log' } }");
    thread::scope(|scope| {
        let deploying = scope.spawn(|| host.deploy("default", [slow], json!({})));
        wait("it to be asked", || host.server.site.read("out/log").contains("begin"));
        host.send("POST", "/environments/default/rollback", &json!({ "note": "first" })).json();
        host.server.site.write("out/log.go", "");
        let problem = deploying.join().unwrap().problem(409);
        assert!(problem.detail.contains("rollback by `admin`, to version 1: first"), "{problem:?}");
    });
    assert_eq!((host.active(), host.get("/environments/default")["newest"].clone()), (json!(1), json!(2)));
}

/// Deployments and rollbacks while clients ask: no request fails, and none sees an older version after a newer one was in
/// force when it was asked.
#[test]
fn requests_go_on_through_every_change() {
    static OVER: AtomicBool = AtomicBool::new(false);
    let host = Operated::start("", named("one"));
    let address = host.server.address();
    let clients: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(move || {
                let mut wire = Wire::open(address);
                let mut seen = 0;
                while !OVER.load(Ordering::Relaxed) {
                    let answer = wire.send("GET /ws/rest/api/p HTTP/1.1\r\nhost: a\r\n\r\n").read();
                    assert!(["one", "two"].contains(&ran(&answer).as_str()), "{answer}");
                    seen += 1;
                }
                seen
            })
        })
        .collect();
    host.deploy("default", named("two"), json!({})).json();
    for turn in 0..6 {
        host.send("POST", "/environments/default/rollback", &json!({})).json();
        assert_eq!(ran(&host.server.get(ROUTE)), if turn % 2 == 0 { "one" } else { "two" });
    }
    OVER.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.join().unwrap() > 0);
    }
}
