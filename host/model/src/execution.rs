//! One run of a listener process: what goes in, what comes out, and whose fault it was.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::fmt::Hyphenated;
use uuid::timestamp::context::{ContextV7, ThreadLocalContext};
use uuid::{Timestamp, Uuid};

use crate::operation::named;
use crate::{Document, Operation, Properties, Tape, Taping, TraceContext};

/// Names one execution; also sent as `X-Execution-Id`. Ids sort by the time they were made, to the millisecond, and those
/// of one thread exactly (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(Uuid);

impl ExecutionId {
    /// A new id.
    #[expect(clippy::new_without_default, reason = "each call gives another value")]
    pub fn new() -> Self {
        thread_local! {
            /// Orders the ids of one millisecond; those of other threads are not waited for.
            static ORDER: ContextV7 = const { ContextV7::new() };
        }
        Self(Uuid::new_v7(Timestamp::now(ThreadLocalContext::new(&ORDER))))
    }

    /// Bytes of an id as text.
    pub const LENGTH: usize = Hyphenated::LENGTH;

    /// Writes what [`fmt::Display`] writes, without an allocation.
    pub fn encode(self, buffer: &mut [u8; Self::LENGTH]) -> &str {
        self.0.as_hyphenated().encode_lower(buffer)
    }

    pub(crate) const fn as_u64_pair(self) -> (u64, u64) {
        self.0.as_u64_pair()
    }

    /// When it was made, to the millisecond. None for an id that was made elsewhere and says nothing of it.
    pub fn made_at(self) -> Option<SystemTime> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))
    }

    /// Its 16 bytes, which sort as ids do.
    pub const fn to_bytes(self) -> [u8; 16] {
        *self.0.as_bytes()
    }

    /// The inverse of [`ExecutionId::to_bytes`].
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

named! {
    /// How a process is run.
    Mode {
        /// A fresh instance for every execution.
        General = "general",
        /// A pool of warm instances, each used by one execution at a time.
        LowLatency = "low-latency",
    }
}

named! {
    /// How an execution was called.
    Protocol {
        /// REST, by a route of an API.
        Rest = "rest",
        /// Simple HTTP, by operation name.
        Simple = "simple",
        /// SOAP.
        Soap = "soap",
        /// OData.
        Odata = "odata",
        /// As a sub-process of another one.
        Process = "process",
        /// By `auricle invoke` or an embedder.
        Invoke = "invoke",
    }
}

/// A process to be run, with everything it can see of its request.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Its id.
    pub id: ExecutionId,
    /// Name of the process.
    pub process: Arc<str>,
    /// The operation as the route that was taken has it.
    pub operation: Arc<Operation>,
    /// How it was called.
    pub protocol: Protocol,
    /// Overrides the process's own mode: a debug request, or a sub-process.
    pub mode: Option<Mode>,
    /// 1, and one more each time that a queued request is run again.
    pub attempt: u32,
    /// `inmethod`, `inpath`, `inuser`, `param_*`, `query_*`.
    pub properties: Properties,
    /// What the body was turned into.
    pub documents: Vec<Document>,
    /// The trace that it belongs to, if its caller named one or one was begun.
    pub trace: Option<TraceContext>,
    /// What to do about the outside. Off, unless it is a debug run or a replay.
    pub taping: Taping,
}

impl Execution {
    /// An execution that nothing is known of but the process and its operation: no documents, no properties, attempt 1.
    pub fn new(process: impl Into<Arc<str>>, operation: Arc<Operation>, protocol: Protocol) -> Self {
        Self {
            id: ExecutionId::new(),
            process: process.into(),
            operation,
            protocol,
            mode: None,
            attempt: 1,
            properties: Properties::new(),
            documents: Vec::new(),
            trace: None,
            taping: Taping::Off,
        }
    }
}

named! {
    /// Weight of a log line.
    LogLevel {
        /// Every step.
        Trace = "trace",
        /// For the author.
        Debug = "debug",
        /// For the operator.
        Info = "info",
        /// Something may be wrong.
        Warn = "warn",
        /// Something is wrong.
        Error = "error",
    }
}

/// One line of an execution's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Since the execution began.
    #[serde(rename = "after-us", with = "micros")]
    pub after: Duration,
    /// Its weight.
    pub level: LogLevel,
    /// What was said, without a line end.
    pub message: String,
}

mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}

/// What an execution came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its id.
    pub id: ExecutionId,
    /// The mode it ran in.
    pub mode: Mode,
    /// How often its instance has been used, this time included; 0 when none was reached.
    pub uses: u64,
    /// Time spent waiting for a permit and an instance.
    pub waited: Duration,
    /// Time that a fresh instance took to make, `lifecycle.start` included; zero where there was a warm one.
    pub instantiated: Duration,
    /// Time spent running.
    pub ran: Duration,
    /// How old its instance was at the end.
    pub instance_age: Duration,
    /// Of this the time that it computed, sub-processes included.
    pub cpu: Duration,
    /// Most linear memory that the instance has had, in bytes.
    pub memory: u64,
    /// What it logged, stdout and stderr included, up to the log limit.
    pub log: Vec<LogLine>,
    /// What it saw of the outside, where that was to be noted.
    pub tape: Option<Box<Tape>>,
    /// The documents it returned, or why there are none.
    pub result: Result<Vec<Document>, Failure>,
}

named! {
    /// In what way an execution failed.
    FailureKind {
        /// The process returned a failure.
        Failed = "failed",
        /// The process trapped: a panic, an out-of-bounds access, a stack overflow.
        Trapped = "trapped",
        /// It ran longer than its `timeout`.
        Deadline = "deadline",
        /// It computed longer than its `cpu-timeout`.
        Cpu = "cpu",
        /// It wanted more than its `memory`.
        Memory = "memory",
        /// Too many executions at once, and the queue is full or the wait was too long.
        Saturated = "saturated",
        /// No process has this name.
        Unknown = "unknown-process",
        /// A new instance could not be made, or its `lifecycle.start` failed.
        Start = "start",
        /// It returned more than the host takes, or broke the contract in another way.
        Contract = "contract",
        /// A replay: it asked the outside for something else than its tape has, or for more.
        Diverged = "diverged",
        /// The host itself went wrong.
        Host = "host",
    }
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// The same request will fail again.
    No,
    /// It may succeed at once or a little later.
    Later,
}

/// Why an execution gave no documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// In what way.
    pub kind: FailureKind,
    /// For the record, and for the caller only in debug: it may hold what the guest knows.
    pub message: String,
}

impl Failure {
    /// A failure of a kind, with its message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Whether asking again may help.
    pub const fn retry(&self) -> Retry {
        match self.kind {
            FailureKind::Saturated | FailureKind::Deadline => Retry::Later,
            _ => Retry::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_written_and_sort_by_time() {
        let a = ExecutionId::new();
        let b = ExecutionId::new();
        assert_eq!(ExecutionId::parse(&a.to_string()), Some(a));
        assert!(a < b);
        assert_eq!(ExecutionId::parse("not an id"), None);
    }

    #[test]
    fn an_id_says_when_it_was_made() {
        let made_at = |text: &str| ExecutionId::parse(text).unwrap().made_at();
        let known = SystemTime::UNIX_EPOCH + Duration::from_millis(0x0192_0304_0506);
        assert_eq!(made_at("01920304-0506-7000-8000-0000000000ff"), Some(known));
        assert_eq!(made_at("01920304-0506-4000-8000-0000000000ff"), None, "made by chance");
        // Of other versions, with times out of any range.
        made_at("ffffffff-ffff-1fff-bfff-ffffffffffff");
        made_at("00000000-0000-6000-8000-000000000000");
    }
}
