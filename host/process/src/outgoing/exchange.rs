//! One request and its answer: rule, permit, connection, a second try where the first connection turned out to be stale, and
//! a body that is watched until its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use wasmtime_wasi_http::WasiBody;

use super::connect::{Link, connect};
use super::fault::{Fault, Stage};
use super::rules::{Rule, Server};
use super::{Outgoing, RESPONSE_BYTES};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What is sent after the head.
pub(super) enum Payload {
    /// Bytes at hand: can be sent again.
    Whole(Bytes),
    /// What a guest is still writing.
    Stream(WasiBody),
}

/// How long the parts of an exchange may take; all within the deadline.
pub(super) struct Times {
    pub(super) deadline: Instant,
    pub(super) connect: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) between_bytes: Option<Duration>,
}

impl Times {
    /// Nothing but the end.
    pub(super) fn until(deadline: Instant) -> Self {
        Self { deadline, connect: None, first_byte: None, between_bytes: None }
    }

    fn limit(&self, part: Option<Duration>) -> Instant {
        part.and_then(|part| Instant::now().checked_add(part)).map_or(self.deadline, |at| at.min(self.deadline))
    }
}

impl Outgoing {
    /// Sends a request to the server that its URL names, and gives the answer as soon as its head is there.
    pub(super) async fn exchange(
        &self,
        mut head: Parts,
        payload: Payload,
        times: Times,
    ) -> Result<Response<WatchedBody>, Fault> {
        let server = Server::of(&head.uri)?;
        let rule = self.rules.find(&server)?;
        if head.method == Method::CONNECT {
            return Err(Fault::Invalid("CONNECT opens a tunnel, which no rule can look into".into()));
        }
        let host = HeaderValue::try_from(server.authority()).map_err(|e| Fault::Invalid(e.to_string()))?;
        head.headers.insert(HOST, host);
        self.tell_trace(&mut head.headers);
        head.uri = origin_form(&head.uri)?;

        let permits = Arc::clone(&self.rules.permits);
        let permit = match timeout_at(times.deadline, permits.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(Fault::Timeout(Stage::Waiting)),
        };

        let idempotent = head.method.is_idempotent();
        let (mut request, again) = match payload {
            Payload::Whole(bytes) => (build(head.clone(), bytes.clone()), Some((head, bytes))),
            Payload::Stream(body) => (Request::from_parts(head, body), None),
        };
        if let Some(mut link) = rule.checkout().await {
            match send(&mut link, request, &times).await? {
                Sent::Answered(response) => return Ok(self.watch(response, link, rule, permit, &times)),
                // The server closed it while it was idle: nothing was sent, or it is safe to send it again.
                Sent::Failed(_, Some(unsent)) => request = unsent,
                Sent::Failed(failure, None) => match again {
                    Some((head, bytes)) if idempotent => request = build(head, bytes),
                    _ => return Err(Fault::Broken(failure)),
                },
            }
        }
        let mut link = connect(&self.client, rule, &server, times.limit(times.connect)).await?;
        match send(&mut link, request, &times).await? {
            Sent::Answered(response) => Ok(self.watch(response, link, rule, permit, &times)),
            Sent::Failed(failure, _) => Err(Fault::Broken(failure)),
        }
    }

    /// Says which trace the call belongs to, unless the guest does: then it knows a nearer place in one.
    fn tell_trace(&self, headers: &mut HeaderMap) {
        let Some(trace) = self.trace.as_ref().filter(|_| !headers.contains_key(TRACEPARENT)) else { return };
        headers.remove(TRACESTATE);
        if let Ok(value) = HeaderValue::try_from(trace.traceparent()) {
            headers.insert(TRACEPARENT, value);
        }
        if let Some(Ok(value)) = trace.tracestate().map(HeaderValue::from_str) {
            headers.insert(TRACESTATE, value);
        }
    }

    fn watch(
        &self,
        response: Response<Incoming>,
        link: Link,
        rule: &Arc<Rule>,
        permit: OwnedSemaphorePermit,
        times: &Times,
    ) -> Response<WatchedBody> {
        response.map(|incoming| {
            let quiet = times.between_bytes.map(|limit| (limit, Box::pin(sleep_until(times.limit(Some(limit))))));
            let mut body = WatchedBody {
                incoming,
                held: Some((link, permit, Arc::clone(&self.open))),
                rule: Arc::clone(rule),
                left: RESPONSE_BYTES,
                deadline: Box::pin(sleep_until(times.deadline)),
                quiet,
            };
            if body.incoming.is_end_stream() {
                body.give_back();
            }
            body
        })
    }
}

fn build(head: Parts, bytes: Bytes) -> Request<WasiBody> {
    Request::from_parts(head, Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
}

fn origin_form(uri: &Uri) -> Result<Uri, Fault> {
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    path.parse().map_err(|e: http::uri::InvalidUri| Fault::Invalid(e.to_string()))
}

enum Sent {
    Answered(Response<Incoming>),
    /// And the request, if none of it was sent.
    Failed(hyper::Error, Option<Request<WasiBody>>),
}

async fn send(link: &mut Link, request: Request<WasiBody>, times: &Times) -> Result<Sent, Fault> {
    match timeout_at(times.limit(times.first_byte), link.sender.try_send_request(request)).await {
        Ok(Ok(response)) => Ok(Sent::Answered(response)),
        Ok(Err(mut failure)) => {
            let unsent = failure.take_message();
            Ok(Sent::Failed(failure.into_error(), unsent))
        }
        Err(_) => Err(Fault::Timeout(Stage::Head)),
    }
}

/// The body of an answer. Counts what comes, keeps the time, and gives the connection back when the whole of it has come;
/// dropped before, it closes the connection.
pub(super) struct WatchedBody {
    incoming: Incoming,
    /// The connection, the permit, and what tells the store that both are still taken.
    held: Option<(Link, OwnedSemaphorePermit, Arc<()>)>,
    rule: Arc<Rule>,
    left: u64,
    deadline: Pin<Box<Sleep>>,
    /// The longest silence, and when the current one is over it.
    quiet: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl WatchedBody {
    fn give_back(&mut self) {
        if let Some((link, _permit, _open)) = self.held.take() {
            self.rule.park(link);
        }
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.held = None;
        Poll::Ready(Some(Err(fault)))
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let quiet = self.quiet.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
        quiet || self.deadline.as_mut().poll(cx).is_ready()
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match this.left.checked_sub(length) {
                    Some(left) => this.left = left,
                    None => return this.fail(Fault::TooLarge),
                }
                if let Some((limit, sleep)) = &mut this.quiet {
                    sleep.as_mut().reset(Instant::now() + *limit);
                }
                if this.incoming.is_end_stream() {
                    this.give_back();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => this.fail(Fault::Broken(error)),
            Poll::Ready(None) => {
                this.give_back();
                Poll::Ready(None)
            }
            Poll::Pending if this.is_late(cx) => this.fail(Fault::Timeout(Stage::Body)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
