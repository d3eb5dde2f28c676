//! The trait that the rest of Auricle knows. Object-safe: a host holds an `Arc<dyn Store>`.

use std::pin::Pin;
use std::time::SystemTime;

use auricle_model::ExecutionId;
use bytes::Bytes;

use crate::{DeploymentVersion, Digest, NewDeployment, QueueStatus, QueuedExecution, StoreError};

/// What a store answers, later. Boxed so that the trait is object-safe: an allocation beside a disk write.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps packages, deployments and the durable queue.
///
/// Every change is whole or not at all, and is on disk when its answer comes (see [`Store::is_durable`]). Dropping the
/// future of a change does not take it back: the change may be made and nobody told. Who must know, as the runner of
/// the queue must, awaits it in a task of its own.
pub trait Store: Send + Sync + 'static {
    /// Whether what it has answered survives the end of the program and the loss of power.
    fn is_durable(&self) -> bool;

    /// Keeps a package under the digest of its bytes. The same bytes are kept once; a damaged copy is replaced.
    fn put_package(&self, bytes: Bytes) -> Answer<'_, Digest>;

    /// A package, or none when it was never put. One that no longer has its digest is an error, never an answer.
    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>>;

    /// Keeps a new version and makes it the active one of its environment, together.
    fn deploy(&self, new: NewDeployment) -> Answer<'_, DeploymentVersion>;

    /// The version in force in an environment.
    fn active<'a>(&'a self, environment: &'a str) -> Answer<'a, Option<DeploymentVersion>>;

    /// The latest version that was deployed in an environment from this manifest, in force or not.
    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>>;

    /// Puts an execution in the queue. The answer is what a receipt may be given on. An id that is already there is a
    /// conflict.
    fn enqueue(&self, queued: QueuedExecution) -> Answer<'_, ()>;

    /// What is neither done nor failed, oldest first, at most `limit`, beginning after an id: what a start of the host
    /// has to run. Page until an empty answer. Bodies are loaded, so `limit` bounds the memory. An entry that can't be
    /// read is put to failed and left out: it must not keep the others from running.
    fn pending(&self, after: Option<ExecutionId>, limit: u32) -> Answer<'_, Vec<QueuedExecution>>;

    /// Notes that a run begins, and gives its number: 1, and one more each time, those cut off by a crash included. It is
    /// a conflict when the execution is done, failed or was never there.
    fn begin(&self, id: ExecutionId) -> Answer<'_, u32>;

    /// Takes an execution out of the queue. Nothing to take is no error: the answer to an earlier call may have been lost.
    fn done(&self, id: ExecutionId) -> Answer<'_, ()>;

    /// Keeps an execution as failed, with the reason: it will not be pending again.
    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str) -> Answer<'a, ()>;

    /// Puts an execution back to be run at a later time, with the reason. Keeping to the time is the runner's part.
    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str) -> Answer<'a, ()>;

    /// Where an execution stands, or none when it is done or was never queued.
    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>>;

    /// Ends it: changes already asked for are made, later ones refused, and the data folder is free for another host.
    fn close(&self) -> Answer<'_, ()>;
}

/// What every store says of an execution that it is asked to change and does not have open.
pub(crate) fn not_open(id: ExecutionId) -> StoreError {
    StoreError::conflict(format!(
        "the execution {id} is not waiting in the durable queue: it is done, failed or unknown"
    ))
}

/// What every store says of an id that is taken.
pub(crate) fn already_queued(id: ExecutionId) -> StoreError {
    StoreError::conflict(format!("the execution {id} is already in the durable queue: a new request needs a new id"))
}
