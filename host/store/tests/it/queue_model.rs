//! The queue of every engine against a model of it that is a few lines long: any sequence of calls gives the same answers.

use std::collections::BTreeMap;

use auricle_model::ExecutionId;
use auricle_store::{Lease, QueueState, Reception, Store, StoreError, StoreErrorKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::engines::{self, Empty};
use crate::fixtures::{NODE, at, by, kept, lease, past_lease_of, request_to};

/// Executions that a sequence is about.
const IDS: usize = 3;

#[derive(Debug, Clone, Copy)]
enum Call {
    Enqueue { running: bool },
    Begin,
    BeginByOther { passed: bool },
    Done { keep: Option<u64> },
    Failed,
    Retry { counted: bool },
    Resend,
    Discard,
    Expire(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    state: QueueState,
    attempt: u32,
    /// Of another host, and holding.
    held_by_other: bool,
    until: Option<u64>,
}

#[derive(Debug, Default)]
struct Model {
    shared: bool,
    entries: BTreeMap<usize, Entry>,
}

/// What a call answers: a number where it has one, none for a conflict.
type Told = Option<u64>;

impl Model {
    fn open(&mut self, n: usize) -> Option<&mut Entry> {
        self.entries.get_mut(&n).filter(|entry| matches!(entry.state, QueueState::Queued | QueueState::Running))
    }

    fn dead(&self, n: usize) -> bool {
        self.entries.get(&n).is_some_and(|entry| entry.state == QueueState::Failed)
    }

    fn begin(&mut self, n: usize, by_other: bool, holds: bool) -> Told {
        let shared = self.shared;
        let entry = self.open(n)?;
        if shared && entry.state == QueueState::Running && entry.held_by_other && !by_other {
            return None;
        }
        // This host's own leases of these tests always hold.
        let held_by_me = entry.state == QueueState::Running && !entry.held_by_other && entry.until != Some(0);
        if shared && by_other && held_by_me {
            return None;
        }
        entry.state = QueueState::Running;
        entry.attempt += 1;
        entry.held_by_other = by_other && holds;
        // A lease that has passed is nobody's: noted as 0.
        entry.until = (by_other && !holds).then_some(0);
        Some(entry.attempt.into())
    }

    fn call(&mut self, n: usize, call: Call) -> Told {
        match call {
            Call::Enqueue { running } => {
                if self.entries.contains_key(&n) {
                    return None;
                }
                let (state, attempt) = if running { (QueueState::Running, 1) } else { (QueueState::Queued, 0) };
                self.entries.insert(n, Entry { state, attempt, held_by_other: false, until: None });
            }
            Call::Begin => return self.begin(n, false, true),
            Call::BeginByOther { passed } => return self.begin(n, true, !passed),
            Call::Done { keep } => match (self.entries.get_mut(&n), keep) {
                (Some(entry), _) if entry.state == QueueState::Done => {}
                (Some(entry), Some(until)) => {
                    *entry = Entry { state: QueueState::Done, until: Some(until), held_by_other: false, ..*entry };
                }
                _ => {
                    self.entries.remove(&n);
                }
            },
            Call::Failed => self.open(n)?.state = QueueState::Failed,
            Call::Retry { counted } => {
                let entry = self.open(n)?;
                entry.state = QueueState::Queued;
                entry.attempt = entry.attempt.saturating_sub(u32::from(!counted));
            }
            Call::Resend => {
                let there = self.dead(n);
                if let Some(entry) = self.entries.get_mut(&n).filter(|_| there) {
                    (entry.state, entry.attempt) = (QueueState::Queued, 0);
                }
                return Some(there.into());
            }
            Call::Discard => {
                let there = self.dead(n);
                if there {
                    self.entries.remove(&n);
                }
                return Some(there.into());
            }
            Call::Expire(now) => {
                self.entries
                    .retain(|_, entry| entry.state != QueueState::Done || entry.until.is_none_or(|until| until > now));
            }
        }
        Some(0)
    }

    fn pending(&self) -> Vec<usize> {
        let open = |entry: &Entry| match entry.state {
            QueueState::Queued => true,
            QueueState::Running => !(self.shared && entry.held_by_other),
            QueueState::Failed | QueueState::Done => false,
        };
        self.entries.iter().filter(|(_, entry)| open(entry)).map(|(n, _)| *n).collect()
    }
}

fn told<T: Into<u64>>(answer: Result<T, StoreError>) -> Told {
    match answer {
        Ok(number) => Some(number.into()),
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}");
            None
        }
    }
}

async fn call(store: &dyn Store, ids: &[ExecutionId], n: usize, call: Call) -> Told {
    let id = ids[n];
    let nothing = |answer: Result<(), StoreError>| told(answer.map(|()| 0_u32));
    match call {
        Call::Enqueue { running } => {
            let mut queued = request_to(["a", "b"][n % 2], "{}");
            queued.execution.id = id;
            let reception = if running { Reception::Running(lease()) } else { Reception::Waiting };
            nothing(store.enqueue(queued, reception, None).await)
        }
        Call::Begin => told(store.begin(id, lease()).await),
        Call::BeginByOther { passed: true } => told(store.begin(id, past_lease_of("other")).await),
        Call::BeginByOther { passed: false } => told(store.begin(id, Lease { node: "other".into(), ..lease() }).await),
        Call::Done { keep } => nothing(store.done(id, keep.map(|until| (kept(200), at(until)))).await),
        Call::Failed => nothing(store.failed(id, "no", None).await),
        Call::Retry { counted } => nothing(store.retry_at(id, at(1), "later", counted).await),
        Call::Resend => told(store.resend(id, by("resend")).await.map(u64::from)),
        Call::Discard => told(store.discard(id, by("discard")).await.map(u64::from)),
        Call::Expire(now) => nothing(store.expire(at(now)).await),
    }
}

fn calls() -> impl Strategy<Value = Vec<(usize, Call)>> {
    let call = prop_oneof![
        4 => any::<bool>().prop_map(|running| Call::Enqueue { running }),
        4 => Just(Call::Begin),
        2 => any::<bool>().prop_map(|passed| Call::BeginByOther { passed }),
        3 => proptest::option::of(1..4_u64).prop_map(|keep| Call::Done { keep }),
        2 => Just(Call::Failed),
        3 => any::<bool>().prop_map(|counted| Call::Retry { counted }),
        2 => Just(Call::Resend),
        1 => Just(Call::Discard),
        1 => (1..4_u64).prop_map(Call::Expire),
    ];
    proptest::collection::vec((0..IDS, call), 0..40)
}

async fn same(store: &dyn Store, calls: &[(usize, Call)]) -> Result<(), TestCaseError> {
    let ids: Vec<_> = (0..IDS).map(|_| ExecutionId::new()).collect();
    let mut model = Model { shared: store.is_shared(), ..Model::default() };
    for (n, one) in calls {
        let (wanted, given) = (model.call(*n, *one), call(store, &ids, *n, *one).await);
        prop_assert_eq!(given, wanted, "{:?} of {}", one, n);
        for (n, id) in ids.iter().enumerate() {
            let status = store.status(*id).await.unwrap();
            let wanted = model.entries.get(&n).map(|entry| (entry.state, entry.attempt));
            prop_assert_eq!(status.map(|status| (status.state, status.attempt)), wanted, "after {:?}", one);
        }
        let pending = store.pending("default", NODE, None, 100, &[]).await.unwrap();
        let pending: Vec<_> = pending.iter().map(|queued| queued.execution.id).collect();
        let wanted: Vec<_> = model.pending().into_iter().map(|n| ids[n]).collect();
        prop_assert_eq!(pending, wanted, "after {:?}", one);
    }
    // The next sequence finds nothing of this one.
    for id in ids {
        store.done(id, None).await.unwrap();
    }
    store.expire(at(1_000)).await.unwrap();
    Ok(())
}

/// So many sequences on one store.
fn compare(cases: u32, make: impl Future<Output = Option<Empty>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(empty) = runtime.block_on(make) else { return };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner.run(&calls(), |calls| runtime.block_on(same(&*empty.store, &calls))).unwrap();
    runtime.block_on(empty.store.close()).unwrap();
}

#[test]
fn in_memory() {
    compare(256, engines::memory());
}

#[test]
fn on_sqlite() {
    compare(24, engines::sqlite());
}

#[test]
fn on_postgres() {
    compare(24, engines::postgres());
}
