//! A place in a text that moves forward: the terminal symbols of XML.

use super::MAX_NAME_BYTES;
use super::chars::{is_char, is_name_char, is_ncname, reference};
use crate::parse_error::ParseError;

/// A qualified name as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    /// Offset of its first byte.
    pub(super) at: usize,
    /// Prefix, colon and local part.
    pub(super) whole: &'a str,
    /// Empty when there is none.
    pub(super) prefix: &'a str,
    /// What follows the colon.
    pub(super) local: &'a str,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// Whether a byte of ASCII may stand in a qualified name.
const fn is_plain_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b':')
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Offset of the place in bytes.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// All of the text.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) const fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// What lies between an earlier place and this one.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Moves past a token, if it is here.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let here = self.rest().starts_with(token);
        if here {
            self.at += token.len();
        }
        here
    }

    /// Moves past all characters of a class.
    pub(super) fn take_while(&mut self, class: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.find(|c| !class(c)).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    /// Moves past white space. Tells whether there was any.
    pub(super) fn skip_space(&mut self) -> bool {
        let space = self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.at += space;
        space > 0
    }

    /// Moves up to the next occurrence of a byte of ASCII, or to the end, and gives what lies before it.
    pub(super) fn up_to(&mut self, byte: u8) -> &'a str {
        let rest = self.rest();
        let taken = memchr::memchr(byte, rest.as_bytes()).and_then(|end| rest.get(..end)).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    /// Moves past the next occurrence of a token and gives what lies before it.
    pub(super) fn until(&mut self, token: &str) -> Option<&'a str> {
        let (before, _) = self.rest().split_once(token)?;
        self.at += before.len() + token.len();
        Some(before)
    }

    /// Moves past the characters that a qualified name may have, in one look at each of them: names are mostly ASCII.
    fn name_characters(&mut self) -> &'a str {
        let rest = self.rest();
        let plain = rest.bytes().take_while(|byte| is_plain_name_byte(*byte)).count();
        if rest.as_bytes().get(plain).is_none_or(u8::is_ascii) {
            self.at += plain;
            return rest.get(..plain).unwrap_or_default();
        }
        self.take_while(|c| c == ':' || is_name_char(c))
    }

    /// Reads a qualified name.
    pub(super) fn name(&mut self, of: &str) -> Result<Name<'a>, ParseError> {
        let at = self.at;
        let whole = self.name_characters();
        if whole.len() > MAX_NAME_BYTES {
            return Err(self.error_at(at, format!("the name of {of} is longer than {MAX_NAME_BYTES} bytes")));
        }
        let (prefix, local) = whole.split_once(':').map_or(("", whole), |parts| parts);
        if is_ncname(local) && (is_ncname(prefix) || whole.len() == local.len()) {
            return Ok(Name { at, whole, prefix, local });
        }
        Err(self.error_at(
            at,
            match (whole, self.rest().chars().next()) {
                ("", Some(found)) => format!("the name of {of} was expected, and `{}` found", found.escape_default()),
                ("", None) => format!("the name of {of} was expected, and the end found"),
                _ => format!(
                    "`{whole}` is not the name of {of}: a letter or `_` begins it, and at most one `:` divides it"
                ),
            },
        ))
    }

    /// Reads `=` and a quoted value, without its quotes. Gives the offset of the value too.
    pub(super) fn equals_quoted(&mut self, name: &str) -> Result<(usize, &'a str), ParseError> {
        self.skip_space();
        if !self.eat("=") {
            return Err(self.error(format!("`{name}` needs a value: `{name}=\"...\"`")));
        }
        self.skip_space();
        let open = self.at;
        let quote = if self.eat("\"") {
            b'"'
        } else if self.eat("'") {
            b'\''
        } else {
            return Err(self.error(format!("the value of `{name}` has to stand in quotes")));
        };
        let value = self.up_to(quote);
        if self.is_done() {
            return Err(self.error_at(open, format!("the value of `{name}` never ends")));
        }
        self.at += 1;
        Ok((open + 1, value))
    }

    /// Refuses characters that XML has no place for.
    pub(super) fn check_chars(&self, at: usize, run: &str) -> Result<(), ParseError> {
        if run.bytes().all(|byte| matches!(byte, b' '..=0x7F | b'\t' | b'\r' | b'\n')) {
            return Ok(());
        }
        match run.char_indices().find(|(_, c)| !is_char(*c)) {
            None => Ok(()),
            Some((i, c)) => {
                Err(self.error_at(at + i, format!("XML has no place for the character {:#06x}", u32::from(c))))
            }
        }
    }

    /// As [`Cursor::check_chars`], and refuses references that stand for nothing.
    pub(super) fn check_text(&self, at: usize, run: &str) -> Result<(), ParseError> {
        self.check_chars(at, run)?;
        run.match_indices('&').try_for_each(|(i, _)| {
            reference(run.get(i..).unwrap_or_default()).map(drop).map_err(|message| self.error_at(at + i, message))
        })
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(self.text, at, message)
    }
}
