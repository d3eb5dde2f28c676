//! What is watched of one request on its way: its counts and its span. Two calls on the way, one at the end.

use auricle_api::route::Endpoint;
use auricle_model::TraceContext;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tracing::Span;

use crate::deploy::Active;
use crate::host::Inner;
use crate::metrics::Watch;
use crate::trace;

/// A request that goes on.
pub(crate) struct Observed<'h> {
    watch: Watch<'h>,
    span: Span,
    /// What the execution belongs below.
    pub(crate) trace: Option<TraceContext>,
    /// The number of its endpoint.
    endpoint: Option<usize>,
}

impl<'h> Observed<'h> {
    /// Its head is there.
    pub(crate) fn begin<B>(host: &'h Inner, request: &Request<B>) -> Self {
        let watch = host.requests.begin(request.method(), request.version());
        let (span, trace) = trace::begin(&host.sampling, request);
        Self { watch, span, trace, endpoint: None }
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
    }

    /// It is answered.
    pub(crate) fn end(self, active: Option<&Active>, response: &Response<Full<Bytes>>) {
        trace::end(&self.span, response);
        let route = active.zip(self.endpoint).and_then(|(active, number)| active.routes.at(number));
        self.watch.end(route, response);
    }
}
