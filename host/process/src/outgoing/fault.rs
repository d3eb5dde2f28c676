//! Why a call came to nothing, in the words of both interfaces.

use std::io;

use wasmtime_wasi_http::Error as WasiError;

use crate::bindings::auricle::process::http_client::HttpErrorKind;

/// A call that has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No rule names the server.
    #[error("`{0}` is not in allow-hosts of this process; add it in the manifest: allow-hosts = [\"{0}\"]")]
    NotAllowed(String),
    /// A rule does, but it is at a private address.
    #[error(
        "`{0}` is at a private address; if that is meant, write {{ host = \"{0}\", private = true }} in allow-hosts of this process in the manifest"
    )]
    Private(String),
    /// The request itself can't be sent.
    #[error("{0}")]
    Invalid(String),
    /// No such name.
    #[error("the name `{host}` can't be looked up: {error}")]
    Name {
        /// The name.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// No connection.
    #[error("`{server}` can't be reached: {error}")]
    Connect {
        /// Scheme, host and port.
        server: String,
        /// What the system said of the last address tried.
        error: io::Error,
    },
    /// No TLS.
    #[error("no secure connection to `{server}`: {error}")]
    Tls {
        /// Scheme, host and port.
        server: String,
        /// What is wrong.
        error: io::Error,
    },
    /// Out of time.
    #[error("out of time while {0}")]
    Timeout(Stage),
    /// The answer's body is too large.
    #[error("the answer is larger than {} MiB", super::RESPONSE_BYTES >> 20)]
    TooLarge,
    /// The answer broke off, or is no HTTP.
    #[error("the answer broke off or is no HTTP: {0}")]
    Broken(hyper::Error),
}

/// What a call was doing when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Waiting for other calls of the process.
    Waiting,
    /// Looking up the name, connecting, TLS.
    Connecting,
    /// Waiting for the head of the answer.
    Head,
    /// Reading the body.
    Body,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for other calls of the process to end",
            Self::Connecting => "connecting",
            Self::Head => "waiting for the answer",
            Self::Body => "reading the answer",
        })
    }
}

impl Fault {
    /// In the words of `http-client`.
    pub(super) fn kind(&self) -> HttpErrorKind {
        match self {
            Self::NotAllowed(_) | Self::Private(_) => HttpErrorKind::NotGranted,
            Self::Invalid(_) => HttpErrorKind::InvalidRequest,
            Self::Name { .. } | Self::Connect { .. } | Self::Tls { .. } => HttpErrorKind::Unreachable,
            Self::Timeout(_) => HttpErrorKind::Timeout,
            Self::TooLarge => HttpErrorKind::TooLarge,
            Self::Broken(_) => HttpErrorKind::Protocol,
        }
    }
}

impl From<Fault> for WasiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotAllowed(_) => Self::HttpRequestDenied,
            Fault::Private(_) => Self::DestinationIpProhibited,
            Fault::Invalid(_) => Self::HttpRequestUriInvalid,
            Fault::Name { .. } => Self::DnsError { rcode: None, info_code: None },
            Fault::Connect { error, .. } if error.kind() == io::ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            Fault::Connect { error, .. } => Self::Connect(error),
            Fault::Tls { error, .. } => Self::Tls(error),
            Fault::Timeout(Stage::Waiting) => Self::ConnectionLimitReached,
            Fault::Timeout(Stage::Connecting) => Self::ConnectionTimeout,
            Fault::Timeout(Stage::Head) => Self::HttpResponseTimeout,
            Fault::Timeout(Stage::Body) => Self::ConnectionReadTimeout,
            Fault::TooLarge => Self::HttpResponseBodySize(Some(super::RESPONSE_BYTES)),
            Fault::Broken(error) => Self::Hyper(error),
        }
    }
}
