//! The queue as a map by id. Leases are noted and bind nobody: no other host can see this store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use auricle_model::ExecutionId;

use super::MemoryStore;
use crate::{
    Answer, By, IdempotencyKey, KeptAnswer, Lease, QueueEntry, QueueState, QueueStatus, QueuedExecution, Reception,
    StoreError, refusal,
};

pub(super) type Queue = BTreeMap<ExecutionId, Entry>;

#[derive(Debug)]
pub(super) struct Entry {
    queued: QueuedExecution,
    status: QueueStatus,
    /// When a result that is kept goes.
    until: Option<SystemTime>,
}

impl Entry {
    fn is_open(&self) -> bool {
        matches!(self.status.state, QueueState::Queued | QueueState::Running)
    }

    fn counted(&mut self, attempt: u32) {
        self.status.attempt = attempt;
        self.queued.execution.attempt = attempt;
    }
}

fn open(queue: &mut Queue, id: ExecutionId) -> Result<&mut Entry, StoreError> {
    queue.get_mut(&id).filter(|entry| entry.is_open()).ok_or_else(|| refusal::not_open(id))
}

fn dead(queue: &mut Queue, id: ExecutionId) -> Option<&mut Entry> {
    queue.get_mut(&id).filter(|entry| entry.status.state == QueueState::Failed)
}

fn listed(id: ExecutionId, Entry { queued, status, .. }: &Entry) -> QueueEntry {
    let execution = &queued.execution;
    let documents = execution.documents.iter().map(|document| document.data.len() + document.properties.size());
    let result = status.result.as_ref().map_or(0, |result| result.body.len());
    QueueEntry {
        id,
        process: execution.process.to_string(),
        environment: queued.environment.clone(),
        user: queued.user.clone(),
        state: status.state,
        attempt: status.attempt,
        enqueued_at: queued.enqueued_at,
        not_before: queued.not_before,
        message: status.message.clone(),
        bytes: (documents.sum::<usize>() + execution.properties.size() + result) as u64,
    }
}

fn beyond(after: Option<ExecutionId>) -> (Bound<ExecutionId>, Bound<ExecutionId>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

impl crate::Queue for MemoryStore {
    fn enqueue(
        &self,
        mut queued: QueuedExecution,
        reception: Reception,
        answered: Option<(IdempotencyKey, KeptAnswer, SystemTime)>,
    ) -> Answer<'_, ()> {
        self.with(|all| {
            let id = queued.execution.id;
            if all.queue.contains_key(&id) {
                return Err(refusal::already_queued(id));
            }
            if let Some((key, answer, until)) = answered
                && !all.answers.keep(&key, id, answer, until)
            {
                return Err(refusal::not_claimed(id));
            }
            let (state, attempt) = match reception {
                Reception::Waiting => (QueueState::Queued, 0),
                Reception::Running(_) => (QueueState::Running, 1),
            };
            queued.execution.attempt = attempt;
            let status = QueueStatus {
                environment: queued.environment.clone(),
                user: queued.user.clone(),
                state,
                attempt,
                message: None,
                result: None,
            };
            all.queue.insert(id, Entry { queued, status, until: None });
            Ok(())
        })
    }

    fn pending<'a>(
        &'a self,
        environment: &'a str,
        _node: &'a str,
        after: Option<ExecutionId>,
        limit: u32,
        without: &'a [String],
    ) -> Answer<'a, Vec<QueuedExecution>> {
        self.with(|all| {
            let wanted = |entry: &&Entry| {
                let queued = &entry.queued;
                let left_out = || without.iter().any(|process| **process == *queued.execution.process);
                entry.is_open() && queued.environment == environment && !left_out()
            };
            let open = all.queue.range(beyond(after)).map(|(_, entry)| entry).filter(wanted);
            Ok(open.take(limit as usize).map(|entry| entry.queued.clone()).collect())
        })
    }

    fn begin(&self, id: ExecutionId, _: Lease) -> Answer<'_, u32> {
        self.with(|all| {
            let entry = open(&mut all.queue, id)?;
            entry.status.state = QueueState::Running;
            entry.counted(entry.status.attempt + 1);
            entry.queued.not_before = None;
            Ok(entry.status.attempt)
        })
    }

    fn renew<'a>(&'a self, _: &'a [ExecutionId], _: Lease) -> Answer<'a, ()> {
        self.with(|_| Ok(()))
    }

    fn done(&self, id: ExecutionId, result: Option<(KeptAnswer, SystemTime)>) -> Answer<'_, ()> {
        self.with(|all| {
            let Some(entry) = all.queue.get_mut(&id).filter(|entry| entry.status.state != QueueState::Done) else {
                return Ok(());
            };
            match result {
                Some((result, until)) => {
                    entry.status.state = QueueState::Done;
                    entry.status.message = None;
                    entry.status.result = Some(result);
                    entry.until = Some(until);
                    entry.queued.execution.documents = Vec::new();
                }
                None => {
                    all.queue.remove(&id);
                }
            }
            Ok(())
        })
    }

    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str, result: Option<KeptAnswer>) -> Answer<'a, ()> {
        self.with(|all| {
            let entry = open(&mut all.queue, id)?;
            entry.status.state = QueueState::Failed;
            entry.status.message = Some(message.to_owned());
            entry.status.result = result;
            entry.queued.not_before = None;
            Ok(())
        })
    }

    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str, counted: bool) -> Answer<'a, ()> {
        self.with(|all| {
            let entry = open(&mut all.queue, id)?;
            entry.status.state = QueueState::Queued;
            entry.status.message = Some(message.to_owned());
            entry.queued.not_before = Some(at);
            if !counted {
                entry.counted(entry.status.attempt.saturating_sub(1));
            }
            Ok(())
        })
    }

    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>> {
        self.with(|all| Ok(all.queue.get(&id).map(|entry| entry.status.clone())))
    }

    fn entries<'a>(
        &'a self,
        environment: &'a str,
        state: Option<QueueState>,
        after: Option<ExecutionId>,
        limit: u32,
    ) -> Answer<'a, Vec<QueueEntry>> {
        self.with(|all| {
            let wanted = |(_, entry): &(&ExecutionId, &Entry)| {
                entry.queued.environment == environment && state.is_none_or(|state| entry.status.state == state)
            };
            let found = all.queue.range(beyond(after)).filter(wanted).take(limit as usize);
            Ok(found.map(|(id, entry)| listed(*id, entry)).collect())
        })
    }

    fn depths(&self) -> Answer<'_, [u64; 4]> {
        self.with(|all| {
            Ok(QueueState::ALL.map(|state| all.queue.values().filter(|e| e.status.state == state).count() as u64))
        })
    }

    fn resend(&self, id: ExecutionId, by: By) -> Answer<'_, bool> {
        self.with(|all| {
            let Some(entry) = dead(&mut all.queue, id) else { return Ok(false) };
            entry.status.state = QueueState::Queued;
            entry.status.result = None;
            entry.counted(0);
            all.access.note(by);
            Ok(true)
        })
    }

    fn discard(&self, id: ExecutionId, by: By) -> Answer<'_, bool> {
        self.with(|all| {
            if dead(&mut all.queue, id).is_none() {
                return Ok(false);
            }
            all.queue.remove(&id);
            all.access.note(by);
            Ok(true)
        })
    }

    fn expire(&self, now: SystemTime) -> Answer<'_, ()> {
        self.with(|all| {
            all.queue.retain(|_, entry| entry.until.is_none_or(|until| until > now));
            all.answers.expire(now);
            all.pages.expire(now);
            Ok(())
        })
    }
}
