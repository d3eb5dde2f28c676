//! Records, replays and usage on the wire.

use std::collections::BTreeMap;

use auricle_model::{ExecutionId, ExecutionRecord, FailureKind, Mode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::shapes::{FailureName, IdText, ModeName};

/// A replay of one execution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Replay {
    /// In this version of the record's environment. None: the one that it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where the record has no tape: with the clocks, databases and servers of now.
    #[serde(default)]
    pub live: bool,
}

/// A replay of many executions, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReplayMany {
    /// Of this environment. None: the one that the host serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Begun at this time or later.
    pub since: u64,
    /// Begun before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Of this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// In this version. None: the one that each ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Where a record has no tape: with the clocks, databases and servers of now.
    #[serde(default)]
    pub live: bool,
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Replayed {
    /// The execution that was run again.
    #[schemars(with = "IdText")]
    pub id: ExecutionId,
    /// The version that it was run in.
    pub version: u32,
    /// Whether it came to the same.
    pub same: bool,
    /// Where not, what is different.
    pub differences: Vec<Difference>,
    /// Why it was not run again, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// What the replay did, as a record. A replay of many leaves it out where nothing is different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, Value>>")]
    pub record: Option<Box<ExecutionRecord>>,
}

/// One difference between an execution and its replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// `status`, `failure`, `documents`, `document[0]`, `document[0].properties`, `log`.
    pub what: String,
    /// As it was.
    pub before: Value,
    /// As it is now.
    pub after: Value,
}

/// A line of a replay of many: one for each execution, then the total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ReplayLine {
    /// The last line.
    Total {
        /// What all came to.
        total: ReplayTotal,
    },
    /// An execution.
    One(Replayed),
}

/// What a replay of many came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReplayTotal {
    /// Run again, with the same result.
    pub same: u64,
    /// Run again, with another result.
    pub different: u64,
    /// Not run again.
    pub skipped: u64,
}

/// Which records are listed, replayed or followed: the query of `executions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExecutionQuery {
    /// Of this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Of this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// Failed (`true`), or not (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<bool>,
    /// Failed in this way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<FailureName>")]
    pub failure: Option<FailureKind>,
    /// Answered with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Run in this mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ModeName>")]
    pub mode: Option<Mode>,
    /// Run in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Of this caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Begun at this time or later, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Begun before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Ran at least so long, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longer_ms: Option<u64>,
    /// Below this one, newest first: the last of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IdText>")]
    pub before: Option<ExecutionId>,
    /// Above this one, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IdText>")]
    pub after: Option<ExecutionId>,
    /// At most so many. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}

/// The query of `usage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct UsageQuery {
    /// Of this environment. None: the one that the host serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Of this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// From the minute of this time on, in milliseconds since 1970. Default: an hour ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// To the minute before this time. Default: now, with the minute that goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}
