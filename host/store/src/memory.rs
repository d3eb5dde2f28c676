//! A store that lasts as long as its value: for `invoke`, tests and embedders without a data folder. It is not durable
//! and says so. Every call takes one short lock.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use auricle_model::ExecutionId;
use bytes::Bytes;

use crate::store::{already_queued, not_open};
use crate::{
    Answer, DeploymentVersion, Digest, NewDeployment, QueueState, QueueStatus, QueuedExecution, Store, StoreError, time,
};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    closed: bool,
    packages: HashMap<Digest, Bytes>,
    /// By environment; the last is the active one.
    versions: HashMap<String, Vec<DeploymentVersion>>,
    queue: BTreeMap<ExecutionId, Entry>,
}

#[derive(Debug)]
struct Entry {
    queued: QueuedExecution,
    status: QueueStatus,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the work at once: nothing in here has to be waited for.
    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut Contents) -> Result<T, StoreError>) -> Answer<'a, T> {
        // A panic elsewhere leaves whole values behind: each change below is one insertion, removal or assignment.
        let mut contents: MutexGuard<'_, Contents> = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = if contents.closed {
            Err(StoreError::unavailable("the store is closed: the host is stopping"))
        } else {
            work(&mut contents)
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Contents {
    fn open(&mut self, id: ExecutionId) -> Result<&mut Entry, StoreError> {
        self.queue.get_mut(&id).filter(|entry| entry.status.state != QueueState::Failed).ok_or_else(|| not_open(id))
    }
}

impl Store for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    fn put_package(&self, bytes: Bytes) -> Answer<'_, Digest> {
        let digest = Digest::of(&bytes);
        self.with(|all| {
            all.packages.entry(digest).or_insert(bytes);
            Ok(digest)
        })
    }

    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>> {
        self.with(|all| Ok(all.packages.get(&digest).cloned()))
    }

    fn deploy(&self, new: NewDeployment) -> Answer<'_, DeploymentVersion> {
        self.with(|all| {
            new.check()?;
            if let Some((process, digest)) = new.packages.iter().find(|(_, d)| !all.packages.contains_key(*d)) {
                return Err(NewDeployment::unknown_package(process, *digest));
            }
            let versions = all.versions.entry(new.environment.clone()).or_default();
            let number = versions.last().map_or(1, |last| last.version + 1);
            let version = new.into_version(number, time::now());
            versions.push(version.clone());
            Ok(version)
        })
    }

    fn active<'a>(&'a self, environment: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        self.with(|all| Ok(all.versions.get(environment).and_then(|versions| versions.last()).cloned()))
    }

    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        self.with(|all| {
            let versions = all.versions.get(environment).into_iter().flatten();
            Ok(versions.rev().find(|version| version.source.as_deref() == Some(source)).cloned())
        })
    }

    fn enqueue(&self, mut queued: QueuedExecution) -> Answer<'_, ()> {
        self.with(|all| {
            let id = queued.execution.id;
            if all.queue.contains_key(&id) {
                return Err(already_queued(id));
            }
            queued.execution.attempt = 0;
            let status =
                QueueStatus { user: queued.user.clone(), state: QueueState::Queued, attempt: 0, message: None };
            all.queue.insert(id, Entry { queued, status });
            Ok(())
        })
    }

    fn pending(&self, after: Option<ExecutionId>, limit: u32) -> Answer<'_, Vec<QueuedExecution>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.with(|all| {
            let open = all.queue.range((after, Bound::Unbounded)).map(|(_, entry)| entry);
            let open = open.filter(|entry| entry.status.state != QueueState::Failed);
            Ok(open.take(limit as usize).map(|entry| entry.queued.clone()).collect())
        })
    }

    fn begin(&self, id: ExecutionId) -> Answer<'_, u32> {
        self.with(|all| {
            let Entry { queued, status } = all.open(id)?;
            status.state = QueueState::Running;
            status.attempt += 1;
            queued.execution.attempt = status.attempt;
            queued.not_before = None;
            Ok(status.attempt)
        })
    }

    fn done(&self, id: ExecutionId) -> Answer<'_, ()> {
        self.with(|all| {
            all.queue.remove(&id);
            Ok(())
        })
    }

    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str) -> Answer<'a, ()> {
        self.with(|all| {
            let Entry { status, .. } = all.open(id)?;
            status.state = QueueState::Failed;
            status.message = Some(message.to_owned());
            Ok(())
        })
    }

    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str) -> Answer<'a, ()> {
        self.with(|all| {
            let Entry { queued, status } = all.open(id)?;
            status.state = QueueState::Queued;
            status.message = Some(message.to_owned());
            queued.not_before = Some(at);
            Ok(())
        })
    }

    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>> {
        self.with(|all| Ok(all.queue.get(&id).map(|entry| entry.status.clone())))
    }

    fn close(&self) -> Answer<'_, ()> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        Box::pin(std::future::ready(Ok(())))
    }
}
