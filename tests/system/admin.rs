//! The admin API itself: who may do what, what it says of itself, and what it refuses.

use auricle_tests::client::{Request, Response};
use auricle_tests::manifest::{connection, inspect};
use auricle_tests::site::wait;
use serde_json::{Value, json};

use crate::operate::{Operated, named};
use crate::ran;

const ROLES: [&str; 4] = ["viewer", "operator", "publisher", "admin"];

impl Operated {
    fn token(&self, name: &str, role: &str) -> String {
        let made = self.send("POST", "/tokens", &json!({ "name": name, "role": role }));
        made.json_of(201)["token"].as_str().unwrap().to_owned()
    }

    fn openapi(&self) -> Value {
        Request::new(self.admin, "GET", "/_admin/openapi.json").send().json()
    }
}

/// Every operation: method, path, and the role that its description names.
fn operations(document: &Value) -> Vec<(String, String, Option<String>)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let role = operation["description"].as_str().and_then(|text| text.strip_prefix("Role: "));
            let role = role.map(|role| role.trim_end_matches('.').to_owned());
            all.push((method.to_uppercase(), path.clone(), role));
        }
    }
    all
}

/// The role that each operation needs, as it was meant; what its own table says is held against this.
const NEEDED: [(&str, &str); 31] = [
    ("GET /whoami", "viewer"),
    ("GET /tokens", "admin"),
    ("POST /tokens", "admin"),
    ("DELETE /tokens/{name}", "admin"),
    ("GET /audit", "admin"),
    ("PUT /packages/{digest}", "publisher"),
    ("HEAD /packages/{digest}", "viewer"),
    ("GET /packages/{digest}", "viewer"),
    ("GET /environments", "viewer"),
    ("GET /environments/{environment}", "viewer"),
    ("DELETE /environments/{environment}", "publisher"),
    ("GET /environments/{environment}/versions", "viewer"),
    ("POST /environments/{environment}/versions", "publisher"),
    ("GET /environments/{environment}/versions/{version}", "viewer"),
    ("GET /environments/{environment}/diff", "viewer"),
    ("POST /environments/{environment}/rollback", "operator"),
    ("POST /environments/{environment}/promote", "operator"),
    ("PUT /processes/{process}/package", "publisher"),
    ("GET /executions", "viewer"),
    ("GET /executions/follow", "viewer"),
    ("GET /executions/{id}", "viewer"),
    ("POST /executions/{id}/replay", "operator"),
    ("POST /replay", "operator"),
    ("GET /usage", "viewer"),
    ("GET /queue", "viewer"),
    ("GET /queue/{id}", "viewer"),
    ("POST /queue/resend", "operator"),
    ("POST /queue/{id}/resend", "operator"),
    ("DELETE /queue/{id}", "operator"),
    ("GET /backup", "admin"),
    ("POST /restore", "admin"),
];

#[test]
fn every_operation_takes_those_who_may_and_nobody_else() {
    let host = Operated::start("", named("one"));
    let tokens: Vec<(&str, String)> =
        ROLES.iter().map(|role| (*role, host.token(&format!("a-{role}"), role))).collect();
    let all = operations(&host.openapi());
    assert_eq!(all.len(), NEEDED.len() + 3);
    let rank = |role: &str| ROLES.iter().position(|known| *known == role).unwrap();
    for (method, path, role) in &all {
        let Some(below) = path.strip_prefix("/_admin/v1") else { continue };
        let operation = format!("{method} {below}");
        let (_, needed) = NEEDED.iter().find(|(known, _)| *known == operation).unwrap_or_else(|| panic!("{operation}"));
        assert_eq!(role.as_deref(), Some(*needed), "{operation}");
        // Nothing of this name is there, so that who may do it changes nothing either.
        let path = below.replace("{id}", "01890000-0000-7000-8000-000000000000").replace("{version}", "77");
        let path = path.replace("{digest}", &format!("sha256:{}", "0".repeat(64)));
        let path = ["name", "environment", "process"]
            .iter()
            .fold(path, |path, name| path.replace(&format!("{{{name}}}"), "nobody"));
        let send = |token: Option<&str>| {
            let request = Request::new(host.admin, method, &format!("/_admin/v1{path}"));
            let request = match token {
                Some(token) => request.header("authorization", format!("Bearer {token}")),
                None => request,
            };
            // A body that no operation takes.
            request.header("content-type", "application/json").body("{\"no-such-key\":1}").send()
        };
        assert_eq!(send(None).status, 401, "{operation}");
        assert_eq!(send(Some("auricle_of_nobody")).status, 401, "{operation}");
        for (role, token) in &tokens {
            let is_stream = path.ends_with("/follow") || path == "/backup";
            if rank(role) >= rank(needed) && is_stream {
                // They have tests of their own: this client reads whole answers.
                continue;
            }
            let answer = send(Some(token));
            if rank(role) < rank(needed) {
                if method != "HEAD" {
                    let detail = answer.problem(403).detail;
                    assert!(
                        detail.contains(&format!("`a-{role}`")) && detail.contains(needed),
                        "{operation}: {detail}"
                    );
                }
                assert_eq!(answer.status, 403, "{operation} as {role}");
            } else {
                assert!(![401, 403, 500].contains(&answer.status), "{operation} as {role}: {answer}");
            }
        }
    }
    assert_eq!(ran(&host.server.get("/ws/rest/api/p")), "one");
}

#[test]
fn paths_and_bodies_that_are_wrong_are_told_so() {
    let host = Operated::start("", named("one"));
    let problem = host.request("GET", "/nowhere").send().problem(404);
    assert!(problem.detail.contains("/_admin/openapi.json"), "{problem:?}");
    let not_allowed = host.request("PATCH", "/tokens").send();
    not_allowed.problem(405);
    let mut allowed: Vec<_> = not_allowed.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "POST"]);
    // What a form of another site's page can send is not taken.
    host.request("POST", "/tokens").header("content-type", "text/plain").body("{}").send().problem(415);
    host.request("POST", "/tokens").header("content-type", "application/json").body("{").send().problem(400);
    host.send("POST", "/tokens", &json!({ "name": "a", "role": "king" })).problem(400);
    host.send("POST", "/tokens", &json!({ "name": "a b", "role": "viewer" })).problem(422);
    host.send("POST", "/tokens", &json!({ "name": "a", "role": "viewer", "expires": 5 })).problem(400);
    host.request("GET", "/executions?limitt=5").send().problem(400);
    host.request("GET", "/executions/none").send().problem(400);
    let answer = host.request("GET", "/whoami").header("origin", "https://elsewhere.example").send();
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{answer}");
    let changed = host.request("PUT", &format!("/packages/sha256:{}", "0".repeat(64))).body("x").send();
    assert!(changed.problem(422).detail.contains("changed on the way"));
    host.server.get("/_admin/v1/whoami").problem(404);
}

#[test]
fn tokens_are_made_expire_and_go() {
    let host = Operated::start("", named("one"));
    let whoami = |token: &str| host.request_as(token, "GET", "/whoami").send();
    let token = host.token("ci", "publisher");
    assert_eq!(whoami(&token).json()["name"], "ci");
    host.send("POST", "/tokens", &json!({ "name": "ci", "role": "viewer" })).problem(409);
    let short = host.send("POST", "/tokens", &json!({ "name": "short", "role": "viewer", "expires-in-seconds": 1 }));
    let short = short.json_of(201);
    assert!(short["expires-at"].as_u64().unwrap() - short["made-at"].as_u64().unwrap() == 1000, "{short}");
    wait("it to expire", || whoami(short["token"].as_str().unwrap()).status == 401);
    let listed = host.get("/tokens");
    assert!(!listed.to_string().contains(&token), "{listed}");
    assert_eq!(host.request("DELETE", "/tokens/ci").send().status, 204);
    assert_eq!(whoami(&token).status, 401);
    host.request("DELETE", "/tokens/ci").send().problem(404);
    host.request("DELETE", "/tokens/admin").send().problem(409);

    // The first one can go when there is another; its file goes with it, and it does not come back.
    let second = host.token("second", "admin");
    assert_eq!(host.request_as(&second, "DELETE", "/tokens/admin").send().status, 204);
    assert_eq!(host.server.site.read("data/admin-token"), "");
    let first = host.token.clone();
    let host = host.restart();
    assert_ne!(host.token, first);
    assert_eq!(host.request_as(&first, "GET", "/whoami").send().status, 401);
    let audit = host.audit();
    assert!(audit.contains(&"admin add-token ci: role publisher".to_owned()), "{audit:?}");
    assert!(audit.contains(&"second delete-token admin: role admin".to_owned()), "{audit:?}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_first_token() {
    use std::os::unix::fs::PermissionsExt as _;
    let host = Operated::start("", named("one"));
    let mode = std::fs::metadata(host.server.site.path("data/admin-token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn secrets_of_a_version_are_not_shown() {
    let erp = "sqlite://erp.db";
    let process = inspect("p", "get p: none -> single-json").and("env = { API_TOKEN = 'hush', PLAIN = 'seen' }");
    let host = Operated::start("", [process, connection("erp", erp)]);
    let version = host.get("/environments/default/versions/1").to_string();
    assert!(!version.contains("hush") && version.contains("seen"), "{version}");
}

#[test]
fn a_backup_brings_everything_back() {
    let host = Operated::start("", named("one"));
    host.deploy("default", named("two"), json!({})).json();
    let (head, backup) = host.whole("GET", "/backup", "");
    assert!(head.contains("200") && head.contains("application/vnd.sqlite3"), "{head}");
    assert!(backup.starts_with(b"SQLite format 3\0"));
    host.send("POST", "/environments/default/rollback", &json!({})).json();
    host.token("later", "viewer");
    assert_eq!(ran(&host.server.get("/ws/rest/api/p")), "one");

    let restore = |bytes: &[u8]| host.request("POST", "/restore").body(bytes).send();
    restore(b"no database").problem(422);
    assert_eq!(ran(&host.server.get("/ws/rest/api/p")), "one");
    let restored: Response = restore(&backup);
    assert_eq!(restored.status, 204, "{restored}");
    assert_eq!(ran(&host.server.get("/ws/rest/api/p")), "two");
    assert!(!host.get("/tokens").to_string().contains("later"));
    assert!(host.audit()[0].starts_with("admin restore "));
    let left = std::fs::read_dir(host.server.site.path("data")).unwrap();
    let left: Vec<_> =
        left.map(|entry| entry.unwrap().file_name()).filter(|n| n.to_string_lossy().starts_with("backup-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A debug run is run again: the same, and another where the version is another.
#[test]
fn an_execution_is_replayed_and_compared() {
    let host = Operated::start("", named("one"));
    let debug = || {
        let answer = host.server.request("GET", "/ws/rest/api/p?log=said").header("x-boomi-debug", "true").send();
        answer.header("x-execution-id").unwrap().to_owned()
    };
    let id = debug();
    let same = host.send("POST", &format!("/executions/{id}/replay"), &json!({})).json();
    assert_eq!((&same["same"], &same["differences"]), (&json!(true), &json!([])), "{same}");
    assert_eq!(same["record"]["documents-out"], host.get(&format!("/executions/{id}"))["documents-out"]);
    let listed = host.get("/executions");
    assert_eq!(listed.as_array().unwrap().len(), 1, "a replay leaves no record: {listed}");

    // Another package under the same name sees the same request, and goes another way.
    let probe = host.put(&std::fs::read(auricle_tests::build::guest("probe")).unwrap());
    host.send("PUT", "/processes/one/package", &json!({ "digest": probe })).json();
    let other = host.send("POST", &format!("/executions/{id}/replay"), &json!({ "version": 2 })).json();
    assert_eq!((&other["version"], &other["same"]), (&json!(2), &json!(false)), "{other}");
    let failure = other["differences"].as_array().unwrap().iter().find(|d| d["what"] == "failure").unwrap();
    assert_eq!(failure["after"]["kind"], "diverged", "{other}");
    host.send("POST", "/environments/default/rollback", &json!({})).json();

    let plain = host.server.get("/ws/simple/getP").header("x-execution-id").unwrap().to_owned();
    host.send("POST", &format!("/executions/{plain}/replay"), &json!({})).problem(422);
    let live = host.send("POST", &format!("/executions/{plain}/replay"), &json!({ "live": true })).json();
    assert_eq!(live["same"], true, "{live}");
    let none = host.send("POST", "/replay", &json!({ "since": 0, "version": 99 }));
    assert!(none.problem(404).detail.contains("99"), "told before anything is passed over for it");
    let lines = host.lines("POST", "/replay", &json!({ "since": 0 }));
    assert_eq!(lines.last().unwrap()["total"], json!({ "same": 1, "different": 0, "skipped": 1 }), "{lines:?}");
}

#[test]
fn executions_are_followed_as_they_end() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let host = Operated::start("", named("one"));
    let mut stream = std::net::TcpStream::connect(host.admin).unwrap();
    write!(
        stream,
        "GET /_admin/v1/executions/follow?failed=true HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        host.token
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("200"));
    host.server.get("/ws/rest/api/p");
    assert_eq!(host.server.get("/ws/rest/api/p?fail=oh").status, 500);
    let line = lines.find(|line| line.starts_with('{')).unwrap();
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&record["process"], &record["failure"]), (&json!("one"), &json!("failed")), "{record}");
    // A stop does not wait for who follows.
    host.server.terminate();
    let (status, _) = host.server.wait();
    assert!(status.success(), "{status}");
    assert!(lines.all(|line| !line.starts_with('{')));
}
