//! Export of traces to an OpenTelemetry collector, over OTLP as HTTP with protobuf, set by the variables that OpenTelemetry
//! has for that. Without them nothing of it is there.
//!
//! Spans that are over wait in a bounded queue; where the collector is slow or away they are dropped, and requests never
//! wait for it.

mod client;
mod spans;

use opentelemetry::Key;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor as _};
use std::sync::Arc;
use tokio::runtime::Handle;

use self::client::Client;
pub(crate) use self::spans::Spans;
use crate::report::WrongUse;

/// Where the collector is: the first that is set.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const PROTOCOL: &str = "http/protobuf";

/// An export that goes on.
pub(crate) struct Export {
    processor: Arc<BatchSpanProcessor>,
    /// The share of requests, from 0 to 1, that begin a trace where their caller names none.
    pub(crate) sampling: f64,
}

impl Export {
    /// Begins one if the environment asks for it. Its requests are made by the runtime.
    pub(crate) fn begin(variable: impl Fn(&str) -> Option<String>, runtime: &Handle) -> anyhow::Result<Option<Self>> {
        let Some(sampling) = asked_for(&variable)? else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Client::new(runtime.clone())?)
            .build()
            .map_err(|why| WrongUse(format!("the export of traces (OTEL_EXPORTER_OTLP_...): {why}")))?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        processor.set_resource(&resource());
        Ok(Some(Self { processor: Arc::new(processor), sampling }))
    }

    /// What takes the spans.
    pub(crate) fn spans(&self) -> Spans {
        Spans::new(self.processor.clone())
    }

    /// Sends what is left, for five seconds at most.
    pub(crate) fn end(self) {
        if let Err(error) = self.processor.shutdown() {
            tracing::warn!("traces may be lost: {error}");
        }
    }
}

/// Whether the environment asks for an export, and then which share of requests begins a trace.
fn asked_for(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<f64>, WrongUse> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    if off || !ENDPOINTS.iter().any(|name| set(name).is_some()) {
        return Ok(None);
    }
    let protocol = PROTOCOLS.iter().find_map(|name| Some((*name, set(name)?)));
    if let Some((name, protocol)) = protocol.filter(|(_, protocol)| protocol != PROTOCOL) {
        return Err(WrongUse(format!("{name}=`{protocol}` is not spoken here: leave it out or write `{PROTOCOL}`")));
    }
    let share = set("OTEL_TRACES_SAMPLER_ARG");
    match set("OTEL_TRACES_SAMPLER").as_deref() {
        None | Some("parentbased_always_on") => Ok(Some(1.0)),
        Some("parentbased_always_off") => Ok(Some(0.0)),
        Some("parentbased_traceidratio") => {
            let share = share.unwrap_or_else(|| "1".to_owned());
            let parsed = share.parse().ok().filter(|share| (0.0..=1.0).contains(share));
            parsed.map(Some).ok_or_else(|| {
                WrongUse(format!("OTEL_TRACES_SAMPLER_ARG=`{share}` is no share: write a number from 0 to 1"))
            })
        }
        Some(other) => Err(WrongUse(format!(
            "OTEL_TRACES_SAMPLER=`{other}` is not known here, where the caller's own choice always counts: write \
             parentbased_always_on, parentbased_always_off or parentbased_traceidratio"
        ))),
    }
}

/// Who exports: `auricle`, unless the environment has a name.
fn resource() -> Resource {
    let told = Resource::builder().build();
    let named = told.get(&Key::new("service.name")).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_attribute(version);
    if named { resource.build() } else { resource.with_service_name("auricle").build() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(set: &[(&str, &str)]) -> Result<Option<f64>, String> {
        let variable = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        asked_for(&variable).map_err(|wrong| wrong.0)
    }

    #[test]
    fn the_environment_decides_whether_and_how_much() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(asked(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(None));
        assert_eq!(asked(&[endpoint]), Ok(Some(1.0)));
        assert_eq!(asked(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/x")]), Ok(Some(1.0)));
        assert_eq!(asked(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert_eq!(asked(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
        let sampler =
            |name, share| asked(&[endpoint, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", share)]);
        assert_eq!(sampler("parentbased_always_off", ""), Ok(Some(0.0)));
        assert_eq!(sampler("parentbased_traceidratio", "0.25"), Ok(Some(0.25)));
        assert!(sampler("parentbased_traceidratio", "2").unwrap_err().contains("from 0 to 1"));
        assert!(sampler("always_on", "").unwrap_err().contains("parentbased_always_on"));
        assert!(asked(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err().contains("http/protobuf"));
    }
}
