//! What is wrong with a manifest, where, and what to write instead.
//!
//! Anybody may make a [`Problem`]; only the manifest knows positions, so other crates go through
//! [`Manifest::problem`](super::Manifest::problem).

use std::fmt;
use std::path::PathBuf;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, named as the reader was asked for it.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One mistake. It is shown as `FILE:LINE:COLUMN: KEY: MESSAGE`, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; none when no file could be read.
    pub location: Option<Location>,
    /// Path of the key: `api[crm].rest[0].process`. Tables of a list go by their `name`, else by their index from 0.
    /// Empty where no key is concerned.
    pub key: String,
    /// What is wrong and what to do. Never the value of a key that can hold a password.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Everything found wrong, in the order of the files. Shown one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// Below this likeness (Jaro-Winkler, 0 to 1) a guess confuses more than it helps.
const ALIKE: f64 = 0.84;

/// The likeness that one slip of the hand is worth.
const SLIP: f64 = 0.9;

/// Shorter names are all one slip apart, and part of many others.
const TELLING: usize = 3;

/// The known name that `given` was most likely meant to be: alike when case and `_` for `-` are put aside, else a name
/// that holds it or is held by it.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('_', "-");
    let given = plain(given);
    let mut alike: Option<(f64, &str)> = None;
    let mut holds: Option<&str> = None;
    for name in known {
        let other = plain(name);
        let telling = given.len().min(other.len()) >= TELLING;
        let slip = telling && strsim::osa_distance(&given, &other) == 1;
        let likeness = strsim::jaro_winkler(&given, &other);
        let score = if slip { likeness.max(SLIP) } else { likeness };
        if score > alike.map_or(ALIKE, |(best, _)| best) {
            alike = Some((score, name));
        }
        if holds.is_none() && telling && (other.contains(&given) || given.contains(&other)) {
            holds = Some(name);
        }
    }
    alike.map(|(_, name)| name).or(holds)
}

/// Says that a name is unknown: with the nearest one, else with all of them.
pub(super) fn unknown(what: &str, given: &str, known: &[&str]) -> String {
    let given_shown = quote(given);
    match nearest(given, known.iter().copied()) {
        Some(name) => format!("unknown {what} {given_shown}: did you mean `{name}`?"),
        None => format!("unknown {what} {given_shown}: one of {}", known.join(", ")),
    }
}

/// A text of the manifest as messages show it: in backticks, on one line, at most 80 characters of it.
pub(super) fn quote(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown = String::from("`");
    shown.extend(text.chars().take(SHOWN).flat_map(escaped));
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown.push('`');
    shown
}

/// A character, or its escape where it would break the line.
pub(super) fn escaped(c: char) -> impl Iterator<Item = char> {
    let (plain, escape) = if c.is_control() { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_forgives_case_underscores_and_slips() {
        let known = ["timeout", "max-concurrent", "allow-hosts", "memory", "type"];
        assert_eq!(nearest("time-out", known), Some("timeout"));
        assert_eq!(nearest("Max_Concurrent", known), Some("max-concurrent"));
        assert_eq!(nearest("hosts", known), Some("allow-hosts"));
        assert_eq!(nearest("tipe", known), Some("type"));
        assert_eq!(nearest("got", ["put", "get"]), Some("get"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn what_is_quoted_stays_on_one_line() {
        assert_eq!(quote("a\nb"), "`a\\nb`");
        assert_eq!(quote(&"é".repeat(81)), format!("`{}...`", "é".repeat(80)));
    }
}
