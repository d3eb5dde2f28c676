//! What the admin API speaks: the JSON of its requests and answers, used by the host and by the program alike.
//!
//! Keys are kebab-case, times milliseconds since 1970. A body with a key that is not known is refused, so that a slip is
//! no default. Schemas of the OpenAPI document are made of these types.

mod access;
mod deployments;
mod executions;
mod queue;

use auricle_store::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::access::*;
pub use self::deployments::*;
pub use self::executions::*;
pub use self::queue::*;
use super::shapes::RoleName;
pub use auricle_model::{MinuteCount, RecordSummary};
pub use auricle_store::AuditEntry;

/// Where the API begins on the admin address.
pub const BASE: &str = "/_admin/v1";

/// The header with the signature of a package that is put: base64 of an Ed25519 signature over the 32 bytes of the digest.
pub const SIGNATURE: &str = "auricle-signature";

/// An error, as `application/problem+json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What kind of problem; always `about:blank`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the status means.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// What is wrong with a deployment, each with the manifest's key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<KeyedMessage>,
}

/// Something said of a key of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyedMessage {
    /// The key, as `process[account-get].package`; empty for the whole.
    pub key: String,
    /// What is said.
    pub message: String,
}

/// Who asks whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Whoami {
    /// Name of the token.
    pub name: String,
    /// What it allows.
    #[schemars(with = "RoleName")]
    pub role: Role,
    /// Version of the program that answers.
    pub host_version: String,
    /// The environment that it serves.
    pub environment: String,
    /// Its name: another one with each start.
    pub node: String,
    /// `starting`, `ready` or `draining`.
    pub state: String,
}

/// How the host is; told without a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// `starting`, `ready` or `draining`.
    pub status: String,
    /// Version of the program.
    pub version: String,
    /// What keeps it from serving what the store says it should, where something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
}

/// The query of lists of numbered entries, newest first: `audit`, `versions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PageQuery {
    /// Below this number: that of the last of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}
