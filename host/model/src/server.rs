//! Settings of the shared web server: `[server]` of the manifest.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operation::named;

/// The shared web server as configured, defaults filled in and paths absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// `HOST:PORT` for requests. Port 0 takes a free one. Default `127.0.0.1:9090`.
    pub listen: String,
    /// `HOST:PORT` for health, the admin API and metrics. Default `127.0.0.1:9091`.
    pub admin_listen: String,
    /// Where the embedded store and the cache of compiled components live. Default `.auricle` beside the manifest.
    pub data_dir: PathBuf,
    /// Where each protocol begins.
    pub roots: Roots,
    /// What `Link` and `Location` print instead of the request's own scheme and host. Empty: the request's own.
    pub public_url: String,
    /// Networks whose `Forwarded` and `X-Forwarded-*` are believed: an address and a prefix length each.
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    /// Larger bodies are refused with 413. Default 10 MiB.
    pub max_request_bytes: u64,
    /// Requests a second of one account on this node; 0 is no limit. Default 0. Over it: 429.
    pub requests_per_second: u32,
    /// Headers never passed to a process, beside the built-in list. Default `X-WSS-Secret`.
    pub protected_headers: Vec<String>,
    /// The environment whose deployment this host serves. Default `default`.
    pub environment: String,
    /// The store, where it is not SQLite in `data_dir`: a `postgres://` URL.
    pub store: Option<StoreUrl>,
    /// Whose packages are deployed.
    pub trust: Trust,
    /// What is recorded of executions, and for how long.
    pub records: RecordsConfig,
}

/// Where a shared store is. It may hold a password: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(pub String);

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres:...")
    }
}

/// Which packages may be deployed: `[server.trust]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whether a package needs the signature of a trusted key. Default false.
    pub required: bool,
    /// Ed25519 public keys by name, 32 bytes each.
    pub keys: BTreeMap<String, [u8; 32]>,
}

named! {
    /// Which executions leave a record.
    RecordLevel {
        /// All that the mode calls for: in general mode each, in low-latency mode failures and slow ones.
        All = "all",
        /// Failures and slow ones.
        Failures = "failures",
        /// None, and nothing is counted by the minute either.
        Off = "off",
    }
}

/// What is recorded of executions: `[server.records]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordsConfig {
    /// Which leave one. Default all.
    pub level: RecordLevel,
    /// Older ones are deleted. Default 7 days.
    pub keep: Duration,
    /// When all of them together take more, the oldest are deleted. Default 1 GiB.
    pub max_bytes: u64,
    /// Of a longer document only so much is recorded. Default 64 KiB.
    pub max_document_bytes: u64,
    /// A low-latency execution that ran longer leaves a record as a failed one does. None: only failures do.
    pub slow: Option<Duration>,
    /// What is never recorded as it was.
    pub redact: Redact,
}

impl Default for RecordsConfig {
    fn default() -> Self {
        Self {
            level: RecordLevel::All,
            keep: Duration::from_secs(7 * 24 * 3600),
            max_bytes: 1 << 30,
            max_document_bytes: 64 << 10,
            slow: None,
            redact: Redact::default(),
        }
    }
}

/// What records show as `[redacted]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redact {
    /// Headers, in any case: `inheader_...` and `outheader_...` of documents.
    pub headers: Vec<String>,
    /// Process and document properties by their whole name.
    pub properties: Vec<String>,
    /// JSON paths (RFC 9535) in documents that are JSON.
    pub json: Vec<String>,
}

/// Where each protocol begins: empty, or `/` and segments. Only one may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Default `/ws/rest`.
    pub rest: String,
    /// Default `/ws/simple`.
    pub simple: String,
    /// Default `/ws/soap`.
    pub soap: String,
    /// Default `/ws/soap12`.
    pub soap12: String,
    /// Default `/ws/odata`.
    pub odata: String,
    /// Default `/ws/odata2`.
    pub odata2: String,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            rest: "/ws/rest".into(),
            simple: "/ws/simple".into(),
            soap: "/ws/soap".into(),
            soap12: "/ws/soap12".into(),
            odata: "/ws/odata".into(),
            odata2: "/ws/odata2".into(),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9090".into(),
            admin_listen: "127.0.0.1:9091".into(),
            data_dir: ".auricle".into(),
            roots: Roots::default(),
            public_url: String::new(),
            trusted_proxies: Vec::new(),
            max_request_bytes: 10 << 20,
            requests_per_second: 0,
            protected_headers: vec!["X-WSS-Secret".into()],
            environment: "default".into(),
            store: None,
            trust: Trust::default(),
            records: RecordsConfig::default(),
        }
    }
}
