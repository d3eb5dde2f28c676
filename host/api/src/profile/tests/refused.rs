//! JSON Schemas that are no profile: each is refused with its place and what to do.

use super::*;

fn errors(schema: &str) -> Vec<String> {
    match declared(schema, "R", ProfileKind::JsonSchema) {
        Ok(profile) => profile.not_in_xml().iter().map(ToString::to_string).collect(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_has_no_place_in_xml_is_named() {
    for (property, expected) in [
        ("{}", "`#/properties/p`: XML needs one type here: write `type`"),
        ("true", "`#/properties/p`: XML needs a type here"),
        (r#"{"type":["string","integer"]}"#, "`#/properties/p/type`: XML needs one type here: object, array"),
        (r#"{"type":"null"}"#, "`#/properties/p/type`: XML needs one type"),
        (r#"{"enum":["a",1]}"#, "`#/properties/p`: XML needs one type"),
        (r#"{"enum":["\u0001"]}"#, "`#/properties/p`: XML has no place for a character of the values"),
        (r#"{"oneOf":[{"type":"string"},{"type":"integer"}]}"#, "`#/properties/p/oneOf`: XML needs one type"),
        (
            r#"{"anyOf":[{"type":"string"},{"type":"null"},{"type":"integer"}]}"#,
            "`#/properties/p/anyOf`: XML needs one",
        ),
        (r#"{"type":"object","oneOf":[{"properties":{}},{}]}"#, "`#/properties/p/oneOf`: XML needs one type"),
        (r#"{"type":"object","patternProperties":{"a":{}}}"#, "`#/properties/p/patternProperties`: XML has no place"),
        (
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            "`#/properties/p/additionalProperties`: XML has no",
        ),
        (r#"{"type":"object","required":["q"]}"#, "`#/properties/p/required/0`: it is not among the `properties`"),
        (r#"{"type":"object","properties":{"1a":{"type":"string"}}}"#, "`#/properties/p/properties/1a`: `1a` can't be"),
        (r#"{"type":"array"}"#, "`#/properties/p`: XML needs the type of the list's elements: write `items`"),
        (r#"{"type":"array","prefixItems":[{"type":"string"}]}"#, "`#/properties/p/prefixItems`: XML has no place"),
        (
            r#"{"type":"array","items":{"type":"array","items":{"type":"string"}}}"#,
            "`#/properties/p/items`: XML has no place for a list of lists",
        ),
        (
            r#"{"type":["array","null"],"items":{"type":"string"}}"#,
            "`#/properties/p`: XML has no place for a list that is null",
        ),
        (r##"{"$ref":"#name","$anchor":"name"}"##, "`#/properties/p/$ref`: `#name` is not followed"),
        (r##"{"$ref":"#/properties/p"}"##, "`#/properties/p`: the references lead to each other"),
        (r##"{"$ref":"#","type":"object"}"##, "`#/properties/p`: beside `$ref` stands another type"),
        (
            r##"{"allOf":[{"$ref":"#/properties/p"},{"type":"object"}]}"##,
            "`#/properties/p`: the schema is a part of itself",
        ),
        (
            r#"{"allOf":[{"type":"object"},{"type":"string"}]}"#,
            "`#/properties/p/allOf/1`: `allOf` can only join objects",
        ),
        (
            r#"{"allOf":[{"properties":{"a":{"type":"string"}}},{"properties":{"a":{"type":"string"}}}]}"#,
            "`#/properties/p/allOf/1/properties/a`: `a` is declared by another part",
        ),
        (
            r##"{"$id":"https://example.com/p","type":"object","properties":{"a":{"$ref":"#/$defs/A"}},
                "$defs":{"A":{"type":"string"}}}"##,
            "`#/properties/p/$id`: XML needs one base: take the `$id` out",
        ),
        (
            r#"{"type":"object","allOf":[{"$id":"part","required":[]}]}"#,
            "`#/properties/p/allOf/0/$id`: XML needs one base",
        ),
        (r#"{"type":"string","minLength":3,"maxLength":2}"#, "`#/properties/p`: "),
    ] {
        let told = errors(&format!("{{\"type\":\"object\",\"properties\":{{\n\"p\":{property}}}}}"));
        assert_eq!(told.len(), 1, "{property}: {told:#?}");
        assert!(told[0].starts_with("profiles/it.json:2:"), "{property}: {told:?}");
        assert!(told[0].contains(expected), "{property}: {told:?}");
    }
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for (schema, expected) in [
        ("", "profiles/it.json:1:1: EOF while parsing"),
        ("{\n\"type\":}", "profiles/it.json:2:8: expected value"),
        ("{\"a\":1,\"a\":2}", "profiles/it.json:1:8: `a` comes twice in one object"),
        ("true", "profiles/it.json:1:1: the schema: XML needs a type here"),
        ("{\"type\":\"string\"}", "profiles/it.json:1:1: the schema: the root of a message has to be an object"),
        ("{\"type\":[\"object\",\"null\"]}", "profiles/it.json:1:1: the schema: a message can't be null"),
        (
            "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\"}",
            "profiles/it.json:1:12: `http://json-schema.org/draft-07/schema#` is not read: a profile is JSON Schema 2020-12",
        ),
        (
            "{\"type\":\"object\",\n\"minProperties\":\"1\"}",
            "profiles/it.json:2:17: `#/minProperties`: \"1\" is not of type",
        ),
        (
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\n\"pattern\":\"(?=a)\"}}}",
            "profiles/it.json:2:11: `#/properties/a/pattern`: ",
        ),
    ] {
        let told = errors(schema);
        assert!(told[0].starts_with(expected), "{schema}: {told:?}");
    }
}

#[test]
fn a_base_is_one_for_all_that_is_referred_to() {
    let told = errors(
        r##"{"$id":"https://example.com/it","type":"object","properties":{"a":{"$ref":"#/$defs/A/$defs/B"}},
            "$defs":{"A":{"$id":"a","$defs":{"B":{"type":"string"}}}}}"##,
    );
    assert_eq!(told, ["profiles/it.json:2:33: `#/$defs/A/$id`: XML needs one base: take the `$id` out"]);
    let data = r##"{"$id":"https://example.com/it","type":"object","properties":{"a":{"$ref":"#/$defs/A"}},
        "examples":[{"$id":"1"}],"$defs":{"A":{"type":"string"}}}"##;
    assert_eq!(errors(data), [""; 0]);
}

#[test]
fn everything_wrong_is_told_in_order_and_not_without_end() {
    let told = errors(
        "{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"a\":{},\n\"b\":{\"type\":\"object\",\"properties\":{\"c\":{}}}}}",
    );
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.is_sorted());
    let many: Vec<_> = (0..1000).map(|n| format!("\"p{n}\":{{}}")).collect();
    assert_eq!(errors(&format!("{{\"type\":\"object\",\"properties\":{{{}}}}}", many.join(","))).len(), 100);
    // Each of these types is in the one before it.
    let chain: Vec<_> = (0..2000)
        .map(|n| {
            format!(
                "\"d{n}\":{{\"type\":\"object\",\"properties\":{{\"x\":{{\"$ref\":\"#/$defs/d{}\"}}}}}}",
                (n + 1) % 2000
            )
        })
        .collect();
    let told = errors(&format!("{{\"$ref\":\"#/$defs/d0\",\"$defs\":{{{}}}}}", chain.join(",")));
    assert!(told[0].contains("more than 1000 types of objects"), "{told:?}");
}

#[test]
fn a_part_that_is_there_often_is_read_once() {
    // Each of 30 definitions is twice the next one: as a tree they would be a billion.
    let definitions: Vec<_> = (0..30)
        .map(|n| format!(r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, n + 1))
        .collect();
    let last = r#""d30":{"type":"object","properties":{"a":{"type":"string"}}}"#;
    let schema = format!(
        r##"{{"allOf":[{{"$ref":"#/$defs/d0"}},{{"required":["a"]}}],"$defs":{{{},{last}}}}}"##,
        definitions.join(",")
    );
    assert!(matches!(errors(&schema).as_slice(), []), "{:?}", errors(&schema));
}

#[test]
fn what_xml_has_no_place_for_still_judges_json() {
    let choice = profile(r#"{"oneOf":[{"type":"string"},{"type":"array","prefixItems":[{"type":"integer"}]}]}"#, "R");
    assert_eq!(choice.not_in_xml().len(), 1);
    assert!(choice.validate_json("\"a\"").is_ok() && choice.validate_json("[1]").is_ok());
    let told = choice.validate_json("[\n\"\"]").unwrap_err().to_string();
    assert!(told.starts_with("line 2, column 1: R/0: \"\" is not of type \"integer\""), "{told}");
    let expected = "profile `it` has messages that XML has no place for";
    assert_eq!(to_xml(&choice, "\"a\"").unwrap_err(), expected);
    assert_eq!(to_json(&choice, "<R/>").unwrap_err(), format!("line 1, column 1: {expected} (profile)"));
}

#[test]
fn rules_that_only_narrow_are_no_hindrance() {
    let narrowed = profile(
        r#"{"type":"object","properties":{"a":{"type":"integer","multipleOf":2},"b":{"type":"string","pattern":"x"}},
            "anyOf":[{"required":["a"]},{"required":["b"]}],"allOf":[{"if":{"required":["a"]},"then":{"required":["b"]}}],
            "not":{"required":["c"]},"minProperties":1}"#,
        "R",
    );
    assert_eq!(to_xml(&narrowed, r#"{"a":3}"#).unwrap(), "<R><a>3</a></R>");
    assert!(narrowed.validate_json(r#"{"a":2,"b":"xy"}"#).is_ok());
    assert!(narrowed.validate_json(r#"{"a":2}"#).is_err());
}

#[test]
fn a_root_that_an_xml_schema_does_not_have_is_told_with_the_nearest() {
    let schema = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="Account" type="xs:string"/></xs:schema>"#;
    let profile = declared(schema, "Account", ProfileKind::Xsd).unwrap();
    assert_eq!((profile.root(), profile.is_json(), profile.sources().len()), (("", "Account"), false, 1));
    assert!(profile.validate_xml("<Account/>", None).is_ok() && profile.validate_json("{}").is_err());
    assert!(to_xml(&profile, "{}").is_err() && to_json(&profile, "<Account/>").is_err());
    let told = declared(schema, "acount", ProfileKind::Xsd).unwrap_err();
    assert_eq!(
        told[0].to_string(),
        "profiles/it.json:1:1: there is no global element `acount`; did you mean `Account`?"
    );
    assert!(declared(schema, "Zzz", ProfileKind::Xsd).unwrap_err()[0].to_string().ends_with("element `Zzz`"));
}
