//! One file of a manifest: its text, and where each of its keys stands.
//!
//! The text is kept as long as the manifest, so that a problem found much later (a package that does not load, two
//! equal routes) still names its line. Cost: the text, and one entry of a map for each key.

use std::collections::HashMap;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Location, escaped};

/// A file that was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// How messages name it.
    pub(super) shown: PathBuf,
    /// The folder its relative paths are taken from, absolute.
    pub(super) folder: PathBuf,
    text: String,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(shown: PathBuf, folder: PathBuf, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { shown, folder, text, lines }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset.
    pub(super) fn location(&self, offset: usize) -> Location {
        let line = self.line(offset);
        let start = self.start(line);
        let column = self.text.get(start..offset).map_or(offset.saturating_sub(start), |part| part.chars().count()) + 1;
        Location { file: self.shown.clone(), line, column }
    }

    /// Number of the line that an offset is on, from 1.
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// Byte offset of the start of a line.
    fn start(&self, line: usize) -> usize {
        self.lines.get(line - 1).copied().unwrap_or(0)
    }

    /// Whether the line of an offset begins with a bracket.
    fn is_header(&self, offset: usize) -> bool {
        self.text
            .get(self.start(self.line(offset))..)
            .is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with('['))
    }

    /// The key that a syntax error is about, as far as it can be told: one that begins before it on its line, else
    /// `duplicate` (a key that the parser dropped) in the table whose header is the last before it, else that table.
    /// None for a broken header: what the parser made of it is not what was meant.
    pub(super) fn key_near(&self, offset: usize, duplicate: Option<&str>, table: &DeTable<'_>) -> String {
        if duplicate.is_none() && self.is_header(offset) {
            return String::new();
        }
        let mut header: Option<(usize, String)> = None;
        let mut on_line: Option<(usize, String)> = None;
        walk(table, &mut |key, at, is_table| {
            let best = if self.line(at) == self.line(offset) {
                &mut on_line
            } else if is_table {
                &mut header
            } else {
                return;
            };
            if at <= offset && best.as_ref().is_none_or(|(before, _)| *before <= at) {
                *best = Some((at, key.to_owned()));
            }
        });
        if let Some((_, key)) = on_line {
            return key;
        }
        let header = header.map(|(_, key)| key).unwrap_or_default();
        duplicate.map_or(header.clone(), |key| member(&header, key))
    }
}

/// Where keys stand: path of the key to source and byte offset. Where a path is there twice, the first counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions(HashMap<String, (usize, usize)>);

impl Positions {
    /// Notes every key of a file.
    pub(super) fn add(&mut self, source: usize, table: &DeTable<'_>) {
        walk(table, &mut |key, at, _| {
            self.0.entry(key.to_owned()).or_insert((source, at));
        });
    }

    /// Source and offset of a key, or of the nearest table around it.
    pub(super) fn find(&self, key: &str) -> Option<(usize, usize)> {
        let mut rest = key;
        loop {
            if let Some(place) = self.0.get(rest) {
                return Some(*place);
            }
            rest = rest.get(..rest.rfind(['.', '['])?)?;
        }
    }
}

/// Visits every key with its path, the offset of its value (of a table, of its header), and whether it is a table.
fn walk(table: &DeTable<'_>, visit: &mut impl FnMut(&str, usize, bool)) {
    fn value(path: &str, spanned: &Spanned<DeValue<'_>>, visit: &mut impl FnMut(&str, usize, bool)) {
        visit(path, spanned.span().start, spanned.get_ref().is_table());
        match spanned.get_ref() {
            DeValue::Table(table) => entries(path, table, visit),
            DeValue::Array(array) => {
                for (index, item) in array.iter().enumerate() {
                    value(&element(path, index, item.get_ref()), item, visit);
                }
            }
            _ => {}
        }
    }
    fn entries(path: &str, table: &DeTable<'_>, visit: &mut impl FnMut(&str, usize, bool)) {
        for (key, item) in table {
            value(&member(path, key.get_ref()), item, visit);
        }
    }
    entries("", table, visit);
}

/// Path of a key of a table.
pub(super) fn member(path: &str, key: &str) -> String {
    let mut joined = String::with_capacity(path.len() + 1 + key.len());
    joined.push_str(path);
    if !path.is_empty() {
        joined.push('.');
    }
    joined.extend(key.chars().flat_map(escaped));
    joined
}

/// Path of an element of a list: by its `name` where it has a usable one, else by its index from 0.
pub(super) fn element(path: &str, index: usize, value: &DeValue<'_>) -> String {
    let name = value.get("name").and_then(|name| name.get_ref().as_str());
    match name.filter(|name| !name.is_empty() && !name.contains(|c: char| c.is_control() || c == '[' || c == ']')) {
        Some(name) => format!("{path}[{name}]"),
        None => format!("{path}[{index}]"),
    }
}
