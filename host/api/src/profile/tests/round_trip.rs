//! What follows a profile comes back from XML as the same value, and the XML follows the schema that is served.

use proptest::prelude::*;

use super::super::json::{Json, Kind, Value};
use super::super::{number, schema_of};
use super::*;
use crate::xsd::{Schema, Source};

/// One text for each value: members by name, numbers as digits, no list where it is empty and may be missing.
fn canonical(value: Value<'_, '_>) -> String {
    match value.kind() {
        Kind::Object => {
            let mut members: Vec<_> = value
                .members()
                .filter(|(name, value)| name == "Lines" || value.text() != "[]")
                .map(|(name, value)| format!("{name}:{}", canonical(value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        Kind::Array => format!("[{}]", value.elements().map(canonical).collect::<Vec<_>>().join(",")),
        Kind::Number => {
            let digits = number::json(&number::plain(value.text()).unwrap());
            let digits = if digits.contains('.') {
                digits.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                digits
            };
            if digits == "-0" { "0".into() } else { digits }
        }
        Kind::String => format!("{:?}", value.string()),
        Kind::Boolean | Kind::Null => value.text().to_owned(),
    }
}

fn text() -> impl Strategy<Value = String> {
    "[ -~\\t\\n\\réß😀\u{2028}]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap())
}

fn quoted(pattern: &str) -> impl Strategy<Value = String> + use<> {
    proptest::string::string_regex(pattern).unwrap().prop_map(|text| format!("\"{text}\""))
}

fn list(of: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(of, least..4).prop_map(|all| format!("[{}]", all.join(" , ")))
}

/// An object of members that are there or not, the first ones always, in an order of their own.
fn object(always: usize, members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let all: Vec<_> = members
        .into_iter()
        .enumerate()
        .map(|(n, (name, value))| {
            (value, any::<bool>())
                .prop_map(move |(value, there)| (there || n < always).then(|| format!("\"{name}\" :{value}")))
        })
        .collect();
    all.prop_flat_map(|members| Just(members.into_iter().flatten().collect::<Vec<_>>()).prop_shuffle())
        .prop_map(|members| format!("{{{}}}", members.join(",\n")))
        .boxed()
}

fn part() -> BoxedStrategy<String> {
    let leaf = object(0, vec![("Name", text().boxed())]);
    leaf.prop_recursive(4, 16, 3, |part| object(0, vec![("Name", text().boxed()), ("Inner", list(part, 0).boxed())]))
        .boxed()
}

fn order() -> impl Strategy<Value = String> {
    let date = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    let time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
    let number = "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?";
    let line = object(
        1,
        vec![
            ("Sku", text().boxed()),
            ("Tags", list(text(), 0).boxed()),
            ("Marks", list(prop_oneof!["-?[1-9][0-9]{0,17}", Just("null".to_owned())], 1).boxed()),
            ("Parts", list(part(), 0).boxed()),
        ],
    );
    let place =
        object(1, vec![("City", text().boxed()), ("Kind", quoted("home|work").boxed()), ("Street", text().boxed())]);
    object(
        3,
        vec![
            ("Id", quoted("[A-Z]{2}[0-9]{4}").boxed()),
            ("Lines", list(line, 0).boxed()),
            ("Total", prop_oneof!["[0-9]\\.[0-9]{1,30}", "[1-9](\\.[0-9]{1,5})?[eE][+-]?[0-9]"].boxed()),
            ("Status", quoted("open|on hold|it's <done>").boxed()),
            ("Placed", quoted(&format!("{date}T{time}")).boxed()),
            ("Due", prop_oneof![quoted(date), Just("null".to_owned())].boxed()),
            ("At", quoted(time).boxed()),
            ("Key", quoted("[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").boxed()),
            ("Link", quoted("(https://[a-z]{1,8}\\.example)?/[a-z0-9?&=]{0,20}").boxed()),
            ("Note", "[a-zé<&]{1,40}".prop_map(|text| serde_json::to_string(&text).unwrap()).boxed()),
            ("Scan", quoted("([A-Za-z0-9+/]{4}){0,5}([A-Za-z0-9+/][AQgw]==)?").boxed()),
            ("Rush", "true|false".boxed()),
            ("Count", prop_oneof!["0|-?[1-9][0-9]{0,17}", "[1-9]e[0-9]", "[1-9]\\.0"].boxed()),
            ("Huge", "[1-9][0-9]{0,29}".boxed()),
            ("Grade", "[1-5]".boxed()),
            ("Rate", prop_oneof![number, Just("null".to_owned())].boxed()),
            ("Address", place),
            ("Root", part()),
        ],
    )
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_was(json in order()) {
        let (order, schema) = ready();
        prop_assert_eq!(order.validate_json(&json), Ok(()));
        let xml = to_xml(order, &json).unwrap();
        let root = schema.root("Order").unwrap();
        prop_assert_eq!(schema.validate(root, &xml, None), Ok(()), "{}", xml);
        prop_assert_eq!(order.validate_xml(&xml, None), Ok(()), "{}", xml);
        let back = to_json(order, &xml).unwrap();
        let (one, other) = (Json::read(&json).unwrap(), Json::read(&back).unwrap());
        prop_assert_eq!(canonical(one.root()), canonical(other.root()), "{}", xml);
    }

    #[test]
    fn any_text_is_judged(text in "\\PC{0,60}", at in 0_usize..60) {
        let (order, _) = ready();
        let _ = order.validate_json(&text);
        let _ = order.validate_xml(&text, None);
        let _ = order.validate_xml(&text, Some(&[at]));
        let _ = order.to_json(&text, &[at]);
        let _ = to_xml(order, &text);
    }

    #[test]
    fn xml_near_a_message_is_judged_alike(names in proptest::collection::vec("(<(Id|Lines|Total|Sku|Due|Marks)( xsi:nil='(1|x)')?>|</(Id|Lines|Total|Sku|Due|Marks)>|AB1234|7){0,3}", 0..6)) {
        let (order, schema) = ready();
        let xml = format!("<Order xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>{}</Order>", names.concat());
        // What the served schema takes is taken (JSON Schema says more, and the schema says an order).
        if crate::xml::content(&xml).is_ok() && schema.validate(schema.root("Order").unwrap(), &xml, None).is_ok() {
            prop_assert!(order.to_json(&xml, &[0]).is_ok(), "{}", xml);
        }
    }

    #[test]
    fn any_schema_is_read_or_refused(mutated in 0..ORDER.len(), by in "[\\[\\]{}\",:a-z0-9 ]{0,3}", length in 0_usize..12) {
        let mut text = ORDER.to_owned();
        text.replace_range(mutated..(mutated + length).min(ORDER.len()), &by);
        let _ = declared(&text, "Order", ProfileKind::JsonSchema).map(|profile| schema_of(&[&profile]));
    }
}

/// The profile, and the schema that is served for it.
fn ready() -> &'static (Profile, Schema) {
    static READY: std::sync::LazyLock<(Profile, Schema)> = std::sync::LazyLock::new(|| {
        let order = profile(ORDER, "Order");
        let text = schema_of(&[&order]);
        (order, Schema::read(&[Source { path: "served.xsd", text: &text }]).unwrap())
    });
    &READY
}
