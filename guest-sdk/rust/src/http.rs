//! Calls to other servers: only to those that the manifest's `allow-hosts` names. Redirects are not followed.
//!
//! ```
//! use std::time::Duration;
//!
//! use auricle_guest::http;
//! use auricle_guest::prelude::*;
//!
//! fn rate(execution: Execution, _: Vec<Document>) -> Result<Document, Error> {
//!     let currency = execution.param("currency").unwrap_or_default();
//!     let answer = http::Request::get(format!("https://rates.example/{currency}"))
//!         .header("Accept", "application/json")
//!         .timeout(Duration::from_secs(2))
//!         .send()?;
//!     Ok(answer.success()?.document)
//! }
//!
//! # use auricle_guest::testing::Run;
//! let outcome = Run::new()
//!     .param("currency", "EUR")
//!     .http(|request| {
//!         assert_eq!(request.url, "https://rates.example/EUR");
//!         Ok(http::Response::new(200, "1.08"))
//!     })
//!     .execute(rate);
//! assert_eq!(outcome.text(), "1.08");
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Document, host};

/// A request to another server.
#[derive(Debug)]
pub struct Request {
    /// Upper-case.
    pub method: String,
    /// With `http://` or `https://`.
    pub url: String,
    /// In the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; none is no body at all.
    pub body: Option<Document>,
    /// For the whole exchange, rounded up to whole milliseconds; never more than the execution has left. None: what it
    /// has left.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request with this method, no headers and no body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: None, timeout: None }
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`; give it a body next.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A `PUT`; give it a body next.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// A `PATCH`; give it a body next.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// A `DELETE`.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. A document is handed on without being copied.
    #[must_use]
    pub fn body(mut self, body: impl Into<Document>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the body to JSON, and `Content-Type` with it where the request has none.
    ///
    /// # Errors
    /// When the value cannot be JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, crate::Error> {
        let typed = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let request = if typed { self } else { self.header("Content-Type", "application/json") };
        Ok(request.body(Document::from_json(value)?))
    }

    /// Limits the whole exchange.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The timeout as the host takes it. Rounded up: 0 would be no time at all.
    #[cfg(any(target_family = "wasm", test))]
    pub(crate) fn timeout_ms(&self) -> Option<u32> {
        self.timeout.map(|timeout| u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX))
    }

    /// Sends it and waits for the whole response. Any status is a response: see [`Response::success`].
    ///
    /// # Errors
    /// When there is no response; the kind says whose fault it was.
    pub fn send(self) -> Result<Response, Error> {
        host::send(self)
    }
}

/// What another server answered.
#[derive(Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub document: Document,
}

impl Response {
    /// A response without headers: what a mocked server answers.
    pub fn new(status: u16, body: impl Into<Document>) -> Self {
        Self { status, headers: Vec::new(), document: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<String, crate::Error> {
        self.document.text()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is no JSON, or not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, crate::Error> {
        self.document.json()
    }

    /// The response itself, if its status is 200 to 299.
    ///
    /// # Errors
    /// With the status and the beginning of the body, where it is another.
    pub fn success(self) -> Result<Self, crate::Error> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let beginning = self.document.read(0, 200);
        let said = String::from_utf8_lossy(&beginning);
        Err(crate::Error::new(format_args!("the server answered {}: {}", self.status, said.trim())))
    }
}

/// Why there was no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `allow-hosts` does not name it, or it is at a private address.
    NotGranted,
    /// The request itself: its method, URL or a header.
    InvalidRequest,
    /// No such name, no connection, no TLS.
    Unreachable,
    /// It took longer than the timeout, or than the execution has left.
    Timeout,
    /// The response is larger than the host takes.
    TooLarge,
    /// The answer broke off or is no HTTP.
    Protocol,
}

/// Why there was no response, and the host's words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In what way.
    pub kind: ErrorKind,
    /// The host's words.
    pub message: String,
}

impl Error {
    /// An error: what a mocked server answers with.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::Execution;
    use crate::testing::Run;

    #[test]
    fn a_request_goes_out_as_built() {
        let run = Run::new().http(|request| {
            assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://a.example/x"));
            assert_eq!(request.headers, [("Content-Type".to_owned(), "application/json".to_owned())]);
            assert_eq!(request.timeout, Some(Duration::from_millis(5)));
            let body = request.body.as_ref().map(|body| body.text().unwrap());
            Ok(Response::new(201, body.unwrap_or_default()).with_header("ETag", "7"))
        });
        let outcome = run.execute(|_: Execution, _| {
            let request = Request::post("https://a.example/x").json(&[1])?.timeout(Duration::from_millis(5));
            let response = request.send()?.success()?;
            assert_eq!((response.status, response.header("etag")), (201, Some("7")));
            response.text()
        });
        assert_eq!(outcome.text(), "[1]");
    }

    #[test]
    fn a_media_type_of_its_own_is_kept() {
        let request = Request::post("https://a.example").header("content-type", "application/hal+json");
        let request = request.json(&1).unwrap();
        assert_eq!(request.headers, [("content-type".to_owned(), "application/hal+json".to_owned())]);
    }

    #[test]
    fn a_timeout_is_rounded_up() {
        let ms = |timeout| Request::get("https://a.example").timeout(timeout).timeout_ms();
        assert_eq!(ms(Duration::from_micros(1)), Some(1));
        assert_eq!(ms(Duration::from_micros(1_001)), Some(2));
        assert_eq!(ms(Duration::from_millis(5)), Some(5));
        assert_eq!(ms(Duration::MAX), Some(u32::MAX));
        assert_eq!(Request::get("https://a.example").timeout_ms(), None);
    }

    #[test]
    fn what_is_no_success_fails_with_its_words() {
        let run = Run::new().http(|_| Ok(Response::new(503, "closed for today\n")));
        let outcome = run.execute(|_: Execution, _| Request::get("https://a.example").send()?.success()?.text());
        assert_eq!(outcome.failure(), Some("the server answered 503: closed for today"));
        let refused = Run::new().execute(|_: Execution, _| {
            let error = Request::get("https://a.example").send().unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotGranted);
        });
        assert_eq!(refused.failure(), None);
    }
}
