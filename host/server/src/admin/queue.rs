//! The durable queue, and its dead letters.

use auricle_model::ExecutionId;
use auricle_store::{QueueEntry, QueueState};

use super::endpoints::NoQuery;
use super::failure::Failure;
use super::shapes::millis;
use super::speak::{Done, Json, Optional};
use super::wire::{Count, QueueDetail, QueueItem, QueueQuery, Resend};
use super::{Call, executions};

/// Dead letters that are read at a time.
const PAGE: u32 = 256;

pub(super) async fn list(call: Call, query: QueueQuery, _: ()) -> Result<Json<Vec<QueueItem>>, Failure> {
    let environment = call.environment(query.environment.as_ref());
    let state = query.state.map(QueueState::from);
    let entries = call.host.store.entries(environment, state, query.after, executions::limit(query.limit)?).await?;
    Ok(Json(entries.into_iter().map(item).collect()))
}

pub(super) async fn get(call: Call, _: NoQuery, _: ()) -> Result<Json<QueueDetail>, Failure> {
    let id = executions::id(&call)?;
    let status = call.host.store.status(id).await?.ok_or_else(|| missing(id))?;
    let auricle_store::QueueStatus { environment, user, state, attempt, message, .. } = status;
    Ok(Json(QueueDetail { id, environment, user, state: state.into(), attempt, message }))
}

pub(super) async fn resend(call: Call, _: NoQuery, _: ()) -> Result<Done, Failure> {
    let id = executions::id(&call)?;
    if !call.host.store.resend(id, call.by("resend", id.to_string(), "")).await? {
        return Err(no_dead_letter(id));
    }
    call.host.queue.wake();
    Ok(Done)
}

pub(super) async fn resend_all(
    call: Call,
    _: NoQuery,
    Optional(which): Optional<Resend>,
) -> Result<Json<Count>, Failure> {
    let environment = call.environment(which.environment.as_ref());
    let mut count = Count::default();
    let mut after = None;
    loop {
        let page = call.host.store.entries(environment, Some(QueueState::Failed), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for entry in page {
            let is_meant = which.process.as_ref().is_none_or(|process| *process == entry.process);
            if is_meant && call.host.store.resend(entry.id, call.by("resend", entry.id.to_string(), "")).await? {
                count.count += 1;
            }
        }
    }
    call.host.queue.wake();
    Ok(Json(count))
}

pub(super) async fn discard(call: Call, _: NoQuery, _: ()) -> Result<Done, Failure> {
    let id = executions::id(&call)?;
    match call.host.store.discard(id, call.by("discard", id.to_string(), "")).await? {
        true => Ok(Done),
        false => Err(no_dead_letter(id)),
    }
}

fn missing(id: ExecutionId) -> Failure {
    Failure::not_found(format!("{id} is not in the queue: it is done, or was never in it"))
}

fn no_dead_letter(id: ExecutionId) -> Failure {
    Failure::not_found(format!("{id} is no dead letter: only what has failed for good is sent again or thrown away"))
}

fn item(entry: QueueEntry) -> QueueItem {
    let QueueEntry { id, process, environment, user, state, attempt, enqueued_at, not_before, message, bytes } = entry;
    QueueItem {
        id,
        process,
        environment,
        user,
        state: state.into(),
        attempt,
        enqueued_at: millis(enqueued_at),
        not_before: not_before.map(millis),
        message,
        bytes,
    }
}
