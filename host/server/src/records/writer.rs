//! Writes records in batches: by number, by bytes, or when the first of a batch has waited long enough. Text is made, redacted and
//! cut on a thread where no request is answered.
//!
//! What the store cannot take now stays in memory and is tried again; the queue before it is bounded. What it refuses for
//! good is found by halves and left out.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use auricle_model::{ExecutionRecord, MinuteCount, RecordKind, Retry};
use auricle_store::{Records, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ran::Ran;
use super::shape::Shape;
use super::usage::Minutes;
use super::{Shared, Shed};
use crate::limits::{
    RECORDS_BATCH, RECORDS_BATCH_BYTES, RECORDS_LINGER, RECORDS_RETRY, RECORDS_RETRY_MOST, USAGE_EVERY, USAGE_WAITING,
};

/// After so much of what is kept at most, old records are looked for.
const FILLED: u64 = 16;

/// What the writer is told.
pub(super) enum Entry {
    /// An execution has ended.
    Record(Accepted),
    /// Somebody wants to know when everything before this is written.
    Flush(oneshot::Sender<()>),
}

/// An execution whose record has a place.
pub(super) struct Accepted {
    pub(super) ran: Box<Ran>,
    pub(super) kind: RecordKind,
    /// Bytes that it holds, about.
    pub(super) cost: usize,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Why something was not written.
enum Trouble {
    /// The store is gone, and the host with it.
    Gone,
    /// It may be written later.
    Later,
    /// It never will.
    Refused(StoreError),
}

pub(super) struct Writer {
    entries: mpsc::UnboundedReceiver<Entry>,
    store: Weak<dyn Records>,
    shape: Arc<Shape>,
    minutes: Minutes,
    shared: Arc<Shared>,
    /// Bytes written after which old records are looked for.
    much: u64,
    filled: u64,
    /// Of minutes, and not written yet.
    counts: Vec<MinuteCount>,
    /// When counts are taken next.
    next_counts: Instant,
    /// Whether the last thing was not written.
    failing: bool,
    flushing: Vec<oneshot::Sender<()>>,
    /// Whether nothing more will come.
    closing: bool,
}

impl Writer {
    pub(super) fn new(
        entries: mpsc::UnboundedReceiver<Entry>,
        store: Weak<dyn Records>,
        shape: Arc<Shape>,
        minutes: Minutes,
        shared: Arc<Shared>,
        max_bytes: u64,
    ) -> Self {
        let next_counts = Instant::now() + USAGE_EVERY.min(minutes.left());
        Self {
            entries,
            store,
            shape,
            minutes,
            shared,
            much: max_bytes / FILLED,
            filled: 0,
            counts: Vec::new(),
            next_counts,
            failing: false,
            flushing: Vec::new(),
            closing: false,
        }
    }

    /// Writes until nothing more can come, or there is nowhere to write.
    pub(super) async fn run(mut self) {
        while !self.closing {
            let batch = self.gather().await;
            if self.write(batch).await.is_err() {
                return;
            }
            if self.closing || !self.flushing.is_empty() || Instant::now() >= self.next_counts {
                self.take_counts();
                if matches!(self.write_counts().await, Err(Trouble::Gone)) {
                    return;
                }
            }
            for flushed in self.flushing.drain(..) {
                // Who asked may have stopped waiting.
                let _ = flushed.send(());
            }
            if self.entries.is_empty() {
                self.shared.caught_up();
            }
        }
    }

    /// What is written next. Comes back with nothing when counts are due.
    async fn gather(&mut self) -> Vec<Accepted> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut until = self.next_counts;
        while batch.len() < RECORDS_BATCH && bytes < RECORDS_BATCH_BYTES {
            match timeout_at(until, self.entries.recv()).await {
                Ok(Some(Entry::Record(accepted))) => {
                    if batch.is_empty() {
                        until = Instant::now() + RECORDS_LINGER;
                    }
                    bytes += accepted.cost;
                    batch.push(accepted);
                }
                Ok(Some(Entry::Flush(done))) => {
                    self.flushing.push(done);
                    break;
                }
                Ok(None) => {
                    self.closing = true;
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// Writes a batch, whatever it takes; an error where the store is gone.
    async fn write(&mut self, batch: Vec<Accepted>) -> Result<(), ()> {
        let mut parts = if batch.is_empty() { Vec::new() } else { vec![batch] };
        let mut pause = RECORDS_RETRY;
        while let Some(part) = parts.pop() {
            let Some((mut part, records)) = self.shaped(part).await else { continue };
            let number = part.len() as u64;
            match self.put(records, Vec::new()).await {
                Ok(()) => {
                    self.shared.written.fetch_add(number, Ordering::Relaxed);
                    self.done(number);
                    self.fill(&part);
                    pause = RECORDS_RETRY;
                }
                Err(Trouble::Gone) => return Err(()),
                Err(Trouble::Later) => {
                    parts.push(part);
                    self.rest(pause).await;
                    pause = (pause * 2).min(RECORDS_RETRY_MOST);
                }
                Err(Trouble::Refused(_)) if number > 1 => {
                    let half = part.split_off(part.len() / 2);
                    parts.extend([half, part]);
                }
                Err(Trouble::Refused(error)) => {
                    let id = part.first().map(|accepted| accepted.ran.outcome.id);
                    tracing::error!(?id, %error, "an execution record is refused by the store and lost");
                    self.shared.shed(Shed::Refused);
                    self.done(number);
                }
            }
        }
        Ok(())
    }

    /// Makes the records of a batch. It is kept: what cannot be written is made once more.
    async fn shaped(&mut self, batch: Vec<Accepted>) -> Option<(Vec<Accepted>, Vec<ExecutionRecord>)> {
        let shape = self.shape.clone();
        let number = batch.len() as u64;
        let shaping = spawn_blocking(move || {
            let records = batch.iter().map(|accepted| shape.record(&accepted.ran, accepted.kind)).collect();
            (batch, records)
        });
        match shaping.await {
            Ok(shaped) => Some(shaped),
            Err(error) => {
                tracing::error!(%error, records = number, "execution records could not be made, which is a bug");
                self.shared.shed(Shed::Refused);
                self.done(number);
                None
            }
        }
    }

    async fn put(&mut self, records: Vec<ExecutionRecord>, counts: Vec<MinuteCount>) -> Result<(), Trouble> {
        let store = self.store.upgrade().ok_or(Trouble::Gone)?;
        match store.put_records(records, counts).await {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("execution records are written again");
                }
                Ok(())
            }
            Err(error) => {
                self.shared.errors.fetch_add(1, Ordering::Relaxed);
                if error.retry() == Retry::No {
                    return Err(Trouble::Refused(error));
                }
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "execution records cannot be written; they wait in memory, as many as have room");
                }
                Err(Trouble::Later)
            }
        }
    }

    /// Waits after a failure, and goes on to take counts at the end of each minute.
    async fn rest(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while self.next_counts < until {
            sleep_until(self.next_counts).await;
            self.take_counts();
        }
        sleep_until(until).await;
    }

    fn take_counts(&mut self) {
        if self.counts.len() < USAGE_WAITING {
            self.counts.extend(self.minutes.take());
        }
        self.next_counts = Instant::now() + USAGE_EVERY.min(self.minutes.left());
    }

    async fn write_counts(&mut self) -> Result<(), Trouble> {
        if self.counts.is_empty() {
            return Ok(());
        }
        let written = self.put(Vec::new(), self.counts.clone()).await;
        match &written {
            Ok(()) => self.counts.clear(),
            Err(Trouble::Refused(error)) => {
                tracing::error!(%error, "the counts of a minute are refused by the store and lost");
                self.counts.clear();
            }
            // Kept for next time.
            Err(Trouble::Later | Trouble::Gone) => {}
        }
        written
    }

    /// Has old records looked for after much was written.
    fn fill(&mut self, written: &[Accepted]) {
        self.filled += written.iter().map(|accepted| accepted.cost as u64).sum::<u64>();
        if self.filled > self.much {
            self.filled = 0;
            self.shared.filled.notify_one();
        }
    }

    fn done(&self, number: u64) {
        self.shared.behind.fetch_sub(number, Ordering::Relaxed);
    }
}
