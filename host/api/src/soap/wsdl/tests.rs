//! What is written of services. That clients make natural calls of it is shown by clients, in the system tests.

mod checks;

use auricle_model::{Document, Properties};

use super::*;
use crate::soap::fixtures::{
    MultipleXml, Nothing, ORDERS, SingleJson, SingleXml, crm, json, json_rooted, operation, orders, service, xsd,
};
use crate::soap::outbound::reply;
use crate::xsd::{Schema, Source};

const ADDRESS: &str = "https://a.example/ws/soap/crm?";

/// A page as text, which is well-formed.
fn text(service: &Service, version: Version, wanted: Page) -> Option<String> {
    let text = String::from_utf8(page(service, version, wanted, ADDRESS)?.to_vec()).unwrap();
    xml::content(&text).unwrap();
    Some(text)
}

fn wsdl(service: &Service, version: Version) -> String {
    text(service, version, Page::Wsdl).unwrap()
}

/// All schema documents, from number 1 on.
fn schemas(service: &Service) -> Vec<String> {
    (1..).map_while(|number| text(service, Version::V11, Page::Schema(number))).collect()
}

/// The element or type of a name in a schema, without the white space between tags.
fn defined(schema: &str, start: &str) -> String {
    let at = schema.find(start).unwrap_or_else(|| panic!("no {start} in {schema}"));
    let kind = start.trim_start_matches('<').split(' ').next().unwrap();
    let rest = &schema[at..];
    let tag = &rest[..=rest.find('>').unwrap()];
    let end = if tag.ends_with("/>") { tag.len() } else { rest.find(&format!("\n  </{kind}>")).unwrap() };
    rest[..end].split('\n').map(str::trim).collect::<String>().replace("<xsd:", "<").replace("</xsd:", "</")
}

fn wrapper(schema: &str, name: &str) -> String {
    let all = defined(schema, &format!("<xsd:element name=\"{name}\">"));
    let inner = all.strip_prefix(&format!("<element name=\"{name}\"><complexType>")).unwrap();
    let inner = inner.strip_suffix("</complexType>").unwrap();
    inner.replace("<sequence>", "").replace("</sequence>", "")
}

#[test]
fn a_query_asks_for_a_page_by_name_without_case() {
    for (query, page) in [
        ("wsdl", Some(Page::Wsdl)),
        ("WSDL", Some(Page::Wsdl)),
        ("a=b&Wsdl=", Some(Page::Wsdl)),
        ("wsdl=SINGLE", Some(Page::SingleWsdl)),
        ("XSD=2", Some(Page::Schema(2))),
        ("xsd=two", Some(Page::Schema(0))),
        ("", None),
        ("wsdls&x=wsdl", None),
    ] {
        assert_eq!(page_of(query), page, "{query}");
    }
    assert_eq!(text(&crm(), Version::V11, Page::Schema(0)), None);
}

#[test]
fn wrappers_hold_what_clients_take_for_arguments_and_results() {
    let crm = crm();
    let schema = &schemas(&crm)[0];
    for (name, content) in [
        ("createAccount", "<element ref=\"Account\"/>"),
        ("createAccountResponse", "<element ref=\"AccountResult\" minOccurs=\"0\"/>"),
        ("getAccount", "<element name=\"Id\" type=\"xsd:string\"/>"),
        ("queryAccount", "<element name=\"Name\" type=\"xsd:string\" minOccurs=\"0\"/>"),
        ("queryAccountResponse", "<element name=\"AccountResponseList\" type=\"tns:AccountResponseList\"/>"),
        ("queryAccountMoreResults", "<element name=\"moreDataToken\" type=\"xsd:string\"/>"),
        ("queryAccountMoreResultsResponse", "<element name=\"AccountResponseList\" type=\"tns:AccountResponseList\"/>"),
        ("updateAccount", "<element name=\"Id\" type=\"xsd:string\"/><element ref=\"Account\"/>"),
        ("deleteAccountResponse", "<sequence/>"),
        ("importAccount", "<element name=\"AccountList\" type=\"tns:AccountList\"/>"),
    ] {
        assert_eq!(wrapper(schema, name), content, "{name}");
    }
    let list = defined(schema, "<xsd:complexType name=\"AccountResponseList\">");
    let documents = "<sequence><element ref=\"AccountResult\" minOccurs=\"0\" maxOccurs=\"unbounded\"/></sequence>";
    let token = "<attribute name=\"moreDataToken\" type=\"xsd:string\"/>";
    assert_eq!(list, format!("<complexType name=\"AccountResponseList\">{documents}{token}"));
    assert!(!schema.contains("createAccountMoreResults"), "a single document has no pages");
    // What is in no namespace has no prefix, so there must be no default namespace; and faults are in the service's.
    assert!(!schema.contains(" xmlns=") && !wsdl(&crm, Version::V11).contains(" xmlns="));
    assert_eq!(
        defined(schema, "<xsd:element name=\"ProblemFault\""),
        "<element name=\"ProblemFault\" type=\"Problem\"/>"
    );
}

#[test]
fn each_version_has_a_wsdl_of_its_own() {
    let crm = crm();
    let (v11, v12) = (wsdl(&crm, Version::V11), wsdl(&crm, Version::V12));
    for (text, soap, action) in [
        (&v11, "http://schemas.xmlsoap.org/wsdl/soap/", "<soap:operation soapAction=\"\"/>"),
        (
            &v12,
            "http://schemas.xmlsoap.org/wsdl/soap12/",
            "<soap:operation soapAction=\"\" soapActionRequired=\"false\"/>",
        ),
    ] {
        assert!(text.contains(&format!("xmlns:soap=\"{soap}\"")) && text.contains(action), "{text}");
        for part in [
            "targetNamespace=\"http://www.boomi.com/connector/wss\"",
            "<wsdl:message name=\"createAccount\">\n    <wsdl:part name=\"parameters\" element=\"tns:createAccount\"/>",
            "<wsdl:message name=\"ProblemFault\">\n    <wsdl:part name=\"fault\" element=\"tns:ProblemFault\"/>",
            "<wsdl:portType name=\"CrmPort\">",
            "<wsdl:documentation>Makes &lt;one&gt; account.</wsdl:documentation>",
            "<wsdl:fault name=\"Problem\" message=\"tns:ProblemFault\"/>",
            "<wsdl:binding name=\"CrmPortBinding\" type=\"tns:CrmPort\">",
            "<soap:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>",
            "<wsdl:fault name=\"Problem\"><soap:fault name=\"Problem\" use=\"literal\"/></wsdl:fault>",
            "<wsdl:service name=\"Crm\">\n    <wsdl:documentation>Accounts &amp; more</wsdl:documentation>",
            "<wsdl:port name=\"CrmPort\" binding=\"tns:CrmPortBinding\">",
            "<soap:address location=\"https://a.example/ws/soap/crm?\"/>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.matches("<wsdl:message name=\"ProblemFault\">").count(), 1);
    }
    let query =
        v11.split_once("<wsdl:operation name=\"queryAccount\">").unwrap().1.split_once("</wsdl:operation>").unwrap().0;
    assert!(!query.contains("wsdl:fault"), "a list is no fault");
}

#[test]
fn schemas_find_each_other_by_number() {
    for service in [crm(), orders()] {
        let documents = schemas(&service);
        let pages = documents.iter().cloned().chain([wsdl(&service, Version::V11)]);
        let mut linked = std::collections::BTreeSet::from([1]);
        for page in pages {
            for place in page.split("schemaLocation=\"").skip(1) {
                let number = place.strip_prefix("https://a.example/ws/soap/crm??xsd=").unwrap();
                linked.insert(number.split('"').next().unwrap().parse().unwrap());
            }
        }
        assert_eq!(linked.into_iter().collect::<Vec<usize>>(), (1..=documents.len()).collect::<Vec<_>>());
        let single = text(&service, Version::V11, Page::SingleWsdl).unwrap();
        assert!(!single.contains("schemaLocation") && !single.contains("include"));
        assert!(single.contains("<xsd:element name=\"Problem\" type=\"Problem\"/>"));
    }
}

#[test]
fn files_keep_their_text_and_come_once() {
    let documents = schemas(&orders());
    let with = |text: &str| documents.iter().filter(|document| document.contains(text)).count();
    // The service's, that of JSON, one that includes the two of `urn:orders`, and the three files.
    assert_eq!(documents.len(), 6);
    assert_eq!(
        (
            with("name=\"Line\" type=\"Line\""),
            with("<complexType name=\"Line\">"),
            with("name=\"Customer\" type=\"xs:string\"")
        ),
        (1, 1, 1)
    );
    assert!(documents.iter().all(|document| document.starts_with(DECLARATION) && !document.contains("8859")));
    let umbrella = documents.iter().find(|document| document.matches("<xsd:include ").count() == 2).unwrap();
    assert!(umbrella.contains(" targetNamespace=\"urn:orders\">"));
    assert!(
        documents[0].contains("<xsd:element ref=\"p1:Order\"/>") && documents[0].contains(" xmlns:p1=\"urn:orders\"")
    );
    let single = text(&orders(), Version::V11, Page::SingleWsdl).unwrap();
    assert!(single.contains("<xs:import  namespace=\"urn:common\"/>"), "{single}");
}

#[test]
fn lists_of_one_name_may_hold_different_documents() {
    let schema = &schemas(&orders())[0];
    let list = |name: &str| wrapper(schema, name);
    assert_eq!(list("findOrdersResponse"), "<element name=\"AccountResponseList\" type=\"tns:AccountResponseList\"/>");
    let own = "<element name=\"AccountResponseList\" type=\"tns:placeOrdersAccountResponseList\"/>";
    assert_eq!(list("placeOrdersResponse"), own);
    assert_eq!(list("placeOrdersMoreResultsResponse"), own);
}

#[test]
fn without_wrappers_the_parts_are_the_messages_themselves() {
    let bare = |name: &str, input, output| SoapOperation { wrapped: false, ..operation(name, input, output) };
    let service = service(vec![
        SoapOperation {
            request: xsd("Order", &ORDERS),
            response: xsd("Receipt", &ORDERS),
            ..bare("placeOrder", SingleXml, SingleXml)
        },
        SoapOperation { response: xsd("Order", &ORDERS), ..bare("findOrders", Nothing, MultipleXml) },
    ]);
    let text = wsdl(&service, Version::V11);
    for (message, part) in [
        ("placeOrder", "name=\"Order\" element=\"p1:Order\""),
        ("placeOrderResponse", "name=\"Receipt\" element=\"p1:Receipt\""),
        ("findOrders", "name=\"parameters\" element=\"tns:findOrders\""),
        ("findOrdersResponse", "name=\"AccountResponseList\" element=\"tns:AccountResponseList\""),
        ("findOrdersMoreResultsResponse", "name=\"parameters\" element=\"tns:findOrdersMoreResultsResponse\""),
    ] {
        let expected = format!("<wsdl:message name=\"{message}\">\n    <wsdl:part {part}/>");
        assert!(text.contains(&expected), "{expected} in {text}");
    }
    let schema = &schemas(&service)[0];
    assert!(schema.contains("\n  <xsd:element name=\"AccountResponseList\" type=\"tns:AccountResponseList\"/>"));
    assert!(!schema.contains("name=\"placeOrder\""), "{schema}");
    assert_eq!(wrapper(schema, "placeOrderResponse"), "<sequence/>", "what is sent where no document came back");
}

#[test]
fn an_own_element_named_like_the_empty_answer_is_left_alone() {
    const OWN: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='http://www.boomi.com/connector/wss'>\
        <xs:element name='xResponse' type='xs:string'/></xs:schema>";
    let service = service(vec![SoapOperation {
        wrapped: false,
        response: xsd("xResponse", &[("own.xsd", OWN)]),
        ..operation("x", Nothing, SingleXml)
    }]);
    assert_eq!(check(&service), []);
    assert!(!schemas(&service)[0].contains("name=\"xResponse\""));
}

#[test]
fn faults_with_one_root_share_an_element() {
    let with = |name: &str, fault| SoapOperation {
        response: json("AccountResult"),
        fault,
        ..operation(name, Nothing, SingleJson)
    };
    let service = service(vec![with("a", json("Problem")), with("b", json_rooted("OrderProblem", "Problem"))]);
    assert_eq!(check(&service), []);
    let documents = schemas(&service);
    let schema = outline::outline(&documents[0]);
    let mut names: Vec<_> = schema.parts.iter().filter_map(outline::Part::definition).collect();
    assert!(names.contains(&("element", "ProblemFault")), "{names:?}");
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
    let text = wsdl(&service, Version::V11);
    for message in ["ProblemFault", "OrderProblemFault"] {
        let expected =
            format!("<wsdl:message name=\"{message}\">\n    <wsdl:part name=\"fault\" element=\"tns:ProblemFault\"/>");
        assert!(text.contains(&expected), "{expected} in {text}");
    }
}

#[test]
fn pages_are_kept_but_for_the_address() {
    let crm = crm();
    let bytes = |version, wanted, address: &str| page(&crm, version, wanted, address).unwrap();
    for version in [Version::V11, Version::V12] {
        for wanted in [Page::Wsdl, Page::SingleWsdl, Page::Schema(1)] {
            let [one, other] = ["http://one/a&b", "http://other/"].map(|address| bytes(version, wanted, address));
            let [one, other] = [&one, &other].map(|bytes| std::str::from_utf8(bytes).unwrap());
            assert!(one.contains("\"http://one/a&amp;b") && !one.contains(super::ADDRESS), "{one}");
            assert_eq!(one.replace("http://one/a&amp;b", "http://other/"), other);
        }
    }
    let kept = crm.pages.v11.multi.get().unwrap();
    assert!(kept.contains(super::ADDRESS) && !kept.contains("//one"), "{kept}");
}

#[test]
fn only_what_profiles_describe_is_told() {
    let service = service(vec![
        operation("createAccount", SingleXml, SingleXml),
        SoapOperation { passthrough: true, ..operation("relay", SingleXml, SingleXml) },
        operation("ping", Nothing, Nothing),
    ]);
    let text = wsdl(&service, Version::V11);
    assert!(!text.contains("createAccount") && !text.contains("relay") && text.contains("tns:ping\""), "{text}");
}

#[test]
fn a_wsdl_may_be_single_by_declaration_or_be_the_authors() {
    let mut service = crm();
    service.schema = WsdlSchema::Single;
    assert!(!wsdl(&service, Version::V11).contains("schemaLocation"));
    service.custom_wsdl = Some("\u{FEFF}<mine/>".into());
    for wanted in [Page::Wsdl, Page::SingleWsdl] {
        assert_eq!(page(&service, Version::V12, wanted, ADDRESS).unwrap(), "\u{FEFF}<mine/>");
    }
}

#[test]
fn a_profile_may_be_of_the_services_namespace() {
    const OWN: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='http://www.boomi.com/connector/wss'>\
        <xs:element name='Own' type='xs:string'/></xs:schema>";
    let service = service(vec![SoapOperation {
        request: xsd("Own", &[("own.xsd", OWN)]),
        response: json("AccountResult"),
        ..operation("x", SingleXml, SingleJson)
    }]);
    let documents = schemas(&service);
    assert!(
        documents[0].contains("<xsd:include schemaLocation=\"https://a.example/ws/soap/crm??xsd=2\"/>"),
        "{}",
        documents[0]
    );
    assert_eq!(wrapper(&documents[0], "x"), "<element ref=\"tns:Own\"/>");
    assert_eq!(documents.len(), 3);
}

#[test]
fn a_file_without_a_namespace_takes_that_of_the_one_that_includes_it() {
    const MAIN: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:m' xmlns:m='urn:m'>\
        <xs:include schemaLocation='part.xsd'/><xs:element name='Main' type='m:Outer'/></xs:schema>";
    const PART: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:complexType name='Outer'><xs:sequence>\
        <xs:element name='inner' type='Inner'/></xs:sequence></xs:complexType>\
        <xs:simpleType name='Inner'><xs:restriction base='xs:string'/></xs:simpleType></xs:schema>";
    let service = service(vec![SoapOperation {
        request: xsd("Main", &[("main.xsd", MAIN), ("part.xsd", PART)]),
        ..operation("x", SingleXml, Nothing)
    }]);
    assert_eq!(check(&service), []);
    let documents = schemas(&service);
    assert_eq!(documents.len(), 4, "with one that includes both");
    assert!(
        documents[3].contains("<xs:schema targetNamespace=\"urn:m\" xmlns=\"urn:m\" xmlns:xs="),
        "{}",
        documents[3]
    );
    assert!(documents[2].contains("<xs:include schemaLocation=\"https://a.example/ws/soap/crm??xsd=4\"/>"));
}

#[test]
fn what_two_files_say_alike_comes_once() {
    const ONE: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:simpleType name='Code'>\
        <xs:restriction base='xs:string'/></xs:simpleType><xs:element name='One' type='Code'/></xs:schema>";
    let other = ONE.replace("'One'", "'Two'");
    let service = service(vec![SoapOperation {
        request: xsd("One", &[("one.xsd", ONE)]),
        response: xsd("Two", &[("two.xsd", &other)]),
        ..operation("x", SingleXml, SingleXml)
    }]);
    assert_eq!(check(&service), []);
    let single = text(&service, Version::V11, Page::SingleWsdl).unwrap();
    assert_eq!(single.matches("<xs:simpleType name='Code'>").count(), 1, "{single}");
    assert_eq!(single.matches("type='Code'").count(), 2);
}

#[test]
fn answers_are_valid_by_the_schemas_that_are_served() {
    let crm = crm();
    let documents = schemas(&crm);
    let paths: Vec<String> = (1..=documents.len()).map(|number| number.to_string()).collect();
    let sources: Vec<Source<'_>> = paths.iter().zip(&documents).map(|(path, text)| Source { path, text }).collect();
    let schema = Schema::read(&sources).unwrap();
    let account = r#"{"Id": "1", "Name": "a", "Employees": 5}"#;
    let problem = r#"{"title": "a", "status": 404}"#;
    for (number, texts, status, next, more, root) in [
        (0, vec![account], "200", None, false, "createAccountResponse"),
        (1, vec![], "200", None, false, "getAccountResponse"),
        (1, vec![problem], "404", None, false, "ProblemFault"),
        (2, vec![account, account], "200", Some("t"), false, "queryAccountResponse"),
        (2, vec![], "200", None, true, "queryAccountMoreResultsResponse"),
        (4, vec![], "200", None, false, "deleteAccountResponse"),
    ] {
        let properties: Properties = [("outstatuscode", status)].into_iter().collect();
        let documents = texts.iter().map(|text| Document::with_properties((*text).to_owned(), properties.clone()));
        let documents: Vec<_> = documents.collect();
        let reply = reply(&crm.operations[number], Version::V11, "x", &documents, next, more, None).unwrap();
        let text = std::str::from_utf8(&reply.body).unwrap();
        let at = text.find(&format!("<wss:{root}")).unwrap_or_else(|| panic!("no {root} in {text}"));
        schema.validate(schema.root(root).unwrap(), text, Some(&[at])).unwrap();
    }
}
