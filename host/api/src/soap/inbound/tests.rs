//! What operations take of messages, and how what they do not take is told.

mod parts;

use std::sync::Arc;

use auricle_model::{DEFAULT_NAMESPACE, Operation, ProfileDecl, ProfileKind, SourceFile, WsdlSchema};
use proptest::prelude::*;

use super::*;
use crate::outbound::tests::operation as output_of;
use crate::soap::fault::Code;
use crate::soap::{ServiceParts, Version};

const NS: &str = DEFAULT_NAMESPACE;
const S: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// A JSON profile: an account with a name and a number.
fn account() -> Arc<Profile> {
    let text = r#"{"type":"object","properties":{"Name":{"type":"string","maxLength":5},"Size":{"type":"integer"},
        "Logo":{"type":"string"}},"required":["Name"]}"#;
    let decl = ProfileDecl {
        name: "account-in".into(),
        root: "Account".into(),
        kind: ProfileKind::JsonSchema,
        files: vec![SourceFile { path: "account.json".into(), text: text.into() }],
    };
    Arc::new(Profile::new(&decl).unwrap())
}

/// An XML profile: an order with a quantity.
fn order() -> Arc<Profile> {
    let text = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:o' elementFormDefault='qualified'>\
        <xs:element name='Order'><xs:complexType><xs:sequence><xs:element name='Quantity' type='xs:int'/></xs:sequence>\
        </xs:complexType></xs:element></xs:schema>";
    let decl = ProfileDecl {
        name: "order".into(),
        root: "Order".into(),
        kind: ProfileKind::Xsd,
        files: vec![SourceFile { path: "order.xsd".into(), text: text.into() }],
    };
    Arc::new(Profile::new(&decl).unwrap())
}

/// An operation with a query parameter.
fn operation(input: DocumentType) -> SoapOperation {
    let operation = Operation { input, object: "Account".into(), ..output_of(DocumentType::None) };
    SoapOperation {
        name: "createAccount".into(),
        description: String::new(),
        process: "account".into(),
        own_object: "Own".into(),
        operation: Arc::new(operation),
        namespace: NS.into(),
        wrapped: true,
        passthrough: false,
        returns_fault: false,
        keys: Vec::new(),
        query: vec!["Note".into()],
        request: None,
        response: None,
        fault: None,
        validate: false,
    }
}

fn with_key(input: DocumentType) -> SoapOperation {
    SoapOperation { keys: vec!["Id".into()], ..operation(input) }
}

fn json(input: DocumentType) -> SoapOperation {
    SoapOperation { request: Some(account()), ..operation(input) }
}

fn envelope(body: &str) -> String {
    format!("<S:Envelope xmlns:S='{S}' xmlns:w='{NS}'>\n<S:Body>{body}</S:Body></S:Envelope>")
}

fn message(body: &str) -> Message {
    Message::read(Version::V11, None, envelope(body).into()).unwrap()
}

fn properties() -> Properties {
    [("inheader_X", "1")].into_iter().collect()
}

fn take(operation: &SoapOperation, message: &Message) -> Result<Taken, Box<Refused>> {
    taken(operation, message, &properties(), "the-id")
}

/// The documents and the properties that a body comes to.
fn told(operation: &SoapOperation, body: &str) -> (Vec<String>, Vec<String>) {
    let taken = take(operation, &message(body)).unwrap();
    let documents = taken.documents.iter().map(|document| document.text().unwrap().to_string()).collect();
    (documents, taken.properties.iter().map(|(name, value)| format!("{name}={value}")).collect())
}

fn refusal(operation: &SoapOperation, body: &str) -> Box<Refused> {
    take(operation, &message(body)).map(|taken| panic!("{body}: {taken:?}")).unwrap_err()
}

/// Namespaces that every element of these envelopes has in force.
fn inherited() -> String {
    format!("xmlns:S='{S}' xmlns:w='{NS}'")
}

#[test]
fn g11_a_single_xml_message_is_what_the_wrapper_holds() {
    let operation = operation(DocumentType::SingleXml);
    let (documents, properties) =
        told(&operation, "<w:createAccount> <Account a='1'><b/> t</Account>\n</w:createAccount>");
    assert_eq!(documents, [format!("{HEAD}<Account {} a='1'><b/> t</Account>", inherited())]);
    assert!(properties.is_empty());
    let taken = take(&operation, &message("<w:createAccount><Any xmlns='urn:any'/></w:createAccount>")).unwrap();
    assert_eq!(taken.documents[0].properties.get("inheader_X"), Some("1"));
    assert_eq!(taken.documents[0].properties.len(), 1, "without parts no document has an id");
}

#[test]
fn g10_a_multiple_xml_message_is_a_list() {
    let operation = operation(DocumentType::MultipleXml);
    for list in ["w:AccountList", "AccountList"] {
        let body =
            format!("<w:createAccount><w:Note>n</w:Note><{list}> <a/><!-- c --><b>2</b></{list}></w:createAccount>");
        let (documents, properties) = told(&operation, &body);
        let ns = inherited();
        assert_eq!(documents, [format!("{HEAD}<a {ns}/>"), format!("{HEAD}<b {ns}>2</b>")]);
        assert_eq!(properties, ["query_Note=n"]);
    }
    let none = told(&operation, "<w:createAccount><w:AccountList>\n</w:AccountList></w:createAccount>");
    assert_eq!(none, (vec![], vec![]));
    let own = SoapOperation {
        operation: Arc::new(Operation { object: String::new(), ..(*operation.operation).clone() }),
        ..self::operation(DocumentType::MultipleXml)
    };
    assert_eq!(told(&own, "<w:createAccount><OwnList><a/></OwnList></w:createAccount>").0.len(), 1);
}

#[test]
fn documents_are_slices_of_the_envelope() {
    let message = message("<w:createAccount><Account>text</Account></w:createAccount>");
    let taken = take(&operation(DocumentType::SingleXml), &message).unwrap();
    let [_, rest] = taken.documents[0].data.pieces();
    assert!(message.envelope.as_ptr_range().contains(&rest.as_ptr()));
}

#[test]
fn keys_and_query_parameters_stand_beside_the_message_in_any_order() {
    let operation = with_key(DocumentType::SingleXml);
    for (body, expected) in [
        ("<w:Id>1</w:Id><w:Note>n</w:Note><m/>", &["param_Id=1", "query_Note=n"][..]),
        ("<m/><Note>&lt;<![CDATA[&]]> </Note><Id xmlns=''>1</Id>", &["query_Note=<& ", "param_Id=1"]),
        ("<w:Id/><m/>", &["param_Id="]),
        (
            "<w:Id>1</w:Id><w:Note xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/><m/>",
            &["param_Id=1"],
        ),
    ] {
        let (documents, properties) = told(&operation, &format!("<w:createAccount>{body}</w:createAccount>"));
        assert_eq!(properties, expected, "{body}");
        assert_eq!(documents, [format!("{HEAD}<m {}/>", inherited())]);
    }
}

#[test]
fn input_none_is_one_empty_document_without_headers() {
    let operation = with_key(DocumentType::None);
    let taken = take(&operation, &message("<w:createAccount>\n<w:Id>7</w:Id></w:createAccount>")).unwrap();
    assert_eq!(taken.documents, [Document::default()]);
    assert_eq!(taken.properties, [("param_Id".into(), "7".into())]);
    let operation = SoapOperation { wrapped: false, ..self::operation(DocumentType::None) };
    assert_eq!(take(&operation, &message("<w:createAccount/>")).unwrap().documents.len(), 1);
}

#[test]
fn without_wrappers_the_body_is_the_message() {
    let operation = SoapOperation { wrapped: false, ..operation(DocumentType::SingleXml) };
    let (documents, _) = told(&operation, "<w:createAccount><w:Id>1</w:Id></w:createAccount>");
    assert_eq!(documents, [format!("{HEAD}<w:createAccount {}><w:Id>1</w:Id></w:createAccount>", inherited())]);
    let operation = SoapOperation { wrapped: false, ..json(DocumentType::SingleJson) };
    assert_eq!(told(&operation, "<Account><Name>n</Name></Account>").0, [r#"{"Name":"n"}"#]);
}

#[test]
fn json_is_what_the_profile_says() {
    let (documents, properties) = told(
        &json(DocumentType::SingleJson),
        "<w:createAccount><Account><Name>n</Name><Size>+05</Size></Account><w:Note>x</w:Note></w:createAccount>",
    );
    assert_eq!(documents, [r#"{"Name":"n","Size":5}"#]);
    assert_eq!(properties, ["query_Note=x"]);
    let (documents, _) = told(
        &json(DocumentType::MultipleJson),
        "<w:createAccount><w:AccountList><Account><Name>1</Name></Account>\n<Account><Name>2</Name></Account></w:AccountList></w:createAccount>",
    );
    assert_eq!(documents, [r#"{"Name":"1"}"#, r#"{"Name":"2"}"#]);
    let none = "<w:createAccount><w:AccountList/></w:createAccount>";
    assert!(told(&json(DocumentType::MultipleJson), none).0.is_empty());
}

#[test]
fn g16_what_is_not_offered_over_soap_says_so() {
    let returning = |output, profile| SoapOperation {
        operation: Arc::new(Operation { input: DocumentType::None, ..output_of(output) }),
        response: profile,
        ..operation(DocumentType::None)
    };
    for (operation, expected) in [
        (
            operation(DocumentType::SingleJson),
            "its request is JSON, which is offered over SOAP only with a profile (`request-profile`)",
        ),
        (operation(DocumentType::MultipleJson), "its request is JSON"),
        (operation(DocumentType::SingleData), "its request type is single-data"),
        (returning(DocumentType::SingleData, None), "its response type is single-data"),
        (returning(DocumentType::SingleJson, None), "its response is JSON"),
    ] {
        let refused = refusal(&operation, "<w:createAccount/>");
        assert!(
            refused.message.contains("`createAccount` is not offered over SOAP") && refused.message.contains(expected),
            "{refused}"
        );
    }
    let receipt = |operation: SoapOperation| SoapOperation {
        operation: Arc::new(Operation { return_documents: false, ..(*operation.operation).clone() }),
        ..operation
    };
    for operation in [
        returning(DocumentType::SingleJson, Some(account())),
        receipt(returning(DocumentType::SingleJson, None)),
        receipt(returning(DocumentType::SingleData, None)),
    ] {
        assert!(take(&operation, &message("<w:createAccount/>")).is_ok());
    }
}

#[test]
fn what_has_no_place_in_a_wrapper_is_told_with_what_has() {
    let single = with_key(DocumentType::SingleXml);
    let list = operation(DocumentType::MultipleXml);
    let none = operation(DocumentType::None);
    let json = json(DocumentType::SingleJson);
    let many = "<a/>".repeat(1_001);
    for (operation, body, expected) in [
        (&single, "<m/>", "line 2, column 9: `createAccount` needs its key `Id`; send `<createAccount xmlns="),
        (&single, "<w:Id>1</w:Id>", "`createAccount` needs a message; send `<createAccount xmlns="),
        (
            &single,
            "<w:Id>1</w:Id><m/>\n<n xmlns='urn:n'/>",
            "line 3, column 1: `<n xmlns=\"urn:n\">` has no place in `createAccount`",
        ),
        (&single, "<w:Id>1</w:Id><m/><w:Id>1</w:Id>", "`Id` comes twice"),
        (&single, "<w:Id><x/></w:Id><m/>", "`Id` holds elements, and is text"),
        (&single, "<w:Id>1</w:Id>text<m/>", "text can't stand between the elements of `createAccount`"),
        (&single, &many, "more than 1000 elements in `createAccount`"),
        (
            &single,
            "<w:Id xsi:nil='1' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/><m/>",
            "needs its key `Id`",
        ),
        (&list, "<Accounts/>", "`<Accounts xmlns=\"\">` has no place in `createAccount`"),
        (
            &list,
            "",
            "`createAccount` needs a message; send `<createAccount xmlns=\"http://www.boomi.com/connector/wss\">` with \
             `Note` (may be left out), `AccountList` with an element for each document",
        ),
        (&list, "<AccountList/><w:AccountList/>", "`AccountList` comes twice: one call takes one message"),
        (&list, "<AccountList>t</AccountList>", "text can't stand between the elements of `AccountList`"),
        (&list, "<AccountList><a/>t</AccountList>", "text can't stand between the elements of `AccountList`"),
        (&none, "<m/>", "`<m xmlns=\"\">` has no place in `createAccount`"),
        (
            &json,
            "<w:Account/>",
            "`<Account xmlns=\"http://www.boomi.com/connector/wss\">` has no place in `createAccount`; send",
        ),
        (
            &json,
            "<w:Note>n</w:Note>",
            "needs a message; send `<createAccount xmlns=\"http://www.boomi.com/connector/wss\">` with \
             `Note` (may be left out), `<Account xmlns=\"\">`",
        ),
        (&json, "<Account/><Account/>", "`Account` comes twice"),
    ] {
        let refused = refusal(operation, &format!("<w:createAccount>{body}</w:createAccount>"));
        assert!(refused.message.contains(expected), "{body}\n  {refused}\n  {expected}");
        assert!(refused.message.starts_with("line "), "{refused}");
        assert_eq!((refused.code, refused.status), (Code::Sender, None));
    }
    assert!(refusal(&list, "").message.contains("the body of the envelope is empty: send `<createAccount"));
}

#[test]
fn a_message_of_the_profiles_name_is_told_from_others() {
    let operation = SoapOperation { query: vec!["Account".into()], ..json(DocumentType::SingleJson) };
    let body = "<w:createAccount><w:Account>q</w:Account><Account><Name>n</Name></Account></w:createAccount>";
    assert_eq!(told(&operation, body), (vec![r#"{"Name":"n"}"#.into()], vec!["query_Account=q".into()]));
}

#[test]
fn more_than_a_request_may_hold_is_413() {
    let list = |input: &str| format!("<w:createAccount><AccountList>{input}</AccountList></w:createAccount>");
    let refused = refusal(&operation(DocumentType::MultipleXml), &list(&"<a/>".repeat(MAX_DOCUMENTS + 1)));
    assert_eq!((refused.status, refused.message.contains("more than 65536 documents")), (Some(413), true));
    let namespace = "u".repeat(1 << 10);
    let declarations: String = (0..1_000).map(|i| format!(" xmlns:p{i}='{namespace}'")).collect();
    let wide = list(&"<a/>".repeat(40)).replace("<AccountList", &format!("<AccountList{declarations}"));
    let refused = refusal(&operation(DocumentType::MultipleXml), &wide);
    assert_eq!((refused.status, refused.message.contains("namespaces")), (Some(413), true), "{refused}");
}

#[test]
fn a_message_that_does_not_follow_its_profile_is_told_where() {
    let body = "<w:createAccount>\n <Account>\n  <Name>too long</Name></Account></w:createAccount>";
    let lenient = json(DocumentType::SingleJson);
    assert_eq!(told(&lenient, body).0, [r#"{"Name":"too long"}"#], "only what JSON could not say is refused");
    for (operation, body, line, column) in [
        (&SoapOperation { validate: true, ..json(DocumentType::SingleJson) }, body, 4, 3),
        (&lenient, "<w:createAccount><Account>\n<Size>x</Size></Account></w:createAccount>", 3, 1),
    ] {
        let mut message = message(body);
        message.headers.addressing = Some(crate::soap::message::Addressing {
            namespace: "http://www.w3.org/2005/08/addressing",
            message_id: Some("1".into()),
            action: None,
        });
        let refused = take(operation, &message).unwrap_err();
        let violation = refused.violation.as_ref().unwrap();
        assert_eq!((violation.line, violation.column), (line, column), "{violation}");
        assert_eq!(refused.message, format!("the message does not follow profile `account-in`: {violation}"));
        assert!(refused.addressing.is_some());
    }
}

#[test]
fn xml_is_validated_where_that_is_asked_for() {
    let with = |input, validate| SoapOperation { request: Some(order()), validate, ..operation(input) };
    let single = |quantity: &str| {
        format!(
            "<w:createAccount>\n<o:Order xmlns:o='urn:o'>\n<o:Quantity>{quantity}</o:Quantity></o:Order></w:createAccount>"
        )
    };
    for validate in [false, true] {
        assert_eq!(told(&with(DocumentType::SingleXml, validate), &single("1")).0.len(), 1);
    }
    assert_eq!(told(&with(DocumentType::SingleXml, false), &single("x")).0.len(), 1, "its process looks at it");
    let refused = refusal(&with(DocumentType::SingleXml, true), &single("x"));
    let violation = refused.violation.as_ref().unwrap();
    assert_eq!((violation.line, violation.rule.as_str()), (4, "cvc-datatype-valid.1.2.1"), "{violation}");
    assert_eq!((refused.code, refused.status), (Code::Sender, None));

    let list = "<w:createAccount><w:AccountList xmlns='urn:o'>\n<Order><Quantity>1</Quantity></Order>\n\
                <Order><Quantity>2</Quantity><More/></Order>\n</w:AccountList></w:createAccount>";
    assert_eq!(told(&with(DocumentType::MultipleXml, false), list).0.len(), 2);
    let refused = refusal(&with(DocumentType::MultipleXml, true), list);
    assert_eq!(refused.violation.as_ref().unwrap().line, 4, "{refused}");
    let other = "<w:createAccount><Order/></w:createAccount>";
    assert_eq!(told(&with(DocumentType::SingleXml, false), other).0.len(), 1);
    assert!(refusal(&with(DocumentType::SingleXml, true), other).violation.is_some(), "it is of no namespace");
}

fn service(operations: Vec<SoapOperation>) -> Service {
    Service::new(ServiceParts {
        api: None,
        documentation: String::new(),
        namespace: NS.into(),
        name: "WebServiceProvider".into(),
        schema: WsdlSchema::Multi,
        custom_wsdl: None,
        operations,
    })
    .unwrap()
}

fn paged() -> Service {
    let query = SoapOperation {
        name: "queryAccount".into(),
        operation: Arc::new(output_of(DocumentType::MultipleXml)),
        ..operation(DocumentType::None)
    };
    service(vec![operation(DocumentType::SingleXml), query])
}

#[test]
fn the_first_element_of_the_body_says_what_is_called() {
    let service = paged();
    assert_eq!(call(&service, &message("<w:createAccount/>")), Ok(Call::Operation(0)));
    assert_eq!(call(&service, &message("<w:queryAccountMoreResults/>")), Ok(Call::MoreResults(1)));
    for (body, expected) in [
        (
            "\n<w:creatAccount/>",
            "line 3, column 1: no operation here takes `<creatAccount xmlns=\"http://www.boomi.com/connector/wss\">`: \
             send `<createAccount xmlns=\"http://www.boomi.com/connector/wss\">` or `<queryAccount xmlns=",
        ),
        (
            "<createAccount/>",
            "no operation here takes `<createAccount xmlns=\"\">`: send `<createAccount xmlns=\"http://www.boomi.com/connector/wss\">`",
        ),
        ("", "the body of the envelope is empty: send `<"),
    ] {
        let refused = call(&service, &message(body)).unwrap_err();
        assert!(refused.message.contains(expected), "{refused}\n{expected}");
        assert_eq!((refused.code, refused.status), (Code::Sender, None));
    }
    let empty = call(&self::service(Vec::new()), &message("<a/>")).unwrap_err();
    assert!(empty.message.contains("there are no operations here"), "{empty}");
    let many = self::service(
        (0..500)
            .map(|n| SoapOperation { name: format!("createAccount{n}"), ..operation(DocumentType::None) })
            .collect(),
    );
    let refused = call(&many, &message("<w:createAccount499x/>")).unwrap_err();
    assert!(refused.message.contains(": send `<createAccount499 "), "{refused}");
}

#[test]
fn a_further_page_is_asked_for_by_its_token() {
    let service = paged();
    let token = |content: &str| {
        let body = format!("<w:queryAccountMoreResults>{content}</w:queryAccountMoreResults>");
        more_token(&service, &service.operations[1], &message(&body))
    };
    for content in ["<w:moreDataToken>t1</w:moreDataToken>", "\n<moreDataToken> t1\n</moreDataToken>"] {
        assert_eq!(token(content), Ok("t1".into()));
    }
    for content in [
        "",
        "<w:moreDataToken/>",
        "<w:moreDataToken><a/></w:moreDataToken>",
        "<moreDataToken xmlns='urn:x'>1</moreDataToken>",
        "<w:token>1</w:token>",
        "<moreDataToken>1</moreDataToken><moreDataToken>1</moreDataToken>",
    ] {
        let refused = token(content).unwrap_err();
        assert!(refused.message.contains("takes one `moreDataToken`"), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "<w:createAccount>", "</w:createAccount>", "<w:Id>", "</w:Id>", "<m/>", "<AccountList>", "</AccountList>", "<Account>",
        "</Account>", "<Name>n</Name>", "t", "é", "<i:Include xmlns:i='http://www.w3.org/2004/08/xop/include' href='cid:1'/>",
    ]), 0..12)) {
        let text = envelope(&pieces.concat());
        let parts = format!("--b\n\n{text}\n--b\n\nx\n--b--");
        for (content_type, body) in [("text/xml", text), ("multipart/related; boundary=b", parts)] {
            let Ok(message) = Message::read(Version::V11, Some(content_type), body.into()) else { continue };
            for input in [DocumentType::None, DocumentType::SingleXml, DocumentType::MultipleXml, DocumentType::SingleJson, DocumentType::MultipleJson] {
                for operation in [with_key(input), SoapOperation { validate: true, ..json(input) }, SoapOperation { passthrough: true, ..operation(input) }, SoapOperation { wrapped: false, ..json(input) }] {
                    let _ = take(&operation, &message);
                }
            }
            let _ = call(&paged(), &message);
        }
    }
}
