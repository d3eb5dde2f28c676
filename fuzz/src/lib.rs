//! The bodies of the fuzz targets: each takes any bytes, and panics where a promise of `auricle-api` or `auricle-model`
//! does not hold.
//!
//! They are a library so that `cargo test` runs the seeds through them on a stable toolchain, without libFuzzer. All
//! inputs are text that a person can read and write: see `seeds/`.

pub mod headers;
pub mod inbound;
pub mod manifest;
pub mod outbound;
pub mod query;
mod served;
mod slow_router;
pub mod soap;
pub mod target;
pub mod xsd;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Lines of `Name: value` as headers; what is no header is left out.
fn header_lines(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Some((name, value)) = split_once(line, b':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    headers
}

/// What is before and after the first of a byte.
fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}
