//! An answer of many lines, each one JSON value (`application/x-ndjson`), as they come.

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::RemoteError;

/// The lines of one answer.
pub(crate) struct Lines {
    server: String,
    body: Incoming,
    /// What came and was not given yet.
    rest: BytesMut,
}

impl Lines {
    pub(super) fn new(server: String, body: Incoming) -> Self {
        Self { server, body, rest: BytesMut::new() }
    }

    /// The next one; none at the end.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, RemoteError> {
        loop {
            while let Some(line) = self.line() {
                if !line.trim_ascii().is_empty() {
                    return self.read(&line).map(Some);
                }
            }
            let Some(frame) = self.body.frame().await else {
                let last = self.rest.split().freeze();
                return if last.trim_ascii().is_empty() { Ok(None) } else { self.read(&last).map(Some) };
            };
            let frame = frame.map_err(|error| self.broken(super::client::causes(&error)))?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }

    fn line(&mut self) -> Option<Bytes> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.rest.split_to(end).freeze();
        self.rest.advance(1);
        Some(line)
    }

    fn read<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, RemoteError> {
        serde_json::from_slice(line).map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, why: String) -> RemoteError {
        RemoteError::Broken { server: self.server.clone(), why }
    }
}
