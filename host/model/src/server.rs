//! Settings of the shared web server: `[server]` of the manifest.

use std::net::IpAddr;
use std::path::PathBuf;

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
        }
    }
}
