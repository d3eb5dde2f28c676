//! The counts that are kept in a file, and how others compare with them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Counts may rise by so many percent. What the counts themselves vary by is far below (`docs/performance.md`).
const TOLERANCE: f64 = 10.0;

/// The kind of machine that the counts are of.
pub(crate) const MACHINE: (&str, &str) = ("linux", "x86_64");

const HEADER: &str = "# Instructions of one execution, counted by tests/count; docs/performance.md says what each of them is.\n\
    # Written by `target/release/auricle-count --bless`.\n\n";

/// Counts by name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) instructions: BTreeMap<String, u64>,
}

/// How the new counts compare with those that are kept.
pub(crate) struct Comparison(Vec<Row>);

struct Row {
    name: String,
    old: Option<u64>,
    new: Option<u64>,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Same,
    Risen,
    Fallen,
    /// Counted and not kept.
    Unknown,
    /// Kept and not counted.
    Gone,
}

impl Kept {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("{} (run this in the workspace's folder, or give --expected)", file.display()))?;
        toml::from_str(&text).with_context(|| file.display().to_string())
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        fs::write(file, HEADER.to_owned() + &toml::to_string(self)?).with_context(|| file.display().to_string())
    }

    /// Compares those whose name has `only` in it.
    pub(crate) fn compare(&self, new: &BTreeMap<String, u64>, only: &str) -> Comparison {
        let kept = self.instructions.keys().filter(|name| name.contains(only));
        let mut names: Vec<&String> = kept.chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let row = |name: &String| Row {
            name: name.clone(),
            old: self.instructions.get(name).copied(),
            new: new.get(name).copied(),
        };
        Comparison(names.into_iter().map(row).collect())
    }
}

impl Row {
    fn percent(&self) -> Option<f64> {
        let (old, new) = (self.old? as f64, self.new? as f64);
        Some((new - old) / old * 100.0)
    }

    fn verdict(&self) -> Verdict {
        match (self.old, self.percent()) {
            (None, _) => Verdict::Unknown,
            (_, None) => Verdict::Gone,
            (_, Some(percent)) if percent > TOLERANCE => Verdict::Risen,
            (_, Some(percent)) if percent < -TOLERANCE => Verdict::Fallen,
            _ => Verdict::Same,
        }
    }
}

impl Comparison {
    /// Whether nothing has risen, and all that is counted is kept.
    pub(crate) fn is_good(&self) -> bool {
        self.0.iter().all(|row| matches!(row.verdict(), Verdict::Same | Verdict::Fallen))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        writeln!(f, "{:<28} {:>12} {:>12}", "instructions of one", "kept", "now")?;
        for row in &self.0 {
            let percent = row.percent().map(|percent| format!("{percent:+.1} %")).unwrap_or_default();
            let note = match row.verdict() {
                Verdict::Same => "",
                Verdict::Risen => "  RISEN: make it cheaper, or bless it and say why",
                Verdict::Fallen => "  fallen: bless it, so that it stays there",
                Verdict::Unknown => "  NOT KEPT: bless it",
                Verdict::Gone => "  NOT COUNTED ANY MORE: bless the rest",
            };
            writeln!(f, "{:<28} {:>12} {:>12} {percent:>9}{note}", row.name, number(row.old), number(row.new))?;
        }
        if self.0.iter().any(|row| row.verdict() != Verdict::Same) {
            writeln!(f, "\nto bless: target/release/auricle-count --bless, and commit tests/count/expected.toml")?;
        }
        Ok(())
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instructions.iter().try_for_each(|(name, count)| writeln!(f, "{name:<28} {count:>12}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn verdict(old: u64, new: u64) -> (bool, String) {
        let comparison = Kept { instructions: counts(&[("a", old)]) }.compare(&counts(&[("a", new)]), "");
        (comparison.is_good(), comparison.to_string())
    }

    #[test]
    fn a_rise_of_more_than_a_tenth_is_bad_and_a_fall_is_told() {
        assert!(verdict(1000, 1100).0 && !verdict(1000, 1100).1.contains("bless"));
        let (good, told) = verdict(1000, 1101);
        assert!(!good && told.contains("RISEN") && told.contains("+10.1 %") && told.contains("--bless"), "{told}");
        let (good, told) = verdict(1000, 899);
        assert!(good && told.contains("fallen") && told.contains("--bless"), "{told}");
    }

    #[test]
    fn what_is_counted_and_what_is_kept_have_to_be_the_same() {
        let kept = Kept { instructions: counts(&[("a/one", 1), ("b/two", 2)]) };
        assert!(kept.compare(&counts(&[("a/one", 1), ("b/two", 2)]), "").is_good());
        assert!(!kept.compare(&counts(&[("a/one", 1)]), "").is_good());
        assert!(kept.compare(&counts(&[("a/one", 1)]), "a/").is_good());
        assert!(!kept.compare(&counts(&[("a/one", 1), ("b/two", 2), ("c", 3)]), "").is_good());
    }
}
