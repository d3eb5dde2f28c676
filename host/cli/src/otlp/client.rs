//! The HTTP client that traces are sent by. The exporter's thread is not one of the runtime's, so the work is done in a task
//! there.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::web;

/// The longest that an exchange may take: OpenTelemetry's default.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer; a collector says little.
const ANSWER_BYTES: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: web::Client<Full<Bytes>>,
    runtime: Handle,
}

impl Client {
    pub(super) fn new(runtime: Handle) -> anyhow::Result<Self> {
        Ok(Self { http: web::client()?, runtime })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let exchange = async move {
            let (head, body) = http.request(request.map(Full::new)).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        // The clock too is the runtime's.
        self.runtime.spawn(async move { timeout(PATIENCE, exchange).await }).await??
    }
}
