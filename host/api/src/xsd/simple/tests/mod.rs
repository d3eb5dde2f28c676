//! Holds the types to lxml's verdicts (`cases.txt`, made by `make_cases.py`), and to the specification where libxml2 is not.

use proptest::prelude::*;

use super::*;

fn namespaces(prefix: &str) -> Option<&'static str> {
    (prefix == "p").then_some("urn:p")
}

/// A type by the notation of `make_cases.py`.
fn named(name: &str) -> Result<SimpleType, String> {
    let inside = |around: &str| name.strip_prefix(around)?.strip_suffix(')').map(str::to_owned);
    if let Some(item) = inside("list(") {
        return SimpleType::list(&named(&item)?);
    }
    if let Some(members) = inside("union(") {
        return SimpleType::union(members.split(',').map(named).collect::<Result<_, _>>()?);
    }
    SimpleType::builtin(name)
}

/// A type with facets `name=value`, or all that is wrong.
fn made(name: &str, facets: &[&str]) -> Result<SimpleType, String> {
    let mut made = named(name)?;
    for step in facets.split(|facet| *facet == "then").filter(|step| !step.is_empty()) {
        let facets: Vec<_> = step
            .iter()
            .map(|facet| facet.split_once('=').unwrap())
            .map(|(name, value)| Facet { name, value, fixed: false, namespaces: &|prefix| namespaces(prefix) })
            .collect();
        made = made
            .restrict(&facets)
            .map_err(|errors| errors.iter().map(|e| format!("{}: {}; ", e.facet, e.message)).collect::<String>())?;
    }
    Ok(made)
}

fn fault(name: &str, facets: &[&str], text: &str) -> String {
    let fault = made(name, facets).unwrap().check(text, &namespaces).unwrap_err();
    format!("{} ({})", fault.message, fault.rule)
}

fn unescaped(text: &str) -> String {
    let mut unescaped = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        unescaped.push(match (c, if c == '\\' { chars.next() } else { None }) {
            (_, Some('t')) => '\t',
            (_, Some('n')) => '\n',
            (_, Some('r')) => '\r',
            (_, Some(other)) => other,
            (c, None) => c,
        });
    }
    unescaped
}

#[test]
fn verdicts_are_those_of_lxml() {
    let table = std::env::var("AURICLE_CASES")
        .map_or_else(|_| include_str!("cases.txt").into(), |path| std::fs::read_to_string(path).unwrap());
    let mut different = Vec::new();
    for line in table.lines() {
        let columns: Vec<_> = line.split('\t').map(unescaped).collect();
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let [name, facets @ .., text, verdict] = columns.as_slice() else { panic!("{line}") };
        let (ours, why) = match made(name, facets) {
            Err(why) => ("refused", why),
            Ok(made) => match made.check(text, &namespaces) {
                Ok(_) => ("valid", String::new()),
                Err(fault) => ("invalid", fault.message),
            },
        };
        if ours != *verdict {
            different.push(format!("{line}\n    here {ours}: {why}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[test]
fn where_libxml2_is_not_the_specification_is_followed() {
    let takes = |name, facets: &[&str], text| made(name, facets).unwrap().check(text, &namespaces).is_ok();
    assert!(!takes("float", &[], "1e"));
    assert!(!takes("duration", &[], "PT.5S"));
    assert!(!takes("dateTime", &["minInclusive=2000-01-01T12:00:00Z"], "2000-01-01T13:00:00"), "the order is open");
    assert!(takes("dateTime", &["minInclusive=2000-01-01T12:00:00Z"], "2000-01-02T02:00:01"));
    assert!(takes("time", &["enumeration=00:00:00Z"], "05:00:00+05:00"));
    assert!(takes("QName", &["length=3"], "p:a"), "names have no length");
    assert!(takes("ENTITY", &[], "e"), "there is no DOCTYPE to declare one");
    assert!(made("string", &["minLength=2", "maxLength=1"]).is_err());
    assert!(made("string", &["maxLength=2", "maxLength=1"]).is_err());
    assert!(made("token", &["whiteSpace=preserve"]).is_err());
    assert!(made("NMTOKENS", &["minLength=0"]).is_err());
    assert!(made("integer", &["fractionDigits=1"]).is_err());
}

#[test]
fn faults_say_what_is_wrong_and_by_which_rule() {
    for (name, facets, text, expected) in [
        ("decimal", &[][..], "abc", "`abc` is not a decimal number (cvc-datatype-valid.1.2.1)"),
        ("byte", &[], "300", "`300` is not at most `127` (cvc-maxInclusive-valid)"),
        ("string", &["maxLength=2"], "abc", "`abc` has 3 characters, not at most 2 (cvc-maxLength-valid)"),
        ("hexBinary", &["length=2"], "00", "`00` has 1 byte, not 2 (cvc-length-valid)"),
        ("list(int)", &["minLength=2"], "7", "`7` has 1 item, not at least 2 (cvc-minLength-valid)"),
        ("string", &["pattern=a", "pattern=b"], "c", "`c` does not match the pattern `a` or `b` (cvc-pattern-valid)"),
        ("token", &["enumeration=a", "enumeration=b"], " c ", "`c` is not one of `a`, `b` (cvc-enumeration-valid)"),
        ("decimal", &["totalDigits=2"], "123", "`123` has more than 2 digits (cvc-totalDigits-valid)"),
        (
            "decimal",
            &["fractionDigits=1"],
            "0.12",
            "`0.12` has more than 1 digit after the point (cvc-fractionDigits-valid)",
        ),
        ("float", &["minExclusive=0"], "0.0", "`0.0` is not more than `0` (cvc-minExclusive-valid)"),
        ("QName", &[], "q:a", "`q:a`: the prefix stands for no namespace here (cvc-datatype-valid.1.2.1)"),
        ("list(int)", &[], "1 x", "`x` is not an integer (cvc-datatype-valid.1.2.1)"),
        (
            "union(int,boolean)",
            &[],
            "x",
            "`x` is not an integer, and `x` is not a boolean (`true`, `false`, `1` or `0`) (cvc-datatype-valid.1.2.3)",
        ),
    ] {
        assert_eq!(fault(name, facets, text), expected);
    }
    let long = fault("int", &[], &"x\n".repeat(1_000_000));
    assert!(long.len() < 120 && !long.contains('\n'), "{long}");
}

#[test]
fn schemas_are_told_all_that_is_wrong_and_where() {
    assert_eq!(
        made("decimal", &["minLength=1", "minInclusive=x", "size=3", "pattern=("]).unwrap_err(),
        "0: facet `minLength` does not apply to a decimal number; 1: `x` is not a decimal number; 2: `size` is no facet; \
         3: pattern `(`: `(` is not closed; write `\\(` for the character; "
    );
    assert_eq!(
        made("string", &["minLength=3", "maxLength=2"]).unwrap_err(),
        "1: `minLength` is more than `maxLength`; "
    );
    let fixed = Facet { name: "maxLength", value: "3", fixed: true, namespaces: &|prefix| namespaces(prefix) };
    let base = SimpleType::builtin("string").unwrap().restrict(&[fixed]).unwrap();
    let errors = base.restrict(&[Facet { value: "2", ..fixed }]).unwrap_err();
    assert_eq!(errors, [FacetError { facet: 0, message: "the base type has fixed its facet `maxLength`".into() }]);
    assert!(base.restrict(&[fixed]).is_ok());
}

#[test]
fn types_can_not_grow_without_end() {
    let int = SimpleType::builtin("int").unwrap();
    let mut doubled = int.clone();
    let error = loop {
        match SimpleType::union(vec![doubled.clone(), doubled]) {
            Ok(made) => doubled = made,
            Err(error) => break error,
        }
    };
    assert!(error.contains("1000 members"), "{error}");
    let mut restricted = int;
    let errors = loop {
        match restricted.restrict(&[]) {
            Ok(made) => restricted = made,
            Err(errors) => break errors,
        }
    };
    assert!(errors[0].message.contains("100 types"), "{errors:?}");
}

#[test]
fn values_are_equal_by_what_they_mean() {
    let equal = |name, one, other| {
        let made = named(name).unwrap();
        made.check(one, &namespaces).unwrap().into_owned() == made.check(other, &namespaces).unwrap()
    };
    assert!(equal("decimal", "1.0", "01"));
    assert!(equal("boolean", "1", "true"));
    assert!(equal("float", "NaN", "NaN"));
    assert!(equal("float", "16777216", "16777217"));
    assert!(!equal("double", "16777216", "16777217"));
    assert!(equal("dateTime", "2000-01-01T00:00:00Z", "2000-01-01T01:00:00+01:00"));
    assert!(equal("base64Binary", "AA==", "A A = ="));
    assert!(equal("list(int)", " 1  2", "01 +2"));
    assert!(!equal("string", " a", "a"));
    assert!(equal("token", " a", "a"));
    assert!(equal("union(int,string)", "1", "01 "), "both are integers");
}

#[test]
fn identifiers_are_found_in_values() {
    let ids = |name, text: &str| {
        let value = named(name).unwrap().check(text, &namespaces).unwrap().into_owned();
        value.ids().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids("ID", " a "), ["a"]);
    assert_eq!(ids("list(ID)", "a b"), ["a", "b"]);
    assert_eq!(ids("union(int,ID)", "a"), ["a"]);
    assert!(ids("union(int,ID)", "1").is_empty() && ids("NCName", "a").is_empty());
    assert!(SimpleType::builtin("ID").unwrap().restrict(&[]).unwrap().is_id());
}

proptest! {
    #[test]
    fn no_text_and_no_pattern_does_harm(text in r"[\x00-\x{10FFFF}]{0,40}|[-+:.TZPYMDHSE0-9 ]{0,40}", pattern in r"[-\[\]^()|a-c\\pPiIcCsdw{}L0-9,?*+]{0,30}") {
        let names = ["anySimpleType", "NMTOKENS", "Name", "QName", "decimal", "integer", "double", "duration", "dateTime",
            "date", "time", "gYearMonth", "gYear", "gMonthDay", "gDay", "gMonth", "hexBinary", "base64Binary", "anyURI", "union(int,date)"];
        for name in names {
            let made = named(name).unwrap();
            if let Ok(value) = made.check(&text, &namespaces) {
                prop_assert!(value.clone().into_owned() == value, "{name} {text:?}");
                let given = Facet { name: "enumeration", value: &text, fixed: false, namespaces: &|prefix| namespaces(prefix) };
                if let Ok(restricted) = made.restrict(&[given]) {
                    prop_assert!(restricted.check(&text, &namespaces).is_ok(), "{name} {text:?}");
                }
            }
        }
        let given = Facet { name: "pattern", value: &pattern, fixed: false, namespaces: &|prefix| namespaces(prefix) };
        if let Ok(made) = SimpleType::builtin("string").unwrap().restrict(&[given]) {
            let _ = made.check(&text, &namespaces);
        }
    }
}
