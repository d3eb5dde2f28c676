//! What the queue does beside running: reads from the store what memory does not hold, holds leases, lets go what has expired.
//!
//! Two tasks, which between two looks hold nothing of the host, so that one that is dropped frees its data folder at once. While
//! nothing waits and no other host uses the store, the store is asked nothing.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use auricle_store::StoreError;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, timeout};

use super::{Asked, Job, Place, run};
use crate::host::Inner;
use crate::limits::{PAGE_BYTES, QUEUE_EXPIRY, QUEUE_LEASE, QUEUE_LOOK};

/// Executions read from the store at a time.
const PAGE: u32 = 64;

/// Begins both tasks; they end with the host.
pub(super) fn begin(host: &Arc<Inner>) {
    tokio::spawn(sweep(Arc::downgrade(host), host.queue.wake.clone()));
    tokio::spawn(hold(Arc::downgrade(host)));
}

/// Reads from the store what memory does not hold, whenever there may be something.
async fn sweep(host: Weak<Inner>, wake: Arc<Notify>) {
    let mut told = false;
    let mut last = Instant::now();
    while let Some(host) = host.upgrade() {
        let queue = &host.queue;
        if queue.is_stopping() {
            return;
        }
        let due = last.elapsed() >= QUEUE_LOOK;
        let expected = due && (queue.later.load(Ordering::Acquire) || queue.store.is_shared());
        // Cleared before the store is read: what is accepted meanwhile sets it again.
        if queue.behind.swap(false, Ordering::AcqRel) || expected {
            if due {
                last = Instant::now();
            }
            match look(&host, due).await {
                Ok(()) => told = false,
                Err(error) => {
                    if !told {
                        tracing::warn!(%error, "the queue cannot be read; trying again");
                    }
                    told = true;
                    queue.later.store(true, Ordering::Release);
                }
            }
        }
        run::go_on(&host);
        drop(host);
        let _ = timeout(QUEUE_LOOK, wake.notified()).await;
    }
}

/// Takes in what is to be run, as far as there is room for it. To look for what is behind the backlog of a process that has no
/// more room, the store has to read past all of that: only now and then, when it is `thorough`.
async fn look(host: &Arc<Inner>, thorough: bool) -> Result<(), StoreError> {
    let queue = &host.queue;
    queue.later.store(false, Ordering::Release);
    let mut after = None;
    loop {
        let full = queue.line().full();
        if !full.is_empty() {
            queue.behind.store(true, Ordering::Release);
            if !thorough && after.is_some() {
                break;
            }
        }
        let page = queue.store.pending(&queue.environment, &queue.node, after, PAGE, &full).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.execution.id);
        let (mut placed, mut early) = (0, false);
        for queued in page {
            if queue.is_stopping() {
                return Ok(());
            }
            if queued.not_before.is_some_and(|then| then > SystemTime::now()) {
                early = true;
                continue;
            }
            match Place::take(host, &queued.execution) {
                Ok(place) => {
                    placed += 1;
                    place.wait(Job { accepted_in: None, queued, begun: None });
                }
                Err(Asked::Full) => queue.behind.store(true, Ordering::Release),
                // It may be over since it was read, and about to be put back: `begin` tells.
                Err(_) => placed += 1,
            }
        }
        // Those that wait for their time say nothing of those behind them.
        if placed == 0 && !early {
            // There is no room for anything more.
            break;
        }
    }
    let depths = depths(host).await?;
    if depths > 0 {
        queue.later.store(true, Ordering::Release);
    }
    Ok(())
}

/// Counts what the store holds; gives how many executions wait in it.
async fn depths(host: &Inner) -> Result<u64, StoreError> {
    let depths = host.queue.store.depths().await?;
    for (count, depth) in host.queue.counts.depths.iter().zip(depths) {
        count.store(depth, Ordering::Relaxed);
    }
    let [queued, ..] = depths;
    Ok(queued)
}

/// Holds the leases of what runs here, counts, and has the store forget what has expired.
async fn hold(host: Weak<Inner>) {
    let mut tick = interval(QUEUE_LEASE / 3);
    let mut expired: Option<Instant> = None;
    loop {
        tick.tick().await;
        // Also while it drains: what runs then is still held.
        let Some(host) = host.upgrade() else { return };
        let queue = &host.queue;
        let begun = queue.line().all_begun();
        if queue.is_stopping() && begun.is_empty() {
            return;
        }
        if queue.store.is_shared()
            && !begun.is_empty()
            && let Err(error) = queue.store.renew(&begun, queue.lease()).await
        {
            tracing::warn!(%error, "queued executions that run here are not held: another host may run them too");
        }
        if expired.is_none_or(|then| then.elapsed() >= QUEUE_EXPIRY) {
            expired = Some(Instant::now());
            if let Err(error) = queue.store.expire(SystemTime::now()).await {
                tracing::warn!(%error, "what has expired could not be deleted");
            }
            host.pages.prune(PAGE_BYTES).await;
        }
        // What cannot be counted now is counted next time; the sweep tells of a store that is away.
        let _ = depths(&host).await;
    }
}
