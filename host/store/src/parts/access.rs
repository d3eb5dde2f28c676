//! Who may change what: tokens with roles, and the log of every change.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::Answer;

/// What a token allows. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks: deployments, records, queue, usage.
    Viewer,
    /// Keeps running: dead letters, replay, rollback, the end of a canary.
    Operator,
    /// Publishes: packages, deployments, undeployment.
    Publisher,
    /// Everything: tokens, the audit log, backup and restore.
    Admin,
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: write viewer, operator, publisher or admin")]
pub struct UnknownRole(String);

impl Role {
    /// Every role with its name, the weakest first.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Viewer, "viewer"),
        (Self::Operator, "operator"),
        (Self::Publisher, "publisher"),
        (Self::Admin, "admin"),
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(role, _)| role == self).map_or("", |(_, name)| name);
        f.pad(name)
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| *role).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A token of the admin API. The token itself is never kept, only its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Names it for people and in the audit log; unique.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it was made, to the millisecond.
    pub made_at: SystemTime,
    /// When it stops to hold, to the millisecond.
    pub expires_at: Option<SystemTime>,
}

/// Who makes a change and how the audit log tells it: kept in the transaction of the change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// Name of the token, or what of the host itself. None: an embedder.
    pub who: Option<String>,
    /// What was asked for, as `rollback`.
    pub action: &'static str,
    /// To what, as `default`.
    pub target: String,
    /// What else there is to say, as `to version 3`.
    pub detail: String,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuditEntry {
    /// Counts up.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub who: Option<String>,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else there is to say.
    pub detail: String,
}

/// Keeps tokens and the audit log.
pub trait Access: Send + Sync + 'static {
    /// Keeps a new token. A name that is taken is a conflict.
    fn put_token(&self, token: Token, by: By) -> Answer<'_, ()>;

    /// Takes a token away; whether there was one.
    fn delete_token<'a>(&'a self, name: &'a str, by: By) -> Answer<'a, bool>;

    /// Every token, by name.
    fn tokens(&self) -> Answer<'_, Vec<Token>>;

    /// The token with this hash.
    fn token(&self, hash: [u8; 32]) -> Answer<'_, Option<Token>>;

    /// Notes a change that this store has no other part in.
    fn note(&self, by: By) -> Answer<'_, ()>;

    /// What was changed, newest first, below a number, at most `limit`.
    fn audit(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<AuditEntry>>;
}
