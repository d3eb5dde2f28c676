//! What of a `[[process]]` says how much it may use up: `timeout`, `memory`, how many at once, and the table `limits`.

use super::reader::{Table, Value};
use super::values;
use crate::{Bounds, Limits, Mode};

/// Least bytes of a log, so that it can still say that it was cut.
const LEAST_LOG: u64 = 1 << 10;
/// Least bytes of what is handed over or held: less than this, nothing useful runs.
const LEAST_BYTES: u64 = 1 << 10;
/// Least handles: a few documents, and what WASI opens at start.
const LEAST_HANDLES: u32 = 16;

/// Reads the limits of a process of this mode, if that could be read. Each key that is absent or wrong has its default.
pub(super) fn read(table: &mut Table<'_>, mode: Option<Mode>) -> Limits {
    let usual = Limits::default();
    let timeout = table.parse("timeout", values::timeout).unwrap_or(usual.timeout);
    let cpu_timeout = table.get("cpu-timeout");
    let memory = table.parse("memory", values::memory).unwrap_or(usual.memory);
    let max_concurrent = table.number("max-concurrent", 1..=u32::MAX).unwrap_or(usual.max_concurrent);
    let min_instances = table.get("min-instances");
    let max_instances = table.get("max-instances");
    let bounds = table.get("limits").and_then(|value| value.table()).map(bounds).unwrap_or_default();
    let mut limits = Limits { timeout, memory, max_concurrent, bounds, ..usual };
    if let Some(value) = cpu_timeout {
        limits.cpu_timeout = value.parse(values::timeout);
        if limits.cpu_timeout.is_some_and(|cpu| cpu > timeout) {
            value.problem("is longer than `timeout` and so has no effect: nothing computes longer than it runs");
        }
    }
    if let Some(value) = max_instances {
        limits.max_instances = value.number(&(1..=u32::MAX));
        if limits.max_instances.is_some_and(|max| max > max_concurrent) {
            value.problem(format!(
                "is more than `max-concurrent` ({max_concurrent}): an instance has one execution at a time, so the rest would never be used"
            ));
        }
        only_low_latency(&value, mode);
    }
    if let Some(value) = min_instances {
        limits.min_instances = value.number(&(0..=u32::MAX)).unwrap_or(usual.min_instances);
        let most = limits.max_instances();
        if limits.min_instances > most {
            let bound = if limits.max_instances.is_some() { "max-instances" } else { "max-concurrent" };
            value.problem(format!("is more than `{bound}` ({most}): lower it, or raise the other"));
        }
        only_low_latency(&value, mode);
    }
    limits
}

fn only_low_latency(value: &Value<'_>, mode: Option<Mode>) {
    if mode == Some(Mode::General) {
        value.problem(
            "has no effect: in general mode no instance is kept; take it out, or write `mode = \"low-latency\"`",
        );
    }
}

/// `{ log = "1MiB", handles = 100000 }`
fn bounds(mut table: Table<'_>) -> Bounds {
    let (usual, most) = (Bounds::default(), Bounds::MOST);
    let mut size = |key, least, most, usual| table.parse(key, values::size_within(least..=most)).unwrap_or(usual);
    let log = size("log", LEAST_LOG, most.log, usual.log);
    let response = size("response", LEAST_BYTES, most.response, usual.response);
    let host_call = size("host-call", LEAST_BYTES, most.host_call, usual.host_call);
    let documents = size("documents", LEAST_BYTES, most.documents, usual.documents);
    let mut count = |key, least, most, usual| table.number(key, least..=most).unwrap_or(usual);
    let bounds = Bounds {
        log,
        response,
        host_call,
        documents,
        handles: count("handles", LEAST_HANDLES, most.handles, usual.handles),
        table_elements: count("table-elements", 1, most.table_elements, usual.table_elements),
        tables: count("tables", 1, most.tables, usual.tables),
        core_instances: count("core-instances", 1, most.core_instances, usual.core_instances),
        memories: count("memories", 1, most.memories, usual.memories),
    };
    table.finish();
    bounds
}
