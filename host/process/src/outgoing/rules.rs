//! The rules of `allow-hosts`, and the idle connections that each of them keeps.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use auricle_model::AllowedHost;
use http::Uri;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::connect::Link;
use super::fault::Fault;
use super::{CONCURRENT_CALLS, IDLE_CONNECTIONS, IDLE_TIMEOUT};

/// How long a connection that comes out of the idle ones may take to say that it is ready.
const READY: std::time::Duration = std::time::Duration::from_millis(50);

/// What one process of a deployment may call.
pub(crate) struct Rules {
    rules: Vec<Arc<Rule>>,
    pub(super) permits: Arc<Semaphore>,
}

impl Rules {
    /// From the manifest's `allow-hosts` of a process; to be kept as long as its deployment.
    pub(crate) fn compile(allowed: &[AllowedHost]) -> Arc<Self> {
        let rules = allowed.iter().map(|host| Arc::new(Rule { host: host.clone(), idle: Mutex::default() })).collect();
        Arc::new(Self { rules, permits: Arc::new(Semaphore::new(CONCURRENT_CALLS)) })
    }

    /// The rule that allows a server.
    pub(super) fn find(&self, server: &Server) -> Result<&Arc<Rule>, Fault> {
        self.rules.iter().find(|rule| rule.matches(server)).ok_or_else(|| Fault::NotAllowed(server.to_string()))
    }
}

/// The server that a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) https: bool,
    /// In lower case, an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Server {
    /// Of a whole URL.
    pub(super) fn of(uri: &Uri) -> Result<Self, Fault> {
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(Fault::Invalid("the url has to begin with http:// or https://".into())),
        };
        let authority = uri.authority().ok_or_else(|| Fault::Invalid("the url names no host".into()))?;
        if authority.as_str().contains('@') {
            return Err(Fault::Invalid(
                "the url holds a user or password: send an Authorization header instead".into(),
            ));
        }
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() {
            return Err(Fault::Invalid("the url names no host".into()));
        }
        let explicit = authority.as_str().strip_prefix(authority.host()).is_some_and(|rest| !rest.is_empty());
        let port = match authority.port_u16() {
            Some(port) => port,
            None if explicit => return Err(Fault::Invalid("the url's port is no number from 1 to 65535".into())),
            None => default_port(https),
        };
        Ok(Self { https, host, port })
    }

    /// What the `Host` header says: without the scheme's own port.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == default_port(self.https) { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority())
    }
}

const fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// One allowed server.
pub(super) struct Rule {
    host: AllowedHost,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The most recently used is last, and taken first.
    links: Vec<(Link, Instant)>,
    /// Whether a task is closing those that were idle for too long.
    swept: bool,
}

impl Rule {
    fn matches(&self, server: &Server) -> bool {
        let https = self.host.scheme == "https";
        https == server.https && self.host.port == server.port && same_host(&self.host.host, &server.host)
    }

    /// Whether private addresses are meant.
    pub(super) fn private(&self) -> bool {
        self.host.private
    }

    /// An idle connection that still stands, as far as can be seen.
    pub(super) async fn checkout(&self) -> Option<Link> {
        loop {
            let (mut link, since) = self.lock().links.pop()?;
            // Its last exchange may need another moment to come to its end.
            if since.elapsed() < IDLE_TIMEOUT && matches!(timeout(READY, link.sender.ready()).await, Ok(Ok(()))) {
                return Some(link);
            }
        }
    }

    /// Keeps a connection whose exchange is over.
    pub(super) fn park(self: &Arc<Self>, link: Link) {
        let mut idle = self.lock();
        if link.sender.is_closed() || idle.links.len() >= IDLE_CONNECTIONS {
            return;
        }
        idle.links.push((link, Instant::now()));
        if !idle.swept {
            idle.swept = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that were idle for too long; ends when there are none, or the deployment is gone.
async fn sweep(rule: Weak<Rule>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT).await;
        let Some(rule) = rule.upgrade() else { return };
        let mut idle = rule.lock();
        idle.links.retain(|(link, since)| since.elapsed() < IDLE_TIMEOUT && !link.sender.is_closed());
        if idle.links.is_empty() {
            idle.swept = false;
            return;
        }
    }
}

/// Names by their letters, addresses by what they mean: `::1` is `0:0:0:0:0:0:0:1`.
fn same_host(rule: &str, asked: &str) -> bool {
    match (rule.parse::<IpAddr>(), asked.parse::<IpAddr>()) {
        (Ok(rule), Ok(asked)) => rule.to_canonical() == asked.to_canonical(),
        _ => rule.eq_ignore_ascii_case(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(scheme: &str, host: &str, port: u16) -> AllowedHost {
        AllowedHost { scheme: scheme.into(), host: host.into(), port, private: false }
    }

    fn ask(rules: &Rules, url: &str) -> Result<bool, Fault> {
        Ok(rules.find(&Server::of(&url.parse().unwrap())?).is_ok())
    }

    #[test]
    fn scheme_host_and_port_all_count() {
        let rules = Rules::compile(&[allowed("https", "api.example.com", 443), allowed("http", "::1", 8080)]);
        for url in [
            "https://api.example.com",
            "https://API.EXAMPLE.COM/a?b",
            "https://api.example.com:443/",
            "http://[0:0:0:0:0:0:0:1]:8080/",
        ] {
            assert!(ask(&rules, url).unwrap(), "{url}");
        }
        for url in [
            "http://api.example.com",
            "https://api.example.com:444",
            "https://example.com",
            "https://api.example.com.evil.org",
            "https://x.api.example.com",
            "https://api.example.com.",
            "http://[::1]",
        ] {
            assert!(!ask(&rules, url).unwrap(), "{url}");
        }
    }

    #[test]
    fn urls_that_hide_their_host_are_refused() {
        let rules = Rules::compile(&[allowed("https", "api.example.com", 443)]);
        for url in [
            "https://api.example.com@evil.org/",
            "https://user:pw@api.example.com/",
            "/relative",
            "ftp://api.example.com/",
            "https://api.example.com:99999/",
        ] {
            assert!(matches!(ask(&rules, url), Err(Fault::Invalid(_))), "{url}");
        }
    }

    #[test]
    fn a_server_is_shown_as_it_is_written_in_the_manifest() {
        let show = |url: &str| Server::of(&url.parse().unwrap()).unwrap().to_string();
        assert_eq!(show("https://A.example:443/x"), "https://a.example");
        assert_eq!(show("http://a.example:8080/x"), "http://a.example:8080");
        assert_eq!(show("http://[::1]:81"), "http://[::1]:81");
    }
}
