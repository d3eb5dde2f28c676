//! Executions that were promised to their callers: kept durably, acknowledged, then run at least once.
//!
//! The store is the queue. An accepted execution is on disk before its caller has the receipt; what is held in memory beside
//! it only saves reading it back. When more is accepted than memory should hold, when one has to wait for its next try, or
//! when the host starts after a crash, [`upkeep`] reads from the store. [`line`] says who is next, [`run`] runs it.

mod line;
mod run;
mod upkeep;

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use auricle_model::{Execution, ExecutionId, Outcome};
use auricle_store::{IdempotencyKey, KeptAnswer, Lease, QueuedExecution, Reception, Store, StoreError, StoreErrorKind};
use futures_util::future::{Either, select};
use tokio::sync::Notify;
use tokio::time::timeout;

use self::line::{Asked, Line};
use crate::deploy::Active;
use crate::host::Inner;
use crate::limits::{DRAIN_TIMEOUT, QUEUE_LEASE};

/// Runs what was accepted.
pub(crate) struct Queue {
    store: Arc<dyn Store>,
    environment: String,
    /// Names this start of the program in leases.
    node: Arc<str>,
    line: Mutex<Line<Job>>,
    /// Whether the store may hold something to be run now that memory does not.
    behind: AtomicBool,
    /// Whether the store may hold something to be run later.
    later: AtomicBool,
    wake: Arc<Notify>,
    /// Told when something has ended: who waits for all of them looks again.
    rested: Notify,
    /// Told when there is a result that is kept: who waits for one looks again.
    answered: Notify,
    stopping: AtomicBool,
    counts: Counts,
}

/// What the queue has done since the start, and what the store holds.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Runs after which nothing was left to do.
    pub(crate) done: AtomicU64,
    /// Runs that are tried again.
    pub(crate) retried: AtomicU64,
    /// Executions that became dead letters.
    pub(crate) failed: AtomicU64,
    /// Executions in the store: queued, running, failed, done with a result. As of the last look.
    pub(crate) depths: [AtomicU64; 4],
}

/// What an execution is accepted on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promise {
    /// Whether its caller comes back for the result.
    pub(crate) keeps_result: bool,
    /// The answer that is given now, where the caller may ask for it again, and until when.
    pub(crate) answered: Option<(IdempotencyKey, KeptAnswer, SystemTime)>,
}

/// An execution that waits for a slot.
struct Job {
    /// The deployment that accepted it. None: the active one runs it.
    accepted_in: Option<Arc<Active>>,
    queued: QueuedExecution,
    /// The attempt that has begun, where it had to wait after that.
    begun: Option<u32>,
}

/// An execution's place in memory, for as long as this lives.
struct Place {
    /// None: somebody else has it from now on.
    host: Option<Arc<Inner>>,
    id: ExecutionId,
}

impl Queue {
    /// Runs what is queued for an environment; `node` names this host in leases.
    pub(crate) fn new(store: Arc<dyn Store>, environment: &str, node: Arc<str>) -> Self {
        Self {
            store,
            environment: environment.to_owned(),
            node,
            line: Mutex::new(Line::new()),
            behind: AtomicBool::new(false),
            later: AtomicBool::new(false),
            wake: Arc::default(),
            rested: Notify::new(),
            answered: Notify::new(),
            stopping: AtomicBool::new(false),
            counts: Counts::default(),
        }
    }

    /// Keeps an execution and has it run. When this returns, it is on disk.
    ///
    /// In a task of its own: a caller that goes away meanwhile must not leave something in the store that nobody runs.
    pub(crate) async fn accept(
        host: &Arc<Inner>,
        active: Arc<Active>,
        execution: Execution,
        promise: Promise,
    ) -> Result<(), StoreError> {
        let keeping = tokio::spawn(keep(host.clone(), active, execution, promise));
        keeping.await.unwrap_or_else(|error| {
            Err(StoreError::new(StoreErrorKind::Unavailable, format!("the execution was not kept: {error}")))
        })
    }

    /// Takes over an execution that runs already: keeps it as running, has `promised` told as soon as that is on disk, and
    /// sees to its end as to that of any other. Where it cannot be kept nothing is promised, and what it came to is given back.
    pub(crate) async fn adopt(
        host: &Arc<Inner>,
        active: &Active,
        execution: Execution,
        running: Pin<Box<dyn Future<Output = Outcome> + Send>>,
        promise: Promise,
        promised: impl FnOnce(),
    ) -> Option<Outcome> {
        let queue = &host.queue;
        let place = Place::adopted(host, execution.id);
        let mut queued = QueuedExecution::new(&queue.environment, None, execution);
        queued.keeps_result = promise.keeps_result;
        let keeping = queue.store.enqueue(queued.clone(), Reception::Running(queue.lease()), promise.answered);
        // It goes on while the store writes.
        let (kept, outcome) = match select(keeping, running).await {
            Either::Left((kept, running)) => (kept, Either::Left(running)),
            Either::Right((outcome, keeping)) => (keeping.await, Either::Right(outcome)),
        };
        if kept.is_ok() {
            promised();
        }
        let outcome = match outcome {
            Either::Left(running) => running.await,
            Either::Right(outcome) => outcome,
        };
        if let Err(error) = kept {
            tracing::warn!(id = %queued.execution.id, %error, "an execution could not be kept: its caller has to wait for the answer");
            return Some(outcome);
        }
        run::adopted(host, active, &queued, outcome).await;
        drop(place);
        None
    }

    /// Runs what an earlier life of this host accepted and did not finish, and from then on what memory had no room for.
    pub(crate) async fn resume(host: &Arc<Inner>) -> Result<(), StoreError> {
        let queue = &host.queue;
        // Asked once here, so that a store that cannot be read is told at start.
        if !queue.store.pending(&queue.environment, &queue.node, None, 1, &[]).await?.is_empty() {
            tracing::info!("running what was accepted and not finished");
        }
        upkeep::begin(host);
        queue.wake();
        Ok(())
    }

    /// Has the store looked at: something was put there to be run.
    pub(crate) fn wake(&self) {
        self.later.store(true, Ordering::Release);
        self.fall_behind();
    }

    /// Begins nothing more, and waits for what runs.
    pub(crate) async fn drain(&self) {
        self.stopping.store(true, Ordering::Release);
        self.line().clear();
        let all = async {
            loop {
                let rested = self.rested.notified();
                if self.sizes().1 == 0 {
                    return;
                }
                rested.await;
            }
        };
        if timeout(DRAIN_TIMEOUT, all).await.is_err() {
            tracing::warn!("queued executions still run: they will be run again at the next start");
        }
    }

    /// How many executions are held in memory, and how many of those run.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let (held, running) = self.line().sizes();
        (held as u64, running as u64)
    }

    /// What it has done.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits for the next result that is kept. The future is made before the store is looked at, so that none is missed.
    pub(crate) fn next_result(&self) -> impl Future<Output = ()> {
        self.answered.notified()
    }

    fn fall_behind(&self) {
        self.behind.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn lease(&self) -> Lease {
        Lease { node: self.node.to_string(), until: SystemTime::now() + QUEUE_LEASE }
    }

    fn line(&self) -> MutexGuard<'_, Line<Job>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Takes one, or says why there is none.
    fn take(host: &Arc<Inner>, execution: &Execution) -> Result<Self, Asked> {
        match host.queue.line().place(execution.id, &execution.process) {
            Asked::Placed => Ok(Self::of(host, execution.id)),
            refused => Err(refused),
        }
    }

    /// The place of one that runs already.
    fn adopted(host: &Arc<Inner>, id: ExecutionId) -> Self {
        host.queue.line().adopt(id);
        Self::of(host, id)
    }

    /// The place that one has.
    fn of(host: &Arc<Inner>, id: ExecutionId) -> Self {
        Self { host: Some(host.clone()), id }
    }

    /// Has it wait for a slot; the line keeps the place meanwhile.
    fn wait(mut self, job: Job) {
        let Some(host) = self.host.take() else { return };
        let process = job.queued.execution.process.clone();
        host.queue.line().wait(&process, job);
        run::go_on(&host);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(host) = self.host.take() else { return };
        let queue = &host.queue;
        let room = queue.line().leave(self.id);
        queue.rested.notify_waiters();
        if room && queue.behind.load(Ordering::Acquire) {
            queue.wake.notify_one();
        }
    }
}

/// Stores an execution, then has it wait for its turn.
async fn keep(host: Arc<Inner>, active: Arc<Active>, execution: Execution, promise: Promise) -> Result<(), StoreError> {
    let queue = &host.queue;
    // Held before it is stored: the store may be looked at before this function goes on.
    let place = Place::take(&host, &execution).ok();
    let mut queued = QueuedExecution::new(&queue.environment, None, execution);
    queued.keeps_result = promise.keeps_result;
    queue.store.enqueue(queued.clone(), Reception::Waiting, promise.answered).await?;
    match place {
        Some(place) => place.wait(Job { accepted_in: Some(active), queued, begun: None }),
        // Looked for as soon as there is room.
        None => queue.behind.store(true, Ordering::Release),
    }
    Ok(())
}
