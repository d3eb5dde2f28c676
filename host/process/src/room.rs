//! Room for instances: how many the engine has at once over all processes, who gives way when there is no more, and the one
//! task that looks after all of them.
//!
//! A permit is taken before an instance is made, since the runtime's own pool fails when it is full. Taking one costs two
//! atomic operations as long as there are any.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::gate::Count;
use crate::idle::IdleList;
use crate::instance::Instance;
use crate::limits;
use crate::listener::Listener;
use crate::pool::{Place, Pool, Retired, Spare};
use crate::timing::within;

/// Instances that are let go in one go before other tasks of the thread get on.
const AT_ONCE: usize = 16;

/// The room of one engine.
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    /// Bounds the instances that are made only to see whether they can be, to the part that warm-up leaves free: they must not
    /// push out those that were just made to be kept.
    trials: Semaphore,
    /// So many there are in all.
    most: u32,
    /// How many executions wait for an instance of any process: while there are any, none is kept warm.
    starving: AtomicUsize,
    idle: IdleList<Box<Instance>>,
    /// Processes that have a minimum of instances.
    keepers: Mutex<Vec<Weak<Listener>>>,
    /// Whether the task runs that looks after them.
    watched: AtomicBool,
}

impl Room {
    /// Room for so many.
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(most as usize)),
            trials: Semaphore::new(reserve(most).max(1)),
            most,
            starving: AtomicUsize::new(0),
            idle: IdleList::default(),
            keepers: Mutex::default(),
            watched: AtomicBool::new(false),
        })
    }

    /// Room for one instance that takes so many permits, if there is some free.
    pub(crate) fn free(&self, weight: u32) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().try_acquire_many_owned(weight).ok()
    }

    /// The same, as long as a part of all room stays free.
    pub(crate) fn plenty(&self, weight: u32) -> Option<OwnedSemaphorePermit> {
        let room = self.free(weight)?;
        (self.permits.available_permits() >= reserve(self.most)).then_some(room)
    }

    /// Room for an instance that is let go at once, waiting for it until a time.
    pub(crate) async fn trial(
        &self,
        weight: u32,
        until: Instant,
    ) -> Option<(SemaphorePermit<'_>, OwnedSemaphorePermit)> {
        let share = weight.min(u32::try_from(reserve(self.most)).unwrap_or(u32::MAX)).max(1);
        let turn = within(until, self.trials.acquire_many(share)).await?.ok()?;
        Some((turn, self.wait(weight, until).await?))
    }

    /// The same, where an idle instance may have to give way.
    pub(crate) fn at_once(&self, weight: u32) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Some(room) = self.free(weight) {
                return Some(room);
            }
            self.idle.evict(Spare::Minimum)?.retire(Retired::Evicted);
        }
    }

    /// The same for an instance that nobody waits for: no other process's minimum gives way to it, nor its own.
    pub(crate) fn beside_minima(&self, weight: u32) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Some(room) = self.free(weight) {
                return Some(room);
            }
            self.idle.evict(Spare::Used)?.retire(Retired::Evicted);
        }
    }

    /// The same, waiting for it until a time.
    pub(crate) async fn wait(&self, weight: u32, until: Instant) -> Option<OwnedSemaphorePermit> {
        if let Some(room) = self.at_once(weight) {
            return Some(room);
        }
        // Counted, then looked once more: for an instance given back after this look another one goes, so its room comes to the
        // queue.
        let _starving = Count::new(&self.starving);
        if let Some(room) = self.at_once(weight) {
            return Some(room);
        }
        within(until, self.permits.clone().acquire_many_owned(weight)).await?.ok()
    }

    /// Whether somebody waits for room: an instance that would lie idle had better go.
    pub(crate) fn is_starving(&self) -> bool {
        self.starving.load(Ordering::Relaxed) > 0
    }

    /// Puts an instance back, and lets one go if somebody waits for room. In this order: who begins to wait just now either
    /// finds it or is seen here.
    pub(crate) fn keep(
        &self,
        pool: &Arc<Pool<Box<Instance>>>,
        place: Place<'_, Box<Instance>>,
        instance: Box<Instance>,
        now: Instant,
    ) {
        if Pool::put(place, instance, now) {
            self.idle.list(pool);
        }
        if self.is_starving()
            && let Some(instance) = pool.evict()
        {
            instance.retire(Retired::Evicted);
        }
    }

    /// Permits that there are in all.
    pub(crate) const fn most(&self) -> u32 {
        self.most
    }

    /// Free permits, of all that there are.
    pub(crate) fn permits(&self) -> (usize, usize) {
        (self.permits.available_permits(), self.most as usize)
    }

    /// How many executions wait for room.
    pub(crate) fn starving(&self) -> usize {
        self.starving.load(Ordering::Relaxed)
    }

    /// Has a process looked at from time to time, whether it has its minimum.
    pub(crate) fn look_after(&self, listener: &Arc<Listener>) {
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(listener));
    }

    /// Starts the task that looks after idle instances, unless it runs. It ends with the room or with its runtime; the next
    /// process that is started begins it anew.
    pub(crate) fn watch(self: &Arc<Self>) {
        if !self.watched.swap(true, Ordering::Relaxed) {
            tokio::spawn(watch(Watch(Arc::downgrade(self))));
        }
    }

    fn keepers(&self) -> Vec<Arc<Listener>> {
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        keepers.retain(|keeper| keeper.strong_count() > 0);
        keepers.iter().filter_map(Weak::upgrade).collect()
    }
}

/// What warm-up at deploy leaves free, of so many permits.
const fn reserve(most: u32) -> usize {
    (most / limits::WARM_UP_RESERVE) as usize
}

/// The task's hold on its room: weak, so that it ends with it.
struct Watch(Weak<Room>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(room) = self.0.upgrade() {
            room.watched.store(false, Ordering::Relaxed);
        }
    }
}

async fn watch(watch: Watch) {
    loop {
        tokio::time::sleep(limits::SWEEP).await;
        let Some(room) = watch.0.upgrade() else { return };
        for (index, instance) in room.idle.stale(Instant::now()).into_iter().enumerate() {
            instance.retire(Retired::Idle);
            if index % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        for listener in room.keepers() {
            listener.refill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_task_watches_and_ends_with_the_room() {
        let room = Room::new(8);
        room.watch();
        room.watch();
        let runtime = tokio::runtime::Handle::current();
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        drop(room);
        tokio::time::sleep(limits::SWEEP * 2).await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }

    #[tokio::test]
    async fn the_watch_begins_anew_in_another_runtime() {
        let room = Room::new(8);
        let other = std::thread::spawn({
            let room = room.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { room.watch() });
            }
        });
        other.join().unwrap();
        assert!(!room.watched.load(Ordering::Relaxed));
    }

    #[test]
    fn warm_up_leaves_some_room() {
        let room = Room::new(16);
        let held: Vec<_> = std::iter::from_fn(|| room.plenty(1)).collect();
        assert_eq!((held.len(), room.permits()), (14, (2, 16)));
        assert!(room.free(2).is_some() && room.free(3).is_none());
    }
}
