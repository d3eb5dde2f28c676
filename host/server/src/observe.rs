//! What is watched of one request on its way: its counts, its span, and when each step was done. A call after each step.

use std::time::{Duration, Instant, SystemTime};

use auricle_api::route::Endpoint;
use auricle_model::{Outcome, TraceContext};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tracing::Span;

use crate::deploy::Active;
use crate::host::Inner;
use crate::metrics::Watch;
use crate::records::Times;
use crate::trace;

/// A request that goes on.
pub(crate) struct Observed<'h> {
    watch: Watch<'h>,
    span: Span,
    /// What the execution belongs below.
    pub(crate) trace: Option<TraceContext>,
    /// The number of its endpoint.
    endpoint: Option<usize>,
    /// When its body was there.
    read: Option<Instant>,
}

/// When the steps before an execution were done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// The request's head was there.
    began: Instant,
    /// Its body was there.
    read: Instant,
    /// The body was made into documents.
    made: Instant,
}

impl<'h> Observed<'h> {
    /// Its head is there.
    pub(crate) fn begin<B>(host: &'h Inner, request: &Request<B>) -> Self {
        let watch = host.requests.begin(request.method(), request.version());
        let (span, trace) = trace::begin(&host.sampling, request);
        Self { watch, span, trace, endpoint: None, read: None }
    }

    /// What everything that it leads to happens in.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// It came to an endpoint.
    pub(crate) fn found(&mut self, active: &Active, method: &Method, endpoint: &Endpoint) {
        active.routes.prepare(endpoint);
        self.endpoint = Some(endpoint.number);
        trace::found(&self.span, method, endpoint);
    }

    /// Its body is there.
    pub(crate) fn took(&mut self, body: &Bytes) {
        self.watch.body = body.len() as u64;
        self.read = Some(Instant::now());
    }

    /// Its documents are made.
    pub(crate) fn made(&self) -> Steps {
        let made = Instant::now();
        Steps { began: self.watch.began(), read: self.read.unwrap_or(made), made }
    }

    /// It is answered.
    pub(crate) fn end(self, active: Option<&Active>, response: &Response<Full<Bytes>>) {
        trace::end(&self.span, response);
        let route = active.zip(self.endpoint).and_then(|(active, number)| active.routes.at(number));
        self.watch.end(route, response);
    }
}

impl Steps {
    /// When the request came, by the calendar.
    pub(crate) fn began_at(&self) -> SystemTime {
        let now = SystemTime::now();
        now.checked_sub(self.began.elapsed()).unwrap_or(now)
    }

    /// How long the steps took. The last of them is over now.
    pub(crate) fn times(&self, outcome: &Outcome) -> Times {
        let since = |later: Instant, earlier: Instant| later.saturating_duration_since(earlier);
        let execution: Duration = outcome.waited + outcome.ran;
        Times {
            read: since(self.read, self.began),
            inbound: since(self.made, self.read),
            outbound: self.made.elapsed().saturating_sub(execution),
        }
    }
}
