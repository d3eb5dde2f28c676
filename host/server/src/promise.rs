//! Answers that do not wait for the process, or not for long: receipts, and links to a result that comes later.
//!
//! An execution whose caller has lost patience goes on where it is. It is in the store, as running, before the caller is told
//! where to look; from then on it is promised, and runs again should the host die.

use auricle_model::Execution;
use auricle_store::{Digest, IdempotencyKey};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::idempotency;
use crate::kept;
use crate::queue::{Promise, Queue};
use crate::reply::{Answer, Asked};
use crate::respond::{self, Refusal};
use crate::status_link;
use crate::wishes::{Patience, Wishes};

/// An answer, and whether it is kept under its request's key already.
pub(crate) struct Given {
    pub(crate) answer: Answer,
    pub(crate) kept: bool,
}

/// Answers a request that asks for more than the process.
pub(crate) async fn answer(asked: Asked, execution: Execution, wishes: Wishes, digest: Option<Digest>) -> Answer {
    match wishes.key.zip(digest) {
        Some((key, digest)) => idempotency::once(asked, execution, key, digest, wishes.patience).await,
        None => carry_out(asked, execution, wishes.patience, None).await.answer,
    }
}

/// Has an execution run, now or later, and gives what its caller is told now.
pub(crate) async fn carry_out(
    asked: Asked,
    execution: Execution,
    patience: Option<Patience>,
    key: Option<&IdempotencyKey>,
) -> Given {
    if execution.operation.is_receipt() {
        let receipt = respond::receipt(execution.id, &asked.found.endpoint, asked.told.addressing.as_deref());
        return accepted(&asked, execution, false, receipt, key).await;
    }
    match patience {
        None => Given { answer: asked.run(execution).await, kept: false },
        Some(patience) if patience.most.is_zero() => {
            let later = later(&asked, &execution, patience);
            accepted(&asked, execution, true, later, key).await
        }
        Some(patience) => patient(asked, execution, patience, key).await,
    }
}

/// Queues an execution and gives the answer that says so.
async fn accepted(
    asked: &Asked,
    execution: Execution,
    keeps_result: bool,
    response: Response<Full<Bytes>>,
    key: Option<&IdempotencyKey>,
) -> Given {
    let id = execution.id;
    let promise = promise(keeps_result, &response, key);
    match Queue::accept(&asked.host, asked.active.clone(), execution, promise).await {
        Ok(()) => Given { answer: Ok(response), kept: true },
        Err(why) => Given { answer: Err(Box::new(Refusal::NotQueued { id, why })), kept: false },
    }
}

fn promise(keeps_result: bool, response: &Response<Full<Bytes>>, key: Option<&IdempotencyKey>) -> Promise {
    let answered = key.cloned().zip(kept::answer(response));
    Promise { keeps_result, answered: answered.map(|(key, answer)| (key, answer, idempotency::until())) }
}

/// Runs an execution as long as its caller waits, and from then on without it.
async fn patient(asked: Asked, execution: Execution, patience: Patience, key: Option<&IdempotencyKey>) -> Given {
    let (active, running) = (asked.active.clone(), execution.clone());
    let mut running = Box::pin(async move { active.processes.run(running).await });
    if let Ok(outcome) = timeout(patience.most, &mut running).await {
        return Given { answer: asked.ended(outcome).await, kept: false };
    }
    let later = later(&asked, &execution, patience);
    let promise = promise(true, &later, key);
    let (tell, told) = oneshot::channel();
    // In a task of its own, so that a caller who goes away now changes nothing.
    tokio::spawn(async move {
        let mut tell = Some(tell);
        let promised = || {
            if let Some(tell) = tell.take() {
                // Nobody may be there any more.
                let _ = tell.send(Given { answer: Ok(later), kept: true });
            }
        };
        let ended = Queue::adopt(&asked.host, &asked.active, execution, running, promise, promised).await;
        if let (Some(outcome), Some(tell)) = (ended, tell) {
            let _ = tell.send(Given { answer: asked.ended(outcome).await, kept: false });
        }
    });
    told.await.unwrap_or_else(|_| Given { answer: Err(Box::new(Refusal::Panicked)), kept: false })
}

/// The answer that says where the real one will be.
fn later(asked: &Asked, execution: &Execution, patience: Patience) -> Response<Full<Bytes>> {
    let Asked { host, head, told, .. } = asked;
    let link = host.origin.at(head, told.peer, &status_link::path_of(execution.id));
    respond::later(execution.id, &link, patience.preferred)
}
