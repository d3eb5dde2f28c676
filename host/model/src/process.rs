//! Declarations of listener processes and of what they may reach.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ApiDecl, Mode, Operation};

/// Where the bytes of a package come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageRef {
    /// A file, absolute.
    Path(PathBuf),
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
}

/// What one execution of a process may use up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From the instance's start of work to its result. Default 30 s.
    pub timeout: Duration,
    /// Linear memory of one instance in bytes. Default 128 MiB.
    pub memory: u64,
    /// Executions of this process at one time. Default 32.
    pub max_concurrent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), memory: 128 << 20, max_concurrent: 32 }
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
}
