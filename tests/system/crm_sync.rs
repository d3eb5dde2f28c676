//! `examples/crm-sync`, as its own manifest has it, end to end.

use std::fs;

use auricle_tests::build::{WORKSPACE, guest};
use auricle_tests::manifest::{connection, probe, raw};
use auricle_tests::site::{Server, Site};
use serde_json::{Value, json};

use crate::postgres::Postgres;

const ACCOUNTS: &str = "/ws/rest/crm/Account";

/// The example's manifest with the files that it names; only the packages' paths, the ports and the database are the test's.
pub(crate) fn serve(database: &str) -> Server {
    let example = WORKSPACE.join("examples/crm-sync");
    let text = fs::read_to_string(example.join("auricle.toml")).unwrap();
    let (_, text) = text.split_once("listen = \"127.0.0.1:9090\"\n").expect("[server] begins the example");
    let mut text = text.replace("sqlite://erp.db", database);
    for name in ["get", "query", "create", "update", "delete", "notify"] {
        let built = guest(&format!("account-{name}"));
        text =
            text.replace(&format!("../../target/wasm32-wasip2/release/account_{name}.wasm"), built.to_str().unwrap());
    }
    let site = Site::new([raw(&text)]);
    for folder in ["profiles", "salesforce"] {
        for file in fs::read_dir(example.join(folder)).unwrap() {
            let file = file.unwrap();
            site.write(&format!("{folder}/{}", file.file_name().to_str().unwrap()), fs::read(file.path()).unwrap());
        }
    }
    site.serve()
}

#[track_caller]
fn create(server: &Server, account: &Value) -> Value {
    server.post(ACCOUNTS, account.to_string()).json_of(201)
}

/// What the README of the example tells, on any database.
fn story(server: &Server) {
    // Create: the short Id of Salesforce is kept as the long one, and told in Location.
    let edge =
        json!({ "Id": "001D000000IqhSL", "Name": "Edge", "BillingCountry": "US", "AnnualRevenue": 139000000.50 });
    let response = server.post(ACCOUNTS, edge.to_string());
    let created = response.json_of(201);
    assert_eq!(created["Id"], "001D000000IqhSLIAZ");
    assert_eq!(response.header("location"), Some("Account/001D000000IqhSLIAZ"));
    assert_eq!(created["AnnualRevenue"].to_string(), "139000000.5");
    let conflict = server.post(ACCOUNTS, edge.to_string());
    assert!(conflict.problem(409).detail.contains("001D000000IqhSLIAZ"));

    // Get, by both forms of the Id; HEAD has no body.
    let one = format!("{ACCOUNTS}/001D000000IqhSLIAZ");
    assert_eq!(server.get(&one).json(), created);
    assert_eq!(server.get(&format!("{ACCOUNTS}/001D000000IqhSL")).json(), created);
    assert_eq!(server.request("HEAD", &one).send().status, 200);
    server.get(&format!("{ACCOUNTS}/001D000000IqhSMIAZ")).problem(404);
    server.get(&format!("{ACCOUNTS}/7")).problem(404);

    // Update: what is given changes, null clears, the rest stays.
    let change = json!({ "NumberOfEmployees": 1000, "AnnualRevenue": null }).to_string();
    let changed = server.request("PATCH", &one).body(&change).send().json();
    assert_eq!((&changed["NumberOfEmployees"], &changed["AnnualRevenue"]), (&json!(1000), &Value::Null));
    assert_eq!(changed["BillingCountry"], "US");
    assert_eq!(server.get(&one).json(), changed);
    let nobody = server.request("PATCH", &format!("{ACCOUNTS}/001D000000IqhSMIAZ")).body(&change).send();
    nobody.problem(404);

    // Query.
    for name in ["Acme", "O'Neil & Söhne"] {
        create(server, &json!({ "Name": name, "BillingCountry": "DE", "Industry": "Energy" }));
    }
    let names = |query: &str| -> Vec<String> {
        let found = server.get(&format!("{ACCOUNTS}?{query}")).json();
        found.as_array().unwrap().iter().map(|account| account["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), ["Acme", "Edge", "O'Neil & Söhne"]);
    assert_eq!(names("BillingCountry=DE"), ["Acme", "O'Neil & Söhne"]);
    assert_eq!(names("Name=O%27Neil+%26+S%C3%B6hne&BillingCountry=DE"), ["O'Neil & Söhne"]);
    assert_eq!(names("Name=%27+OR+1%3D1"), [""; 0], "a value is never SQL");

    // Delete.
    let deleted = server.request("DELETE", &one).send();
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    server.request("DELETE", &one).send().problem(404);
    server.get(&one).problem(404);
}

#[test]
fn an_account_lives_and_dies_on_sqlite() {
    story(&serve("sqlite://erp.db"));
}

#[test]
fn an_account_lives_and_dies_on_postgresql() {
    let Some(database) = Postgres::shared() else { return };
    for story in [story, crate::crm_sync_soap::salesforce_story] {
        // A database that is kept may have the table of an earlier run.
        let before = Site::new([
            probe("clean", "execute clean: none -> single-json").and("connections = ['erp']"),
            connection("erp", &database.url),
        ]);
        let before = before.serve();
        assert_eq!(before.get("/ws/simple/executeClean?on=erp&sql=drop+table+if+exists+account").json()["sql"], 0);
        story(&serve(&database.url));
    }
}

#[test]
fn what_is_not_valid_is_refused_with_every_reason() {
    let server = serve("sqlite://erp.db");
    let problem = server.post(ACCOUNTS, r#"{"Nam": "Edge", "NumberOfEmployees": "many"}"#).problem(400);
    let fields: Vec<_> = problem.members["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["NumberOfEmployees", "Nam"]);
    assert!(problem.detail.contains("nearest is Name"), "{}", problem.detail);
    server.post(ACCOUNTS, "{").problem(400);
    server.post(ACCOUNTS, r#"{"Industry": "Energy"}"#).problem(400);
    assert_eq!(server.get(ACCOUNTS).json(), json!([]));
}

#[test]
fn many_accounts_come_in_pages() {
    let server = serve("sqlite://erp.db");
    for n in 0..103 {
        create(&server, &json!({ "Name": format!("Account {n:03}") }));
    }
    let first = server.get(ACCOUNTS);
    assert_eq!(first.json().as_array().unwrap().len(), 100);
    let second = server.get(&first.next().unwrap());
    let rest: Vec<_> = second.json().as_array().unwrap().iter().map(|account| account["Name"].clone()).collect();
    assert_eq!(rest, ["Account 100", "Account 101", "Account 102"]);
    assert_eq!(second.next(), None);
}

#[test]
fn simple_http_serves_the_same_processes() {
    let server = serve("sqlite://erp.db");
    let created = server.post("/ws/simple/createAccount", r#"{"Name": "Edge"}"#);
    assert_eq!(created.header("location"), None, "there is no URL for one Account");
    let id = created.json_of(201)["Id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/ws/simple/getAccount?Id={id}")).json()["Name"], "Edge");
    let changed = server.post("/ws/simple/updateAccount", json!({ "Id": id, "Phone": "1" }).to_string());
    assert_eq!(changed.json()["Phone"], "1");
    assert_eq!(server.get("/ws/simple/queryAccount").json().as_array().unwrap().len(), 1);
    assert_eq!(server.get(&format!("/ws/simple/deleteAccount?Id={id}")).status, 204);
    server.get("/ws/simple/getAccount").problem(400);
}

/// What was written before a crash is there after it.
#[test]
fn the_database_outlives_the_host() {
    let server = serve("sqlite://erp.db");
    let id = create(&server, &json!({ "Name": "Edge" }))["Id"].as_str().unwrap().to_owned();
    let server = server.kill().serve();
    assert_eq!(server.get(&format!("{ACCOUNTS}/{id}")).json()["Name"], "Edge");
}
