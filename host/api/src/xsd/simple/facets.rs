//! The facets that hold for a type, with those it inherits, and the check of a value against them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::pattern::Pattern;
use super::space::WhiteSpace;
use super::value::{Kind, Value};
use super::{Fault, shown};

/// The facets of a type. What a restriction says replaces what its base says, but for patterns, which hold all.
#[derive(Debug, Clone)]
pub(super) struct Facets {
    pub(super) white_space: WhiteSpace,
    pub(super) length: Option<u64>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) total_digits: Option<u64>,
    pub(super) fraction_digits: Option<u64>,
    pub(super) min: Option<Bound>,
    pub(super) max: Option<Bound>,
    pub(super) enumeration: Option<Arc<Enumeration>>,
    pub(super) patterns: Vec<Arc<Pattern>>,
    /// The names of those that a restriction can't change any more.
    pub(super) fixed: Vec<&'static str>,
}

/// An end of a range.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) value: Value<'static>,
    pub(super) inclusive: bool,
    /// As the schema has it.
    pub(super) written: Arc<str>,
}

/// The values that there are.
#[derive(Debug, Default)]
pub(super) struct Enumeration {
    /// Those that are texts: lists of codes can be long.
    texts: FxHashSet<Box<str>>,
    others: Vec<Value<'static>>,
    written: Vec<String>,
}

impl Facets {
    pub(super) const fn new(white_space: WhiteSpace) -> Self {
        Self {
            white_space,
            length: None,
            min_length: None,
            max_length: None,
            total_digits: None,
            fraction_digits: None,
            min: None,
            max: None,
            enumeration: None,
            patterns: Vec::new(),
            fixed: Vec::new(),
        }
    }

    /// Checks a value, and the text that it was read from once white space has been treated.
    pub(super) fn check<'t>(&self, value: &Value<'_>, text: impl Fn() -> Cow<'t, str>) -> Result<(), Fault> {
        let fault = |rule, message: String| Err(Fault { rule, message: format!("{} {message}", shown(&text())) });
        if !self.patterns.is_empty() {
            let text = text();
            if let Some(pattern) = self.patterns.iter().find(|pattern| !pattern.matches(&text)) {
                let patterns = listed(pattern.written(), " or ");
                return fault("cvc-pattern-valid", format!("does not match the pattern {patterns}"));
            }
        }
        if let Some((length, unit)) = value.length()
            && let Some((rule, asked)) = self.wrong_length(length)
        {
            return fault(rule, format!("has {}, not {asked}", counted(length, unit)));
        }
        if let Some(enumeration) = self.enumeration.as_ref().filter(|enumeration| !enumeration.has(value)) {
            return fault("cvc-enumeration-valid", format!("is not one of {}", listed(&enumeration.written, ", ")));
        }
        for (bound, within) in [(&self.min, Ordering::Greater), (&self.max, Ordering::Less)] {
            if let Some(bound) = bound.as_ref().filter(|bound| !bound.admits(value, within)) {
                let (rule, relation) = match (within, bound.inclusive) {
                    (Ordering::Greater, true) => ("cvc-minInclusive-valid", "at least"),
                    (Ordering::Greater, false) => ("cvc-minExclusive-valid", "more than"),
                    (_, true) => ("cvc-maxInclusive-valid", "at most"),
                    (_, false) => ("cvc-maxExclusive-valid", "less than"),
                };
                return fault(rule, format!("is not {relation} `{}`", bound.written));
            }
        }
        if let Kind::Decimal(number) = &value.0 {
            if let Some(most) = self.total_digits.filter(|most| number.digits() > *most) {
                return fault("cvc-totalDigits-valid", format!("has more than {}", counted(most, "digit")));
            }
            if let Some(most) = self.fraction_digits.filter(|most| number.fraction_digits() > *most) {
                return fault(
                    "cvc-fractionDigits-valid",
                    format!("has more than {} after the point", counted(most, "digit")),
                );
            }
        }
        Ok(())
    }

    /// The rule that a length breaks, and what it asks for.
    fn wrong_length(&self, length: u64) -> Option<(&'static str, String)> {
        if let Some(exact) = self.length.filter(|exact| length != *exact) {
            return Some(("cvc-length-valid", exact.to_string()));
        }
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Some(("cvc-minLength-valid", format!("at least {least}")));
        }
        let most = self.max_length.filter(|most| length > *most)?;
        Some(("cvc-maxLength-valid", format!("at most {most}")))
    }
}

impl Bound {
    /// Whether a value lies on that side of it, or on it where that counts. It does not where the order is unknown.
    fn admits(&self, value: &Value<'_>, within: Ordering) -> bool {
        value.order(&self.value).is_some_and(|order| order == within || (self.inclusive && order.is_eq()))
    }
}

impl Enumeration {
    pub(super) fn add(&mut self, value: Value<'static>, written: &str) {
        match value.text() {
            Some(text) => {
                self.texts.insert(text.into());
            }
            None => self.others.push(value),
        }
        self.written.push(written.to_owned());
    }

    fn has(&self, value: &Value<'_>) -> bool {
        value.text().map_or_else(|| self.others.contains(value), |text| self.texts.contains(text))
    }
}

fn counted(count: u64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The first few of many.
fn listed(texts: &[String], between: &str) -> String {
    const MOST: usize = 6;
    let first: Vec<_> = texts.iter().take(MOST).map(|text| shown(text)).collect();
    let more = texts.len().saturating_sub(MOST);
    format!("{}{}", first.join(between), if more == 0 { String::new() } else { format!(" and {more} more") })
}
