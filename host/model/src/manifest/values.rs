//! What single texts of the manifest may say: each function reads one kind of text or explains what is wrong with it.
//!
//! Pure functions; the caller knows the key and the place.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::problem::{quote, unknown};
use crate::{format_duration, format_size, parse_duration, parse_size};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MEMORY: RangeInclusive<u64> = 1 << 20..=4 << 30;

/// Any text that is not empty.
pub(super) fn not_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty: leave the key out instead".into()) } else { Ok(text.to_owned()) }
}

/// Any text.
#[expect(clippy::unnecessary_wraps, reason = "stands where other values can be wrong")]
pub(super) fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// One of the names of an enum.
pub(super) fn one_of<T: FromStr>(names: &'static [&'static str]) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| unknown("value", text, names))
}

/// Name of a process and the like: it goes into URLs, headers, file names and other languages' identifiers.
pub(super) fn identifier(of: &'static str) -> impl Fn(&str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    move |text| match text.chars().find(|c| !fits(*c)) {
        // `.` and `..` are folders.
        None if text.contains(|c: char| c != '.') => Ok(text.to_owned()),
        _ => Err(format!("{} is no name of {of}: use letters, digits, `.`, `_` and `-`", quote(text))),
    }
}

/// Name of an API or a connection.
pub(super) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(|c: char| c.is_control() || c == '[' || c == ']') {
        return Err(format!("{} is no name: it needs a character, and none of `[`, `]` and controls", quote(text)));
    }
    Ok(text.to_owned())
}

/// A name in XML without a prefix (an NCName): of an element, or of what a WSDL declares.
pub(super) fn xml_name(text: &str) -> Result<String, String> {
    if is_xml_name(text) {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no XML name: begin with a letter or `_`, then letters, digits, `.`, `_` and `-`", quote(text)))
}

/// Whether a text is an NCName (Namespaces in XML 1.0, third edition).
pub(super) fn is_xml_name(text: &str) -> bool {
    let starts = |c: char| {
        matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
            | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}'
            | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
            | '\u{10000}'..='\u{EFFFF}')
    };
    let follows = |c: char| {
        matches!(c, '0'..='9' | '.' | '-' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}') || starts(c)
    };
    text.starts_with(starts) && text.chars().all(follows)
}

/// The namespace of a SOAP API: any name without what a URI cannot have.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let misfit = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '{' | '}' | '|' | '\\' | '^' | '`')
    };
    if text.is_empty() || text.contains(misfit) {
        return Err(format!("{} is no namespace: write a URI, for example \"http://example.com/crm\"", quote(text)));
    }
    Ok(text.to_owned())
}

/// How long an execution may take.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time.is_zero() || time > DAY => {
            Err(format!("{} is out of range: more than 0s, at most 24h", quote(text)))
        }
        time => Ok(time),
    }
}

/// A duration within a range.
pub(super) fn duration_within(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let time = duration(text)?;
        if range.contains(&time) {
            return Ok(time);
        }
        let (least, most) = (format_duration(*range.start()), format_duration(*range.end()));
        Err(format!("{} is out of range: {least} to {most}", quote(text)))
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok_or_else(|| format!("{} is no duration: write for example \"30s\" (ms, s, m, h, d)", quote(text)))
}

/// How much memory an instance may have.
pub(super) fn memory(text: &str) -> Result<u64, String> {
    size_within(MEMORY)(text)
}

/// A size within a range.
pub(super) fn size_within(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let bytes = size(text)?;
        if range.contains(&bytes) {
            return Ok(bytes);
        }
        let (least, most) = (format_size(*range.start()), format_size(*range.end()));
        Err(format!("{} is out of range: {least} to {most}", quote(text)))
    }
}

/// What an execution may hold in documents unless its process is given more.
const MAX_BODY: u64 = 256 << 20;

/// A size that leaves room for something, and that an execution can take.
pub(super) fn body_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err(format!("{} would refuse every body: write at least \"1B\"", quote(text))),
        bytes if bytes > MAX_BODY => {
            Err(format!("{} is more than a process may hold: at most \"{}\"", quote(text), format_size(MAX_BODY)))
        }
        bytes => Ok(bytes),
    }
}

fn size(text: &str) -> Result<u64, String> {
    parse_size(text)
        .ok_or_else(|| format!("{} is no size: write for example \"10MiB\" (B, KiB, MiB, GiB)", quote(text)))
}

/// What cannot stand in a segment of a path, where it is written decoded.
fn segment(text: &str) -> Result<(), String> {
    if text == "." || text == ".." {
        return Err(format!("{} is no segment of a path: requests with it are refused", quote(text)));
    }
    match text.chars().find(|c| c.is_control() || matches!(c, '/' | '{' | '}' | '?' | '#' | ';' | '%')) {
        None => Ok(()),
        Some('%') => Err(format!("{} has a `%`: write segments decoded, `x y` and not `x%20y`", quote(text))),
        Some(c) => Err(format!("{} is no segment of a path: it has {}", quote(text), quote(&c.to_string()))),
    }
}

/// An object of a process.
pub(super) fn object(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("a process needs an object, such as \"Account\"; a route may drop it with `object = \"\"`".into());
    }
    segment(text).map(|()| text.to_owned())
}

/// An object of a route: empty to drop the segment.
pub(super) fn route_object(text: &str) -> Result<String, String> {
    segment(text).map(|()| text.to_owned())
}

/// A base URL or a root: empty, or `/` and segments.
pub(super) fn base(text: &str) -> Result<String, String> {
    let mut base = String::with_capacity(text.len() + 1);
    for part in text.split('/').filter(|part| !part.is_empty()) {
        segment(part)?;
        base.push('/');
        base.push_str(part);
    }
    Ok(base)
}

/// The path of a route: static segments and parameters (`{Id}`).
pub(super) fn route_path(text: &str) -> Result<String, String> {
    let mut seen: Vec<&str> = Vec::new();
    for part in text.split('/').filter(|part| !part.is_empty()) {
        let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            if part.contains(['{', '}']) {
                return Err(format!("{}: a parameter is a whole segment, such as `{{Id}}`", quote(part)));
            }
            segment(part)?;
            continue;
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(format!("{}: name a parameter with letters, digits, `.`, `_` and `-`", quote(part)));
        }
        if seen.contains(&name) {
            return Err(format!("{} is there twice: a process gets one `param_{name}`", quote(part)));
        }
        seen.push(name);
    }
    Ok(text.to_owned())
}

/// The method of a route, in capitals.
pub(super) fn method(text: &str) -> Result<String, String> {
    const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];
    let upper = text.to_ascii_uppercase();
    match upper.as_str() {
        "HEAD" => Err("HEAD is answered from the GET route of the same path: declare that".into()),
        "OPTIONS" => Err("OPTIONS is answered from the routes of the same path: it needs none of its own".into()),
        known if METHODS.contains(&known) => Ok(upper),
        _ => Err(unknown("method", text, METHODS)),
    }
}

/// Whether a character may stand in a token of HTTP (RFC 9110, 5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The name of a header field.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.chars().all(is_token) {
        return Err(format!("{} is no header name, such as `X-Trace`", quote(text)));
    }
    Ok(text.to_owned())
}

/// A media type, with or without parameters.
pub(super) fn media_type(text: &str) -> Result<String, String> {
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let token = |part: &str| !part.is_empty() && part.chars().all(is_token);
    let whole = essence.trim_end().split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    if !whole || !parameters.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return Err(format!("{} is no media type, such as \"text/csv\"", quote(text)));
    }
    Ok(text.to_owned())
}

/// `HOST:PORT` to listen at.
pub(super) fn listen(text: &str) -> Result<String, String> {
    let valid = text.rsplit_once(':').is_some_and(|(host, port)| {
        let host_fits = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
            None => !host.is_empty() && !host.contains(|c: char| matches!(c, ':' | '/') || c.is_whitespace()),
        };
        host_fits && port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
    });
    if valid {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no address: write HOST:PORT, for example \"127.0.0.1:9090\"", quote(text)))
}

/// An address, or a network as `ADDRESS/PREFIX`.
pub(super) fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("{} is no network: write an address or \"10.0.0.0/8\"", quote(text));
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= bits).ok_or_else(wrong)?,
        None => bits,
    };
    let first = masked(address, prefix);
    if first != address {
        return Err(format!("{} has bits after its prefix: write \"{first}/{prefix}\"", quote(text)));
    }
    Ok((address, prefix))
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & u32::MAX.checked_shl(32 - prefix).unwrap_or(0)).into()),
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)).into()),
    }
}

/// A path of this machine, taken from a folder.
pub(super) fn path(folder: &Path) -> impl Fn(&str) -> Result<PathBuf, String> {
    move |text| {
        if text.is_empty() || text.contains('\0') {
            return Err(format!("{} is no path", quote(text)));
        }
        // Its components: without the `.` that people begin relative paths with.
        Ok(folder.join(text).components().collect())
    }
}

/// An absolute path as a guest sees it, without a slash at its end.
pub(super) fn guest_path(text: &str) -> Result<String, String> {
    let parts = || text.split('/').filter(|part| !part.is_empty());
    if !text.starts_with('/') || text.contains('\0') || parts().any(|part| part == "." || part == "..") {
        return Err(format!("{} is no absolute path in the guest, such as \"/data\"", quote(text)));
    }
    let mut path = String::with_capacity(text.len());
    for part in parts() {
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

/// A variable of a guest's environment.
pub(super) fn variable(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err(format!("{} is no name of a variable: it needs a character, and no `=`", quote(text)));
    }
    Ok(text.to_owned())
}

/// The value of a variable.
pub(super) fn variable_value(text: &str) -> Result<String, String> {
    if text.contains('\0') { Err("a variable cannot hold a NUL character".into()) } else { Ok(text.to_owned()) }
}
