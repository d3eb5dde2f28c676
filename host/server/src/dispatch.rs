//! The way of one request, straight down and straight up; each step is one function of another file.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use auricle_api::inbound;
use auricle_api::outbound::{self, List, OutputError, Reply};
use auricle_api::paging;
use auricle_api::properties;
use auricle_api::route::{Endpoint, Found, Miss};
use auricle_api::target::Target;
use auricle_model::{Document, DocumentType, Execution, Mode, Operation, Outcome, TraceContext};
use bytes::Bytes;
use http::header::LINK;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::field::display;

use crate::body;
use crate::deploy::Active;
use crate::execution_log;
use crate::host::{Inner, State};
use crate::limits::{HEAVY_BYTES, MAX_HEADERS};
use crate::metrics;
use crate::observe::Observed;
use crate::origin;
use crate::pages::PageSet;
use crate::queue::Queue;
use crate::respond::{self, Refusal};

/// Where health is told, on every address.
const STATUS_PATH: &str = "/_admin/status";

/// Where metrics are told, on the admin address only.
const METRICS_PATH: &str = "/metrics";

/// Answers a request. Whatever happens below, a panic included, becomes a response.
pub(crate) async fn answer<B>(host: &Arc<Inner>, request: Request<B>, peer: Option<IpAddr>) -> Response<Full<Bytes>>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    if request.uri().path() == STATUS_PATH {
        return respond::status(host.state());
    }
    let mut observed = Observed::begin(host, &request);
    let span = observed.span();
    let active = host.active.load_full();
    let (head, body) = request.into_parts();
    let response = {
        let mut answering = pin!(admitted(host, active.as_ref(), &head, body, peer, &mut observed));
        // Polled where it stands: each adapter that took it in would copy it.
        let answered = poll_fn(|context| {
            let polled = AssertUnwindSafe(|| span.in_scope(|| answering.as_mut().poll(context)));
            match catch_unwind(polled) {
                Ok(polled) => polled.map(Ok),
                Err(panic) => Poll::Ready(Err(panic)),
            }
        });
        match answered.await {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => refuse(host, *refusal),
            Err(_) => refuse(host, Refusal::Panicked),
        }
    };
    observed.end(active.as_deref(), &response);
    response
}

fn refuse(host: &Inner, refusal: Refusal) -> Response<Full<Bytes>> {
    host.requests.refuse((&refusal).into());
    respond::refuse(refusal)
}

/// Answers on the admin address.
pub(crate) fn answer_admin<B>(host: &Inner, request: &Request<B>) -> Response<Full<Bytes>> {
    match request.uri().path() {
        STATUS_PATH => respond::status(host.state()),
        METRICS_PATH => respond::metrics(unhindered_by(true, || metrics::scrape(host))),
        path => respond::refuse(Refusal::NotAdmin { path: path.to_owned() }),
    }
}

/// Refusals are large and rare: boxed, they do not weigh on the way of those that pass.
type Answer = Result<Response<Full<Bytes>>, Box<Refusal>>;

async fn admitted<B>(
    host: &Arc<Inner>,
    active: Option<&Arc<Active>>,
    head: &Parts,
    body: B,
    peer: Option<IpAddr>,
    observed: &mut Observed<'_>,
) -> Answer
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let state = host.state();
    if state != State::Ready {
        return Err(Box::new(Refusal::NotReady(state)));
    }
    host.rate.admit().map_err(Refusal::OverRate)?;
    let active = active.ok_or(Refusal::NotReady(State::Starting))?;
    if !origin::is_clear(&head.headers) {
        return Err(Box::new(Refusal::Host));
    }
    if head.headers.len() > MAX_HEADERS {
        // HTTP/1 has been refused by the reader already; HTTP/2, and a server that this one is mounted in, count otherwise.
        return Err(Box::new(Refusal::TooManyHeaders));
    }

    if let Some(page) = further_page(host, active, head, peer)? {
        return Ok(page);
    }
    let found = active.router.find(&head.method, head.uri.path(), &head.headers).map_err(Refusal::Miss)?;
    observed.found(active, &head.method, &found.endpoint);
    let debug = properties::is_debug(head.uri.query(), &head.headers);
    if found.endpoint.operation.input == DocumentType::None && body::is_announced(&head.headers) {
        // Before it is asked for: a client that waits for `100 Continue` need not send it.
        let protocol = found.endpoint.protocol;
        return Err(Box::new(Refusal::Input(inbound::Refusal::BodyNotTaken { protocol })));
    }
    let body = body::collect(&head.headers, body, host.config.max_request_bytes).await.map_err(Refusal::Body)?;
    observed.took(&body);
    let mut execution = execution(head, &found, body, debug)?;
    execution.trace = observed.trace.take();
    if execution.operation.is_receipt() {
        let id = execution.id;
        // Boxed: it is large, and would make the future of every request as large.
        Box::pin(Queue::accept(host, active.clone(), execution)).await.map_err(|why| Refusal::NotQueued { id, why })?;
        return Ok(respond::receipt(id));
    }
    let debug = execution.mode.is_some();
    let trace = execution.trace.clone();
    let outcome = active.processes.run(execution).await;
    let told = Told { debug, trace, peer };
    ended(host, head, &found, outcome, told)
}

/// Everything that a process can see of its request.
fn execution(head: &Parts, found: &Found, body: Bytes, debug: bool) -> Result<Execution, Box<Refusal>> {
    let endpoint = &found.endpoint;
    let headers = endpoint.document_properties(&head.headers).map_err(Refusal::Header)?;
    let mut execution = Execution::new(endpoint.process.clone(), endpoint.operation.clone(), endpoint.protocol);
    let Endpoint { operation, object, protocol, .. } = &**endpoint;
    let documents =
        unhindered(operation.input, body.len(), || inbound::documents(operation, object, *protocol, body, &headers));
    execution.documents = documents.map_err(Refusal::Input)?;
    execution.properties =
        properties::process_properties(found, &head.method, head.uri.query(), None).map_err(Refusal::Query)?;
    execution.mode = debug.then_some(Mode::General);
    Ok(execution)
}

/// What is known of a request beside its head.
struct Told {
    /// Whether its caller asked to debug.
    debug: bool,
    trace: Option<TraceContext>,
    peer: Option<IpAddr>,
}

/// The answer that an execution has led to.
fn ended(host: &Inner, head: &Parts, found: &Found, outcome: Outcome, told: Told) -> Answer {
    let Told { debug, trace, peer } = told;
    let Endpoint { process, operation, object, .. } = &*found.endpoint;
    let id = outcome.id;
    execution_log::tell(id, process, &outcome.log);
    let documents = match outcome.result {
        Ok(documents) => documents,
        Err(failure) => {
            let trace = trace.as_ref().map(|trace| display(trace.trace_id()));
            tracing::warn!(%id, %process, mode = %outcome.mode, kind = %failure.kind, trace_id = trace, "execution failed: {}", failure.message);
            let log = if debug { outcome.log } else { Vec::new() };
            return Err(Box::new(Refusal::Failed { id, failure, debug, log }));
        }
    };
    let (documents, rest) = paging::split(operation, documents);
    let token = (!rest.is_empty()).then(|| {
        host.pages.hold(PageSet {
            execution: id,
            operation: operation.clone(),
            own_object: object.clone(),
            path: segments(head),
            user: None,
            documents: rest,
        })
    });
    let reply = joined(operation, &documents, object, token.as_deref());
    let reply = reply.map_err(|error| {
        token.iter().for_each(|token| host.pages.forget(token));
        Refusal::Output { id, error, debug }
    })?;
    for note in &reply.notes {
        // Where its author looks: beside what the process itself said.
        tracing::warn!(target: execution_log::TARGET, %id, %process, "{note}");
    }
    let link = token.map(|token| link(host, head, &token, peer));
    let mut response = respond::reply(id, reply, link);
    respond::relate_location(response.headers_mut(), head.uri.path());
    Ok(response)
}

/// A page of an earlier answer: a GET of its path with `moreDataToken`, whatever the route's method. A token that is not
/// known is only refused where a page could have been: elsewhere it is a query parameter like any other.
fn further_page(
    host: &Inner,
    active: &Active,
    head: &Parts,
    peer: Option<IpAddr>,
) -> Result<Option<Response<Full<Bytes>>>, Box<Refusal>> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Ok(None);
    }
    let Some(token) = head.uri.query().and_then(paging::token_of) else { return Ok(None) };
    let Some(page) = host.pages.get(&token, &segments(head), None) else {
        let pages = match active.router.find(&head.method, head.uri.path(), &head.headers) {
            Ok(found) => found.endpoint.operation.output.is_multiple(),
            Err(Miss::MethodNotAllowed { .. }) => true,
            Err(_) => false,
        };
        return if pages { Err(Box::new(Refusal::UnknownPage)) } else { Ok(None) };
    };
    let set = &page.set;
    let next = host.pages.next(&token, &page);
    let reply = joined(&set.operation, page.documents(), &set.own_object, next.as_deref())
        .map_err(|error| Refusal::Output { id: set.execution, error, debug: false })?;
    let link = next.map(|token| link(host, head, &token, peer));
    Ok(Some(respond::reply(set.execution, reply, link)))
}

/// The segments of the path as the router sees them: a trailing slash or another encoding makes no other path.
fn segments(head: &Parts) -> Vec<String> {
    let target = Target::parse(head.uri.path());
    target.map(|t| t.segments().iter().map(|s| s.text().to_owned()).collect()).unwrap_or_default()
}

/// Does work that grows with a list of so many bytes; where that is long, so that this thread's other requests go elsewhere.
fn unhindered<T>(list: DocumentType, bytes: usize, work: impl FnOnce() -> T) -> T {
    unhindered_by(list.is_multiple() && bytes > HEAVY_BYTES, work)
}

fn unhindered_by<T>(long: bool, work: impl FnOnce() -> T) -> T {
    if long && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        return tokio::task::block_in_place(work);
    }
    work()
}

/// The response of one page of documents.
fn joined(
    operation: &Operation,
    documents: &[Document],
    own_object: &str,
    next: Option<&str>,
) -> Result<Reply, OutputError> {
    let list = List { own_object, namespace: outbound::DEFAULT_NAMESPACE, next };
    let bytes = documents.iter().map(|document| document.data.len()).sum();
    unhindered(operation.output, bytes, || outbound::reply(operation, documents, &list))
}

fn link(host: &Inner, head: &Parts, token: &str, peer: Option<IpAddr>) -> (http::HeaderName, HeaderValue) {
    (LINK, paging::link(&host.origin.url(head, peer), head.uri.query(), token))
}
