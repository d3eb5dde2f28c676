//! The only place where an error becomes a response, and where a reply gets its last headers.
//!
//! What the guest or the host knows inside (messages of a failure, the log) goes to the caller only when it asked to debug.

mod fault;
mod later;

use std::time::Duration;

use auricle_api::headers::HeaderError;
use auricle_api::inbound;
use auricle_api::outbound::{OutputError, Reply};
use auricle_api::problem::{MEDIA_TYPE, Problem};
use auricle_api::profile::Violation;
use auricle_api::properties::QueryError;
use auricle_api::route::{Endpoint, Miss};
use auricle_api::soap::Version;
use auricle_api::soap::message::{Addressing, Refused};
use auricle_api::soap::outbound;
use auricle_model::{ExecutionId, Failure, FailureKind, LogLine, Retry};
use auricle_store::StoreError;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

pub(crate) use self::later::{execution, later};
use crate::body::BodyError;
use crate::host::State;
use crate::limits::{KEPT_ANSWER_BYTES, MAX_HEADERS};
use crate::metrics;
use crate::rate::OverRate;
use crate::wishes::BadWish;

/// Names the execution that an answer came from.
const X_EXECUTION_ID: HeaderName = HeaderName::from_static("x-execution-id");
/// Says that an answer is that of an earlier request with the same key.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Slashes at the end of a path that are counted; more are nobody's URL.
const MAX_SLASHES: usize = 8;

/// Why a request gets no answer from a process.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The host does not take requests.
    NotReady(State),
    /// Nothing is deployed in the environment of this host.
    NothingDeployed,
    /// One request too many in this second.
    OverRate(OverRate),
    /// Two `Host` headers, or one that is no host.
    Host,
    /// More headers than anybody needs.
    TooManyHeaders,
    /// No route.
    Miss(Miss),
    /// The query cannot be read.
    Query(QueryError),
    /// A header cannot be passed.
    Header(HeaderError),
    /// A header that asks the host for something cannot be understood.
    Wish(BadWish),
    /// The body did not come, or is too large.
    Body(BodyError),
    /// The body is not what the operation takes.
    Input(inbound::Refusal),
    /// The message at a SOAP endpoint is none, or not one for it.
    Soap(Box<Refused>),
    /// A GET of a SOAP endpoint that does not ask for its description.
    SoapByGet,
    /// No schema document of a WSDL has this number.
    UnknownSchema {
        /// The number.
        number: usize,
    },
    /// What was refused at a SOAP endpoint, told as a fault.
    Fault {
        /// What.
        why: Box<Refusal>,
        /// The version of the endpoint.
        version: Version,
        /// What the fault is an answer to, as far as the message was read.
        addressing: Option<Box<Addressing>>,
    },
    /// A `moreDataToken` that is unknown, expired, or somebody else's.
    UnknownPage,
    /// The store could not give a further page.
    PageNotRead {
        /// What the store said.
        why: StoreError,
    },
    /// The execution returned more than one page, and the store did not take the further ones.
    PagesNotHeld {
        /// Which.
        id: ExecutionId,
        /// What the store said.
        why: StoreError,
    },
    /// The store did not take a request that needs a receipt.
    NotQueued {
        /// The execution that will not be.
        id: ExecutionId,
        /// What the store said.
        why: StoreError,
    },
    /// The store could not take the key of a request.
    KeyNotTaken {
        /// What the store said.
        why: StoreError,
    },
    /// The first request with this key is not answered yet.
    InFlight {
        /// Its execution.
        first: ExecutionId,
    },
    /// The key was sent with another request.
    OtherBody,
    /// The first request with this key was answered, with more than is kept.
    NotKept {
        /// Its execution.
        id: ExecutionId,
    },
    /// Nothing is known of an execution, or it is somebody else's.
    UnknownExecution,
    /// The status of an execution can only be read.
    StatusMethod,
    /// The store could not say where an execution stands.
    StatusNotRead {
        /// What the store said.
        why: StoreError,
    },
    /// The execution failed.
    Failed {
        /// Which.
        id: ExecutionId,
        /// How.
        failure: Failure,
        /// Whether the caller asked to debug.
        debug: bool,
        /// What it logged, if the caller asked to debug.
        log: Vec<LogLine>,
    },
    /// The execution returned what cannot be sent.
    Output {
        /// Which.
        id: ExecutionId,
        /// Why it cannot.
        error: OutputError,
        /// Whether the caller asked to debug.
        debug: bool,
    },
    /// A defect of this program.
    Panicked,
}

/// Makes a response of a refusal.
pub(crate) fn refuse(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::Fault { why, version, addressing } => match *why {
            Refusal::Soap(refused) => fault::refused(&refused, version, addressing.as_deref()),
            why => {
                // A page is asked for in a message: that there is none tells nothing of the URL.
                let of_message = matches!(why, Refusal::UnknownPage);
                match problem_of(why) {
                    Ok((problem, headers)) => {
                        let status = if of_message { fault::status_of_message } else { fault::status_of };
                        let status = status(problem.status, version);
                        fault::problem(&problem, status, headers, version, addressing.as_deref())
                    }
                    Err(options) => empty(StatusCode::NO_CONTENT, options),
                }
            }
        },
        refusal => match problem_of(refusal) {
            Ok((problem, headers)) => problem_response(&problem, headers),
            Err(options) => empty(StatusCode::NO_CONTENT, options),
        },
    }
}

/// What a refusal says, and the headers that go with it; or the headers of the answer to OPTIONS, which is no refusal.
fn problem_of(refusal: Refusal) -> Result<(Problem, HeaderMap), HeaderMap> {
    let mut headers = HeaderMap::new();
    let problem = match refusal {
        // They are told in their own way, and come here in no other.
        Refusal::Fault { why, .. } => return problem_of(*why),
        Refusal::Soap(refused) => Problem::new(StatusCode::BAD_REQUEST).detail(refused.message),
        Refusal::SoapByGet => {
            headers.insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            Problem::new(StatusCode::METHOD_NOT_ALLOWED)
                .detail("this is a SOAP endpoint: POST an envelope to it; GET it with `?wsdl` for its description")
        }
        Refusal::UnknownSchema { number } => Problem::new(StatusCode::NOT_FOUND)
            .title("Unknown schema document.")
            .detail(format!("the WSDL of this endpoint (`?wsdl`) has no schema document {number}")),
        Refusal::NotReady(state) => {
            retry_after(&mut headers, Duration::from_secs(1));
            let what = if state == State::Draining { "stopping" } else { "starting" };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE).detail(format!("the server is {what}: try again"))
        }
        Refusal::NothingDeployed => {
            Problem::new(StatusCode::NOT_FOUND).title("Nothing is deployed.").detail("nothing is deployed here")
        }
        Refusal::OverRate(over) => over_rate(&over, &mut headers),
        Refusal::Miss(miss) => {
            headers = miss.headers();
            match miss.problem() {
                Some(problem) => problem,
                None => return Err(headers),
            }
        }
        Refusal::Host => {
            Problem::new(StatusCode::BAD_REQUEST).detail("the request needs one header `Host`, with a host and a port")
        }
        Refusal::TooManyHeaders => Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            .detail(format!("the request has more than {MAX_HEADERS} headers")),
        Refusal::Query(error) => Problem::new(StatusCode::BAD_REQUEST).detail(error.to_string()),
        Refusal::Header(error) => Problem::new(StatusCode::BAD_REQUEST).detail(error.to_string()),
        Refusal::Wish(error) => Problem::new(StatusCode::BAD_REQUEST).detail(error.to_string()),
        Refusal::Body(error) => {
            // What is left of the body is not read: the connection cannot carry another request.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            let status = match error {
                BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                BodyError::Stalled { .. } | BodyError::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
                BodyError::Broken { .. } => StatusCode::BAD_REQUEST,
            };
            Problem::new(status).detail(error.to_string())
        }
        Refusal::Input(refusal) => {
            if let Some(methods) = refusal.allow() {
                headers.insert(ALLOW, HeaderValue::from_static(methods));
            }
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            let problem = Problem::new(status).detail(refusal.to_string());
            match refusal {
                inbound::Refusal::Invalid { violation, document, .. } => {
                    problem.title("The request does not follow its profile.").member("errors", vec![violated(&violation, document)])
                }
                _ => problem,
            }
        }
        Refusal::UnknownPage => Problem::new(StatusCode::NOT_FOUND).title("Unknown page.").detail(
            "this `moreDataToken` is unknown here, has expired (after ten minutes, or when the page after its own was \
             fetched), or was given to another caller: ask again for the first page",
        ),
        Refusal::PageNotRead { why } => {
            tracing::error!(error = %why, "a further page could not be read");
            retry_after(&mut headers, Duration::from_secs(1));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE).detail("the page cannot be looked up now: ask again later")
        }
        Refusal::PagesNotHeld { id, why } => {
            tracing::error!(%id, error = %why, "the further pages of an answer could not be kept");
            insert_id(&mut headers, id);
            Problem::new(not_held(&why))
                .title("The further pages could not be kept.")
                .detail(
                    "the process has run, and returned more than one page; the pages after the first could not be kept, so \
                     none is given: sent again, the request runs again",
                )
                .member("executionId", id.to_string())
        }
        Refusal::NotQueued { id, why } => {
            tracing::error!(%id, error = %why, "a request could not be queued");
            retry_after(&mut headers, Duration::from_secs(1));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE)
                .detail("the request could not be kept durably and will not be run: send it again later")
        }
        Refusal::KeyNotTaken { why } => {
            tracing::error!(error = %why, "the key of a request could not be taken");
            retry_after(&mut headers, Duration::from_secs(1));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE)
                .detail("the `Idempotency-Key` could not be looked up, and the request was not run: send it again later")
        }
        Refusal::InFlight { first } => {
            retry_after(&mut headers, Duration::from_secs(1));
            Problem::new(StatusCode::CONFLICT)
                .title("A request with this key is being answered.")
                .detail("the first request with this `Idempotency-Key` goes on: send it again later for its answer")
                .member("executionId", first.to_string())
        }
        Refusal::OtherBody => Problem::new(StatusCode::UNPROCESSABLE_ENTITY)
            .title("This key was used for another request.")
            .detail(
                "a request with this `Idempotency-Key` came here in the last 24 hours, and its body, query or \
                 Content-Type was another: give each request its own key",
            ),
        Refusal::NotKept { id } => {
            insert_id(&mut headers, id);
            Problem::new(StatusCode::CONFLICT)
                .title("The answer is no longer there.")
                .detail(format!(
                    "the first request with this `Idempotency-Key` was run and answered, and is not run again; its \
                     answer is not kept, since it was larger than {KEPT_ANSWER_BYTES} bytes"
                ))
                .member("executionId", id.to_string())
        }
        Refusal::UnknownExecution => Problem::new(StatusCode::NOT_FOUND).title("Unknown execution.").detail(
            "there is no such execution here that was to be answered later; or its result has expired (after 24 hours), it \
             left none (a receipt), or it is another caller's",
        ),
        Refusal::StatusMethod => {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            Problem::new(StatusCode::METHOD_NOT_ALLOWED).detail("the status of an execution can only be read")
        }
        Refusal::StatusNotRead { why } => {
            tracing::error!(error = %why, "the status of an execution could not be read");
            retry_after(&mut headers, Duration::from_secs(1));
            Problem::new(StatusCode::SERVICE_UNAVAILABLE).detail("the status cannot be looked up now: ask again later")
        }
        Refusal::Failed { id, failure, debug, log } => {
            insert_id(&mut headers, id);
            failed(id, &failure, debug, &log, &mut headers)
        }
        Refusal::Output { id, error, debug } => {
            tracing::warn!(%id, %error, "a process returned what cannot be sent");
            insert_id(&mut headers, id);
            let detail = if debug { error.to_string() } else { not_told(id) };
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
                .title("The process returned what cannot be sent.")
                .detail(detail)
                .member("executionId", id.to_string())
        }
        Refusal::Panicked => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR).detail("a defect of the server itself; its log says more")
        }
    };
    Ok((problem, headers))
}

/// A violation of a profile as a member of a problem.
fn violated(violation: &Violation, document: Option<usize>) -> serde_json::Value {
    let Violation { line, column, message, rule } = violation;
    let mut error = serde_json::json!({ "line": line, "column": column, "message": message, "rule": rule });
    if let (Some(document), Some(members)) = (document, error.as_object_mut()) {
        members.insert("document".to_owned(), document.into());
    }
    error
}

fn over_rate(over: &OverRate, headers: &mut HeaderMap) -> Problem {
    retry_after(headers, over.wait);
    // The fields of the IETF's RateLimit draft: what is allowed, and what is left of it.
    insert(headers, RATELIMIT_POLICY, &format!("\"default\";q={};w=1", over.limit));
    insert(headers, RATELIMIT, &format!("\"default\";r=0;t={}", seconds(over.wait)));
    Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .detail(format!("more than {} requests a second, the limit of this server (`requests-per-second`)", over.limit))
}

/// The status of a failure at an endpoint.
pub(crate) fn failed_at(kind: FailureKind, endpoint: &Endpoint) -> StatusCode {
    let (status, _) = failed_as(kind);
    match &endpoint.soap {
        Some((version, _)) => StatusCode::from_u16(fault::status_of(status.as_u16(), *version)).unwrap_or(status),
        None => status,
    }
}

/// The status of a failure, and what it is called.
pub(crate) fn failed_as(kind: FailureKind) -> (StatusCode, &'static str) {
    match kind {
        FailureKind::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "The process failed."),
        FailureKind::Trapped => (StatusCode::INTERNAL_SERVER_ERROR, "The process trapped."),
        FailureKind::Memory => (StatusCode::INTERNAL_SERVER_ERROR, "The process wanted too much memory."),
        FailureKind::Start => (StatusCode::INTERNAL_SERVER_ERROR, "The process could not be started."),
        FailureKind::Contract => (StatusCode::INTERNAL_SERVER_ERROR, "The process went beyond a limit."),
        FailureKind::Diverged => (StatusCode::INTERNAL_SERVER_ERROR, "The replay went another way."),
        FailureKind::Unknown | FailureKind::Host => {
            (StatusCode::INTERNAL_SERVER_ERROR, "The server could not run the process.")
        }
        FailureKind::Deadline => (StatusCode::GATEWAY_TIMEOUT, "The process ran out of time."),
        FailureKind::Cpu => (StatusCode::GATEWAY_TIMEOUT, "The process used too much CPU time."),
        FailureKind::Saturated => (StatusCode::SERVICE_UNAVAILABLE, "Too many executions at once."),
    }
}

/// The status where further pages were not taken: it may be another time, or never.
pub(crate) fn not_held(why: &StoreError) -> StatusCode {
    match why.retry() {
        Retry::Later => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn failed(id: ExecutionId, failure: &Failure, debug: bool, log: &[LogLine], headers: &mut HeaderMap) -> Problem {
    let (status, title) = failed_as(failure.kind);
    if status == StatusCode::SERVICE_UNAVAILABLE && failure.retry() == Retry::Later {
        retry_after(headers, Duration::from_secs(1));
    }
    // These are said in the host's words, which hold nothing of the guest.
    let open = debug || matches!(failure.kind, FailureKind::Deadline | FailureKind::Cpu | FailureKind::Saturated);
    let problem = Problem::new(status)
        .title(title)
        .detail(if open { failure.message.clone() } else { not_told(id) })
        .member("executionId", id.to_string())
        .member("kind", failure.kind.name());
    if debug { problem.member("log", serde_json::to_value(log).unwrap_or_default()) } else { problem }
}

fn not_told(id: ExecutionId) -> String {
    format!("the server's log says more under execution {id}; so does the answer when asked with `X-Boomi-Debug: true`")
}

/// The answer of a process.
pub(crate) fn reply(id: ExecutionId, reply: Reply, link: Option<(HeaderName, HeaderValue)>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    insert_id(response.headers_mut(), id);
    if let Some((name, value)) = link {
        response.headers_mut().append(name, value);
    }
    response
}

/// Makes a relative `Location` right for a request whose path ended in slashes. A process does not see them (`inpath` has
/// none), so what it says is relative to the path without them.
pub(crate) fn relate_location(headers: &mut HeaderMap, path: &str) {
    let slashes = path.len() - path.trim_end_matches('/').len();
    let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok()) else { return };
    let first = location.split('/').next().unwrap_or_default();
    let relative = !first.is_empty() && !first.contains(':') && !first.starts_with(['?', '#']);
    if relative && (1..=MAX_SLASHES).contains(&slashes) {
        let location = format!("{}{location}", "../".repeat(slashes));
        insert(headers, LOCATION, &location);
    }
}

/// The receipt of a request that is queued durably.
pub(crate) fn receipt(id: ExecutionId, endpoint: &Endpoint, addressing: Option<&Addressing>) -> Response<Full<Bytes>> {
    if let Some((version, operation)) = &endpoint.soap {
        return reply(id, outbound::empty(operation, *version, addressing), None);
    }
    let mut response = Response::new(Full::default());
    insert_id(response.headers_mut(), id);
    response
}

/// A document that describes a SOAP service.
pub(crate) fn description(text: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
    response
}

/// Marks an answer whose process has said what it had to say, although its status is that of a failure: over SOAP 1.1 each fault
/// has 500.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled;

/// An answer that was given before.
pub(crate) fn replayed(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Whether this host takes requests: 200 ready, 503 starting or draining.
pub(crate) fn status(state: State) -> Response<Full<Bytes>> {
    let (status, word) = match state {
        State::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        State::Ready => (StatusCode::OK, "ready"),
        State::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    let body = serde_json::json!({ "status": word, "version": env!("CARGO_PKG_VERSION") });
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Metrics, if they could be written.
pub(crate) fn metrics(text: Option<String>) -> Response<Full<Bytes>> {
    let Some(text) = text else { return refuse(Refusal::Panicked) };
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn problem_response(problem: &Problem, mut headers: HeaderMap) -> Response<Full<Bytes>> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    let mut response = Response::new(Full::from(problem.to_json()));
    *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// An answer without a body: OPTIONS.
fn empty(status: StatusCode, headers: HeaderMap) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn insert_id(headers: &mut HeaderMap, id: ExecutionId) {
    insert(headers, X_EXECUTION_ID, id.encode(&mut [0; ExecutionId::LENGTH]));
}

fn retry_after(headers: &mut HeaderMap, wait: Duration) {
    insert(headers, RETRY_AFTER, &seconds(wait).to_string());
}

/// Whole seconds, at least one: what `Retry-After` can say.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // All values made here are visible ASCII; one that is not would only be left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_location_is_related_to_the_path_without_its_slashes() {
        for (path, location, sent) in [
            ("/a/Account", "Account/1", "Account/1"),
            ("/a/Account/", "Account/1", "../Account/1"),
            ("/a/Account//", "Account/1", "../../Account/1"),
            ("/a/Account/", "/a/Account/1", "/a/Account/1"),
            ("/a/Account/", "https://h/1", "https://h/1"),
            ("/a/Account/", "?x", "?x"),
        ] {
            let mut headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            relate_location(&mut headers, path);
            assert_eq!(headers.get(LOCATION).unwrap(), sent, "{path} {location}");
        }
    }
}
