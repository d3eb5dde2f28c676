//! Declarations of listener processes and of what they may reach.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ApiDecl, Messages, Mode, Operation, ProfileDecl};

/// Where the bytes of a package come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageRef {
    /// A file, absolute.
    Path(PathBuf),
    /// An artifact of an OCI registry: `registry/repository:tag` or `...@sha256:...`, as written without `oci://`.
    Oci(String),
}

/// A listener process as declared, defaults filled in and paths absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessDecl {
    /// Unique in its deployment.
    pub name: String,
    /// Its component.
    pub package: PackageRef,
    /// The command that makes the package, run in `build_dir`; used by `build`, `dev` and `demo`.
    pub build: Option<String>,
    /// Folder of the file that declares it.
    pub build_dir: PathBuf,
    /// How it runs. Default general.
    pub mode: Mode,
    /// Its own operation.
    pub operation: Operation,
    /// What an execution may use up.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
    /// How often, and how far apart, a queued execution is tried.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// What it has to answer before a version that holds it becomes active.
    #[serde(default)]
    pub smoke: Option<Smoke>,
    /// The types of its messages.
    #[serde(default)]
    pub messages: Messages,
}

/// How a queued execution (no returned documents, or answered later) is tried again: the manifest's `retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// Runs at most, the first included; then it is a dead letter. From 1. Default 5.
    pub attempts: u32,
    /// Pause after the first run, twice as long after each further one. Default 1 s.
    pub backoff: Duration,
    /// The longest pause. Default 5 min.
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, backoff: Duration::from_secs(1), max_backoff: Duration::from_secs(300) }
    }
}

/// A request that is run when a version is deployed, before it becomes active: the manifest's `smoke`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Smoke {
    /// Process properties.
    pub properties: BTreeMap<String, String>,
    /// The documents, as text. None written: as for a request without body.
    pub documents: Vec<String>,
    /// The status that the answer has to have. None: any below 500.
    pub status: Option<u16>,
}

/// When a version that has just become active, or a canary, is taken back by itself: the manifest's `[deployment]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Share of its executions that may fail, 0 to 1.
    pub max_error_rate: f64,
    /// Time over which that is looked at. Default 1 min.
    pub window: Duration,
    /// With fewer executions in a window nothing is concluded. Default 20.
    pub min_requests: u32,
    /// How long after it became active it is watched. Default 10 min.
    pub watch: Duration,
}

impl Eq for Guard {}

/// What one execution of a process may use up, and how many there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// From the instance's start of work to its result. Default 30 s.
    pub timeout: Duration,
    /// Time that it computes, not what it waits for. None: as `timeout`, which then always comes first.
    pub cpu_timeout: Option<Duration>,
    /// Linear memory of one instance in bytes. Default 128 MiB.
    pub memory: u64,
    /// Executions of this process at one time. Default 32.
    pub max_concurrent: u32,
    /// Warm instances of a low-latency process that are kept when nobody calls. Default 0.
    pub min_instances: u32,
    /// Instances of a low-latency process, busy and warm. None: as `max_concurrent`.
    pub max_instances: Option<u32>,
    /// What an execution may have the host hold for it.
    pub bounds: Bounds,
}

impl Limits {
    /// The CPU time that is in force.
    pub fn cpu_timeout(&self) -> Duration {
        self.cpu_timeout.unwrap_or(self.timeout)
    }

    /// The number of instances that is in force.
    pub fn max_instances(&self) -> u32 {
        self.max_instances.unwrap_or(self.max_concurrent)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            cpu_timeout: None,
            memory: 128 << 20,
            max_concurrent: 32,
            min_instances: 0,
            max_instances: None,
            bounds: Bounds::default(),
        }
    }
}

/// What an instance and its execution may have the host hold beside linear memory: the manifest's `limits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// Bytes of the log. What follows is left out. Default 1 MiB.
    pub log: u64,
    /// Bytes of the documents that are returned, together. Default 256 MiB.
    pub response: u64,
    /// Bytes that one call of a host function may hand over. Default 64 MiB.
    pub host_call: u64,
    /// Bytes of the documents held at one time, each counted in full. Default 256 MiB.
    pub documents: u64,
    /// Handles owned at one time, documents included. Default 100,000.
    pub handles: u32,
    /// Elements of one table. Default 100,000: Go and debug builds need more than 20,000.
    pub table_elements: u32,
    /// Tables of one instance. Default 32.
    pub tables: u32,
    /// Core instances in one component instance. Default 64: QuickJS and Python need up to 40.
    pub core_instances: u32,
    /// Linear memories of one instance. Default 8.
    pub memories: u32,
}

impl Bounds {
    /// The most that can be asked for of each: more would not protect the host, or is not reserved by the engine.
    pub const MOST: Self = Self {
        log: 64 << 20,
        response: 4 << 30,
        host_call: 1 << 30,
        documents: 4 << 30,
        handles: 1_000_000,
        table_elements: 100_000,
        tables: 256,
        core_instances: 1000,
        memories: 64,
    };
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            log: 1 << 20,
            response: 256 << 20,
            host_call: 64 << 20,
            documents: 256 << 20,
            handles: 100_000,
            table_elements: 100_000,
            tables: 32,
            core_instances: 64,
            memories: 8,
        }
    }
}

/// What a process may reach. Nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Folders, by their path in the guest.
    pub files: Vec<FolderGrant>,
    /// Servers that may be called.
    pub allow_hosts: Vec<AllowedHost>,
    /// Names of connections that may be opened.
    pub connections: Vec<String>,
    /// The guest's whole environment.
    pub env: BTreeMap<String, String>,
}

/// A folder that a process sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderGrant {
    /// Absolute path in the guest.
    pub guest: String,
    /// The folder, absolute.
    pub host: PathBuf,
    /// Whether the process may write in it. Default false.
    pub write: bool,
}

/// A server that a process may call: scheme, host and port all have to match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedHost {
    /// `http` or `https`.
    pub scheme: String,
    /// Lower-case host name, or an address literal without brackets.
    pub host: String,
    /// Explicit, or the scheme's own (80, 443).
    pub port: u16,
    /// Whether it may be at a private, loopback or link-local address: written so in the manifest, or the entry itself is
    /// an address.
    pub private: bool,
}

/// A named database connection, owned by the host.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionDecl {
    /// What processes call it.
    pub name: String,
    /// `sqlite://FILE` (the file absolute here), `postgres://...` or `mysql://...`. May hold a password: never printed.
    pub url: String,
}

/// The url's scheme only: what is printed for debugging ends in logs, and a url may hold a password.
impl fmt::Debug for ConnectionDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split_once(':').map_or("", |(scheme, _)| scheme);
        f.debug_struct("ConnectionDecl").field("name", &self.name).field("url", &format_args!("{scheme}:...")).finish()
    }
}

/// What is deployed together, pinned together and rolled back together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Listener processes.
    pub processes: Vec<ProcessDecl>,
    /// APIs.
    pub apis: Vec<ApiDecl>,
    /// Connections.
    pub connections: Vec<ConnectionDecl>,
    /// Message types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileDecl>,
    /// When it is taken back by itself. None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
}

impl Deployment {
    /// The process of this name.
    pub fn process(&self, name: &str) -> Option<&ProcessDecl> {
        self.processes.iter().find(|p| p.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let connection = ConnectionDecl { name: "erp".into(), url: "postgres://joe:secret@db/erp".into() };
        assert_eq!(format!("{connection:?}"), r#"ConnectionDecl { name: "erp", url: postgres:... }"#);
    }
    #[test]
    fn limits_that_an_earlier_version_stored_are_still_read() {
        let stored = r#"{"timeout":{"secs":5,"nanos":0},"memory":1048576,"max_concurrent":3}"#;
        let limits: Limits = serde_json::from_str(stored).unwrap();
        let usual = Limits::default();
        assert_eq!(limits, Limits { timeout: Duration::from_secs(5), memory: 1 << 20, max_concurrent: 3, ..usual });
        assert_eq!((limits.cpu_timeout(), limits.max_instances()), (Duration::from_secs(5), 3));
    }
}
