//! Services to describe and to answer for, in tests.

use std::sync::Arc;

pub(super) use auricle_model::DocumentType::{self, MultipleJson, MultipleXml, None as Nothing, SingleJson, SingleXml};
use auricle_model::{DEFAULT_NAMESPACE, Operation, ProfileDecl, ProfileKind, SourceFile, WsdlSchema};

use super::{Service, ServiceParts, SoapOperation};
use crate::outbound::tests::operation as plain;
use crate::profile::Profile;

const ACCOUNT: &str = r#"{"type": "object", "required": ["Name"], "additionalProperties": false,
    "properties": {"Name": {"type": "string"}, "Employees": {"type": "integer"}}}"#;
const RESULT: &str = r#"{"type": "object", "required": ["Id"], "additionalProperties": false,
    "properties": {"Id": {"type": "string"}, "Name": {"type": "string"}, "Employees": {"type": "integer"}}}"#;
const PROBLEM: &str = r#"{"type": "object", "required": ["title", "status"],
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}}"#;

fn profile(name: &str, root: &str, kind: ProfileKind, files: &[(&str, &str)]) -> Arc<Profile> {
    let files = files.iter().map(|(path, text)| SourceFile { path: (*path).into(), text: (*text).into() }).collect();
    Arc::new(Profile::new(&ProfileDecl { name: name.into(), root: root.into(), kind, files }).unwrap())
}

/// A profile of XML Schema files, whose root is named like it.
pub(super) fn xsd(name: &str, files: &[(&str, &str)]) -> Option<Arc<Profile>> {
    Some(profile(name, name, ProfileKind::Xsd, files))
}

/// A profile of a JSON Schema: `Account`, `AccountResult` or `Problem`.
pub(super) fn json(name: &str) -> Option<Arc<Profile>> {
    json_rooted(name, name)
}

/// A profile of the JSON Schema of this root, with a name of its own.
pub(super) fn json_rooted(name: &str, root: &str) -> Option<Arc<Profile>> {
    let schema = match root {
        "Account" => ACCOUNT,
        "AccountResult" => RESULT,
        _ => PROBLEM,
    };
    Some(profile(name, root, ProfileKind::JsonSchema, &[("x.json", schema)]))
}

/// An operation `name` on `Account`, wrapped, without profiles.
pub(super) fn operation(name: &str, input: DocumentType, output: DocumentType) -> SoapOperation {
    SoapOperation {
        name: name.into(),
        description: String::new(),
        process: "p".into(),
        own_object: "Account".into(),
        operation: Arc::new(Operation { input, object: String::new(), ..plain(output) }),
        namespace: DEFAULT_NAMESPACE.into(),
        wrapped: true,
        passthrough: false,
        returns_fault: false,
        keys: Vec::new(),
        query: Vec::new(),
        request: None,
        response: None,
        fault: None,
        validate: false,
    }
}

/// A service of an API `crm`.
pub(super) fn service(operations: Vec<SoapOperation>) -> Service {
    Service::new(ServiceParts {
        api: Some("crm".into()),
        documentation: "Accounts & more".into(),
        namespace: DEFAULT_NAMESPACE.into(),
        name: "Crm".into(),
        schema: WsdlSchema::Multi,
        custom_wsdl: None,
        operations,
    })
    .unwrap()
}

/// Create, get, query, update and delete, with JSON profiles and a typed fault.
pub(super) fn crm() -> Service {
    let of = |name: &str, input, output| {
        let told = |documents: DocumentType, name: &str| if documents == Nothing { None } else { json(name) };
        SoapOperation {
            request: told(input, "Account"),
            response: told(output, "AccountResult"),
            fault: told(output, "Problem"),
            ..operation(name, input, output)
        }
    };
    let id = || vec!["Id".to_owned()];
    service(vec![
        SoapOperation { description: "Makes <one> account.".into(), ..of("createAccount", SingleJson, SingleJson) },
        SoapOperation { keys: id(), ..of("getAccount", Nothing, SingleJson) },
        SoapOperation { query: vec!["Name".into()], ..of("queryAccount", Nothing, MultipleJson) },
        SoapOperation { keys: id(), ..of("updateAccount", SingleJson, SingleJson) },
        SoapOperation { keys: id(), ..of("deleteAccount", Nothing, Nothing) },
        of("importAccount", MultipleJson, Nothing),
    ])
}

/// A schema of two namespaces in three files, for `Order` and `Receipt`.
pub(super) const ORDERS: [(&str, &str); 3] = [
    (
        "xsd/orders.xsd",
        r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:orders" xmlns:c="urn:common"
           targetNamespace="urn:orders" elementFormDefault="qualified">
  <xs:include schemaLocation="../xsd/lines.xsd"/>
  <xs:import schemaLocation='common.xsd' namespace="urn:common"/>
  <xs:element name="Order">
    <xs:complexType>
      <xs:sequence>
        <xs:element ref="c:Customer"/>
        <xs:element name="Line" type="Line" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="Id" type="xs:int" use="required"/>
    </xs:complexType>
  </xs:element>
  <xs:element name="Receipt"><xs:complexType><xs:sequence><xs:element name="Number" type="xs:long"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"#,
    ),
    (
        "xsd/lines.xsd",
        r#"<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:orders" elementFormDefault="qualified">
  <complexType name="Line">
    <sequence><element name="Sku" type="string"/><element name="Count" type="int"/></sequence>
  </complexType>
</schema>"#,
    ),
    (
        "xsd/common.xsd",
        r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:common">
  <xs:element name="Customer" type="xs:string"/>
</xs:schema>"#,
    ),
];

/// Operations with XML profiles of several namespaces beside a JSON one.
pub(super) fn orders() -> Service {
    let order = || xsd("Order", &ORDERS);
    let receipt = || xsd("Receipt", &ORDERS);
    service(vec![
        SoapOperation {
            request: order(),
            response: receipt(),
            fault: json("Problem"),
            ..operation("placeOrder", SingleXml, SingleXml)
        },
        SoapOperation {
            query: vec!["Customer".into()],
            response: order(),
            ..operation("findOrders", Nothing, MultipleXml)
        },
        SoapOperation { request: order(), response: receipt(), ..operation("placeOrders", MultipleXml, MultipleXml) },
    ])
}
