//! The way of one request, straight down and straight up; each step is one function of another file.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use auricle_api::inbound;
use auricle_api::properties;
use auricle_api::route::{Destination, Endpoint, Found};
use auricle_api::soap::message::Addressing;
use auricle_api::validate;
use auricle_model::{DocumentType, Execution, ExecutionId, Mode, Taping};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;

use crate::body;
use crate::deploy::Active;
use crate::host::{Inner, State};
use crate::idempotency;
use crate::limits::{HEAVY_BYTES, MAX_HEADERS};
use crate::observe::Observed;
use crate::origin;
use crate::promise;
use crate::queue::{Promise, Queue};
use crate::reply::{self, Answer, Asked, Told, unhindered_by};
use crate::respond::{self, Refusal};
use crate::soap;
use crate::status_link;
use crate::wishes::Wishes;

/// Where health is told, on every address.
pub(crate) const STATUS_PATH: &str = "/_admin/status";

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
    let active = host.served.load().pick(request.headers());
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
            Ok(Err(refusal)) => refuse(host, &head, *refusal),
            Err(_) => refuse(host, &head, Refusal::Panicked),
        }
    };
    observed.end(active.as_deref(), &response);
    response
}

fn refuse(host: &Inner, head: &Parts, refusal: Refusal) -> Response<Full<Bytes>> {
    host.requests.refuse((&refusal).into());
    respond::refuse(soap::told(host, head, refusal))
}

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
    if !origin::is_clear(&head.headers) {
        return Err(Box::new(Refusal::Host));
    }
    if head.headers.len() > MAX_HEADERS {
        // HTTP/1 has been refused by the reader already; HTTP/2, and a server that this one is mounted in, count otherwise.
        return Err(Box::new(Refusal::TooManyHeaders));
    }

    if let Some(id) = status_link::id_of(head.uri.path()) {
        return Box::pin(status_link::answer(host, head, id)).await;
    }
    let active = active.ok_or(Refusal::NothingDeployed)?;
    if let Some(token) = reply::page_token(head)
        && let Some(page) = Box::pin(reply::further_page(host, active, head, &token, peer)).await?
    {
        return Ok(page);
    }
    let found = match active.router.find(&head.method, head.uri.path(), &head.headers).map_err(Refusal::Miss)? {
        Destination::Operation(found) => found,
        Destination::Soap(at) => {
            // Boxed for the sake of the others, whose future would be as large.
            let asked = soap::Asked { host, active, head, peer, at };
            return Box::pin(soap::answer(asked, body, observed)).await;
        }
    };
    observed.found(active, &head.method, &found.endpoint);
    let wishes = Wishes::of(&head.method, &head.headers).map_err(Refusal::Wish)?;
    let debug = properties::is_debug(head.uri.query(), &head.headers);
    if found.endpoint.operation.input == DocumentType::None && body::is_announced(&head.headers) {
        // Before it is asked for: a client that waits for `100 Continue` need not send it.
        let protocol = found.endpoint.protocol;
        return Err(Box::new(Refusal::Input(inbound::Refusal::BodyNotTaken { protocol })));
    }
    let body = body::collect(&head.headers, body, host.config.max_request_bytes).await.map_err(Refusal::Body)?;
    observed.took(&body);
    let execution = execution(head, &found, body.clone(), debug, None)?;
    run(Way { host, active, head, peer, wishes, addressing: None }, found, execution, body, observed).await
}

/// A request on its way to an operation.
pub(crate) struct Way<'a> {
    pub(crate) host: &'a Arc<Inner>,
    pub(crate) active: &'a Arc<Active>,
    pub(crate) head: &'a Parts,
    pub(crate) peer: Option<IpAddr>,
    /// What its caller asks of the host beside the process.
    pub(crate) wishes: Option<Wishes>,
    /// Over SOAP, what its answer relates to.
    pub(crate) addressing: Option<Box<Addressing>>,
}

/// Has an execution run that was made of a request, and answers.
pub(crate) async fn run(
    way: Way<'_>,
    found: Found,
    mut execution: Execution,
    body: Bytes,
    observed: &mut Observed<'_>,
) -> Answer {
    let Way { host, active, head, peer, wishes, addressing } = way;
    let digest = wishes.as_ref().filter(|wishes| wishes.key.is_some()).map(|_| idempotency::digest(head, &body));
    execution.trace = observed.trace.take();
    let kept = host.records.keep(active, &execution);
    let trace = execution.trace.clone();
    let told = Told { debug: execution.mode.is_some(), trace, peer, body, kept, addressing, steps: observed.made() };
    // What does not wait for its process is boxed: it is large, and would make the future of every request as large.
    if let Some(wishes) = wishes {
        let asked = Asked { host: host.clone(), active: active.clone(), head: head.clone(), found, told };
        return Box::pin(promise::answer(asked, execution, wishes, digest)).await;
    }
    if execution.operation.is_receipt() {
        let id = execution.id;
        let accepting = Box::pin(Queue::accept(host, active.clone(), execution, Promise::default()));
        accepting.await.map_err(|why| Refusal::NotQueued { id, why })?;
        return Ok(respond::receipt(id, &found.endpoint, told.addressing.as_deref()));
    }
    let outcome = active.processes.run(execution).await;
    reply::ended(host, active, head, &found, outcome, &told).await
}

/// Everything that a process can see of its request. `id`: that of the execution, where it is made once more.
pub(crate) fn execution(
    head: &Parts,
    found: &Found,
    body: Bytes,
    debug: bool,
    id: Option<ExecutionId>,
) -> Result<Execution, Box<Refusal>> {
    let endpoint = &found.endpoint;
    if endpoint.soap.is_some() {
        return soap::execution(head, found, body, debug, id);
    }
    let headers = endpoint.document_properties(&head.headers).map_err(Refusal::Header)?;
    let mut execution = Execution::new(endpoint.process.clone(), endpoint.operation.clone(), endpoint.protocol);
    execution.id = id.unwrap_or(execution.id);
    let Endpoint { operation, object, protocol, validating, .. } = &**endpoint;
    let documents = unhindered_by(is_heavy(endpoint, &body), || {
        let Some(profile) = validating else {
            return inbound::documents(operation, object, *protocol, body, &headers);
        };
        let documents = inbound::documents(operation, object, *protocol, body.clone(), &headers)?;
        validate::documents(profile, operation.input, &body, &documents)?;
        Ok(documents)
    });
    execution.documents = documents.map_err(Refusal::Input)?;
    execution.properties =
        properties::process_properties(found, &head.method, head.uri.query(), None).map_err(Refusal::Query)?;
    if debug {
        execution.mode = Some(Mode::General);
        execution.taping = Taping::Record;
    }
    Ok(execution)
}

/// Whether it takes long to make documents of a body: it is large, and has to be read.
fn is_heavy(endpoint: &Endpoint, body: &Bytes) -> bool {
    body.len() > HEAVY_BYTES && (endpoint.operation.input.is_multiple() || endpoint.validating.is_some())
}
