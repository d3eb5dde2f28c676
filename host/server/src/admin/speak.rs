//! What handlers take and give, each with how the OpenAPI document describes it: a handler's own types are both.

use std::future::Future;
use std::io;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::failure::Failure;
use crate::limits::{ADMIN_BODY, BODY_IDLE_TIMEOUT};

/// The body of an answer: whole, or as it comes.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const BYTES: &str = "application/octet-stream";

/// A body that is there.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Pieces of a body that come one by one.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What a handler takes of a request's body.
pub(super) trait Takes: Sized + Send {
    /// The `requestBody` of the OpenAPI document.
    fn describe(generator: &mut SchemaGenerator) -> Option<Value>;

    /// Reads it.
    fn take(headers: &HeaderMap, body: Incoming) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// What a handler gives.
pub(super) trait Gives {
    /// Status, and the response object of the OpenAPI document.
    fn describe(generator: &mut SchemaGenerator) -> (u16, Value);

    /// As a response.
    fn give(self) -> Response<Body>;
}

/// JSON, of a value that has to be there.
pub(super) struct Json<T, const LIMIT: usize = ADMIN_BODY>(pub(super) T);

/// JSON, of a value whose default is meant by an empty body.
pub(super) struct Optional<T>(pub(super) T);

/// The bytes of a body, at most so many.
pub(super) struct Whole<const LIMIT: usize>(pub(super) Bytes);

/// A body that the handler reads itself.
pub(super) struct Raw(pub(super) Incoming);

/// Something that was made.
pub(super) struct Created<T>(pub(super) T);

/// Done, and nothing to say of it.
pub(super) struct Done;

/// A JSON value a line.
pub(super) struct Lines<T> {
    pub(super) pieces: Pieces,
    pub(super) of: std::marker::PhantomData<T>,
}

/// Bytes that are there, or that they are there.
pub(super) struct Package {
    pub(super) bytes: Bytes,
    /// Of a HEAD only this is told.
    pub(super) size: u64,
    pub(super) signed_by: Option<String>,
}

/// A file of this media type, as it is read.
pub(super) struct File<R> {
    pub(super) from: R,
    pub(super) size: u64,
}

impl Takes for () {
    fn describe(_: &mut SchemaGenerator) -> Option<Value> {
        None
    }

    async fn take(_: &HeaderMap, _: Incoming) -> Result<Self, Failure> {
        Ok(())
    }
}

impl<T: DeserializeOwned + JsonSchema + Send, const LIMIT: usize> Takes for Json<T, LIMIT> {
    fn describe(generator: &mut SchemaGenerator) -> Option<Value> {
        let schema = generator.subschema_for::<T>();
        Some(json!({ "required": true, "content": { JSON: { "schema": schema } } }))
    }

    async fn take(headers: &HeaderMap, body: Incoming) -> Result<Self, Failure> {
        is_json(headers)?;
        let bytes = read(headers, body, LIMIT).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default + JsonSchema + Send> Takes for Optional<T> {
    fn describe(generator: &mut SchemaGenerator) -> Option<Value> {
        let schema = generator.subschema_for::<T>();
        Some(json!({ "required": false, "content": { JSON: { "schema": schema } } }))
    }

    async fn take(headers: &HeaderMap, body: Incoming) -> Result<Self, Failure> {
        let bytes = read(headers, body, ADMIN_BODY).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        is_json(headers)?;
        parse(&bytes).map(Self)
    }
}

impl<const LIMIT: usize> Takes for Whole<LIMIT> {
    fn describe(_: &mut SchemaGenerator) -> Option<Value> {
        Some(json!({ "required": true, "content": { BYTES: {} } }))
    }

    async fn take(headers: &HeaderMap, body: Incoming) -> Result<Self, Failure> {
        read(headers, body, LIMIT).await.map(Self)
    }
}

impl Takes for Raw {
    fn describe(_: &mut SchemaGenerator) -> Option<Value> {
        Some(json!({ "required": true, "content": { BACKUP: {} } }))
    }

    async fn take(_: &HeaderMap, body: Incoming) -> Result<Self, Failure> {
        Ok(Self(body))
    }
}

/// Nobody's browser sends this of its own accord: what a form can send is refused.
fn is_json(headers: &HeaderMap) -> Result<(), Failure> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(JSON) {
        return Ok(());
    }
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("this takes JSON: send `Content-Type: {JSON}`")))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::bad(format!("the body is not what this takes: {error}")))
}

/// Reads a body whole.
async fn read(headers: &HeaderMap, body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    let too_large = || {
        let detail = format!("the body is larger than {limit} bytes, the limit of this path");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let mut pieces = pieces(body);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if bytes.len() + piece.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// The pieces of a request's body as they arrive.
pub(super) fn pieces(body: Incoming) -> impl Stream<Item = Result<Bytes, Failure>> + Send + Unpin {
    let late = || Failure::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
    Box::pin(futures_util::stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        loop {
            match tokio::time::timeout(BODY_IDLE_TIMEOUT, body.frame()).await {
                Err(_) => return Some((Err(late()), None)),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some((Err(Failure::bad(format!("the body broke off: {error}"))), None)),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Some((Ok(data), Some(body)));
                    }
                }
            }
        }
    }))
}

/// Of a backup.
pub(super) const BACKUP: &str = "application/vnd.sqlite3";

impl<T: Serialize + JsonSchema, const LIMIT: usize> Gives for Json<T, LIMIT> {
    fn describe(generator: &mut SchemaGenerator) -> (u16, Value) {
        let schema = generator.subschema_for::<T>();
        (200, json!({ "description": "As asked.", "content": { JSON: { "schema": schema } } }))
    }

    fn give(self) -> Response<Body> {
        match serde_json::to_vec(&self.0) {
            Ok(text) => typed(StatusCode::OK, JSON, whole(text)),
            Err(_) => Failure::defect().response(),
        }
    }
}

impl<T: Serialize + JsonSchema> Gives for Created<T> {
    fn describe(generator: &mut SchemaGenerator) -> (u16, Value) {
        let (_, response) = Json::<T>::describe(generator);
        (201, response)
    }

    fn give(self) -> Response<Body> {
        let mut response = Json::<T>(self.0).give();
        if response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::CREATED;
        }
        response
    }
}

impl Gives for Done {
    fn describe(_: &mut SchemaGenerator) -> (u16, Value) {
        (204, json!({ "description": "Done." }))
    }

    fn give(self) -> Response<Body> {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }
}

impl<T: JsonSchema> Gives for Lines<T> {
    fn describe(generator: &mut SchemaGenerator) -> (u16, Value) {
        // What a line is; an empty one says nothing.
        let schema = generator.subschema_for::<T>();
        (
            200,
            json!({ "description": "A value a line, as it comes.", "content": { LINES: { "x-line-schema": schema } } }),
        )
    }

    fn give(self) -> Response<Body> {
        typed(StatusCode::OK, LINES, stream(self.pieces))
    }
}

impl Gives for Package {
    fn describe(_: &mut SchemaGenerator) -> (u16, Value) {
        (200, json!({ "description": "The package.", "content": { BYTES: {} } }))
    }

    fn give(self) -> Response<Body> {
        let mut response = typed(StatusCode::OK, BYTES, whole(self.bytes));
        response.headers_mut().insert(CONTENT_LENGTH, self.size.into());
        if let Some(name) = self.signed_by.and_then(|name| HeaderValue::from_str(&name).ok()) {
            response.headers_mut().insert("auricle-signed-by", name);
        }
        response
    }
}

impl<R: AsyncRead + Send + 'static> Gives for File<R> {
    fn describe(_: &mut SchemaGenerator) -> (u16, Value) {
        (200, json!({ "description": "The file.", "content": { BACKUP: {} } }))
    }

    fn give(self) -> Response<Body> {
        let pieces: Pieces = Box::pin(ReaderStream::with_capacity(self.from, 256 << 10));
        let mut response = typed(StatusCode::OK, BACKUP, stream(pieces));
        response.headers_mut().insert(CONTENT_LENGTH, self.size.into());
        response
    }
}

fn stream(pieces: Pieces) -> Body {
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// An answer that nobody may keep.
fn typed(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
