//! What a caller is told who does not wait: where its result will be, and then what it came to.

use std::time::Duration;

use auricle_model::ExecutionId;
use auricle_store::{KeptAnswer, QueueState, QueueStatus};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

use super::{insert, insert_id, retry_after};

/// Where the status of an execution is told that its caller did not wait for.
const X_EXECUTION_STATUS_LINK: HeaderName = HeaderName::from_static("x-execution-status-link");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The answer to a caller who does not wait: where its result will be.
pub(crate) fn later(id: ExecutionId, link: &str, preferred: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    insert_id(headers, id);
    insert(headers, X_EXECUTION_STATUS_LINK, link);
    insert(headers, LOCATION, link);
    if preferred {
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"));
    }
    response
}

/// Where an execution stands, with its result as soon as there is one.
pub(crate) fn execution(id: ExecutionId, status: QueueStatus, wait: Option<Duration>) -> Response<Full<Bytes>> {
    let (state, over) = match status.state {
        QueueState::Queued => ("queued", false),
        QueueState::Running => ("running", false),
        QueueState::Done => ("done", true),
        QueueState::Failed => ("failed", true),
    };
    let mut body = serde_json::json!({ "id": id, "state": state, "attempt": status.attempt });
    if let (Some(result), Some(members)) = (status.result.filter(|_| over), body.as_object_mut()) {
        members.insert("result".to_owned(), result_json(&result));
    }
    let mut response = Response::new(Full::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    insert_id(headers, id);
    if !over {
        retry_after(headers, Duration::from_secs(1));
    }
    if let Some(wait) = wait {
        insert(headers, PREFERENCE_APPLIED, &format!("wait={}", wait.as_secs()));
    }
    response
}

/// An answer as JSON: its body as text where it is UTF-8, else in base64. Headers are pairs, since some come twice.
fn result_json(answer: &KeptAnswer) -> serde_json::Value {
    let KeptAnswer { status, headers, body } = answer;
    match std::str::from_utf8(body) {
        Ok(body) => serde_json::json!({ "status": status, "headers": headers, "body": body }),
        Err(_) => serde_json::json!({ "status": status, "headers": headers, "base64": BASE64_STANDARD.encode(body) }),
    }
}
