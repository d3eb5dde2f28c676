//! One request on a connection of its own, for what a scenario has to know beside its load.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How long a host may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a chunk.
const CHUNK: usize = 32 << 10;

/// An answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) status: u16,
    /// `X-Execution-Id`.
    pub(crate) id: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Asks. `more` are further header lines, each with its end.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, more: &str, body: &[u8]) -> Result<Asked> {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    // In one piece, so that it does not wait for an acknowledgement.
    exchange(address, &[head.as_bytes(), body].concat())
}

/// As [`ask`], without telling the length of the body.
pub(crate) fn ask_chunked(address: SocketAddr, method: &str, target: &str, more: &str, body: &[u8]) -> Result<Asked> {
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{more}\r\n"
    );
    let mut bytes = head.into_bytes();
    for chunk in body.chunks(CHUNK) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    exchange(address, &bytes)
}

fn exchange(address: SocketAddr, request: &[u8]) -> Result<Asked> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(&bytes)?;
    ensure!(parsed.is_complete(), "half an answer");
    let header = |name: &str| {
        let found = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
        found.and_then(|h| std::str::from_utf8(h.value).ok())
    };
    let body = bytes.get(parsed.unwrap()..).unwrap_or_default().to_vec();
    // A host that dies while it writes leaves half of it.
    let whole = header("content-length").is_none_or(|length| length.parse() == Ok(body.len()));
    ensure!(whole, "half a body");
    Ok(Asked { status: response.code.context("no status")?, id: header("x-execution-id").map(str::to_owned), body })
}

/// Asks the admin API, and reads its JSON.
pub(crate) fn admin(address: SocketAddr, token: &str, target: &str) -> Result<Value> {
    let bearer = format!("authorization: Bearer {token}\r\n");
    let asked = ask(address, "GET", &format!("/_admin/v1/{target}"), &bearer, b"")?;
    ensure!(asked.status == 200, "{target}: {} {}", asked.status, String::from_utf8_lossy(&asked.body));
    Ok(serde_json::from_slice(&asked.body)?)
}
