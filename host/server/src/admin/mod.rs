//! The admin API: what is deployed, what was executed, what waits, and who may change it. On the admin address only.
//!
//! [`wire`] is what it speaks. One table (`endpoints`) says which paths there are, who may use them, what they take and
//! give; requests are routed by it, and the OpenAPI document is written from it. Every change is in the audit log with the
//! name of the token. Nothing here is on the way of a request to a process.
//!
//! A browser is kept out by what it cannot do by itself: send an `Authorization` header, or JSON, to another origin.

mod access;
mod backup;
mod endpoints;
mod environments;
mod executions;
mod failure;
mod openapi;
mod packages;
mod queue;
mod replays;
mod shapes;
mod speak;
mod tokens;
pub mod wire;

use std::collections::HashMap;
use std::sync::Arc;

use auricle_store::By;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use self::access::{Identity, identify};
pub(crate) use self::access::{Tokens, first_token};
use self::endpoints::{OPENAPI, find};
use self::failure::Failure;
pub(crate) use self::speak::Body;
use self::speak::whole;
pub use self::wire::*;
use crate::dispatch::STATUS_PATH;
use crate::host::{Inner, State};
use crate::{metrics, respond};

/// Where metrics are told.
pub(crate) const METRICS_PATH: &str = "/metrics";

/// A request that may be answered.
pub(crate) struct Call {
    host: Arc<Inner>,
    who: Arc<Identity>,
    /// The parameters of its path, decoded.
    parameters: HashMap<String, String>,
    headers: HeaderMap,
}

/// Answers on the admin address.
pub(crate) async fn answer(host: Arc<Inner>, request: Request<Incoming>) -> Response<Body> {
    match request.uri().path() {
        STATUS_PATH => status(&host),
        METRICS_PATH => scraped(host).await,
        OPENAPI => openapi::answer(),
        _ => {
            // In a task of its own: what has begun goes on to its end, whether its client is still there or not.
            let answered = tokio::spawn(called(host, request)).await;
            let answer = answered.unwrap_or_else(|_| Err(Failure::defect()));
            answer.unwrap_or_else(Failure::response)
        }
    }
}

async fn called(host: Arc<Inner>, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let (endpoint, parameters) = find(&head.method, head.uri.path())?;
    let who = identify(&host, &head.headers).await?;
    if who.role < endpoint.role {
        return Err(Failure::too_weak(&who.name, who.role, endpoint.role));
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
    let mut decoded = HashMap::new();
    for (name, value) in parameters {
        let value = decode(&value).map_err(|_| Failure::bad(format!("`{value}` of the path is not UTF-8")))?;
        decoded.insert(name, value);
    }
    let query = head.uri.query().unwrap_or_default().to_owned();
    let call = Call { host, who, parameters: decoded, headers: head.headers };
    endpoint.call(call, query, body).await
}

impl Call {
    /// A parameter of the path.
    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A parameter of the path that has to be something.
    fn parsed<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<T, Failure> {
        let text = self.parameter(name);
        text.parse().map_err(|_| Failure::bad(format!("`{text}` is no {what}")))
    }

    /// For the audit log: what this token does.
    fn by(&self, action: &'static str, target: impl Into<String>, detail: impl Into<String>) -> By {
        By { who: Some(self.who.name.clone()), action, target: target.into(), detail: detail.into() }
    }

    /// The environment that is meant where none is named.
    fn environment<'c>(&'c self, named: Option<&'c String>) -> &'c str {
        named.map_or(&self.host.config.environment, |name| name)
    }
}

/// Whether this host takes requests, and whether it serves what it should.
fn status(host: &Inner) -> Response<Body> {
    let state = host.state();
    let status = Status {
        status: state.name().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        behind: host.behind(),
    };
    // Serialising plain values to memory does not fail.
    let mut response = Response::new(whole(serde_json::to_vec(&status).unwrap_or_default()));
    *response.status_mut() = if state == State::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Text is made where it holds up no request.
async fn scraped(host: Arc<Inner>) -> Response<Body> {
    let text = tokio::task::spawn_blocking(move || metrics::scrape(&host)).await;
    respond::metrics(text.ok().flatten()).map(|body| body.map_err(|never| match never {}).boxed_unsync())
}
