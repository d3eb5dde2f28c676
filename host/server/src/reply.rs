//! From what an execution came to, to its answer: documents made into a response, and what does not fit held as pages.

use std::net::IpAddr;
use std::sync::Arc;

use auricle_api::outbound::{self, List, OutputError, Reply};
use auricle_api::paging;
use auricle_api::route::{Endpoint, Found, Miss};
use auricle_api::target::Target;
use auricle_model::{
    Document, DocumentType, Execution, ExecutionId, Failure, FailureKind, Operation, Outcome, TraceContext,
};
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
use crate::pages::PageSet;
use crate::records::Ran;
use crate::respond::{self, Refusal};

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
    /// The execution that was made of it, where a record of that is certain.
    pub(crate) kept: Option<Box<Execution>>,
    /// When the steps before the execution were done.
    pub(crate) steps: Steps,
}

impl Told {
    /// All that is known of an execution that is over. Where nobody could know that it would leave a record, what went in is
    /// made once more from the request: those that leave none pay nothing for it.
    fn ran(&self, active: &Active, head: &Parts, found: &Found, outcome: Outcome) -> Ran {
        let again = || dispatch::execution(head, found, self.body.clone(), self.debug).ok();
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

/// The answer that an execution has led to. It waits for nothing, unless it is a debug run whose record has no place yet.
pub(crate) async fn ended(
    host: &Inner,
    active: &Active,
    head: &Parts,
    found: &Found,
    outcome: Outcome,
    told: &Told,
) -> Answer {
    let (answer, ran) = answered(host, active, head, found, outcome, told);
    if let Some(ran) = ran {
        host.records.take(ran).await;
    }
    answer
}

/// The answer, and what is recorded of it.
fn answered(
    host: &Inner,
    active: &Active,
    head: &Parts,
    found: &Found,
    mut outcome: Outcome,
    told: &Told,
) -> (Answer, Option<Box<Ran>>) {
    let Told { debug, trace, .. } = told;
    let debug = *debug;
    let process = &*found.endpoint.process;
    let Outcome { id, mode, .. } = outcome;
    active.note(&outcome);
    execution_log::tell(id, process, &outcome.log);
    let mut due = host.records.is_due(&outcome, debug);
    let mut unsendable = None;
    let mut notes = Vec::new();
    let (answer, status) = match std::mem::replace(&mut outcome.result, Ok(Vec::new())) {
        Ok(documents) => {
            if due {
                outcome.result = Ok(documents.clone());
            }
            match response(host, head, found, id, documents, told.peer) {
                Ok((response, of_reply)) => {
                    notes = of_reply;
                    let status = response.status();
                    (Ok(response), status)
                }
                Err(Unsent { error, documents }) => {
                    if !due {
                        due = host.records.takes_failures();
                        outcome.result = Ok(documents);
                    }
                    let kind = FailureKind::Contract;
                    unsendable = Some(Failure::new(kind, error.to_string()));
                    (Err(Box::new(Refusal::Output { id, error, debug })), respond::failed_as(kind).0)
                }
            }
        }
        Err(failure) => {
            let trace = trace.as_ref().map(|trace| display(trace.trace_id()));
            tracing::warn!(%id, %process, %mode, kind = %failure.kind, trace_id = trace, "execution failed: {}", failure.message);
            if due {
                outcome.result = Err(failure.clone());
            }
            let status = respond::failed_as(failure.kind).0;
            let log = if debug { outcome.log.clone() } else { Vec::new() };
            (Err(Box::new(Refusal::Failed { id, failure, debug, log })), status)
        }
    };
    let ran = due.then(|| {
        let ran = told.ran(active, head, found, outcome);
        Box::new(Ran { status: Some(status.as_u16()), unsendable, notes, ..ran })
    });
    (answer, ran)
}

/// Documents that make no response, and why.
struct Unsent {
    error: OutputError,
    documents: Vec<Document>,
}

/// The response that documents make, and what of them was dropped or ignored.
fn response(
    host: &Inner,
    head: &Parts,
    found: &Found,
    id: ExecutionId,
    documents: Vec<Document>,
    peer: Option<IpAddr>,
) -> Result<(Response<Full<Bytes>>, Vec<String>), Unsent> {
    let Endpoint { process, operation, object, .. } = &*found.endpoint;
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
    let mut reply = match joined(operation, &documents, object, token.as_deref()) {
        Ok(reply) => reply,
        Err(error) => {
            token.iter().for_each(|token| host.pages.forget(token));
            return Err(Unsent { error, documents });
        }
    };
    tell_notes(id, process, &reply);
    let notes = std::mem::take(&mut reply.notes);
    let link = token.map(|token| link(host, head, &token, peer));
    let mut response = respond::reply(id, reply, link);
    respond::relate_location(response.headers_mut(), head.uri.path());
    Ok((response, notes))
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

/// A page of an earlier answer: a GET of its path with `moreDataToken`, whatever the route's method. A token that is not
/// known is only refused where a page could have been: elsewhere it is a query parameter like any other.
pub(crate) fn further_page(
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
