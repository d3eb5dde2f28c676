//! `[server]`: settings of the shared web server.

use super::reader::{Scope, Table};
use super::{records, trust, url, values};
use crate::{Roots, ServerConfig, StoreUrl};

/// Where health, the admin API and metrics are, and where callers find what is answered later: no protocol and no API
/// may be there.
pub(super) const RESERVED: [&str; 2] = ["/_admin", "/_executions"];

/// The settings of a manifest without `[server]`.
pub(super) fn default(scope: Scope<'_>) -> ServerConfig {
    let own = ServerConfig::default();
    ServerConfig { data_dir: scope.source.folder.join(&own.data_dir), ..own }
}

pub(super) fn read(mut table: Table<'_>) -> ServerConfig {
    let scope = table.scope();
    let own = default(scope);
    for key in ["auth", "tls"] {
        table.later(key);
    }
    let server = ServerConfig {
        listen: table.parse("listen", values::listen).unwrap_or(own.listen),
        admin_listen: table.parse("admin-listen", values::listen).unwrap_or(own.admin_listen),
        data_dir: table.parse("data-dir", values::path(&scope.source.folder)).unwrap_or(own.data_dir),
        roots: roots(&mut table),
        public_url: table.parse("public-url", url::public_url).unwrap_or(own.public_url),
        trusted_proxies: table.list("trusted-proxies", values::network).unwrap_or(own.trusted_proxies),
        max_request_bytes: table.parse("max-request-bytes", values::body_size).unwrap_or(own.max_request_bytes),
        requests_per_second: table.number("requests-per-second", 0..=u32::MAX).unwrap_or(own.requests_per_second),
        protected_headers: table.list("protected-headers", values::header_name).unwrap_or(own.protected_headers),
        environment: table.parse("environment", values::identifier("an environment")).unwrap_or(own.environment),
        store: table.parse("store", url::store).map(StoreUrl),
        trust: table.table("trust").map(trust::read).unwrap_or_default(),
        records: table.table("records").map(records::read).unwrap_or_default(),
    };
    if server.listen == server.admin_listen && !server.listen.ends_with(":0") {
        table.problem(format!("`listen` and `admin-listen` are both {}: give each its own port", server.listen));
    }
    table.finish();
    server
}

fn roots(table: &mut Table<'_>) -> Roots {
    let mut roots = Roots::default();
    for (key, root) in [
        ("rest-root", &mut roots.rest),
        ("simple-root", &mut roots.simple),
        ("soap-root", &mut roots.soap),
        ("soap12-root", &mut roots.soap12),
        ("odata-root", &mut roots.odata),
        ("odata2-root", &mut roots.odata2),
    ] {
        let Some(value) = table.get(key) else { continue };
        let Some(given) = value.parse(values::base) else { continue };
        if let Some(own) = RESERVED.into_iter().find(|own| is_under(&given, own)) {
            value.problem(format!("`{given}` is under `{own}`, which is the server's own: take another root"));
        }
        *root = given;
    }
    let all = named(&roots);
    for (index, (key, root)) in all.iter().enumerate() {
        let Some((first, _)) = all.iter().take(index).find(|(_, other)| other == root) else { continue };
        let what = if root.is_empty() { "empty" } else { root };
        table.problem(format!("`{first}` and `{key}` are both {what}: give each protocol its own root"));
    }
    roots
}

/// The roots by the keys that set them.
pub(super) fn named(roots: &Roots) -> [(&'static str, &str); 6] {
    [
        ("rest-root", &roots.rest),
        ("simple-root", &roots.simple),
        ("soap-root", &roots.soap),
        ("soap12-root", &roots.soap12),
        ("odata-root", &roots.odata),
        ("odata2-root", &roots.odata2),
    ]
}

/// Whether a path is another one or is below it, on segment borders.
pub(super) fn is_under(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
