//! The durable queue.

use std::time::{Duration, UNIX_EPOCH};

use auricle_model::{ExecutionId, TraceContext};
use auricle_store::{QueueState, QueuedExecution, Reception, Store, StoreErrorKind};

use crate::fixtures::{NODE, at, by, kept, lease, lease_of, open_ids, past_lease_of, request, request_to, soon};

async fn put(store: &dyn Store, queued: QueuedExecution) -> ExecutionId {
    let id = queued.execution.id;
    store.enqueue(queued, Reception::Waiting, None).await.unwrap();
    id
}

async fn first(store: &dyn Store) -> QueuedExecution {
    store.pending("default", NODE, None, 1, &[]).await.unwrap().remove(0)
}

async fn state(store: &dyn Store, id: ExecutionId) -> (QueueState, u32) {
    let status = store.status(id).await.unwrap().unwrap();
    (status.state, status.attempt)
}

fn ids(of: &[QueuedExecution]) -> Vec<ExecutionId> {
    of.iter().map(|queued| queued.execution.id).collect()
}

pub(super) async fn the_queue_gives_back_what_it_was_given(store: &dyn Store) {
    let mut given = request("{}");
    given.not_before = Some(at(1_900_000_000_123));
    given.keeps_result = true;
    given.execution.trace = Some(TraceContext::root(true));
    put(store, given.clone()).await;
    given.execution.attempt = 0;
    let back = store.pending("default", NODE, None, 10, &[]).await.unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", [given]));
}

pub(super) async fn the_queue_gives_the_oldest_first(store: &dyn Store) {
    let all: Vec<_> = (0..120).map(|n| request_to(["a", "b", "c"][n % 3], &n.to_string())).collect();
    let sorted = ids(&all);
    for queued in all.into_iter().rev() {
        put(store, queued).await;
    }
    assert_eq!(open_ids(store).await, sorted);
    let page = store.pending("default", NODE, Some(sorted[9]), 2, &[]).await.unwrap();
    assert_eq!(ids(&page), sorted[10..12]);
    assert!(store.pending("default", NODE, None, 0, &[]).await.unwrap().is_empty());
}

pub(super) async fn each_environment_has_its_own_queue(store: &dyn Store) {
    let here = put(store, request("{}")).await;
    let there = put(store, QueuedExecution { environment: "test".into(), ..request("{}") }).await;
    assert_eq!(open_ids(store).await, [here]);
    assert_eq!(ids(&store.pending("test", NODE, None, 9, &[]).await.unwrap()), [there]);
    assert!(store.pending("other", NODE, None, 9, &[]).await.unwrap().is_empty());
    assert_eq!(store.entries("test", None, None, 9).await.unwrap().len(), 1);
    assert_eq!(store.status(there).await.unwrap().unwrap().environment, "test");
}

pub(super) async fn processes_can_be_left_out(store: &dyn Store) {
    let mut all = Vec::new();
    for n in 0..40 {
        all.push(put(store, request_to(if n % 4 == 3 { "rare" } else { "busy" }, "{}")).await);
    }
    let without = ["busy".to_owned(), "never queued".to_owned()];
    let rare: Vec<_> = all.iter().copied().skip(3).step_by(4).collect();
    let page = store.pending("default", NODE, None, 4, &without).await.unwrap();
    assert_eq!(ids(&page), rare[..4]);
    let page = store.pending("default", NODE, Some(rare[3]), 100, &without).await.unwrap();
    assert_eq!(ids(&page), rare[4..]);
    let none = ["busy".to_owned(), "rare".to_owned()];
    assert!(store.pending("default", NODE, None, 4, &none).await.unwrap().is_empty());
}

pub(super) async fn runs_are_counted_until_it_is_done(store: &dyn Store) {
    let id = put(store, request("{}")).await;
    assert_eq!(state(store, id).await, (QueueState::Queued, 0));
    assert_eq!(store.begin(id, lease()).await.unwrap(), 1);
    assert_eq!(store.begin(id, lease()).await.unwrap(), 2);
    assert_eq!(first(store).await.execution.attempt, 2, "a run cut off is still pending");
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempt, &status.message), (QueueState::Running, 2, &None));
    assert_eq!((status.user.as_deref(), &status.result), (Some("ann"), &None));

    store.renew(&[id, ExecutionId::new()], lease()).await.unwrap();
    store.done(id, None).await.unwrap();
    store.done(id, None).await.unwrap();
    assert_eq!(store.status(id).await.unwrap(), None);
    assert!(open_ids(store).await.is_empty());
    let error = store.begin(id, lease()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert!(error.to_string().contains(&id.to_string()), "{error}");
}

pub(super) async fn an_execution_that_runs_already_is_queued_as_that(store: &dyn Store) {
    let queued = request("{}");
    let id = queued.execution.id;
    store.enqueue(queued, Reception::Running(lease()), None).await.unwrap();
    assert_eq!(state(store, id).await, (QueueState::Running, 1));
    assert_eq!(first(store).await.execution.attempt, 1, "for the start after a crash");
    assert_eq!(store.begin(id, lease()).await.unwrap(), 2);
}

pub(super) async fn a_failed_execution_is_kept_and_not_run_again(store: &dyn Store) {
    let id = put(store, request("{}")).await;
    store.begin(id, lease()).await.unwrap();
    store.failed(id, "no such\0 account", Some(kept(500))).await.unwrap();
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempt), (QueueState::Failed, 1));
    assert!(status.message.unwrap().starts_with("no such"));
    assert_eq!(status.result, Some(kept(500)));
    assert!(open_ids(store).await.is_empty());
    let stranger = ExecutionId::new();
    for error in [
        store.begin(id, lease()).await.unwrap_err(),
        store.retry_at(id, UNIX_EPOCH, "", true).await.unwrap_err(),
        store.failed(id, "", None).await.unwrap_err(),
        store.failed(stranger, "", None).await.unwrap_err(),
        store.begin(stranger, lease()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}");
    }
}

pub(super) async fn a_retry_waits_for_its_time(store: &dyn Store) {
    let id = put(store, request("{}")).await;
    let later = at(1_900_000_000_001);
    store.begin(id, lease()).await.unwrap();
    store.retry_at(id, later, "erp is down", true).await.unwrap();
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.message.as_deref()), (QueueState::Queued, Some("erp is down")));
    assert_eq!(first(store).await.not_before, Some(later));
    assert_eq!(store.begin(id, lease()).await.unwrap(), 2);
    assert_eq!(first(store).await.not_before, None);
}

pub(super) async fn a_run_that_could_not_begin_is_not_counted(store: &dyn Store) {
    let id = put(store, request("{}")).await;
    store.retry_at(id, at(1), "never begun", false).await.unwrap();
    assert_eq!(state(store, id).await, (QueueState::Queued, 0));
    store.begin(id, lease()).await.unwrap();
    store.begin(id, lease()).await.unwrap();
    store.retry_at(id, at(1), "its package is gone", false).await.unwrap();
    assert_eq!(state(store, id).await, (QueueState::Queued, 1));
    assert_eq!(first(store).await.execution.attempt, 1);
}

pub(super) async fn a_result_is_kept_until_its_time(store: &dyn Store) {
    let id = put(store, request("{}")).await;
    store.begin(id, lease()).await.unwrap();
    store.retry_at(id, at(1), "erp is down", true).await.unwrap();
    store.begin(id, lease()).await.unwrap();
    store.done(id, Some((kept(201), at(2_000)))).await.unwrap();
    let done = store.status(id).await.unwrap().unwrap();
    assert_eq!((done.state, done.attempt, done.message.clone()), (QueueState::Done, 2, None));
    assert_eq!(done.result, Some(kept(201)));
    assert!(open_ids(store).await.is_empty());

    store.done(id, None).await.unwrap();
    store.done(id, Some((kept(500), at(9_000)))).await.unwrap();
    assert_eq!(store.status(id).await.unwrap(), Some(done), "what is done stays as it ended");
    for error in [store.begin(id, lease()).await.unwrap_err(), store.failed(id, "", None).await.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    store.expire(at(1_999)).await.unwrap();
    assert!(store.status(id).await.unwrap().is_some());
    store.expire(at(2_000)).await.unwrap();
    assert_eq!(store.status(id).await.unwrap(), None);
}

pub(super) async fn dead_letters_are_sent_again_or_thrown_away(store: &dyn Store) {
    let (one, two, open) =
        (put(store, request("1")).await, put(store, request("2")).await, put(store, request("3")).await);
    for id in [one, two] {
        store.begin(id, lease()).await.unwrap();
        store.failed(id, "no", Some(kept(500))).await.unwrap();
    }
    assert!(store.resend(one, by("resend")).await.unwrap());
    let status = store.status(one).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempt, status.result), (QueueState::Queued, 0, None));
    let again = first(store).await;
    assert_eq!((again.execution.id, again.execution.attempt, again.not_before), (one, 0, None));
    assert_eq!(again.execution.documents, request("1").execution.documents);
    assert_eq!(store.begin(one, lease()).await.unwrap(), 1, "counted anew");

    assert!(store.discard(two, by("discard")).await.unwrap());
    assert_eq!(store.status(two).await.unwrap(), None);
    for id in [one, two, open, ExecutionId::new()] {
        assert!(!store.resend(id, by("resend")).await.unwrap());
        assert!(!store.discard(id, by("discard")).await.unwrap());
    }
    assert_eq!(open_ids(store).await, [one, open]);
    let audit: Vec<_> = store.audit(None, 9).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(audit, ["discard", "resend"], "what found nothing changed nothing");
}

pub(super) async fn entries_and_depths_are_listed(store: &dyn Store) {
    let mut all = Vec::new();
    for n in 0..8 {
        let mut queued = request_to("account-create", &"x".repeat(1000));
        queued.not_before = (n == 0).then(|| at(1_900_000_000_123));
        all.push(queued.clone());
        put(store, queued).await;
    }
    let id = |n: usize| all[n].execution.id;
    for n in 3..8 {
        store.begin(id(n), lease()).await.unwrap();
    }
    for n in 5..7 {
        store.failed(id(n), "no", None).await.unwrap();
    }
    store.done(id(7), Some((kept(200), soon()))).await.unwrap();
    assert_eq!(store.depths().await.unwrap(), [3, 2, 2, 1]);

    let listed = async |state, after, limit| {
        let entries = store.entries("default", state, after, limit).await.unwrap();
        entries.iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, None, 100).await, ids(&all));
    assert_eq!(listed(None, Some(id(2)), 3).await, ids(&all[3..6]));
    for (state, range) in
        [(QueueState::Queued, 0..3), (QueueState::Running, 3..5), (QueueState::Failed, 5..7), (QueueState::Done, 7..8)]
    {
        assert_eq!(listed(Some(state), None, 100).await, ids(&all[range]), "{state:?}");
    }
    let entries = store.entries("default", None, None, 6).await.unwrap();
    let (waiting, failed) = (&entries[0], &entries[5]);
    assert_eq!((&*waiting.process, &*waiting.environment), ("account-create", "default"));
    assert_eq!((waiting.user.as_deref(), waiting.attempt), (Some("ann"), 0));
    assert_eq!((waiting.not_before, waiting.enqueued_at), (all[0].not_before, all[0].enqueued_at));
    assert!((1000..3000).contains(&waiting.bytes), "{}", waiting.bytes);
    assert_eq!((failed.attempt, failed.message.as_deref()), (1, Some("no")));
}

pub(super) async fn an_id_is_queued_once(store: &dyn Store) {
    let queued = request("first");
    put(store, queued.clone()).await;
    let error = store.enqueue(queued.clone(), Reception::Waiting, None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    let error = store.enqueue(queued, Reception::Running(lease()), None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(open_ids(store).await.len(), 1);
}

pub(super) async fn many_at_once_are_all_there(store: &dyn Store) {
    let run = async |n: u32| {
        let id = put(store, request(&n.to_string())).await;
        if n.is_multiple_of(2) {
            store.begin(id, lease()).await.unwrap();
        }
        if n.is_multiple_of(4) {
            store.done(id, None).await.unwrap();
            return None;
        }
        Some(id)
    };
    let mut left: Vec<_> = futures_util::future::join_all((0..200).map(run)).await.into_iter().flatten().collect();
    left.sort();
    assert_eq!(open_ids(store).await, left);
    assert_eq!(store.depths().await.unwrap(), [100, 50, 0, 0]);
}

pub(super) async fn a_lease_keeps_others_away_where_there_are_others(store: &dyn Store) {
    let (held, passed, waiting) =
        (put(store, request("held")).await, put(store, request("passed")).await, put(store, request("waiting")).await);
    store.begin(held, lease_of("other", Duration::from_secs(60))).await.unwrap();
    store.begin(passed, past_lease_of("other")).await.unwrap();
    let seen_by = async |node: &str| ids(&store.pending("default", node, None, 9, &[]).await.unwrap());
    if !store.is_shared() {
        assert_eq!(seen_by(NODE).await, [held, passed, waiting], "who held it was an earlier start of this host");
        assert_eq!(store.begin(held, lease()).await.unwrap(), 2);
        return;
    }
    assert_eq!(seen_by(NODE).await, [passed, waiting]);
    assert_eq!(seen_by("other").await, [held, passed, waiting]);
    assert_eq!(store.begin(held, lease()).await.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert_eq!(store.begin(passed, lease()).await.unwrap(), 2, "taken over");
    assert_eq!(
        store.begin(passed, lease_of("other", Duration::from_secs(60))).await.unwrap_err().kind(),
        StoreErrorKind::Conflict
    );
    store.renew(&[passed], lease_of("other", Duration::from_secs(600))).await.unwrap();
    store.renew(&[passed], past_lease_of(NODE)).await.unwrap();
    assert_eq!(
        store.begin(passed, lease_of("other", Duration::from_secs(60))).await.unwrap(),
        3,
        "only the holder renews"
    );

    let queued = request("slow");
    let slow = queued.execution.id;
    store.enqueue(queued, Reception::Running(lease_of("other", Duration::from_secs(60))), None).await.unwrap();
    assert_eq!(seen_by(NODE).await, [waiting], "it runs where its caller is");
    store.retry_at(slow, at(1), "later", true).await.unwrap();
    assert_eq!(seen_by(NODE).await, [waiting, slow], "what waits again is anybody's");
}
