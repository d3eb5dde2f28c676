//! One request as bytes, and what its answer has to be.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};

/// What every contestant gets, and has to send back.
pub(crate) const BODY: &str = r#"{"Id":"001000000000001AAA","Name":"Acme","BillingCountry":"DE"}"#;

/// Headers of an answer; more is an error.
const HEADERS: usize = 32;

/// A request and the answer that it should get.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) address: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// What the answer's body may be. Empty: anything.
    pub(crate) bodies: Vec<Vec<u8>>,
    /// Whose latency is told apart from whose.
    pub(crate) group: usize,
}

/// Where an answer ends, and what was wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) length: usize,
    pub(crate) wrong: Option<String>,
}

impl Call {
    /// A POST of [`BODY`] that is echoed.
    pub(crate) fn echo(address: SocketAddr, target: &str) -> Self {
        let head =
            format!("POST {target} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ");
        let bytes = format!("{head}{}\r\n\r\n{BODY}", BODY.len()).into_bytes();
        Self { address, bytes, status: 200, bodies: vec![BODY.into()], group: 0 }
    }

    /// The same with other answers that are right.
    pub(crate) fn answering<const N: usize>(self, bodies: [&str; N]) -> Self {
        Self { bodies: bodies.map(|body| body.as_bytes().to_vec()).into(), ..self }
    }

    /// A POST of [`BODY`] that has to fail with a status.
    pub(crate) fn failing(address: SocketAddr, target: &str, status: u16) -> Self {
        Self { status, bodies: Vec::new(), ..Self::echo(address, target) }
    }

    /// A GET of the path that tells whether a host is ready.
    pub(crate) fn ready(address: SocketAddr) -> Self {
        let bytes = b"GET /_admin/status HTTP/1.1\r\nhost: bench\r\n\r\n".to_vec();
        Self { address, bytes, status: 200, bodies: Vec::new(), group: 0 }
    }

    /// Looks at what has come so far; none while the answer is not whole.
    pub(crate) fn judge(&self, bytes: &[u8]) -> Result<Option<Answer>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head) = response.parse(bytes).context("the answer is no HTTP")? else {
            return Ok(None);
        };
        let Some(length) = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length")) else {
            bail!("an answer without a length: {:?}", String::from_utf8_lossy(bytes));
        };
        let length = head + std::str::from_utf8(length.value)?.parse::<usize>()?;
        ensure!(length < 1 << 20, "an answer of {length} bytes");
        let Some(body) = bytes.get(head..length) else { return Ok(None) };
        let status = response.code.unwrap_or_default();
        let right = status == self.status && (self.bodies.is_empty() || self.bodies.iter().any(|right| right == body));
        let wrong = (!right).then(|| String::from_utf8_lossy(bytes).into_owned());
        Ok(Some(Answer { length, wrong }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(call: &Call, answer: &str) -> Option<Answer> {
        call.judge(answer.as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_is_judged_when_it_is_whole() {
        let call = Call::echo(([127, 0, 0, 1], 1).into(), "/echo");
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
        for cut in [0, 10, whole.len() - 1] {
            assert_eq!(judge(&call, &whole[..cut]), None);
        }
        assert_eq!(judge(&call, &whole), Some(Answer { length: whole.len(), wrong: None }));
    }

    #[test]
    fn what_is_not_the_echo_is_wrong() {
        let call = Call::echo(([127, 0, 0, 1], 1).into(), "/echo");
        for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"]
        {
            assert_eq!(judge(&call, answer).unwrap().wrong.as_deref(), Some(answer));
        }
        assert!(call.judge(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        let trap = Call::failing(([127, 0, 0, 1], 1).into(), "/trap", 500);
        assert_eq!(judge(&trap, "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").unwrap().wrong, None);
    }
}
