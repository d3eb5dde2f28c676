//! The URLs of a manifest: servers that may be called, the public URL, databases.
//!
//! Only as much of a URL as a manifest can use is accepted, so that what is granted is what was read: no wildcards, no
//! credentials, no spelling of an address that another parser could take for another one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::problem::{quote, unknown};
use crate::AllowedHost;

/// A URL with `http` or `https`, taken apart.
struct Origin<'a> {
    scheme: &'static str,
    host: String,
    address: Option<IpAddr>,
    port: Option<u16>,
    /// What follows the authority: empty, or from the `/`, `?` or `#` on.
    rest: &'a str,
}

fn origin(text: &str) -> Result<Origin<'_>, String> {
    let Some((scheme, after)) = text.split_once("://") else {
        return Err("write it with its scheme, for example \"https://example.com\"".into());
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => "http",
        "https" => "https",
        _ => return Err(unknown("scheme", scheme, &["http", "https"])),
    };
    let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
    if authority.contains('@') {
        return Err("a user or password cannot stand in it".into());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        None => None,
        Some(digits) => {
            let port = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
            Some(port.filter(|port| *port > 0).ok_or_else(|| format!("{} is no port: 1 to 65535", quote(digits)))?)
        }
    };
    let (host, address) = read_host(host)?;
    Ok(Origin { scheme, host, address, port, rest })
}

/// A host name in lower case, or an address in its canonical spelling.
fn read_host(text: &str) -> Result<(String, Option<IpAddr>), String> {
    let wrong = || format!("{} is no host name or address", quote(text));
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']').and_then(|ip| ip.parse().ok()).ok_or_else(wrong)?;
        return Ok((address.to_string(), Some(address.into())));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok((address.to_string(), Some(address.into())));
    }
    if text.contains('*') {
        return Err(format!("{}: wildcards are not known: list each host", quote(text)));
    }
    if !text.is_ascii() {
        return Err(format!("{}: write a host in its ASCII form (`xn--...`)", quote(text)));
    }
    let label = |label: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(fits)
    };
    // Some resolvers read `127.1` and `0x7f000001` as addresses: a name never ends in a number.
    let last = text.rsplit('.').next().unwrap_or(text).to_ascii_lowercase();
    let number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if text.len() > 253 || number || !text.split('.').all(label) {
        return Err(wrong());
    }
    Ok((text.to_ascii_lowercase(), None))
}

/// A server that may be called: scheme, host and port. An address literal may be private; a name has to be said so.
pub(super) fn allowed_host(text: &str, private: bool) -> Result<AllowedHost, String> {
    let origin = origin(text)?;
    if !matches!(origin.rest, "" | "/") {
        return Err(format!("{}: the whole host is allowed: leave out {}", quote(text), quote(origin.rest)));
    }
    let port = origin.port.unwrap_or(if origin.scheme == "https" { 443 } else { 80 });
    let private = private || origin.address.is_some();
    Ok(AllowedHost { scheme: origin.scheme.into(), host: origin.host, port, private })
}

/// Where the outside finds this server: scheme, host, perhaps a port and a path; empty for "ask the request".
pub(super) fn public_url(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let origin = origin(text)?;
    if origin.rest.contains(['?', '#']) {
        return Err(format!("{} has a query or fragment: leave it out", quote(text)));
    }
    if origin.rest.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(format!("{} has a character that must be percent-encoded", quote(text)));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The URL of a database, a file's path made absolute. No message shows any of it: it may hold a password.
pub(super) fn database(folder: &Path, text: &str) -> Result<String, String> {
    const SCHEMES: &[&str] = &["sqlite", "postgres", "postgresql", "mysql"];
    const EXAMPLES: &str = "\"sqlite://erp.db\" or \"postgres://user:password@host/database\"";
    if let Some(file) = text.strip_prefix("sqlite:") {
        return sqlite(folder, file.strip_prefix("//").unwrap_or(file));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("is no URL: write for example {EXAMPLES}"));
    };
    if !SCHEMES.contains(&scheme) {
        return Err(unknown("scheme", scheme, SCHEMES));
    }
    if rest.is_empty() || rest.contains(|c: char| c.is_control() || c == ' ') {
        return Err(format!("is no URL of a database: write for example {EXAMPLES}"));
    }
    Ok(text.to_owned())
}

/// The URL of a store that several hosts may share. No message shows any of it: it may hold a password.
pub(super) fn store(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "\"postgres://user:password@host/database\"";
    let rest = match text.split_once("://") {
        Some(("postgres" | "postgresql", rest)) => rest,
        _ if text.starts_with("sqlite:") => {
            return Err("without this key the store is SQLite in `data-dir`: leave it out".into());
        }
        Some((scheme, _)) => return Err(unknown("scheme", scheme, &["postgres", "postgresql"])),
        None => return Err(format!("is no URL: write for example {EXAMPLE}")),
    };
    if rest.is_empty() || rest.contains(|c: char| c.is_control() || c == ' ') {
        return Err(format!("is no URL of a database: write for example {EXAMPLE}"));
    }
    Ok(text.to_owned())
}

fn sqlite(folder: &Path, rest: &str) -> Result<String, String> {
    let (file, query) = match rest.split_once('?') {
        Some((file, query)) => (file, Some(query)),
        None => (rest, None),
    };
    let in_memory = query.is_some_and(|query| query.split('&').any(|pair| pair == "mode=memory"));
    if file == ":memory:" || in_memory {
        return Err("a database in memory would be another one for each pooled connection: name a file".into());
    }
    if file.is_empty() || file.contains(|c: char| c.is_control()) {
        return Err("names no file: write for example \"sqlite://erp.db\"".into());
    }
    let mut url = String::from("sqlite://");
    if !file.starts_with('/') {
        let Some(folder) = folder.to_str() else {
            return Err("the folder of this manifest has a name that is not UTF-8: a URL cannot hold it".into());
        };
        // The file is part of a URL as written; the folder is not, so what a URL would misread is encoded.
        for c in folder.trim_end_matches('/').chars() {
            match c {
                '%' => url.push_str("%25"),
                '?' => url.push_str("%3F"),
                '#' => url.push_str("%23"),
                c => url.push(c),
            }
        }
        url.push('/');
    }
    url.push_str(file.strip_prefix("./").unwrap_or(file));
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    Ok(url)
}
