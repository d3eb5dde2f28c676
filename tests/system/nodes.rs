//! Several hosts of one store: what is deployed at one is served by all of its environment.

use std::time::{SystemTime, UNIX_EPOCH};

use auricle_tests::client::Request;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::wait;
use serde_json::{Value, json};

use crate::operate::{Operated, named};
use crate::postgres::Postgres;
use crate::ran;

const ROUTE: &str = "/ws/rest/api/p";

/// Two hosts of an environment that nobody has had before, the second with more keys.
fn two(postgres: &Postgres, more: &str) -> (Operated, Operated, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let environment = format!("nodes-{}-{}", std::process::id(), now.as_nanos());
    let keys = format!("store = '{}'\nenvironment = '{environment}'\n", postgres.url);
    let one = Operated::start(&keys, named("one"));
    let two = Operated::start(&format!("{keys}{more}"), named("one"));
    (one, two, environment)
}

fn status(host: &Operated) -> Value {
    Request::new(host.admin, "GET", "/_admin/status").send().json()
}

#[test]
fn what_is_deployed_at_one_host_is_served_by_the_others() {
    let Some(postgres) = Postgres::shared() else { return };
    let (one, two, environment) = two(&postgres, "");
    let both = |name: &str| {
        let serves = |host: &Operated| {
            let answer = host.server.get(ROUTE);
            answer.status == 200 && ran(&answer) == name
        };
        wait(&format!("both hosts to serve {name}"), || serves(&one) && serves(&two));
    };
    both("one");
    one.deploy(&environment, named("two"), json!({})).json();
    assert_eq!(ran(&one.server.get(ROUTE)), "two", "at once where it was deployed");
    both("two");
    two.send("POST", &format!("/environments/{environment}/rollback"), &json!({})).json();
    both("one");
    one.deploy(&environment, named("three"), json!({ "canary": { "header": "X-Canary: yes" } })).json();
    let canary = |host: &Operated| ran(&host.server.request("GET", ROUTE).header("x-canary", "yes").send());
    wait("the canary on both", || canary(&one) == "three" && canary(&two) == "three");
    both("one");
    one.request("DELETE", &format!("/environments/{environment}")).send().json();
    wait("both to serve nothing", || [&one, &two].iter().all(|host| host.server.get(ROUTE).status == 404));
    // Each has a token of its own, which both know.
    assert_ne!(one.token, two.token);
    assert_eq!(one.request_as(&two.token, "GET", "/whoami").send().json()["role"], "admin");
}

#[test]
fn any_host_serves_the_next_page() {
    let Some(postgres) = Postgres::shared() else { return };
    let (one, two, environment) = two(&postgres, "");
    let paged = inspect("p", "query p: none -> multiple-json").and("max-documents = 1");
    one.deploy(&environment, [paged, api("api", "/api").route("GET", "p")], json!({})).json();
    wait("both to serve it", || [&one, &two].iter().all(|host| host.server.get(ROUTE).text().starts_with('[')));

    let first = one.server.get(&format!("{ROUTE}?documents=4"));
    let second = first.next().unwrap();
    let page = two.server.get(&second);
    assert_eq!((page.json(), page.header("x-execution-id")), (json!([{ "n": 2 }]), first.header("x-execution-id")));
    let third = page.next().unwrap();
    let one = one.restart();
    assert_eq!(one.server.get(&third).json(), json!([{ "n": 3 }]));
    two.server.get(&second).problem(404);
    assert_eq!(two.server.get(&third).next(), one.server.get(&third).next());
}

#[test]
fn a_host_that_cannot_serve_what_was_deployed_keeps_what_it_has_and_says_so() {
    let Some(postgres) = Postgres::shared() else { return };
    // Where the first host has an API, this one has another protocol.
    let (one, two, environment) = two(&postgres, "simple-root = '/ws/rest/taken'");
    let taken = [inspect("x", "get x: none -> single-json"), api("x", "/taken").route("GET", "x")];
    one.deploy(&environment, taken, json!({})).json();
    wait("the other host to say so", || status(&two)["behind"].is_string());
    let behind = status(&two)["behind"].as_str().unwrap().to_owned();
    assert!(behind.contains("api[x].base"), "{behind}");
    assert_eq!(ran(&two.server.get(ROUTE)), "one");
    assert!(status(&one)["behind"].is_null());

    one.deploy(&environment, named("two"), json!({})).json();
    wait("the other host to follow again", || ran(&two.server.get(ROUTE)) == "two");
    assert!(status(&two)["behind"].is_null());
}
