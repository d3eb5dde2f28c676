//! Reads TOML tables key by key and notes every mistake instead of stopping at the first.
//!
//! serde would stop there, and says little of what was meant. Here a [`Table`] is asked for its keys one after the
//! other; what was not asked for is unknown ([`Table::finish`]). A getter that finds a mistake notes it and gives `None`,
//! the same as for an absent key: the caller goes on with the default, and the manifest is refused in the end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Location, Problem, nearest, quote, unknown};
use super::source::{Source, element, member};

/// What has been found so far in all files.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: RefCell<Vec<Problem>>,
    /// What is named, by its kind (`process`, `connection`, `api`, `profile`): name to the place of its declaration.
    names: RefCell<HashMap<&'static str, HashMap<String, Location>>>,
    /// What refers to a name: resolved once all files are read.
    references: RefCell<Vec<Reference>>,
    /// Files whose text was taken in, absolute.
    files: RefCell<Vec<PathBuf>>,
}

#[derive(Debug)]
struct Reference {
    kind: &'static str,
    name: String,
    location: Location,
    key: String,
}

impl Findings {
    pub(super) fn add(&self, location: Option<Location>, key: &str, message: impl Into<String>) {
        self.problems.borrow_mut().push(Problem { location, key: key.to_owned(), message: message.into() });
    }

    /// Notes every reference to a name that nothing has.
    pub(super) fn resolve(&self) {
        let names = self.names.borrow();
        for reference in self.references.take() {
            let Reference { kind, name, location, key } = reference;
            let known = names.get(kind);
            if known.is_some_and(|known| known.contains_key(&name)) {
                continue;
            }
            let mut all: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            all.sort_unstable();
            let hint = match nearest(&name, all.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("declare it with [[{kind}]]"),
            };
            self.add(Some(location), &key, format!("no {kind} is named {}: {hint}", quote(&name)));
        }
    }

    /// Notes a file whose text was taken in, or should have been.
    pub(super) fn took_in(&self, file: PathBuf) {
        let mut files = self.files.borrow_mut();
        if !files.contains(&file) {
            files.push(file);
        }
    }

    /// The files that were taken in, each once.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.files.take()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// The file that is being read, and where to note what is wrong.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) source: &'a Source,
    pub(super) findings: &'a Findings,
}

/// A table, and the keys it has been asked for.
pub(super) struct Table<'a> {
    scope: Scope<'a>,
    key: String,
    offset: usize,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
    later: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn root(scope: Scope<'a>, entries: &'a DeTable<'a>) -> Self {
        Self { scope, key: String::new(), offset: 0, entries, known: Vec::new(), later: Vec::new() }
    }

    pub(super) fn scope(&self) -> Scope<'a> {
        self.scope
    }

    /// The value of a key.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let value = self.entries.get(key)?;
        Some(Value { scope: self.scope, key: member(&self.key, key), value })
    }

    /// The value of a key that has to be there.
    pub(super) fn require(&mut self, key: &'static str, example: &str) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() {
            self.problem(format!("`{key}` is missing: write for example `{key} = {example}`"));
        }
        value
    }

    /// A key that a later version will have.
    pub(super) fn later(&mut self, key: &'static str) {
        self.later.push(key);
        if let Some((name, value)) = self.entries.get_key_value(key) {
            let at = if is_table(value.get_ref()) { value.span().start } else { name.span().start };
            let location = self.scope.source.location(at);
            self.scope.findings.add(
                Some(location),
                &member(&self.key, key),
                format!("`{key}` is not in this version: take it out"),
            );
        }
    }

    /// Text, read by `parse`.
    pub(super) fn parse<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.get(key)?.parse(parse)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.get(key)?.flag()
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        self.get(key)?.number(&range)
    }

    /// A list of texts, each read by `parse`.
    pub(super) fn list<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        Some(self.get(key)?.elements()?.iter().filter_map(|value| value.parse(&parse)).collect())
    }

    /// Tables written with two brackets each: `[[process]]`. One with a single bracket is read all the same, so that
    /// what refers to it is not called wrong.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        if value.value.get_ref().is_array() {
            return value.elements().unwrap_or_default().into_iter().filter_map(|value| value.table()).collect();
        }
        value.problem(format!("write it with two brackets: [[{}]]", plain_path(&value.key)));
        value.is_table().then(|| value.table()).flatten().into_iter().collect()
    }

    /// A table written with one bracket: `[server]`.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        let value = self.get(key)?;
        if !value.value.get_ref().is_array() {
            return value.table();
        }
        value.problem(format!("there is one only: write it with one bracket: [{}]", plain_path(&value.key)));
        value.elements()?.into_iter().find(Value::is_table)?.table()
    }

    /// A problem with the table itself.
    pub(super) fn problem(&self, message: impl Into<String>) {
        let location = self.scope.source.location(self.offset);
        self.scope.findings.add(Some(location), &self.key, message);
    }

    /// Notes the keys that were not asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.entries {
            let name: &str = key.get_ref();
            if self.known.contains(&name) || self.later.contains(&name) {
                continue;
            }
            let location = self.scope.source.location(key.span().start);
            let message = unknown("key", name, &self.known);
            self.scope.findings.add(Some(location), &member(&self.key, name), message);
        }
    }
}

/// A value, with the path that leads to it.
pub(super) struct Value<'a> {
    scope: Scope<'a>,
    key: String,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(super) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// The path that leads to it.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn scope(&self) -> Scope<'a> {
        self.scope
    }

    /// Text, read by `parse`.
    pub(super) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text()?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(message);
                None
            }
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        let text = self.value.get_ref().as_str();
        if text.is_none() {
            self.mismatch("text in quotes");
        }
        text
    }

    pub(super) fn flag(&self) -> Option<bool> {
        let flag = self.value.get_ref().as_bool();
        if flag.is_none() {
            self.mismatch("true or false, without quotes");
        }
        flag
    }

    /// A whole number within a range.
    pub(super) fn number(&self, range: &RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(digits) = self.value.get_ref() else {
            self.mismatch("a whole number without quotes");
            return None;
        };
        let (text, radix) = (digits.as_str(), digits.radix());
        let number = u32::from_str_radix(text, radix).ok().filter(|number| range.contains(number));
        if number.is_none() {
            // After a `_` the parser takes whatever follows for a part of the number, and `0x` alone for a whole one.
            let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
            let is_whole = !unsigned.is_empty() && unsigned.chars().all(|c| c.is_digit(radix));
            let why = if is_whole { "is out of range" } else { "is no whole number" };
            self.problem(format!("{} {why}: {} to {}", quote(&digits.to_string()), range.start(), range.end()));
        }
        number
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<Vec<Value<'a>>> {
        let DeValue::Array(array) = self.value.get_ref() else {
            self.mismatch("a list in brackets");
            return None;
        };
        let of = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| Value {
            scope: self.scope,
            key: element(&self.key, index, value.get_ref()),
            value,
        };
        Some(array.iter().enumerate().map(of).collect())
    }

    /// The entries of a table whose keys are the user's own.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Value<'a>)>> {
        let table = self.table()?;
        let of = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a std::borrow::Cow<'a, str> = Spanned::get_ref(key);
            (name.as_ref(), Value { scope: self.scope, key: member(&self.key, name), value })
        };
        Some(table.entries.iter().map(of).collect())
    }

    /// A table whose keys are asked for.
    pub(super) fn table(&self) -> Option<Table<'a>> {
        let DeValue::Table(entries) = self.value.get_ref() else {
            self.mismatch("a table");
            return None;
        };
        Some(Table {
            scope: self.scope,
            key: self.key.clone(),
            offset: self.value.span().start,
            entries,
            known: Vec::new(),
            later: Vec::new(),
        })
    }

    /// Makes the text the name of something of this kind: no two may have one.
    pub(super) fn define(&self, kind: &'static str, name: &str) {
        let here = self.location();
        let mut names = self.scope.findings.names.borrow_mut();
        let known = names.entry(kind).or_default();
        if let Some(there) = known.get(name) {
            self.problem(format!("{} names another {kind} already, at {there}", quote(name)));
        } else {
            known.insert(name.to_owned(), here);
        }
    }

    /// Has it checked, when all is read, that something of this kind has the name.
    pub(super) fn refer(&self, kind: &'static str, name: &str) {
        let reference = Reference { kind, name: name.to_owned(), location: self.location(), key: self.key.clone() };
        self.scope.findings.references.borrow_mut().push(reference);
    }

    pub(super) fn location(&self) -> Location {
        self.scope.source.location(self.value.span().start)
    }

    pub(super) fn problem(&self, message: impl Into<String>) {
        self.scope.findings.add(Some(self.location()), &self.key, message);
    }

    /// Says what kind of value was expected. Never the value itself: it may be a secret in the wrong place.
    pub(super) fn mismatch(&self, expected: &str) {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(format!("expected {expected}, found {found}"));
    }
}

/// Whether a value is what a header in brackets opens.
fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(array) => array.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    }
}

/// A path as it stands in a header: without what is in brackets.
fn plain_path(key: &str) -> String {
    let mut plain = String::with_capacity(key.len());
    let mut inside = false;
    for c in key.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    plain
}
