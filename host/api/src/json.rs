//! JSON lists: taking them apart into documents, and checking that a document may stand in one.
//!
//! A document is the exact text of its element: numbers, key order and duplicate keys pass untouched. Time is linear;
//! the reader keeps no value and does not recurse, so that nesting is limited by the size of the body alone.

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::parse_error::ParseError;

/// Why a list could not be taken apart.
#[derive(Debug)]
pub(crate) enum SplitError {
    /// It is not JSON.
    Parse(ParseError),
    /// It is JSON, but this instead of an array or an object.
    Scalar(&'static str),
    /// More documents than allowed.
    Count,
}

/// The elements of an array, or the one object, as they are written.
pub(crate) fn split(text: &str, most: usize) -> Result<Vec<&str>, SplitError> {
    if !is_array(text) {
        let one = value(text).map_err(SplitError::Parse)?;
        return match one.bytes().next() {
            Some(b'{') => Ok(vec![one]),
            Some(b'"') => Err(SplitError::Scalar("a string")),
            Some(b't' | b'f') => Err(SplitError::Scalar("a boolean")),
            Some(b'n') => Err(SplitError::Scalar("null")),
            _ => Err(SplitError::Scalar("a number")),
        };
    }
    let mut elements = Elements { found: Vec::new(), most, over: false };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = (&mut elements).deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        _ if elements.over => Err(SplitError::Count),
        Err(e) => Err(SplitError::Parse(place(text, &e))),
        Ok(()) => Ok(elements.found),
    }
}

/// The text of the one JSON value in a text, without the white space around it.
pub(crate) fn value(text: &str) -> Result<&str, ParseError> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get).map_err(|e| place(text, &e))
}

fn is_array(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[')
}

struct Elements<'a> {
    found: Vec<&'a str>,
    most: usize,
    over: bool,
}

impl<'a> DeserializeSeed<'a> for &mut Elements<'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for &mut Elements<'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element::<&RawValue>()? {
            if self.found.len() >= self.most {
                self.over = true;
                return Err(A::Error::custom("too many elements"));
            }
            self.found.push(element.get());
        }
        Ok(())
    }
}

/// Where and what a JSON error is; the reader counts columns in bytes, people in characters.
fn place(text: &str, error: &serde_json::Error) -> ParseError {
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let column = line.char_indices().take_while(|(i, _)| *i < error.column()).count().max(1);
    let mut message = error.to_string();
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    ParseError { line: error.line().max(1), column, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_as_written() {
        let list = " [ 1.50e+3 , {\"b\": 1,\n \"a\":1, \"a\":2} ,\"\\u00e9\",12345678901234567890123 , [ ] ,null]\n";
        let expected =
            ["1.50e+3", "{\"b\": 1,\n \"a\":1, \"a\":2}", "\"\\u00e9\"", "12345678901234567890123", "[ ]", "null"];
        assert_eq!(split(list, 100).unwrap(), expected);
        assert_eq!(split(" { } ", 1).unwrap(), ["{ }"]);
        assert_eq!(split("[]", 0).unwrap(), Vec::<&str>::new());
        assert!(matches!(split("[1,2,3]", 2), Err(SplitError::Count)));
    }

    #[test]
    fn errors_tell_the_place() {
        for (list, expected) in [
            ("", "line 1, column 1: EOF while parsing a value"),
            ("[1,\n2", "line 2, column 1: EOF while parsing a list"),
            ("[1,]", "line 1, column 4: trailing comma"),
            ("[\"é\",x]", "line 1, column 6: expected value"),
            ("[1] 2", "line 1, column 5: trailing characters"),
            ("{\"a\":1}}", "line 1, column 8: trailing characters"),
            ("[01]", "line 1, column 3: "),
        ] {
            match split(list, 100) {
                Err(SplitError::Parse(e)) => assert!(e.to_string().starts_with(expected), "{list}: {e}"),
                other => panic!("{list}: {other:?}"),
            }
        }
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(split(&deep, 1).unwrap().len(), 1);
    }
}
