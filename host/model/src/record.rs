//! What is kept of an execution: a line to find it by, and all that is known of it.
//!
//! Plain values; [`ExecutionRecord`] is what `auricle executions show` prints as JSON, so its fields are a promise.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::operation::named;
use crate::{ExecutionId, FailureKind, LogLine, Mode, Operation, Properties, Protocol, Tape};

named! {
    /// How much of an execution was kept.
    RecordKind {
        /// Everything, documents included.
        Whole = "whole",
        /// Only its [`RecordSummary`] and its failure: the writer had fallen behind.
        Summary = "summary",
    }
}

/// What executions are listed and found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordSummary {
    /// Its id: `X-Execution-Id`.
    pub id: ExecutionId,
    /// Where it ran.
    pub environment: String,
    /// The version of the deployment that it ran in; 0 for none.
    pub version: u32,
    /// The process.
    pub process: String,
    /// The API whose route was taken.
    pub api: Option<String>,
    /// The route, as `GET /ws/rest/crm/Account/{Id}`.
    pub route: Option<String>,
    /// How it was called.
    pub protocol: Protocol,
    /// The mode it ran in.
    pub mode: Mode,
    /// 1, and more for a queued execution that was run again.
    pub attempt: u32,
    /// Whether its caller asked to debug.
    pub debug: bool,
    /// When it was asked for, in milliseconds since 1970.
    #[serde(with = "millis")]
    pub began_at: SystemTime,
    /// The authenticated caller.
    pub user: Option<String>,
    /// HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// In what way it failed, or none.
    pub failure: Option<FailureKind>,
    /// Time that it waited for its turn and an instance, in microseconds.
    pub waited_us: u64,
    /// Time that it ran, in microseconds.
    pub ran_us: u64,
    /// How much was kept.
    pub kind: RecordKind,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
}

/// All that is kept of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExecutionRecord {
    /// What it is found by.
    #[serde(flatten)]
    pub summary: RecordSummary,
    /// What the process or the host said of the failure.
    pub message: Option<String>,
    /// The operation as the route had it.
    pub operation: Operation,
    /// Digest of the process's package.
    pub package: Option<String>,
    /// The caller's address.
    pub client: Option<String>,
    /// Process properties as they were at the start.
    pub properties: Properties,
    /// Documents that went in.
    pub documents_in: Vec<RecordedDocument>,
    /// Documents that came back.
    pub documents_out: Vec<RecordedDocument>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// What the host dropped or ignored of the answer.
    pub notes: Vec<String>,
    /// Times of its phases.
    pub phases: Phases,
    /// Time that it computed, in microseconds.
    pub cpu_us: u64,
    /// Most linear memory that its instance has had, in bytes.
    pub memory: u64,
    /// How often its instance had been used, this time included.
    pub uses: u64,
    /// How old its instance was at the end, in microseconds.
    pub instance_age_us: u64,
    /// What a debug run saw of the outside: what makes it repeatable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tape: Option<Tape>,
}

/// A document as recorded: whole, or its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecordedDocument {
    /// Bytes that it had.
    pub size: u64,
    /// Its data, where that is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its data, where that is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Whether what is shown is not what it was: cut, or redacted in part. Such an execution cannot be replayed exactly.
    #[serde(default)]
    pub altered: bool,
    /// Its document properties.
    pub properties: Properties,
}

/// How long each step took, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Phases {
    /// From the request's head to its last byte.
    pub read_us: u64,
    /// Its body made into documents.
    pub inbound_us: u64,
    /// Waiting for a turn and an instance.
    pub waited_us: u64,
    /// Making the instance, where there was none.
    pub instantiated_us: u64,
    /// Running.
    pub ran_us: u64,
    /// Documents made into the response.
    pub outbound_us: u64,
}

/// What happened to one process in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MinuteCount {
    /// Where.
    pub environment: String,
    /// The process.
    pub process: String,
    /// Minutes since 1970.
    pub minute: u64,
    /// Executions that ended.
    pub executions: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Time that they ran, together, in microseconds.
    pub ran_us: u64,
    /// The longest of them.
    pub longest_us: u64,
    /// How many ran at most [`MinuteCount::BOUNDS_US`] microseconds and longer than the bound before; the last: longer than all.
    pub buckets: [u64; MinuteCount::BOUNDS_US.len() + 1],
}

impl MinuteCount {
    /// Upper bounds of the buckets, in microseconds.
    pub const BOUNDS_US: [u64; 11] =
        [100, 250, 1_000, 2_500, 10_000, 25_000, 100_000, 250_000, 1_000_000, 10_000_000, 60_000_000];

    /// Adds another count of the same minute.
    pub fn add(&mut self, other: &Self) {
        self.executions += other.executions;
        self.failures += other.failures;
        self.ran_us += other.ran_us;
        self.longest_us = self.longest_us.max(other.longest_us);
        self.buckets.iter_mut().zip(other.buckets).for_each(|(bucket, more)| *bucket += more);
    }
}

mod millis {
    use std::time::{Duration, SystemTime};

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
        let since = value.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        to.serialize_u64(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        u64::deserialize(from).map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }
}
