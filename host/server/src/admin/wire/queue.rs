//! The durable queue on the wire.

use auricle_model::ExecutionId;
use auricle_store::QueueState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::shapes::IdText;

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueueItem {
    /// Its id.
    #[schemars(with = "IdText")]
    pub id: ExecutionId,
    /// The process.
    pub process: String,
    /// The environment.
    pub environment: String,
    /// The authenticated caller.
    pub user: Option<String>,
    /// Where it stands.
    pub state: QueueStateName,
    /// Runs that have begun.
    pub attempt: u32,
    /// When the request came.
    pub enqueued_at: u64,
    /// When it is run next, if later.
    pub not_before: Option<u64>,
    /// Why the last run failed.
    pub message: Option<String>,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// Where one entry of the queue stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueueDetail {
    /// Its id.
    #[schemars(with = "IdText")]
    pub id: ExecutionId,
    /// The environment.
    pub environment: String,
    /// The authenticated caller.
    pub user: Option<String>,
    /// Where it stands.
    pub state: QueueStateName,
    /// Runs that have begun.
    pub attempt: u32,
    /// Why the last run failed.
    pub message: Option<String>,
}

/// Where a queued execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueueStateName {
    /// It waits for a run.
    Queued,
    /// A run goes on.
    Running,
    /// A dead letter.
    Failed,
    /// Done; its result is kept for its caller.
    Done,
}

impl From<QueueState> for QueueStateName {
    fn from(state: QueueState) -> Self {
        match state {
            QueueState::Queued => Self::Queued,
            QueueState::Running => Self::Running,
            QueueState::Failed => Self::Failed,
            QueueState::Done => Self::Done,
        }
    }
}

impl From<QueueStateName> for QueueState {
    fn from(state: QueueStateName) -> Self {
        match state {
            QueueStateName::Queued => Self::Queued,
            QueueStateName::Running => Self::Running,
            QueueStateName::Failed => Self::Failed,
            QueueStateName::Done => Self::Done,
        }
    }
}

/// The query of `queue`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct QueueQuery {
    /// Of this environment. None: the one that the host serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// In this state. None: in any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<QueueStateName>,
    /// After this one: the last of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IdText>")]
    pub after: Option<ExecutionId>,
    /// At most so many. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}

/// Which dead letters are sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resend {
    /// Of this environment. None: the one that the host serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Of this process. None: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
}

/// How many entries something was done to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    /// So many.
    pub count: u64,
}
