//! `Prefer` (RFC 7240): how a caller would like to be answered. What is not known, or malformed, is passed over.

use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderName;

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The preferences that this host knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// Rather an early answer that says where the real one will be.
    pub(crate) respond_async: bool,
    /// How long the caller would wait.
    pub(crate) wait: Option<Duration>,
}

impl Preferences {
    /// Reads them. Of one that comes several times the first counts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| split(value, ',')) {
            // What follows a semicolon are parameters, and these preferences have none.
            let Some(word) = split(preference, ';').next() else { continue };
            let (name, value) =
                word.split_once('=').map_or((word, ""), |(name, value)| (name.trim_end(), value.trim()));
            if name.eq_ignore_ascii_case("respond-async") {
                found.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait") && found.wait.is_none() {
                let seconds = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
                found.wait = digits.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::MAX)));
            }
        }
        found
    }
}

/// The parts between a separator that stands in no quoted string, without the spaces around them.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = move |c: char| {
        let (was_quoted, was_escaped) = (quoted, escaped);
        escaped = was_quoted && !was_escaped && c == '\\';
        if c == '"' && !was_escaped {
            quoted = !was_quoted;
        }
        c == separator && !was_quoted
    };
    text.split(ends).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], respond_async: bool, wait: Option<u64>) {
        let headers = values.iter().map(|value| (PREFER, value.parse().unwrap())).collect();
        let expected = Preferences { respond_async, wait: wait.map(Duration::from_secs) };
        assert_eq!(Preferences::of(&headers), expected, "{values:?}");
    }

    #[test]
    fn preferences_are_read_as_rfc_7240_has_them() {
        check(&[], false, None);
        check(&["respond-async, wait=10"], true, Some(10));
        check(&["Respond-Async", "WAIT = \"7\""], true, Some(7));
        check(&["foo; bar=\"a, wait=3; \\\" respond-async\", wait=5; x=y"], false, Some(5));
        check(&["wait=1, wait=2", "wait=3"], false, Some(1));
        check(&["respond-async=\"\""], true, None);
    }

    #[test]
    fn what_is_malformed_is_passed_over() {
        check(&["wait", "wait=", "wait=-1", "wait=1.5", "wait=\"4"], false, None);
        check(&["\"respond-async", "=, ;,,"], false, None);
        check(&["wait=soon, wait=4"], false, Some(4));
        check(&["wait=99999999999999999999999"], false, Some(u64::MAX));
    }
}
