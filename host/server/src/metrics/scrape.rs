//! Gathers everything that the host counts into a [`Page`].

use std::sync::atomic::{AtomicU64, Ordering};

use auricle_process::{Counts, EngineStatus, Listener};

use super::page::{Labels, Page};
use super::requests::{METHODS, Requests, VERSIONS};
use super::routes::{Kind, Series};
use super::{deploys, machine, records};
use crate::host::Inner;
use crate::queue::{Counts as QueueCounts, Queue};

/// The whole page. Its cost grows with the number of processes and routes that have been used.
pub(crate) fn scrape(host: &Inner) -> Option<String> {
    let mut page = Page::default();
    let build = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    page.gauge("auricle_build_info", "The version that runs.", [(build, 1.0)]);
    requests(&host.requests, &mut page);
    processes(&host.engine.counts(), &mut page);
    deploys::tell(host, &mut page);
    if let Some(active) = host.active() {
        let deployed = active.processes.iter().len();
        page.gauge("auricle_processes_deployed", "Processes of the active deployment.", one(deployed as u64));
        pools(active.processes.iter(), &mut page);
    }
    engine(&host.engine.status(), &mut page);
    queue(&host.queue, &mut page);
    records::tell(&host.records, &mut page);
    page.gauge(
        "auricle_pages_bytes",
        "Documents of the environment that wait to be fetched as further pages.",
        one(host.pages.bytes()),
    );
    machine::tell(&mut page);
    page.text().ok()
}

#[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
fn one(value: u64) -> [(Labels, f64); 1] {
    [(Vec::new(), value as f64)]
}

fn requests(requests: &Requests, page: &mut Page) {
    let mut series: Vec<(Labels, Series)> = Vec::new();
    for (route, counts) in requests.routes.all() {
        series.extend(counts.series().into_iter().map(|s| (labels(s.kind, Some(&route)), s)));
    }
    series.extend(requests.unrouted.series().into_iter().map(|s| (labels(s.kind, None), s)));
    let of = |part: fn(&Series) -> &auricle_process::Spread| {
        series.iter().map(move |(labels, s)| (labels.clone(), part(s).clone())).collect::<Vec<_>>()
    };
    let help = "How long requests took, from their head to the head of the answer.";
    page.histogram("http_server_request_duration_seconds", help, 1e6, of(|s| &s.took));
    let help = "Bytes of the bodies of requests, as they arrived.";
    page.histogram("http_server_request_body_size_bytes", help, 1.0, of(|s| &s.request));
    let help = "Bytes of the bodies of answers.";
    page.histogram("http_server_response_body_size_bytes", help, 1.0, of(|s| &s.response));

    // A method that was ever used stays, at zero.
    let used = |method: &str| series.iter().any(|(labels, _)| labels.iter().any(|(_, value)| value == method));
    let active = requests.active().filter(|(method, active)| *active != 0 || used(method)).map(|(method, active)| {
        let labels = vec![("http_request_method", method.to_owned()), ("url_scheme", "http".to_owned())];
        #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
        let active = active.max(0) as f64;
        (labels, active)
    });
    page.gauge("http_server_active_requests", "Requests that are being answered.", active.collect::<Vec<_>>());
    let refused = requests.refused().filter(|(_, count)| *count > 0);
    let refused = refused.map(|(why, count)| (vec![("reason", why.to_owned())], count));
    page.counter("auricle_requests_refused", "Requests that no process answered, or that it failed.", refused);
    let abandoned = [(Vec::new(), requests.abandoned())];
    page.counter("auricle_requests_abandoned", "Requests whose client went away before the answer.", abandoned);
    let open = u64::try_from(requests.open_connections()).unwrap_or_default();
    page.gauge("auricle_connections_open", "Connections open on the public address.", one(open));
}

fn labels(kind: Kind, route: Option<&str>) -> Labels {
    let name =
        |names: &[&str], nth: u8| names.get(usize::from(nth)).map_or_else(String::new, |name| (*name).to_owned());
    let mut labels = vec![("http_request_method", name(&METHODS, kind.method))];
    labels.extend(route.map(|route| ("http_route", route.to_owned())));
    if kind.status > 0 {
        labels.push(("http_response_status_code", kind.status.to_string()));
    }
    labels.push(("network_protocol_version", name(&VERSIONS, kind.version)));
    labels.push(("url_scheme", "http".to_owned()));
    labels
}

fn queue(queue: &Queue, page: &mut Page) {
    let (held, running) = queue.sizes();
    page.gauge("auricle_queue_in_memory", "Accepted executions that are held in memory, running ones too.", one(held));
    page.gauge("auricle_queue_running", "Accepted executions that run.", one(running));
    let QueueCounts { done, retried, failed, depths } = queue.counts();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let states = ["queued", "running", "failed", "done"].into_iter().zip(depths);
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let depths = states.map(|(state, depth)| (vec![("state", state.to_owned())], load(depth) as f64));
    let help = "Accepted executions in the store, as of a few seconds ago; failed ones are dead letters.";
    page.gauge("auricle_queue_depth", help, depths.collect::<Vec<_>>());
    let ends = [("done", done), ("retried", retried), ("failed", failed)];
    let ends = ends.map(|(end, count)| (vec![("end", end.to_owned())], load(count)));
    let ends = ends.into_iter().filter(|(_, count)| *count > 0);
    page.counter("auricle_queue_runs", "Runs of accepted executions, by what came of them.", ends);
}

fn processes<N: AsRef<str>>(all: &[(N, Counts)], page: &mut Page) {
    let process = |name: &N| vec![("process", name.as_ref().to_owned())];
    // What nobody has called yet fills no page.
    let each = |value: fn(&Counts) -> u64| {
        all.iter().map(move |(name, c)| (process(name), value(c))).filter(|(_, value)| *value > 0)
    };
    page.counter("auricle_executions", "Executions that are over, however they ended.", each(|c| c.ran.count()));
    let failures = all.iter().flat_map(|(name, counts)| {
        let failed = counts.failures.iter().filter(|(_, count)| **count > 0);
        failed.map(|(kind, count)| {
            (vec![("process", name.as_ref().to_owned()), ("kind", kind.name().to_owned())], *count)
        })
    });
    page.counter("auricle_execution_failures", "Of these the failed ones, by kind.", failures);
    let ran = all.iter().filter(|(_, c)| c.ran.count() > 0).map(|(name, c)| (process(name), c.ran.clone()));
    page.histogram("auricle_execution_duration_seconds", "How long executions ran.", 1e6, ran);
    // Where nobody ever waited there is nothing to see but zeros.
    let waited = all.iter().filter(|(_, c)| c.waited.counts.iter().skip(1).any(|count| *count > 0));
    let waited = waited.map(|(name, c)| (process(name), c.waited.clone()));
    let help = "How long they had waited for a turn and an instance; begins with the first that had to.";
    page.histogram("auricle_execution_wait_seconds", help, 1e6, waited);
    let cpu = all.iter().filter(|(_, c)| c.ran.count() > 0).map(|(name, c)| (process(name), c.cpu.as_secs_f64()));
    page.seconds("auricle_execution_cpu_seconds", "CPU time of executions, sub-processes included.", cpu);
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let gauge = |value: fn(&Counts) -> u64| {
        let called = all.iter().filter(|(_, c)| c.ran.count() > 0 || c.busy > 0);
        called.map(move |(name, c)| (process(name), value(c) as f64))
    };
    page.gauge("auricle_executions_active", "Executions that go on.", gauge(|c| c.busy as u64));
    page.counter("auricle_instances_made", "Instances made.", each(|c| c.made));
    let retired = all.iter().flat_map(|(name, counts)| {
        let retired = counts.retired.iter().filter(|(_, count)| *count > 0);
        retired.map(|(why, count)| (vec![("process", name.as_ref().to_owned()), ("reason", (*why).to_owned())], *count))
    });
    page.counter("auricle_instances_retired", "Instances let go, by reason.", retired);
    let help = "Linear memory of an instance at the end of a late execution.";
    page.gauge("auricle_instance_memory_bytes", help, gauge(|c| c.memory));
    page.gauge("auricle_instance_memory_peak_bytes", "The most that one has had.", gauge(|c| c.most_memory));
}

fn pools<'l>(listeners: impl Iterator<Item = &'l Listener>, page: &mut Page) {
    let statuses: Vec<_> = listeners.map(Listener::status).collect();
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let gauge = |value: fn(&auricle_process::ListenerStatus) -> usize| {
        let some = statuses.iter().filter(move |status| value(status) > 0);
        some.map(move |status| (vec![("process", status.name.clone())], value(status) as f64)).collect::<Vec<_>>()
    };
    page.gauge("auricle_instances_warm", "Instances that lie ready.", gauge(|status| status.warm));
    page.gauge("auricle_executions_waiting", "Executions that wait for their turn.", gauge(|status| status.waiting));
}

fn engine(status: &EngineStatus, page: &mut Page) {
    page.gauge("auricle_engine_permits", "Room for instances, over all processes.", one(status.permits));
    page.gauge("auricle_engine_permits_free", "Of it what nobody has.", one(status.free));
    page.gauge("auricle_engine_starving", "Executions that wait for room.", one(status.starving));
    let Some(allocator) = &status.allocator else { return };
    let in_use = [
        ("component-instances", allocator.component_instances),
        ("core-instances", allocator.core_instances),
        ("memories", allocator.memories),
        ("tables", allocator.tables),
        ("stacks", allocator.stacks),
    ];
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let in_use = in_use.map(|(what, count)| (vec![("what", what.to_owned())], count as f64));
    page.gauge("auricle_allocator_in_use", "What the pooling allocator has given out.", in_use);
    let help = "Memory slots that lie ready for the module that used them last.";
    page.gauge("auricle_allocator_warm_memories", help, one(allocator.unused_warm_memories));
    let help = "Bytes of memories and tables not in use that are kept resident.";
    page.gauge("auricle_allocator_unused_resident_bytes", help, one(allocator.unused_bytes_resident));
}
