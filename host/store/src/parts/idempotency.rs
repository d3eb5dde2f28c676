//! `Idempotency-Key`: a request that is sent again gets the answer of the first time.

use std::time::SystemTime;

use auricle_model::ExecutionId;
use bytes::Bytes;

use crate::{Answer, Digest};

/// A key as a caller sent it, with what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The environment.
    pub environment: String,
    /// The authenticated caller; empty for none.
    pub user: String,
    /// Method and path of the request.
    pub route: String,
    /// The header's value.
    pub key: String,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

/// What a key comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody had it: the request is to be run, and its answer kept or the key released.
    New,
    /// The first request is not answered yet.
    InFlight(ExecutionId),
    /// The first request was answered so.
    Answered(KeptAnswer),
    /// It was sent with another body.
    OtherBody,
}

/// Keeps answers by the keys of their requests, for a time.
pub trait Idempotency: Send + Sync + 'static {
    /// Takes a key for an execution, if nobody has it. A claim whose `lease` (of the claimant before) has passed without
    /// an answer is taken over: its host is gone. So is a key whose answer has passed its time. Of many who ask at once one
    /// gets it.
    fn claim<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        body: Digest,
        id: ExecutionId,
        lease: SystemTime,
    ) -> Answer<'a, Claim>;

    /// Keeps the answer of the claimant until a time. One whose claim was taken over or has gone keeps nothing.
    fn answered<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: ExecutionId,
        answer: KeptAnswer,
        until: SystemTime,
    ) -> Answer<'a, ()>;

    /// Gives a claim up: the request was refused before it had an effect. An answer that was kept stays.
    fn release<'a>(&'a self, key: &'a IdempotencyKey, id: ExecutionId) -> Answer<'a, ()>;
}
