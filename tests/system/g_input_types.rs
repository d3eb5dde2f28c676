//! From a body to documents, over REST and simple HTTP alike.

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::Site;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::texts;

const HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// Sends a body to an operation on `Contact` with this input type, by REST and by simple HTTP.
fn sent(input: &str, body: &[u8]) -> [Response; 2] {
    let server = Site::new([
        inspect("p", &format!("create Contact: {input} -> single-json")),
        api("api", "/api").route("POST", "p"),
    ])
    .serve();
    ["/ws/rest/api/Contact", "/ws/simple/createContact"].map(|path| server.post(path, body))
}

/// The documents that both made of it, which are the same.
#[track_caller]
fn reports(input: &str, body: &[u8]) -> Value {
    let [rest, simple] = sent(input, body).map(|response| response.json());
    assert_eq!(rest["documents"], simple["documents"]);
    rest
}

#[track_caller]
fn assert_documents(input: &str, body: &str, expected: &[&str]) {
    assert_eq!(texts(&reports(input, body.as_bytes())), expected);
}

#[test]
fn g1_none_is_one_empty_document() {
    let server = Site::new([inspect("p", "get p: none -> single-json"), api("api", "/api").route("GET", "p")]).serve();
    for path in ["/ws/rest/api/p", "/ws/simple/getP"] {
        assert_eq!(server.get(path).json()["documents"], json!([{ "text": "", "base64": "", "properties": {} }]));
    }
}

#[test]
fn g2_single_data_is_the_same_bytes() {
    let bytes = [0, 0xff, 0x80, b'\r', b'\n'];
    let report = reports("single-data", &bytes);
    assert_eq!(report["documents"].as_array().unwrap().len(), 1);
    assert_eq!(report["documents"][0]["text"], Value::Null);
    assert_eq!(report["documents"][0]["base64"], STANDARD.encode(bytes));
}

#[test]
fn g3_single_xml_is_unchanged() {
    let body = "<?xml version='1.0'?>\r\n<Contact a='1'><b/></Contact>\n";
    assert_documents("single-xml", body, &[body]);
}

#[test]
fn g4_multiple_xml_is_split() {
    let body = "<ContactList><Contact>1</Contact><Contact>2</Contact></ContactList>";
    let documents = ["1", "2"].map(|n| format!("{HEAD}<Contact>{n}</Contact>"));
    assert_documents("multiple-xml", body, &documents.each_ref().map(String::as_str));
}

#[test]
fn g4_multiple_xml_keeps_the_namespaces_in_scope() {
    let body = "<w:ContactList xmlns:w='urn:w' xmlns:c='urn:c'><c:Contact/></w:ContactList>";
    let report = reports("multiple-xml", body.as_bytes());
    let [document] = texts(&report)[..] else { panic!("{report}") };
    assert!(document.starts_with(&format!("{HEAD}<c:Contact ")) && document.contains("xmlns:c='urn:c'"), "{document}");
}

#[test]
fn g4_another_root_is_not_the_list() {
    for response in sent("multiple-xml", b"<PersonList><Contact/></PersonList>") {
        let detail = response.problem(400).detail;
        assert!(detail.contains("`PersonList`") && detail.contains("`<ContactList>`"), "{detail}");
    }
}

/// G5 is SOAP's; this is the same over JSON.
#[test]
fn g5_multiple_json_is_split_and_passes_untouched() {
    assert_documents("multiple-json", r#"[ {"b":1.0,"a":1e400}, 2 ]"#, &[r#"{"b":1.0,"a":1e400}"#, "2"]);
}

#[test]
fn g6_one_json_object_is_a_list_of_one() {
    assert_documents("multiple-json", r#"{"a":1}"#, &[r#"{"a":1}"#]);
}

#[test]
fn g7_an_empty_list_runs_once_with_no_documents() {
    for response in sent("multiple-json", b"[]") {
        assert_eq!(response.json()["documents"], json!([]));
        assert_eq!(response.json()["execution"]["name"], "p");
    }
}

#[test]
fn g8_an_unclosed_list_is_refused_with_its_place() {
    for response in sent("multiple-xml", b"<ContactList>\n<Contact/>") {
        let detail = response.problem(400).detail;
        assert!(detail.contains("not well-formed XML: line 2, column"), "{detail}");
        assert_eq!(response.header("x-execution-id"), None, "nothing ran");
    }
    for response in sent("multiple-json", b"[{\"a\":\n}]") {
        assert!(response.problem(400).detail.contains("not well-formed JSON: line 2, column 1"));
    }
}

#[test]
fn g9_single_json_is_not_read() {
    assert_documents("single-json", "not json", &["not json"]);
}

/// `decisions.md`, No body.
#[test]
fn no_body_is_an_empty_document_or_refused_as_a_list() {
    for input in ["single-data", "single-xml", "single-json"] {
        assert_documents(input, "", &[""]);
    }
    for input in ["multiple-xml", "multiple-json"] {
        for response in sent(input, b"") {
            let detail = response.problem(400).detail;
            assert!(detail.contains("no body was sent"), "{detail}");
        }
    }
}

/// `decisions.md`: REST 400, simple HTTP 405.
#[test]
fn a_body_for_input_none_is_refused() {
    let [rest, simple] = sent("none", b"x");
    assert!(rest.problem(400).detail.contains("takes no body"));
    assert!(simple.problem(405).detail.contains("takes no body"));
}
