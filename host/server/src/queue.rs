//! Requests whose process returns no documents: kept durably, acknowledged, then run at least once.
//!
//! The store is the queue. An accepted execution is on disk before the caller has its receipt; what is held in memory beside
//! it only saves reading it back. When more is accepted than memory should hold, when one has to wait for its next try, or
//! when the host starts after a crash, the sweeper reads from the store.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use auricle_model::{Execution, ExecutionId, Failure, FailureKind};
use auricle_store::{QueuedExecution, Store, StoreError, StoreErrorKind};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::field::display;

use crate::deploy::Active;
use crate::execution_log;
use crate::host::{ENVIRONMENT, Inner};
use crate::limits::{DRAIN_TIMEOUT, QUEUE_CONCURRENCY, QUEUE_IN_MEMORY, QUEUE_RETRY, QUEUE_RETRY_MOST};

/// Executions read from the store at a time.
const PAGE: u32 = 64;

/// Runs what was accepted.
pub(crate) struct Queue {
    store: Arc<dyn Store>,
    /// One permit for each execution that runs.
    slots: Arc<Semaphore>,
    /// One permit for each execution that is held in memory, running or not.
    memory: Arc<Semaphore>,
    /// Those in memory: the sweeper leaves them alone.
    held: Mutex<HashSet<ExecutionId>>,
    /// Whether the store may hold something that memory does not.
    behind: AtomicBool,
    wake: Arc<Notify>,
    stopping: AtomicBool,
}

/// An execution's place in memory, for as long as this lives.
struct Held {
    host: Arc<Inner>,
    id: ExecutionId,
    _permit: OwnedSemaphorePermit,
}

/// How an attempt ended.
enum Ended {
    /// The execution is over, one way or the other, or somebody else saw to it.
    Over,
    /// It is left in the store for a later look.
    Left,
}

impl Queue {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            slots: Arc::new(Semaphore::new(QUEUE_CONCURRENCY)),
            memory: Arc::new(Semaphore::new(QUEUE_IN_MEMORY)),
            held: Mutex::default(),
            behind: AtomicBool::new(false),
            wake: Arc::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Keeps an execution and has it run. When this returns, it is on disk.
    ///
    /// In a task of its own: a caller that goes away meanwhile must not leave something in the store that nobody runs.
    pub(crate) async fn accept(host: &Arc<Inner>, active: Arc<Active>, execution: Execution) -> Result<(), StoreError> {
        let keeping = tokio::spawn(keep(host.clone(), active, execution));
        keeping.await.unwrap_or_else(|error| {
            Err(StoreError::new(StoreErrorKind::Unavailable, format!("the execution was not kept: {error}")))
        })
    }

    /// Runs what an earlier life of this host accepted and did not finish, and from then on what memory had no room for.
    pub(crate) async fn resume(host: &Arc<Inner>) -> Result<(), StoreError> {
        // Asked once here, so that a store that cannot be read is told at start.
        if !host.queue.store.pending(None, 1).await?.is_empty() {
            tracing::info!("running what was accepted and not finished");
        }
        host.queue.fall_behind();
        tokio::spawn(sweep(Arc::downgrade(host), host.queue.wake.clone()));
        Ok(())
    }

    /// Begins nothing more, and waits for what runs.
    pub(crate) async fn drain(&self) {
        self.stopping.store(true, Ordering::Release);
        let all = u32::try_from(QUEUE_CONCURRENCY).unwrap_or(u32::MAX);
        if timeout(DRAIN_TIMEOUT, self.slots.acquire_many(all)).await.is_err() {
            tracing::warn!("queued executions still run: they will be run again at the next start");
        }
    }

    /// How many executions are held in memory, and how many of those run.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let running = QUEUE_CONCURRENCY.saturating_sub(self.slots.available_permits());
        (self.held().len() as u64, running as u64)
    }

    fn fall_behind(&self) {
        self.behind.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn held(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// None if it is in memory already.
    fn take(host: &Arc<Inner>, id: ExecutionId, permit: OwnedSemaphorePermit) -> Option<Self> {
        host.queue.held().insert(id).then(|| Self { host: host.clone(), id, _permit: permit })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.host.queue.held().remove(&self.id);
    }
}

/// Stores an execution, then hands it to whoever runs it.
async fn keep(host: Arc<Inner>, active: Arc<Active>, execution: Execution) -> Result<(), StoreError> {
    let queue = &host.queue;
    // Held before it is stored: the sweeper could see it in the store before this function goes on.
    let permit = queue.memory.clone().try_acquire_owned().ok();
    let held = permit.and_then(|permit| Held::take(&host, execution.id, permit));
    let queued = QueuedExecution::new(ENVIRONMENT, None, execution);
    queue.store.enqueue(queued.clone()).await?;
    match held {
        Some(held) => drop(tokio::spawn(run(Some(active), queued, held))),
        None => queue.fall_behind(),
    }
    Ok(())
}

/// Reads from the store what memory does not hold, whenever there may be something. Between two looks it holds nothing of the
/// host, so that one that is dropped frees its data folder at once.
async fn sweep(host: Weak<Inner>, wake: Arc<Notify>) {
    let mut due: Option<Instant> = None;
    while let Some(host) = host.upgrade() {
        let queue = &host.queue;
        if queue.stopping.load(Ordering::Acquire) {
            return;
        }
        // Cleared before the store is read: what is accepted meanwhile sets it again.
        if queue.behind.swap(false, Ordering::AcqRel) || due.is_some_and(|due| due <= Instant::now()) {
            match sweep_once(&host).await {
                Ok(next) => due = next.map(|wait| Instant::now() + wait),
                Err(error) => {
                    tracing::warn!(%error, "the queue cannot be read; trying again");
                    queue.behind.store(true, Ordering::Release);
                }
            }
        }
        drop(host);
        // Woken at once by what falls behind, and now and then to see whether the host is still there.
        let look_again = Instant::now() + QUEUE_RETRY;
        let until = due.map_or(look_again, |due| due.min(look_again));
        let _ = timeout_at(until, wake.notified()).await;
    }
}

/// Gives how long the first of those has to wait that are not to be run yet.
async fn sweep_once(host: &Arc<Inner>) -> Result<Option<Duration>, StoreError> {
    let queue = &host.queue;
    let mut after = None;
    let mut next: Option<Duration> = None;
    loop {
        let page = queue.store.pending(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(next) };
        after = Some(last.execution.id);
        for queued in page {
            let now = SystemTime::now();
            if let Some(wait) = queued.not_before.and_then(|then| then.duration_since(now).ok()) {
                next = Some(next.map_or(wait, |next| next.min(wait)));
                continue;
            }
            let id = queued.execution.id;
            if queue.held().contains(&id) {
                continue;
            }
            // Waits until there is room; meanwhile it may have been finished, which `begin` will tell.
            let Ok(permit) = queue.memory.clone().acquire_owned().await else { return Ok(None) };
            if queue.stopping.load(Ordering::Acquire) {
                return Ok(None);
            }
            if let Some(held) = Held::take(host, id, permit) {
                drop(tokio::spawn(run(None, queued, held)));
            }
        }
    }
}

/// Runs one execution to its end, in the deployment that accepted it or, later, in the active one.
async fn run(accepted_in: Option<Arc<Active>>, queued: QueuedExecution, held: Held) {
    let host = held.host.clone();
    let id = queued.execution.id;
    let ended = run_to_end(&host, accepted_in, &queued).await;
    // Let go first: a sweep that still saw it held would pass it over, and nobody would look again.
    drop(held);
    match ended {
        Ok(Ended::Over) => {}
        Ok(Ended::Left) => host.queue.fall_behind(),
        Err(error) => {
            // It stays in the store: at least once is what was promised. Not woken for: the store needs a moment.
            tracing::error!(%id, %error, "a queued execution could not be followed through; it will be run again");
            host.queue.behind.store(true, Ordering::Release);
        }
    }
}

async fn run_to_end(
    host: &Inner,
    accepted_in: Option<Arc<Active>>,
    queued: &QueuedExecution,
) -> Result<Ended, StoreError> {
    let queue = &host.queue;
    let Execution { id, process, trace, .. } = &queued.execution;
    let trace = trace.as_ref().map(|trace| display(trace.trace_id()));
    let mut begun = None;
    loop {
        let Ok(slot) = queue.slots.acquire().await else { return Ok(Ended::Over) };
        if queue.stopping.load(Ordering::Acquire) {
            return Ok(Ended::Over);
        }
        let Some(active) = accepted_in.clone().or_else(|| host.active.load_full()) else { return Ok(Ended::Left) };
        // Waiting for a free instance is not another attempt.
        let attempt = match begun {
            Some(attempt) => attempt,
            None => match queue.store.begin(*id).await {
                Ok(attempt) => *begun.insert(attempt),
                // Done or failed since it was read.
                Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(Ended::Over),
                Err(error) => return Err(error),
            },
        };
        let outcome = active.processes.run(Execution { attempt, ..queued.execution.clone() }).await;
        execution_log::tell(*id, process, &outcome.log);
        let Failure { kind, message } = match outcome.result {
            Ok(_) => return queue.store.done(*id).await.map(|()| Ended::Over),
            Err(failure) => failure,
        };
        match kind {
            FailureKind::Saturated => {
                drop(slot);
                tokio::time::sleep(QUEUE_RETRY).await;
            }
            // The process has not run: its database may be down, or it may be gone from the deployment for a while.
            FailureKind::Start | FailureKind::Host | FailureKind::Unknown => {
                let wait = pause(attempt);
                tracing::warn!(%id, %process, attempt, %kind, trace_id = trace, "a queued execution could not begin; next try in {wait:?}: {message}");
                queue.store.retry_at(*id, SystemTime::now() + wait, &message).await?;
                return Ok(Ended::Left);
            }
            _ => {
                tracing::warn!(%id, %process, attempt, %kind, trace_id = trace, "queued execution failed: {message}");
                return queue.store.failed(*id, &format!("{kind}: {message}")).await.map(|()| Ended::Over);
            }
        }
    }
}

/// How long to wait after this attempt: twice as long after each.
fn pause(attempt: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    QUEUE_RETRY.saturating_mul(factor).min(QUEUE_RETRY_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        let pauses: Vec<u64> = [1, 2, 3, 6, 7, 40, u32::MAX].map(|attempt| pause(attempt).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }
}
