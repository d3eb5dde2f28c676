//! Messages one way and the other, and what each way refuses.

use super::super::Violation;
use super::*;

#[test]
fn members_come_in_the_order_of_the_profile() {
    let order = profile(ORDER, "Order");
    let json = r#"{"Total":1.50,"Lines":[{"Marks":[1,null],"Sku":"a<b"},{"Sku":""}],"Due":null,"Id":"AB0001","More":{"x":1},
        "Status":"it's <done>","Count":1e2,"Root":{"Inner":[{"Inner":[]},{"Name":"\u0041\r\n"}]},"Address":{"Street":"s","City":"c"}}"#;
    let mut xml = String::new();
    let notes = order.to_xml(json, &mut xml).unwrap();
    assert_eq!(notes, ["`Order/More` is not in the profile and has no place in the XML: it is left out"]);
    let expected = "<Order xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><Id>AB0001</Id>\
        <Status>it's &lt;done&gt;</Status><Due xsi:nil=\"true\"/><Count>100</Count><Total>1.50</Total>\
        <Address><City>c</City><Street>s</Street></Address><Lines><Sku>a&lt;b</Sku><Marks>1</Marks>\
        <Marks xsi:nil=\"true\"/></Lines><Lines><Sku></Sku></Lines><Root><Inner></Inner><Inner><Name>A&#13;\n</Name>\
        </Inner></Root></Order>";
    assert_eq!(xml, expected);
    assert_eq!(
        to_json(&order, &xml).unwrap(),
        "{\"Id\":\"AB0001\",\"Status\":\"it's <done>\",\"Due\":null,\"Count\":100,\"Total\":1.50,\
         \"Address\":{\"City\":\"c\",\"Street\":\"s\"},\"Lines\":[{\"Sku\":\"a<b\",\"Marks\":[1,null]},{\"Sku\":\"\"}],\
         \"Root\":{\"Inner\":[{},{\"Name\":\"A\\r\\n\"}]}}"
    );
}

#[test]
fn elements_of_a_text_are_found_where_they_are() {
    let name = with(r#""n":{"type":"integer"}"#);
    let text = "<?xml version='1.0'?><l xmlns:i='http://www.w3.org/2001/XMLSchema-instance'>
        <R><n>1</n></R><!-- <R/> --><R i:type='t'> <n i:nil='0'><![CDATA[2]]><!-- --></n> </R></l>";
    let offsets: Vec<_> =
        text.match_indices("<R").map(|(at, _)| at).filter(|at| !text[..*at].ends_with("<!-- ")).collect();
    let documents = name.to_json(text, &offsets).unwrap();
    assert_eq!(documents, ["{\"n\":1}", "{\"n\":2}"]);
    assert_eq!(name.validate_xml(text, Some(&offsets)), Ok(()));
    assert_eq!(name.to_json(text, &[]).unwrap().len(), 0);
}

#[test]
fn values_are_written_as_json_has_them() {
    for (schema, xml, expected) in [
        (r#""n":{"type":"number"}"#, "<n> +05.50 </n>", "5.50"),
        (r#""n":{"type":"number"}"#, "<n>.5</n>", "0.5"),
        (
            r#""n":{"type":"number"}"#,
            "<n>12345678901234567890.12345678901234567890</n>",
            "12345678901234567890.12345678901234567890",
        ),
        (r#""n":{"type":"integer"}"#, "<n>-0</n>", "0"),
        (r#""n":{"type":"boolean"}"#, "<n> 1 </n>", "true"),
        (r#""n":{"type":"boolean"}"#, "<n>false</n>", "false"),
        (r#""n":{"type":"string"}"#, "<n> a\r\n&quot;b </n>", "\" a\\n\\\"b \""),
        (r#""n":{"type":"string"}"#, "<n/>", "\"\""),
        (r#""n":{"type":"string","format":"date"}"#, "<n> 2026-02-28\n</n>", "\"2026-02-28\""),
        (
            r#""n":{"type":"string","format":"date-time"}"#,
            "<n>2026-02-28T23:59:59.5+14:00</n>",
            "\"2026-02-28T23:59:59.5+14:00\"",
        ),
        (r#""n":{"type":"string","contentEncoding":"base64"}"#, "<n>\n YW Jj\n </n>", "\"YWJj\""),
        (r#""n":{"type":"array","items":{"type":"integer"}}"#, "<n>1</n> <n>2</n>", "[1,2]"),
        (r#""n":{"type":"array","items":{"type":"integer"}}"#, "", "[]"),
        (
            r#""n":{"type":["object","null"]}"#,
            "<n xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='1'></n>",
            "null",
        ),
        // Not checked but by `validate`.
        (r#""n":{"type":"string","maxLength":1}"#, "<n>abc</n>", "\"abc\""),
    ] {
        let profile = with(schema);
        let json = to_json(&profile, &format!("<R>{xml}</R>"));
        assert_eq!(json, Ok(format!("{{\"n\":{expected}}}")), "{schema} {xml}");
    }
}

#[test]
fn xml_that_is_no_such_message_is_refused() {
    let strings = r#""a":{"type":"string"},"b":{"type":"array","items":{"type":"string"}}"#;
    let number = r#""a":{"type":"integer"}"#;
    for (schema, xml, expected) in [
        (strings, "<S/>", "line 1, column 1: R: `S` comes where `R` is expected (unexpected-element)"),
        (
            strings,
            "<R xmlns='u'/>",
            "line 1, column 1: R: `R` has to be in no namespace, and is in `u`: write `xmlns=\"\"` (namespace)",
        ),
        (strings, "<R>\n<b/></R>", "line 1, column 1: R: `a` is missing (required)"),
        (
            strings,
            "<R>\n <c/></R>",
            "line 2, column 2: R: `c` is not in the profile: there are `a`, `b` (unexpected-element)",
        ),
        (strings, "<R>x</R>", "line 1, column 4: R: text comes where elements are expected (type)"),
        (strings, "<R><a/><a/></R>", "line 1, column 8: R/a: it is there twice (duplicate)"),
        (
            strings,
            "<R><b/><a/><b/></R>",
            "line 1, column 12: R/b: the elements of a list have to follow each other (unexpected-element)",
        ),
        (strings, "<R><a><x/></a></R>", "line 1, column 4: R/a: an element comes where text is expected (type)"),
        (
            strings,
            "<R><a x='1'/></R>",
            "line 1, column 7: R/a: attribute `x` is not in the profile: there are none (attribute)",
        ),
        (
            strings,
            "<R><a xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/></R>",
            "line 1, column 4: R/a: it can't be nil (nillable)",
        ),
        (
            strings,
            "<R><a xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='x'/></R>",
            "line 1, column 4: R/a: `xsi:nil` is `true` or `false` (type)",
        ),
        (
            strings,
            "<R xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='1'/>",
            "line 1, column 1: R: a message can't be nil (nillable)",
        ),
        (number, "<R><a>é</a></R>", "line 1, column 4: R/a: "),
        (number, "<R><a>1.0</a></R>", "line 1, column 4: R/a: "),
        (number, "<R><a>9223372036854775808</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"number"}"#, "<R><a>INF</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"number"}"#, "<R><a>1e5</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"number"}"#, "<R><a/></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"boolean"}"#, "<R><a>yes</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"string","format":"date"}"#, "<R><a>2026-02-29</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"string","format":"date"}"#, "<R><a>2026-02-28Z</a></R>", "line 1, column 4: R/a: "),
        (
            r#""a":{"type":"string","format":"date-time"}"#,
            "<R><a>2026-02-28T10:00:00</a></R>",
            "line 1, column 4: R/a: ",
        ),
        (r#""a":{"type":"string","format":"time"}"#, "<R><a>24:00:00Z</a></R>", "line 1, column 4: R/a: "),
        (r#""a":{"type":"string","contentEncoding":"base64"}"#, "<R><a>YWJ</a></R>", "line 1, column 4: R/a: "),
    ] {
        let told = to_json(&with(schema), xml).unwrap_err();
        assert!(told.starts_with(expected), "{schema} {xml}: {told}");
    }
}

#[test]
fn json_that_the_xml_has_no_place_for_is_refused() {
    for (schema, value, expected) in [
        (r#""n":{"type":"string"}"#, "1", "`/n`: it is a number, and a string by the profile"),
        (r#""n":{"type":"string"}"#, "null", "`/n`: it is null, and a string by the profile"),
        (r#""n":{"type":"string"}"#, "\"\\u0001\"", "`/n`: XML has no place for its character 0x0001"),
        (r#""n":{"type":"integer"}"#, "1.5", "`/n`: it is not an integer that can be written"),
        (r#""n":{"type":"integer"}"#, "9223372036854775808", "`/n`: "),
        (r#""n":{"type":"number"}"#, "1e5000", "`/n`: it has too many digits without its exponent"),
        (r#""n":{"type":"boolean"}"#, "\"true\"", "`/n`: it is a string, and a boolean by the profile"),
        (r#""n":{"type":"string","maxLength":2}"#, "\"äöü\"", "`/n`: "),
        (r#""n":{"type":"string","enum":["a"]}"#, "\"b\"", "`/n`: "),
        (r#""n":{"type":"integer","minimum":2}"#, "1", "`/n`: "),
        (r#""n":{"type":"string","pattern":"^a+$"}"#, "\"ab\"", "`/n`: "),
        (r#""n":{"type":"string","format":"date-time"}"#, "\"2026-01-01t00:00:00z\"", "`/n`: "),
        (r#""n":{"type":"string","format":"date"}"#, "\" 2026-01-01\"", "`/n`: there is white space in it"),
        (
            r#""n":{"type":"array","items":{"type":"string"}}"#,
            "\"a\"",
            "`/n`: it is a string, and an array by the profile",
        ),
        (
            r#""n":{"type":"array","minItems":2,"items":{"type":"string"}}"#,
            "[\"\"]",
            "`/n`: 1 elements are not as many",
        ),
        (r#""n":{"type":"array","items":{"type":"string"}}"#, "[\"\",1]", "`/n/1`: it is a number"),
        (r#""n":{"type":"object","additionalProperties":false}"#, "{\"m\":1}", "`/n/m`: it is not among the members"),
        (r#""n":{"type":"string"}"#, "\"a\",\"n\":\"b\"", "`/n`: there are two members of this name"),
    ] {
        let told = to_xml(&with(schema), &format!("{{\"n\":{value}}}")).unwrap_err();
        assert!(told.starts_with(expected), "{schema} {value}: {told}");
    }
    let name = with(r#""n":{"type":"string"}"#);
    assert_eq!(to_xml(&name, "{}").unwrap_err(), "`n` is missing");
    assert_eq!(to_xml(&name, "[]").unwrap_err(), "it is an array, and an object by the profile");
    assert!(to_xml(&name, "{").unwrap_err().starts_with("line 1, column 1: EOF"));
}

#[test]
fn what_is_made_of_a_message_is_bounded() {
    let names: Vec<_> = (1000..2000).map(|n| format!("a{n}")).collect();
    let lists: Vec<_> =
        names.iter().map(|name| format!(r#""{name}":{{"type":"array","items":{{"type":"string"}}}}"#)).collect();
    let of_lists = |required: &[String]| {
        with(&format!(
            r#""l":{{"type":"array","items":{{"type":"object","properties":{{{}}},"required":{}}}}}"#,
            lists.join(","),
            serde_json::to_string(required).unwrap()
        ))
    };
    // Each `<l/>` is 11 KB of empty lists, and 27 KB with their places.
    let (all, none) = (of_lists(&names), of_lists(&[]));
    let (small, large) = ("<l/>".repeat(1_000), "<l/>".repeat(1_600));
    let refused = |told: Violation, at| {
        let place = (told.line, &*told.rule);
        assert_eq!((place, told.message.contains(" bytes: send less")), ((at, "too-large"), true), "{told}");
    };
    let one = format!("<R>{small}</R>");
    assert_eq!(all.to_json(&one, &[0]).map(|documents| documents.len()), Ok(1));
    refused(all.validate_xml(&one, None).unwrap_err(), 1);
    assert_eq!(none.validate_xml(&one, None), Ok(()));
    refused(all.to_json(&format!("<R>\n{large}</R>"), &[0]).unwrap_err(), 2);
    // All messages of a text count together.
    let two = format!("<e>{one}\n{one}</e>");
    refused(all.to_json(&two, &[3, one.len() + 4]).unwrap_err(), 2);

    let name = "n".repeat(300);
    let long = with(&format!(
        r#""l":{{"type":"array","items":{{"type":"object","properties":{{"{name}":{{"type":"boolean"}}}}}}}}"#
    ));
    let json = |count| format!("{{\"l\":[{}{{}}]}}", format!("{{\"{name}\":true}},").repeat(count));
    assert!(to_xml(&long, &json(40_000)).is_ok(), "much of much");
    let short = with(&format!(r#""{name}":{{"type":"array","items":{{"type":"object"}}}}"#));
    let json = |count| format!("{{\"{name}\":[{}{{}}]}}", "{},".repeat(count));
    assert!(to_xml(&short, &json(4_000)).is_ok());
    let told = to_xml(&short, &json(40_000)).unwrap_err();
    assert!(told.ends_with("the XML up to here takes more than 18702160 bytes: give less at once"), "{told}");
}

#[test]
fn notes_do_not_grow_with_a_message() {
    let list = with(r#""l":{"type":"array","items":{"type":"object"}}"#);
    let mut xml = String::new();
    let notes = list.to_xml(&format!("{{\"l\":[{}{{}}]}}", "{\"x\":1},".repeat(1000)), &mut xml).unwrap();
    assert_eq!(notes.len(), 1);
    let many: String = (0..1000).map(|n| format!("\"x{n}\":1,")).collect();
    assert_eq!(list.to_xml(&format!("{{{many}\"l\":[]}}"), &mut xml).unwrap().len(), 20);
}
