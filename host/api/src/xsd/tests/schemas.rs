//! What is told of schema documents that are wrong, and what is refused though the specification has it.

use super::*;

/// All that is told of a schema, as `line:column message`.
fn told(text: &str) -> Vec<String> {
    let errors = read(text).map(drop).unwrap_err();
    errors.into_iter().map(|error| format!("{}:{} {}", error.line, error.column, error.message)).collect()
}

#[test]
fn everything_wrong_is_told_at_once_and_in_order() {
    let text = schema(
        "\n<xs:element name='a' type='Acount'/>\n<xs:complexType name='Account'><xs:sequence><xs:element name='b' type='xs:strng'/>\
         <xs:key name='k'/></xs:sequence></xs:complexType>\n<xs:simpleType name='c'><xs:restriction base='xs:int'><xs:length value='1'/></xs:restriction></xs:simpleType>",
    );
    let told = told(&text);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert_eq!(told[0], "2:28 there is no type `Acount` of the namespace urn:t; is `Account` meant?");
    assert_eq!(
        told[1],
        "3:72 there is no type `strng` of the namespace http://www.w3.org/2001/XMLSchema; is `string` meant?"
    );
    assert_eq!(told[2], "3:83 `xs:key` is not supported: identity constraints can't be checked");
    assert!(told[3].starts_with("4:73 "), "{}", told[3]);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (body, name) in [
        ("<xs:redefine schemaLocation='b.xsd'/>", "`xs:redefine` is not supported"),
        ("<xs:notation name='n' public='p'/>", "`xs:notation` is not supported"),
        ("<xs:element name='a'><xs:complexType/><xs:unique name='u'/></xs:element>", "`xs:unique` is not supported"),
        (
            "<xs:element name='a'><xs:complexType/><xs:keyref name='u' refer='k'/></xs:element>",
            "`xs:keyref` is not supported",
        ),
        (
            "<xs:element name='a'/><xs:element name='b' substitutionGroup='a'/>",
            "`substitutionGroup` of `xs:element` is not supported",
        ),
        ("<xs:complexType name='a' final='#all'/>", "`final` of `xs:complexType` is not supported"),
        ("<xs:element name='a' block='extension'/>", "`block` of `xs:element` is not supported"),
        (
            "<xs:complexType name='a'><xs:sequence/><xs:assert test='1'/></xs:complexType>",
            "`xs:assert` is of XML Schema 1.1",
        ),
        ("<xs:complexType name='a'><xs:openContent/></xs:complexType>", "`xs:openContent` is of XML Schema 1.1"),
        ("<xs:element name='a'><xs:alternative type='xs:int'/></xs:element>", "`xs:alternative` is of XML Schema 1.1"),
        ("<xs:override schemaLocation='b.xsd'/>", "`xs:override` is of XML Schema 1.1"),
        (
            "<xs:complexType name='a' defaultAttributesApply='false'/>",
            "`defaultAttributesApply` of `xs:complexType` is of XML Schema 1.1",
        ),
        (
            "<xs:simpleType name='a'><xs:restriction base='xs:NOTATION'/></xs:simpleType>",
            "type `NOTATION` is not supported",
        ),
    ] {
        let told = told(&schema(body));
        assert!(told.iter().any(|told| told.contains(name)), "{body}: {told:?}");
    }
    assert!(read(&schema("<xs:complexType name='a' final='' block=''/>")).is_ok());
    let all = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' blockDefault='#all' finalDefault='extension'/>";
    assert_eq!(told(all).len(), 2);
}

#[test]
fn files_that_are_missing_are_named() {
    let source = |path, text| Source { path, text };
    let read = |sources: &[Source<'_>]| {
        let told = Schema::read(sources).map(drop).err().unwrap_or_default();
        told.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let main = schema(
        "<xs:import namespace='urn:x' schemaLocation='http://example.com/x.xsd'/><xs:include schemaLocation='parts/b.xsd'/>\
         <xs:element name='r' type='x:T' xmlns:x='urn:x'/><xs:element name='s' type='B'/>",
    );
    let main = source("schemas/a.xsd", &main);
    let x = source(
        "schemas/x.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x'><xs:complexType name='T'/></xs:schema>",
    );
    let b = source(
        "schemas/b.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:complexType name='B'/></xs:schema>",
    );
    assert_eq!(read(&[main.clone(), x.clone(), b.clone()]), [""; 0]);
    assert_eq!(
        read(&[main.clone(), b.clone()])[0],
        "schemas/a.xsd:1:116: no file of the schema declares the namespace urn:x: add x.xsd to `file = [...]`"
    );
    let told = read(&[main.clone(), x.clone()]);
    assert!(
        told[0].contains("`parts/b.xsd` is not among the files of the schema: add it to `file = [...]`"),
        "{told:?}"
    );
    // A document without a namespace is of that which includes it: of one.
    let other = source(
        "c.xsd",
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:c'><xs:include schemaLocation='b.xsd'/></xs:schema>",
    );
    let told = read(&[main.clone(), x.clone(), b.clone(), other]);
    assert!(told[0].contains("included by documents of two namespaces, which is not supported"), "{told:?}");
    // What is not imported can't be referred to, though it is there.
    let user = schema("<xs:element name='r' type='x:T' xmlns:x='urn:x'/>");
    let told = read(&[source("a.xsd", &user), x]);
    assert!(told[0].contains("which this document does not import"), "{told:?}");
    let told = read(&[source("a.xsd", "<xs:schema"), source("b.xsd", "<a/>")]);
    assert!(
        told[0].starts_with("a.xsd:1:1: ") && told[1].starts_with("b.xsd:1:1: the root element of a schema is"),
        "{told:?}"
    );
}

#[test]
fn a_root_is_found_by_its_local_name() {
    let main = schema("<xs:import/><xs:import namespace='urn:x'/><xs:element name='a'/>");
    let plain = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='a'/><xs:element name='b'/><xs:element name='c'/></xs:schema>";
    let other = "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x'><xs:element name='c'/></xs:schema>";
    let sources = [("a.xsd", &*main), ("b.xsd", plain), ("c.xsd", other)].map(|(path, text)| Source { path, text });
    let schema = Schema::read(&sources).unwrap();
    let found = |local| schema.root(local).map(|id| schema.name(id));
    assert_eq!(found("a"), Some(("urn:t", "a")), "the main document's goes before others");
    assert_eq!(found("b"), Some(("", "b")));
    assert_eq!(found("c"), None, "two of them");
    assert_eq!(found("d"), None);
    let mut roots: Vec<_> = schema.roots().collect();
    roots.sort_unstable();
    assert_eq!(roots, ["a", "a", "b", "c", "c"]);
}
