//! Asks a host's admin API: JSON there and back, files in pieces, answers of many lines.

use anyhow::Context as _;
use auricle::admin::{BASE, Problem};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Lines, RemoteError, Sending, Token};
use crate::web;

/// Bytes of one answer that is taken as a whole.
const ANSWER_BYTES: usize = 1 << 30;

/// What stays as it is in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

type Body = Either<Full<Bytes>, Sending>;

/// Asks one host.
pub(crate) struct Client {
    http: web::Client<Body>,
    server: String,
    authorization: Option<HeaderValue>,
    /// Where the token came from.
    token: Option<String>,
}

/// One segment of a path, whatever characters it has.
pub(crate) fn segment(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, SEGMENT)
}

impl Client {
    pub(super) fn new(server: String, token: Option<Token>) -> anyhow::Result<Self> {
        let authorization = token.as_ref().map(|token| {
            let value = HeaderValue::try_from(format!("Bearer {}", token.text));
            value.map(|mut value| {
                value.set_sensitive(true);
                value
            })
        });
        let authorization = authorization.transpose().context("the token has characters that no token has")?;
        Ok(Self { http: web::client()?, server, authorization, token: token.map(|token| token.origin) })
    }

    /// Where the host is.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What is there.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RemoteError> {
        self.call(Method::GET, path, Either::Left(Full::default())).await
    }

    /// The same with a query.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> anyhow::Result<T> {
        Ok(self.get(&with_query(path, query)?).await?)
    }

    /// Whether it is there.
    pub(crate) async fn has(&self, path: &str) -> Result<bool, RemoteError> {
        match self.answer(self.request(Method::HEAD, path, Either::Left(Full::default()))).await {
            Ok(_) => Ok(true),
            Err(RemoteError::Refused { problem }) if problem.status == StatusCode::NOT_FOUND => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for a change.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> anyhow::Result<T> {
        Ok(self.call(Method::POST, path, json(value)?).await?)
    }

    /// Asks for a change of which there is nothing to tell.
    pub(crate) async fn post_nothing(&self, path: &str) -> Result<(), RemoteError> {
        self.answer(self.request(Method::POST, path, Either::Left(Full::default()))).await.map(drop)
    }

    /// Sets something.
    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> anyhow::Result<T> {
        Ok(self.call(Method::PUT, path, json(value)?).await?)
    }

    /// Takes something away; the answer says more.
    pub(crate) async fn take<T: DeserializeOwned>(&self, path: &str) -> Result<T, RemoteError> {
        self.call(Method::DELETE, path, Either::Left(Full::default())).await
    }

    /// Takes something away.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), RemoteError> {
        self.answer(self.request(Method::DELETE, path, Either::Left(Full::default()))).await.map(drop)
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        bytes: Sending,
    ) -> Result<(), RemoteError> {
        let mut request = self.request(method, path, Either::Right(bytes));
        let octets = HeaderValue::from_static("application/octet-stream");
        request.headers_mut().insert(header::CONTENT_TYPE, octets);
        request.headers_mut().extend(headers);
        self.answer(request).await.map(drop)
    }

    /// Bytes as they come.
    pub(crate) async fn receive(&self, path: &str) -> Result<Incoming, RemoteError> {
        let answer = self.answer(self.request(Method::GET, path, Either::Left(Full::default()))).await?;
        Ok(answer.into_body())
    }

    /// An answer of many lines to a question.
    pub(crate) async fn lines(&self, path: &str, query: &impl Serialize) -> anyhow::Result<Lines> {
        let body = self.receive(&with_query(path, query)?).await?;
        Ok(Lines::new(self.server.clone(), body))
    }

    /// An answer of many lines to something that is asked for.
    pub(crate) async fn post_lines(&self, path: &str, value: &impl Serialize) -> anyhow::Result<Lines> {
        let answer = self.answer(self.request(Method::POST, path, json(value)?)).await?;
        Ok(Lines::new(self.server.clone(), answer.into_body()))
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, RemoteError> {
        let answer = self.answer(self.request(method, path, body)).await?;
        let body = self.whole(answer.into_body()).await?;
        serde_json::from_slice(&body).map_err(|error| self.broken(error.to_string()))
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let is_json = matches!(&body, Either::Left(full) if http_body::Body::size_hint(full).exact() != Some(0));
        let mut request = Request::new(body);
        *request.method_mut() = method;
        // A path that could be none is refused by the connection.
        *request.uri_mut() = format!("{}{BASE}/{path}", self.server).parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("auricle/", env!("CARGO_PKG_VERSION"))));
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if is_json {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request
    }

    /// An answer that is a success.
    async fn answer(&self, request: Request<Body>) -> Result<Response<Incoming>, RemoteError> {
        let answer = self.http.request(request).await.map_err(|error| {
            let (server, why) = (self.server.clone(), causes(&error));
            if error.is_connect() { RemoteError::NoAnswer { server, why } } else { RemoteError::Broken { server, why } }
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refusal(answer).await)
    }

    async fn refusal(&self, answer: Response<Incoming>) -> RemoteError {
        let status = answer.status();
        let body = match self.whole(answer.into_body()).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        // The answer to a HEAD has no body, and a proxy on the way speaks otherwise.
        let problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: format!("the host answered {status}"),
            ..Problem::default()
        });
        let (server, token, problem) = (self.server.clone(), self.token.clone(), Box::new(problem));
        match status {
            StatusCode::UNAUTHORIZED => RemoteError::Unknown { server, token, problem },
            StatusCode::FORBIDDEN => RemoteError::Forbidden { server, token, problem },
            _ => RemoteError::Refused { problem },
        }
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, RemoteError> {
        let collected = Limited::new(body, ANSWER_BYTES).collect().await;
        collected.map(http_body_util::Collected::to_bytes).map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, why: String) -> RemoteError {
        RemoteError::Broken { server: self.server.clone(), why }
    }
}

fn json(value: &impl Serialize) -> anyhow::Result<Body> {
    let text = serde_json::to_vec(value).context("cannot write the request as JSON")?;
    Ok(Either::Left(Full::from(text)))
}

/// A path with what is asked of it.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> anyhow::Result<String> {
    let query = serde_urlencoded::to_string(query).context("cannot write the query")?;
    Ok(if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
}

/// What went wrong at the bottom: that tells more than that something did.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
