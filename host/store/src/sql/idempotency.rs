//! Claims of `Idempotency-Key`s and the answers under them.
//!
//! A claim is one `INSERT`: of two at the same time the second waits for the end of the first, also in another transaction
//! or on another host, and then sees its row.

use std::time::SystemTime;

use auricle_model::ExecutionId;

use super::{Answer, Change, Connection, Stop, StoreError, ThisStore, cannot};
use crate::{Claim, Digest, Idempotency, IdempotencyKey, KeptAnswer, codec, digest, time};

/// What a key is found by: of a fixed length, since a route can be longer than what an index takes.
pub(super) fn hash(key: &IdempotencyKey) -> [u8; 32] {
    let IdempotencyKey { environment, user, route, key } = key;
    digest::of_texts([environment.as_str(), user, route, key])
}

struct TakeKey {
    key: [u8; 32],
    body: String,
    id: ExecutionId,
    lease: SystemTime,
}

impl Change for TakeKey {
    type Output = Claim;

    async fn apply(&mut self, on: &mut Connection) -> Result<Claim, Stop> {
        let failed = cannot("claim an Idempotency-Key");
        let taken = sqlx::query(
            "INSERT INTO idempotency (key, body, execution, keep_until) VALUES ($1, $2, $3, $4)
             ON CONFLICT (key) DO UPDATE
             SET body = excluded.body, execution = excluded.execution, keep_until = excluded.keep_until, answer = NULL
             WHERE idempotency.keep_until <= $5",
        )
        .bind(self.key.as_slice())
        .bind(&self.body)
        .bind(self.id.to_bytes().as_slice())
        .bind(time::to_millis(self.lease))
        .bind(time::to_millis(SystemTime::now()))
        .execute(&mut *on)
        .await
        .map_err(&failed)?;
        if taken.rows_affected() > 0 {
            return Ok(Claim::New);
        }
        // The row is locked by the statement above: it is as that saw it.
        let (body, execution, answer): (String, Vec<u8>, Option<Vec<u8>>) =
            sqlx::query_as("SELECT body, execution, answer FROM idempotency WHERE key = $1")
                .bind(self.key.as_slice())
                .fetch_one(on)
                .await
                .map_err(&failed)?;
        if body != self.body {
            return Ok(Claim::OtherBody);
        }
        match answer {
            // What is damaged is an answer to this one; a failure would be the whole batch's.
            Some(answer) => codec::decode_answer(answer.into()).map(Claim::Answered).map_err(Stop::Refused),
            None => {
                let id = execution.try_into().map(ExecutionId::from_bytes);
                let damaged = |_| Stop::Refused(StoreError::corrupt("a claim's execution has no readable id"));
                id.map(Claim::InFlight).map_err(damaged)
            }
        }
    }
}

/// The answer to a request, for when it is sent again.
pub(super) struct KeepAnswer {
    pub(super) key: [u8; 32],
    pub(super) id: ExecutionId,
    pub(super) answer: Vec<u8>,
    pub(super) until: SystemTime,
}

impl KeepAnswer {
    /// Keeps it, if its execution holds the claim; whether it does.
    pub(super) async fn keep(&self, on: &mut Connection) -> Result<bool, StoreError> {
        let kept = sqlx::query("UPDATE idempotency SET answer = $3, keep_until = $4 WHERE key = $1 AND execution = $2")
            .bind(self.key.as_slice())
            .bind(self.id.to_bytes().as_slice())
            .bind(self.answer.as_slice())
            .bind(time::to_millis(self.until))
            .execute(on)
            .await
            .map_err(cannot("keep an answer"))?;
        Ok(kept.rows_affected() > 0)
    }
}

impl Change for KeepAnswer {
    type Output = ();

    fn weight(&self) -> usize {
        self.answer.len()
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        self.keep(on).await?;
        Ok(())
    }
}

struct Release {
    key: [u8; 32],
    id: ExecutionId,
}

impl Change for Release {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        sqlx::query("DELETE FROM idempotency WHERE key = $1 AND execution = $2 AND answer IS NULL")
            .bind(self.key.as_slice())
            .bind(self.id.to_bytes().as_slice())
            .execute(on)
            .await
            .map_err(cannot("release an Idempotency-Key"))?;
        Ok(())
    }
}

impl Idempotency for ThisStore {
    fn claim<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        body: Digest,
        id: ExecutionId,
        lease: SystemTime,
    ) -> Answer<'a, Claim> {
        Box::pin(self.main.writer.write(TakeKey { key: hash(key), body: body.to_string(), id, lease }))
    }

    fn answered<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: ExecutionId,
        answer: KeptAnswer,
        until: SystemTime,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let answer = codec::encode_answer(answer)?;
            self.main.writer.write(KeepAnswer { key: hash(key), id, answer, until }).await
        })
    }

    fn release<'a>(&'a self, key: &'a IdempotencyKey, id: ExecutionId) -> Answer<'a, ()> {
        Box::pin(self.main.writer.write(Release { key: hash(key), id }))
    }
}
