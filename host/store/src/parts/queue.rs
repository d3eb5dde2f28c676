//! What the durable queue holds: executions that were promised by a receipt and not yet done.

use std::time::SystemTime;

use auricle_model::Execution;

use crate::time;

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
    /// What to run. Its `attempt` is not read when it is put in the queue; taken out, it counts the runs that have begun,
    /// 0 before the first. [`crate::Store::begin`] gives the one to run with.
    pub execution: Execution,
}

impl QueuedExecution {
    /// An execution that was asked for now and is to be run at once.
    pub fn new(environment: impl Into<String>, user: Option<String>, execution: Execution) -> Self {
        Self { environment: environment.into(), user, enqueued_at: time::now(), not_before: None, execution }
    }
}

/// Where a queued execution stands. One that is done has left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// It waits for a run.
    Queued,
    /// A run has begun and not ended. After a crash: it was cut off.
    Running,
    /// It will not be run again.
    Failed,
}

/// State of an execution in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatus {
    /// The authenticated caller, who alone may ask for it.
    pub user: Option<String>,
    /// Where it stands.
    pub state: QueueState,
    /// Runs that have begun.
    pub attempt: u32,
    /// Why the last run that ended failed.
    pub message: Option<String>,
}
