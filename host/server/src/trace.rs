//! The trace that a request belongs to, as W3C Trace Context has it, and the request's span in it.
//!
//! Spans are at debug level under the target [`TRACE_TARGET`]; unless somebody takes them, none is built, and the caller's
//! context is only passed on.

use auricle_api::route::Endpoint;
use auricle_model::{SpanId, TRACE_TARGET, TraceContext};
use http::header::{HeaderMap, HeaderName};
use http::{Method, Request, Response, Uri, Version};
use tracing::field::{Empty, display};
use tracing::{Level, Span};

use crate::metrics::{method_name, version_name};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Which requests begin a trace, where the caller names none.
#[derive(Debug)]
pub(crate) struct Sampling(u64);

impl Sampling {
    /// A share of them, from 0 to 1.
    pub(crate) fn new(share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast keeps within the bounds of u64"
        )]
        #[expect(clippy::cast_precision_loss, reason = "a share is not that precise")]
        Self((share.clamp(0.0, 1.0) * u64::MAX as f64) as u64)
    }

    fn root(&self) -> Option<TraceContext> {
        // By the bits of the id that are random wherever it was made.
        let begun = || {
            let root = TraceContext::root(true);
            let [.., a, b, c, d, e, f, g] = root.trace_id().to_bytes();
            (u64::from_be_bytes([a, b, c, d, e, f, g, 0]) < self.0).then_some(root)
        };
        if self.0 == 0 { None } else { begun() }
    }
}

/// The span of a request, disabled where nobody takes it, and the place in a trace that what it leads to is below.
pub(crate) fn begin<B>(sampling: &Sampling, request: &Request<B>) -> (Span, Option<TraceContext>) {
    let given = context(request.headers());
    if !tracing::span_enabled!(target: TRACE_TARGET, Level::DEBUG) {
        return (Span::none(), given);
    }
    let own = SpanId::random();
    let parent = given.as_ref().map(TraceContext::parent_id);
    let trace = given.or_else(|| sampling.root());
    let span = span(request.method(), request.uri(), request.version(), trace.as_ref(), parent, own);
    (span, trace.map(|trace| trace.below(own)))
}

fn span(
    method: &Method,
    uri: &Uri,
    version: Version,
    trace: Option<&TraceContext>,
    parent: Option<SpanId>,
    own: SpanId,
) -> Span {
    tracing::debug_span!(
        target: TRACE_TARGET,
        "request",
        otel.kind = "server",
        otel.name = method_name(method),
        http.request.method = method_name(method),
        http.route = Empty,
        http.response.status_code = Empty,
        url.path = uri.path(),
        url.scheme = "http",
        network.protocol.version = version_name(version),
        trace_id = trace.map(|t| display(t.trace_id())),
        parent_id = parent.map(display),
        span_id = trace.map(|_| display(own)),
        sampled = trace.map(TraceContext::is_sampled),
    )
}

/// The request came to an endpoint.
pub(crate) fn found(span: &Span, method: &Method, endpoint: &Endpoint) {
    if !span.is_disabled() {
        span.record("http.route", &*endpoint.route);
        span.record("otel.name", display(format_args!("{} {}", method_name(method), endpoint.route)));
    }
}

/// The request is answered.
pub(crate) fn end<B>(span: &Span, response: &Response<B>) {
    span.record("http.response.status_code", response.status().as_u16());
}

/// What the caller says of its trace. Several `traceparent` are as good as none.
fn context(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let context = TraceContext::parse(given.next()?.as_bytes())?;
    let state = || headers.get_all(TRACESTATE).iter().map(http::HeaderValue::as_bytes);
    given.next().is_none().then(|| context.with_state(state()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(headers: &[(&'static str, &'static str)]) -> Option<TraceContext> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        context(&map)
    }

    #[test]
    fn the_caller_names_one_trace_or_none() {
        assert_eq!(of(&[("tracestate", "a=1")]), None);
        assert_eq!(of(&[("traceparent", GIVEN), ("traceparent", GIVEN)]), None);
        let context = of(&[("traceparent", GIVEN), ("tracestate", "a=1"), ("tracestate", "b=2")]).unwrap();
        assert_eq!((context.traceparent().as_str(), context.tracestate()), (GIVEN, Some("a=1,b=2")));
    }

    #[test]
    fn a_share_of_the_others_begin_one() {
        let begun = |share| (0..1000).filter(|_| Sampling::new(share).root().is_some()).count();
        assert_eq!((begun(0.0), begun(1.0)), (0, 1000));
        assert!((300..700).contains(&begun(0.5)));
    }

    #[test]
    fn where_nobody_takes_spans_the_context_is_passed_on_as_it_came() {
        let request = Request::get("/a").header("traceparent", GIVEN).body(()).unwrap();
        let (span, context) = tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
            begin(&Sampling::new(1.0), &request)
        });
        assert!(span.is_disabled());
        assert_eq!(context.unwrap().traceparent(), GIVEN);
    }
}
