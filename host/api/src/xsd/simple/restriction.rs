//! Restriction: reads facets and holds them to the rules of the specification (section 4.3). A facet that does not apply
//! to a type, contradicts another or allows what the base does not is an error when the schema is read.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::atom::Atom;
use super::decimal::are_digits;
use super::facets::{Bound, Enumeration, Facets};
use super::pattern::{Pattern, translate};
use super::space::{SPACE, WhiteSpace};
use super::{Namespaces, SimpleType, Variety, shown};

/// The facets that there are.
pub(super) const NAMES: [&str; 12] = [
    "length",
    "minLength",
    "maxLength",
    "pattern",
    "enumeration",
    "whiteSpace",
    "minInclusive",
    "minExclusive",
    "maxInclusive",
    "maxExclusive",
    "totalDigits",
    "fractionDigits",
];

const LOWER: [&str; 2] = ["minInclusive", "minExclusive"];
const UPPER: [&str; 2] = ["maxInclusive", "maxExclusive"];

/// A facet as a schema has it: `<xs:maxLength value="3" fixed="true"/>`.
#[derive(Clone, Copy)]
pub(crate) struct Facet<'a> {
    /// Local name of its element. [`SimpleType::is_facet`] knows which there are.
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) fixed: bool,
    /// In force at its element: an enumeration of names needs them.
    pub(crate) namespaces: &'a Namespaces<'a>,
}

/// What is wrong with a facet of a restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FacetError {
    /// Its index among the facets that were given.
    pub(crate) facet: usize,
    pub(crate) message: String,
}

/// The facets of a base with others on top, or all that is wrong with those.
pub(super) fn restrict(base: &SimpleType, given: &[Facet<'_>]) -> Result<Facets, Vec<FacetError>> {
    let at = |facet: usize, message: String| FacetError { facet, message };
    if matches!(base.0.variety, Variety::Any) {
        return Err(vec![at(0, "`anySimpleType` can't be restricted".into())]);
    }
    let mut restriction = Restriction {
        base,
        facets: base.0.facets.clone(),
        given: FxHashMap::default(),
        patterns: Vec::new(),
        enumeration: Enumeration::default(),
    };
    let mut errors = Vec::new();
    for (index, facet) in given.iter().enumerate() {
        if let Err(message) = restriction.take(index, facet) {
            errors.push(at(index, message));
        }
    }
    if errors.is_empty() {
        errors = restriction.contradictions();
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let pattern = restriction.last_of(&["pattern"]);
    restriction.finish().map_err(|message| vec![at(pattern, message)])
}

/// A restriction that is being read.
struct Restriction<'b, 'f> {
    base: &'b SimpleType,
    facets: Facets,
    /// Which facets there have been, and where.
    given: FxHashMap<&'static str, usize>,
    /// Translated, and as written.
    patterns: Vec<(String, &'f str)>,
    enumeration: Enumeration,
}

impl<'f> Restriction<'_, 'f> {
    fn take(&mut self, index: usize, facet: &Facet<'f>) -> Result<(), String> {
        let Some(name) = NAMES.into_iter().find(|name| *name == facet.name) else {
            return Err(format!("`{}` is no facet", facet.name));
        };
        if !applies(name, &self.base.0.variety) {
            return Err(format!("facet `{name}` does not apply to {}", described(&self.base.0.variety)));
        }
        if self.given.insert(name, index).is_some() && !matches!(name, "pattern" | "enumeration") {
            return Err(format!("facet `{name}` is there twice"));
        }
        let base = &self.base.0.facets;
        let value = facet.value;
        match name {
            "pattern" => {
                let translated = translate(value).map_err(|e| format!("pattern {}: {e}", shown(value)))?;
                self.patterns.push((translated, value));
            }
            "enumeration" => {
                let read = self.base.check(value, facet.namespaces).map_err(|fault| fault.message)?;
                self.enumeration.add(read.into_owned(), value);
            }
            "whiteSpace" => {
                let space = WhiteSpace::named(value.trim_matches(SPACE))
                    .ok_or_else(|| format!("{} is not `preserve`, `replace` or `collapse`", shown(value)))?;
                self.facets.white_space =
                    self.tighter(name, space, Some(base.white_space), space < base.white_space)?;
            }
            "length" => self.facets.length = self.limit(facet, base.length, |new, old| new != old)?,
            "minLength" => self.facets.min_length = self.limit(facet, base.min_length, |new, old| new < old)?,
            "maxLength" => self.facets.max_length = self.limit(facet, base.max_length, |new, old| new > old)?,
            "totalDigits" => self.facets.total_digits = self.limit(facet, base.total_digits, |new, old| new > old)?,
            "fractionDigits" => {
                self.facets.fraction_digits = self.limit(facet, base.fraction_digits, |new, old| new > old)?;
            }
            _ => {
                let bound = self.bound(name, facet)?;
                if name.starts_with("min") { self.facets.min = Some(bound) } else { self.facets.max = Some(bound) }
            }
        }
        if facet.fixed {
            self.facets.fixed.push(name);
        }
        Ok(())
    }

    /// Reads a facet that is a number.
    fn limit(
        &self,
        facet: &Facet<'_>,
        old: Option<u64>,
        is_looser: fn(u64, u64) -> bool,
    ) -> Result<Option<u64>, String> {
        let new = count(facet.value)?;
        if new == 0 && facet.name == "totalDigits" {
            return Err("`totalDigits` has to be 1 or more".into());
        }
        self.tighter(facet.name, new, old, old.is_some_and(|old| is_looser(new, old))).map(Some)
    }

    /// The new value of a facet, unless the base forbids it.
    fn tighter<T: PartialEq>(&self, name: &str, new: T, old: Option<T>, looser: bool) -> Result<T, String> {
        if looser {
            return Err(format!("facet `{name}` allows what the base type does not"));
        }
        if self.base.0.facets.fixed.contains(&name) && old.is_some_and(|old| old != new) {
            return Err(format!("the base type has fixed its facet `{name}`"));
        }
        Ok(new)
    }

    /// Reads an end of a range, which has to lie within that of the base.
    fn bound(&self, name: &str, facet: &Facet<'_>) -> Result<Bound, String> {
        let (Variety::Atomic(atom), base) = (&self.base.0.variety, &self.base.0.facets) else {
            return Err(format!("facet `{name}` does not apply to {}", described(&self.base.0.variety)));
        };
        let text = base.white_space.apply(facet.value);
        let value = atom.read(&text, facet.namespaces).map_err(|fault| fault.message)?.into_owned();
        let inclusive = name.ends_with("Inclusive");
        let (old, outside) =
            if name.starts_with("min") { (&base.min, Ordering::Less) } else { (&base.max, Ordering::Greater) };
        let looser = old.as_ref().is_some_and(|old| match value.order(&old.value) {
            Some(Ordering::Equal) => inclusive && !old.inclusive,
            order => order.is_none_or(|order| order == outside),
        });
        let old = old.as_ref().map(|old| (&old.value, old.inclusive));
        self.tighter(name, (&value, inclusive), old, looser)?;
        Ok(Bound { written: text.as_ref().into(), inclusive, value })
    }

    /// What the facets say against one another.
    fn contradictions(&self) -> Vec<FacetError> {
        let (Facets { length, min_length, max_length, .. }, base) = (&self.facets, &self.base.0.facets);
        // A length goes with an end of its range only where a base type has that end.
        let beside_length = |new: &Option<u64>, old| length.is_some() && new.is_some() && *new != old;
        let both = |names: [&str; 2]| names.iter().all(|name| self.given.contains_key(name));
        let exceeds = |one: &Option<u64>, other: &Option<u64>| one.zip(*other).is_some_and(|(one, other)| one > other);
        let no_range = self.facets.min.as_ref().zip(self.facets.max.as_ref()).is_some_and(|(min, max)| {
            match min.value.order(&max.value) {
                Some(Ordering::Equal) => min.inclusive != max.inclusive,
                order => order == Some(Ordering::Greater),
            }
        });
        let contradictions: [(bool, &[&str], &str); 9] = [
            (
                beside_length(min_length, base.min_length),
                &["length", "minLength"],
                "`length` and `minLength` exclude one another",
            ),
            (
                beside_length(max_length, base.max_length),
                &["length", "maxLength"],
                "`length` and `maxLength` exclude one another",
            ),
            (exceeds(min_length, length), &["length", "minLength"], "`minLength` is more than `length`"),
            (exceeds(length, max_length), &["length", "maxLength"], "`length` is more than `maxLength`"),
            (exceeds(min_length, max_length), &["minLength", "maxLength"], "`minLength` is more than `maxLength`"),
            (
                exceeds(&self.facets.fraction_digits, &self.facets.total_digits),
                &["fractionDigits", "totalDigits"],
                "`fractionDigits` is more than `totalDigits`",
            ),
            (both(LOWER), &LOWER, "a range begins with `minInclusive` or `minExclusive`, not both"),
            (both(UPPER), &UPPER, "a range ends with `maxInclusive` or `maxExclusive`, not both"),
            (no_range, [LOWER, UPPER].as_flattened(), "the range has no values: it ends before it begins"),
        ];
        let found = contradictions.into_iter().filter(|(found, ..)| *found);
        found.map(|(_, names, message)| FacetError { facet: self.last_of(names), message: message.into() }).collect()
    }

    /// Where the last of the facets of these names is that the restriction has.
    fn last_of(&self, names: &[&str]) -> usize {
        names.iter().filter_map(|name| self.given.get(name)).max().copied().unwrap_or(0)
    }

    fn finish(mut self) -> Result<Facets, String> {
        if !self.patterns.is_empty() {
            self.facets.patterns.push(Arc::new(Pattern::compile(self.patterns)?));
        }
        // Its values are values of the base, so that those of the base need no second look.
        if self.given.contains_key("enumeration") {
            self.facets.enumeration = Some(Arc::new(self.enumeration));
        }
        Ok(self.facets)
    }
}

/// Whether a facet says something about values made up like this (section 4.1.5 of the specification).
fn applies(name: &str, variety: &Variety) -> bool {
    let (number, ordered, counted, boolean) = match variety {
        Variety::Any | Variety::Union(_) => return matches!(name, "pattern" | "enumeration"),
        Variety::List(_) => (false, false, true, false),
        Variety::Atomic(atom) => match atom {
            Atom::Decimal | Atom::Integer => (true, true, false, false),
            Atom::Float | Atom::Double | Atom::Duration | Atom::Moment(_) => (false, true, false, false),
            Atom::Boolean => (false, false, false, true),
            Atom::Text | Atom::NmToken | Atom::Name | Atom::NcName | Atom::Id => (false, false, true, false),
            Atom::Uri | Atom::Hex | Atom::Base64 | Atom::QName => (false, false, true, false),
        },
    };
    match name {
        "length" | "minLength" | "maxLength" => counted,
        "minInclusive" | "minExclusive" | "maxInclusive" | "maxExclusive" => ordered,
        "totalDigits" | "fractionDigits" => number,
        "enumeration" => !boolean,
        _ => true,
    }
}

fn described(variety: &Variety) -> &'static str {
    match variety {
        Variety::Any => "any simple type",
        Variety::Atomic(atom) => atom.description(),
        Variety::List(_) => "a list",
        Variety::Union(_) => "a union",
    }
}

/// A number of characters, bytes, items or digits. One that no computer can count to is the most that there is.
fn count(value: &str) -> Result<u64, String> {
    let text = value.trim_matches(SPACE);
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !are_digits(digits) {
        return Err(format!("{} is not a number of 0 or more", shown(value)));
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}
