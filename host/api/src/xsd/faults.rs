//! What is wrong with schema documents, collected: who wrote them gets to know all of it at once.

use super::{SchemaError, Source};
use crate::parse_error::ParseError;

/// How many are told. It bounds the work, too: the place of each is counted in lines from the beginning of its document.
const TOLD: usize = 50;

/// The faults found so far.
#[derive(Debug)]
pub(super) struct Faults<'s> {
    sources: &'s [Source<'s>],
    /// With the index of the document.
    found: Vec<(usize, ParseError)>,
}

impl<'s> Faults<'s> {
    pub(super) const fn new(sources: &'s [Source<'s>]) -> Self {
        Self { sources, found: Vec::new() }
    }

    /// A fault at an offset of a document.
    pub(super) fn add(&mut self, document: usize, at: usize, message: impl Into<String>) {
        if !self.is_full() {
            let text = self.sources.get(document).map_or("", |source| source.text);
            self.found.push((document, ParseError::at(text, at, message)));
        }
    }

    /// What ended the reading of a document.
    pub(super) fn ended(&mut self, document: usize, error: ParseError) {
        self.found.push((document, error));
    }

    /// Whether as many have been found as will be told.
    pub(super) const fn is_full(&self) -> bool {
        self.found.len() >= TOLD
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the documents and their text, each once.
    pub(super) fn told(self) -> Vec<SchemaError> {
        let mut found = self.found;
        found.sort_by(|(a, x), (b, y)| (a, x.line, x.column).cmp(&(b, y.line, y.column)));
        found.dedup();
        let file = |document| self.sources.get(document).map_or("", |source: &Source<'_>| source.path);
        let told = found.into_iter().map(|(document, ParseError { line, column, message })| SchemaError {
            file: file(document).into(),
            line,
            column,
            message,
        });
        told.collect()
    }
}
