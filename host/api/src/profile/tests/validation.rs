//! Requests judged by JSON Schema, in JSON and in XML.

use super::*;

const ACCOUNT: &str = r#"{"type":"object","required":["Id"],"additionalProperties":false,"properties":{
    "Id":{"type":"string","maxLength":3},
    "Size":{"type":"integer","multipleOf":5},
    "Mail":{"type":"string","format":"email"},
    "Lines":{"type":"array","uniqueItems":true,"items":{"type":"object","properties":{"N":{"type":"string","enum":["a","b"]}}}}}}"#;

#[test]
fn violations_of_json_have_line_column_rule_and_pointer() {
    let account = profile(ACCOUNT, "Account");
    assert_eq!(account.validate_json(r#"{"Id":"abc","Size":10,"Mail":"a@b.c","Lines":[{"N":"a"},{}]}"#), Ok(()));
    for (json, expected) in [
        ("{}", "line 1, column 1: Account: \"Id\" is a required property (/required)"),
        (
            "{\"Id\":\n \"abcd\"}",
            "line 2, column 2: Account/Id: \"abcd\" is longer than 3 characters (/properties/Id/maxLength)",
        ),
        ("{\"Id\":1}", "line 1, column 7: Account/Id: 1 is not of type \"string\" (/properties/Id/type)"),
        (
            "{\"Id\":\"\",\"Size\":7}",
            "line 1, column 17: Account/Size: 7 is not a multiple of 5 (/properties/Size/multipleOf)",
        ),
        (
            "{\"Id\":\"\",\"Mail\":\"x\"}",
            "line 1, column 17: Account/Mail: \"x\" is not a \"email\" (/properties/Mail/format)",
        ),
        (
            "{\"Id\":\"\",\n\"x~/\":1}",
            "line 2, column 7: Account/x~0~1: Additional properties are not allowed ('x~/' was unexpected) (/additionalProperties)",
        ),
        (
            "{\"Id\":\"\",\"Lines\":[{},\n{\"N\":\"c\"}]}",
            "line 2, column 6: Account/Lines/1/N: \"c\" is not one of \"a\" or \"b\" (/properties/Lines/items/properties/N/enum)",
        ),
        (
            "{\"Id\":\"\",\"Lines\":[{},{}]}",
            "line 1, column 18: Account/Lines: the value has non-unique elements (/properties/Lines/uniqueItems)",
        ),
        // The first in the text.
        ("{\"Size\":1,\"Lines\":1,\"Id\":1}", "line 1, column 9: Account/Size: 1 is not a multiple of 5"),
        (
            "{\"Id\":\"a\",\"\\u0049d\":\"b\"}",
            "line 1, column 11: Account: the object has two members `Id` (duplicate)",
        ),
        ("[]", "line 1, column 1: Account: the value is not of type \"object\" (/type)"),
        ("{\"Id\":}", "line 1, column 7: expected value (json)"),
        (
            "{\"Id\":1e400}",
            "line 1, column 7: Account/Id: validation compares numbers as doubles, and this one is beyond them (number)",
        ),
    ] {
        let told = account.validate_json(json).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{json}: {told}");
    }
}

#[test]
fn what_is_wrong_inside_of_an_object_that_may_be_null_is_told() {
    let nullable = profile(
        r##"{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/A"}]}},
            "$defs":{"A":{"type":"object","properties":{"n":{"type":"integer"}}}}}"##,
        "R",
    );
    let told = nullable.validate_json("{\"a\":{\"n\":\n\"x\"}}").unwrap_err().to_string();
    assert_eq!(told, "line 2, column 1: R/a/n: \"x\" is not of type \"integer\" (/$defs/A/properties/n/type)");
    let told = nullable.validate_json("{\"a\":\n1}").unwrap_err().to_string();
    assert!(told.starts_with("line 2, column 1: R/a: 1 is not valid under any"), "{told}");
}

#[test]
fn a_large_message_is_judged_without_explanation() {
    let list = with(r#""l":{"type":"array","items":{"type":"string"}}"#);
    let json = format!("{{\"l\":[{}1]}}", "1,".repeat(200_000));
    let told = list.validate_json(&json).unwrap_err().to_string();
    assert_eq!(
        told,
        "line 1, column 1: R: it does not follow its JSON Schema, and is too large to say where (json-schema)"
    );
    assert_eq!(list.validate_json(&json.replace('1', "\"\"")), Ok(()));
}

#[test]
fn the_first_of_many_violations_is_found_in_one_pass() {
    use super::super::json::tests::STEPS;

    let list = with(r#""l":{"type":"array","items":{"type":"string"}}"#);
    let elements = 10_000;
    let json = format!("{{\"l\":[{}\n1]}}", "1,".repeat(elements));
    let before = STEPS.get();
    let told = list.validate_json(&json).unwrap_err().to_string();
    assert!(told.starts_with("line 1, column 7: R/l/0: 1 is not of type"), "{told}");
    let steps = STEPS.get() - before;
    assert!((1..elements * 4).contains(&steps), "{steps} steps for {elements} elements");
}

#[test]
fn names_that_each_violation_repeats_are_not_explained() {
    let any = profile(r#"{"additionalProperties":{"items":{"type":"string"}}}"#, "R");
    let told = |name: &str| {
        let json = format!("{{\"{name}\":[{}1]}}", "1,".repeat(10_000));
        any.validate_json(&json).unwrap_err().to_string()
    };
    assert!(told(&"x".repeat(1_000)).ends_with("(/additionalProperties/items/type)"));
    assert!(told(&"x".repeat(2_000)).ends_with("is too large to say where (json-schema)"));
}

#[test]
fn what_only_the_json_of_xml_has_wrong_is_told_at_the_element() {
    let number = with(r#""n":{"type":"number"}"#);
    let xml = format!("<R>\n <n>{}</n></R>", "9".repeat(310));
    let told = number.validate_xml(&xml, None).unwrap_err().to_string();
    assert_eq!(
        told,
        "line 2, column 2: R/n: validation compares numbers as doubles, and this one is beyond them (number)"
    );
    assert!(to_json(&number, &xml).is_ok(), "a process gets all digits");

    let deep = profile(
        r##"{"type":"object","properties":{"i":{"type":"array","items":{"$ref":"#"}},"o":{"$ref":"#"},
            "s":{"type":"array","items":{"type":"string"}}}}"##,
        "R",
    );
    // 63 times two, and the root.
    let nested = |inner: &str| format!("<R>{}\n{inner}{}</R>", "<i>".repeat(63), "</i>".repeat(63));
    let most = nested("");
    assert_eq!(deep.validate_xml(&most, None), Ok(()));
    assert_eq!(deep.validate_json(&to_json(&deep, &most).unwrap()), Ok(()));
    for (inner, name) in [("<o/>", "o"), ("<i/>", "i"), ("<s/>", "s")] {
        let xml = nested(inner);
        for told in [deep.validate_xml(&xml, None).unwrap_err(), deep.to_json(&xml, &[0]).unwrap_err()] {
            assert_eq!((told.line, told.column, &*told.rule), (2, 1, "too-deep"), "{told}");
            let path = format!("{}/{name}: more than 127 objects and arrays inside each other", ["i"; 63].join("/"));
            assert_eq!(told.message, format!("R/{path}"));
        }
    }
}

#[test]
fn violations_of_xml_are_told_where_the_element_is() {
    let account = profile(ACCOUNT, "Account");
    let valid = "<Account><Size>10</Size><Id>abc</Id><Lines><N>a</N></Lines></Account>";
    assert_eq!(account.validate_xml(valid, None), Ok(()));
    for (xml, expected) in [
        (
            "<Account>\n<Id>abcd</Id></Account>",
            "line 2, column 1: Account/Id: \"abcd\" is longer than 3 characters (/properties/Id/maxLength)",
        ),
        (
            "<Account><Id/><Lines/>\n <Lines><N>c</N></Lines></Account>",
            "line 2, column 9: Account/Lines/1/N: \"c\" is not one of",
        ),
        ("<Account><Id/>\n<Lines/><Lines/></Account>", "line 2, column 1: Account/Lines: the value has non-unique"),
        ("<Account><Id/><Id/></Account>", "line 1, column 15: Account/Id: it is there twice (duplicate)"),
        ("<Account><Id>a</Id>\n<Size>7</Size></Account>", "line 2, column 1: Account/Size: 7 is not a multiple of 5"),
    ] {
        let told = account.validate_xml(xml, None).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{xml}: {told}");
    }
    let two = format!("<e>{valid}\n<Account><Id>abcd</Id></Account></e>");
    let second = two.rfind("<Account>").unwrap();
    let told = account.validate_xml(&two, Some(&[3, second])).unwrap_err();
    assert_eq!((told.line, told.column), (2, 10));
}

#[test]
fn references_without_end_do_not_hang() {
    for (schema, is_valid) in [
        (r##"{"$ref":"#"}"##, true),
        (r##"{"type":"object","allOf":[{"$ref":"#"}]}"##, false),
        (r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##, true),
        (r##"{"type":"object","anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##, false),
        (r##"{"$dynamicRef":"#"}"##, true),
    ] {
        assert_eq!(profile(schema, "R").validate_json("[]").is_ok(), is_valid, "{schema}");
    }
}
