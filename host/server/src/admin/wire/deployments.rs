//! Packages, environments, versions and what changes them, on the wire.

use std::collections::BTreeMap;

use auricle_model::Deployment;
use auricle_store::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::shapes::DigestText;
use super::KeyedMessage;

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PackageInfo {
    /// SHA-256 of its bytes.
    #[schemars(with = "DigestText")]
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// The trusted key that signed it.
    pub signed_by: Option<String>,
}

/// Which requests a canary gets. At least one of the two is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CanaryShare {
    /// The share of requests, from 0 to 1, to a ten-thousandth.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
    /// Those that have this header, written `Name: value`; the value is compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// The canary of an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CanaryInfo {
    /// Its version.
    pub version: u32,
    /// The share of requests that it gets, from 0 to 1.
    pub share: f64,
    /// The header that brings a request to it, as `Name: value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}

/// What an environment serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct EnvironmentInfo {
    /// Its name.
    pub name: String,
    /// One more with every change.
    pub revision: u64,
    /// The active version. None: nothing is deployed.
    pub active: Option<u32>,
    /// The version beside it.
    pub canary: Option<CanaryInfo>,
    /// Since when.
    pub since: Option<u64>,
    /// The newest version, served or not; 0 for none.
    pub newest: u32,
}

/// A version, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VersionInfo {
    /// Counts from 1 in each environment.
    pub version: u32,
    /// When it was deployed.
    pub deployed_at: u64,
    /// Who deployed it.
    pub deployed_by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// The manifest that it came from.
    pub source: Option<String>,
    /// How many processes it holds.
    pub processes: u32,
    /// How many APIs it holds.
    pub apis: u32,
    /// Whether it is the active one.
    pub active: bool,
    /// Whether it is the canary.
    pub canary: bool,
}

/// A version with what it declares. Passwords in URLs and secret values of `env` are shown as `***`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VersionDetail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub info: VersionInfo,
    /// The package of each process.
    #[schemars(with = "BTreeMap<String, DigestText>")]
    pub packages: BTreeMap<String, Digest>,
    /// Processes, APIs, connections and profiles. Of files that were taken in, the digest of their text.
    #[schemars(with = "BTreeMap<String, Value>")]
    pub deployment: Value,
}

/// What is different between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Diff {
    /// The one.
    pub from: u32,
    /// The other.
    pub to: u32,
    /// In the order of their paths.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Where: `process[account-get].limits.timeout`.
    pub path: String,
    /// In what way.
    pub kind: ChangeKind,
    /// What was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// In what way something is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another one.
    Changed,
}

/// A version to be deployed. Its packages have to be put before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewVersion {
    /// What is declared, as `Manifest::deployment` is written in JSON.
    #[schemars(with = "BTreeMap<String, Value>")]
    pub deployment: Deployment,
    /// The package of each process.
    #[schemars(with = "BTreeMap<String, DigestText>")]
    pub packages: BTreeMap<String, Digest>,
    /// The manifest that it comes from, as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What that manifest and its packages were: where the version that is active has the same, none is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// For people: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// At first only for some requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryShare>,
    /// Do all but the last step: nothing changes.
    #[serde(default)]
    pub only_check: bool,
}

/// What a change of an environment came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Served {
    /// The environment.
    pub environment: String,
    /// The version that it is about: deployed, rolled back to, promoted; none where nothing is deployed now, or where it
    /// was only checked.
    pub version: Option<u32>,
    /// The revision of the environment after it.
    pub revision: u64,
    /// Whether a version was made.
    pub new: bool,
    /// What may be meant so: grants that are missing, routes that no request reaches.
    #[serde(default)]
    pub warnings: Vec<KeyedMessage>,
}

/// A rollback.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollback {
    /// To this version. None: where there is a canary, that ends; else the version that was active before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// For people: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A promotion of the canary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Promotion {
    /// For people: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Another package for one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PackageChange {
    /// The package, which has to be put before.
    #[schemars(with = "DigestText")]
    pub digest: Digest,
    /// Only in this environment. None: in every one whose active version has the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// For people: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// At first only for some requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryShare>,
}

/// The query of `diff`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DiffQuery {
    /// The one. Default: the version before `to`, or before the active one that which was active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    /// The other. Default: the active version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
}

/// The query of an undeployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NoteQuery {
    /// For people: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
