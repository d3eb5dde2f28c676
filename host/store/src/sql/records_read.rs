//! What is read of records and counts. Lists are walked in the order of an index, from the place where they begin, and end
//! with the last row that is asked for.

use auricle_model::{ExecutionId, ExecutionRecord, MinuteCount, RecordSummary};
use sqlx::{QueryBuilder, Row as _};

use super::{Database, Engine, StoreError, cannot, signed, text, unsigned};
use crate::{RecordFilter, codec, time};

const READ: &str = "read its records";

/// Where a record stands in a list. One that is gone stood where its id says.
async fn place(on: &Database, id: ExecutionId) -> Result<i64, StoreError> {
    let began_at: Option<i64> = sqlx::query_scalar("SELECT began_at FROM record WHERE id = $1")
        .bind(id.to_bytes().as_slice())
        .fetch_optional(&on.readers)
        .await
        .map_err(cannot(READ))?;
    Ok(began_at.unwrap_or_else(|| id.made_at().map_or(0, time::to_millis)))
}

pub(super) async fn records(
    on: &Database,
    filter: &RecordFilter,
    limit: u32,
) -> Result<Vec<RecordSummary>, StoreError> {
    let RecordFilter {
        environment,
        process,
        failed,
        failure,
        status,
        mode,
        version,
        user,
        since,
        until,
        longer_us,
        before,
        after,
    } = filter;
    let mut query = QueryBuilder::<Engine>::new("SELECT summary FROM record WHERE 1 = 1");
    if let Some(environment) = environment {
        query.push(" AND environment = ").push_bind(text(environment));
    }
    if let Some(process) = process {
        query.push(" AND process = ").push_bind(text(process));
    }
    match failed {
        Some(true) => query.push(" AND failure IS NOT NULL"),
        Some(false) => query.push(" AND failure IS NULL"),
        None => &mut query,
    };
    if let Some(kind) = failure {
        query.push(" AND failure = ").push_bind(kind.name());
    }
    if let Some(status) = status {
        query.push(" AND status = ").push_bind(i64::from(*status));
    }
    if let Some(mode) = mode {
        query.push(" AND mode = ").push_bind(mode.name());
    }
    if let Some(version) = version {
        query.push(" AND version = ").push_bind(i64::from(*version));
    }
    if let Some(user) = user {
        query.push(" AND caller = ").push_bind(text(user));
    }
    if let Some(since) = since {
        query.push(" AND began_at >= ").push_bind(time::to_millis(*since));
    }
    if let Some(until) = until {
        query.push(" AND began_at < ").push_bind(time::to_millis(*until));
    }
    if let Some(longer) = longer_us {
        query.push(" AND ran_us >= ").push_bind(signed(*longer));
    }
    for (id, side) in [(before, "<"), (after, ">")] {
        if let Some(id) = id {
            query.push(" AND (began_at, id) ").push(side).push(" (").push_bind(place(on, *id).await?);
            query.push(", ").push_bind(id.to_bytes().to_vec()).push(")");
        }
    }
    query.push(if after.is_some() { " ORDER BY began_at, id" } else { " ORDER BY began_at DESC, id DESC" });
    query.push(" LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<(Vec<u8>,)> = query.build_query_as().fetch_all(&on.readers).await.map_err(cannot(READ))?;
    rows.iter().map(|(summary,)| codec::decode_summary(summary)).collect()
}

pub(super) async fn record(on: &Database, id: ExecutionId) -> Result<Option<ExecutionRecord>, StoreError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT summary, detail FROM record WHERE id = $1")
        .bind(id.to_bytes().as_slice())
        .fetch_optional(&on.readers)
        .await
        .map_err(cannot(READ))?;
    row.map(|(summary, detail)| codec::decode_record(&summary, &detail)).transpose()
}

pub(super) async fn minutes(
    on: &Database,
    environment: &str,
    process: Option<&str>,
    from: u64,
    to: u64,
) -> Result<Vec<MinuteCount>, StoreError> {
    let failed = cannot("read its counts");
    let mut query = QueryBuilder::<Engine>::new(
        "SELECT executions, failures, ran_us, longest_us, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11,
                process, minute
         FROM minute_count WHERE environment = ",
    );
    query.push_bind(text(environment)).push(" AND minute >= ").push_bind(signed(from));
    query.push(" AND minute < ").push_bind(signed(to));
    if let Some(process) = process {
        query.push(" AND process = ").push_bind(text(process));
    }
    query.push(" ORDER BY minute");
    let rows = query.build().fetch_all(&on.readers).await.map_err(&failed)?;
    let mut counts = Vec::with_capacity(rows.len());
    for row in rows {
        let number = |at: usize| row.try_get::<i64, _>(at).map(unsigned).map_err(&failed);
        let mut buckets = [0; MinuteCount::BOUNDS_US.len() + 1];
        for (place, bucket) in (4..).zip(&mut buckets) {
            *bucket = number(place)?;
        }
        counts.push(MinuteCount {
            environment: environment.to_owned(),
            process: row.try_get("process").map_err(&failed)?,
            minute: row.try_get::<i64, _>("minute").map(unsigned).map_err(&failed)?,
            executions: number(0)?,
            failures: number(1)?,
            ran_us: number(2)?,
            longest_us: number(3)?,
            buckets,
        });
    }
    // Not by the database, whose order of names is that of its language.
    counts.sort_by(|a, b| (a.minute, &a.process).cmp(&(b.minute, &b.process)));
    Ok(counts)
}
