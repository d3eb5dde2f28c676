//! How many executions of a process go on at one time, and how many may wait for their turn. Waiting is bounded in number
//! and in time, so that overload ends in an answer at once instead of in a pile.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::limits::QUEUE;
use crate::timing::within;

/// Why an execution was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So many run, and so many wait already.
    QueueFull,
    /// Its turn did not come in time.
    TooLong,
}

/// The gate in front of one process.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Semaphore,
    places: usize,
    waiting: AtomicUsize,
}

impl Gate {
    /// A gate that lets so many in at one time, and lets [`QUEUE`] times as many wait.
    pub(crate) fn new(width: u32) -> Self {
        let width = (width as usize).min(Semaphore::MAX_PERMITS);
        Self { permits: Semaphore::new(width), places: width.saturating_mul(QUEUE), waiting: AtomicUsize::new(0) }
    }

    /// A turn, if there is one at once. It lasts as long as the permit.
    pub(crate) fn try_enter(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.try_acquire().ok()
    }

    /// Waits for a turn, in the order of arrival.
    pub(crate) async fn enter(&self, until: Instant) -> Result<SemaphorePermit<'_>, Refusal> {
        let _place = Count::below(&self.waiting, self.places).ok_or(Refusal::QueueFull)?;
        match within(until, self.permits.acquire()).await {
            Some(Ok(permit)) => Ok(permit),
            // The gate is never closed, so an error can only be the time.
            _ => Err(Refusal::TooLong),
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One more in a count, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Count<'a>(&'a AtomicUsize);

impl<'a> Count<'a> {
    pub(crate) fn new(of: &'a AtomicUsize) -> Self {
        of.fetch_add(1, Ordering::Relaxed);
        Self(of)
    }

    /// None if there are `limit` already. Counts first and looks then, so that two at once can't both take the last place.
    fn below(of: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let before = of.fetch_add(1, Ordering::Relaxed);
        let count = Self(of);
        (before < limit).then_some(count)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_in_a_bounded_queue_for_a_bounded_time() {
        let gate = Arc::new(Gate::new(1));
        let soon = || Instant::now() + Duration::from_secs(1);
        let first = gate.try_enter().unwrap();
        assert!(gate.try_enter().is_none());
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                let gate = gate.clone();
                let until = soon();
                tokio::spawn(async move { gate.enter(until).await.err() })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(gate.waiting(), QUEUE);
        assert_eq!(gate.enter(soon()).await.unwrap_err(), Refusal::QueueFull);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for refused in waiting {
            assert_eq!(refused.await.unwrap(), Some(Refusal::TooLong));
        }
        assert_eq!(gate.waiting(), 0);
        drop(first);
        assert!(gate.enter(soon()).await.is_ok());
        assert!(gate.try_enter().is_some());
    }
}
