//! Which warm instance is used, and how long one lives: the policy of low-latency mode, apart from the instances
//! themselves.
//!
//! The most recently used instance goes first: its memory is in the caches, and those that a quiet hour does not need fall
//! to the bottom, where they are let go. One short lock for each take and each return.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::limits::TABLE_ENTRIES;

/// How long an instance may lie unused before the pool lets it go.
const IDLE: Duration = Duration::from_secs(300);

/// How often a pool is looked through for such.
const SWEEP: Duration = Duration::from_secs(30);

/// Part of its `memory` that an instance may have grown to and still be used again, as a fraction.
const MEMORY: (u64, u64) = (3, 4);

/// Documents that its guest has not dropped, over all executions, before an instance is let go.
const LEAKED: usize = 10_000;

/// Streams, files, statements and the like that its guest may have left behind: the next execution needs some of its own.
const ENTRIES: usize = TABLE_ENTRIES / 2;

/// What an instance has been through: all that decides whether it is used again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wear {
    /// It trapped, ran out of time, or could not be cleaned up.
    pub(crate) broken: bool,
    /// Executions so far.
    pub(crate) uses: u64,
    /// Executions that it was given at most.
    pub(crate) max_uses: u64,
    /// Linear memory now.
    pub(crate) memory: u64,
    /// Linear memory when it was made.
    pub(crate) memory_at_start: u64,
    /// What it may have.
    pub(crate) memory_limit: u64,
    /// Documents that it has not dropped.
    pub(crate) leaked: usize,
    /// Resources of WASI and `sql` that it has not dropped.
    pub(crate) entries: usize,
}

impl Wear {
    /// Whether the instance may serve another execution. Memory never shrinks, so one that has grown near to its limit
    /// would fail soon; one that begins there is no worse than a new one.
    pub(crate) const fn fit(&self) -> bool {
        let full = self.memory > self.memory_limit / MEMORY.1 * MEMORY.0 && self.memory > self.memory_at_start;
        !self.broken && !full && self.uses < self.max_uses && self.leaked < LEAKED && self.entries <= ENTRIES
    }
}

/// How many executions a new instance is given: around `mean`, by chance, so that nobody comes to rely on the number and
/// instances that were made together do not end together.
pub(crate) fn max_uses(mean: u64) -> u64 {
    let spread = mean / 2;
    let random = RandomState::new().hash_one(mean);
    (mean - spread / 2 + random % (spread + 1)).max(1)
}

/// Instances that wait for their next execution.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    idle: Mutex<VecDeque<(T, Instant)>>,
    capacity: usize,
}

impl<T> Pool<T> {
    /// A pool that keeps so many at most.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { idle: Mutex::new(VecDeque::new()), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(T, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one used last.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().pop_back().map(|(instance, _)| instance)
    }

    /// Takes an instance in. If there is no room, the one that has lain longest is let go.
    pub(crate) fn put(&self, instance: T) {
        let mut idle = self.lock();
        let let_go = if idle.len() >= self.capacity { idle.pop_front() } else { None };
        idle.push_back((instance, Instant::now()));
        // Giving an instance's memory back takes longer than anybody should wait for the lock.
        drop(idle);
        drop(let_go);
    }

    /// Lets go of all that have lain too long by now.
    fn let_go_stale(&self, now: Instant) {
        let mut idle = self.lock();
        let stale = idle.iter().take_while(|(_, since)| now.saturating_duration_since(*since) > IDLE).count();
        let stale: Vec<_> = idle.drain(..stale).collect();
        drop(idle);
        drop(stale);
    }

    /// Lets go of the one that has lain longest. False if there is none.
    pub(crate) fn evict(&self) -> bool {
        let evicted = self.lock().pop_front();
        evicted.is_some()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

/// Lets go of what has lain too long, as long as there is the pool. Holds it weakly: it ends with its deployment.
pub(crate) async fn sweep<T>(pool: Weak<Pool<T>>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.let_go_stale(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const FIT: Wear = Wear {
        broken: false,
        uses: 1,
        max_uses: 10,
        memory: 10,
        memory_at_start: 10,
        memory_limit: 100,
        leaked: 0,
        entries: 10,
    };

    #[test]
    fn a_worn_instance_is_not_used_again() {
        assert!(FIT.fit());
        assert!(!Wear { broken: true, ..FIT }.fit());
        assert!(!Wear { uses: 10, ..FIT }.fit());
        assert!(!Wear { memory: 76, ..FIT }.fit());
        assert!(Wear { memory: 75, ..FIT }.fit());
        assert!(Wear { memory: 90, memory_at_start: 90, ..FIT }.fit());
        assert!(!Wear { leaked: LEAKED, ..FIT }.fit());
        assert!(!Wear { entries: ENTRIES + 1, ..FIT }.fit());
    }

    #[test]
    fn the_last_used_goes_first_and_the_oldest_is_let_go() {
        let pool = Pool::new(2);
        pool.put(1);
        pool.put(2);
        pool.put(3);
        assert_eq!(pool.len(), 2);
        assert_eq!(pool.take(), Some(3));
        assert!(pool.evict());
        assert_eq!(pool.take(), None);
        assert!(!pool.evict());
    }

    #[test]
    fn all_that_lie_too_long_are_let_go() {
        let pool = Pool::new(9);
        (0..5).for_each(|n| pool.put(n));
        let last = Instant::now();
        pool.let_go_stale(last + IDLE / 2);
        assert_eq!(pool.len(), 5);
        pool.let_go_stale(last + IDLE + Duration::from_secs(1));
        assert_eq!(pool.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sweep_ends_with_its_pool() {
        let pool = Arc::new(Pool::new(1));
        pool.put(1);
        let sweeping = tokio::spawn(sweep(Arc::downgrade(&pool)));
        tokio::time::sleep(SWEEP * 2).await;
        assert_eq!((pool.len(), sweeping.is_finished()), (1, false), "what was just used stays");
        drop(pool);
        sweeping.await.unwrap();
    }

    #[test]
    fn uses_are_spread_around_the_mean() {
        let all: Vec<u64> = (0..200).map(|_| max_uses(1000)).collect();
        assert!(all.iter().all(|n| (750..=1250).contains(n)));
        assert!(all.iter().any(|n| *n != all[0]));
        assert_eq!(max_uses(1), 1);
    }
}
