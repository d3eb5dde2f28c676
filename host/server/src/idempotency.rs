//! `Idempotency-Key` (the IETF's draft-ietf-httpapi-idempotency-key-header): a request that is sent again is not run again,
//! but answered as the first time.
//!
//! The key is taken in the store before the process runs, and is good for one method and path and one body. What is kept is an
//! answer below 500: after a failure, the same request runs anew. Costs two durable writes a request that has a key.

use std::time::SystemTime;

use auricle_model::{Execution, ExecutionId};
use auricle_store::{Claim, Digest, IdempotencyKey, StoreError};
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::kept;
use crate::limits::{HEAVY_BYTES, IDEMPOTENCY_LIFETIME, IDEMPOTENCY_MARGIN};
use crate::promise::{self, Given};
use crate::reply::{Answer, Asked, unhindered_by};
use crate::respond::{self, Refusal, Settled};
use crate::soap;
use crate::wishes::Patience;

/// Bytes of a path that is kept as it is; of a longer one its digest is.
const LONGEST_PATH: usize = 512;

/// What a request says: the same under one key, or it is another request.
pub(crate) fn digest(head: &Parts, body: &[u8]) -> Digest {
    let body = unhindered_by(body.len() > HEAVY_BYTES, || Digest::of(body));
    let media_type = head.headers.get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
    let said = [body.to_string().as_bytes(), head.uri.query().unwrap_or_default().as_bytes(), media_type].join(&b'\n');
    Digest::of(&said)
}

/// Answers a request that has a key. In a task of its own: its caller may go away, ask again, and then wants the answer.
pub(crate) async fn once(
    asked: Asked,
    execution: Execution,
    key: String,
    digest: Digest,
    patience: Option<Patience>,
) -> Answer {
    let path = asked.head.uri.path();
    let path = if path.len() > LONGEST_PATH { &Digest::of(path.as_bytes()).to_string() } else { path };
    let key = IdempotencyKey {
        environment: asked.host.config.environment.clone(),
        user: String::new(),
        route: format!("{} {path}", asked.head.method),
        key,
    };
    let answering = tokio::spawn(claim(asked, execution, key, digest, patience));
    answering.await.unwrap_or_else(|_| Err(Box::new(Refusal::Panicked)))
}

async fn claim(
    asked: Asked,
    execution: Execution,
    key: IdempotencyKey,
    digest: Digest,
    patience: Option<Patience>,
) -> Answer {
    let (host, id) = (asked.host.clone(), execution.id);
    let spoken = asked.found.endpoint.soap.as_ref().map(|(version, _)| *version);
    let most = asked.active.processes.get(&execution.process).map(|listener| listener.decl().limits.timeout);
    // As long as it may run, and some more to wait for its turn and to be noted.
    let lease = SystemTime::now() + most.unwrap_or_default() + IDEMPOTENCY_MARGIN;
    let claimed = host.store.claim(&key, digest, id, lease).await;
    match claimed.map_err(|why| Refusal::KeyNotTaken { why })? {
        Claim::New => {}
        Claim::InFlight(first) => return Err(Box::new(Refusal::InFlight { first })),
        Claim::OtherBody => return Err(Box::new(Refusal::OtherBody)),
        Claim::Answered(kept) => return Ok(respond::replayed(kept::response(kept))),
    }
    let Given { answer, kept } = promise::carry_out(asked, execution, patience, Some(&key)).await;
    if kept {
        return answer;
    }
    let noted = match &answer {
        Ok(response) if !response.status().is_server_error() || response.extensions().get::<Settled>().is_some() => {
            // Better no answer than a second run.
            let not_kept = || respond::refuse(soap::in_version(spoken, Refusal::NotKept { id }));
            let kept = kept::answer(response).or_else(|| kept::answer(&not_kept()));
            match kept {
                Some(kept) => host.store.answered(&key, id, kept, until()).await,
                None => host.store.release(&key, id).await,
            }
        }
        _ => host.store.release(&key, id).await,
    };
    noted.unwrap_or_else(|error| not_noted(id, &error));
    answer
}

/// Until when an answer is kept that is given now.
pub(crate) fn until() -> SystemTime {
    SystemTime::now() + IDEMPOTENCY_LIFETIME
}

/// The answer is given all the same: the process has run.
fn not_noted(id: ExecutionId, error: &StoreError) {
    tracing::error!(%id, %error, "the answer of a request with `Idempotency-Key` could not be kept: sent again, it may run again");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says_is_its_body_its_query_and_its_type() {
        let digest = |target: &str, media_type: &str, body: &str| {
            let request = http::Request::post(target).header(CONTENT_TYPE, media_type).header("x", body);
            digest(&request.body(()).unwrap().into_parts().0, body.as_bytes())
        };
        let first = digest("/a?b", "text/plain", "body");
        assert_eq!(first, digest("/a?b", "text/plain", "body"));
        for other in [
            digest("/a?b", "text/plain", "other"),
            digest("/a?c", "text/plain", "body"),
            digest("/a?b", "text/csv", "body"),
            digest("/a", "text/plain", "body"),
        ] {
            assert_ne!(first, other);
        }
    }
}
