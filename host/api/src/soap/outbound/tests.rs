//! What becomes of documents on their way out over SOAP, as literal envelopes.

use auricle_model::DocumentType::SingleData;
use auricle_model::Properties;

use super::*;
use crate::soap::fixtures::{MultipleJson, MultipleXml, Nothing, SingleJson, SingleXml, json, operation};

const V11: &str = "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body>";
const V12: &str = "<S:Envelope xmlns:S=\"http://www.w3.org/2003/05/soap-envelope\"><S:Body>";
const END: &str = "</S:Body></S:Envelope>";
const WSS: &str = "xmlns:wss=\"http://www.boomi.com/connector/wss\"";
const EXECUTION: &str = "<auricle:execution xmlns:auricle=\"urn:auricle:fault\">x1</auricle:execution>";

fn documents(texts: &[&str]) -> Vec<Document> {
    texts.iter().map(|text| Document::new((*text).to_owned())).collect()
}

fn with(text: &str, properties: &[(&str, &str)]) -> Document {
    Document::with_properties(text.to_owned(), properties.iter().copied().collect::<Properties>())
}

fn replied(operation: &SoapOperation, version: Version, documents: &[Document]) -> Result<Reply, OutputError> {
    reply(operation, version, "x1", documents, None, false, None)
}

/// What stands in the body of an answer, which is a whole and well-formed envelope.
fn body(reply: &Reply) -> String {
    let text = std::str::from_utf8(&reply.body).unwrap();
    xml::content(text).unwrap();
    let frame = [V11, V12].into_iter().find_map(|start| text.strip_prefix(start));
    frame.and_then(|text| text.strip_suffix(END)).unwrap().to_owned()
}

fn answer(operation: &SoapOperation, texts: &[&str]) -> String {
    body(&replied(operation, Version::V11, &documents(texts)).unwrap())
}

#[test]
fn a_document_stands_in_a_wrapper_named_after_the_operation() {
    let create = operation("createAccount", SingleXml, SingleXml);
    let document = "<?xml version='1.0' encoding='UTF-8'?>\n<a xmlns='u'>é</a>\n";
    assert_eq!(
        answer(&create, &[document]),
        format!("<wss:createAccountResponse {WSS}><a xmlns='u'>é</a></wss:createAccountResponse>")
    );
    let nothing = format!("<wss:createAccountResponse {WSS}/>");
    assert_eq!(answer(&create, &[]), nothing);
    let bare = SoapOperation { wrapped: false, ..create };
    assert_eq!(answer(&bare, &[document]), "<a xmlns='u'>é</a>");
    assert_eq!(answer(&bare, &[]), nothing, "zeep and JAX-WS can read it, and an empty body they can't");
}

#[test]
fn each_version_has_its_namespace_and_media_type() {
    let create = operation("createAccount", Nothing, SingleXml);
    for (version, start, media_type) in
        [(Version::V11, V11, "text/xml; charset=utf-8"), (Version::V12, V12, "application/soap+xml; charset=utf-8")]
    {
        let reply = replied(&create, version, &documents(&["<a/>"])).unwrap();
        assert!(reply.body.starts_with(start.as_bytes()));
        assert_eq!((reply.status.as_u16(), &reply.headers[CONTENT_TYPE]), (200, &HeaderValue::from_static(media_type)));
    }
}

#[test]
fn documents_stand_in_a_list_that_tells_of_further_pages() {
    let query = operation("queryAccount", Nothing, MultipleXml);
    let list = "<wss:AccountResponseList><a/><b/></wss:AccountResponseList>";
    let wrapped = |name: &str, list: &str| format!("<wss:{name} {WSS}>{list}</wss:{name}>");
    assert_eq!(answer(&query, &["<a/>", "<b/>"]), wrapped("queryAccountResponse", list));
    let empty = wrapped("queryAccountResponse", "<wss:AccountResponseList></wss:AccountResponseList>");
    assert_eq!(answer(&query, &[]), empty);
    let page = |more, next| reply(&query, Version::V11, "x1", &documents(&["<a/>"]), next, more, None).unwrap();
    let list = "<wss:AccountResponseList moreDataToken=\"t&quot;1\"><a/></wss:AccountResponseList>";
    assert_eq!(body(&page(false, Some("t\"1"))), wrapped("queryAccountResponse", list));
    assert_eq!(body(&page(true, Some("t\"1"))), wrapped("queryAccountMoreResultsResponse", list));
    let bare = SoapOperation { wrapped: false, ..operation("queryAccount", Nothing, MultipleXml) };
    assert_eq!(answer(&bare, &["<a/>"]), format!("<wss:AccountResponseList {WSS}><a/></wss:AccountResponseList>"));
    let more = reply(&bare, Version::V11, "x1", &documents(&["<a/>"]), None, true, None).unwrap();
    let list = "<wss:AccountResponseList><a/></wss:AccountResponseList>";
    assert_eq!(body(&more), wrapped("queryAccountMoreResultsResponse", list));
}

#[test]
fn without_output_the_answer_is_empty() {
    let delete = operation("deleteAccount", Nothing, Nothing);
    let expected = format!("<wss:deleteAccountResponse {WSS}/>");
    assert_eq!(body(&empty(&delete, Version::V12, None)), expected);
    assert_eq!(answer(&delete, &["ignored"]), expected);
    let bare = SoapOperation { wrapped: false, ..delete };
    assert_eq!(body(&empty(&bare, Version::V11, None)), expected);
}

#[test]
fn json_becomes_xml_by_its_profile() {
    let get = SoapOperation { response: json("AccountResult"), ..operation("getAccount", Nothing, SingleJson) };
    let account = "<AccountResult><Id>1</Id><Name>A &amp; B</Name><Employees>5</Employees></AccountResult>";
    let document = r#"{"Employees": 5, "Name": "A & B", "Id": "1"}"#;
    assert_eq!(answer(&get, &[document]), format!("<wss:getAccountResponse {WSS}>{account}</wss:getAccountResponse>"));
    let query = SoapOperation { response: json("AccountResult"), ..operation("queryAccount", Nothing, MultipleJson) };
    assert_eq!(
        answer(&query, &[document, document]),
        format!(
            "<wss:queryAccountResponse {WSS}><wss:AccountResponseList>{account}{account}</wss:AccountResponseList></wss:queryAccountResponse>"
        )
    );
}

#[test]
fn what_can_not_be_an_answer_is_told_by_its_document() {
    let of = |output, texts: &[&str]| {
        let operation = SoapOperation { response: json("AccountResult"), ..operation("x", Nothing, output) };
        replied(&operation, Version::V11, &documents(texts)).unwrap_err().message
    };
    assert!(of(SingleXml, &["<a/>", "<b/>"]).contains("returned 2 documents, and output type single-xml takes one"));
    assert!(of(SingleXml, &["<a>"]).starts_with("document 1 of 1 of the answer is not well-formed XML"));
    assert!(of(MultipleXml, &["<a/>", "a"]).starts_with("document 2 of 2 of the answer is not well-formed XML"));
    let broken = of(SingleJson, &["{\"Name\": \"n\"}"]);
    assert!(broken.starts_with("document 1 of 1 of the answer does not follow profile `AccountResult`"), "{broken}");
    let unsaid = replied(&operation("x", Nothing, SingleJson), Version::V11, &documents(&["{}"])).unwrap_err();
    assert!(unsaid.message.contains("no `response-profile`"), "{unsaid}");
}

#[test]
fn headers_are_the_processes_and_its_status_is_not() {
    let create = operation("createAccount", Nothing, SingleXml);
    let properties = [("outheader_Location", "/1"), ("outheader_content-type", "text/plain"), ("outstatuscode", "304")];
    let reply = replied(&create, Version::V11, &[with("<a/>", &properties)]).unwrap();
    assert_eq!((reply.status.as_u16(), &reply.headers["location"]), (200, &HeaderValue::from_static("/1")));
    assert_eq!(reply.headers.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), ["text/xml; charset=utf-8"]);
    assert_eq!(reply.notes.len(), 1, "{:?}", reply.notes);
    let reply = replied(&create, Version::V11, &[with("<a/>", &[("outstatuscode", "201")])]).unwrap();
    assert_eq!((reply.status.as_u16(), reply.notes.len()), (200, 0));
    let list = operation("queryAccount", Nothing, MultipleXml);
    let reply = replied(&list, Version::V11, &[with("<a/>", &[("outstatuscode", "404")])]).unwrap();
    assert_eq!(reply.status.as_u16(), 200);
    assert!(reply.notes[0].starts_with("outstatuscode ignored"), "{:?}", reply.notes);
}

#[test]
fn an_empty_document_is_none() {
    let delete = SoapOperation { response: json("AccountResult"), ..operation("deleteAccount", Nothing, SingleJson) };
    let of = |status| replied(&delete, Version::V11, &[with("", &[("outstatuscode", status)])]).unwrap();
    let reply = of("204");
    assert_eq!(body(&reply), format!("<wss:deleteAccountResponse {WSS}/>"));
    assert_eq!((reply.status.as_u16(), reply.notes.len()), (200, 0), "{:?}", reply.notes);
    let reply = of("404");
    assert!(
        body(&reply).contains(&format!("status 404.</faultstring><detail>{EXECUTION}</detail>")),
        "{}",
        body(&reply)
    );
    assert!(reply.notes.is_empty(), "{:?}", reply.notes);
}

#[test]
fn a_status_from_400_on_is_a_fault_with_its_document() {
    let problem = r#"{"title": "No such account", "status": 404, "detail": "42 is unknown"}"#;
    let get = SoapOperation { fault: json("Problem"), ..operation("getAccount", Nothing, SingleJson) };
    let of = |operation: &SoapOperation, version, status, text| {
        let told = [("outstatuscode", status), ("outheader_Retry-After", "1")];
        replied(operation, version, &[with(text, &told)]).unwrap()
    };
    let typed = format!(
        "<wss:ProblemFault {WSS}><title>No such account</title><status>404</status><detail>42 is unknown</detail></wss:ProblemFault>"
    );
    let told = "No such account: 42 is unknown";
    let reply = of(&get, Version::V11, "404", problem);
    assert_eq!((reply.status.as_u16(), &reply.headers["retry-after"]), (500, &HeaderValue::from_static("1")));
    assert_eq!(
        body(&reply),
        format!(
            "<S:Fault><faultcode>S:Client</faultcode><faultstring>{told}</faultstring><detail>{typed}{EXECUTION}</detail></S:Fault>"
        )
    );
    assert!(reply.notes.is_empty(), "{:?}", reply.notes);
    let reply = of(&get, Version::V12, "404", problem);
    assert_eq!(reply.status.as_u16(), 400);
    assert_eq!(
        body(&reply),
        format!(
            "<S:Fault><S:Code><S:Value>S:Sender</S:Value></S:Code><S:Reason><S:Text xml:lang=\"en\">{told}</S:Text></S:Reason>\
             <S:Detail>{typed}{EXECUTION}</S:Detail></S:Fault>"
        )
    );
    let reply = of(&get, Version::V12, "503", problem);
    assert_eq!(reply.status.as_u16(), 500);
    assert!(body(&reply).contains("<S:Value>S:Receiver</S:Value>"));
    let xml = operation("getAccount", Nothing, SingleXml);
    let reply = of(&xml, Version::V11, "500", "<?xml version='1.0'?><p:e xmlns:p='u'/>");
    assert!(body(&reply).contains(
        "<faultstring>The process answered with status 500.</faultstring><detail><p:e xmlns:p='u'/><auricle:"
    ));
}

#[test]
fn a_fault_whose_document_has_no_xml_has_its_text() {
    let text = "<auricle:document xmlns:auricle=\"urn:auricle:fault\">";
    let told = [("outstatuscode", "422")];
    for (fault, output, document, expected, notes) in [
        (None, SingleJson, "{\"detail\": \"a < b\"}", "{\"detail\": \"a &lt; b\"}</auricle:document>", 0),
        (json("Problem"), SingleJson, "{\"x\": 1}", "{\"x\": 1}</auricle:document>", 1),
        (json("Problem"), SingleJson, "no json", "no json</auricle:document>", 1),
        (None, SingleXml, "a & b", "a &amp; b</auricle:document>", 1),
    ] {
        let operation = SoapOperation { fault, ..operation("x", Nothing, output) };
        let reply = replied(&operation, Version::V11, &[with(document, &told)]).unwrap();
        assert!(body(&reply).contains(&format!("<detail>{text}{expected}{EXECUTION}</detail>")), "{}", body(&reply));
        assert_eq!(reply.notes.len(), notes, "{document}: {:?}", reply.notes);
    }
    let raw = Document::with_properties(vec![0xFF, b'a'], told.into_iter().collect());
    let reply = replied(&operation("x", Nothing, SingleJson), Version::V11, &[raw]).unwrap();
    assert!(body(&reply).contains(&format!("{text}\u{FFFD}a</auricle:document>")));
}

#[test]
fn a_reason_is_made_of_what_a_problem_says() {
    assert_eq!(said(r#"{"title": "a", "detail": "b"}"#).unwrap(), "a: b");
    assert_eq!(said(r#"{"title": "a", "detail": 1}"#).unwrap(), "a");
    assert_eq!(said(r#"{"title": "", "detail": "b"}"#).unwrap(), "b");
    for nothing in ["{}", "[1]", "\"a\"", "{\"title\": \"a\"", ""] {
        assert_eq!(said(nothing), None, "{nothing}");
    }
}

#[test]
fn a_process_that_was_given_the_envelope_may_answer_with_one() {
    let own = format!("{V12}<x/>{END}");
    let fault = format!("{V11}<S:Fault/>{END}");
    let through = |returns_fault, output, document: &str, status| {
        let operation = SoapOperation { passthrough: true, returns_fault, ..operation("x", SingleData, output) };
        replied(&operation, Version::V11, &[with(document, &[("outstatuscode", status)])]).unwrap()
    };
    let reply = through(true, SingleData, &format!("<?xml version='1.0'?>{own}"), "200");
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, own.as_bytes()));
    assert_eq!(reply.headers[CONTENT_TYPE], "application/soap+xml; charset=utf-8", "by its own version");
    let reply = through(true, SingleXml, &fault, "503");
    assert_eq!((reply.status.as_u16(), &*reply.body), (503, fault.as_bytes()));
    let reply = through(false, SingleXml, &fault, "503");
    assert_eq!((reply.status.as_u16(), &*reply.body, reply.notes.len()), (200, fault.as_bytes(), 1));
    let reply = through(true, SingleXml, "<x/>", "200");
    assert_eq!(body(&reply), format!("<wss:xResponse {WSS}><x/></wss:xResponse>"));
    let reply = through(true, SingleXml, "<x/>", "404");
    assert!(body(&reply).contains("<faultcode>S:Client</faultcode>"));
    let reply = through(true, SingleXml, &fault, "204");
    assert!(reply.body.is_empty() && !reply.headers.contains_key(CONTENT_TYPE), "{reply:?}");
}

#[test]
fn an_answer_says_what_it_is_to() {
    let addressing = |namespace, action: Option<&str>| Addressing {
        namespace,
        message_id: Some("urn:<1>".into()),
        action: action.map(str::to_owned),
    };
    let create = operation("createAccount", Nothing, SingleXml);
    let told = |status, addressing: &Addressing| {
        let document = [with("<a/>", &[("outstatuscode", status)])];
        let reply = reply(&create, Version::V11, "x1", &document, None, false, Some(addressing)).unwrap();
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        xml::content(&text).unwrap();
        let (_, rest) = text.split_once("<S:Header>").unwrap();
        rest.split_once("</S:Header>").unwrap().0.to_owned()
    };
    let new = "http://www.w3.org/2005/08/addressing";
    let old = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
    let block = |ns, name: &str, value: &str| format!("<wsa:{name} xmlns:wsa=\"{ns}\">{value}</wsa:{name}>");
    let to = |ns| block(ns, "RelatesTo", "urn:&lt;1&gt;");
    assert_eq!(told("200", &addressing(new, Some("a&b"))), block(new, "Action", "a&amp;bResponse") + &to(new));
    assert_eq!(told("200", &addressing(old, None)), to(old));
    assert_eq!(told("500", &addressing(new, Some("a"))), block(new, "Action", &format!("{new}/soap/fault")) + &to(new));
    assert_eq!(told("500", &addressing(old, Some("a"))), block(old, "Action", &format!("{old}/fault")) + &to(old));
    let unnamed = Addressing { message_id: None, ..addressing(new, Some("a")) };
    assert!(!empty(&create, Version::V11, Some(&unnamed)).body.windows(8).any(|bytes| bytes == b"S:Header"));
}
