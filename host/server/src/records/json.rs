//! Redaction of documents that are JSON, by JSON paths (RFC 9535).
//!
//! A document in which nothing is found stays as it was, byte for byte; one that is changed is written anew. What looks like
//! JSON and cannot be read is withheld: nobody can tell where its secret is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json_path::{JsonPath, NormalizedPath};

use super::redact::{InvalidPath, REDACTED};
use crate::limits::REDACT_BYTES;

/// The paths of what is redacted.
#[derive(Debug)]
pub(super) struct JsonPaths(Vec<JsonPath>);

/// What of a document may be recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it, as it is.
    AsItIs,
    /// This in its place.
    Redacted(String),
    /// Nothing.
    Withheld,
}

impl JsonPaths {
    pub(super) fn new(paths: &[String]) -> Result<Self, InvalidPath> {
        let parse = |path: &String| {
            JsonPath::parse(path).map_err(|error| InvalidPath { path: path.clone(), why: error.to_string() })
        };
        paths.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nothing is redacted.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks a document through. Costs its parsing, and a look at each value for each path.
    pub(super) fn look(&self, document: &[u8]) -> Seen {
        let text = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document).trim_ascii_start();
        let structured = matches!(text.first(), Some(b'{' | b'['));
        if text.len() > REDACT_BYTES {
            return if structured { Seen::Withheld } else { Seen::AsItIs };
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(text) else {
            return if structured { Seen::Withheld } else { Seen::AsItIs };
        };
        let found: Vec<String> = self.0.iter().flat_map(|path| pointers(path, &value)).collect();
        // Of members with one name only the last is in the value, and only that one was looked at.
        let repeats = || serde_json::from_slice::<Members>(text).is_ok_and(|all| all.0 > members(&value));
        if found.is_empty() && !repeats() {
            return Seen::AsItIs;
        }
        for pointer in found {
            // Gone where what was around it has been redacted before.
            if let Some(place) = value.pointer_mut(&pointer) {
                *place = Value::String(REDACTED.to_owned());
            }
        }
        Seen::Redacted(value.to_string())
    }
}

fn pointers(path: &JsonPath, value: &Value) -> Vec<String> {
    path.query_located(value).locations().map(NormalizedPath::to_json_pointer).collect()
}

/// The members of all objects in a value.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(own) => own.len() + own.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// The members of all objects as they are written, repeated ones too.
struct Members(usize);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Count)
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut all = 0;
        while let Some((IgnoredAny, Members(inner))) = map.next_entry()? {
            all += 1 + inner;
        }
        Ok(Members(all))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Members, A::Error> {
        let mut all = 0;
        while let Some(Members(inner)) = items.next_element()? {
            all += inner;
        }
        Ok(Members(all))
    }

    fn visit_unit<E>(self) -> Result<Members, E> {
        Ok(Members(0))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Members, E> {
        Ok(Members(0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Members, E> {
        Ok(Members(0))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Members, E> {
        Ok(Members(0))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Members, E> {
        Ok(Members(0))
    }

    fn visit_str<E>(self, _: &str) -> Result<Members, E> {
        Ok(Members(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(paths: &[&str], document: &str) -> Seen {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        JsonPaths::new(&paths).unwrap().look(document.as_bytes())
    }

    fn redacted(text: &str) -> Seen {
        Seen::Redacted(text.to_owned())
    }

    #[test]
    fn what_a_path_finds_is_redacted_wherever_it_is() {
        assert_eq!(look(&["$.pin"], r#"{"a": 1, "pin": [1, 2]}"#), redacted(r#"{"a":1,"pin":"[redacted]"}"#));
        assert_eq!(look(&["$..pin"], "\u{feff} [{\"pin\": 1}]"), redacted(r#"[{"pin":"[redacted]"}]"#));
        assert_eq!(look(&["$"], "\"secret\""), redacted(r#""[redacted]""#));
        assert_eq!(look(&["$.a", "$.a.b"], r#"{"a":{"b":1}}"#), redacted(r#"{"a":"[redacted]"}"#));
        assert_eq!(look(&["$['a/b~c']"], r#"{"a/b~c":1}"#), redacted(r#"{"a/b~c":"[redacted]"}"#));
    }

    #[test]
    fn what_holds_nothing_of_it_stays_as_it_was() {
        for document in ["{ \"a\" : 1 }", "<a/>", "plain", "", "1e400"] {
            assert_eq!(look(&["$.pin"], document), Seen::AsItIs, "{document}");
        }
        assert_eq!(look(&[], r#"{"pin":1}"#), Seen::AsItIs);
    }

    #[test]
    fn a_secret_does_not_hide_behind_a_repeated_name_or_a_fault() {
        assert_eq!(look(&["$.a.pin"], r#"{"a":{"pin":7},"a":1}"#), redacted(r#"{"a":1}"#));
        assert_eq!(look(&["$.pin"], r#"{"pin":7,}"#), Seen::Withheld);
        assert_eq!(look(&["$.pin"], "{\"pin\":7}\n{\"pin\":8}"), Seen::Withheld);
        let deep = format!("{}{{\"pin\":7}}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(look(&["$..pin"], &deep), Seen::Withheld);
    }
}
