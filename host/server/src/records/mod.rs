//! Records of executions: what each came to, found again later by its id.
//!
//! A request pays for sharing what its record is made of, and for a place in a queue; text is made, redacted and cut where
//! nobody waits, and written in batches. The queue is bounded in bytes. When the store does not keep up, records of successful
//! executions are shed and counted, failures shrink to a summary, and the answer of a debug run waits for a place.
//! Nothing else here ever holds a request up. What is counted by the minute costs a request nothing: it is the difference of
//! what the engine counts anyway.

mod json;
mod ran;
mod redact;
mod retention;
mod shape;
#[cfg(test)]
mod tests;
mod usage;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use auricle_model::{
    Execution, FailureKind, Mode, Outcome, RecordKind, RecordLevel, RecordSummary, ServerConfig, Taping,
};
use auricle_process::Tally;
use auricle_store::{QueuedExecution, Records, Usage};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

pub(crate) use self::ran::{Ran, Times};
pub use self::redact::InvalidPath;
pub(crate) use self::redact::REDACTED;
use self::shape::Shape;
use self::usage::Minutes;
use self::writer::{Accepted, Entry, Writer};
use crate::deploy::Active;
use crate::limits::{FOLLOW_BEHIND, RECORDS_FLUSH, RECORDS_PATIENCE, RECORDS_RESERVE, RECORDS_WAITING};

/// Takes in what executions came to.
pub(crate) struct Recorder {
    level: RecordLevel,
    slow: Option<Duration>,
    environment: String,
    queue: mpsc::UnboundedSender<Entry>,
    followers: broadcast::Sender<Arc<RecordSummary>>,
    shared: Arc<Shared>,
    pruning: AbortHandle,
}

/// What the recorder and those who work for it share.
struct Shared {
    /// KiB of ended executions that may wait.
    room: Arc<Semaphore>,
    /// Failures that may wait as summaries beside those.
    reserve: Arc<Semaphore>,
    /// Accepted and not written.
    behind: AtomicU64,
    written: AtomicU64,
    shed: [AtomicU64; Shed::NAMES.len()],
    errors: AtomicU64,
    /// Whether something was shed since the queue was last empty.
    shedding: AtomicBool,
    /// So much was written that old records may have to go.
    filled: Notify,
    /// What the store held when it was last looked through.
    records: AtomicU64,
    bytes: AtomicU64,
}

/// What is lost of a record.
#[derive(Debug, Clone, Copy)]
enum Shed {
    /// All of a success.
    Success,
    /// All of a failure but its summary.
    Detail,
    /// All of a failure.
    Failure,
    /// All, since the store refuses it for good.
    Refused,
}

impl Shed {
    const NAMES: [&str; 4] = ["success", "detail", "failure", "refused"];
}

/// How recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecorderStatus {
    /// Records written.
    pub(crate) written: u64,
    /// Records that wait to be written.
    pub(crate) behind: u64,
    /// What was lost, by kind.
    pub(crate) shed: Vec<(&'static str, u64)>,
    /// Failed attempts to write or to delete.
    pub(crate) errors: u64,
    /// What the store held when it was last looked through.
    pub(crate) stored: Usage,
}

impl Recorder {
    /// Begins to record into a store. `tallies` tells what has been counted of each process. It holds the store only while it
    /// writes, and ends with this value.
    pub(crate) fn new(
        config: &ServerConfig,
        store: &Arc<dyn Records>,
        tallies: impl FnMut() -> Vec<(Arc<str>, Tally)> + Send + 'static,
    ) -> Result<Self, InvalidPath> {
        let shape = Arc::new(Shape::new(config)?);
        let environment = config.environment.clone();
        let shared = Arc::new(Shared::new(RECORDS_WAITING, RECORDS_RESERVE));
        let (queue, entries) = mpsc::unbounded_channel();
        let records = &config.records;
        if records.level != RecordLevel::Off {
            let minutes = Minutes::new(environment.clone(), tallies);
            let writer = Writer::new(entries, Arc::downgrade(store), shape, minutes, shared.clone(), records.max_bytes);
            drop(tokio::spawn(writer.run()));
        }
        let pruning = retention::prune(Arc::downgrade(store), records.keep, records.max_bytes, shared.clone());
        Ok(Self {
            level: records.level,
            slow: records.slow,
            environment,
            queue,
            followers: broadcast::Sender::new(FOLLOW_BEHIND),
            shared,
            pruning: tokio::spawn(pruning).abort_handle(),
        })
    }

    /// What goes in, where it is certain to be recorded. It is shared, not copied.
    pub(crate) fn keep(&self, active: &Active, execution: &Execution) -> Option<Box<Execution>> {
        let general = || {
            let own = || Some(active.processes.get(&execution.process)?.decl().mode);
            execution.mode.or_else(own) == Some(Mode::General)
        };
        (self.level == RecordLevel::All && general()).then(|| Box::new(execution.clone()))
    }

    /// Whether an execution that has ended so leaves a record.
    pub(crate) fn is_due(&self, outcome: &Outcome, debug: bool) -> bool {
        let slow = || self.slow.is_some_and(|slow| outcome.ran > slow);
        match self.level {
            RecordLevel::Off => false,
            _ if debug || outcome.result.is_err() => true,
            RecordLevel::All => outcome.mode == Mode::General || slow(),
            RecordLevel::Failures => slow(),
        }
    }

    /// Whether an execution whose documents could not be sent leaves a record.
    pub(crate) fn takes_failures(&self) -> bool {
        self.level != RecordLevel::Off
    }

    /// Runs an execution that came by no request, and records it. A replay leaves no record.
    pub(crate) async fn run(&self, active: &Active, execution: Execution) -> Outcome {
        let records = self.level != RecordLevel::Off && !matches!(execution.taping, Taping::Play(_));
        let kept = records.then(|| (execution.clone(), SystemTime::now()));
        let outcome = active.processes.run(execution).await;
        if let Some((execution, began_at)) = kept.filter(|_| self.is_due(&outcome, false)) {
            self.offer(Box::new(Ran::new(active, execution, outcome.clone(), began_at)));
        }
        outcome
    }

    /// Takes in what an attempt of a queued execution came to. One that found no free instance was none; one that could not
    /// begin is not counted, and its record gives way to that of the attempt itself.
    pub(crate) async fn queued(&self, active: &Active, queued: &QueuedExecution, attempt: u32, outcome: &Outcome) {
        let QueuedExecution { execution, user, .. } = queued;
        let attempt = match outcome.result.as_ref().err().map(|failure| failure.kind) {
            Some(FailureKind::Saturated) => return,
            Some(FailureKind::Start | FailureKind::Host | FailureKind::Unknown) => attempt.saturating_sub(1),
            _ => attempt,
        };
        let debug = execution.mode.is_some();
        if self.is_due(outcome, debug) {
            let execution = Execution { attempt, ..execution.clone() };
            let now = SystemTime::now();
            let began_at = now.checked_sub(outcome.waited.saturating_add(outcome.ran)).unwrap_or(now);
            let ran = Ran::new(active, execution, outcome.clone(), began_at);
            self.take(Box::new(Ran { user: user.clone(), debug, ..ran })).await;
        }
    }

    /// Takes in what an execution came to. Waits for a place only where it was a debug run.
    pub(crate) async fn take(&self, ran: Box<Ran>) {
        if ran.debug {
            Box::pin(self.place(ran)).await;
        } else {
            self.offer(ran);
        }
    }

    /// Who is told of every record from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<RecordSummary>> {
        self.followers.subscribe()
    }

    /// Waits until everything that was taken in is in the store, for a short time at most.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Entry::Flush(done)).is_ok() && timeout(RECORDS_FLUSH, written).await.is_err() {
            let behind = self.shared.behind.load(Ordering::Relaxed);
            tracing::warn!(behind, "the store does not keep up with execution records");
        }
    }

    /// How it goes.
    pub(crate) fn status(&self) -> RecorderStatus {
        let shared = &self.shared;
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecorderStatus {
            written: load(&shared.written),
            behind: load(&shared.behind),
            shed: Shed::NAMES.iter().copied().zip(shared.shed.iter().map(load)).collect(),
            errors: load(&shared.errors),
            stored: Usage { records: load(&shared.records), bytes: load(&shared.bytes) },
        }
    }

    fn offer(&self, ran: Box<Ran>) {
        let cost = ran.cost();
        match self.shared.room.clone().try_acquire_many_owned(permits(cost)) {
            Ok(room) => self.accept(ran, RecordKind::Whole, cost, room),
            Err(_) if ran.failure().is_some() => self.summarise(ran),
            Err(_) => self.shared.shed(Shed::Success),
        }
    }

    async fn place(&self, ran: Box<Ran>) {
        let cost = ran.cost();
        match timeout(RECORDS_PATIENCE, self.shared.room.clone().acquire_many_owned(permits(cost))).await {
            Ok(Ok(room)) => self.accept(ran, RecordKind::Whole, cost, room),
            _ => self.summarise(ran),
        }
    }

    fn summarise(&self, mut ran: Box<Ran>) {
        let Ok(room) = self.shared.reserve.clone().try_acquire_owned() else {
            return self.shared.shed(Shed::Failure);
        };
        self.shared.shed(Shed::Detail);
        ran.shrink();
        let cost = ran.cost();
        self.accept(ran, RecordKind::Summary, cost, room);
    }

    fn accept(&self, mut ran: Box<Ran>, kind: RecordKind, cost: usize, room: OwnedSemaphorePermit) {
        ran.detach();
        if self.followers.receiver_count() > 0 {
            // Nobody follows any more: nobody is told.
            let _ = self.followers.send(Arc::new(ran.summary(&self.environment, kind)));
        }
        self.shared.behind.fetch_add(1, Ordering::Relaxed);
        if self.queue.send(Entry::Record(Accepted { ran, kind, cost, _room: room })).is_err() {
            // The writer is gone, and that only by a defect that the log tells.
            self.shared.behind.fetch_sub(1, Ordering::Relaxed);
            self.shared.shed(Shed::Refused);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.pruning.abort();
    }
}

impl Shared {
    fn new(bytes: usize, reserve: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(bytes >> 10)),
            reserve: Arc::new(Semaphore::new(reserve)),
            behind: AtomicU64::new(0),
            written: AtomicU64::new(0),
            shed: Default::default(),
            errors: AtomicU64::new(0),
            shedding: AtomicBool::new(false),
            filled: Notify::new(),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn shed(&self, what: Shed) {
        if let Some(count) = self.shed.get(what as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if !self.shedding.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "execution records are written too slowly: those of successful executions are shed, failures shrink to a summary"
            );
        }
    }

    /// The queue is empty again.
    fn caught_up(&self) {
        if self.shedding.swap(false, Ordering::Relaxed) {
            let lost = |what: Shed| self.shed.get(what as usize).map_or(0, |count| count.load(Ordering::Relaxed));
            let (successes, details, failures) = (lost(Shed::Success), lost(Shed::Detail), lost(Shed::Failure));
            tracing::warn!(
                "execution records are written in time again; lost since the start: {successes} of successes, {failures} of \
                 failures, all but the summary of {details}"
            );
        }
    }
}

/// The room that an ended execution takes, and never more than there is.
fn permits(cost: usize) -> u32 {
    u32::try_from((cost.min(RECORDS_WAITING) >> 10).max(1)).unwrap_or(u32::MAX)
}
