//! Takes a version back by itself when too many of its executions fail: the manifest's `[deployment]`.
//!
//! Executions only add to a count of their thread; a task per watched version looks at the counts now and then. It lives as
//! long as the version is watched, and holds nothing of the host between two looks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use auricle_model::{FailureKind, Guard, Outcome};
use auricle_process::Sharded;
use auricle_store::{By, Serving};
use tokio::time::{Instant, interval, sleep};

use super::change::{self, Target};
use super::served::Served;
use crate::host::Inner;
use crate::metrics::RolledBack;

/// Who the audit log says it was.
const WHO: &str = "guard";

/// Looks in a window.
const LOOKS: u32 = 10;

/// No look follows another sooner.
const PAUSE: Duration = Duration::from_millis(100);

/// When it is tried again where a version could not be taken back.
const AGAIN: Duration = Duration::from_secs(5);

/// How the executions of a version end.
#[derive(Debug, Default)]
pub(crate) struct Health(Sharded<Tally>);

#[derive(Debug, Default)]
struct Tally {
    executions: AtomicU64,
    failures: AtomicU64,
}

impl Health {
    pub(super) fn note(&self, outcome: &Outcome) {
        let Some(tally) = self.0.here() else { return };
        tally.executions.fetch_add(1, Ordering::Relaxed);
        if is_to_blame(outcome) {
            tally.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> Counted {
        let sum = |part: fn(&Tally) -> &AtomicU64| self.0.iter().map(|t| part(t).load(Ordering::Relaxed)).sum();
        // In this order: a failure that is counted between the two is one of fewer executions, never of none.
        let failures = sum(|tally| &tally.failures);
        Counted { executions: sum(|tally| &tally.executions), failures }
    }
}

/// Whether the version itself failed: not the host, and not its load.
fn is_to_blame(outcome: &Outcome) -> bool {
    match &outcome.result {
        Ok(documents) => {
            let status = documents.first().and_then(|document| document.properties.get("outstatuscode"));
            documents.len() == 1 && status.is_some_and(|status| status.len() == 3 && status.starts_with('5'))
        }
        Err(failure) => !matches!(failure.kind, FailureKind::Saturated | FailureKind::Unknown | FailureKind::Host),
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counted {
    executions: u64,
    failures: u64,
}

/// What was counted at each look of a window.
struct Window {
    guard: Guard,
    looks: VecDeque<(Instant, Counted)>,
}

impl Window {
    fn new(guard: Guard, now: Instant, counted: Counted) -> Self {
        Self { guard, looks: [(now, counted)].into() }
    }

    /// Takes a look; where too many have failed within the window, how many of how many.
    fn look(&mut self, now: Instant, counted: Counted) -> Option<Counted> {
        self.looks.push_back((now, counted));
        // The first that is kept is the last one from before the window.
        while self.looks.get(1).is_some_and(|(then, _)| now.saturating_duration_since(*then) >= self.guard.window) {
            self.looks.pop_front();
        }
        let (_, before) = self.looks.front()?;
        let within = Counted {
            executions: counted.executions.saturating_sub(before.executions),
            failures: counted.failures.saturating_sub(before.failures),
        };
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
        let too_many = within.failures as f64 > self.guard.max_error_rate * within.executions as f64;
        (too_many && within.executions >= u64::from(self.guard.min_requests)).then_some(within)
    }
}

/// Which versions are watched now: so that what stays in force when something else changes is not watched twice.
#[derive(Debug, Default)]
pub(crate) struct Guarded(std::sync::Mutex<Vec<(u32, Target, tokio::task::AbortHandle)>>);

impl Guarded {
    /// Watches what has come to be served, and nothing else any more.
    pub(super) fn follow(&self, host: &Arc<Inner>, served: &Served, serving: &Serving) {
        let mut watched = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let wanted: Vec<_> = wanted(served, serving).collect();
        watched.retain(|(version, role, task)| {
            let stays = wanted.iter().any(|(active, other)| (active.version, *other) == (*version, *role));
            if !stays {
                task.abort();
            }
            // One whose time is over is kept as well: a canary that comes or goes beside it does not begin that anew.
            stays
        });
        for (active, role) in wanted {
            let (Some(guard), Some(health)) = (&active.deployment.guard, &active.health) else { continue };
            if watched.iter().any(|(version, other, _)| (*version, *other) == (active.version, role)) {
                continue;
            }
            let since = serving.since.and_then(|since| SystemTime::now().duration_since(since).ok());
            let left = guard.watch.saturating_sub(since.unwrap_or_default());
            let watch = Watch { version: active.version, role, health: health.clone(), guard: guard.clone(), left };
            let task = tokio::spawn(watch.go(Arc::downgrade(host)));
            watched.push((active.version, role, task.abort_handle()));
        }
    }
}

/// The canary, and the active version where it is a step forward: what was gone back to stays, or two versions would
/// take each other back for ever.
fn wanted<'s>(served: &'s Served, serving: &Serving) -> impl Iterator<Item = (&'s Arc<super::Active>, Target)> {
    let forward = |active: &&Arc<super::Active>| serving.previous.is_some_and(|before| before < active.version);
    let active = served.active.as_ref().filter(forward).map(|active| (active, Target::Active));
    let canary = served.canary.as_ref().map(|canary| (&canary.active, Target::Canary));
    active.into_iter().chain(canary)
}

struct Watch {
    version: u32,
    role: Target,
    health: Arc<Health>,
    guard: Guard,
    left: Duration,
}

impl Watch {
    async fn go(self, host: Weak<Inner>) {
        let until = Instant::now() + self.left;
        let mut window = Window::new(self.guard.clone(), Instant::now(), self.health.read());
        let mut looks = interval((self.guard.window / LOOKS).clamp(PAUSE, Duration::from_secs(1)));
        loop {
            let now = looks.tick().await;
            if now >= until {
                return;
            }
            let Some(counted) = window.look(now, self.health.read()) else { continue };
            let Some(host) = host.upgrade() else { return };
            // In a task of its own: what it brings about ends this one.
            let taking = tokio::spawn(take_back(host, self.version, self.role, counted));
            if taking.await.unwrap_or(true) {
                return;
            }
            sleep(AGAIN).await;
        }
    }
}

/// Gives whether that is done, by whomever; else it is to be tried again.
async fn take_back(host: Arc<Inner>, version: u32, role: Target, counted: Counted) -> bool {
    let environment = &host.config.environment;
    let Counted { executions, failures } = counted;
    let detail = format!("version {version}: {failures} of {executions} executions failed");
    tracing::error!(%environment, version, executions, failures, "too many executions fail: the version is taken back");
    let by = By { who: Some(WHO.to_owned()), action: "rollback", target: environment.clone(), detail };
    match change::take_back(&host, version, role, by).await {
        Ok(Some(to)) => {
            host.deploys.rollback(RolledBack::Guard);
            tracing::warn!(%environment, version, to, "the version was taken back");
            true
        }
        // Somebody else was faster.
        Ok(None) => true,
        Err(error) => {
            tracing::error!(%environment, version, "the version could not be taken back: {error}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: Guard = Guard {
        max_error_rate: 0.1,
        window: Duration::from_secs(10),
        min_requests: 20,
        watch: Duration::from_secs(60),
    };

    fn counted(executions: u64, failures: u64) -> Counted {
        Counted { executions, failures }
    }

    #[test]
    fn a_share_of_enough_executions_is_too_many() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::new(GUARD, start, Counted::default());
        assert_eq!(window.look(at(1), counted(19, 19)), None, "too few to tell");
        assert_eq!(window.look(at(2), counted(200, 20)), None, "just the share that is allowed");
        assert_eq!(window.look(at(3), counted(200, 21)), Some(counted(200, 21)));
    }

    #[test]
    fn what_lies_before_the_window_does_not_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::new(GUARD, start, Counted::default());
        assert_eq!(window.look(at(1), counted(1000, 90)), None);
        assert_eq!(window.look(at(12), counted(1010, 95)), None, "ten executions in the window");
        assert_eq!(window.look(at(13), counted(1020, 100)), Some(counted(20, 10)));
        let mut window = Window::new(GUARD, start, counted(10_000, 10_000));
        assert_eq!(window.look(at(1), counted(10_100, 10_005)), None, "what was before it was watched");
    }
}
