//! An HTTP/1.1 client that hides nothing: write bytes, read a response.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What no answer of a test should take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A connection.
#[derive(Debug)]
pub struct Wire(BufReader<TcpStream>);

impl Wire {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Writes bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Writes bytes that the server may no longer want.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        // A server that has refused already closes its end.
        let _ = self.0.get_mut().write_all(bytes.as_ref());
        self
    }

    /// Ends what is sent; answers can still be read.
    pub fn end(&mut self) -> &mut Self {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Reads one response with its body.
    #[track_caller]
    pub fn read(&mut self) -> Response {
        let mut response = self.read_head();
        response.body = match (response.header("content-length"), response.header("transfer-encoding")) {
            (Some(length), _) => {
                let mut body = vec![0; length.parse().unwrap()];
                self.0.read_exact(&mut body).unwrap();
                body
            }
            (None, Some(coding)) => panic!("the host sends whole bodies, and this one is {coding}"),
            (None, None) => Vec::new(),
        };
        response
    }

    /// Reads the head of a response: all that there is of the answer to a HEAD.
    #[track_caller]
    pub fn read_head(&mut self) -> Response {
        let status = self.line();
        let mut words = status.splitn(3, ' ');
        assert_eq!(words.next(), Some("HTTP/1.1"), "{status:?}");
        let status = words.next().unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return Response { status, headers, body: Vec::new() };
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Whether the server has closed its end and sent nothing more.
    pub fn is_closed(&mut self) -> bool {
        match self.0.fill_buf() {
            Ok(more) => more.is_empty(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).unwrap();
        let line = line.strip_suffix(b"\r\n").unwrap_or_else(|| panic!("the connection ended at {line:?}"));
        String::from_utf8(line.to_owned()).unwrap()
    }
}

/// A request on a connection of its own.
#[derive(Debug)]
#[must_use]
pub struct Request {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request without headers of its own and without body.
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self { address, method: method.into(), target: target.into(), headers: Vec::new(), body: None }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Some(body.as_ref().into());
        self
    }

    /// Sends it and reads the answer.
    #[track_caller]
    pub fn send(self) -> Response {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if let Some(body) = &self.body {
            bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(self.body.unwrap_or_default());
        let mut wire = Wire::open(self.address);
        wire.send(bytes);
        if self.method == "HEAD" { wire.read_head() } else { wire.read() }
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, as sent.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers of a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON of a response that has this status.
    #[track_caller]
    pub fn json_of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body as JSON, of a 200.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.json_of(200)
    }

    /// The problem of RFC 9457 that it is, with this status inside and outside.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Problem {
        let problem = self.json_of(status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        assert_eq!(problem["status"], status, "{self}");
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        Problem { title: text("title"), detail: text("detail"), members: problem }
    }

    /// The target of the `Link` to the next page, from its path on.
    pub fn next(&self) -> Option<String> {
        let link = self.header("link")?.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
        let (_, rest) = link.split_once("//")?;
        rest.find('/').and_then(|path| rest.get(path..)).map(str::to_owned)
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

/// An error as a client reads it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind of problem.
    pub title: String,
    /// What happened this time.
    pub detail: String,
    /// All of it.
    pub members: Value,
}
