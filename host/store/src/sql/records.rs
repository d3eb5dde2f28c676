//! Records and counts are written: many rows a statement, and the total of all kept beside them, so that nobody has to add
//! it up. What is read of them is in `records_read`.

use std::time::SystemTime;

use auricle_model::{ExecutionId, ExecutionRecord, FailureKind, MinuteCount, RecordSummary};
use sqlx::QueryBuilder;

use super::{
    Answer, Change, Connection, Engine, Stop, StoreError, ThisStore, cannot, records_read, signed, text, unsigned,
};
use crate::codec::{self, EncodedRecord};
use crate::limits::{CLEANED_BYTES, CLEANED_ROWS, ENCODED_INLINE, RECORD_ROWS, RECORD_STATEMENT};
use crate::{RecordFilter, Records, Usage, time};

const COLUMNS: [&str; 14] = [
    "id",
    "environment",
    "process",
    "version",
    "mode",
    "attempt",
    "began_at",
    "caller",
    "status",
    "failure",
    "ran_us",
    "bytes",
    "summary",
    "detail",
];

/// Writes rows by one statement; how many of them were not there.
async fn insert(rows: &[&EncodedRecord], on: &mut Connection) -> Result<u64, StoreError> {
    let mut statement = QueryBuilder::<Engine>::new(format!("INSERT INTO record ({}) ", COLUMNS.join(", ")));
    // In the order of the columns.
    statement.push_values(rows, |mut values, record| {
        let EncodedRecord { summary, summary_bytes, detail } = record;
        values
            .push_bind(summary.id.to_bytes().to_vec())
            .push_bind(text(&summary.environment))
            .push_bind(text(&summary.process))
            .push_bind(i64::from(summary.version))
            .push_bind(summary.mode.name())
            .push_bind(i64::from(summary.attempt))
            .push_bind(time::to_millis(summary.began_at))
            .push_bind(summary.user.as_deref().map(text))
            .push_bind(summary.status.map(i64::from))
            .push_bind(summary.failure.map(FailureKind::name))
            .push_bind(signed(summary.ran_us))
            .push_bind(signed(record.bytes()))
            .push_bind(summary_bytes.as_slice())
            .push_bind(detail.as_slice());
    });
    statement.push(" ON CONFLICT (id) DO NOTHING");
    // Only the statement of a full chunk comes again.
    let again = rows.len() == RECORD_ROWS;
    let written = statement.build().persistent(again).execute(on).await.map_err(cannot("write records"))?;
    Ok(written.rows_affected())
}

fn bytes(of: &[&EncodedRecord]) -> u64 {
    of.iter().map(|record| record.bytes()).sum()
}

/// How much a change has added to all records.
#[derive(Default)]
struct Added {
    records: i64,
    bytes: i64,
}

impl Added {
    async fn note(&self, on: &mut Connection) -> Result<(), StoreError> {
        if self.records != 0 || self.bytes != 0 {
            sqlx::query("UPDATE record_total SET records = records + $1, bytes = bytes + $2")
                .bind(self.records)
                .bind(self.bytes)
                .execute(on)
                .await
                .map_err(cannot("count its records"))?;
        }
        Ok(())
    }
}

struct Put {
    records: Vec<EncodedRecord>,
    /// In the order of their keys: hosts that add to the same rows never wait for each other in a circle.
    counts: Vec<MinuteCount>,
}

impl Put {
    /// Writes records of first attempts, which nearly always are new. None: one was there; then some may be written.
    async fn first_attempts(&self, on: &mut Connection) -> Result<Option<Added>, StoreError> {
        let mut added = Added::default();
        let first: Vec<&EncodedRecord> = self.records.iter().filter(|record| record.summary.attempt <= 1).collect();
        let mut rest = first.as_slice();
        while !rest.is_empty() {
            let mut size = 0;
            let fit = rest.iter().take(RECORD_ROWS).take_while(|record| {
                size += record.bytes();
                size <= RECORD_STATEMENT
            });
            let Some((rows, left)) = rest.split_at_checked(fit.count().max(1)) else { break };
            if insert(rows, &mut *on).await? < rows.len() as u64 {
                return Ok(None);
            }
            added.records += signed(rows.len() as u64);
            added.bytes += signed(bytes(rows));
            rest = left;
        }
        Ok(Some(added))
    }

    /// Writes a record in the place of one of an earlier attempt or that began earlier: a dead letter that is sent again
    /// counts its attempts anew.
    async fn replace(record: &EncodedRecord, added: &mut Added, on: &mut Connection) -> Result<(), StoreError> {
        let before: Option<i64> =
            sqlx::query_scalar("DELETE FROM record WHERE id = $1 AND (attempt < $2 OR began_at < $3) RETURNING bytes")
                .bind(record.summary.id.to_bytes().as_slice())
                .bind(i64::from(record.summary.attempt))
                .bind(time::to_millis(record.summary.began_at))
                .fetch_optional(&mut *on)
                .await
                .map_err(cannot("write a record"))?;
        if let Some(bytes) = before {
            added.records -= 1;
            added.bytes -= bytes;
        }
        if insert(&[record], on).await? > 0 {
            added.records += 1;
            added.bytes += signed(record.bytes());
        }
        Ok(())
    }
}

impl Change for Put {
    type Output = ();

    fn weight(&self) -> usize {
        self.records.iter().map(|record| record.summary_bytes.len() + record.detail.len()).sum()
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let failed = cannot("write records");
        let first = self.records.iter().any(|record| record.summary.attempt <= 1);
        let mut one_by_one = false;
        let mut added = Added::default();
        if first {
            sqlx::raw_sql("SAVEPOINT records").execute(&mut *on).await.map_err(&failed)?;
            match self.first_attempts(on).await? {
                Some(all) => added = all,
                None => {
                    sqlx::raw_sql("ROLLBACK TO SAVEPOINT records").execute(&mut *on).await.map_err(&failed)?;
                    one_by_one = true;
                }
            }
            sqlx::raw_sql("RELEASE SAVEPOINT records").execute(&mut *on).await.map_err(&failed)?;
        }
        for record in self.records.iter().filter(|record| one_by_one || record.summary.attempt > 1) {
            Self::replace(record, &mut added, on).await?;
        }
        for one in &self.counts {
            count(one, on).await?;
        }
        added.note(on).await?;
        Ok(())
    }
}

async fn count(count: &MinuteCount, on: &mut Connection) -> Result<(), StoreError> {
    let MinuteCount { environment, process, minute, executions, failures, ran_us, longest_us, buckets } = count;
    let mut query = sqlx::query(
        "INSERT INTO minute_count (minute, environment, process, executions, failures, ran_us, longest_us,
                                   b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
         ON CONFLICT (minute, environment, process) DO UPDATE
         SET executions = minute_count.executions + excluded.executions,
             failures = minute_count.failures + excluded.failures,
             ran_us = minute_count.ran_us + excluded.ran_us,
             longest_us = CASE WHEN excluded.longest_us > minute_count.longest_us THEN excluded.longest_us
                               ELSE minute_count.longest_us END,
             b0 = minute_count.b0 + excluded.b0, b1 = minute_count.b1 + excluded.b1,
             b2 = minute_count.b2 + excluded.b2, b3 = minute_count.b3 + excluded.b3,
             b4 = minute_count.b4 + excluded.b4, b5 = minute_count.b5 + excluded.b5,
             b6 = minute_count.b6 + excluded.b6, b7 = minute_count.b7 + excluded.b7,
             b8 = minute_count.b8 + excluded.b8, b9 = minute_count.b9 + excluded.b9,
             b10 = minute_count.b10 + excluded.b10, b11 = minute_count.b11 + excluded.b11",
    )
    .bind(signed(*minute))
    .bind(text(environment))
    .bind(text(process));
    for number in [executions, failures, ran_us, longest_us].into_iter().chain(buckets) {
        query = query.bind(signed(*number));
    }
    query.execute(on).await.map_err(cannot("write counts"))?;
    Ok(())
}

/// One step of the clean-up.
struct Prune {
    before: SystemTime,
    max_bytes: u64,
}

struct Pruned {
    left: Usage,
    more: bool,
}

impl Change for Prune {
    type Output = Pruned;

    async fn apply(&mut self, on: &mut Connection) -> Result<Pruned, Stop> {
        let failed = cannot("delete old records");
        let (records, bytes): (i64, i64) =
            sqlx::query_as("SELECT records, bytes FROM record_total").fetch_one(&mut *on).await.map_err(&failed)?;
        let oldest: Vec<(i64, Vec<u8>, i64)> =
            sqlx::query_as("SELECT began_at, id, bytes FROM record ORDER BY began_at, id LIMIT $1")
                .bind(signed(CLEANED_ROWS as u64))
                .fetch_all(&mut *on)
                .await
                .map_err(&failed)?;
        let before = time::to_millis(self.before);
        let (mut rows, mut going) = (0_usize, 0_i64);
        for (began_at, _, size) in &oldest {
            let wanted = *began_at < before || bytes - going > signed(self.max_bytes);
            if !wanted || going > signed(CLEANED_BYTES) {
                break;
            }
            rows += 1;
            going += size;
        }
        let mut added = Added::default();
        if let Some((began_at, id, _)) = rows.checked_sub(1).and_then(|last| oldest.get(last)) {
            let gone: Vec<i64> =
                sqlx::query_scalar("DELETE FROM record WHERE (began_at, id) <= ($1, $2) RETURNING bytes")
                    .bind(began_at)
                    .bind(id.as_slice())
                    .fetch_all(&mut *on)
                    .await
                    .map_err(&failed)?;
            added = Added { records: -signed(gone.len() as u64), bytes: -gone.iter().sum::<i64>() };
            added.note(&mut *on).await?;
        }
        let counts = sqlx::query(
            "DELETE FROM minute_count WHERE (minute, environment, process) IN
             (SELECT minute, environment, process FROM minute_count WHERE minute < $1 LIMIT $2)",
        )
        .bind(signed(time::minute(self.before)))
        .bind(signed(CLEANED_ROWS as u64))
        .execute(on)
        .await
        .map_err(&failed)?;
        let more =
            rows == CLEANED_ROWS || going > signed(CLEANED_BYTES) || counts.rows_affected() >= CLEANED_ROWS as u64;
        let left = Usage { records: unsigned(records + added.records), bytes: unsigned(bytes + added.bytes) };
        Ok(Pruned { left, more })
    }
}

/// Encodes a batch: at once where it is small, elsewhere where it would hold up other tasks.
async fn encode(records: Vec<ExecutionRecord>) -> Result<Vec<EncodedRecord>, StoreError> {
    fn all(records: Vec<ExecutionRecord>) -> Result<Vec<EncodedRecord>, StoreError> {
        records.into_iter().map(codec::encode_record).collect()
    }
    let size = |record: &ExecutionRecord| {
        let documents = record.documents_in.iter().chain(&record.documents_out);
        let documents: usize = documents.map(|d| d.text.as_ref().or(d.base64.as_ref()).map_or(0, String::len)).sum();
        let tape = record.tape.as_ref().map_or(0, |tape| tape.entries.len() * 256);
        documents + record.log.iter().map(|line| line.message.len()).sum::<usize>() + tape
    };
    if records.iter().map(size).sum::<usize>() < ENCODED_INLINE {
        return all(records);
    }
    tokio::task::spawn_blocking(move || all(records))
        .await
        .map_err(|_| StoreError::unavailable("the host is stopping: records were not written"))?
}

impl Records for ThisStore {
    fn put_records(&self, records: Vec<ExecutionRecord>, mut counts: Vec<MinuteCount>) -> Answer<'_, ()> {
        Box::pin(async move {
            let records = encode(records).await?;
            counts.sort_by(|a, b| (a.minute, &a.environment, &a.process).cmp(&(b.minute, &b.environment, &b.process)));
            self.records.writer.write(Put { records, counts }).await
        })
    }

    fn records<'a>(&'a self, filter: &'a RecordFilter, limit: u32) -> Answer<'a, Vec<RecordSummary>> {
        Box::pin(records_read::records(&self.records, filter, limit))
    }

    fn record(&self, id: ExecutionId) -> Answer<'_, Option<ExecutionRecord>> {
        Box::pin(records_read::record(&self.records, id))
    }

    fn minutes<'a>(
        &'a self,
        environment: &'a str,
        process: Option<&'a str>,
        from: u64,
        to: u64,
    ) -> Answer<'a, Vec<MinuteCount>> {
        Box::pin(records_read::minutes(&self.records, environment, process, from, to))
    }

    fn prune_records(&self, before: SystemTime, max_bytes: u64) -> Answer<'_, Usage> {
        Box::pin(async move {
            loop {
                let Pruned { left, more } = self.records.writer.write(Prune { before, max_bytes }).await?;
                if !more {
                    return Ok(left);
                }
            }
        })
    }
}
