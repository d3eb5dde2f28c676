//! Whose idle instance gives way when there is no other room: an approximation of the one that is missed least, found
//! without looking at every process.
//!
//! The pools with idle instances stand in a line. Who is looked at and was used since the last look gets a second chance at
//! the end of the line; at most [`LOOKS`] are looked at, so that ten thousand processes cost no more than a few. A pool
//! enters the line when its first instance is put back and leaves it when it is found empty: a process that is called all
//! the time takes its lock once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::Instant;

use crate::pool::{Pool, Spare};

/// Pools that are looked at for one instance.
const LOOKS: usize = 32;

/// The pools with idle instances.
#[derive(Debug)]
pub(crate) struct IdleList<T>(Mutex<VecDeque<Weak<Pool<T>>>>);

impl<T> Default for IdleList<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> IdleList<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Weak<Pool<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a pool, as [`Pool::put`] asks for it.
    pub(crate) fn list(&self, pool: &Arc<Pool<T>>) {
        self.lock().push_back(Arc::downgrade(pool));
    }

    /// Takes the instance out of its pool that is likely to be missed least, of those that are no dearer than `dearest`. The
    /// minimum of a process is the last to go.
    pub(crate) fn evict(&self, dearest: Spare) -> Option<T> {
        // What was found may be taken by a request meanwhile: then others are looked for.
        (0..LOOKS).find_map(|_| match self.cheapest(dearest) {
            Some(pool) => pool.evict().map(Some),
            None => Some(None),
        })?
    }

    fn cheapest(&self, dearest: Spare) -> Option<Arc<Pool<T>>> {
        let mut line = self.lock();
        let mut best: Option<(Spare, Arc<Pool<T>>)> = None;
        let mut looks = LOOKS.min(line.len());
        while looks > 0 {
            let Some(listed) = line.pop_front() else { break };
            // Pools that are gone or empty cost nothing the next time, so they are not counted.
            let Some(pool) = listed.upgrade() else { continue };
            let Some(spare) = pool.spare() else { continue };
            line.push_back(listed);
            looks -= 1;
            if spare <= dearest && best.as_ref().is_none_or(|(other, _)| spare < *other) {
                best = Some((spare, pool));
            }
            if spare == Spare::Unused {
                break;
            }
        }
        best.map(|(_, pool)| pool)
    }

    /// Takes all instances out that have lain too long by now.
    pub(crate) fn stale(&self, now: Instant) -> Vec<T> {
        let mut stale = Vec::new();
        // Let go of the line between two pools: a request may wait for it.
        let listed = self.lock().len();
        for _ in 0..listed {
            let mut line = self.lock();
            let Some(listed) = line.pop_front() else { break };
            let Some(pool) = listed.upgrade() else { continue };
            stale.extend(pool.stale(now));
            if !pool.unlist_if_empty() {
                line.push_back(listed);
            }
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pool::IDLE;

    fn pool(list: &IdleList<u32>, min: usize, instances: &[u32]) -> Arc<Pool<u32>> {
        let pool = Arc::new(Pool::new(min, 9));
        let places: Vec<_> = instances.iter().map(|n| (*n, pool.reserve().unwrap())).collect();
        for (n, place) in places {
            if Pool::put(place, n, Instant::now()) {
                list.list(&pool);
            }
        }
        pool
    }

    #[test]
    fn who_was_used_lately_gets_a_second_chance() {
        let list = IdleList::default();
        let (a, b) = (pool(&list, 0, &[1, 2]), pool(&list, 0, &[3]));
        assert_eq!(list.evict(Spare::Minimum), Some(1), "all were used: the first in the line");
        assert!(!Pool::put(b.take().unwrap().1, 3, Instant::now()));
        assert_eq!(list.evict(Spare::Minimum), Some(2), "the other was used since");
        assert_eq!((a.idle(), list.evict(Spare::Minimum), list.evict(Spare::Minimum)), (0, Some(3), None));
    }

    #[test]
    fn a_minimum_goes_only_where_there_is_nothing_else() {
        let list = IdleList::default();
        let _kept = pool(&list, 1, &[1]);
        let _other = pool(&list, 0, &[2]);
        assert_eq!((list.evict(Spare::Used), list.evict(Spare::Used)), (Some(2), None));
        assert_eq!((list.evict(Spare::Minimum), list.evict(Spare::Minimum)), (Some(1), None));
    }

    #[test]
    fn many_that_hold_nothing_do_not_hide_one_that_does() {
        let list = IdleList::default();
        let empty: Vec<_> = (0..100).map(|n| pool(&list, 0, &[n])).collect();
        empty.iter().for_each(|pool| drop(pool.take()));
        drop(pool(&list, 0, &[7]));
        let _last = pool(&list, 0, &[100]);
        assert_eq!(list.evict(Spare::Minimum), Some(100));
        assert_eq!(list.lock().len(), 1);
    }

    #[test]
    fn what_lies_too_long_is_found() {
        let list = IdleList::default();
        let (a, _b) = (pool(&list, 0, &[1, 2]), pool(&list, 1, &[3]));
        assert!(list.stale(Instant::now()).is_empty());
        assert_eq!(list.stale(Instant::now() + IDLE + Duration::from_secs(1)), [1, 2]);
        assert_eq!((a.idle(), list.lock().len()), (0, 1), "and the empty pool has left the line");
    }
}
