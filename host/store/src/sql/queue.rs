//! The changes of the durable queue. Each is one statement on one row, so that hosts that share the store need no more than
//! the row's own lock; what is read of the queue is in `queue_read`.

use std::time::SystemTime;

use auricle_model::ExecutionId;

use super::access::note;
use super::idempotency::{self, KeepAnswer};
use super::{Answer, Change, Connection, Stop, ThisStore, cannot, dialect, queue_read, text};
use crate::limits::CLEANED_ROWS;
use crate::{
    By, IdempotencyKey, KeptAnswer, Lease, Queue, QueueEntry, QueueState, QueueStatus, QueuedExecution, Reception,
    StoreError, codec, refusal, time,
};

/// The time by which leases are judged: one that ends later holds. Where no other host can be there, none does.
pub(super) fn leases_judged_at() -> i64 {
    if dialect::SHARED { time::to_millis(SystemTime::now()) } else { i64::MAX }
}

struct Enqueue {
    id: ExecutionId,
    environment: String,
    process: String,
    caller: Option<String>,
    enqueued_at: SystemTime,
    not_before: Option<SystemTime>,
    keeps_result: bool,
    reception: Reception,
    request: Vec<u8>,
    answer: Option<KeepAnswer>,
}

impl Change for Enqueue {
    type Output = ();

    fn weight(&self) -> usize {
        self.request.len() + self.answer.as_ref().map_or(0, |kept| kept.answer.len())
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let (state, attempt, lease) = match &self.reception {
            Reception::Waiting => (QueueState::Queued, 0_i64, None),
            Reception::Running(lease) => (QueueState::Running, 1, Some(lease)),
        };
        let inserted = sqlx::query(
            "INSERT INTO queue (id, environment, process, caller, state, attempt, enqueued_at, not_before, keeps_result,
                                lease_node, lease_until, request)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
        )
        .bind(self.id.to_bytes().as_slice())
        .bind(text(&self.environment))
        .bind(text(&self.process))
        .bind(self.caller.as_deref().map(text))
        .bind(state.name())
        .bind(attempt)
        .bind(time::to_millis(self.enqueued_at))
        .bind(self.not_before.map(time::to_millis))
        .bind(i64::from(self.keeps_result))
        .bind(lease.map(|lease| lease.node.as_str()))
        .bind(lease.map(|lease| time::to_millis(lease.until)))
        .bind(self.request.as_slice())
        .execute(&mut *on)
        .await
        .map_err(cannot("accept an execution"))?;
        if inserted.rows_affected() == 0 {
            return Err(Stop::Refused(refusal::already_queued(self.id)));
        }
        if let Some(answer) = &self.answer
            && !answer.keep(&mut *on).await?
        {
            // As if it had never been: a refusal leaves nothing behind.
            sqlx::query("DELETE FROM queue WHERE id = $1")
                .bind(self.id.to_bytes().as_slice())
                .execute(on)
                .await
                .map_err(cannot("refuse an execution"))?;
            return Err(Stop::Refused(refusal::not_claimed(self.id)));
        }
        Ok(())
    }
}

struct Begin {
    id: ExecutionId,
    lease: Lease,
}

impl Change for Begin {
    type Output = u32;

    async fn apply(&mut self, on: &mut Connection) -> Result<u32, Stop> {
        let attempt: Option<i64> = sqlx::query_scalar(
            "UPDATE queue
             SET state = 'running', attempt = attempt + 1, not_before = NULL, lease_node = $2, lease_until = $3
             WHERE id = $1 AND (state = 'queued' OR (state = 'running' AND (lease_node = $2 OR coalesce(lease_until, 0) <= $4)))
             RETURNING attempt",
        )
        .bind(self.id.to_bytes().as_slice())
        .bind(&self.lease.node)
        .bind(time::to_millis(self.lease.until))
        .bind(leases_judged_at())
        .fetch_optional(on)
        .await
        .map_err(cannot("begin a queued execution"))?;
        attempt.map(super::unsigned).ok_or_else(|| Stop::Refused(refusal::not_open(self.id)))
    }
}

struct Renew {
    ids: Vec<ExecutionId>,
    lease: Lease,
}

impl Change for Renew {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        for id in &self.ids {
            sqlx::query("UPDATE queue SET lease_until = $3 WHERE id = $1 AND lease_node = $2 AND state = 'running'")
                .bind(id.to_bytes().as_slice())
                .bind(&self.lease.node)
                .bind(time::to_millis(self.lease.until))
                .execute(&mut *on)
                .await
                .map_err(cannot("renew a lease"))?;
        }
        Ok(())
    }
}

struct Done {
    id: ExecutionId,
    result: Option<(Vec<u8>, SystemTime)>,
}

impl Change for Done {
    type Output = ();

    fn weight(&self) -> usize {
        self.result.as_ref().map_or(0, |(result, _)| result.len())
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let id = self.id.to_bytes();
        let ended = match &self.result {
            None => sqlx::query("DELETE FROM queue WHERE id = $1 AND state <> 'done'").bind(id.as_slice()),
            Some((result, until)) => sqlx::query(
                "UPDATE queue
                 SET state = 'done', result = $2, keep_until = $3, request = $4, message = NULL, not_before = NULL,
                     lease_node = NULL, lease_until = NULL
                 WHERE id = $1 AND state <> 'done'",
            )
            .bind(id.as_slice())
            .bind(result.as_slice())
            .bind(time::to_millis(*until))
            .bind(Vec::<u8>::new()),
        };
        ended.execute(on).await.map_err(cannot("end a queued execution"))?;
        Ok(())
    }
}

pub(super) struct Failed {
    pub(super) id: ExecutionId,
    pub(super) message: String,
    pub(super) result: Option<Vec<u8>>,
}

impl Change for Failed {
    type Output = ();

    fn weight(&self) -> usize {
        self.result.as_ref().map_or(0, Vec::len)
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let changed = sqlx::query(
            "UPDATE queue
             SET state = 'failed', message = $2, result = $3, not_before = NULL, lease_node = NULL, lease_until = NULL
             WHERE id = $1 AND state IN ('queued', 'running')",
        )
        .bind(self.id.to_bytes().as_slice())
        .bind(text(&self.message))
        .bind(self.result.as_deref())
        .execute(on)
        .await
        .map_err(cannot("note a failed execution"))?;
        if changed.rows_affected() == 0 { Err(Stop::Refused(refusal::not_open(self.id))) } else { Ok(()) }
    }
}

struct RetryAt {
    id: ExecutionId,
    at: SystemTime,
    message: String,
    counted: bool,
}

impl Change for RetryAt {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let changed = sqlx::query(
            "UPDATE queue
             SET state = 'queued', not_before = $2, message = $3, lease_node = NULL, lease_until = NULL,
                 attempt = CASE WHEN $4 = 1 OR attempt = 0 THEN attempt ELSE attempt - 1 END
             WHERE id = $1 AND state IN ('queued', 'running')",
        )
        .bind(self.id.to_bytes().as_slice())
        .bind(time::to_millis(self.at))
        .bind(text(&self.message))
        .bind(i64::from(self.counted))
        .execute(on)
        .await
        .map_err(cannot("put back an execution"))?;
        if changed.rows_affected() == 0 { Err(Stop::Refused(refusal::not_open(self.id))) } else { Ok(()) }
    }
}

/// What becomes of a dead letter.
struct DeadLetter {
    id: ExecutionId,
    statement: &'static str,
    by: By,
}

impl Change for DeadLetter {
    type Output = bool;

    async fn apply(&mut self, on: &mut Connection) -> Result<bool, Stop> {
        let changed = sqlx::query(self.statement)
            .bind(self.id.to_bytes().as_slice())
            .execute(&mut *on)
            .await
            .map_err(cannot("change a dead letter"))?;
        let there_was = changed.rows_affected() > 0;
        if there_was {
            note(&self.by, on).await?;
        }
        Ok(there_was)
    }
}

/// One step of the clean-up; whether there is more.
struct Expire(SystemTime);

impl Change for Expire {
    type Output = bool;

    async fn apply(&mut self, on: &mut Connection) -> Result<bool, Stop> {
        let mut more = false;
        for statement in [
            "DELETE FROM queue WHERE id IN (SELECT id FROM queue WHERE keep_until <= $1 LIMIT $2)",
            "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE keep_until <= $1 LIMIT $2)",
            "DELETE FROM page WHERE key IN (SELECT key FROM page WHERE keep_until <= $1 LIMIT $2)",
        ] {
            let deleted = sqlx::query(statement)
                .bind(time::to_millis(self.0))
                .bind(super::signed(CLEANED_ROWS as u64))
                .execute(&mut *on)
                .await
                .map_err(cannot("delete what has passed its time"))?;
            more |= deleted.rows_affected() >= CLEANED_ROWS as u64;
        }
        Ok(more)
    }
}

impl Queue for ThisStore {
    fn enqueue(
        &self,
        queued: QueuedExecution,
        reception: Reception,
        answered: Option<(IdempotencyKey, KeptAnswer, SystemTime)>,
    ) -> Answer<'_, ()> {
        Box::pin(async move {
            let QueuedExecution { environment, user: caller, enqueued_at, not_before, keeps_result, execution } =
                queued;
            let id = execution.id;
            let keep = |(key, answer, until)| -> Result<KeepAnswer, StoreError> {
                Ok(KeepAnswer { key: idempotency::hash(&key), id, answer: codec::encode_answer(answer)?, until })
            };
            let answer = answered.map(keep).transpose()?;
            let process = execution.process.to_string();
            let request = codec::encode(execution)?;
            let change = Enqueue {
                id,
                environment,
                process,
                caller,
                enqueued_at,
                not_before,
                keeps_result,
                reception,
                request,
                answer,
            };
            self.main.writer.write(change).await
        })
    }

    fn pending<'a>(
        &'a self,
        environment: &'a str,
        node: &'a str,
        after: Option<ExecutionId>,
        limit: u32,
        without: &'a [String],
    ) -> Answer<'a, Vec<QueuedExecution>> {
        Box::pin(queue_read::pending(&self.main, environment, node, after, limit, without))
    }

    fn begin(&self, id: ExecutionId, lease: Lease) -> Answer<'_, u32> {
        Box::pin(self.main.writer.write(Begin { id, lease }))
    }

    fn renew<'a>(&'a self, ids: &'a [ExecutionId], lease: Lease) -> Answer<'a, ()> {
        Box::pin(async move {
            // A lease that nobody else could see is not worth a sync.
            if ids.is_empty() || !dialect::SHARED {
                return Ok(());
            }
            let mut ids = ids.to_vec();
            // Always in one order: two who change the same rows never wait for each other.
            ids.sort_unstable();
            self.main.writer.write(Renew { ids, lease }).await
        })
    }

    fn done(&self, id: ExecutionId, result: Option<(KeptAnswer, SystemTime)>) -> Answer<'_, ()> {
        Box::pin(async move {
            let encoded = |(result, until)| codec::encode_answer(result).map(|result| (result, until));
            let result = result.map(encoded).transpose()?;
            self.main.writer.write(Done { id, result }).await
        })
    }

    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str, result: Option<KeptAnswer>) -> Answer<'a, ()> {
        Box::pin(async move {
            let result = result.map(codec::encode_answer).transpose()?;
            self.main.writer.write(Failed { id, message: message.to_owned(), result }).await
        })
    }

    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str, counted: bool) -> Answer<'a, ()> {
        Box::pin(self.main.writer.write(RetryAt { id, at, message: message.to_owned(), counted }))
    }

    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>> {
        Box::pin(queue_read::status(&self.main, id))
    }

    fn entries<'a>(
        &'a self,
        environment: &'a str,
        state: Option<QueueState>,
        after: Option<ExecutionId>,
        limit: u32,
    ) -> Answer<'a, Vec<QueueEntry>> {
        Box::pin(queue_read::entries(&self.main, environment, state, after, limit))
    }

    fn depths(&self) -> Answer<'_, [u64; 4]> {
        Box::pin(queue_read::depths(&self.main))
    }

    fn resend(&self, id: ExecutionId, by: By) -> Answer<'_, bool> {
        let statement = "UPDATE queue SET state = 'queued', attempt = 0, not_before = NULL, result = NULL
                         WHERE id = $1 AND state = 'failed'";
        Box::pin(self.main.writer.write(DeadLetter { id, statement, by }))
    }

    fn discard(&self, id: ExecutionId, by: By) -> Answer<'_, bool> {
        let statement = "DELETE FROM queue WHERE id = $1 AND state = 'failed'";
        Box::pin(self.main.writer.write(DeadLetter { id, statement, by }))
    }

    fn expire(&self, now: SystemTime) -> Answer<'_, ()> {
        Box::pin(async move {
            while self.main.writer.write(Expire(now)).await? {}
            Ok(())
        })
    }
}
