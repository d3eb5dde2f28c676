//! Calls to other servers on a tape: how they are asked, and what of an answer is noted and given back.
//!
//! An answer of `wasi:http` reaches the guest piece by piece. Each piece is noted as it is read, and a replay gives the same
//! pieces; one that the guest did not read then is not there to be read now.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, vec};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use super::RESPONSE_BYTES;
use super::exchange::WatchedBody;
use super::fault::{Fault, Stage};
use crate::bindings::auricle::process::http_client::{HttpError, HttpErrorKind};
use crate::tape::{Deck, Note, as_blob, fingerprint};

/// Where the pieces of a body are in what is noted of an answer.
const PIECES: &str = "/Ok/body";

/// A request as it is asked. Headers and body are told by their fingerprint alone: they may hold secrets.
pub(super) fn asked<'a>(
    method: &str,
    url: &str,
    headers: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
    body: &'a [u8],
) -> String {
    let number = headers.len();
    let print = fingerprint(headers.flat_map(|(name, value)| [name, value]).chain([body]));
    format!("{method} {url}, {number} headers and {} bytes, {print}", body.len())
}

/// The same for `wasi:http`, whose body is written after the question.
pub(super) fn asked_head(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect();
    asked(method.as_str(), &uri.to_string(), headers.into_iter(), b"")
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HttpError")]
struct HttpErrorForm {
    #[serde(with = "HttpErrorKindForm")]
    kind: HttpErrorKind,
    message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HttpErrorKind", rename_all = "kebab-case")]
enum HttpErrorKindForm {
    NotGranted,
    InvalidRequest,
    Unreachable,
    Timeout,
    TooLarge,
    Protocol,
}

impl Serialize for HttpError {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        HttpErrorForm::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for HttpError {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        HttpErrorForm::deserialize(from)
    }
}

/// For a status in a field: `#[serde(with = "as_number")]`.
pub(super) mod as_number {
    use http::StatusCode;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(in crate::outgoing) fn serialize<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(status.as_u16())
    }

    pub(in crate::outgoing) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
        StatusCode::from_u16(u16::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What a guest of `wasi:http` is told of a fault: one code each, as the runtime gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Code {
    NotAllowed,
    Private,
    Invalid,
    NoSuchName,
    NoAddress,
    Refused,
    Tls,
    TooManyCalls,
    ConnectTimeout,
    HeadTimeout,
    BodyTimeout,
    TooLarge,
    Broken,
}

impl From<&Fault> for Code {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::NotAllowed(_) => Self::NotAllowed,
            Fault::Private(_) => Self::Private,
            Fault::Invalid(_) => Self::Invalid,
            Fault::Name { .. } => Self::NoSuchName,
            Fault::Connect { error, .. } if error.kind() == io::ErrorKind::AddrNotAvailable => Self::NoAddress,
            Fault::Connect { .. } => Self::Refused,
            Fault::Tls { .. } => Self::Tls,
            Fault::Timeout(Stage::Waiting) => Self::TooManyCalls,
            Fault::Timeout(Stage::Connecting) => Self::ConnectTimeout,
            Fault::Timeout(Stage::Head) => Self::HeadTimeout,
            Fault::Timeout(Stage::Body) => Self::BodyTimeout,
            Fault::TooLarge => Self::TooLarge,
            Fault::Broken(_) => Self::Broken,
        }
    }
}

impl From<Code> for WasiError {
    fn from(code: Code) -> Self {
        match code {
            Code::NotAllowed => Self::HttpRequestDenied,
            Code::Private => Self::DestinationIpProhibited,
            Code::Invalid => Self::HttpRequestUriInvalid,
            Code::NoSuchName => Self::DnsError { rcode: None, info_code: None },
            Code::NoAddress => Self::DnsError { rcode: Some("address not available".into()), info_code: None },
            Code::Refused => Self::ConnectionRefused,
            Code::Tls => Self::TlsProtocolError,
            Code::TooManyCalls => Self::ConnectionLimitReached,
            Code::ConnectTimeout => Self::ConnectionTimeout,
            Code::HeadTimeout => Self::HttpResponseTimeout,
            Code::BodyTimeout => Self::ConnectionReadTimeout,
            Code::TooLarge => Self::HttpResponseBodySize(Some(RESPONSE_BYTES)),
            Code::Broken => Self::HttpProtocolError,
        }
    }
}

/// Names and values of headers; the bytes of a value as the characters of Latin-1, which has one for each.
type Fields = Vec<(String, String)>;

fn fields(headers: &HeaderMap) -> Fields {
    let text = |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// None if it is not what [`fields`] makes.
fn headers(fields: Fields) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let bytes = value.chars().map(u8::try_from).collect::<Result<Vec<_>, _>>().ok()?;
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(bytes).ok()?);
    }
    Some(headers)
}

/// An answer of `wasi:http`.
#[derive(Serialize, Deserialize)]
pub(super) struct Reply {
    #[serde(with = "as_number")]
    status: StatusCode,
    headers: Fields,
    body: Vec<Piece>,
}

/// What came when the guest read on.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Piece {
    Data(#[serde(with = "as_blob")] Bytes),
    Trailers(Fields),
    End,
    Failed(Code),
}

/// Notes an answer, and the pieces of its body as they are read.
pub(super) fn recorded(
    note: Note,
    answered: Result<Response<WatchedBody>, Fault>,
) -> Result<Response<WasiBody>, WasiError> {
    match answered {
        Ok(response) => {
            let reply = Reply { status: response.status(), headers: fields(response.headers()), body: Vec::new() };
            note.keep(&Ok::<_, Code>(reply));
            Ok(response.map(|body| RecordedBody { body, note }.boxed_unsync()))
        }
        Err(fault) => {
            tracing::debug!("a wasi:http call that is recorded failed: {fault}");
            let code = Code::from(&fault);
            note.keep(&Err::<Reply, _>(code));
            Err(code.into())
        }
    }
}

struct RecordedBody {
    body: WatchedBody,
    note: Note,
}

impl Body for RecordedBody {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let (piece, frame) = match polled {
            None => (Some(Piece::End), None),
            Some(Err(fault)) => {
                let code = Code::from(&fault);
                (Some(Piece::Failed(code)), Some(Err(code.into())))
            }
            Some(Ok(frame)) => {
                let data = frame.data_ref().cloned().map(Piece::Data);
                let piece = data.or_else(|| frame.trailers_ref().map(|trailers| Piece::Trailers(fields(trailers))));
                (piece, Some(Ok(frame)))
            }
        };
        if let Some(piece) = piece {
            self.note.add(PIECES, &piece);
        }
        Poll::Ready(frame)
    }
}

/// The answer that the tape has.
pub(super) fn played(reply: Result<Reply, Code>, deck: &Deck) -> Result<Response<WasiBody>, WasiError> {
    let Reply { status, headers: fields, body } = reply?;
    let headers = headers(fields).ok_or_else(|| diverged(deck, "the tape has headers that can't be read"))?;
    let body = PlayedBody { pieces: body.into_iter(), ended: false, deck: deck.clone() };
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Reads what a guest sends, as a server would have done: otherwise the guest would wait for it.
pub(super) fn swallow(request: Request<WasiBody>) {
    let mut body = request.into_body();
    tokio::spawn(async move { while let Some(Ok(_)) = body.frame().await {} });
}

/// A divergence where no call can fail: the execution ends when it next asks for anything, or as soon as it is over.
fn diverged(deck: &Deck, why: &str) -> WasiError {
    deck.diverge(why);
    WasiError::InternalError(Some(why.to_owned()))
}

struct PlayedBody {
    pieces: vec::IntoIter<Piece>,
    ended: bool,
    deck: Deck,
}

impl Body for PlayedBody {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        let unread = "it read further in an answer than the recorded execution did";
        Poll::Ready(match self.pieces.next() {
            Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Trailers(fields)) => {
                let unreadable = || diverged(&self.deck, "the tape has trailers that can't be read");
                Some(headers(fields).map(Frame::trailers).ok_or_else(unreadable))
            }
            Some(Piece::Failed(code)) => {
                self.ended = true;
                Some(Err(code.into()))
            }
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None if self.ended => None,
            None => Some(Err(diverged(&self.deck, unread))),
        })
    }
}
