//! A store that lasts as long as its value: for `invoke`, tests and embedders without a data folder. It is not durable
//! and says so. Every call takes one short lock; what is kept of requests and records is as large as they are.

mod access;
mod deployments;
mod idempotency;
mod packages;
mod pages;
mod queue;
mod records;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Answer, Store, StoreError};

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Contents {
    closed: bool,
    packages: packages::Packages,
    environments: deployments::Environments,
    access: access::Access,
    queue: queue::Queue,
    answers: idempotency::Answers,
    pages: pages::Pages,
    records: records::Records,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does the work at once: nothing in here has to be waited for.
    fn with<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut Contents) -> Result<T, StoreError>) -> Answer<'a, T> {
        // A panic elsewhere leaves whole values behind: the work refuses before it changes anything.
        let mut contents: MutexGuard<'_, Contents> = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = if contents.closed {
            Err(StoreError::unavailable("the store is closed: the host is stopping"))
        } else {
            work(&mut contents)
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Nothing of it was ever on a disk, so it has no backups either.
fn keeps_no_files<'a>(what: &str) -> Answer<'a, ()> {
    let error = StoreError::invalid(format!("the store is in memory and can't {what}: run the host with a `data-dir`"));
    Box::pin(std::future::ready(Err(error)))
}

impl Store for MemoryStore {
    fn is_durable(&self) -> bool {
        false
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn backup<'a>(&'a self, _: &'a Path) -> Answer<'a, ()> {
        keeps_no_files("be backed up")
    }

    fn restore<'a>(&'a self, _: &'a Path) -> Answer<'a, ()> {
        keeps_no_files("take a backup")
    }

    fn close(&self) -> Answer<'_, ()> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        Box::pin(std::future::ready(Ok(())))
    }
}
