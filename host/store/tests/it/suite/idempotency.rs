//! Answers by `Idempotency-Key`.

use std::time::{Duration, SystemTime};

use auricle_model::ExecutionId;
use auricle_store::{Claim, Digest, IdempotencyKey, QueueState, Reception, Store, StoreErrorKind};

use crate::fixtures::{at, kept, key, open_ids, request, soon};

const BODY: &[u8] = b"{\"a\":1}";

async fn claim(store: &dyn Store, key: &IdempotencyKey, id: ExecutionId) -> Claim {
    store.claim(key, Digest::of(BODY), id, soon()).await.unwrap()
}

fn past() -> SystemTime {
    SystemTime::now() - Duration::from_secs(1)
}

pub(super) async fn a_key_is_claimed_once(store: &dyn Store) {
    let (first, second) = (ExecutionId::new(), ExecutionId::new());
    assert_eq!(claim(store, &key("k"), first).await, Claim::New);
    assert_eq!(claim(store, &key("k"), second).await, Claim::InFlight(first));
    assert_eq!(claim(store, &key("k"), second).await, Claim::InFlight(first));
}

pub(super) async fn an_answer_is_given_again_until_its_time(store: &dyn Store) {
    let (first, second) = (ExecutionId::new(), ExecutionId::new());
    claim(store, &key("k"), first).await;
    store.answered(&key("k"), second, kept(500), soon()).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::InFlight(first), "only the claimant answers");
    store.answered(&key("k"), first, kept(201), soon()).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::Answered(kept(201)));
    store.release(&key("k"), first).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::Answered(kept(201)), "an answer is not given up");

    store.answered(&key("k"), first, kept(201), past()).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::New);
    store.answered(&key("k"), first, kept(200), soon()).await.unwrap();
    assert_eq!(claim(store, &key("k"), first).await, Claim::InFlight(second), "the claim is another's now");
    store.answered(&key("never claimed"), first, kept(200), soon()).await.unwrap();
    assert_eq!(claim(store, &key("never claimed"), first).await, Claim::New);

    store.answered(&key("k"), second, kept(204), soon()).await.unwrap();
    store.expire(SystemTime::now()).await.unwrap();
    assert_eq!(claim(store, &key("k"), first).await, Claim::Answered(kept(204)));
    store.expire(soon() + Duration::from_secs(60)).await.unwrap();
    assert_eq!(claim(store, &key("k"), first).await, Claim::New);
}

pub(super) async fn another_body_is_told_apart(store: &dyn Store) {
    let (first, second) = (ExecutionId::new(), ExecutionId::new());
    claim(store, &key("k"), first).await;
    let other = async || store.claim(&key("k"), Digest::of(b"other"), second, soon()).await.unwrap();
    assert_eq!(other().await, Claim::OtherBody);
    store.answered(&key("k"), first, kept(200), soon()).await.unwrap();
    assert_eq!(other().await, Claim::OtherBody);
    assert_eq!(claim(store, &key("k"), second).await, Claim::Answered(kept(200)));
}

pub(super) async fn keys_of_others_are_others(store: &dyn Store) {
    let mine = key("k");
    let others = [
        IdempotencyKey { environment: "test".into(), ..mine.clone() },
        IdempotencyKey { user: String::new(), ..mine.clone() },
        IdempotencyKey { route: format!("PUT /{}", "long/".repeat(2000)), ..mine.clone() },
        key("K"),
        key("k\0"),
        // The same letters, cut elsewhere.
        IdempotencyKey { user: "an".into(), route: format!("n{}", mine.route), ..mine.clone() },
    ];
    assert_eq!(claim(store, &mine, ExecutionId::new()).await, Claim::New);
    for other in others {
        assert_eq!(claim(store, &other, ExecutionId::new()).await, Claim::New, "{other:?}");
    }
}

pub(super) async fn a_released_claim_is_free(store: &dyn Store) {
    let (first, second) = (ExecutionId::new(), ExecutionId::new());
    claim(store, &key("k"), first).await;
    store.release(&key("k"), second).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::InFlight(first), "only the claimant gives up");
    store.release(&key("k"), first).await.unwrap();
    assert_eq!(claim(store, &key("k"), second).await, Claim::New);
    store.release(&key("never claimed"), first).await.unwrap();
}

pub(super) async fn a_claim_that_has_passed_is_taken_over(store: &dyn Store) {
    let (first, second) = (ExecutionId::new(), ExecutionId::new());
    let claimed = store.claim(&key("k"), Digest::of(b"old"), first, past()).await.unwrap();
    assert_eq!(claimed, Claim::New);
    assert_eq!(claim(store, &key("k"), second).await, Claim::New, "with another body, too");
    store.answered(&key("k"), first, kept(500), soon()).await.unwrap();
    assert_eq!(claim(store, &key("k"), first).await, Claim::InFlight(second));
}

pub(super) async fn a_receipt_and_its_answer_are_kept_together(store: &dyn Store) {
    let queued = request("{}");
    let id = queued.execution.id;
    let answered = |name: &str| Some((key(name), kept(200), soon()));
    let error = store.enqueue(queued.clone(), Reception::Waiting, answered("k")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict, "nobody claimed the key: {error}");
    claim(store, &key("k"), ExecutionId::new()).await;
    let error = store.enqueue(queued.clone(), Reception::Waiting, answered("k")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict, "another claimed the key: {error}");
    assert_eq!(store.status(id).await.unwrap(), None, "what is refused is not queued");

    claim(store, &key("mine"), id).await;
    store.enqueue(queued.clone(), Reception::Waiting, answered("mine")).await.unwrap();
    assert_eq!(store.status(id).await.unwrap().unwrap().state, QueueState::Queued);
    assert_eq!(claim(store, &key("mine"), ExecutionId::new()).await, Claim::Answered(kept(200)));

    claim(store, &key("again"), id).await;
    let error = store.enqueue(queued, Reception::Waiting, answered("again")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(claim(store, &key("again"), ExecutionId::new()).await, Claim::InFlight(id), "nothing of it was kept");
    assert_eq!(open_ids(store).await, [id]);

    store.expire(at(1)).await.unwrap();
    assert_eq!(claim(store, &key("mine"), ExecutionId::new()).await, Claim::Answered(kept(200)));
}

pub(super) async fn of_many_at_once_one_gets_the_key(store: &dyn Store) {
    for round in 0..10 {
        let key = &key(&round.to_string());
        let claims = futures_util::future::join_all((0..20).map(async |_| {
            let id = ExecutionId::new();
            (id, claim(store, key, id).await)
        }))
        .await;
        let winners: Vec<_> = claims.iter().filter(|(_, claim)| *claim == Claim::New).map(|(id, _)| *id).collect();
        assert_eq!(winners.len(), 1, "{claims:?}");
        let losers = claims.iter().filter(|(id, _)| *id != winners[0]);
        assert!(losers.clone().all(|(_, claim)| *claim == Claim::InFlight(winners[0])), "{claims:?}");
    }
}
