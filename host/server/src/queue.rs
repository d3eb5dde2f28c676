//! Requests whose process returns no documents: kept durably, acknowledged, then run at least once.
//!
//! The store is the queue. An accepted execution is on disk before the caller has its receipt; what is held in memory beside it
//! only saves reading it back. When more is accepted than memory should hold, or the host starts after a crash, the
//! sweeper reads the rest from the store.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use auricle_model::{Execution, ExecutionId, FailureKind};
use auricle_store::{QueuedExecution, Store, StoreError, StoreErrorKind};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::deploy::Active;
use crate::execution_log;
use crate::host::{ENVIRONMENT, Inner};
use crate::limits::{DRAIN_TIMEOUT, QUEUE_CONCURRENCY, QUEUE_IN_MEMORY, QUEUE_RETRY};

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

impl Queue {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            slots: Arc::new(Semaphore::new(QUEUE_CONCURRENCY)),
            memory: Arc::new(Semaphore::new(QUEUE_IN_MEMORY)),
            held: Mutex::new(HashSet::new()),
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
        if tokio::time::timeout(DRAIN_TIMEOUT, self.slots.acquire_many(all)).await.is_err() {
            tracing::warn!("queued executions still run: they will be run again at the next start");
        }
    }

    fn fall_behind(&self) {
        self.behind.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn hold(&self, id: ExecutionId, permit: OwnedSemaphorePermit) -> Option<OwnedSemaphorePermit> {
        let new = self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        new.then_some(permit)
    }

    fn let_go(&self, id: ExecutionId) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn is_held(&self, id: ExecutionId) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

/// Stores an execution, then hands it to whoever runs it.
async fn keep(host: Arc<Inner>, active: Arc<Active>, execution: Execution) -> Result<(), StoreError> {
    let (queue, id) = (&host.queue, execution.id);
    // Held before it is stored: the sweeper could see it in the store before this function goes on.
    let held = queue.memory.clone().try_acquire_owned().ok().and_then(|permit| queue.hold(id, permit));
    let queued = QueuedExecution::new(ENVIRONMENT, None, execution);
    if let Err(error) = queue.store.enqueue(queued.clone()).await {
        queue.let_go(id);
        return Err(error);
    }
    match held {
        Some(held) => drop(tokio::spawn(run(host.clone(), Some(active), queued, held))),
        None => queue.fall_behind(),
    }
    Ok(())
}

/// Reads from the store what memory had no room for, whenever there is room. Between two looks it holds nothing of the host,
/// so that one that is dropped frees its data folder at once.
async fn sweep(host: Weak<Inner>, wake: Arc<Notify>) {
    while let Some(host) = host.upgrade() {
        let queue = &host.queue;
        if queue.stopping.load(Ordering::Acquire) {
            return;
        }
        // Cleared before the store is read: what is accepted meanwhile sets it again.
        if queue.behind.swap(false, Ordering::AcqRel)
            && let Err(error) = sweep_once(&host).await
        {
            tracing::warn!(%error, "the queue cannot be read; trying again");
            queue.behind.store(true, Ordering::Release);
        }
        drop(host);
        // Woken at once by what falls behind, and now and then to see whether the host is still there.
        let _ = tokio::time::timeout(QUEUE_RETRY, wake.notified()).await;
    }
}

async fn sweep_once(host: &Arc<Inner>) -> Result<(), StoreError> {
    let queue = &host.queue;
    let mut after = None;
    loop {
        let page = queue.store.pending(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.execution.id);
        for queued in page {
            if queue.is_held(queued.execution.id) {
                continue;
            }
            // Waits until there is room; meanwhile what is held may have been finished, which `begin` will tell.
            let Ok(permit) = queue.memory.clone().acquire_owned().await else { return Ok(()) };
            if let Some(held) = queue.hold(queued.execution.id, permit) {
                drop(tokio::spawn(run(host.clone(), None, queued, held)));
            }
        }
    }
}

/// Runs one execution to its end, in the deployment that accepted it or, after a restart, in the active one.
async fn run(host: Arc<Inner>, accepted_in: Option<Arc<Active>>, queued: QueuedExecution, held: OwnedSemaphorePermit) {
    let id = queued.execution.id;
    if let Err(error) = run_to_end(&host, accepted_in, &queued).await {
        // It stays in the store and is run again: at least once is what was promised.
        tracing::error!(%id, %error, "a queued execution could not be followed through; it will be run again");
        host.queue.behind.store(true, Ordering::Release);
    }
    host.queue.let_go(id);
    drop(held);
}

async fn run_to_end(
    host: &Inner,
    accepted_in: Option<Arc<Active>>,
    queued: &QueuedExecution,
) -> Result<(), StoreError> {
    let queue = &host.queue;
    let id = queued.execution.id;
    loop {
        let Ok(slot) = queue.slots.acquire().await else { return Ok(()) };
        if queue.stopping.load(Ordering::Acquire) {
            return Ok(());
        }
        let Some(active) = accepted_in.clone().or_else(|| host.active.load_full()) else { return Ok(()) };
        let attempt = match queue.store.begin(id).await {
            Ok(attempt) => attempt,
            // Done or failed since it was read.
            Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(()),
            Err(error) => return Err(error),
        };
        let outcome = active.processes.run(Execution { attempt, ..queued.execution.clone() }).await;
        execution_log::tell(id, &queued.execution.process, &outcome.log);
        let failure = match outcome.result {
            Ok(_) => return queue.store.done(id).await,
            Err(failure) => failure,
        };
        if failure.kind != FailureKind::Saturated {
            let process = &queued.execution.process;
            tracing::warn!(%id, %process, attempt, kind = %failure.kind, "queued execution failed: {}", failure.message);
            return queue.store.failed(id, &failure.to_string()).await;
        }
        drop(slot);
        tokio::time::sleep(QUEUE_RETRY).await;
    }
}
