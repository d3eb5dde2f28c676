//! `http-client.send`: the small way to call another server, for every guest language.

use std::time::Duration;

use auricle_model::Document;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::exchange::{Payload, Times};
use super::fault::Fault;
use super::taped::{as_number, asked};
use super::{Outgoing, RESPONSE_BYTES};
use crate::bindings::auricle::process::http_client::{Host, HttpError, Request, Response};
use crate::state::State;
use crate::tape::{Asked, as_blob};

/// Who calls, where the guest does not say.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("auricle/", env!("CARGO_PKG_VERSION")));

/// Headers that follow from the URL, the body and the connection, and are not the guest's to set.
const OF_THE_HOST: &[&str] = &[
    "connection",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// An answer, whole.
#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    #[serde(with = "as_number")]
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(String, String)>,
    #[serde(with = "as_blob")]
    pub(super) body: Bytes,
}

impl Outgoing {
    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, head: Parts, body: Bytes, deadline: Instant) -> Result<Answer, Fault> {
        let response = self.exchange(head, Payload::Whole(body), Times::until(deadline)).await?;
        let (head, body) = response.into_parts();
        // Known from its Content-Length: not a byte needs to be read.
        if body.size_hint().lower() > RESPONSE_BYTES {
            return Err(Fault::TooLarge);
        }
        let body = body.collect().await?.to_bytes();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        Ok(Answer { status: head.status, headers, body })
    }
}

/// A value as text: UTF-8 as it is, other bytes as the Latin-1 that HTTP once said they are.
fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect(), str::to_owned)
}

/// The head of a request, checked.
pub(super) fn head(method: &str, url: &str, given: &[(String, String)], body: u64) -> Result<Parts, Fault> {
    let invalid = |what: String| Fault::Invalid(what);
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid(format!("`{method}` is no HTTP method")))?;
    let uri: Uri = url.parse().map_err(|e| {
        invalid(format!("the url can't be read ({e}); percent-encode blanks and letters beyond ASCII, and write such host names in punycode"))
    })?;
    let mut headers = HeaderMap::with_capacity(given.len() + 2);
    for (name, value) in given {
        let known =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("`{name}` is no header name")))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| invalid(format!("the value of header `{name}` holds characters that HTTP forbids")))?;
        if OF_THE_HOST.contains(&known.as_str()) {
            return Err(invalid(format!(
                "header `{name}` is set by the host, from the url, the body and the connection"
            )));
        }
        if known == header::CONTENT_LENGTH {
            // Set from the body; one that says the same does no harm.
            if value.to_str().ok().and_then(|v| v.parse().ok()) == Some(body) {
                continue;
            }
            return Err(invalid(format!("header `{name}` is not the length of the body, which has {body} bytes")));
        }
        headers.try_append(known, value).map_err(|_| invalid("there are too many headers".into()))?;
    }
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    let mut request = http::Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request.into_parts().0)
}

impl Host for State {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, HttpError>> {
        let body = match &request.body {
            Some(document) => self.documents.take(document)?.data.into_bytes(),
            None => Bytes::new(),
        };
        let question = || {
            let headers = request.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            asked(&request.method, &request.url, headers, &body)
        };
        let note = match self.deck.ask("http-client.send", question)? {
            Asked::Answered(answer) => return self.respond(answer),
            Asked::Live(note) => note,
        };
        let limit = request.timeout_ms.map(|ms| Duration::from_millis(ms.into()));
        let deadline =
            limit.and_then(|t| Instant::now().checked_add(t)).map_or(self.deadline, |at| at.min(self.deadline));
        let answered = match head(&request.method, &request.url, &request.headers, body.len() as u64) {
            Ok(head) => {
                self.outgoing.trace = self.trace();
                self.outgoing.send(head, body, deadline).await
            }
            Err(fault) => Err(fault),
        };
        let answer = answered.map_err(|fault| HttpError { kind: fault.kind(), message: fault.to_string() });
        note.keep(&answer);
        self.respond(answer)
    }
}

impl State {
    /// Gives the guest an answer, with its body as a document.
    fn respond(&mut self, answer: Result<Answer, HttpError>) -> wasmtime::Result<Result<Response, HttpError>> {
        Ok(match answer {
            Ok(answer) => Ok(Response {
                status: answer.status.as_u16(),
                headers: answer.headers,
                body: self.documents.push(Document::new(answer.body))?,
            }),
            Err(failure) => Err(failure),
        })
    }
}
