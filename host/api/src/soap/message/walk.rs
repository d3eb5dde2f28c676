//! Element by element through an envelope: what every part of it is read with.
//!
//! Each element that [`Walk::child`] gives has to be read to its end (by [`Walk::skip`], [`Walk::value`] or its own children)
//! before the next one can be asked for.
//!
//! Whatever reads a header, each `wsse:Password` in it is noted here: so that none is missed in a token that nobody asks for.

use std::ops::Range;

use super::{MAX_VALUE_BYTES, Refused, security};
use crate::parse_error::ParseError;
use crate::xml::{Event, Reader, What};

/// A start tag: the place it stands at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) start: usize,
}

/// Why an element is no value: what a message says after its name.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum NoValue {
    #[error("holds elements, and is text")]
    Elements,
    #[error("has more than {} bytes", MAX_VALUE_BYTES)]
    Long,
}

#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) reader: Reader<'a>,
    /// Whether passwords are noted: in the header. In a body they are the process's own.
    pub(super) in_header: bool,
    /// What the passwords noted so far are written in, ascending.
    pub(super) passwords: Vec<Range<usize>>,
    /// The open password: its depth, and where its content begins.
    password: Option<(usize, usize)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { reader: Reader::new(text), in_header: false, passwords: Vec::new(), password: None }
    }

    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        let event = self.reader.next()?;
        if self.in_header
            && let Some(event) = &event
        {
            self.note(event);
        }
        Ok(event)
    }

    /// Notes where a password begins and ends. One in another is part of that.
    fn note(&mut self, event: &Event<'_>) {
        let depth = self.reader.depth();
        match (&event.what, self.password) {
            (What::Start, None) if self.reader.element() == (security::WSSE, "Password") => {
                self.password = Some((depth, event.end));
            }
            (What::End, Some((own, start))) if depth < own => {
                self.passwords.push(start..event.start);
                self.password = None;
            }
            _ => {}
        }
    }

    /// The next element directly in the innermost open one; none at the end of that.
    pub(super) fn child(&mut self) -> Result<Option<Tag>, Box<Refused>> {
        while let Some(event) = self.next()? {
            match event.what {
                What::Start => return Ok(Some(Tag { start: event.start })),
                What::End => return Ok(None),
                What::Text(text) if is_blank(&text) => {}
                What::Text(_) => {
                    let around = self.reader.element().1;
                    return Err(
                        self.refused(event.start, format!("text can't stand between the elements of `{around}`"))
                    );
                }
            }
        }
        Ok(None)
    }

    /// Passes over what is left of the innermost open element.
    pub(super) fn skip(&mut self) -> Result<(), ParseError> {
        let depth = self.reader.depth();
        while self.reader.depth() >= depth && self.next()?.is_some() {}
        Ok(())
    }

    /// The text of the element that has just begun, with the white space around it.
    pub(super) fn value(&mut self) -> Result<Result<String, NoValue>, ParseError> {
        let depth = self.reader.depth();
        let mut text = Ok(String::new());
        while let Some(event) = self.next()? {
            match (&mut text, event.what) {
                (_, What::End) if self.reader.depth() < depth => break,
                (Ok(value), What::Text(more)) => {
                    value.push_str(&more);
                    if value.len() > MAX_VALUE_BYTES {
                        text = Err(NoValue::Long);
                    }
                }
                (Ok(_), What::Start) => text = Err(NoValue::Elements),
                _ => {}
            }
        }
        Ok(text)
    }

    /// A refusal that tells a place of the envelope.
    pub(super) fn refused(&self, at: usize, message: impl Into<String>) -> Box<Refused> {
        Refused::sender(self.reader.error_at(at, message).to_string())
    }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}
