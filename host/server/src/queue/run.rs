//! One execution of the queue, from its slot to what is noted of its end.
//!
//! A failure of the process is tried again as its `retry` says, then it is a dead letter. One that could not begin (its process
//! is not deployed, does not start, has no free turn) is tried again until it can: it was promised. What is not noted would be
//! run once more, so noting goes on until the store takes it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use auricle_model::{Document, Execution, ExecutionId, Failure, FailureKind, Outcome, RetryPolicy};
use auricle_store::{Answer, KeptAnswer, QueuedExecution, StoreError, StoreErrorKind};
use tracing::field::display;

use super::{Job, Place, Queue};
use crate::deploy::Active;
use crate::execution_log;
use crate::host::Inner;
use crate::kept;
use crate::limits::{KEPT_ANSWER_BYTES, QUEUE_NOTE_MOST, QUEUE_RETRY, QUEUE_RETRY_MOST, RESULT_LIFETIME};
use crate::reply;
use crate::respond::{self, Refusal};

/// How an attempt ended.
enum End {
    /// There is nothing more to do about it now.
    Rests,
    /// It goes on after a while, with the same attempt.
    Waits(Duration),
}

/// A slot, for as long as this lives.
struct Slot {
    host: Arc<Inner>,
    process: Arc<str>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.host.queue.line().rest(&self.process);
        self.host.queue.rested.notify_waiters();
    }
}

/// Begins what may begin now.
pub(super) fn go_on(host: &Arc<Inner>) {
    let queue = &host.queue;
    let active = host.active();
    // More than its own turns would only take those of requests that wait for their answer.
    let most = |process: &str| {
        let listener = active.as_ref().and_then(|active| active.processes.get(process));
        listener.map_or(usize::MAX, |listener| listener.decl().limits.max_instances() as usize)
    };
    while !queue.is_stopping() {
        let Some(job) = queue.line().next(most) else { return };
        let Execution { id, process, .. } = &job.queued.execution;
        let slot = Slot { host: host.clone(), process: process.clone() };
        let place = Place::of(host, *id);
        tokio::spawn(run(host.clone(), job, slot, place));
    }
}

async fn run(host: Arc<Inner>, mut job: Job, slot: Slot, place: Place) {
    let end = attempt(&host, &mut job).await;
    drop(slot);
    match end {
        End::Rests => drop(place),
        End::Waits(pause) => {
            go_on(&host);
            tokio::time::sleep(pause).await;
            place.wait(job);
        }
    }
    go_on(&host);
}

async fn attempt(host: &Arc<Inner>, job: &mut Job) -> End {
    let queue = &host.queue;
    let Some(active) = job.accepted_in.clone().or_else(|| host.active()) else {
        queue.later.store(true, Ordering::Release);
        return End::Rests;
    };
    let id = job.queued.execution.id;
    let attempt = match job.begun {
        // Waiting for a free instance is not another attempt.
        Some(attempt) => attempt,
        None => match queue.store.begin(id, queue.lease()).await {
            Ok(attempt) => attempt,
            // Done or failed since it was read, or another host runs it.
            Err(error) if error.kind() == StoreErrorKind::Conflict => return End::Rests,
            Err(error) => {
                tracing::warn!(%id, %error, "a queued execution waits for the store");
                return End::Waits(QUEUE_RETRY);
            }
        },
    };
    job.begun = Some(attempt);
    queue.line().begun(id);
    let outcome = active.processes.run(Execution { attempt, ..job.queued.execution.clone() }).await;
    settle(host, &active, &job.queued, attempt, outcome).await
}

/// Sees to the end of an execution that ran before it was queued.
pub(super) async fn adopted(host: &Arc<Inner>, active: &Active, queued: &QueuedExecution, outcome: Outcome) {
    if let End::Waits(pause) = settle(host, active, queued, 1, outcome).await {
        put_back(&host.queue, queued.execution.id, pause, "it found no free instance", false).await;
    }
}

/// Notes what an attempt came to.
async fn settle(host: &Inner, active: &Active, queued: &QueuedExecution, attempt: u32, outcome: Outcome) -> End {
    let queue = &host.queue;
    let Execution { id, process, trace, .. } = &queued.execution;
    let trace = trace.as_ref().map(|trace| display(trace.trace_id()));
    execution_log::tell(*id, process, &outcome.log);
    active.note(&outcome);
    host.records.queued(active, queued, attempt, &outcome).await;
    let result = outcome.result.and_then(|documents| result(active, queued, documents));
    let failure = match result {
        Ok(result) => {
            queue.counts.done.fetch_add(1, Ordering::Relaxed);
            let until = SystemTime::now() + RESULT_LIFETIME;
            let result = result.map(|result| (result, until));
            noted(queue, *id, || queue.store.done(*id, result.clone())).await;
            queue.answered.notify_waiters();
            return End::Rests;
        }
        Err(failure) => failure,
    };
    let listener = active.processes.get(process);
    let policy = listener.map_or_else(RetryPolicy::default, |listener| listener.decl().retry.clone());
    let Failure { kind, message } = &failure;
    match kind {
        FailureKind::Saturated => return End::Waits(QUEUE_RETRY),
        // The process has not run: its database may be down, or it may be gone from the deployment for a while.
        FailureKind::Start | FailureKind::Host | FailureKind::Unknown => {
            let waited = queued.enqueued_at.elapsed().unwrap_or_default();
            let pause = jittered(unable(&policy, waited));
            tracing::warn!(%id, %process, attempt, %kind, trace_id = trace, "a queued execution could not begin; next try in {pause:?}: {message}");
            put_back(queue, *id, pause, &failure.to_string(), false).await;
        }
        _ if attempt < policy.attempts => {
            let pause = jittered(pause(&policy, attempt));
            tracing::warn!(%id, %process, attempt, %kind, trace_id = trace, "a queued execution failed; next try in {pause:?}: {message}");
            put_back(queue, *id, pause, &failure.to_string(), true).await;
        }
        _ => {
            tracing::error!(%id, %process, attempt, %kind, trace_id = trace, "a queued execution failed and is a dead letter now: {message}");
            queue.counts.failed.fetch_add(1, Ordering::Relaxed);
            let message = failure.to_string();
            let debug = queued.execution.mode.is_some();
            let log = if debug { outcome.log } else { Vec::new() };
            let answer = queued.keeps_result.then(|| respond::refuse(Refusal::Failed { id: *id, failure, debug, log }));
            let answer = answer.and_then(|answer| kept::answer(&answer));
            noted(queue, *id, || queue.store.failed(*id, &message, answer.clone())).await;
            queue.answered.notify_waiters();
        }
    }
    End::Rests
}

/// What its caller comes back for, where somebody does.
fn result(active: &Active, queued: &QueuedExecution, documents: Vec<Document>) -> Result<Option<KeptAnswer>, Failure> {
    if !queued.keeps_result {
        return Ok(None);
    }
    let unfit = |why: String| Failure::new(FailureKind::Contract, why);
    let response = reply::whole(active, &queued.execution, &documents).map_err(|error| unfit(error.to_string()))?;
    let answer = kept::answer(&response).ok_or_else(|| {
        unfit(format!("the answer is larger than {} bytes, the most that is kept for later", KEPT_ANSWER_BYTES))
    })?;
    Ok(Some(answer))
}

/// Puts an execution back into the store for a later try.
async fn put_back(queue: &Queue, id: ExecutionId, pause: Duration, message: &str, counted: bool) {
    queue.counts.retried.fetch_add(1, Ordering::Relaxed);
    let at = SystemTime::now() + pause;
    noted(queue, id, || queue.store.retry_at(id, at, message, counted)).await;
    queue.later.store(true, Ordering::Release);
}

/// Has the store note something of an execution, again and again while it cannot.
async fn noted<'a>(queue: &'a Queue, id: ExecutionId, note: impl Fn() -> Answer<'a, ()>) {
    let mut pause = QUEUE_RETRY;
    loop {
        let error: StoreError = match note().await {
            Ok(()) => return,
            Err(error) => error,
        };
        if error.kind() != StoreErrorKind::Unavailable || queue.is_stopping() {
            tracing::error!(%id, %error, "the end of a queued execution could not be noted: it may be run again");
            queue.later.store(true, Ordering::Release);
            return;
        }
        tracing::warn!(%id, %error, "the end of a queued execution cannot be noted yet");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(QUEUE_NOTE_MOST);
    }
}

/// How long to wait after this attempt: twice as long after each.
fn pause(policy: &RetryPolicy, attempt: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    policy.backoff.saturating_mul(factor).min(policy.max_backoff)
}

/// How long one waits that could not begin: as long as it has waited, which doubles each time.
fn unable(policy: &RetryPolicy, waited: Duration) -> Duration {
    let most = policy.max_backoff.min(QUEUE_RETRY_MOST);
    waited.max(policy.backoff).min(most)
}

/// A tenth more or less, so that what failed together is not tried again together.
fn jittered(pause: Duration) -> Duration {
    let share = u32::try_from(RandomState::new().hash_one(()) % 201).unwrap_or(100);
    pause * (900 + share) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_the_policy_s_most() {
        let policy = RetryPolicy { max_backoff: Duration::from_secs(60), ..RetryPolicy::default() };
        let pauses: Vec<u64> = [1, 2, 3, 6, 7, 40, u32::MAX].map(|n| pause(&policy, n).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn what_cannot_begin_waits_as_long_as_it_has_waited() {
        let policy = RetryPolicy::default();
        let pauses = [0, 1, 2, 40, 3600].map(|n| unable(&policy, Duration::from_secs(n)).as_secs());
        assert_eq!(pauses, [1, 1, 2, 40, 60]);
    }

    #[test]
    fn jitter_is_a_tenth_at_most() {
        let second = Duration::from_secs(1);
        for _ in 0..1000 {
            let jittered = jittered(second);
            assert!(jittered >= second * 9 / 10 && jittered <= second * 11 / 10, "{jittered:?}");
        }
    }
}
