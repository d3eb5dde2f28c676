//! Tokens on the wire.

use auricle_store::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::shapes::RoleName;

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TokenInfo {
    /// Its name.
    pub name: String,
    /// What it allows.
    #[schemars(with = "RoleName")]
    pub role: Role,
    /// When it was made.
    pub made_at: u64,
    /// When it stops to hold. None: never.
    pub expires_at: Option<u64>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewToken {
    /// Its name, unique: 1 to 64 letters, digits, `.`, `_`, `-` or `@`.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._@-]{1,64}$"))]
    pub name: String,
    /// What it allows.
    #[schemars(with = "RoleName")]
    pub role: Role,
    /// How long it holds. None: until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_153_600_000_u64))]
    pub expires_in_seconds: Option<u64>,
}

/// A token that was made. Its secret is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MadeToken {
    /// What to send as `Authorization: Bearer`.
    pub token: String,
    /// What is known of it from now on.
    #[serde(flatten)]
    pub info: TokenInfo,
}
