//! What a version has to stand: `[deployment]`, which takes one back that fails too often, and `smoke` of a process, the
//! request that it answers before anybody else's.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::problem::quote;
use super::reader::{Table, Value};
use super::values;
use crate::{DocumentType, Guard, Smoke};

const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);
const WATCH: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);
const MIN_REQUESTS: RangeInclusive<u32> = 1..=1_000_000;
/// As an answer may have.
const STATUS: RangeInclusive<u32> = 200..=599;

/// Reads `[deployment]`; none where the rate, which it needs, is missing or wrong.
pub(super) fn read(mut table: Table<'_>) -> Option<Guard> {
    let rate = table.require("max-error-rate", "\"5%\"").and_then(|value| value.parse(share));
    let window = table.parse("window", values::duration_within(WINDOW)).unwrap_or(Duration::from_secs(60));
    let min_requests = table.number("min-requests", MIN_REQUESTS).unwrap_or(20);
    let given = table.get("watch");
    let watch = given.as_ref().and_then(|value| value.parse(values::duration_within(WATCH)));
    let watch = watch.unwrap_or(Duration::from_secs(600).max(window));
    if let Some(value) = given.filter(|_| watch < window) {
        value.problem("is shorter than `window`: a version would be let go before one has passed");
    }
    table.finish();
    Some(Guard { max_error_rate: rate?, window, min_requests, watch })
}

/// `"5%"` or `"0.5%"`, as a part of 1.
fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map(str::trim_end);
    let plain = number.filter(|number| number.chars().all(|c| c.is_ascii_digit() || c == '.'));
    match plain.and_then(|number| number.parse::<f64>().ok()) {
        None => Err(format!("{} is no share: write for example \"5%\"", quote(text))),
        Some(percent) if percent < 100.0 => Ok(percent / 100.0),
        Some(_) => Err(format!("{} would never be exceeded: write less than \"100%\"", quote(text))),
    }
}

/// `{ properties = { param_Id = "7" }, documents = ["{}"], status = 200 }` of a process with this input, if that could be
/// read.
pub(super) fn smoke(value: &Value<'_>, input: Option<DocumentType>) -> Option<Smoke> {
    let mut table = value.table()?;
    let mut smoke = Smoke::default();
    if let Some(properties) = table.get("properties") {
        for (name, value) in properties.entries().unwrap_or_default() {
            smoke.properties.extend(value.text().map(|text| (name.to_owned(), text.to_owned())));
        }
    }
    if let Some(documents) = table.get("documents") {
        let texts: Vec<Value<'_>> = documents.elements().unwrap_or_default();
        match input {
            Some(DocumentType::None) if !texts.is_empty() => {
                documents.problem("the input is none: such a process is called without documents: take them out");
            }
            Some(input) if texts.len() > 1 && !input.is_multiple() => {
                documents.problem(format!("the input is {input}: such a process is called with one document"));
            }
            _ => smoke.documents = texts.iter().filter_map(|value| value.text().map(str::to_owned)).collect(),
        }
    }
    smoke.status = table.number("status", STATUS).and_then(|status| u16::try_from(status).ok());
    table.finish();
    Some(smoke)
}
