//! Under which address the caller sees this server: what `Link` prints.
//!
//! The configured `public-url` wins; then what a trusted proxy says; then the request's own `Host`. Forwarded headers of
//! anybody else are not looked at: they would let a caller choose what others are sent to.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{HOST, HeaderName};
use http::request::Parts;

const FORWARDED: HeaderName = http::header::FORWARDED;
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REQUEST_URI: HeaderName = HeaderName::from_static("x-request-uri");

/// Settings that decide the outside address.
#[derive(Debug)]
pub(crate) struct Origin {
    public_url: String,
    trusted: Vec<(IpAddr, u8)>,
}

impl Origin {
    pub(crate) fn new(public_url: &str, trusted_proxies: &[(IpAddr, u8)]) -> Self {
        Self { public_url: public_url.to_owned(), trusted: trusted_proxies.to_vec() }
    }

    /// The outside URL of a request, without its query.
    pub(crate) fn url(&self, request: &Parts, peer: Option<IpAddr>) -> String {
        match self.rewritten(request, peer) {
            Some(uri) if self.public_url.is_empty() => format!("{}{}", root(&uri).unwrap_or_default(), uri.path()),
            _ => self.at(request, peer, request.uri.path()),
        }
    }

    /// The outside URL of another path, for the caller of a request.
    pub(crate) fn at(&self, request: &Parts, peer: Option<IpAddr>, path: &str) -> String {
        if !self.public_url.is_empty() {
            return format!("{}{path}", self.public_url);
        }
        if let Some(root) = self.rewritten(request, peer).as_ref().and_then(root) {
            return format!("{root}{path}");
        }
        let proxy = peer.is_some_and(|p| self.trusts(p));
        let (forwarded_proto, forwarded_host) = match header(request, &FORWARDED).filter(|_| proxy) {
            Some(value) => (parameter(value, "proto"), parameter(value, "host")),
            None if proxy => (last(header(request, &X_FORWARDED_PROTO)), last(header(request, &X_FORWARDED_HOST))),
            None => (None, None),
        };
        let scheme = forwarded_proto.filter(|p| matches!(*p, "http" | "https")).unwrap_or("http");
        let own = request.uri.authority().map(http::uri::Authority::as_str).or_else(|| header(request, &HOST));
        let host = forwarded_host.or(own).filter(|h| h.parse::<http::uri::Authority>().is_ok()).unwrap_or("localhost");
        format!("{scheme}://{host}{path}")
    }

    /// The gateway convention: the whole URL that the caller used, before the gateway rewrote it. A trusted proxy sets it or
    /// takes it off.
    fn rewritten(&self, request: &Parts, peer: Option<IpAddr>) -> Option<http::Uri> {
        let uri = header(request, &X_REQUEST_URI).filter(|_| peer.is_some_and(|p| self.trusts(p)))?;
        uri.parse().ok().filter(|uri| root(uri).is_some())
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|(network, bits)| contains(*network, *bits, peer))
    }
}

fn header<'r>(request: &'r Parts, name: &HeaderName) -> Option<&'r str> {
    request.headers.get(name).and_then(|value| value.to_str().ok())
}

/// What stands before the path of a whole URL.
fn root(uri: &http::Uri) -> Option<String> {
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority)) => Some(format!("{scheme}://{authority}")),
        _ => None,
    }
}

/// Whether there is one `Host` at most, and it is one (RFC 9112, section 3.2). Others, a user name before it too, could make
/// those who look at it see different servers.
pub(crate) fn is_clear(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else { return true };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_~%:[]!$&'()*+,;=".contains(byte);
    hosts.next().is_none() && host.as_bytes().iter().all(plain)
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) => {
            let shift = 32_u32.saturating_sub(bits.into());
            n.to_bits().checked_shr(shift) == a.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(n), IpAddr::V6(a)) => {
            let shift = 128_u32.saturating_sub(bits.into());
            n.to_bits().checked_shr(shift) == a.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

/// A parameter of the last element of a `Forwarded` header (RFC 7239, section 4): what the trusted proxy itself has added.
/// What stands before it came from further out.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let element = value.rsplit(',').next()?;
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The last element of a list, for the same reason.
fn last(value: Option<&str>) -> Option<&str> {
    value?.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn url(public: &str, trusted: &[(&str, u8)], headers: &[(&str, &str)]) -> String {
        let trusted: Vec<_> = trusted.iter().map(|(a, b)| (a.parse().unwrap(), *b)).collect();
        let mut request = http::Request::get("/ws/rest/a?b=c");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let (origin, peer) = (Origin::new(public, &trusted), Some("10.1.2.3".parse().unwrap()));
        let url = origin.url(&parts, peer);
        let (root, _) = url.rsplit_once(if url.contains("/ws/") { "/ws/" } else { "/example/" }).unwrap();
        assert_eq!(origin.at(&parts, peer, "/_x"), format!("{root}/_x"), "another path of the same host");
        url
    }

    #[test]
    fn the_host_header_is_what_is_known_without_settings() {
        let proxied = [("host", "own:9090"), ("x-forwarded-host", "evil"), ("forwarded", "host=evil;proto=https")];
        assert_eq!(url("", &[], &proxied), "http://own:9090/ws/rest/a");
        assert_eq!(url("", &[("10.2.0.0", 16)], &proxied), "http://own:9090/ws/rest/a");
        assert_eq!(url("", &[], &[]), "http://localhost/ws/rest/a");
    }

    #[test]
    fn a_trusted_proxy_is_believed() {
        let net = [("10.0.0.0", 8)];
        let rfc = [("host", "own"), ("forwarded", r#"host=evil, for=1.2.3.4;proto=https;host="api.example:8443""#)];
        assert_eq!(url("", &net, &rfc), "https://api.example:8443/ws/rest/a");
        let x = [("host", "own"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil, api.example")];
        assert_eq!(url("", &net, &x), "https://api.example/ws/rest/a");
        assert_eq!(url("", &[("0.0.0.0", 0)], &x), "https://api.example/ws/rest/a");
    }

    #[test]
    fn i10_the_request_uri_of_a_gateway_is_used_exactly() {
        let headers = [("host", "own"), ("x-request-uri", "https://api.company.com/example/v1/function")];
        assert_eq!(url("", &[("10.1.2.3", 32)], &headers), "https://api.company.com/example/v1/function");
        assert_eq!(url("", &[], &headers), "http://own/ws/rest/a");
    }

    #[test]
    fn a_host_is_one_and_a_plain_one() {
        let clear = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            is_clear(&headers)
        };
        for host in ["api.example", "api.example:8443", "127.0.0.1:9090", "[::1]:9090", ""] {
            assert!(clear(&[host]), "{host}");
        }
        assert!(clear(&[]));
        assert!(!clear(&["a", "b"]));
        for host in ["user@evil", "ev>il", "a b", "a/b"] {
            assert!(!clear(&[host]), "{host}");
        }
    }

    #[test]
    fn the_public_url_wins() {
        let headers = [("host", "own"), ("x-forwarded-host", "other")];
        assert_eq!(url("https://p/x", &[("10.0.0.0", 8)], &headers), "https://p/x/ws/rest/a");
    }
}
