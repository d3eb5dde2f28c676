//! An error as clients read it: a problem of RFC 9457, `application/problem+json`.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem. Its type is always `about:blank`: the status and the words say it all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    /// What kind of problem it is, in a few words that are the same each time.
    pub title: String,
    /// The status of the response.
    pub status: u16,
    /// What happened this time, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What it happened to, as a URI reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Further members. RFC 9457's own names (`title`, `status` and so on) are not for here.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Problem {
    /// A problem with the status's own words for a title.
    pub fn new(status: StatusCode) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: None,
            instance: None,
            members: Map::new(),
        }
    }

    /// With another title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// With what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With what it happened to.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// With a further member.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// The body of the response.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, numbers and string keys only: there is nothing in it that JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_9457_has_it() {
        let plain = Problem::new(StatusCode::NOT_FOUND);
        assert_eq!(plain.to_json(), br#"{"type":"about:blank","title":"Not Found","status":404}"#);
        let full = plain.title("T").detail("d").instance("/x").member("near", vec!["GET /a"]);
        assert_eq!(
            String::from_utf8(full.to_json()).unwrap(),
            r#"{"type":"about:blank","title":"T","status":404,"detail":"d","instance":"/x","near":["GET /a"]}"#
        );
    }
}
