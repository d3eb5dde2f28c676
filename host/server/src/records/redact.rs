//! What is never recorded as it was: `redact` of `[server.records]`.
//!
//! Log lines and messages of failures are a process's own words and are not looked through.

use std::collections::HashSet;

use auricle_model::{Data, Properties, Redact, Tape};
use serde_json::{Value, json};

use super::json::{JsonPaths, Seen};

/// Stands in the place of what is redacted.
pub(crate) const REDACTED: &str = "[redacted]";

/// How the names of the functions begin that call servers: `http-client` and `wasi:http`.
const HTTP: [&str; 2] = ["http-client.", "outgoing-handler."];

/// Prefixes of the document properties that hold headers.
const HEADER_PREFIXES: [&str; 2] = ["inheader_", "outheader_"];

/// A path of `redact` that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`server.records.redact.json`: {path:?} is no JSON path (RFC 9535): {why}")]
pub struct InvalidPath {
    /// As configured.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

/// Knows what is redacted.
#[derive(Debug)]
pub(super) struct Redactor {
    /// In lower case.
    headers: HashSet<String>,
    properties: HashSet<String>,
    json: JsonPaths,
}

impl Redactor {
    pub(super) fn new(redact: &Redact) -> Result<Self, InvalidPath> {
        Ok(Self {
            headers: redact.headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
            properties: redact.properties.iter().cloned().collect(),
            json: JsonPaths::new(&redact.json)?,
        })
    }

    /// Properties as they may be recorded, if that is not as they are.
    pub(super) fn properties(&self, properties: &Properties) -> Option<Properties> {
        if self.headers.is_empty() && self.properties.is_empty() {
            return None;
        }
        let mut redacted = None;
        for (name, _) in properties.iter().filter(|(name, _)| self.is_secret(name)) {
            redacted.get_or_insert_with(|| properties.clone()).set(name, REDACTED);
        }
        redacted
    }

    /// What of a document may be recorded.
    pub(super) fn document(&self, data: &Data) -> Seen {
        if self.json.is_empty() { Seen::AsItIs } else { self.json.look(&data.contiguous()) }
    }

    /// Takes the values of headers out of the answers of servers.
    pub(super) fn tape(&self, tape: &mut Tape) {
        if self.headers.is_empty() {
            return;
        }
        let calls = |call: &str| HTTP.iter().any(|begin| call.starts_with(begin));
        for entry in tape.entries.iter_mut().filter(|entry| calls(&entry.call)) {
            self.answer(&mut entry.answer);
        }
    }

    /// Looks for pairs of a name and a value.
    fn answer(&self, value: &mut Value) {
        match value {
            Value::Array(items) => match items.as_mut_slice() {
                // Bytes are told apart from text as the engine writes them, so that it can read them again.
                [Value::String(name), value] if self.is_secret_header(name) => {
                    *value = if value.is_object() { json!({ "text": REDACTED }) } else { REDACTED.into() };
                }
                items => items.iter_mut().for_each(|item| self.answer(item)),
            },
            Value::Object(members) => members.values_mut().for_each(|member| self.answer(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whether a header is redacted.
    fn is_secret_header(&self, name: &str) -> bool {
        !self.headers.is_empty() && self.headers.contains(&name.to_ascii_lowercase())
    }

    /// A second value of a name is that name with a number: `query_k[1]`, `outheader_Set-Cookie[1]`.
    fn is_secret(&self, property: &str) -> bool {
        let base = property.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')).map(|(base, _)| base);
        [Some(property), base].into_iter().flatten().any(|name| {
            let header = || HEADER_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
            self.properties.contains(name) || header().is_some_and(|header| self.is_secret_header(header))
        })
    }
}

#[cfg(test)]
mod tests {
    use auricle_model::TapeEntry;

    use super::*;

    #[test]
    fn headers_have_no_case_and_properties_have() {
        let redact = Redact {
            headers: vec!["X-Token".into(), "set-cookie".into()],
            properties: vec!["query_pin".into()],
            json: Vec::new(),
        };
        let redactor = Redactor::new(&redact).unwrap();
        let mut properties = Properties::new();
        for name in [
            "inheader_x-TOKEN",
            "outheader_Set-Cookie[2]",
            "query_pin",
            "query_pin[1]",
            "query_PIN",
            "X-Token",
            "inheader_X-Token-2",
        ] {
            properties.set(name, "s");
        }
        let redacted = redactor.properties(&properties).unwrap();
        let kept: Vec<_> = redacted.iter().filter(|(_, value)| *value == "s").map(|(name, _)| name).collect();
        assert_eq!(kept, ["X-Token", "inheader_X-Token-2", "query_PIN"]);
        assert_eq!(properties.get("query_pin"), Some("s"), "what the process has is left alone");
        assert_eq!(redactor.properties(&Properties::new()), None);
    }

    #[test]
    fn headers_of_what_a_server_answered_are_redacted() {
        let redact = Redact { headers: vec!["Set-Cookie".into()], ..Redact::default() };
        let redactor = Redactor::new(&redact).unwrap();
        let entry = |call: &str| TapeEntry {
            call: call.into(),
            asked: String::new(),
            answer: json!({ "ok": { "headers": [["set-cookie", "s"], ["Set-Cookie", { "base64": "/w==" }], ["a", "b"]] } }),
        };
        let calls = ["http-client.send", "outgoing-handler.handle", "sql.query"];
        let mut tape = Tape { entries: calls.map(entry).into(), cut: false };
        redactor.tape(&mut tape);
        let headers = json!([["set-cookie", "[redacted]"], ["Set-Cookie", { "text": "[redacted]" }], ["a", "b"]]);
        for answered in &tape.entries[..2] {
            assert_eq!(answered.answer, json!({ "ok": { "headers": headers } }), "{}", answered.call);
        }
        assert_eq!(tape.entries[2], entry("sql.query"));
    }

    #[test]
    fn a_path_that_is_none_is_told() {
        let redact = Redact { json: vec!["card".into()], ..Redact::default() };
        let error = Redactor::new(&redact).unwrap_err().to_string();
        assert!(error.contains("\"card\" is no JSON path"), "{error}");
    }
}
