//! From what an execution came to, to its answer: documents made into a response, and what does not fit held as pages.

use std::net::IpAddr;
use std::sync::Arc;

use auricle_api::outbound::{self, List, OutputError, Reply};
use auricle_api::paging;
use auricle_api::route::{Destination, Endpoint, Found, Miss, SoapSite};
use auricle_api::soap::message::Addressing;
use auricle_api::soap::{self, SoapOperation, Version};
use auricle_api::target::Target;
use auricle_model::{
    Document, DocumentType, Execution, ExecutionId, Failure, FailureKind, Operation, Outcome, TraceContext,
};
use auricle_store::Page;
use bytes::Bytes;
use http::header::LINK;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response};
use http_body_util::Full;
use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::field::display;

use crate::deploy::Active;
use crate::dispatch;
use crate::execution_log;
use crate::host::Inner;
use crate::limits::HEAVY_BYTES;
use crate::observe::Steps;
use crate::pages::Further;
use crate::records::Ran;
use crate::respond::{self, Refusal, Settled};

/// Refusals are large and rare: boxed, they do not weigh on the way of those that pass.
pub(crate) type Answer = Result<Response<Full<Bytes>>, Box<Refusal>>;

/// What is known of a request beside its head.
#[derive(Debug)]
pub(crate) struct Told {
    /// Whether its caller asked to debug.
    pub(crate) debug: bool,
    /// The trace that it belongs to.
    pub(crate) trace: Option<TraceContext>,
    /// The caller's address.
    pub(crate) peer: Option<IpAddr>,
    /// Its body, shared with the documents that were made of it.
    pub(crate) body: Bytes,
    /// Over SOAP, what the answer relates to.
    pub(crate) addressing: Option<Box<Addressing>>,
    /// The execution that was made of it, where a record of that is certain.
    pub(crate) kept: Option<Box<Execution>>,
    /// When the steps before the execution were done.
    pub(crate) steps: Steps,
}

impl Told {
    /// All that is known of an execution that is over. Where nobody could know that it would leave a record, what went in is
    /// made once more from the request: those that leave none pay nothing for it.
    fn ran(&self, active: &Active, head: &Parts, found: &Found, outcome: Outcome) -> Ran {
        let again = || dispatch::execution(head, found, self.body.clone(), self.debug, Some(outcome.id)).ok();
        let endpoint = &found.endpoint;
        let bare = || Execution::new(endpoint.process.clone(), endpoint.operation.clone(), endpoint.protocol);
        let mut execution = self.kept.as_deref().cloned().or_else(again).unwrap_or_else(bare);
        execution.trace = self.trace.clone();
        let times = self.steps.times(&outcome);
        let ran = Ran::new(active, execution, outcome, self.steps.began_at());
        Ran { endpoint: Some(endpoint.clone()), client: self.peer, debug: self.debug, times, ..ran }
    }
}

/// A request that came to an endpoint, for those who answer it in a task of their own.
pub(crate) struct Asked {
    pub(crate) host: Arc<Inner>,
    pub(crate) active: Arc<Active>,
    pub(crate) head: Parts,
    pub(crate) found: Found,
    pub(crate) told: Told,
}

impl Asked {
    /// Runs it and gives its answer.
    pub(crate) async fn run(&self, execution: Execution) -> Answer {
        let outcome = self.active.processes.run(execution).await;
        self.ended(outcome).await
    }

    /// The answer that its execution has led to.
    pub(crate) async fn ended(&self, outcome: Outcome) -> Answer {
        ended(&self.host, &self.active, &self.head, &self.found, outcome, &self.told).await
    }
}

/// The answer that an execution has led to. It waits for nothing, unless there are further pages, or it is a debug run whose
/// record has no place yet.
pub(crate) async fn ended(
    host: &Inner,
    active: &Active,
    head: &Parts,
    found: &Found,
    outcome: Outcome,
    told: &Told,
) -> Answer {
    let id = outcome.id;
    let Ended { mut answer, mut ran, further } = answered(host, active, head, found, outcome, told);
    if let Some(further) = further {
        // Before their token is told. Boxed for the sake of the others, whose future would be as large.
        if let Err(refusal) = Box::pin(held(host, id, *further, ran.as_deref_mut())).await {
            answer = Err(refusal);
        }
    }
    if let Some(ran) = ran {
        host.records.take(ran).await;
    }
    answer
}

/// What an execution has led to.
struct Ended {
    answer: Answer,
    /// What is recorded of it.
    ran: Option<Box<Ran>>,
    /// What has to be held before the answer is given.
    further: Option<Box<Further>>,
}

/// Holds further pages. An answer whose pages are not held is none: documents would be lost, and nobody would know.
async fn held(host: &Inner, id: ExecutionId, further: Further, ran: Option<&mut Ran>) -> Result<(), Box<Refusal>> {
    let Err(why) = host.pages.hold(further).await else { return Ok(()) };
    if let Some(ran) = ran {
        ran.status = Some(respond::not_held(&why).as_u16());
        ran.unsendable = Some(Failure::new(FailureKind::Host, format!("its further pages could not be kept: {why}")));
    }
    Err(Box::new(Refusal::PagesNotHeld { id, why }))
}

/// The answer, what is recorded of it, and its further pages.
fn answered(host: &Inner, active: &Active, head: &Parts, found: &Found, mut outcome: Outcome, told: &Told) -> Ended {
    let Told { debug, trace, .. } = told;
    let debug = *debug;
    let process = &*found.endpoint.process;
    let Outcome { id, mode, .. } = outcome;
    active.note(&outcome);
    execution_log::tell(id, process, &outcome.log);
    let mut due = host.records.is_due(&outcome, debug);
    let mut unsendable = None;
    let mut notes = Vec::new();
    let mut further = None;
    let (answer, status) = match std::mem::replace(&mut outcome.result, Ok(Vec::new())) {
        Ok(documents) => {
            if due {
                outcome.result = Ok(documents.clone());
            }
            match response(host, head, found, id, documents, told) {
                Ok(made) => {
                    (notes, further) = (made.notes, made.further);
                    let status = made.response.status();
                    (Ok(made.response), status)
                }
                Err(Unsent { error, documents }) => {
                    if !due {
                        due = host.records.takes_failures();
                        outcome.result = Ok(documents);
                    }
                    let kind = FailureKind::Contract;
                    unsendable = Some(Failure::new(kind, error.to_string()));
                    (Err(Box::new(Refusal::Output { id, error, debug })), respond::failed_at(kind, &found.endpoint))
                }
            }
        }
        Err(failure) => {
            let trace = trace.as_ref().map(|trace| display(trace.trace_id()));
            tracing::warn!(%id, %process, %mode, kind = %failure.kind, trace_id = trace, "execution failed: {}", failure.message);
            if due {
                outcome.result = Err(failure.clone());
            }
            let status = respond::failed_at(failure.kind, &found.endpoint);
            let log = if debug { outcome.log.clone() } else { Vec::new() };
            (Err(Box::new(Refusal::Failed { id, failure, debug, log })), status)
        }
    };
    let ran = due.then(|| {
        let ran = told.ran(active, head, found, outcome);
        Box::new(Ran { status: Some(status.as_u16()), unsendable, notes, ..ran })
    });
    Ended { answer, ran, further }
}

/// What documents make.
struct Made {
    response: Response<Full<Bytes>>,
    /// What of them was dropped or ignored.
    notes: Vec<String>,
    /// What it has no room for.
    further: Option<Box<Further>>,
}

/// Documents that make no response, and why.
struct Unsent {
    error: OutputError,
    documents: Vec<Document>,
}

/// The response that documents make.
fn response(
    host: &Inner,
    head: &Parts,
    found: &Found,
    id: ExecutionId,
    documents: Vec<Document>,
    told: &Told,
) -> Result<Made, Unsent> {
    let Endpoint { process, operation, object, soap, .. } = &*found.endpoint;
    let (documents, rest) = paging::split(operation, documents);
    let place = || match soap {
        Some((_, called)) => soap_place(found.endpoint.api.as_deref(), called),
        None => place(head),
    };
    let further = Further::cut(id, operation, object, place, rest);
    let token = further.as_deref().map(Further::token);
    let reply = match soap {
        Some((version, called)) => {
            let answer =
                Enveloped { version: *version, execution: id, more: false, addressing: told.addressing.as_deref() };
            answer.of(called, &documents, token)
        }
        None => joined(operation, &documents, object, token),
    };
    let mut reply = match reply {
        Ok(reply) => reply,
        Err(error) => return Err(Unsent { error, documents }),
    };
    tell_notes(id, process, &reply);
    let notes = std::mem::take(&mut reply.notes);
    // Over SOAP the list itself says it: its next page is another message, not another URL.
    let link = token.filter(|_| soap.is_none()).map(|token| link(host, head, token, told.peer));
    let mut response = respond::reply(id, reply, link);
    if soap.is_some() && response.status().is_server_error() && is_client_error(&documents) {
        response.extensions_mut().insert(Settled);
    }
    respond::relate_location(response.headers_mut(), head.uri.path());
    Ok(Made { response, notes, further })
}

/// Whether the one document of an answer says that its client is to blame.
fn is_client_error(documents: &[Document]) -> bool {
    let status =
        |document: &Document| document.properties.get("outstatuscode").is_some_and(|s| s.trim().starts_with('4'));
    matches!(documents, [document] if status(document))
}

/// The answer for a caller who comes back for it: every document in one, since pages are gone by then.
pub(crate) fn whole(
    active: &Active,
    execution: &Execution,
    documents: &[Document],
) -> Result<Response<Full<Bytes>>, OutputError> {
    let Execution { id, process, operation, .. } = execution;
    let own_object = active.processes.get(process).map_or("", |listener| &listener.operation().object);
    let reply = joined(operation, documents, own_object, None)?;
    tell_notes(*id, process, &reply);
    Ok(respond::reply(*id, reply, None))
}

/// Where its author looks: beside what the process itself said.
fn tell_notes(id: ExecutionId, process: &str, reply: &Reply) {
    for note in &reply.notes {
        tracing::warn!(target: execution_log::TARGET, %id, %process, "{note}");
    }
}

/// The token of a request that may be one for a further page: a GET with `moreDataToken`, whatever the route's method.
pub(crate) fn page_token(head: &Parts) -> Option<String> {
    let query = head.uri.query().filter(|_| head.method == Method::GET || head.method == Method::HEAD);
    query.and_then(paging::token_of)
}

/// A page of an earlier answer that was given at the same path. A token that is not known is only refused where a page could
/// have been: elsewhere it is a query parameter like any other.
pub(crate) async fn further_page(
    host: &Inner,
    active: &Active,
    head: &Parts,
    token: &str,
    peer: Option<IpAddr>,
) -> Result<Option<Response<Full<Bytes>>>, Box<Refusal>> {
    let found = host.pages.get(token, place(head)).await.map_err(|why| Refusal::PageNotRead { why });
    let page = found.and_then(|page| page.ok_or(Refusal::UnknownPage));
    let page = match page {
        Ok(page) => page,
        Err(refusal) => return if has_pages(active, head) { Err(Box::new(refusal)) } else { Ok(None) },
    };
    let Page { execution, operation, own_object, documents, next } = page;
    let reply = joined(&operation, &documents, &own_object, next.as_deref()).map_err(|error| Refusal::Output {
        id: execution,
        error,
        debug: false,
    })?;
    let link = next.map(|token| link(host, head, &token, peer));
    Ok(Some(respond::reply(execution, reply, link)))
}

/// Whether there can be further pages at the path of a request.
fn has_pages(active: &Active, head: &Parts) -> bool {
    match active.router.find(&head.method, head.uri.path(), &head.headers) {
        Ok(Destination::Operation(found)) => found.endpoint.operation.output.is_multiple(),
        Ok(Destination::Soap(..)) => false,
        Err(Miss::MethodNotAllowed { .. }) => true,
        Err(_) => false,
    }
}

/// A page of an earlier answer of a SOAP operation, asked for by `{operation}MoreResults`.
pub(crate) async fn further_soap_page(
    host: &Inner,
    site: &SoapSite,
    operation: &SoapOperation,
    token: &str,
    addressing: Option<&Addressing>,
) -> Answer {
    let place = soap_place(site.service.api.as_deref(), operation);
    let found = host.pages.get(token, place).await.map_err(|why| Refusal::PageNotRead { why })?;
    let Page { execution: id, documents, next, .. } = found.ok_or(Refusal::UnknownPage)?;
    let answer = Enveloped { version: site.version, execution: id, more: true, addressing };
    let reply = answer.of(operation, &documents, next.as_deref());
    let reply = reply.map_err(|error| Refusal::Output { id, error, debug: false })?;
    Ok(respond::reply(id, reply, None))
}

/// How a SOAP answer is given, beside its documents.
struct Enveloped<'a> {
    version: Version,
    execution: ExecutionId,
    /// Whether it is a further page.
    more: bool,
    addressing: Option<&'a Addressing>,
}

impl Enveloped<'_> {
    /// The response of one page of documents.
    fn of(&self, operation: &SoapOperation, documents: &[Document], next: Option<&str>) -> Result<Reply, OutputError> {
        let bytes = documents.iter().map(|document| document.data.len()).sum::<usize>();
        let id = self.execution.to_string();
        unhindered_by(bytes > HEAVY_BYTES, || {
            soap::outbound::reply(operation, self.version, &id, documents, next, self.more, self.addressing)
        })
    }
}

/// Where the pages of a SOAP operation are asked for, in either version.
fn soap_place(api: Option<&str>, operation: &SoapOperation) -> String {
    format!("soap:{}#{}", api.unwrap_or_default(), operation.name)
}

/// The path as the router sees it, spelled in one way: a trailing slash or another encoding makes no other path.
fn place(head: &Parts) -> String {
    let spelled = |segment: &str| format!("/{}", segment.replace('%', "%25").replace('/', "%2F"));
    let target = Target::parse(head.uri.path());
    target.map(|t| t.segments().iter().map(|s| spelled(s.text())).collect()).unwrap_or_default()
}

/// Does work that grows with a list of so many bytes; where that is long, so that this thread's other requests go elsewhere.
pub(crate) fn unhindered<T>(list: DocumentType, bytes: usize, work: impl FnOnce() -> T) -> T {
    unhindered_by(list.is_multiple() && bytes > HEAVY_BYTES, work)
}

/// Does work that is long or not.
pub(crate) fn unhindered_by<T>(long: bool, work: impl FnOnce() -> T) -> T {
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

fn link(host: &Inner, head: &Parts, token: &str, peer: Option<IpAddr>) -> (HeaderName, HeaderValue) {
    (LINK, paging::link(&host.origin.url(head, peer), head.uri.query(), token))
}
