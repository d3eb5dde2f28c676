//! What the durable queue holds: executions that were promised by a receipt or by a status link.

use std::time::SystemTime;

use auricle_model::{Execution, ExecutionId};

use crate::{Answer, By, IdempotencyKey, KeptAnswer, time};

/// An execution with what its run needs to know beside itself.
#[derive(Debug, Clone)]
pub struct QueuedExecution {
    /// The environment whose deployment runs it.
    pub environment: String,
    /// The authenticated caller.
    pub user: Option<String>,
    /// When the request came, to the millisecond.
    pub enqueued_at: SystemTime,
    /// It is not to be run earlier. None: at once.
    pub not_before: Option<SystemTime>,
    /// Whether its result is kept for its caller, who was given a status link.
    pub keeps_result: bool,
    /// What to run. Its `attempt` is not read when it is put in the queue; taken out, it counts the runs that have begun,
    /// 0 before the first. [`Queue::begin`] gives the one to run with.
    pub execution: Execution,
}

impl QueuedExecution {
    /// An execution that was asked for now, is to be run at once, and whose result nobody waits for.
    pub fn new(environment: impl Into<String>, user: Option<String>, execution: Execution) -> Self {
        Self {
            environment: environment.into(),
            user,
            enqueued_at: time::now(),
            not_before: None,
            keeps_result: false,
            execution,
        }
    }
}

/// In what state an execution enters the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reception {
    /// It waits for a run.
    Waiting,
    /// It is running already, as attempt 1, under a lease: its caller had not the patience to wait for the end.
    Running(Lease),
}

/// Who runs an execution. In a shared store one that is running is left alone by other hosts until the lease has passed, by
/// their own clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The host: one name for each start of a program.
    pub node: String,
    /// Until when, unless it is renewed.
    pub until: SystemTime,
}

/// Where a queued execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// It waits for a run.
    Queued,
    /// A run has begun and not ended. After a crash: it was cut off.
    Running,
    /// It will not be run again by itself: a dead letter.
    Failed,
    /// It is done and its result is kept. Without a result to keep it leaves the queue when it is done.
    Done,
}

impl QueueState {
    /// Every state, in the order of [`Queue::depths`].
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Failed, Self::Done];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }
}

/// State of an execution in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatus {
    /// The environment.
    pub environment: String,
    /// The authenticated caller, who alone may ask for it.
    pub user: Option<String>,
    /// Where it stands.
    pub state: QueueState,
    /// Runs that have begun.
    pub attempt: u32,
    /// Why the last run that ended failed.
    pub message: Option<String>,
    /// The result, where it is done and one is kept, and of a failed one the answer that its caller would have had.
    pub result: Option<KeptAnswer>,
}

/// An entry of the queue without its body, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its id.
    pub id: ExecutionId,
    /// The process.
    pub process: String,
    /// The environment.
    pub environment: String,
    /// The authenticated caller.
    pub user: Option<String>,
    /// Where it stands.
    pub state: QueueState,
    /// Runs that have begun.
    pub attempt: u32,
    /// When the request came.
    pub enqueued_at: SystemTime,
    /// When it is run next, if later.
    pub not_before: Option<SystemTime>,
    /// Why the last run failed.
    pub message: Option<String>,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// Keeps the durable queue.
pub trait Queue: Send + Sync + 'static {
    /// Puts an execution in the queue. The answer is what a receipt may be given on. An id that is already there is a
    /// conflict. With `answered`, the answer that the caller gets is kept under its key (until the time) in the same
    /// transaction: sent again, the request is never queued twice. It is a conflict when the execution holds the claim of
    /// that key no more.
    fn enqueue(
        &self,
        queued: QueuedExecution,
        reception: Reception,
        answered: Option<(IdempotencyKey, KeptAnswer, SystemTime)>,
    ) -> Answer<'_, ()>;

    /// What is to be run now of an environment, oldest first, at most `limit`, beginning after an id: neither done nor
    /// failed, nor put back to a time that has not come. In a shared store those are left out that another node runs under
    /// a lease that holds. Page until an empty answer. Bodies are loaded, so `limit` bounds the memory. An entry that can't
    /// be read is put to failed and left out: it must not keep the others from running. `without` are processes that are
    /// left out: they have enough to do.
    fn pending<'a>(
        &'a self,
        environment: &'a str,
        node: &'a str,
        after: Option<ExecutionId>,
        limit: u32,
        without: &'a [String],
    ) -> Answer<'a, Vec<QueuedExecution>>;

    /// Notes that a run begins, and gives its number: 1, and one more each time, those cut off by a crash included. It is
    /// a conflict when the execution is done, failed, was never there, or is run by another node under a lease that holds.
    fn begin(&self, id: ExecutionId, lease: Lease) -> Answer<'_, u32>;

    /// Holds the leases of executions that still run, for all of a node's that run now.
    fn renew<'a>(&'a self, ids: &'a [ExecutionId], lease: Lease) -> Answer<'a, ()>;

    /// Ends an execution: out of the queue or, where its result is kept, done with that until a time. Nothing to end is no
    /// error: the answer to an earlier call may have been lost.
    fn done(&self, id: ExecutionId, result: Option<(KeptAnswer, SystemTime)>) -> Answer<'_, ()>;

    /// Keeps an execution as failed, with the reason and the answer that its caller would have had: it will not be
    /// pending again until it is sent again.
    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str, result: Option<KeptAnswer>) -> Answer<'a, ()>;

    /// Puts an execution back to be run at a later time, with the reason. With `counted`, the run that [`Queue::begin`]
    /// counted was one; without, the process could not begin, and the count goes back by one.
    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str, counted: bool) -> Answer<'a, ()>;

    /// Where an execution stands, or none when it is done without a result, or was never queued.
    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>>;

    /// Entries of a state (all without one), oldest first, after an id, at most `limit`.
    fn entries<'a>(
        &'a self,
        environment: &'a str,
        state: Option<QueueState>,
        after: Option<ExecutionId>,
        limit: u32,
    ) -> Answer<'a, Vec<QueueEntry>>;

    /// How many entries there are in each state, over all environments: queued, running, failed, done.
    fn depths(&self) -> Answer<'_, [u64; 4]>;

    /// Puts a dead letter back to be run at once, its attempts counted anew; whether there was one. The message of its
    /// last run stays until there is another.
    fn resend(&self, id: ExecutionId, by: By) -> Answer<'_, bool>;

    /// Throws a dead letter away; whether there was one.
    fn discard(&self, id: ExecutionId, by: By) -> Answer<'_, bool>;

    /// Deletes results, pages and idempotency answers whose time has passed, and claims that nobody answered.
    fn expire(&self, now: SystemTime) -> Answer<'_, ()>;
}
