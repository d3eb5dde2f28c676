//! What a caller asks of the host beside the process: to be answered once (`Idempotency-Key`), and in a certain time
//! (`X-Max-Wait`, `Prefer`). Who asks for nothing pays three look-ups of headers.

use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, Method};

use crate::prefer::Preferences;

/// Names a request, so that it is not run twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Milliseconds that the caller waits for an answer.
const X_MAX_WAIT: HeaderName = HeaderName::from_static("x-max-wait");

/// Characters of an `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// What is asked for; one of them at least.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// The key, where the request changes something.
    pub(crate) key: Option<String>,
    /// How long the caller waits.
    pub(crate) patience: Option<Patience>,
}

/// How long a caller waits for the answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Then it is told where the answer will be.
    pub(crate) most: Duration,
    /// Whether it was a preference (RFC 7240), which is said to have been applied.
    pub(crate) preferred: bool,
}

/// A wish that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadWish {
    /// Several keys, an empty or a long one, or one that is no text.
    #[error("`Idempotency-Key` has to be one header of 1 to {LONGEST_KEY} visible ASCII characters")]
    Key,
    /// No number of milliseconds.
    #[error("`X-Max-Wait` has to be one whole number of milliseconds")]
    Wait,
}

impl Wishes {
    /// Reads them; none for most requests.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Result<Option<Self>, BadWish> {
        let key = if method.is_safe() { None } else { key(headers)? };
        let patience = patience(headers)?;
        Ok((key.is_some() || patience.is_some()).then_some(Self { key, patience }))
    }
}

impl Wishes {
    /// What is left where the caller gets its answer at once or not at all.
    pub(crate) fn without_patience(self) -> Option<Self> {
        self.key.is_some().then_some(Self { patience: None, ..self })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, BadWish> {
    let Some(value) = only(headers, &IDEMPOTENCY_KEY).ok_or(BadWish::Key)? else { return Ok(None) };
    let whole = (1..=LONGEST_KEY).contains(&value.len());
    if whole { Ok(Some(value.to_owned())) } else { Err(BadWish::Key) }
}

fn patience(headers: &HeaderMap) -> Result<Option<Patience>, BadWish> {
    let asked = match only(headers, &X_MAX_WAIT).ok_or(BadWish::Wait)? {
        None => None,
        // A number that does not fit is longer than anything lasts.
        Some(value) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Duration::from_millis(value.parse().unwrap_or(u64::MAX)))
        }
        Some(_) => return Err(BadWish::Wait),
    };
    let preferences = Preferences::of(headers);
    let preferred = preferences.respond_async.then(|| preferences.wait.unwrap_or_default());
    let most = asked.into_iter().chain(preferred).min();
    Ok(most.map(|most| Patience { most, preferred: preferred.is_some() }))
}

/// The value of a header that comes once at most. None: it comes more often, or is no visible ASCII.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Some(None) };
    let value = value.to_str().ok()?;
    values.next().is_none().then_some(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, headers: &[(&'static str, &str)]) -> Result<Option<Wishes>, BadWish> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Wishes::of(&method, &map)
    }

    fn patience(millis: u64, preferred: bool) -> Result<Option<Wishes>, BadWish> {
        let patience = Some(Patience { most: Duration::from_millis(millis), preferred });
        Ok(Some(Wishes { key: None, patience }))
    }

    #[test]
    fn most_requests_ask_for_nothing() {
        assert_eq!(of(Method::POST, &[("content-type", "a/b")]), Ok(None));
        assert_eq!(of(Method::POST, &[("prefer", "return=minimal, wait=5")]), Ok(None));
        assert_eq!(of(Method::GET, &[("idempotency-key", "a")]), Ok(None), "a safe method needs no key");
    }

    #[test]
    fn a_key_is_taken_as_it_is() {
        let key = |value: &str| of(Method::POST, &[("idempotency-key", value)]);
        let found = |value: &str| Ok(Some(Wishes { key: Some(value.to_owned()), patience: None }));
        assert_eq!(key("\"8e03978e\""), found("\"8e03978e\""));
        assert_eq!(key(&"k".repeat(255)), found(&"k".repeat(255)));
        for bad in ["", &"k".repeat(256), "ä"] {
            assert_eq!(key(bad), Err(BadWish::Key), "{bad}");
        }
        assert_eq!(of(Method::PUT, &[("idempotency-key", "a"), ("idempotency-key", "a")]), Err(BadWish::Key));
    }

    #[test]
    fn the_shorter_wait_holds() {
        assert_eq!(of(Method::GET, &[("x-max-wait", "250")]), patience(250, false));
        assert_eq!(of(Method::GET, &[("prefer", "respond-async, wait=2")]), patience(2000, true));
        assert_eq!(of(Method::GET, &[("prefer", "respond-async")]), patience(0, true));
        assert_eq!(of(Method::GET, &[("prefer", "respond-async, wait=2"), ("x-max-wait", "9")]), patience(9, true));
        let never = of(Method::GET, &[("x-max-wait", "99999999999999999999999")]);
        assert_eq!(never, patience(u64::MAX, false));
    }

    #[test]
    fn a_wait_that_is_no_number_is_refused() {
        for bad in ["", "-1", "+1", "1.5", "1s", "one"] {
            assert_eq!(of(Method::GET, &[("x-max-wait", bad)]), Err(BadWish::Wait), "{bad}");
        }
        assert_eq!(of(Method::GET, &[("x-max-wait", "1"), ("x-max-wait", "1")]), Err(BadWish::Wait));
    }
}
