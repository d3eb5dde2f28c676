//! Which warm instance is used, how many there are, and how long one lives: the policy of low-latency mode, apart from
//! the instances themselves.
//!
//! The most recently used instance goes first: its memory is in the caches, and those that a quiet hour does not need fall
//! to the bottom, where they are let go. Among the last few, one that this thread has used itself goes before others: what
//! it touches lies in the caches of this core, and would have to come over from another's. One short lock for each take and
//! each return.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::TABLE_ENTRIES;
use crate::sharded::number;

/// How long an instance may lie unused before the pool lets it go.
pub(crate) const IDLE: Duration = Duration::from_secs(300);

/// Part of its `memory` that an instance may have grown to and still be used again, as a fraction.
const MEMORY: (u64, u64) = (3, 4);

/// Documents that its guest has not dropped, over all executions, before an instance is let go.
const LEAKED: usize = 10_000;

/// Streams, files, statements and the like that its guest may have left behind: the next execution needs some of its own.
const ENTRIES: usize = TABLE_ENTRIES / 2;

/// So many of the instances used last are looked at for one that this thread has used.
const LOOKS: usize = 8;

macro_rules! retired {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)+) => {
        /// Why an instance is no more.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Retired { $($(#[$meta])* $variant,)+ }

        impl Retired {
            /// Every name, in the order of the variants.
            pub(crate) const NAMES: &[&'static str] = &[$($name),+];
        }
    };
}

retired! {
    /// It was made for one execution, or to see whether it can be made at all.
    Once = "once",
    /// It has served as many executions as it was given.
    Uses = "uses",
    /// Nobody has used it for long.
    Idle = "idle",
    /// It has grown near to its `memory`, or asked for more.
    Memory = "memory",
    /// It trapped.
    Trap = "trap",
    /// It ran out of time.
    Deadline = "deadline",
    /// It computed for too long.
    Cpu = "cpu",
    /// Its guest leaves documents, streams or files behind.
    Leak = "leak",
    /// It could not be cleaned up: a transaction, or an answer that is still being read.
    Unclean = "unclean",
    /// The caller gave up, in the middle of the execution.
    Cancelled = "cancelled",
    /// Another process needed its room.
    Evicted = "evicted",
    /// Its version of the process is not deployed any more.
    Undeployed = "undeployed",
}

/// What an instance has been through: all that decides whether it is used again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wear {
    /// Why its store cannot be used again, if so.
    pub(crate) broken: Option<Retired>,
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
    /// Why the instance may serve no other execution; none if it may. Memory never shrinks, so one that has grown near to
    /// its limit would fail soon; one that begins there is no worse than a new one.
    pub(crate) const fn retired(&self) -> Option<Retired> {
        if self.broken.is_some() {
            return self.broken;
        }
        if self.memory > self.memory_limit / MEMORY.1 * MEMORY.0 && self.memory > self.memory_at_start {
            return Some(Retired::Memory);
        }
        if self.uses >= self.max_uses {
            return Some(Retired::Uses);
        }
        if self.leaked >= LEAKED || self.entries > ENTRIES {
            return Some(Retired::Leak);
        }
        None
    }
}

/// How many executions a new instance is given: around `mean`, by chance, so that nobody comes to rely on the number and
/// instances that were made together do not end together.
pub(crate) fn max_uses(mean: u64) -> u64 {
    let spread = mean / 2;
    let random = RandomState::new().hash_one(mean);
    (mean - spread / 2 + random % (spread + 1)).max(1)
}

/// The instances of one process: those that wait for their next execution, and the count of those that are in one.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    instances: Mutex<Instances<T>>,
    min: usize,
    max: usize,
}

#[derive(Debug)]
struct Instances<T> {
    /// The one used last is at the back.
    idle: VecDeque<Idle<T>>,
    /// Idle ones and places that are taken.
    live: usize,
    /// Whether the pool stands in the list of those with idle instances.
    listed: bool,
    /// Whether it was used since it was last looked at for an instance that could give way.
    touched: bool,
}

/// An instance that lies idle.
#[derive(Debug)]
struct Idle<T> {
    instance: T,
    since: Instant,
    /// The number of the thread that used it last.
    thread: usize,
}

/// The place of one instance that is at work or being made. Given up when it is dropped, unless its instance is put back.
#[derive(Debug)]
pub(crate) struct Place<'a, T>(&'a Pool<T>);

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        self.0.lock().live -= 1;
    }
}

/// What a pool can give up, looked at from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spare {
    /// Instances beyond the minimum, not used since the last look.
    Unused,
    /// Instances beyond the minimum.
    Used,
    /// No more than the minimum.
    Minimum,
}

impl<T> Pool<T> {
    /// A pool of at most `max` instances, of which `min` do not give way to time.
    pub(crate) const fn new(min: usize, max: usize) -> Self {
        let instances = Instances { idle: VecDeque::new(), live: 0, listed: false, touched: false };
        Self { instances: Mutex::new(instances), min, max }
    }

    fn lock(&self) -> MutexGuard<'_, Instances<T>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance used last, by this thread if it is among the last few, with its place.
    pub(crate) fn take(&self) -> Option<(T, Place<'_, T>)> {
        let thread = number();
        let mut instances = self.lock();
        let last = instances.idle.len().checked_sub(1)?;
        let own = instances.idle.iter().rev().take(LOOKS).position(|idle| idle.thread == thread);
        let idle = instances.idle.remove(last - own.unwrap_or(0))?;
        Some((idle.instance, Place(self)))
    }

    /// A place for an instance that is to be made, if there may be one more.
    pub(crate) fn reserve(&self) -> Option<Place<'_, T>> {
        let mut instances = self.lock();
        if instances.live >= self.max {
            return None;
        }
        instances.live += 1;
        Some(Place(self))
    }

    /// Whether one more instance should be made ahead of any request: there are fewer than the minimum, or the next
    /// request would find none.
    pub(crate) fn wants(&self) -> bool {
        let instances = self.lock();
        instances.live < self.max && (instances.live < self.min || instances.idle.is_empty())
    }

    /// Whether there are fewer instances than there always should be.
    pub(crate) fn is_below_min(&self) -> bool {
        self.lock().live < self.min
    }

    /// Takes an instance in that was used until `now`, into its place. True if the pool has to be listed among those with
    /// idle instances.
    pub(crate) fn put(place: Place<'_, T>, instance: T, now: Instant) -> bool {
        let pool = place.0;
        // It is kept: the instance has it from now on.
        std::mem::forget(place);
        let mut instances = pool.lock();
        instances.idle.push_back(Idle { instance, since: now, thread: number() });
        instances.touched = true;
        !std::mem::replace(&mut instances.listed, true)
    }

    /// What the pool can give up; none if nothing lies idle, and then it is not listed any more.
    pub(crate) fn spare(&self) -> Option<Spare> {
        let mut instances = self.lock();
        if instances.idle.is_empty() {
            instances.listed = false;
            return None;
        }
        let touched = std::mem::replace(&mut instances.touched, false);
        Some(match (instances.live > self.min, touched) {
            (false, _) => Spare::Minimum,
            (true, true) => Spare::Used,
            (true, false) => Spare::Unused,
        })
    }

    /// Whether nothing lies idle; then it is not listed any more.
    pub(crate) fn unlist_if_empty(&self) -> bool {
        let mut instances = self.lock();
        let empty = instances.idle.is_empty();
        instances.listed &= !empty;
        empty
    }

    /// The instance that has lain longest.
    pub(crate) fn evict(&self) -> Option<T> {
        let mut instances = self.lock();
        let idle = instances.idle.pop_front()?;
        instances.live -= 1;
        Some(idle.instance)
    }

    /// All instances beyond the minimum that have lain too long by now.
    pub(crate) fn stale(&self, now: Instant) -> Vec<T> {
        let mut instances = self.lock();
        let beyond = instances.live.saturating_sub(self.min);
        let too_long = |since: Instant| now.saturating_duration_since(since) > IDLE;
        let stale = instances.idle.iter().take(beyond).take_while(|idle| too_long(idle.since)).count();
        instances.live -= stale;
        instances.idle.drain(..stale).map(|idle| idle.instance).collect()
    }

    /// How many lie idle.
    pub(crate) fn idle(&self) -> usize {
        self.lock().idle.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: Wear = Wear {
        broken: None,
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
        assert_eq!(FIT.retired(), None);
        assert_eq!(Wear { broken: Some(Retired::Trap), uses: 10, ..FIT }.retired(), Some(Retired::Trap));
        assert_eq!(Wear { uses: 10, ..FIT }.retired(), Some(Retired::Uses));
        assert_eq!(Wear { memory: 76, ..FIT }.retired(), Some(Retired::Memory));
        assert_eq!(Wear { memory: 75, ..FIT }.retired(), None);
        assert_eq!(Wear { memory: 90, memory_at_start: 90, ..FIT }.retired(), None);
        assert_eq!(Wear { leaked: LEAKED, ..FIT }.retired(), Some(Retired::Leak));
        assert_eq!(Wear { entries: ENTRIES + 1, ..FIT }.retired(), Some(Retired::Leak));
        assert_eq!(Retired::NAMES.get(Retired::Undeployed as usize), Some(&"undeployed"));
    }

    fn fill(pool: &Pool<u32>, instances: impl IntoIterator<Item = u32>) {
        let now = Instant::now();
        // All places first, as if all were in use at one time.
        let places: Vec<_> = instances.into_iter().map(|n| (n, pool.reserve().unwrap())).collect();
        for (n, place) in places {
            Pool::put(place, n, now);
        }
    }

    #[test]
    fn the_last_used_goes_first_and_the_oldest_gives_way() {
        let pool = Pool::new(0, 3);
        fill(&pool, [1, 2, 3]);
        let (instance, place) = pool.take().unwrap();
        assert_eq!((instance, pool.evict(), pool.idle()), (3, Some(1), 1));
        assert!(!Pool::put(place, 3, Instant::now()), "it is listed already");
        assert_eq!((pool.evict(), pool.evict(), pool.evict()), (Some(2), Some(3), None));
    }

    #[test]
    fn a_thread_gets_back_what_it_has_used() {
        let pool = Pool::new(0, 20);
        fill(&pool, [1]);
        std::thread::scope(|scope| scope.spawn(|| fill(&pool, [2, 3])).join().unwrap());
        let (own, _place) = pool.take().unwrap();
        let (other, _place) = pool.take().unwrap();
        assert_eq!((own, other), (1, 3), "and then the one used last");
        // Not where it lies too deep: it may be in no cache any more.
        fill(&pool, [4]);
        std::thread::scope(|scope| scope.spawn(|| fill(&pool, 10..20)).join().unwrap());
        assert_eq!(pool.take().map(|(instance, _)| instance), Some(19));
    }

    #[test]
    fn there_are_never_more_than_the_maximum() {
        let pool = Pool::new(0, 2);
        let first = pool.reserve().unwrap();
        fill(&pool, [1]);
        assert!(pool.reserve().is_none(), "one is busy and one idle");
        let (_, second) = pool.take().unwrap();
        assert!(pool.reserve().is_none() && !pool.wants());
        drop(second);
        assert!(pool.wants());
        assert!(pool.reserve().is_some());
        drop(first);
        fill(&pool, [1, 2]);
        assert!(pool.reserve().is_none());
    }

    #[test]
    fn one_is_wanted_where_the_next_request_would_find_none() {
        let pool = Pool::new(2, 3);
        fill(&pool, [1]);
        assert!(pool.wants() && pool.is_below_min());
        fill(&pool, [2]);
        assert!(!pool.wants() && !pool.is_below_min());
        let busy = (pool.take().unwrap(), pool.take().unwrap());
        assert!(pool.wants() && !pool.is_below_min());
        drop(busy);
    }

    #[test]
    fn the_minimum_outlives_the_others() {
        let pool = Pool::new(2, 9);
        fill(&pool, 0..5);
        let last = Instant::now();
        assert!(pool.stale(last + IDLE / 2).is_empty());
        assert_eq!(pool.stale(last + IDLE + Duration::from_secs(1)), [0, 1, 2]);
        assert_eq!((pool.idle(), pool.spare()), (2, Some(Spare::Minimum)));
        assert_eq!(pool.evict(), Some(3), "unless there is no other way");
        assert!(pool.wants());
    }

    #[test]
    fn a_pool_tells_what_it_can_spare() {
        let pool = Pool::new(0, 9);
        assert_eq!(pool.spare(), None);
        fill(&pool, [1]);
        assert_eq!((pool.spare(), pool.spare()), (Some(Spare::Used), Some(Spare::Unused)));
        let (instance, place) = pool.take().unwrap();
        assert_eq!(pool.spare(), None);
        assert!(Pool::put(place, instance, Instant::now()), "to be listed again");
    }

    #[test]
    fn uses_are_spread_around_the_mean() {
        let all: Vec<u64> = (0..200).map(|_| max_uses(1000)).collect();
        assert!(all.iter().all(|n| (750..=1250).contains(n)));
        assert!(all.iter().any(|n| *n != all[0]));
        assert_eq!(max_uses(1), 1);
    }
}
