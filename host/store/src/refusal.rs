//! What every store says where it refuses: one wording, whatever keeps the rest.

use auricle_model::ExecutionId;

use crate::StoreError;

/// Of an execution that is to be changed and is not open.
pub(crate) fn not_open(id: ExecutionId) -> StoreError {
    StoreError::conflict(format!(
        "the execution {id} is not waiting in the durable queue: it is done, failed or unknown, or another host runs it"
    ))
}

/// Of an id that is taken.
pub(crate) fn already_queued(id: ExecutionId) -> StoreError {
    StoreError::conflict(format!("the execution {id} is already in the durable queue: a new request needs a new id"))
}

/// Of an answer whose `Idempotency-Key` is not, or no longer, claimed by its execution.
pub(crate) fn not_claimed(id: ExecutionId) -> StoreError {
    StoreError::conflict(format!(
        "the execution {id} does not hold its Idempotency-Key any more: the same request was sent again meanwhile"
    ))
}

/// Of an environment without a version.
pub(crate) fn never_deployed(environment: &str) -> StoreError {
    StoreError::invalid(format!("nothing was ever deployed to the environment `{environment}`: deploy to it first"))
}

/// Of a version that an environment does not have.
pub(crate) fn unknown_version(environment: &str, version: u32) -> StoreError {
    StoreError::invalid(format!(
        "the environment `{environment}` has no version {version}: `auricle deployments` lists those that it has"
    ))
}

/// Of a change that was decided on something that is no longer so.
pub(crate) fn changed_meanwhile(environment: &str, expected: u64) -> StoreError {
    StoreError::conflict(format!(
        "what the environment `{environment}` serves was changed meanwhile (it has revision {expected} no more): look at \
         it again, then repeat the change if it is still wanted"
    ))
}

/// Of a token whose name or value is taken.
pub(crate) fn token_taken(name: &str) -> StoreError {
    StoreError::conflict(format!("there is a token `{name}` already: take another name, or delete that one first"))
}
