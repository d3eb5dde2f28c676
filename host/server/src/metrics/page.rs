//! Metrics as OpenMetrics text. What is collected is plain data, so that collecting holds nothing of the host while text is
//! made.

use std::fmt;

use auricle_process::Spread;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// All families of a scrape, in order.
#[derive(Debug, Default)]
pub(super) struct Page(Vec<Family>);

/// The series of one name.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    series: Vec<(Labels, Value)>,
}

#[derive(Debug)]
enum Value {
    Count(u64),
    Seconds(f64),
    Gauge(f64),
    /// With what a value is to be divided by.
    Spread(Spread, f64),
}

impl Page {
    /// What only grows. Its name has no `_total`: that is added.
    pub(super) fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        let series = series.into_iter().map(|(labels, count)| (labels, Value::Count(count)));
        self.family(name, help, MetricType::Counter, series.collect());
    }

    /// Time that only grows.
    pub(super) fn seconds(
        &mut self,
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let series = series.into_iter().map(|(labels, seconds)| (labels, Value::Seconds(seconds)));
        self.family(name, help, MetricType::Counter, series.collect());
    }

    /// What goes up and down.
    pub(super) fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        series: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let series = series.into_iter().map(|(labels, value)| (labels, Value::Gauge(value)));
        self.family(name, help, MetricType::Gauge, series.collect());
    }

    /// How values spread; they are told divided by `unit`.
    pub(super) fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        unit: f64,
        series: impl IntoIterator<Item = (Labels, Spread)>,
    ) {
        let series = series.into_iter().map(|(labels, spread)| (labels, Value::Spread(spread, unit)));
        self.family(name, help, MetricType::Histogram, series.collect());
    }

    /// A family without series is left out.
    fn family(&mut self, name: &'static str, help: &'static str, kind: MetricType, series: Vec<(Labels, Value)>) {
        if !series.is_empty() {
            self.0.push(Family { name, help, kind, series });
        }
    }

    /// As text.
    pub(super) fn text(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let mut encoder = encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
            for (labels, value) in &family.series {
                if labels.is_empty() {
                    value.write(&mut encoder)?;
                } else {
                    value.write(&mut encoder.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn write(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
            Self::Seconds(seconds) => encoder.encode_counter::<NoLabelSet, _, u64>(seconds, None),
            Self::Gauge(value) => encoder.encode_gauge(value),
            Self::Spread(spread, unit) => {
                #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
                let told = |value: u64| value as f64 / unit;
                let bounds = spread.bounds.iter().map(|bound| told(*bound)).chain([f64::INFINITY]);
                let buckets: Vec<(f64, u64)> = bounds.zip(spread.counts.iter().copied()).collect();
                encoder.encode_histogram::<NoLabelSet>(told(spread.sum), spread.count(), &buckets, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_openmetrics_wants() {
        let mut page = Page::default();
        page.counter("a_things", "Things", [(vec![("name", "say \"x\"\\".to_owned())], 3)]);
        page.gauge("b_bytes", "Bytes", [(Vec::new(), 0.5)]);
        page.counter("left_out", "Nothing", []);
        let spread = Spread { bounds: &[1_000, 2_500], counts: vec![1, 0, 2], sum: 9_000 };
        page.histogram("c_seconds", "Times", 1e6, [(vec![("p", "q".to_owned())], spread)]);
        let text = page.text().unwrap();
        assert_eq!(
            text,
            "# HELP a_things Things\n# TYPE a_things counter\na_things_total{name=\"say \\\"x\\\"\\\\\"} 3\n\
             # HELP b_bytes Bytes\n# TYPE b_bytes gauge\nb_bytes 0.5\n\
             # HELP c_seconds Times\n# TYPE c_seconds histogram\n\
             c_seconds_sum{p=\"q\"} 0.009\nc_seconds_count{p=\"q\"} 3\n\
             c_seconds_bucket{le=\"0.001\",p=\"q\"} 1\nc_seconds_bucket{le=\"0.0025\",p=\"q\"} 1\n\
             c_seconds_bucket{le=\"+Inf\",p=\"q\"} 3\n# EOF\n"
        );
    }
}
