//! SOAP as it is on the wire: envelopes by hand, both versions. What clients that others wrote make of it, `soap_clients` tells.

use auricle_tests::client::{Request, Response};
use auricle_tests::manifest::{Section, api, inspect, raw};
use auricle_tests::site::{Server, Site, free_port};
use serde_json::{Value, json};

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSS: &str = "http://www.boomi.com/connector/wss";
const HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>";

fn envelope(namespace: &str, headers: &str, body: &str) -> String {
    format!("<e:Envelope xmlns:e='{namespace}'><e:Header>{headers}</e:Header><e:Body>{body}</e:Body></e:Envelope>")
}

/// A request of SOAP 1.1 whose body is this; `wss` stands for the documented namespace.
fn call(server: &Server, target: &str, body: &str) -> Response {
    let body = body.replacen('>', &format!(" xmlns:wss='{WSS}'>"), 1);
    send(server, target, &envelope(V11, "", &body))
}

fn send(server: &Server, target: &str, envelope: &str) -> Response {
    let media_type = if target.contains("soap12") { "application/soap+xml; charset=utf-8" } else { "text/xml" };
    server.request("POST", target).header("Content-Type", media_type).header("SOAPAction", "\"\"").body(envelope).send()
}

/// What the body of an answer holds.
#[track_caller]
fn body(response: &Response) -> &str {
    assert_eq!(response.status, 200, "{response}");
    inside(response)
}

#[track_caller]
fn inside(response: &Response) -> &str {
    let (_, rest) = response.text().split_once("<S:Body>").unwrap_or_else(|| panic!("no envelope: {response}"));
    rest.split_once("</S:Body>").unwrap().0
}

/// The code and the reason of a fault, which both versions say in their own way.
#[track_caller]
fn fault(response: &Response) -> (String, String) {
    let inside = inside(response);
    let between = |open: &str, close: &str| {
        let (_, rest) = inside.split_once(open).unwrap_or_else(|| panic!("no {open}: {response}"));
        rest.split_once(close).unwrap().0.to_owned()
    };
    assert!(inside.contains("Fault"), "{response}");
    if response.header("content-type").unwrap().starts_with("application/soap+xml") {
        (between("<S:Value>", "<"), between("<S:Text xml:lang=\"en\">", "<"))
    } else {
        (between("<faultcode>", "<"), between("<faultstring>", "<"))
    }
}

#[track_caller]
fn assert_fault(response: &Response, status: u16, code: &str, words: &str) {
    let (found, reason) = fault(response);
    assert_eq!((response.status, found.as_str()), (status, code), "{response}");
    assert!(reason.contains(words), "{response}");
}

/// A process of `inspect` outside of APIs.
fn contacts(types: &str) -> Server {
    Site::new([inspect("p", &format!("create Contact: {types}"))]).serve()
}

#[test]
fn g10_a_list_in_the_wrapper_becomes_its_elements() {
    let server = contacts("multiple-xml -> multiple-xml");
    let response = call(
        &server,
        "/ws/soap?echo=1",
        "<wss:createContact><wss:ContactList><Contact>1</Contact><Contact>2</Contact></wss:ContactList></wss:createContact>",
    );
    let list = "<wss:ContactResponseList><Contact xmlns:e=";
    assert!(body(&response).contains(list), "each stands alone, with the namespaces that were in scope: {response}");
    assert!(body(&response).contains(">1</Contact>") && body(&response).contains(">2</Contact>"), "{response}");
    assert_eq!(response.header("content-type"), Some("text/xml; charset=utf-8"));
}

#[test]
fn g11_one_document_in_the_wrapper_is_the_payload() {
    let admin = free_port();
    let settings = format!("admin-listen = '127.0.0.1:{admin}'");
    let server = Site::with(&settings, [inspect("p", "create Contact: single-xml -> single-xml")]).serve();
    let response = call(&server, "/ws/soap?echo=1", "<wss:createContact><Contact>1</Contact></wss:createContact>");
    let (_, rest) = body(&response).split_once("createContactResponse").unwrap();
    assert!(rest.contains("<Contact") && rest.contains(">1</Contact></wss:createContactResponse>"), "{response}");
    let document = &record(&server, admin, &response)["documents-in"][0];
    let text = document["text"].as_str().unwrap();
    assert!(text.starts_with(HEAD) && text.ends_with(">1</Contact>"), "{text}");
    assert_eq!(document["properties"]["inheader_Content-Type"], "text/xml");
}

/// The record of the execution that an answer came from.
#[track_caller]
fn record(server: &Server, admin: u16, response: &Response) -> Value {
    let id = response.header("x-execution-id").unwrap();
    let token = server.site.read("data/admin-token");
    let request = Request::new(([127, 0, 0, 1], admin).into(), "GET", &format!("/_admin/v1/executions/{id}"));
    request.header("Authorization", format!("Bearer {}", token.trim())).send().json()
}

#[test]
fn g13_parts_of_a_multipart_request_are_documents_beside_the_root() {
    let admin = free_port();
    let settings = format!("admin-listen = '127.0.0.1:{admin}'");
    let server = Site::with(&settings, [inspect("p", "create Contact: single-xml -> single-xml")]).serve();
    let root = envelope(V11, "", &format!("<w:createContact xmlns:w='{WSS}'><Contact/></w:createContact>"));
    let parts = format!(
        "--b\r\nContent-Type: text/xml; charset=UTF-8\r\nContent-ID: <root>\r\n\r\n{root}\r\n\
         --b\r\nContent-Type: application/pdf\r\nContent-ID: <one@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
    );
    let request = server.request("POST", "/ws/soap?body=%3Cok/%3E");
    let media_type = "multipart/related; boundary=b; type=\"text/xml\"; start=\"<root>\"";
    let response = request.header("Content-Type", media_type).body(parts).send();
    assert!(body(&response).contains("<ok/>"), "{response}");
    let record = record(&server, admin, &response);
    let [root, part] = record["documents-in"].as_array().unwrap().as_slice() else { panic!("{record}") };
    assert_eq!(part["text"], "%PDF");
    assert_eq!(part["properties"]["WSS_ATTACHMENT_CONTENT_ID"], "one@x");
    assert_eq!(part["properties"]["WSS_ATTACHMENT_CONTENT_TYPE"], "application/pdf");
    assert_eq!(part["properties"]["WSS_ROOT_DOCUMENT_ID"], root["properties"]["WSS_ROOT_DOCUMENT_ID"]);
    assert!(root["properties"]["WSS_ROOT_DOCUMENT_ID"].is_string(), "{root}");
}

#[test]
fn g16_json_without_a_profile_is_not_offered() {
    let server = Site::new([
        inspect("p", "create Contact: single-json -> single-json"),
        inspect("q", "get Contact: none -> single-xml"),
        api("crm", "/crm").and("[[api.soap]]\nprocess = 'p'\n[[api.soap]]\nprocess = 'q'"),
    ])
    .serve();
    let wsdl = server.get("/ws/soap/crm?wsdl");
    assert!(!wsdl.text().contains("createContact"), "{wsdl}");
    let response = call(&server, "/ws/soap/crm", "<wss:createContact><Contact/></wss:createContact>");
    assert_fault(&response, 500, "S:Client", "profile");
}

#[test]
fn i8_further_pages_are_asked_for_by_more_results() {
    let section = inspect("p", "query Contact: none -> multiple-xml").and("max-documents = 2");
    let server = Site::new([section]).serve();
    let first = call(&server, "/ws/soap?documents=3", "<wss:queryContact></wss:queryContact>");
    let (_, rest) = body(&first).split_once("<wss:ContactResponseList moreDataToken=\"").unwrap();
    let token = rest.split('"').next().unwrap().to_owned();
    assert_eq!(first.header("link"), None, "the next page is another message, not another URL");
    let more = |target: &str, token: &str| {
        let namespace = if target.contains("soap12") { V12 } else { V11 };
        let body = format!(
            "<w:queryContactMoreResults xmlns:w='{WSS}'><w:moreDataToken>{token}</w:moreDataToken></w:queryContactMoreResults>"
        );
        send(&server, target, &envelope(namespace, "", &body))
    };
    let second = more("/ws/soap12", &token);
    assert!(body(&second).contains("<wss:ContactResponseList><n>3</n></wss:ContactResponseList>"), "{second}");
    assert!(body(&second).contains("queryContactMoreResultsResponse"), "{second}");
    assert_eq!(first.header("x-execution-id"), second.header("x-execution-id"));
    assert_fault(&more("/ws/soap", "made-up"), 500, "S:Client", "`moreDataToken` is unknown");
    // Whoever comes back after a restart finds the page where it was.
    let server = server.kill().serve();
    let body_of = format!(
        "<w:queryContactMoreResults xmlns:w='{WSS}'><moreDataToken>{token}</moreDataToken></w:queryContactMoreResults>"
    );
    assert!(body(&send(&server, "/ws/soap", &envelope(V11, "", &body_of))).contains("<n>3</n>"));
}

#[test]
fn m5_m8_the_wsdl_comes_in_one_piece_or_several() {
    let profile = "<xsd:schema xmlns:xsd='http://www.w3.org/2001/XMLSchema'><xsd:element name='Contact' type='xsd:string'/>\
                   <xsd:element name='Result' type='xsd:string'/></xsd:schema>";
    let server = with_profiles(profile, "");
    let multi = server.get("/ws/soap?wsdl");
    assert!(multi.header("content-type").unwrap().starts_with("text/xml"), "{multi}");
    assert!(multi.text().contains(&format!("\"{WSS}\"")) && multi.text().contains("?xsd=1"), "{multi}");
    assert!(multi.text().contains("http://test/ws/soap\""), "the address is where it was asked for: {multi}");
    let single = server.get("/ws/soap?WSDL=single");
    assert!(!single.text().contains("?xsd=") && single.text().contains("name='Contact'"), "{single}");
    let schema = server.get("/ws/soap?xsd=1");
    assert!(schema.text().contains("name=\"createContact\""), "{schema}");
    assert_eq!(server.get("/ws/soap?xsd=99").problem(404).title, "Unknown schema document.");
    assert!(server.get("/ws/soap12?wsdl").text().contains("http://schemas.xmlsoap.org/wsdl/soap12/"));
    // Neither a page nor a message.
    let refused = server.get("/ws/soap");
    assert!(refused.problem(405).detail.contains("?wsdl"), "{refused}");
    assert_eq!(refused.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(server.request("OPTIONS", "/ws/soap").send().header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    assert_eq!(server.request("DELETE", "/ws/soap").send().status, 405);
}

/// Two processes outside of APIs with one XSD for all: `create` of one, `query` of many.
fn with_profiles(xsd: &str, keys: &str) -> Server {
    let site = Site::new([
        raw("[[profile]]\nname = 'Contact'\nfile = 'contact.xsd'\n[[profile]]\nname = 'Result'\nfile = 'contact.xsd'"),
        inspect("p", "create Contact: single-xml -> single-xml")
            .and("request-profile = 'Contact'\nresponse-profile = 'Result'")
            .and(keys),
        inspect("q", "query Contact: none -> multiple-xml").and("response-profile = 'Result'"),
    ]);
    site.write("contact.xsd", xsd);
    site.serve()
}

#[test]
fn m7_more_results_stand_in_the_wsdl_beside_what_they_continue() {
    let xsd = "<xsd:schema xmlns:xsd='http://www.w3.org/2001/XMLSchema'><xsd:element name='Contact'/><xsd:element name='Result'/></xsd:schema>";
    let wsdl = with_profiles(xsd, "").get("/ws/soap?wsdl");
    for name in ["createContact", "queryContact", "queryContactMoreResults"] {
        assert!(wsdl.text().contains(&format!("<wsdl:operation name=\"{name}\"")), "{name}: {wsdl}");
    }
    assert!(!wsdl.text().contains("createContactMoreResults"), "it has no further pages: {wsdl}");
}

#[test]
fn what_does_not_follow_its_profile_is_told_with_its_place() {
    let xsd = "<xsd:schema xmlns:xsd='http://www.w3.org/2001/XMLSchema'><xsd:element name='Contact' type='xsd:int'/><xsd:element name='Result'/></xsd:schema>";
    let server = with_profiles(xsd, "validate = true");
    let good =
        call(&server, "/ws/soap?body=%3CResult/%3E", "<wss:createContact><Contact>7</Contact></wss:createContact>");
    assert!(body(&good).contains("<Result/>"), "{good}");
    let bad = call(&server, "/ws/soap", "<wss:createContact>\n <Contact>seven</Contact></wss:createContact>");
    assert_fault(&bad, 500, "S:Client", "line 2, column 11");
    assert!(bad.text().contains("<auricle:rule>cvc-datatype-valid.1.2.1</auricle:rule>"), "{bad}");
    assert!(bad.text().contains("<auricle:line>2</auricle:line>"), "{bad}");
    assert_eq!(bad.header("x-execution-id"), None, "nothing was run");
    // The same over simple HTTP.
    assert_eq!(server.post("/ws/simple/createContact?body=x", "<Contact>7</Contact>").status, 200);
    let problem = server.post("/ws/simple/createContact", "\n<Contact>seven</Contact>").problem(400);
    assert_eq!(problem.members["errors"][0]["line"], 2);
}

#[test]
fn json_is_checked_where_it_comes_in() {
    let site = Site::new([
        raw("[[profile]]\nname = 'Contact'\nfile = 'contact.json'"),
        inspect("p", "create Contact: multiple-json -> single-json")
            .and("request-profile = 'Contact'\nvalidate = true"),
    ]);
    site.write(
        "contact.json",
        r#"{"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}"#,
    );
    let server = site.serve();
    assert_eq!(server.post("/ws/simple/createContact", r#"[{"n": 1}, {"n": 9}]"#).status, 200);
    let refused = server.post("/ws/simple/createContact", "[{\"n\": 1},\n {\"n\": 10}]");
    let error = refused.problem(400).members["errors"][0].clone();
    assert_eq!((&error["line"], &error["document"]), (&json!(2), &json!(2)), "{refused}");
    assert!(error["rule"].as_str().unwrap().contains("maximum"), "{refused}");
}

#[test]
fn faults_have_the_code_and_the_status_of_who_is_to_blame() {
    let server = contacts("single-xml -> single-xml");
    let one = |query: &str| call(&server, &format!("/ws/soap{query}"), "<wss:createContact><a/></wss:createContact>");
    let failed = one("?fail=Lead+7+rejected");
    assert_fault(&failed, 500, "S:Server", "The process failed");
    let id = failed.header("x-execution-id").unwrap();
    assert!(failed.text().contains(&format!(">{id}</auricle:execution>")), "{failed}");
    assert!(!failed.text().contains("Lead 7"), "what the process says is for the record: {failed}");
    // A status of the process's own.
    let typed = one("?set_status=404&body=%3Cnone/%3E");
    assert_fault(&typed, 500, "S:Client", "404");
    assert!(typed.text().contains("<detail><none/>"), "{typed}");
    assert_fault(&one("?set_status=503&body=%3Cnone/%3E"), 500, "S:Server", "503");
    assert_eq!(one("?set_status=201&body=%3Cnone/%3E").status, 200, "an answer that is no fault has one status");
    // 1.2 has its own words and a status for each side.
    let two = |query: &str| {
        let text = format!("<w:createContact xmlns:w='{WSS}'><a/></w:createContact>");
        send(&server, &format!("/ws/soap12{query}"), &envelope(V12, "", &text))
    };
    assert_fault(&two("?fail=no"), 500, "S:Receiver", "The process failed");
    assert_fault(&two("?set_status=404&body=%3Cnone/%3E"), 400, "S:Sender", "404");
    assert!(two("?echo=1").header("content-type").unwrap().starts_with("application/soap+xml"));
}

#[test]
fn what_is_no_message_for_a_service_is_told_so() {
    let server =
        Site::with("max-request-bytes = '2KiB'", [inspect("p", "create Contact: single-xml -> single-xml")]).serve();
    let post = |media_type: &str, body: &[u8]| {
        server.request("POST", "/ws/soap").header("Content-Type", media_type).body(body).send()
    };
    let xml = |text: &str| post("text/xml", text.as_bytes());
    assert_fault(&xml("<a"), 500, "S:Client", "line 1, column 1");
    assert_fault(&xml("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), 500, "S:Client", "DOCTYPE");
    assert_fault(&xml("<a/>"), 500, "S:VersionMismatch", "envelope");
    assert_fault(&xml(&envelope(V12, "", "<a/>")), 500, "S:VersionMismatch", "SOAP 1.1");
    assert_fault(&xml(&envelope(V11, "", "")), 500, "S:Client", "body");
    assert_fault(&xml(&envelope(V11, "", "<createContact/>")), 500, "S:Client", WSS);
    let near = format!("<w:createContakt xmlns:w='{WSS}'/>");
    assert_fault(&xml(&envelope(V11, "", &near)), 500, "S:Client", "createContact");
    let header = "<h:x xmlns:h='urn:h' e:mustUnderstand='1'/>";
    assert_fault(&xml(&envelope(V11, header, &near)), 500, "S:MustUnderstand", "urn:h");
    assert_fault(&post("application/json", b"{}"), 415, "S:Client", "text/xml");
    assert_fault(&post("application/jsön", b"<a/>"), 415, "S:Client", "text/xml");
    assert_fault(&post("text/xml", &[b' '; 3000]), 413, "S:Client", "max-request-bytes");
    assert_fault(&send(&server, "/ws/soap/nowhere", ""), 404, "S:Client", "/ws/soap");
}

#[test]
fn other_encodings_are_read() {
    let server = contacts("single-xml -> single-xml");
    let text = envelope(V11, "", &format!("<w:createContact xmlns:w='{WSS}'><a>é</a></w:createContact>"));
    let utf16 = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect::<Vec<_>>();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    for body_sent in [utf16, marked] {
        let request = server.request("POST", "/ws/soap?echo=1").header("Content-Type", "text/xml");
        assert!(body(&request.body(body_sent).send()).contains(">é</a>"));
    }
}

#[test]
fn addressing_is_answered_and_credentials_are_taken() {
    let server = contacts("single-xml -> single-xml");
    let headers = "<a:Action xmlns:a='http://www.w3.org/2005/08/addressing' e:mustUnderstand='1'>urn:do</a:Action>\
                   <a:MessageID xmlns:a='http://www.w3.org/2005/08/addressing'>urn:uuid:7</a:MessageID>\
                   <a:To xmlns:a='http://www.w3.org/2005/08/addressing' e:mustUnderstand='1'>http://test/ws/soap12</a:To>\
                   <s:Security xmlns:s='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd' e:mustUnderstand='1'>\
                   <s:UsernameToken><s:Username>me</s:Username><s:Password>secret</s:Password></s:UsernameToken></s:Security>";
    let call = |query: &str| {
        let text = format!("<w:createContact xmlns:w='{WSS}'><a/></w:createContact>");
        send(&server, &format!("/ws/soap12{query}"), &envelope(V12, headers, &text))
    };
    let answered = call("?echo=1");
    assert_eq!(answered.status, 200, "{answered}");
    let failed = call("?fail=1");
    assert_eq!(failed.status, 500);
    for response in [&answered, &failed] {
        assert!(response.text().contains(":RelatesTo") && response.text().contains(">urn:uuid:7<"), "{response}");
    }
    assert!(!answered.text().contains("secret"));
}

#[test]
fn a_process_can_have_the_whole_envelope() {
    let server = Site::new([
        inspect("p", "create Contact: single-xml -> single-xml"),
        api("crm", "/crm").and("envelope-passthrough = true\n[[api.soap]]\nprocess = 'p'\nreturns-fault = true"),
    ])
    .serve();
    let text = envelope(V11, "<h xmlns='urn:h'/>", &format!("<w:createContact xmlns:w='{WSS}'><a/></w:createContact>"));
    let echoed = send(&server, "/ws/soap/crm?echo=1", &text);
    assert!(echoed.text().ends_with(&text), "its envelope is the answer: {echoed}");
    let own = send(&server, "/ws/soap/crm?echo=1&set_status=500", &text);
    assert_eq!(own.status, 500, "with the status that it says: {own}");
    assert!(own.text().ends_with(&text), "{own}");
}

#[test]
fn wrappers_can_be_left_out() {
    let site = Site::new([
        raw("[[profile]]\nname = 'Order'\nfile = 'order.xsd'\n[[profile]]\nname = 'Receipt'\nfile = 'order.xsd'"),
        inspect("p", "execute Order: single-xml -> single-xml")
            .and("request-profile = 'Order'\nresponse-profile = 'Receipt'"),
        api("shop", "/shop").and("omit-wrappers = true\nsoap-version = '1.2'\n[[api.soap]]\nprocess = 'p'"),
    ]);
    site.write(
        "order.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:shop'>\
         <xs:element name='Order' type='xs:string'/><xs:element name='Receipt' type='xs:string'/></xs:schema>",
    );
    let server = site.serve();
    let query = "?body=%3CReceipt+xmlns%3D%22urn:shop%22%3Ey%3C/Receipt%3E";
    let text = envelope(V12, "", "<o:Order xmlns:o='urn:shop'>x</o:Order>");
    let response = send(&server, &format!("/ws/soap12/shop{query}"), &text);
    assert_eq!(body(&response), "<Receipt xmlns=\"urn:shop\">y</Receipt>");
    // Only the version that was asked for is there.
    assert_eq!(send(&server, "/ws/soap/shop", &text).status, 404);
}

#[test]
fn a_namespace_and_an_operation_can_be_named_otherwise() {
    let server = Site::new([
        inspect("p", "create Contact: single-xml -> single-xml"),
        api("crm", "/crm").and("namespace = 'urn:own'\n[[api.soap]]\nprocess = 'p'\noperation = 'addPerson'"),
    ])
    .serve();
    let response =
        send(&server, "/ws/soap/crm?echo=1", &envelope(V11, "", "<o:addPerson xmlns:o='urn:own'><a/></o:addPerson>"));
    assert!(body(&response).contains("addPersonResponse xmlns:wss=\"urn:own\""), "{response}");
}

#[test]
fn keys_and_filters_are_children_of_the_wrapper() {
    let admin = free_port();
    let settings = format!("admin-listen = '127.0.0.1:{admin}'");
    let sections: [Section; 2] = [
        inspect("p", "get Contact: none -> single-xml"),
        api("crm", "/crm").route("GET {Id}", "p").and("[[api.soap]]\nprocess = 'p'\nquery = ['Name']"),
    ];
    let server = Site::with(&settings, sections).serve();
    let response = call(
        &server,
        "/ws/soap/crm?body=%3Cok/%3E&a=1",
        "<wss:getContact><wss:Name>A &amp; B</wss:Name><Id>7</Id></wss:getContact>",
    );
    assert!(body(&response).contains("<ok/>"), "{response}");
    let properties = record(&server, admin, &response)["properties"].clone();
    for (name, value) in
        [("param_Id", "7"), ("query_Name", "A & B"), ("query_a", "1"), ("inmethod", "POST"), ("inpath", "/crm")]
    {
        assert_eq!(properties[name], value, "{name}: {properties}");
    }
    let response = call(&server, "/ws/soap/crm", "<wss:getContact><wss:Ident>7</wss:Ident></wss:getContact>");
    assert_fault(&response, 500, "S:Client", "Ident");
}

#[test]
fn a_receipt_is_an_empty_response() {
    let server = Site::new([inspect("p", "create Contact: single-xml -> none")]).serve();
    let response = call(&server, "/ws/soap", "<wss:createContact><a/></wss:createContact>");
    assert!(body(&response).contains("createContactResponse"), "{response}");
    assert!(response.header("x-execution-id").is_some());
}

#[test]
fn a_custom_wsdl_is_served_as_it_is() {
    let site = Site::new([
        inspect("p", "create Contact: single-xml -> single-xml"),
        api("crm", "/crm").and("wsdl = 'own.wsdl'\n[[api.soap]]\nprocess = 'p'"),
    ]);
    site.write("own.wsdl", "<!-- mine --><definitions/>\r\n");
    assert_eq!(site.serve().get("/ws/soap/crm?wsdl").text(), "<!-- mine --><definitions/>\r\n");
}

/// What `check` has to say of what clients would stumble over.
#[test]
fn check_warns_of_what_clients_would_stumble_over() {
    let site = Site::new([
        raw("[[profile]]\nname = 'Contact'\nfile = 'contact.xsd'"),
        inspect("p", "create Contact: single-xml -> single-xml")
            .and("request-profile = 'Contact'\nresponse-profile = 'Contact'"),
        inspect("q", "get Contact: none -> single-xml"),
        api("crm", "/crm").and("[[api.soap]]\nprocess = 'p'\n[[api.soap]]\nprocess = 'q'"),
    ]);
    site.write(
        "contact.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='Contact'/></xs:schema>",
    );
    let told = site.cli(&["check"]).told();
    assert!(told.contains("warning") && told.contains("api[crm].soap[0]") && told.contains("JAX-WS"), "{told}");
    assert!(told.contains("getContact") && told.contains("WSDL"), "{told}");
    assert!(told.contains("ok: 2 processes, 1 API, 0 routes, 2 SOAP operations"), "{told}");
}

#[test]
fn a_schema_outside_of_the_subset_is_refused_by_name() {
    let site = Site::new([
        raw("[[profile]]\nname = 'Contact'\nfile = 'contact.xsd'"),
        inspect("p", "create Contact: single-xml -> single-xml").and("request-profile = 'Contact'"),
    ]);
    site.write(
        "contact.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>\n <xs:redefine schemaLocation='x.xsd'/>\n <xs:element name='Contact'/></xs:schema>",
    );
    let told = site.cli(&["check"]);
    assert_eq!(told.code, Some(1));
    assert!(told.told().contains("contact.xsd:2:2") && told.told().contains("redefine"), "{}", told.told());
}

/// Over SOAP 1.1 every fault is 500: what the process has said counts, not the status.
#[test]
fn a_fault_that_the_process_made_is_kept_under_its_idempotency_key() {
    let server = contacts("single-xml -> single-xml");
    let once = |key: &str, query: &str| {
        let text = envelope(V11, "", &format!("<w:createContact xmlns:w='{WSS}'><a/></w:createContact>"));
        let request = server.request("POST", &format!("/ws/soap{query}")).header("Content-Type", "text/xml");
        request.header("Idempotency-Key", key).body(text).send()
    };
    let first = once("a", "?set_status=409&body=%3Ctwice/%3E");
    assert_fault(&first, 500, "S:Client", "409");
    let again = once("a", "?set_status=409&body=%3Ctwice/%3E");
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{again}");
    assert_eq!(again.text(), first.text());
    // What failed is run anew.
    once("b", "?fail=no");
    assert_eq!(once("b", "?fail=no").header("idempotency-replayed"), None);
}

/// Nobody has asked for them over SOAP: what cannot be said there is left out.
#[test]
fn processes_without_a_name_for_an_element_are_not_offered() {
    let server = Site::new([
        inspect("p", "get order lines: none -> single-xml"),
        inspect("q", "get Contact: none -> single-xml"),
    ])
    .serve();
    assert!(body(&call(&server, "/ws/soap?body=%3Cok/%3E", "<wss:getContact></wss:getContact>")).contains("<ok/>"));
    assert_fault(&call(&server, "/ws/soap", "<wss:getOrder></wss:getOrder>"), 500, "S:Client", "getContact");
}

#[test]
fn two_services_at_one_url_are_refused() {
    let site = Site::with(
        "soap12-root = '/ws/soap/v12'",
        [
            inspect("p", "get Contact: none -> single-xml"),
            api("one", "/v12").and("[[api.soap]]\nprocess = 'p'"),
            api("two", "").and("[[api.soap]]\nprocess = 'p'"),
        ],
    );
    let told = site.cli(&["check"]);
    assert_eq!(told.code, Some(1));
    assert!(told.told().contains("/ws/soap/v12"), "{}", told.told());
}

#[test]
fn what_is_not_enforced_is_refused() {
    let site = Site::new([
        raw("[[profile]]\nname = 'Contact'\nfile = 'contact.xsd'"),
        inspect("p", "create Contact: single-xml -> single-xml").and("request-profile = 'Contact'\nvalidate = true"),
        api("crm", "/crm").and("[[api.soap]]\nprocess = 'p'\nenvelope-passthrough = true"),
    ]);
    site.write(
        "contact.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='Contact'/></xs:schema>",
    );
    let told = site.cli(&["check"]).told();
    assert!(told.contains("envelope-passthrough") && told.contains("validate = false"), "{told}");
}
