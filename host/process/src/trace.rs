//! Where an execution stands in the trace that it belongs to: its span, and what is told to whatever it calls.

use auricle_model::{Execution, Mode, TRACE_TARGET, TraceContext};
use tracing::Span;
use tracing::field::Empty;

use crate::state::State;

/// The span of an execution. Nothing is built unless somebody takes spans at debug level.
pub(crate) fn span(execution: &Execution, mode: Mode) -> Span {
    let trace = execution.trace.as_ref();
    tracing::debug_span!(
        target: TRACE_TARGET,
        "execution",
        otel.name = &*execution.process,
        execution_id = %execution.id,
        mode = mode.name(),
        protocol = execution.protocol.name(),
        attempt = execution.attempt,
        failure = Empty,
        trace_id = trace.map(|t| display(t.trace_id())),
        parent_id = trace.map(|t| display(t.parent_id())),
        span_id = trace.map(|_| display(execution.id.span(execution.attempt))),
        sampled = trace.map(TraceContext::is_sampled),
    )
}

/// What those are told that an execution calls: that they are below its span.
pub(crate) fn below(execution: &Execution) -> Option<TraceContext> {
    execution.trace.as_ref().map(|trace| trace.below(execution.id.span(execution.attempt)))
}

impl State {
    /// What somebody is told whom the guest calls now.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.current.as_ref()?.trace.clone()
    }
}
