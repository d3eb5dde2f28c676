//! Keeping instances of a low-latency process warm: the first ones at deploy, what becomes of one after an execution, and
//! its replacement off the way of any request.
//!
//! A replacement is made where the next request would find none, or where there are fewer than `min-instances`; one at a
//! time for a process, and after a failure only after a wait that doubles. No request waits for any of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use auricle_model::{Failure, FailureKind, Mode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::instance::Instance;
use crate::limits;
use crate::listener::Listener;
use crate::pool::{Place, Retired};
use crate::tape::Deck;
use crate::timing::Time;

/// The making of instances ahead of any request.
#[derive(Debug, Default)]
pub(crate) struct Refill {
    /// Whether one is being made.
    active: AtomicBool,
    back_off: Mutex<BackOff>,
}

/// How long nothing is tried after failures.
#[derive(Debug, Default)]
struct BackOff {
    failures: u32,
    until: Option<Instant>,
}

impl BackOff {
    fn failed(&mut self, now: Instant) {
        let wait = limits::BACK_OFF.saturating_mul(1 << self.failures.min(16)).min(limits::LONGEST_BACK_OFF);
        self.failures += 1;
        self.until = Some(now + wait);
    }

    /// How long it has to be waited yet.
    fn wait(&self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

impl Refill {
    fn wait(&self) -> Option<Duration> {
        self.back_off.lock().unwrap_or_else(PoisonError::into_inner).wait(Instant::now())
    }

    fn note(&self, failed: bool) {
        let mut back_off = self.back_off.lock().unwrap_or_else(PoisonError::into_inner);
        if failed { back_off.failed(Instant::now()) } else { *back_off = BackOff::default() }
    }
}

impl Listener {
    /// Makes the first instances: one of any process, to see that it can be made and that its `lifecycle.start` succeeds, and of
    /// a low-latency one as many as its minimum. They are kept as long as there is plenty of room; where many processes are
    /// deployed, the others are only tried, so that they do not push out one another.
    pub(crate) async fn prepare(self: &Arc<Self>, mode: Mode) -> Result<(), Failure> {
        let (room, weight) = (self.engine().room(), self.component().weight());
        let min = self.decl().limits.min_instances;
        let place = if mode == Mode::LowLatency { self.warm.reserve() } else { None };
        let kept = if min > 0 { room.at_once(weight) } else { room.plenty(weight) };
        match (place, kept) {
            (Some(place), Some(kept)) => self.make(place, kept).await?,
            (_, kept) => {
                drop(kept);
                let trial = room.trial(weight, Instant::now() + limits::WAIT).await;
                let (_turn, permit) = trial.ok_or_else(|| no_room(self.engine()))?;
                let time = self.own_time(Instant::now());
                Instance::new(self, permit, true, time, Deck::default()).await?.retire(Retired::Once);
            }
        }
        if min > 0 && mode == Mode::LowLatency {
            room.look_after(self);
            self.refill();
        }
        Ok(())
    }

    /// Makes an instance, with its `lifecycle.start`, and puts it into the pool.
    async fn make(&self, place: Place<'_, Box<Instance>>, room: OwnedSemaphorePermit) -> Result<(), Failure> {
        let instance = Instance::new(self, room, true, self.own_time(Instant::now()), Deck::default()).await?;
        self.engine().room().keep(&self.warm, place, instance, Instant::now());
        Ok(())
    }

    /// All the time that an execution which begins now may have.
    pub(crate) fn own_time(&self, began: Instant) -> Time {
        let limits = &self.decl().limits;
        Time { began, deadline: limits::later(began, limits.timeout), cpu: limits.cpu_timeout(), used: Duration::ZERO }
    }

    /// Takes an instance back that was used until `now`: into its place if it may be used again.
    pub(crate) fn give_back(
        self: &Arc<Self>,
        instance: Box<Instance>,
        place: Option<Place<'_, Box<Instance>>>,
        now: Instant,
    ) {
        let wear = instance.wear();
        let Some(place) = place else {
            return instance.retire(wear.broken.unwrap_or(Retired::Once));
        };
        match wear.retired() {
            None => self.engine().room().keep(&self.warm, place, instance, now),
            Some(why) => {
                instance.retire(why);
                drop(place);
                self.refill();
            }
        }
    }

    /// Has an instance made if one is wanted, off the way of any request.
    pub(crate) fn refill(self: &Arc<Self>) {
        let wanted = self.warm.wants() && !self.engine().room().is_starving();
        if wanted && self.refill.wait().is_none() && !self.refill.active.swap(true, Ordering::Relaxed) {
            tokio::spawn(refill(Refilling(Arc::downgrade(self))));
        }
    }

    /// Makes one instance if it is wanted and there is room. True if there should be more.
    async fn refill_one(&self) -> Result<bool, Failure> {
        let (room, weight) = (self.engine().room(), self.component().weight());
        // As an execution has, so that there are never more instances than may be.
        let Some(_turn) = self.gate.try_enter() else { return Ok(false) };
        let below_min = self.warm.is_below_min();
        let Some(place) = self.warm.wants().then(|| self.warm.reserve()).flatten() else { return Ok(false) };
        // Only a minimum is worth the instance of another process.
        let permit = if below_min { room.beside_minima(weight) } else { room.free(weight) };
        let Some(permit) = permit else { return Ok(false) };
        self.make(place, permit).await?;
        self.refill.note(false);
        Ok(self.warm.is_below_min())
    }
}

/// The task's hold on its listener: weak, since a deployment that is gone needs no new instances.
struct Refilling(Weak<Listener>);

impl Drop for Refilling {
    fn drop(&mut self) {
        if let Some(listener) = self.0.upgrade() {
            listener.refill.active.store(false, Ordering::Relaxed);
        }
    }
}

async fn refill(refilling: Refilling) {
    while let Some(listener) = refilling.0.upgrade() {
        let wait = match listener.refill_one().await {
            Ok(true) => None,
            Ok(false) => return,
            Err(failure) => {
                tracing::warn!(process = listener.name(), "an instance could not be made ahead: {failure}");
                listener.refill.note(true);
                // Beyond its minimum the next request makes its own.
                if !listener.warm.is_below_min() {
                    return;
                }
                listener.refill.wait()
            }
        };
        drop(listener);
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
    }
}

/// The failure of an execution for which there is no instance.
pub(crate) fn no_room(engine: &Engine) -> Failure {
    let most = engine.max_instances();
    Failure::new(FailureKind::Saturated, format!("all {most} instances of this host are in use; try again later"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_after_a_failure_doubles_up_to_its_bound() {
        let now = Instant::now();
        let mut back_off = BackOff::default();
        assert_eq!(back_off.wait(now), None);
        let mut waits = Vec::new();
        for _ in 0..40 {
            back_off.failed(now);
            waits.push(back_off.wait(now).unwrap());
        }
        assert_eq!(waits[..3], [limits::BACK_OFF, 2 * limits::BACK_OFF, 4 * limits::BACK_OFF]);
        assert_eq!(waits.last(), Some(&limits::LONGEST_BACK_OFF));
        assert_eq!(back_off.wait(now + limits::LONGEST_BACK_OFF), None);
    }
}
