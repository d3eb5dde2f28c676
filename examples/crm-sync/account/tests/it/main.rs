//! The processes over a real SQLite database: each test asks as the host would and looks at what the caller would get.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect by unwrapping it, and so do their helpers"
)]

mod erp;

use account::{FIELDS, Id};
use auricle_guest::testing::{Outcome, Run};
use erp::Erp;
use serde_json::{Value, json};

const ID: &str = "001D000000IqhSLIAZ";

fn create(erp: &Erp, body: &str) -> Outcome {
    erp.run().path("/crm/Account").document(body).execute(account_create::execute)
}

fn get(erp: &Erp, id: &str) -> Outcome {
    erp.run().param("Id", id).execute(account_get::execute)
}

fn update(erp: &Erp, id: &str, body: &str) -> Outcome {
    erp.run().param("Id", id).document(body).execute(account_update::execute)
}

fn delete(erp: &Erp, id: &str) -> Outcome {
    erp.run().param("Id", id).execute(account_delete::execute)
}

fn notify(erp: &Erp, message: &str) -> Outcome {
    erp.run().output("single-xml").document(message).execute(account_notify::execute)
}

fn query(erp: &Erp, filters: &[(&str, &str)]) -> Outcome {
    let run = filters.iter().fold(erp.run(), |run, (name, value)| run.query(name, value));
    run.output("multiple-json").execute(account_query::execute)
}

fn names(outcome: &Outcome) -> Vec<String> {
    let name =
        |document: &auricle_guest::Document| document.json::<Value>().unwrap()["Name"].as_str().unwrap().to_owned();
    outcome.documents().iter().map(name).collect()
}

#[track_caller]
fn refused(outcome: &Outcome, status: u16) -> Value {
    assert_eq!(outcome.status(), status, "{outcome:?}");
    assert_eq!(outcome.header("Content-Type").as_deref(), Some("application/problem+json"));
    let problem: Value = outcome.json().unwrap();
    assert_eq!(problem["status"], status);
    problem
}

#[test]
fn an_account_is_stored_with_every_digit_and_answered_in_order() {
    let erp = Erp::new();
    let given = r#"{"Website":"edge.example","Phone":"+1 512 757 6000","LastModifiedDate":"2026-11-22T13:45:00.25+02:00",
        "BillingCountry":"United States","BillingCity":"Austin","NumberOfEmployees":1000,"AnnualRevenue":1234567890123456.78,
        "Industry":"Electronics","Type":"Customer - Direct","Name":"Edge \"É\" 'x'; --","Id":"001D000000IqhSL"}"#;
    let expected = concat!(
        r#"{"Id":"001D000000IqhSLIAZ","Name":"Edge \"É\" 'x'; --","Type":"Customer - Direct","Industry":"Electronics","#,
        r#""AnnualRevenue":1234567890123456.78,"NumberOfEmployees":1000,"BillingCity":"Austin","#,
        r#""BillingCountry":"United States","Phone":"+1 512 757 6000","Website":"edge.example","#,
        r#""LastModifiedDate":"2026-11-22T11:45:00.250Z"}"#
    );
    let created = create(&erp, given);
    assert_eq!(created.status(), 201, "{created:?}");
    assert_eq!(created.header("Location").as_deref(), Some("Account/001D000000IqhSLIAZ"));
    assert_eq!(created.text(), expected);
    assert_eq!(get(&erp, ID).text(), expected);
    assert_eq!(get(&erp, "001D000000IqhSL").text(), expected, "fifteen characters name the same Account");
}

#[test]
fn what_is_absent_is_null_and_what_is_missing_is_made() {
    let erp = Erp::new();
    let created: Value = create(&erp, r#"{"attributes":{"type":"Account"},"Name":"Edge"}"#).json().unwrap();
    assert!(Id::parse(created["Id"].as_str().unwrap()).is_ok());
    assert!(created["LastModifiedDate"].as_str().unwrap().ends_with('Z'));
    let object = created.as_object().unwrap();
    assert_eq!(object.len(), FIELDS.len());
    assert_eq!(object.values().filter(|value| value.is_null()).count(), FIELDS.len() - 3);
}

#[test]
fn an_account_that_is_there_is_not_created_again() {
    let erp = Erp::new();
    let body = format!(r#"{{"Id":"{ID}","Name":"Edge"}}"#);
    assert_eq!(create(&erp, &body).status(), 201);
    let problem = refused(&create(&erp, &body.replace("Edge", "Other")), 409);
    assert!(problem["detail"].as_str().unwrap().contains(ID), "{problem}");
    assert_eq!(get(&erp, ID).json::<Value>().unwrap()["Name"], "Edge");
}

#[test]
fn what_is_not_valid_is_told_by_field_and_nothing_is_stored() {
    let erp = Erp::new();
    let problem = refused(&create(&erp, r#"{"Nam":"Edge","NumberOfEmployees":"many"}"#), 400);
    assert_eq!(
        problem["errors"],
        json!([
            {"field": "NumberOfEmployees", "reason": "must be a number, without quotes"},
            {"field": "Nam", "reason": "is no field of an Account; the nearest is Name"},
        ])
    );
    let problem = refused(&create(&erp, "{}"), 400);
    assert_eq!(problem["errors"], json!([{"field": "Name", "reason": "is required"}]));
    for body in ["", "not json", "[]"] {
        assert!(refused(&create(&erp, body), 400)["detail"].as_str().unwrap().contains("JSON object"), "{body}");
    }
    assert!(query(&erp, &[]).documents().is_empty());
}

#[test]
fn an_update_merges_clears_and_dates() {
    let erp = Erp::new();
    let body =
        json!({"Id": ID, "Name": "Edge", "Phone": "1", "AnnualRevenue": 5, "LastModifiedDate": "2000-01-01T00:00:00Z"});
    assert_eq!(create(&erp, &body.to_string()).status(), 201);

    let updated = update(&erp, ID, r#"{"Phone":null,"AnnualRevenue":7.25,"BillingCity":"Ulm"}"#);
    assert_eq!(updated.status(), 200, "{updated:?}");
    assert_eq!(updated.text(), get(&erp, ID).text());
    let updated: Value = updated.json().unwrap();
    assert_eq!(
        (&updated["Name"], &updated["Phone"], &updated["BillingCity"]),
        (&json!("Edge"), &Value::Null, &json!("Ulm"))
    );
    assert_eq!(updated["AnnualRevenue"], json!(7.25));
    assert!(updated["LastModifiedDate"].as_str().unwrap() > "2026");

    let dated: Value = update(&erp, ID, r#"{"LastModifiedDate":"2001-01-01T00:00:00.000+0000"}"#).json().unwrap();
    assert_eq!(dated["LastModifiedDate"], "2001-01-01T00:00:00.000Z");

    refused(&update(&erp, ID, r#"{"Name":null}"#), 400);
    refused(&update(&erp, ID, r#"{"Id":"001000000000000AAA"}"#), 400);
    assert_eq!(get(&erp, ID).json::<Value>().unwrap(), dated, "a refused update changes nothing");
}

#[test]
fn an_update_without_an_id_in_the_url_takes_the_records_own() {
    let erp = Erp::new();
    assert_eq!(create(&erp, &format!(r#"{{"Id":"{ID}","Name":"Edge"}}"#)).status(), 201);
    let whole = format!(r#"{{"Id":"{ID}","Name":"Edge 2"}}"#);
    assert_eq!(erp.run().document(whole.as_str()).execute(account_update::execute).status(), 200);
    let by_query = erp.run().query("Id", ID).execute(account_get::execute);
    assert_eq!(by_query.json::<Value>().unwrap()["Name"], "Edge 2");
    refused(&erp.run().document(r#"{"Name":"Edge"}"#).execute(account_update::execute), 400);
    refused(&erp.run().execute(account_get::execute), 400);
}

#[test]
fn a_deleted_account_is_gone() {
    let erp = Erp::new();
    assert_eq!(create(&erp, &format!(r#"{{"Id":"{ID}","Name":"Edge"}}"#)).status(), 201);
    let deleted = delete(&erp, ID);
    assert_eq!((deleted.status(), deleted.text().as_str()), (204, ""));
    refused(&delete(&erp, ID), 404);
    refused(&get(&erp, ID), 404);
}

#[test]
fn an_account_that_is_not_there_is_not_found() {
    let erp = Erp::new();
    for id in [ID, "7", "", "' OR 1 = 1 --"] {
        let problem = refused(&get(&erp, id), 404);
        assert!(problem["detail"].as_str().unwrap().contains(id));
        refused(&update(&erp, id, "{}"), 404);
        refused(&delete(&erp, id), 404);
    }
}

#[test]
fn a_query_takes_equality_and_orders_by_name() {
    let erp = Erp::new();
    for (name, city, country) in [("Zeta", "Ulm", "Germany"), ("Beta", "Bonn", "Germany"), ("Alpha", "Lyon", "France")]
    {
        let body = json!({"Name": name, "BillingCity": city, "BillingCountry": country});
        assert_eq!(create(&erp, &body.to_string()).status(), 201);
    }
    assert_eq!(names(&query(&erp, &[])), ["Alpha", "Beta", "Zeta"]);
    assert_eq!(names(&query(&erp, &[("BillingCountry", "Germany")])), ["Beta", "Zeta"]);
    assert_eq!(names(&query(&erp, &[("BillingCountry", "Germany"), ("BillingCity", "Ulm")])), ["Zeta"]);
    assert_eq!(names(&query(&erp, &[("Name", "alpha")])), [""; 0]);
    assert_eq!(names(&query(&erp, &[("Name", "\0")])), [""; 0]);

    let unknown = query(&erp, &[("BilingCountry", "Germany")]);
    assert_eq!(names(&unknown), ["Alpha", "Beta", "Zeta"]);
    let line = &unknown.log()[0].message;
    assert!(line.contains("BilingCountry") && line.contains("BillingCountry"), "{line}");
}

/// What Salesforce sends, without the envelope.
fn message() -> String {
    let envelope = include_str!("../../../salesforce/notification.xml");
    let (_, body) = envelope.split_once("<notifications").unwrap();
    let (body, _) = body.split_once("</notifications>").unwrap();
    format!("<notifications xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'{body}</notifications>")
}

#[test]
fn what_salesforce_tells_takes_the_place_of_what_was_there() {
    let erp = Erp::new();
    assert_eq!(
        create(
            &erp,
            &json!({"Id": ID, "Name": "Old", "Website": "old.example", "LastModifiedDate": "2020-01-01T00:00:00Z"})
                .to_string()
        )
        .status(),
        201
    );
    let answered = notify(&erp, &message());
    assert_eq!(answered.status(), 200, "{answered:?}");
    assert_eq!(
        answered.text(),
        "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>"
    );
    let edge = concat!(
        r#"{"Id":"001D000000IqhSLIAZ","Name":"Edge Communications","Type":"Customer - Direct","Industry":"Electronics","#,
        r#""AnnualRevenue":139000000.5,"NumberOfEmployees":1000,"BillingCity":"Austin","BillingCountry":"United States","#,
        r#""Phone":"(512) 757-6000","Website":null,"LastModifiedDate":"2026-11-22T13:45:00.000Z"}"#
    );
    assert_eq!(get(&erp, ID).text(), edge, "what is not there any more is cleared");
    assert_eq!(names(&query(&erp, &[])), ["Edge Communications", "Müller & Söhne"]);
}

#[test]
fn a_message_that_comes_again_or_late_does_no_harm() {
    let erp = Erp::new();
    assert_eq!(notify(&erp, &message()).status(), 200);
    let once = get(&erp, ID).text();
    assert_eq!(notify(&erp, &message()).status(), 200);
    assert_eq!((get(&erp, ID).text(), query(&erp, &[]).documents().len()), (once, 2));

    let newer = message().replace("13:45:00.000Z", "13:50:00.000Z").replace("Austin", "Dallas");
    assert_eq!(notify(&erp, &newer).status(), 200);
    let late = notify(&erp, &message());
    assert!(late.text().contains("<Ack>true</Ack>"), "it is not sent for ever: {late:?}");
    assert_eq!(get(&erp, ID).json::<Value>().unwrap()["BillingCity"], "Dallas");
    assert!(late.log().iter().any(|line| line.message.contains("account notified")));
}

#[test]
fn a_message_that_is_not_valid_is_refused_in_xml_and_stores_nothing() {
    let erp = Erp::new();
    for (message, reason) in [
        (message().replace("1.390000005E8", "0.005"), "AnnualRevenue must have at most 2 digits after the point."),
        (message().replace("001D000000IqhSMIAZ", "003D000000IqhSMIAZ"), "Id must begin with 001"),
        (message().replace("<sf:Name>Edge Communications</sf:Name>", ""), "Name is required."),
        ("<notifications>".to_owned(), "must be an outbound message of Salesforce"),
        (String::new(), "must be an outbound message of Salesforce"),
    ] {
        let refused = notify(&erp, &message);
        assert_eq!(
            (refused.status(), refused.header("Content-Type").as_deref()),
            (400, Some("application/problem+xml"))
        );
        let text = refused.text();
        assert!(text.starts_with("<problem xmlns=\"urn:ietf:rfc:7807\"><title>") && text.contains(reason), "{text}");
    }
    assert!(query(&erp, &[]).documents().is_empty());
}

#[test]
fn a_location_is_given_only_where_a_url_names_the_account() {
    let erp = Erp::new();
    let mut operation = auricle_guest::Operation {
        kind: "create".into(),
        object: "Account".into(),
        input: "single-json".into(),
        output: "single-json".into(),
        protocol: "simple".into(),
    };
    let run = |operation| erp.run().path("/createAccount").operation(operation).document(r#"{"Name":"Edge"}"#);
    assert_eq!(run(operation.clone()).execute(account_create::execute).header("Location"), None);
    operation.protocol = "rest".into();
    assert!(run(operation).execute(account_create::execute).header("Location").is_some());
}

#[test]
fn the_table_is_made_once_and_found_after_that() {
    let erp = Erp::new();
    assert_eq!(create(&erp, r#"{"Name":"Edge"}"#).status(), 201);
    erp.run().start(account::prepare).unwrap();
    assert_eq!(names(&query(&erp, &[])), ["Edge"]);
}

#[test]
fn a_database_of_another_language_is_refused_at_the_start() {
    let error = Erp::new().run().dialect("mysql").start(account::prepare).unwrap_err();
    assert!(error.message().contains("mysql"), "{error}");
}

#[test]
fn what_the_caller_cannot_help_is_a_failure_and_no_answer() {
    let broken = Run::new().param("Id", ID).sql("erp", |_, _| Err(erp::unavailable())).execute(account_get::execute);
    assert_eq!(broken.failure(), Some("the database is away"));
}

#[test]
fn every_account_of_the_seed_is_taken_as_it_is() {
    let erp = Erp::new();
    let seed: Vec<serde_json::Map<String, Value>> =
        serde_json::from_str(include_str!("../../../seed/accounts.json")).unwrap();
    assert!(seed.len() > 400);
    for given in &seed {
        let created = create(&erp, &serde_json::to_string(given).unwrap());
        assert_eq!(created.status(), 201, "{created:?}");
        let stored: Value = created.json().unwrap();
        assert!(given.iter().all(|(field, value)| &stored[field] == value), "{given:?} became {stored}");
    }
    assert_eq!(query(&erp, &[]).documents().len(), seed.len());
}
