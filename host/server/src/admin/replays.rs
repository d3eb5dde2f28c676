//! Replays: recorded executions run again on this host, in the version they ran in or another, and compared. They leave no
//! records of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use auricle_model::{ExecutionId, ExecutionRecord, Operation, RecordSummary};
use auricle_store::RecordFilter;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::endpoints::NoQuery;
use super::executions::{self, line, time};
use super::failure::Failure;
use super::speak::{Json, Lines, Optional};
use super::wire::{Replay, ReplayLine, ReplayMany, ReplayTotal, Replayed};
use super::{Call, shapes::millis};
use crate::deploy::{self, Active};
use crate::host::Inner;
use crate::limits::ADMIN_SILENCE;
use crate::replay;

/// Records that are read at a time.
const PAGE: u32 = 100;

pub(super) async fn one(call: Call, _: NoQuery, Optional(asked): Optional<Replay>) -> Result<Json<Replayed>, Failure> {
    let id = executions::id(&call)?;
    let record = executions::recorded(&call, id).await?;
    let by = call.by("replay", id.to_string(), if asked.live { "live" } else { "" });
    call.host.store.note(by).await?;
    let mut versions = Versions::default();
    let replayed = versions.replay(&call.host, &record, asked.version, asked.live).await?;
    match replayed.skipped {
        Some(why) => Err(Failure::unprocessable(why)),
        None => Ok(Json(replayed)),
    }
}

pub(super) async fn many(call: Call, _: NoQuery, Json(asked): Json<ReplayMany>) -> Result<Lines<ReplayLine>, Failure> {
    let environment = call.environment(asked.environment.as_ref()).to_owned();
    let detail = format!("since {}{}", asked.since, if asked.live { ", live" } else { "" });
    if let Some(version) = asked.version {
        // Told at once: else each record would be passed over for it.
        Versions::default().get(&call.host, &environment, version).await?;
    }
    call.host.store.note(call.by("replay", &environment, detail)).await?;
    call.host.records.flush().await;
    let (lines, told) = mpsc::channel(1);
    // When the client goes, the lines have no reader and the replay ends.
    tokio::spawn(run(call.host.clone(), environment, asked, lines));
    Ok(Lines { pieces: Box::pin(spoken(told)), of: std::marker::PhantomData })
}

/// The lines, with an empty one now and then, so that nobody takes a long replay for a dead one.
fn spoken(told: mpsc::Receiver<Bytes>) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::unfold(told, |mut told| async move {
        match timeout(ADMIN_SILENCE, told.recv()).await {
            Ok(Some(line)) => Some((line, told)),
            Ok(None) => None,
            Err(_) => Some((Bytes::from_static(b"\n"), told)),
        }
    })
    .map(Ok)
}

async fn run(host: Arc<Inner>, environment: String, asked: ReplayMany, lines: mpsc::Sender<Bytes>) {
    let mut versions = Versions::default();
    let mut total = ReplayTotal::default();
    let mut filter = RecordFilter {
        environment: Some(environment),
        process: asked.process,
        since: Some(time(asked.since)),
        // What comes while this goes on is not waited for.
        until: Some(time(asked.until.unwrap_or_else(|| millis(SystemTime::now())))),
        // Oldest first, from the first there can be.
        after: ExecutionId::parse("00000000-0000-0000-0000-000000000000"),
        ..RecordFilter::default()
    };
    let mut left = asked.limit.unwrap_or(u32::MAX);
    while left > 0 {
        let page = match host.store.records(&filter, PAGE.min(left)).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "a replay ends early: the records cannot be read");
                return;
            }
        };
        let Some(last) = page.last() else { break };
        filter.after = Some(last.id);
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
        for summary in page {
            if host.stopping.is_cancelled() {
                return;
            }
            let replayed = versions.replay_of(&host, &summary, asked.version, asked.live).await;
            let count = match (&replayed.skipped, replayed.same) {
                (Some(_), _) => &mut total.skipped,
                (None, true) => &mut total.same,
                (None, false) => &mut total.different,
            };
            *count += 1;
            let record = if replayed.same { None } else { replayed.record };
            let told = ReplayLine::One(Replayed { record, ..replayed });
            if lines.send(line(&told)).await.is_err() {
                return;
            }
        }
    }
    // Nobody may be there any more to read it.
    let _ = lines.send(line(&ReplayLine::Total { total })).await;
}

/// The versions that a replay has needed so far, loaded aside where they are not served.
#[derive(Default)]
struct Versions(HashMap<(String, u32), Arc<Active>>);

impl Versions {
    async fn get(&mut self, host: &Inner, environment: &str, version: u32) -> Result<Arc<Active>, Failure> {
        if environment == host.config.environment
            && let Some(active) = host.served.load().version(version)
        {
            return Ok(active);
        }
        let key = (environment.to_owned(), version);
        if let Some(active) = self.0.get(&key) {
            return Ok(active.clone());
        }
        let stored = host
            .store
            .version(environment, version)
            .await?
            .ok_or_else(|| Failure::not_found(format!("environment `{environment}` has no version {version}")))?;
        let loaded = deploy::load_stored(host, stored).await;
        let active = loaded.map_err(|problems| {
            Failure::unprocessable(format!(
                "version {version} of environment `{environment}` cannot be started: {problems}"
            ))
        })?;
        let active = Arc::new(active);
        self.0.insert(key, active.clone());
        Ok(active)
    }

    /// The same by a summary, where what goes wrong is told as a line.
    async fn replay_of(&mut self, host: &Inner, summary: &RecordSummary, version: Option<u32>, live: bool) -> Replayed {
        let skipped = |why: String| Replayed {
            id: summary.id,
            version: version.unwrap_or(summary.version),
            same: false,
            differences: Vec::new(),
            skipped: Some(why),
            record: None,
        };
        match host.store.record(summary.id).await {
            Ok(Some(record)) => match self.replay(host, &record, version, live).await {
                Ok(replayed) => replayed,
                Err(failure) => skipped(failure.to_string()),
            },
            Ok(None) => skipped("its record has just been deleted".to_owned()),
            Err(error) => skipped(error.to_string()),
        }
    }

    async fn replay(
        &mut self,
        host: &Inner,
        record: &ExecutionRecord,
        version: Option<u32>,
        live: bool,
    ) -> Result<Replayed, Failure> {
        let summary = &record.summary;
        let number = version.unwrap_or(summary.version);
        let active = self.get(host, &summary.environment, number).await?;
        let operation = match number == summary.version {
            true => None,
            false => operation_in(&active, summary),
        };
        let execution = match replay::execution(record, live, operation) {
            Ok(execution) => execution,
            Err(why) => {
                return Ok(Replayed {
                    id: summary.id,
                    version: number,
                    same: false,
                    differences: Vec::new(),
                    skipped: Some(why.to_string()),
                    record: None,
                });
            }
        };
        let operation = execution.operation.clone();
        let outcome = active.processes.run(execution).await;
        let differences = replay::differences(record, &operation, &outcome);
        let run = replay::record(record, number, &operation, &outcome);
        Ok(Replayed {
            id: summary.id,
            version: number,
            same: differences.is_empty(),
            differences,
            skipped: None,
            record: Some(Box::new(run)),
        })
    }
}

/// What the route of a recorded execution asks for in another version; none where that has no such route.
fn operation_in(active: &Active, summary: &RecordSummary) -> Option<Arc<Operation>> {
    let route = summary.route.as_deref()?;
    // The record says `GET /ws/rest/crm/Account/{Id}`.
    let (method, template) = route.split_once(' ')?;
    let mut endpoints = active.router.endpoints().filter(|endpoint| {
        endpoint.route == template
            && *endpoint.process == *summary.process
            && endpoint.methods.iter().any(|own| own.as_str() == method || (method == "HEAD" && own.as_str() == "GET"))
    });
    endpoints.next().map(|endpoint| endpoint.operation.clone())
}
