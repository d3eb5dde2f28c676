//! What is told of a document that breaks a rule: where, of which element, and what would be right.

use super::*;

const ACCOUNT: &str = "<xs:element name='Account'><xs:complexType><xs:sequence>
  <xs:element name='Id' type='xs:int' form='qualified'/>
  <xs:element name='Name' type='xs:string' form='qualified' minOccurs='0' maxOccurs='2'/>
  <xs:choice minOccurs='0'><xs:element name='Phone' form='qualified'/><xs:any namespace='urn:x' processContents='strict'/></xs:choice>
  <xs:element name='Fax' type='xs:anyURI' minOccurs='0'/>
 </xs:sequence><xs:attribute name='version' use='required'/></xs:complexType></xs:element>";

/// The first violation in the only root of a schema.
fn violation(body: &str, document: &str, offsets: Option<&[usize]>) -> String {
    let schema = read(&schema(body)).unwrap();
    let root = schema.root("Account").unwrap();
    schema.validate(root, document, offsets).unwrap_err().to_string()
}

#[test]
fn the_place_the_path_and_what_was_expected() {
    for (document, told) in [
        (
            "<Account xmlns='urn:t' version='1'>\n  <Id>1</Id>\n  <Nam/></Account>",
            "line 3, column 3: Account/Nam: `Nam` of urn:t is not expected here: expected `Name`, `Phone`, `Fax` of no namespace, \
          an element of urn:x or the end of `Account` (cvc-complex-type.2.4.a)",
        ),
        (
            "<Account xmlns='urn:t' version='1'>\n  <Id>é&#33;</Id></Account>",
            "line 2, column 7: Account/Id: `é!` is not an integer (cvc-datatype-valid.1.2.1)",
        ),
        (
            "<Account xmlns='urn:t' version='1'>\n\n</Account>",
            "line 3, column 1: Account: `Account` is not complete: expected `Id` (cvc-complex-type.2.4.b)",
        ),
        (
            "<Account xmlns='urn:t' version='1'/>",
            "line 1, column 1: Account: `Account` is not complete: expected `Id` (cvc-complex-type.2.4.b)",
        ),
        (
            "<Account xmlns='urn:t'><Id>x</Id></Account>",
            "line 1, column 1: Account: the attribute `version` is missing (cvc-complex-type.4)",
        ),
        (
            "<Account xmlns='urn:t' version='1' b='2'/>",
            "line 1, column 36: Account: `b` is no attribute of this element (cvc-complex-type.3.2.1)",
        ),
        (
            "<Account xmlns='urn:t' version='1'> \n é x<Id>1</Id></Account>",
            "line 2, column 2: Account: text can't stand in `Account`: only elements can (cvc-complex-type.2.3)",
        ),
        (
            "<Account xmlns='urn:t' version='1'><Id><x/></Id></Account>",
            "line 1, column 40: Account/Id: `x` can't stand in `Id`: only text can (cvc-type.3.1.2)",
        ),
        (
            "<Account xmlns='urn:t' version='1'><Id>1</Id><Name/><Name/><Phone/><Fax xmlns=''/><Fax xmlns=''/></Account>",
            "line 1, column 83: Account/Fax: `Fax` is not expected here: expected the end of `Account` (cvc-complex-type.2.4.d)",
        ),
        (
            "<Account xmlns='urn:t' version='1'><Id>1</Id><x xmlns='urn:x'/></Account>",
            "line 1, column 46: Account/x: there is no declaration of an element `x` of the namespace urn:x, which is required here (cvc-complex-type.2.4.c)",
        ),
        (
            "<Account/>",
            "line 1, column 1: `Account` of urn:t is expected here, not `Account` of no namespace (cvc-elt.1)",
        ),
        ("<Acount xmlns='urn:t'/>", "line 1, column 1: `Account` is expected here, not `Acount` (cvc-elt.1)"),
        (
            "<Account xmlns='urn:t' version='1'><Id>1</Id></Account><x/>",
            "line 1, column 56: `x` follows the root element: there can be only one (well-formed)",
        ),
    ] {
        assert_eq!(violation(ACCOUNT, document, None), told, "{document}");
    }
}

#[test]
fn elements_of_a_larger_text_are_looked_at_where_they_are() {
    let schema = read(&schema(ACCOUNT)).unwrap();
    let root = schema.root("Account").unwrap();
    let text = "<s:Body xmlns:s='urn:s' xmlns:t='urn:t'><key>1</key><t:Account version='1'><t:Id>1</t:Id></t:Account>\n\
                <List><t:Account version='1'><t:Id>2</t:Id></t:Account>\n<t:Account version='1'><t:Id>x</t:Id></t:Account></List></s:Body>";
    let offsets: Vec<usize> = text.match_indices("<t:Account").map(|(at, _)| at).collect();
    assert_eq!(schema.validate(root, text, offsets.get(..2)), Ok(()));
    let told = schema.validate(root, text, Some(&offsets)).unwrap_err().to_string();
    assert!(told.starts_with("line 3, column 30: Account/Id: `x` is not"), "{told}");
    let wrong = text.find("<key>").unwrap();
    assert!(schema.validate(root, text, Some(&[wrong])).is_err(), "another element");
    assert_eq!(schema.validate(root, text, Some(&[])), Ok(()));
    assert_eq!(schema.name(root), ("urn:t", "Account"));
}

/// What the corpus leaves out: libxml2 does otherwise.
#[test]
fn where_libxml2_is_not_the_specification_is_followed() {
    let body = "<xs:element name='Account'><xs:complexType><xs:choice>
      <xs:element name='never'><xs:complexType><xs:sequence><xs:element name='x' maxOccurs='0' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>
      <xs:element name='empty'><xs:complexType/></xs:element>
      <xs:element name='same' fixed='a'><xs:complexType mixed='true'><xs:sequence><xs:element name='x' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>
      <xs:element name='number' type='xs:decimal' fixed='1.5'/>
      <xs:element name='any'/>
      <xs:element name='id' type='xs:ID' maxOccurs='2'/>
    </xs:choice></xs:complexType></xs:element>";
    let schema = read(&schema(body)).unwrap();
    let root = schema.root("Account").unwrap();
    let rule = |inner: &str| {
        let namespaces = "xmlns:t='urn:t' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema'";
        let document = format!("<t:Account {namespaces}>{inner}</t:Account>");
        schema.validate(root, &document, None).err().map(|violation| violation.rule)
    };
    assert_eq!(rule("<never/>"), None);
    assert_eq!(rule("<never> <!-- c --></never>"), None);
    assert_eq!(rule("<never><x/></never>").as_deref(), Some("cvc-complex-type.2.4.d"));
    assert_eq!(rule("<empty><![CDATA[]]></empty>"), None);
    assert_eq!(rule("<same><x/>a</same>").as_deref(), Some("cvc-elt.5.2.2.1"));
    assert_eq!(rule("<number>01.50</number>"), None);
    assert_eq!(rule("<any i:type=' xs:int '>5</any>"), None);
    assert_eq!(rule("<any i:type=' xs:int '>x</any>").as_deref(), Some("cvc-datatype-valid.1.2.1"));
    assert_eq!(rule("<id>a</id><id>b</id>"), None);
    assert_eq!(rule("<id>a</id><id> a</id>").as_deref(), Some("cvc-id.2"));
}
