//! `examples/crm-sync` over SOAP, as envelopes on the wire: the story of its REST clients, and Salesforce's own message.
//! Clients that others wrote do the same in `soap_clients`.

use auricle_tests::build::WORKSPACE;
use auricle_tests::client::Response;
use auricle_tests::site::Server;
use serde_json::{Value, json};

use crate::crm_sync::serve;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const ID: &str = "001D000000IqhSLIAZ";

/// Each version: the root of its URL, its envelope, its media type, its name for a fault of the caller.
const VERSIONS: [(&str, &str, &str, &str); 2] = [
    ("/ws/soap", "http://schemas.xmlsoap.org/soap/envelope/", "text/xml; charset=utf-8", "S:Client"),
    ("/ws/soap12", "http://www.w3.org/2003/05/soap-envelope", "application/soap+xml; charset=utf-8", "S:Sender"),
];

struct Client<'s> {
    server: &'s Server,
    version: (&'static str, &'static str, &'static str, &'static str),
}

impl Client<'_> {
    /// Calls an operation of the API with what is in its wrapper; `w` stands for the wrapper's namespace.
    fn call(&self, operation: &str, content: &str) -> Response {
        let (root, envelope, media_type, _) = self.version;
        let body = format!(
            "<e:Envelope xmlns:e='{envelope}' xmlns:w='http://www.boomi.com/connector/wss' xmlns:i='{XSI}'><e:Body>\
             <w:{operation}>{content}</w:{operation}></e:Body></e:Envelope>"
        );
        let request = self.server.request("POST", &format!("{root}/crm")).header("Content-Type", media_type);
        request.body(body).send()
    }

    /// What is in the wrapper of a good answer.
    #[track_caller]
    fn answer(&self, operation: &str, content: &str) -> String {
        let response = self.call(operation, content);
        assert_eq!((response.status, response.header("content-type")), (200, Some(self.version.2)), "{response}");
        let (_, rest) = response.text().split_once(&format!("<wss:{operation}Response")).expect("a wrapper");
        let (_, rest) = rest.split_once('>').unwrap();
        rest.split_once(&format!("</wss:{operation}Response>")).map_or("", |(content, _)| content).to_owned()
    }

    /// The fault of a process that was called wrongly.
    #[track_caller]
    fn refused(&self, operation: &str, content: &str) -> String {
        let response = self.call(operation, content);
        let status = if self.version.3 == "S:Sender" { 400 } else { 500 };
        assert_eq!(response.status, status, "{response}");
        assert!(response.text().contains(&format!(">{}<", self.version.3)), "{response}");
        assert!(response.text().contains("<auricle:execution xmlns:auricle="), "{response}");
        response.text().to_owned()
    }
}

/// The content of the first element of this name; none where it is nil.
#[track_caller]
fn field(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}")).unwrap_or_else(|| panic!("no {name}: {text}"));
    if rest.starts_with('>') {
        return rest.split_once('>')?.1.split_once(&format!("</{name}>")).map(|(content, _)| content.to_owned());
    }
    assert!(rest.starts_with(' ') && rest.contains(":nil=\"true\""), "{name}: {text}");
    None
}

#[test]
fn an_account_lives_and_dies_over_soap() {
    let server = serve("sqlite://erp.db");
    for version in VERSIONS {
        let crm = Client { server: &server, version };
        let given = "<Account><Id>001D000000IqhSL</Id><Name>Söhne &amp; Co</Name><AnnualRevenue>139000000.50</AnnualRevenue>\
                     <BillingCountry>DE</BillingCountry></Account>";
        let created = crm.answer("createAccount", given);
        assert!(created.starts_with("<AccountResult"), "{created}");
        assert_eq!(field(&created, "Id").unwrap(), ID);
        assert_eq!(field(&created, "Name").unwrap(), "Söhne &amp; Co");
        assert_eq!(field(&created, "AnnualRevenue").unwrap(), "139000000.5", "each digit is kept");
        assert_eq!(field(&created, "Phone"), None);

        let conflict = crm.refused("createAccount", given);
        assert!(
            conflict.contains("The Account is there already: An Account has the Id") && conflict.contains("Problem")
        );
        assert_eq!(field(&conflict, "status").unwrap(), "409");

        let key = format!("<w:Id>{ID}</w:Id>");
        assert_eq!(crm.answer("getAccount", &key), created);
        let change = "<Account><AnnualRevenue i:nil='true'/><NumberOfEmployees>1000</NumberOfEmployees><Phone>1</Phone></Account>";
        let updated = crm.answer("updateAccount", &format!("{key}{change}"));
        assert_eq!(
            (field(&updated, "AnnualRevenue"), field(&updated, "BillingCountry").as_deref()),
            (None, Some("DE"))
        );
        let over_rest = server.get(&format!("/ws/rest/crm/Account/{ID}")).json();
        assert_eq!(
            (&over_rest["NumberOfEmployees"], &over_rest["Phone"]),
            (&json!(1000), &json!("1")),
            "the same Account"
        );

        let found =
            crm.answer("queryAccount", "<w:Name>Söhne &amp; Co</w:Name><w:BillingCountry>DE</w:BillingCountry>");
        assert_eq!(found.matches("</AccountResult>").count(), 1, "{found}");
        let nobody = crm.answer("queryAccount", "<w:Name>' OR 1=1</w:Name>");
        assert_eq!(
            (nobody.matches("</AccountResult>").count(), nobody.contains("AccountResponseList")),
            (0, true),
            "{nobody}"
        );

        assert_eq!(crm.answer("deleteAccount", &key), "");
        let gone = crm.refused("getAccount", &key);
        assert_eq!(
            (field(&gone, "status").unwrap(), field(&gone, "title").unwrap()),
            ("404".into(), "There is no such Account".into())
        );
    }
}

#[test]
fn every_field_that_is_wrong_is_in_the_typed_fault() {
    let server = serve("sqlite://erp.db");
    for version in VERSIONS {
        let crm = Client { server: &server, version };
        let refused = crm.refused(
            "createAccount",
            "<Account><Id>003000000000000AAA</Id><AnnualRevenue>0.005</AnnualRevenue></Account>",
        );
        assert_eq!(refused.matches("<errors><field>").count(), 2, "{refused}");
        assert!(
            refused.contains("<field>AnnualRevenue</field><reason>must have at most 2 digits after the point</reason>"),
            "{refused}"
        );
    }
    assert_eq!(server.get("/ws/rest/crm/Account").json(), json!([]));
}

/// What Salesforce sends, and how.
fn notify(server: &Server, message: &str) -> Response {
    let request = server.request("POST", "/ws/soap/salesforce").header("Content-Type", "text/xml; charset=UTF-8");
    request.header("SOAPAction", "\"\"").header("User-Agent", "SFDC-Callout/62.0").body(message).send()
}

fn salesforce(file: &str) -> String {
    std::fs::read_to_string(WORKSPACE.join("examples/crm-sync/salesforce").join(file)).unwrap()
}

#[track_caller]
fn assert_acknowledged(response: &Response) {
    let ack = "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>";
    assert!(response.status == 200 && response.text().contains(&format!("<S:Body>{ack}</S:Body>")), "{response}");
}

/// What the README of the example tells of Salesforce's messages, on any database.
pub(crate) fn salesforce_story(server: &Server) {
    let message = salesforce("notification.xml");
    let account = |id: &str| server.get(&format!("/ws/rest/crm/Account/{id}")).json();
    assert_acknowledged(&notify(server, &message));
    let edge = account(ID);
    assert_eq!(
        (&edge["Name"], edge["AnnualRevenue"].to_string()),
        (&json!("Edge Communications"), "139000000.5".into())
    );
    assert_eq!((&edge["Phone"], &edge["Website"]), (&json!("(512) 757-6000"), &Value::Null));
    assert_eq!(account("001D000000IqhSMIAZ")["Name"], "Müller & Söhne");

    // It was acknowledged, and Salesforce did not hear it: the same comes again, and changes nothing.
    assert_acknowledged(&notify(server, &message));
    assert_eq!(account(ID), edge);
    assert_eq!(server.get("/ws/rest/crm/Account").json().as_array().unwrap().len(), 2);

    // An Account that was changed since is not set back by an old message.
    let one = format!("/ws/rest/crm/Account/{ID}");
    let later = json!({ "Phone": "1", "LastModifiedDate": "2026-11-22T14:00:00Z" });
    assert_eq!(server.request("PATCH", &one).body(later.to_string()).send().status, 200);
    assert_acknowledged(&notify(server, &message));
    assert_eq!(account(ID)["Phone"], "1");
}

#[test]
fn salesforces_own_message_is_received_and_acknowledged() {
    salesforce_story(&serve("sqlite://erp.db"));
}

#[test]
fn a_message_that_does_not_follow_its_schema_is_refused_before_the_process_runs() {
    let server = serve("sqlite://erp.db");
    let message = salesforce("notification.xml");
    let cases = [
        // Line and column of the message as it was sent.
        ("<sf:NumberOfEmployees>1000<", "<sf:NumberOfEmployees>many<", ["line 20", "many", "cvc-"]),
        ("xsi:type=\"sf:Account\"", "xsi:type=\"sf:Contact\"", ["line 12", "Contact", "cvc-"]),
        ("<sf:Name>Edge Communications</sf:Name>", "<sf:Nam/>", ["line 19", "Nam", "cvc-"]),
    ];
    for (good, bad, told) in cases {
        let refused = notify(&server, &message.replacen(good, bad, 1));
        let text = refused.text();
        assert!(refused.status == 500 && text.contains("<faultcode>S:Client</faultcode>"), "{refused}");
        assert!(told.iter().all(|word| text.contains(word)), "{told:?}: {refused}");
    }
    // What the schema lets pass and the Account does not, the process refuses itself.
    let refused = notify(&server, &message.replacen("1.390000005E8", "0.005", 1));
    let text = refused.text();
    assert!(
        text.contains("<faultcode>S:Client</faultcode>") && text.contains("AnnualRevenue must have at most 2 digits"),
        "{refused}"
    );
    assert_eq!(server.get("/ws/rest/crm/Account").json(), json!([]), "nothing of a message that is refused is stored");
}

#[test]
fn the_wsdl_of_salesforces_message_is_the_file_byte_for_byte() {
    let server = serve("sqlite://erp.db");
    let wsdl = server.get("/ws/soap/salesforce?wsdl");
    assert_eq!((wsdl.status, wsdl.text()), (200, &*salesforce("outbound.wsdl")));
    // The schemas in it are those that messages are held against.
    for file in ["enterprise.xsd", "sobject.xsd", "outbound.xsd"] {
        let schema = salesforce(file);
        for line in schema.lines().skip(2).filter(|line| !line.contains("xs:import")) {
            assert!(wsdl.text().contains(line.trim()), "{file}: {line}");
        }
    }
}
