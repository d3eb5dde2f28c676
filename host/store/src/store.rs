//! The trait that the rest of Auricle knows. Object-safe: a host holds an `Arc<dyn Store>`.
//!
//! It is made of parts, one subject each, with the values that the subject speaks in: [`Packages`](crate::Packages),
//! [`Deployments`](crate::Deployments), [`Access`](crate::Access), [`Queue`](crate::Queue),
//! [`Idempotency`](crate::Idempotency), [`Pages`](crate::Pages) and [`Records`](crate::Records).

use std::path::Path;
use std::pin::Pin;

use crate::{Access, Deployments, Idempotency, Packages, Pages, Queue, Records, StoreError};

/// What a store answers, later. Boxed so that the trait is object-safe: an allocation beside a disk write.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps every durable byte of a runtime, or of several that share it.
///
/// Every change is whole or not at all, and is on disk when its answer comes (see [`Store::is_durable`]; records alone
/// may be lost with the last seconds before a loss of power). Dropping the future of a change does not take it back: the
/// change may be made and nobody told. Who must know, as the runner of the queue must, awaits it in a task of its own.
pub trait Store: Packages + Deployments + Access + Queue + Idempotency + Pages + Records {
    /// Whether what it has answered survives the end of the program and the loss of power.
    fn is_durable(&self) -> bool;

    /// Whether other hosts may use it at the same time: then what is active is looked at now and then, and queued
    /// executions are leased.
    fn is_shared(&self) -> bool;

    /// Writes everything to a new file, as of one moment, while the store goes on working: an SQLite database with the
    /// tables of the embedded store, whichever engine this is. A file that exists is refused.
    fn backup<'a>(&'a self, to: &'a Path) -> Answer<'a, ()>;

    /// Replaces everything by what a backup holds, in one transaction. A file of a newer version is refused, a damaged
    /// one too; then nothing has changed.
    fn restore<'a>(&'a self, from: &'a Path) -> Answer<'a, ()>;

    /// Ends it: changes already asked for are made, later ones refused, and the data folder is free for another host.
    fn close(&self) -> Answer<'_, ()>;
}
