//! What is read of the durable queue.
//!
//! `pending` has to stay cheap however long the queue is and whichever processes are left out of it: it looks up which
//! processes have something to do by a few steps in an index, and reads only the first entries of those that are asked for.

use auricle_model::ExecutionId;
use sqlx::QueryBuilder;

use super::queue::{Failed, leases_judged_at};
use super::{Database, Engine, StoreError, cannot, text, unsigned};
use crate::{KeptAnswer, QueueEntry, QueueState, QueueStatus, QueuedExecution, codec, time};

const READ: &str = "read its queue";

/// The names of processes with open entries: each found from the one before by one step in `queue_open`.
const PROCESSES: &str = "WITH RECURSIVE found (process) AS (
         SELECT min(process) FROM queue WHERE environment = $1 AND state IN ('queued', 'running')
         UNION ALL
         SELECT (SELECT min(process) FROM queue
                 WHERE environment = $1 AND state IN ('queued', 'running') AND process > found.process)
         FROM found WHERE found.process IS NOT NULL)
     SELECT process FROM found WHERE process IS NOT NULL";

const OF_PROCESS: &str = "SELECT id FROM queue
     WHERE environment = $1 AND process = $2 AND state IN ('queued', 'running') AND id > $3
           AND (state = 'queued' OR lease_node = $4 OR coalesce(lease_until, 0) <= $5)
     ORDER BY id LIMIT $6";

fn id(bytes: Vec<u8>) -> Result<ExecutionId, StoreError> {
    let unreadable =
        |_| StoreError::corrupt("an entry of the durable queue has no readable id; restore it from a backup");
    bytes.try_into().map(ExecutionId::from_bytes).map_err(unreadable)
}

fn answer(bytes: Option<Vec<u8>>) -> Result<Option<KeptAnswer>, StoreError> {
    bytes.map(|bytes| codec::decode_answer(bytes.into())).transpose()
}

fn state(name: &str) -> Result<QueueState, StoreError> {
    QueueState::ALL
        .into_iter()
        .find(|state| state.name() == name)
        .ok_or_else(|| StoreError::corrupt(format!("an entry of the durable queue has the unknown state `{name}`")))
}

/// What an id is compared with so that all follow, or those after one.
fn after_bytes(after: Option<ExecutionId>) -> Vec<u8> {
    after.map(|id| id.to_bytes().to_vec()).unwrap_or_default()
}

pub(super) async fn pending(
    on: &Database,
    environment: &str,
    node: &str,
    after: Option<ExecutionId>,
    limit: u32,
    without: &[String],
) -> Result<Vec<QueuedExecution>, StoreError> {
    let mut after = after_bytes(after);
    let mut found = Vec::new();
    // Once, unless entries can't be read or are gone at once: an answer is empty only where nothing follows.
    while found.is_empty() && limit > 0 {
        let ids = first_ids(on, environment, node, &after, limit, without).await?;
        let Some(last) = ids.last() else { break };
        after.clone_from(last);
        found = load(on, &ids).await?;
    }
    Ok(found)
}

/// The oldest open entries after an id.
async fn first_ids(
    on: &Database,
    environment: &str,
    node: &str,
    after: &[u8],
    limit: u32,
    without: &[String],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut processes: Vec<String> =
        sqlx::query_scalar(PROCESSES).bind(text(environment)).fetch_all(&on.readers).await.map_err(cannot(READ))?;
    processes.retain(|process| !without.contains(process));
    let mut ids = Vec::new();
    for process in &processes {
        let some: Vec<Vec<u8>> = sqlx::query_scalar(OF_PROCESS)
            .bind(text(environment))
            .bind(process)
            .bind(after)
            .bind(node)
            .bind(leases_judged_at())
            .bind(i64::from(limit))
            .fetch_all(&on.readers)
            .await
            .map_err(cannot(READ))?;
        ids.extend(some);
    }
    ids.sort_unstable();
    ids.truncate(limit as usize);
    Ok(ids)
}

/// The entries themselves. One that can't be read is put to failed and left out: the others must run.
async fn load(on: &Database, ids: &[Vec<u8>]) -> Result<Vec<QueuedExecution>, StoreError> {
    let mut query = QueryBuilder::<Engine>::new(
        "SELECT id, environment, caller, attempt, enqueued_at, not_before, keeps_result, request FROM queue WHERE id IN (",
    );
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.as_slice());
    }
    query.push(") AND state IN ('queued', 'running') ORDER BY id");
    let rows: Vec<EntryRow> = query.build_query_as().fetch_all(&on.readers).await.map_err(cannot(READ))?;
    let mut found = Vec::with_capacity(rows.len());
    for (bytes, environment, user, attempt, enqueued_at, not_before, keeps_result, request) in rows {
        let id = id(bytes)?;
        match codec::decode(id, unsigned(attempt), request.into()) {
            Ok(execution) => found.push(QueuedExecution {
                environment,
                user,
                enqueued_at: time::from_millis(enqueued_at),
                not_before: not_before.map(time::from_millis),
                keeps_result: keeps_result != 0,
                execution,
            }),
            Err(why) => {
                let message = format!("its entry in the durable queue can't be read: {why}");
                tracing::error!(%id, message, "a queued execution is lost");
                match on.writer.write(Failed { id, message, result: None }).await {
                    Err(error) if error.kind() != crate::StoreErrorKind::Conflict => return Err(error),
                    _ => {}
                }
            }
        }
    }
    Ok(found)
}

type EntryRow = (Vec<u8>, String, Option<String>, i64, i64, Option<i64>, i64, Vec<u8>);

pub(super) async fn status(on: &Database, id: ExecutionId) -> Result<Option<QueueStatus>, StoreError> {
    type StatusRow = (String, Option<String>, String, i64, Option<String>, Option<Vec<u8>>);
    let row: Option<StatusRow> =
        sqlx::query_as("SELECT environment, caller, state, attempt, message, result FROM queue WHERE id = $1")
            .bind(id.to_bytes().as_slice())
            .fetch_optional(&on.readers)
            .await
            .map_err(cannot(READ))?;
    row.map(|(environment, user, named, attempt, message, result)| {
        let (state, result) = (state(&named)?, answer(result)?);
        Ok(QueueStatus { environment, user, state, attempt: unsigned(attempt), message, result })
    })
    .transpose()
}

pub(super) async fn entries(
    on: &Database,
    environment: &str,
    of: Option<QueueState>,
    after: Option<ExecutionId>,
    limit: u32,
) -> Result<Vec<QueueEntry>, StoreError> {
    type ListRow = (Vec<u8>, String, String, Option<String>, String, i64, i64, Option<i64>, Option<String>, i64);
    let mut query = QueryBuilder::<Engine>::new(
        "SELECT id, process, environment, caller, state, attempt, enqueued_at, not_before, message,
                CAST(octet_length(request) + coalesce(octet_length(result), 0) AS BIGINT)
         FROM queue WHERE environment = ",
    );
    query.push_bind(text(environment)).push(" AND id > ").push_bind(after_bytes(after));
    if let Some(of) = of {
        query.push(" AND state = ").push_bind(of.name());
    }
    query.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<ListRow> = query.build_query_as().fetch_all(&on.readers).await.map_err(cannot(READ))?;
    let entry =
        |(bytes, process, environment, user, named, attempt, enqueued_at, not_before, message, size): ListRow| {
            Ok(QueueEntry {
                id: id(bytes)?,
                process,
                environment,
                user,
                state: state(&named)?,
                attempt: unsigned(attempt),
                enqueued_at: time::from_millis(enqueued_at),
                not_before: not_before.map(time::from_millis),
                message,
                bytes: unsigned(size),
            })
        };
    rows.into_iter().map(entry).collect()
}

pub(super) async fn depths(on: &Database) -> Result<[u64; 4], StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT state, CAST(count(*) AS BIGINT) FROM queue GROUP BY state")
        .fetch_all(&on.readers)
        .await
        .map_err(cannot(READ))?;
    Ok(QueueState::ALL
        .map(|state| rows.iter().find(|(named, _)| named == state.name()).map_or(0, |(_, count)| unsigned(*count))))
}
