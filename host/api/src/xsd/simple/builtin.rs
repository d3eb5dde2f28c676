//! The built-in types (section 3 of the specification), made once. Those that are derived from others are made like those
//! of a schema.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::atom::Atom;
use super::facets::Facets;
use super::moment::Kind as MomentKind;
use super::restriction::{Facet, restrict};
use super::space::WhiteSpace;
use super::{SimpleType, Variety, shown};

type Table = FxHashMap<&'static str, SimpleType>;

static TYPES: LazyLock<Table> = LazyLock::new(table);

const PRIMITIVE: [(&str, Atom); 18] = [
    ("string", Atom::Text),
    ("boolean", Atom::Boolean),
    ("decimal", Atom::Decimal),
    ("float", Atom::Float),
    ("double", Atom::Double),
    ("duration", Atom::Duration),
    ("dateTime", Atom::Moment(MomentKind::DateTime)),
    ("time", Atom::Moment(MomentKind::Time)),
    ("date", Atom::Moment(MomentKind::Date)),
    ("gYearMonth", Atom::Moment(MomentKind::YearMonth)),
    ("gYear", Atom::Moment(MomentKind::Year)),
    ("gMonthDay", Atom::Moment(MomentKind::MonthDay)),
    ("gDay", Atom::Moment(MomentKind::Day)),
    ("gMonth", Atom::Moment(MomentKind::Month)),
    ("hexBinary", Atom::Hex),
    ("base64Binary", Atom::Base64),
    ("anyURI", Atom::Uri),
    ("QName", Atom::QName),
];

/// Name, base, lexical space, facets; each after its base.
type Derived = (&'static str, &'static str, Atom, &'static [(&'static str, &'static str)]);

const DERIVED: [Derived; 22] = [
    ("normalizedString", "string", Atom::Text, &[("whiteSpace", "replace")]),
    ("token", "normalizedString", Atom::Text, &[("whiteSpace", "collapse")]),
    ("language", "token", Atom::Text, &[("pattern", "[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")]),
    ("NMTOKEN", "token", Atom::NmToken, &[]),
    ("Name", "token", Atom::Name, &[]),
    ("NCName", "Name", Atom::NcName, &[]),
    ("ID", "NCName", Atom::Id, &[]),
    ("IDREF", "NCName", Atom::NcName, &[]),
    ("ENTITY", "NCName", Atom::NcName, &[]),
    ("integer", "decimal", Atom::Integer, &[("fractionDigits", "0")]),
    ("nonPositiveInteger", "integer", Atom::Integer, &[("maxInclusive", "0")]),
    ("negativeInteger", "nonPositiveInteger", Atom::Integer, &[("maxInclusive", "-1")]),
    (
        "long",
        "integer",
        Atom::Integer,
        &[("minInclusive", "-9223372036854775808"), ("maxInclusive", "9223372036854775807")],
    ),
    ("int", "long", Atom::Integer, &[("minInclusive", "-2147483648"), ("maxInclusive", "2147483647")]),
    ("short", "int", Atom::Integer, &[("minInclusive", "-32768"), ("maxInclusive", "32767")]),
    ("byte", "short", Atom::Integer, &[("minInclusive", "-128"), ("maxInclusive", "127")]),
    ("nonNegativeInteger", "integer", Atom::Integer, &[("minInclusive", "0")]),
    ("unsignedLong", "nonNegativeInteger", Atom::Integer, &[("maxInclusive", "18446744073709551615")]),
    ("unsignedInt", "unsignedLong", Atom::Integer, &[("maxInclusive", "4294967295")]),
    ("unsignedShort", "unsignedInt", Atom::Integer, &[("maxInclusive", "65535")]),
    ("unsignedByte", "unsignedShort", Atom::Integer, &[("maxInclusive", "255")]),
    ("positiveInteger", "nonNegativeInteger", Atom::Integer, &[("minInclusive", "1")]),
];

/// Lists of at least one, by their items.
const LISTS: [(&str, &str); 3] = [("NMTOKENS", "NMTOKEN"), ("IDREFS", "IDREF"), ("ENTITIES", "ENTITY")];

pub(super) fn named(local: &str) -> Result<SimpleType, String> {
    match TYPES.get(local) {
        Some(found) => Ok(found.clone()),
        None if local == "NOTATION" => {
            Err("type `NOTATION` is not supported: notations are declared in a DOCTYPE, which messages can't have"
                .into())
        }
        None => Err(format!("XML Schema has no simple type {}", shown(local))),
    }
}

fn table() -> Table {
    let mut types = Table::default();
    let any = SimpleType::new(None, Variety::Any, Facets::new(WhiteSpace::Preserve));
    types.extend(any.ok().map(|any| ("anySimpleType", any)));
    for (name, atom) in PRIMITIVE {
        let space = if atom == Atom::Text { WhiteSpace::Preserve } else { WhiteSpace::Collapse };
        types.extend(SimpleType::new(None, Variety::Atomic(atom), Facets::new(space)).ok().map(|made| (name, made)));
    }
    for (name, base, atom, facets) in DERIVED {
        let made = types.get(base).and_then(|base| derived(base, Variety::Atomic(atom), facets));
        types.extend(made.map(|made| (name, made)));
    }
    for (name, item) in LISTS {
        let list = types.get(item).and_then(|item| SimpleType::list(item).ok());
        let made = list.and_then(|list| derived(&list, list.0.variety.clone(), &[("minLength", "1")]));
        types.extend(made.map(|made| (name, made)));
    }
    types
}

/// None if a facet contradicts the base, which no entry of the tables does (a test sees to it).
fn derived(base: &SimpleType, variety: Variety, facets: &[(&str, &str)]) -> Option<SimpleType> {
    let facets: Vec<_> = facets
        .iter()
        .map(|(name, value)| Facet { name, value, fixed: *name == "fractionDigits", namespaces: &|_| None })
        .collect();
    SimpleType::new(Some(base.clone()), variety, restrict(base, &facets).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_types_are_there() {
        let listed = PRIMITIVE.iter().map(|(name, _)| *name).chain(DERIVED.iter().map(|(name, ..)| *name));
        let listed: Vec<_> = listed.chain(LISTS.iter().map(|(name, _)| *name)).chain(["anySimpleType"]).collect();
        // 44 and `anySimpleType`, less NOTATION.
        assert_eq!(listed.len(), 44);
        for name in listed {
            assert!(named(name).is_ok(), "{name}");
        }
        assert!(named("NOTATION").unwrap_err().contains("not supported"));
        assert!(named("anyType").is_err());
    }

    #[test]
    fn they_derive_from_one_another() {
        let derives = |one, other| named(one).unwrap().is_derived_from(&named(other).unwrap());
        assert!(derives("byte", "decimal"));
        assert!(derives("ID", "string"));
        assert!(derives("NMTOKENS", "anySimpleType"));
        assert!(derives("string", "string"));
        assert!(!derives("decimal", "integer"));
        assert!(!derives("anySimpleType", "string"));
        assert!(!derives("NMTOKENS", "NMTOKEN"));
    }
}
