//! `[server.records]`: what is kept of executions, and for how long.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json_path::JsonPath;

use super::problem::quote;
use super::reader::Table;
use super::values;
use crate::{RecordLevel, RecordsConfig, Redact};

/// Less would delete what has just been asked for; more is an archive, which is not what this is.
const KEEP: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3650 * 24 * 3600);
/// Room for a few whole records at least.
const MAX_BYTES: RangeInclusive<u64> = 1 << 20..=1 << 50;
/// The most is what a record as a whole may be.
const MAX_DOCUMENT_BYTES: RangeInclusive<u64> = 0..=16 << 20;
const SLOW: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

pub(super) fn read(mut table: Table<'_>) -> RecordsConfig {
    let usual = RecordsConfig::default();
    let records = RecordsConfig {
        level: table.parse("level", values::one_of(RecordLevel::NAMES)).unwrap_or(usual.level),
        keep: table.parse("keep", values::duration_within(KEEP)).unwrap_or(usual.keep),
        max_bytes: table.parse("max-bytes", values::size_within(MAX_BYTES)).unwrap_or(usual.max_bytes),
        max_document_bytes: table
            .parse("max-document-bytes", values::size_within(MAX_DOCUMENT_BYTES))
            .unwrap_or(usual.max_document_bytes),
        slow: table.parse("slow", values::duration_within(SLOW)),
        redact: table.table("redact").map(redact).unwrap_or_default(),
    };
    table.finish();
    records
}

/// `{ headers = ["X-Token"], properties = ["param_card"], json = ["$.card.number"] }`
fn redact(mut table: Table<'_>) -> Redact {
    let redact = Redact {
        headers: table.list("headers", values::header_name).unwrap_or_default(),
        properties: table.list("properties", values::not_empty).unwrap_or_default(),
        json: table.list("json", json_path).unwrap_or_default(),
    };
    table.finish();
    redact
}

fn json_path(text: &str) -> Result<String, String> {
    match JsonPath::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "{} is no JSON path (RFC 9535), such as \"$.card.number\": {} at character {}",
            quote(text),
            error.message(),
            error.position()
        )),
    }
}
