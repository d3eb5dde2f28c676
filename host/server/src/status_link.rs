//! `/_executions/{id}`: where a caller who did not wait finds what its request came to.
//!
//! Only who made the request is told, and only of an execution that was promised. `Prefer: wait=s` waits for the end.

use std::sync::Arc;

use auricle_model::ExecutionId;
use auricle_store::{QueueState, QueueStatus};
use http::Method;
use http::request::Parts;
use tokio::time::{Instant, timeout};

use crate::host::{Inner, State};
use crate::limits::{STATUS_LOOK, STATUS_WAIT};
use crate::prefer::Preferences;
use crate::reply::Answer;
use crate::respond::{self, Refusal};

/// What such a path begins with; no API may be there.
const PREFIX: &str = "/_executions/";

/// The path of an execution's status.
pub(crate) fn path_of(id: ExecutionId) -> String {
    format!("{PREFIX}{id}")
}

/// What follows the prefix, where a path has it.
pub(crate) fn id_of(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX)
}

/// Tells where an execution stands.
pub(crate) async fn answer(host: &Arc<Inner>, head: &Parts, id: &str) -> Answer {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Err(Box::new(Refusal::StatusMethod));
    }
    let id = ExecutionId::parse(id).ok_or(Refusal::UnknownExecution)?;
    let wait = Preferences::of(&head.headers).wait.map(|wait| wait.min(STATUS_WAIT));
    let until = Instant::now() + wait.unwrap_or_default();
    loop {
        let next = host.queue.next_result();
        let status = host.store.status(id).await.map_err(|why| Refusal::StatusNotRead { why })?;
        let status = status.filter(|status| is_told(host, status)).ok_or(Refusal::UnknownExecution)?;
        let left = until.saturating_duration_since(Instant::now());
        if is_over(&status) || left.is_zero() || host.state() != State::Ready {
            return Ok(respond::execution(id, status, wait));
        }
        // Another host may run it, of which nothing is heard here.
        let _ = timeout(left.min(STATUS_LOOK), next).await;
    }
}

/// Whether its caller may be told: without authentication all callers are one.
fn is_told(host: &Inner, status: &QueueStatus) -> bool {
    status.environment == host.config.environment && status.user.is_none()
}

fn is_over(status: &QueueStatus) -> bool {
    matches!(status.state, QueueState::Done | QueueState::Failed)
}
