//! What is said of services when they are deployed.

use super::*;
use crate::soap::fixtures::MultipleJson;

/// What is found of one operation, or of two: each as `error` or `warning` with its words.
fn found(operations: Vec<SoapOperation>) -> Vec<String> {
    told(&service(operations))
}

fn told(service: &Service) -> Vec<String> {
    let told = check(service).into_iter();
    told.map(|Finding { operation, message, is_error }| {
        let kind = if is_error { "error" } else { "warning" };
        let whose = operation.map_or_else(String::new, |number| format!(" of {number}"));
        format!("{kind}{whose}: {message}")
    })
    .collect()
}

/// One finding, with these words in it.
fn one(operations: Vec<SoapOperation>, words: &[&str]) {
    let found = found(operations);
    assert!(found.len() == 1 && words.iter().all(|word| found[0].contains(word)), "{words:?}: {found:#?}");
}

#[test]
fn services_of_sound_operations_have_none() {
    assert_eq!(told(&crm()), [""; 0]);
    assert_eq!(told(&orders()), [""; 0]);
}

#[test]
fn an_operation_without_profiles_is_left_out() {
    let left_out = "warning of 0: `x` is left out of the WSDL: ";
    let request = || SoapOperation { request: json("Account"), ..operation("x", SingleJson, SingleJson) };
    one(vec![operation("x", SingleXml, SingleXml)], &[left_out, "a `request-profile` and a `response-profile`"]);
    one(vec![operation("x", MultipleXml, Nothing)], &[left_out, "needs a `request-profile` that"]);
    one(vec![request()], &[left_out, "needs a `response-profile` that"]);
    one(
        vec![SoapOperation { passthrough: true, ..operation("x", SingleXml, Nothing) }],
        &[left_out, "give the API a `wsdl`"],
    );
    let mut alone = service(vec![operation("x", SingleXml, Nothing), operation("y", SingleXml, Nothing)]);
    alone.api = None;
    assert_eq!(told(&alone).len(), 1);
    assert!(told(&alone)[0].contains("operation `x` and 1 more left out"), "{:?}", told(&alone));
    alone.custom_wsdl = Some("<mine/>".into());
    assert_eq!(told(&alone), [""; 0]);
}

#[test]
fn equal_roots_and_names_that_differ_in_case_confuse_java() {
    let update = |response| SoapOperation {
        request: json("Account"),
        response: json(response),
        ..operation("x", SingleJson, SingleJson)
    };
    one(vec![update("Account")], &["warning of 0", "request and answer are both `Account`", "JAX-WS"]);
    let keyed = SoapOperation { keys: vec!["account".into()], ..update("AccountResult") };
    one(vec![keyed], &["warning of 0", "two elements `Account`"]);
    let listed = SoapOperation {
        response: json("Account"),
        request: json("Account"),
        ..operation("x", SingleJson, MultipleJson)
    };
    assert_eq!(found(vec![listed]), [""; 0], "a list is not the document");
}

#[test]
fn elements_in_no_namespace_need_a_wrapper_for_java() {
    const PLAIN: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='Plain' type='xs:string'/></xs:schema>";
    let plain = || xsd("Plain", &[("plain.xsd", PLAIN)]);
    let bare = SoapOperation { wrapped: false, request: plain(), ..operation("x", SingleXml, Nothing) };
    one(vec![bare], &["warning of 0", "`Plain` of profile `Plain` is in no namespace", "`omit-wrappers`"]);
    let fault = SoapOperation { response: xsd("Order", &ORDERS), fault: plain(), ..operation("x", Nothing, SingleXml) };
    one(vec![fault], &["warning of 0", "fault profile `Plain` is in no namespace"]);
}

#[test]
fn names_have_to_be_names_of_elements() {
    let keyed = |keys: &[&str]| SoapOperation {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..operation("x", Nothing, Nothing)
    };
    one(vec![keyed(&["a b"])], &["error of 0", "`a b` can't be an element of the request"]);
    one(vec![keyed(&["Id", "Id"])], &["error of 0", "`Id` is twice"]);
    let list =
        SoapOperation { own_object: "a b".into(), response: json("Account"), ..operation("x", Nothing, MultipleJson) };
    one(vec![list], &["error of 0", "`a bList` can't be the element that lists documents", "`object`"]);
    let mut unnamed = crm();
    unnamed.name = "My Service".into();
    assert!(told(&unnamed)[0].starts_with("error: `My Service` can't name a service"), "{:?}", told(&unnamed));
}

#[test]
fn one_wsdl_has_each_name_once() {
    let ping = |name: &str| operation(name, Nothing, Nothing);
    let found = found(vec![ping("x"), ping("xResponse")]);
    assert!(
        found.iter().any(|told| told.starts_with("error: two messages of the WSDL are named `xResponse`")),
        "{found:?}"
    );

    const ONE: &str = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>\
        <xs:simpleType name='Code'><xs:restriction base='xs:string'/></xs:simpleType><xs:element name='One' type='Code'/></xs:schema>";
    let other = ONE.replace("'One'", "'Two'").replace("xs:string", "xs:int");
    let clash = SoapOperation {
        request: xsd("One", &[("one.xsd", ONE)]),
        response: xsd("Two", &[("two.xsd", &other)]),
        ..operation("x", SingleXml, SingleXml)
    };
    one(
        vec![clash],
        &["error: type `Code` of no namespace", "`one.xsd` of profile `One`", "`two.xsd` of profile `Two`"],
    );
}
