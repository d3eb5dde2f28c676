//! Records of executions and the counts of each minute.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auricle_model::{ExecutionId, ExecutionRecord, MinuteCount, RecordSummary};
use auricle_store::RecordFilter;
use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::Call;
use super::endpoints::NoQuery;
use super::failure::Failure;
use super::shapes::{Entries, Record, RecordSummaryShape, millis};
use super::speak::{Json, Lines};
use super::wire::{ExecutionQuery, UsageQuery};
use crate::limits::{ADMIN_PAGE, ADMIN_PAGE_MOST, ADMIN_SILENCE};

const MINUTE: u64 = 60_000;

pub(super) async fn list(call: Call, query: ExecutionQuery, _: ()) -> Result<Json<Entries<RecordSummary>>, Failure> {
    let limit = limit(query.limit)?;
    Ok(Json(Entries(call.host.store.records(&filter(query), limit).await?)))
}

pub(super) async fn get(call: Call, _: NoQuery, _: ()) -> Result<Json<Record>, Failure> {
    let id = id(&call)?;
    Ok(Json(Record(recorded(&call, id).await?)))
}

/// The record of an execution.
pub(super) async fn recorded(call: &Call, id: ExecutionId) -> Result<ExecutionRecord, Failure> {
    if let Some(record) = call.host.store.record(id).await? {
        return Ok(record);
    }
    // What has just been answered may not be written yet.
    call.host.records.flush().await;
    call.host.store.record(id).await?.ok_or_else(|| missing(id))
}

fn missing(id: ExecutionId) -> Failure {
    Failure::not_found(format!(
        "there is no record of execution {id}: it was not to be recorded (in low-latency mode only failures are), or it is \
         too old"
    ))
}

/// Each as it ends, until the client goes or the host stops.
pub(super) async fn follow(call: Call, query: ExecutionQuery, _: ()) -> Result<Lines<RecordSummaryShape>, Failure> {
    let filter = filter(query);
    let records = call.host.records.follow();
    let stopping = call.host.stopping.clone();
    let pieces = futures_util::stream::unfold(records, move |mut records| {
        let (filter, stopping) = (filter.clone(), stopping.clone());
        async move {
            loop {
                let next = tokio::select! {
                    next = timeout(ADMIN_SILENCE, records.recv()) => next,
                    () = stopping.cancelled() => return None,
                };
                let line = match next {
                    Ok(Ok(record)) if matches(&filter, &record) => line(&*record),
                    Ok(Ok(_)) => continue,
                    // An empty line keeps the connection, and says that nothing happened.
                    Err(_) => Bytes::from_static(b"\n"),
                    Ok(Err(RecvError::Lagged(missed))) => line(&serde_json::json!({ "missed": missed })),
                    Ok(Err(RecvError::Closed)) => return None,
                };
                return Some((Ok(line), records));
            }
        }
    });
    Ok(Lines { pieces: Box::pin(pieces), of: std::marker::PhantomData })
}

pub(super) async fn usage(call: Call, query: UsageQuery, _: ()) -> Result<Json<Entries<MinuteCount>>, Failure> {
    let now = millis(SystemTime::now());
    let to = query.to.map_or(now / MINUTE + 1, |to| to.div_ceil(MINUTE));
    let from = query.from.map_or(to.saturating_sub(61), |from| from / MINUTE);
    let environment = call.environment(query.environment.as_ref());
    let process = query.process.as_deref();
    Ok(Json(Entries(call.host.store.minutes(environment, process, from, to).await?)))
}

/// A line of newline-delimited JSON.
pub(super) fn line(value: &impl serde::Serialize) -> Bytes {
    // Serialising plain values to memory does not fail.
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// How many entries a list gives.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Failure> {
    match asked {
        Some(0) => Err(Failure::bad("`limit` is at least 1")),
        asked => Ok(asked.unwrap_or(ADMIN_PAGE).min(ADMIN_PAGE_MOST)),
    }
}

/// The id of the path.
pub(super) fn id(call: &Call) -> Result<ExecutionId, Failure> {
    let text = call.parameter("id");
    ExecutionId::parse(text).ok_or_else(|| Failure::bad(format!("`{text}` is no id of an execution")))
}

pub(super) fn time(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn filter(query: ExecutionQuery) -> RecordFilter {
    let ExecutionQuery { environment, process, failed, failure, status, mode, version, user, .. } = query;
    RecordFilter {
        environment,
        process,
        failed,
        failure,
        status,
        mode,
        version,
        user,
        since: query.since.map(time),
        until: query.until.map(time),
        longer_us: query.longer_ms.map(|longer| longer.saturating_mul(1000)),
        before: query.before,
        after: query.after,
    }
}

/// As the store filters.
fn matches(filter: &RecordFilter, record: &Arc<RecordSummary>) -> bool {
    fn is<T: PartialEq>(wanted: Option<&T>, value: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == value)
    }
    let RecordFilter { environment, process, failed, failure, status, mode, version, user, .. } = filter;
    is(environment.as_ref(), &record.environment)
        && is(process.as_ref(), &record.process)
        && is(failed.as_ref(), &record.failure.is_some())
        && failure.is_none_or(|failure| record.failure == Some(failure))
        && status.is_none_or(|status| record.status == Some(status))
        && is(mode.as_ref(), &record.mode)
        && is(version.as_ref(), &record.version)
        && user.as_ref().is_none_or(|user| record.user.as_ref() == Some(user))
        && filter.since.is_none_or(|since| record.began_at >= since)
        && filter.until.is_none_or(|until| record.began_at < until)
        && filter.longer_us.is_none_or(|longer| record.ran_us >= longer)
        && filter.before.is_none_or(|before| record.id < before)
        && filter.after.is_none_or(|after| record.id > after)
}

#[cfg(test)]
pub(super) mod tests {
    use auricle_model::{
        DocumentType, FailureKind, Mode, Operation, OperationKind, Phases, Properties, Protocol, RecordKind,
    };

    use super::*;

    pub(in crate::admin) fn record() -> ExecutionRecord {
        ExecutionRecord {
            summary: RecordSummary {
                id: ExecutionId::new(),
                environment: "default".into(),
                version: 3,
                process: "p".into(),
                api: None,
                route: Some("GET /ws/rest/p".into()),
                protocol: Protocol::Rest,
                mode: Mode::General,
                attempt: 1,
                debug: false,
                began_at: time(5_000),
                user: None,
                status: Some(500),
                failure: Some(FailureKind::Trapped),
                waited_us: 0,
                ran_us: 1_500,
                kind: RecordKind::Whole,
                trace_id: None,
            },
            message: None,
            operation: Operation {
                kind: OperationKind::Get,
                object: "P".into(),
                input: DocumentType::None,
                output: DocumentType::SingleJson,
                content_type: "text/plain".into(),
                return_documents: true,
                max_documents: 1,
            },
            package: None,
            client: None,
            properties: Properties::new(),
            documents_in: Vec::new(),
            documents_out: Vec::new(),
            log: Vec::new(),
            notes: Vec::new(),
            phases: Phases::default(),
            cpu_us: 0,
            memory: 0,
            uses: 1,
            instance_age_us: 0,
            tape: None,
        }
    }

    #[test]
    fn who_follows_sees_what_a_list_would_show() {
        let record = Arc::new(record().summary);
        let sees = |query: &str| matches(&filter(serde_urlencoded::from_str(query).unwrap()), &record);
        for query in ["", "process=p&failed=true", "failure=trapped&status=500", "longer-ms=1&since=5000", "version=3"]
        {
            assert!(sees(query), "{query}");
        }
        for query in
            ["process=q", "failed=false", "failure=failed", "status=200", "longer-ms=2", "until=5000", "user=joe"]
        {
            assert!(!sees(query), "{query}");
        }
        assert!(serde_urlencoded::from_str::<ExecutionQuery>("proces=p").is_err());
    }
}
