//! Execution records and the counts of each minute.

use std::time::SystemTime;

use auricle_model::{ExecutionId, ExecutionRecord, FailureKind, MinuteCount, Mode, RecordSummary};

use crate::Answer;

/// Which records are listed. What is none is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this environment.
    pub environment: Option<String>,
    /// Of this process.
    pub process: Option<String>,
    /// Failed (true), or not.
    pub failed: Option<bool>,
    /// Failed in this way.
    pub failure: Option<FailureKind>,
    /// Answered with this status.
    pub status: Option<u16>,
    /// Run in this mode.
    pub mode: Option<Mode>,
    /// Run in this version.
    pub version: Option<u32>,
    /// Of this caller.
    pub user: Option<String>,
    /// Begun at this time or later.
    pub since: Option<SystemTime>,
    /// Begun before this time.
    pub until: Option<SystemTime>,
    /// Ran at least so long, in microseconds.
    pub longer_us: Option<u64>,
    /// Only those before this one in the order of the list: the last of the page before.
    pub before: Option<ExecutionId>,
    /// Only those after this one: for who follows. The list is then oldest first.
    pub after: Option<ExecutionId>,
}

impl RecordFilter {
    /// Whether a record is one of those asked for, wherever it stands in the list: `before` and `after` are not looked at.
    pub fn matches(&self, record: &RecordSummary) -> bool {
        fn among<T: PartialEq>(wanted: Option<T>, found: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == *found)
        }
        among(self.environment.as_deref(), &record.environment.as_str())
            && among(self.process.as_deref(), &record.process.as_str())
            && among(self.failed, &record.failure.is_some())
            && (self.failure.is_none() || self.failure == record.failure)
            && (self.status.is_none() || self.status == record.status)
            && among(self.mode, &record.mode)
            && among(self.version, &record.version)
            && (self.user.is_none() || self.user == record.user)
            && self.since.is_none_or(|since| record.began_at >= since)
            && self.until.is_none_or(|until| record.began_at < until)
            && self.longer_us.is_none_or(|longer| record.ran_us >= longer)
    }
}

/// How much room records take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records.
    pub records: u64,
    /// Bytes of them, as they are kept, with what their rows and indexes take beside (about).
    pub bytes: u64,
}

/// Keeps records. They are written in batches, apart from everything else: they never make a durable write wait long.
pub trait Records: Send + Sync + 'static {
    /// Keeps records, and adds counts to what is there for their minutes. One whose id is there already replaces it when
    /// it has a higher attempt. A loss of power may take the last seconds of it.
    fn put_records(&self, records: Vec<ExecutionRecord>, counts: Vec<MinuteCount>) -> Answer<'_, ()>;

    /// Records newest first (by when they began, then by id), at most `limit`.
    fn records<'a>(&'a self, filter: &'a RecordFilter, limit: u32) -> Answer<'a, Vec<RecordSummary>>;

    /// A record.
    fn record(&self, id: ExecutionId) -> Answer<'_, Option<ExecutionRecord>>;

    /// The counts of an environment's minutes, oldest first, `from` (included) to `to` (excluded), minutes since 1970.
    fn minutes<'a>(
        &'a self,
        environment: &'a str,
        process: Option<&'a str>,
        from: u64,
        to: u64,
    ) -> Answer<'a, Vec<MinuteCount>>;

    /// Deletes records begun before a time, then the oldest until all take at most so many bytes, and counts of minutes
    /// before that time. Some at a time, so that it holds up nobody. Gives what is left.
    fn prune_records(&self, before: SystemTime, max_bytes: u64) -> Answer<'_, Usage>;
}
