//! From the host's spans to those of OpenTelemetry.
//!
//! The host decides about traces itself: its spans say which trace they belong to, their own id, their parent's, and whether
//! they are to be recorded. So the ids that a called server is told are the ids that are exported.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use auricle::TRACE_TARGET;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Takes the spans of requests and executions.
pub(crate) struct Spans {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

impl Spans {
    pub(super) fn new(processor: Arc<BatchSpanProcessor>) -> Self {
        let scope = InstrumentationScope::builder("auricle").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { processor, scope }
    }

    /// The only spans that it wants to see.
    pub(crate) fn filter() -> Targets {
        Targets::new().with_target(TRACE_TARGET, Level::DEBUG)
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut open = Open::new(attributes.metadata().name());
        attributes.record(&mut open);
        if let (true, Some(span)) = (open.is_recorded(), context.span(id)) {
            span.extensions_mut().insert(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(open);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let open = span.extensions_mut().remove::<Open>();
        if let Some(open) = open {
            self.processor.on_end(open.close(self.scope.clone()));
        }
    }
}

/// A span that goes on.
struct Open {
    begun: SystemTime,
    name: String,
    server: bool,
    trace: TraceId,
    own: SpanId,
    parent: SpanId,
    sampled: bool,
    failed: bool,
    attributes: Vec<KeyValue>,
}

impl Open {
    fn new(name: &'static str) -> Self {
        Self {
            begun: SystemTime::now(),
            name: name.to_owned(),
            server: false,
            trace: TraceId::INVALID,
            own: SpanId::INVALID,
            parent: SpanId::INVALID,
            sampled: false,
            failed: false,
            attributes: Vec::new(),
        }
    }

    fn is_recorded(&self) -> bool {
        self.sampled && self.trace != TraceId::INVALID && self.own != SpanId::INVALID
    }

    fn close(self, scope: InstrumentationScope) -> SpanData {
        let context = SpanContext::new(self.trace, self.own, TraceFlags::SAMPLED, false, TraceState::NONE);
        SpanData {
            span_context: context,
            parent_span_id: self.parent,
            // The parent of a request is its caller's.
            parent_span_is_remote: self.server && self.parent != SpanId::INVALID,
            span_kind: if self.server { SpanKind::Server } else { SpanKind::Internal },
            name: self.name.into(),
            start_time: self.begun,
            end_time: SystemTime::now(),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if self.failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: scope,
        }
    }
}

impl Visit for Open {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => value.clone_into(&mut self.name),
            "otel.kind" => self.server = value == "server",
            "trace_id" => self.trace = TraceId::from_hex(value).unwrap_or(TraceId::INVALID),
            "span_id" => self.own = SpanId::from_hex(value).unwrap_or(SpanId::INVALID),
            "parent_id" => self.parent = SpanId::from_hex(value).unwrap_or(SpanId::INVALID),
            "failure" => {
                self.failed = true;
                self.attributes.push(KeyValue::new("error.type", value.to_owned()));
            }
            name => self.attributes.push(KeyValue::new(attribute(name), value.to_owned())),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "sampled" => self.sampled = value,
            name => self.attributes.push(KeyValue::new(attribute(name), value)),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        // As OpenTelemetry has it for a server: what the client did wrong is no error of the server.
        self.failed |= field.name() == "http.response.status_code" && value >= 500;
        self.attributes.push(KeyValue::new(attribute(field.name()), value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// What is the host's own stands under its name.
fn attribute(name: &'static str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("auricle.{name}") }
}
