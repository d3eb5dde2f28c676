//! What each process is doing and has done: the counts behind [`ListenerStatus`] and the metrics.
//!
//! An execution costs half a dozen relaxed additions to memory that no other thread writes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use auricle_model::{FailureKind, Mode, Outcome};

use crate::histogram::{Histogram, Spread};
use crate::pool::Retired;
use crate::sharded::Sharded;

/// Bounds of times in microseconds: those of OpenTelemetry's advice, which are from 5 ms to 10 s, four finer ones and a
/// minute. Those of [`MinuteCount`](auricle_model::MinuteCount) are among them.
pub const TIME_BOUNDS: &[u64] = &[
    100, 250, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    2_500_000, 5_000_000, 7_500_000, 10_000_000, 60_000_000,
];

/// Times in the buckets of [`TIME_BOUNDS`].
pub type Times = Histogram<{ TIME_BOUNDS.len() + 1 }>;

/// Counts of one process; each is exact, together they are of no one moment.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    executions: Sharded<Executions>,
    made: AtomicU64,
    retired: [AtomicU64; Retired::NAMES.len()],
    /// Executions that go on.
    pub(crate) busy: AtomicUsize,
}

/// What a thread has seen of them.
#[derive(Debug, Default)]
struct Executions {
    failures: [AtomicU64; FailureKind::NAMES.len()],
    ran: Times,
    /// Microseconds, since somebody last took it.
    longest: AtomicU64,
    waited: Times,
    /// Microseconds.
    cpu: AtomicU64,
    memory: AtomicU64,
    most_memory: AtomicU64,
}

impl Counters {
    /// Notes what an execution came to.
    pub(crate) fn note(&self, outcome: &Outcome) {
        let Some(counts) = self.executions.here() else { return };
        let ran = micros(outcome.ran);
        counts.ran.add(TIME_BOUNDS, ran);
        if ran > counts.longest.load(Ordering::Relaxed) {
            counts.longest.fetch_max(ran, Ordering::Relaxed);
        }
        counts.waited.add(TIME_BOUNDS, micros(outcome.waited));
        add(&counts.cpu, micros(outcome.cpu));
        if let Err(failure) = &outcome.result
            && let Some(counter) = counts.failures.get(failure.kind as usize)
        {
            add(counter, 1);
        }
        // 0 where no instance was reached.
        if outcome.memory > 0 {
            counts.memory.store(outcome.memory, Ordering::Relaxed);
            if outcome.memory > counts.most_memory.load(Ordering::Relaxed) {
                counts.most_memory.fetch_max(outcome.memory, Ordering::Relaxed);
            }
        }
    }

    /// Notes that an instance was made.
    pub(crate) fn made(&self) {
        add(&self.made, 1);
    }

    /// Notes that an instance was let go.
    pub(crate) fn retired(&self, why: Retired) {
        if let Some(counter) = self.retired.get(why as usize) {
            add(counter, 1);
        }
    }

    /// What they are now.
    pub(crate) fn counts(&self) -> Counts {
        let threads = || self.executions.iter();
        let most = |of: fn(&Executions) -> &AtomicU64| threads().map(|t| load(of(t))).max().unwrap_or(0);
        Counts {
            failures: self.failures(),
            ran: Spread::of(TIME_BOUNDS, threads().map(|t| &t.ran)),
            waited: Spread::of(TIME_BOUNDS, threads().map(|t| &t.waited)),
            cpu: Duration::from_micros(threads().map(|t| load(&t.cpu)).sum()),
            made: load(&self.made),
            retired: Retired::NAMES.iter().copied().zip(self.retired.iter().map(load)).collect(),
            memory: most(|t| &t.memory),
            most_memory: most(|t| &t.most_memory),
            busy: self.busy.load(Ordering::Relaxed),
        }
    }

    /// What is added up by the minute; none if nothing has been run yet.
    pub(crate) fn tally(&self) -> Option<Tally> {
        let threads = || self.executions.iter();
        threads().next()?;
        Some(Tally {
            ran: Spread::of(TIME_BOUNDS, threads().map(|t| &t.ran)),
            failures: threads().flat_map(|t| &t.failures).map(load).sum(),
            longest: threads().map(|t| t.longest.swap(0, Ordering::Relaxed)).max().unwrap_or(0),
        })
    }

    /// Failed executions of each kind.
    fn failures(&self) -> BTreeMap<FailureKind, u64> {
        let kinds = FailureKind::NAMES.iter().filter_map(|name| name.parse::<FailureKind>().ok());
        let failed = |kind: FailureKind| {
            self.executions.iter().filter_map(|t| t.failures.get(kind as usize)).map(load).sum::<u64>()
        };
        kinds.map(|kind| (kind, failed(kind))).collect()
    }

    /// The part of a listener's status that is counted here.
    pub(crate) fn status(&self, name: &str, mode: Mode, waiting: usize, warm: usize) -> ListenerStatus {
        ListenerStatus {
            name: name.to_owned(),
            mode,
            executions: self.executions.iter().map(|t| t.ran.count()).sum(),
            failures: self.failures(),
            busy: self.busy.load(Ordering::Relaxed),
            waiting,
            warm,
        }
    }
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What was counted of one process, over all versions that had its name.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Failed executions by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// How long executions ran, in microseconds, failed ones too: as many values as there were executions.
    pub ran: Spread,
    /// How long they had waited for a turn and an instance, in microseconds.
    pub waited: Spread,
    /// CPU time of all of them.
    pub cpu: Duration,
    /// Instances made.
    pub made: u64,
    /// Instances let go, by reason.
    pub retired: Vec<(&'static str, u64)>,
    /// Linear memory in bytes of an instance that ran last, the largest over the host's threads.
    pub memory: u64,
    /// The most that one has had.
    pub most_memory: u64,
    /// Executions that go on.
    pub busy: usize,
}

/// What was counted of one process by now, as it is added up by the minute: see [`Engine::tallies`](crate::Engine::tallies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How long executions ran, in microseconds, failed ones too.
    pub ran: Spread,
    /// Those that failed.
    pub failures: u64,
    /// The longest that one ran since the tally was last taken, in microseconds.
    pub longest: u64,
}

/// What a listener process is doing and has done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Its own mode.
    pub mode: Mode,
    /// Executions that are over, however they ended, those of earlier versions included.
    pub executions: u64,
    /// Of these the failed ones, of each kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Executions that go on.
    pub busy: usize,
    /// Executions that wait for their turn.
    pub waiting: usize,
    /// Warm instances that lie idle.
    pub warm: usize,
}

#[cfg(test)]
mod tests {
    use auricle_model::{ExecutionId, Failure};

    use super::*;

    fn outcome(failed: Option<FailureKind>, memory: u64) -> Outcome {
        Outcome {
            id: ExecutionId::new(),
            mode: Mode::General,
            uses: 1,
            waited: Duration::from_micros(50),
            instantiated: Duration::ZERO,
            ran: Duration::from_millis(3),
            instance_age: Duration::from_millis(3),
            cpu: Duration::from_millis(2),
            memory,
            log: Vec::new(),
            tape: None,
            result: failed.map_or(Ok(Vec::new()), |kind| Err(Failure::new(kind, ""))),
        }
    }

    #[test]
    fn outcomes_are_counted() {
        let counters = Counters::default();
        counters.note(&outcome(None, 100));
        counters.note(&outcome(Some(FailureKind::Trapped), 70));
        counters.note(&outcome(Some(FailureKind::Saturated), 0));
        let counts = counters.counts();
        assert_eq!((counts.ran.count(), counts.ran.sum, counts.waited.sum), (3, 9_000, 150));
        assert_eq!((counts.cpu, counts.memory, counts.most_memory), (Duration::from_millis(6), 70, 100));
        let failed: Vec<_> = counts.failures.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(failed, [(FailureKind::Trapped, 1), (FailureKind::Saturated, 1)]);
        let status = counters.status("p", Mode::General, 2, 1);
        assert_eq!((status.executions, status.failures[&FailureKind::Trapped], status.waiting), (3, 1, 2));
    }

    #[test]
    fn a_tally_tells_the_longest_once() {
        let counters = Counters::default();
        assert_eq!(counters.tally(), None);
        counters.note(&outcome(Some(FailureKind::Failed), 0));
        let tally = counters.tally().unwrap();
        assert_eq!((tally.ran.sum, tally.failures, tally.longest), (3_000, 1, 3_000));
        let tally = counters.tally().unwrap();
        assert_eq!((tally.ran.sum, tally.failures, tally.longest), (3_000, 1, 0));
    }
}
