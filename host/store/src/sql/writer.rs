//! The writer of a database, and its group commit.
//!
//! Changes wait in a channel. A writer takes what is there, makes it one transaction, and answers everybody once that is
//! synced: while the disk syncs one batch the next one gathers, so the price of a sync is shared by whoever is there to
//! share it, and a lone change waits for nobody. A refused change (a taken id) is answered by itself; a failed disk
//! fails the whole batch. SQLite has one writer; PostgreSQL has a few that take turns at the channel, as it can commit
//! side by side.

use std::any::Any;
use std::pin::Pin;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use super::dialect::{self, Connection, Options, cannot};
use crate::limits::{BATCH_BYTES, BATCH_CHANGES, TRANSACTION, WAITING_CHANGES};
use crate::{StoreError, StoreErrorKind};

/// Something to be written.
pub(in super::super) trait Change: Send + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// About how many bytes it writes.
    fn weight(&self) -> usize {
        0
    }

    /// How long a transaction with it may take, where the database is on the other side of a network.
    fn patience(&self) -> Duration {
        TRANSACTION
    }

    /// Writes it inside the batch's transaction. Called again where that was rolled back because of another change.
    fn apply(&mut self, on: &mut Connection) -> impl Future<Output = Result<Self::Output, Stop>> + Send;
}

/// Why a change was not made.
#[derive(Debug)]
pub(in super::super) enum Stop {
    /// It contradicts what is stored, as was seen before anything of it was written: the rest of the batch stands.
    Refused(StoreError),
    /// The database failed, and with it the transaction.
    Failed(StoreError),
}

/// What [`cannot`] makes is the database's failure.
impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// The handle by which changes are asked for.
#[derive(Debug)]
pub(in super::super) struct Writer {
    inbox: mpsc::Sender<Message>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts as many writers as there are connections. `held` is dropped when the last of them has ended.
    pub(in super::super) fn start(
        connections: Vec<Connection>,
        options: Options,
        held: impl Any + Send + Sync,
    ) -> Self {
        let (inbox, messages) = mpsc::channel(WAITING_CHANGES);
        let commits = Arc::new(AtomicU64::new(0));
        let shared = Arc::new(Shared {
            messages: tokio::sync::Mutex::new(messages),
            options,
            commits: Arc::clone(&commits),
            _held: Box::new(held),
            closing: Mutex::default(),
        });
        for connection in connections {
            tokio::spawn(Task { shared: Arc::clone(&shared), connection: Some(connection), failing: false }.run());
        }
        Self { inbox, commits }
    }

    /// Answers when the change is on disk.
    pub(in super::super) async fn write<C: Change>(&self, change: C) -> Result<C::Output, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Waiting { change, outcome: Err(closed()), reply };
        self.inbox.send(Message::Change(Box::new(job))).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Answers when all that was asked before is on disk and what the writers held is free.
    pub(in super::super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        // Either end gone means that it is closed already.
        if self.inbox.send(Message::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// Transactions committed so far.
    pub(in super::super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed: the host is stopping")
}

enum Message {
    Change(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

type Applying<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// A change with who waits for it, without its type.
trait Job: Send {
    fn weight(&self) -> usize;

    fn patience(&self) -> Duration;

    /// Applies the change and keeps its outcome. An error is the transaction's.
    fn apply<'a>(&'a mut self, on: &'a mut Connection) -> Applying<'a>;

    /// Tells the outcome, or why the transaction failed.
    fn answer(self: Box<Self>, transaction: Result<(), StoreError>);
}

struct Waiting<C: Change> {
    change: C,
    outcome: Result<C::Output, StoreError>,
    reply: oneshot::Sender<Result<C::Output, StoreError>>,
}

impl<C: Change> Job for Waiting<C> {
    fn weight(&self) -> usize {
        self.change.weight()
    }

    fn patience(&self) -> Duration {
        self.change.patience()
    }

    fn apply<'a>(&'a mut self, on: &'a mut Connection) -> Applying<'a> {
        Box::pin(async move {
            match self.change.apply(on).await {
                Ok(output) => self.outcome = Ok(output),
                Err(Stop::Refused(error)) => self.outcome = Err(error),
                Err(Stop::Failed(error)) => return Err(error),
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, transaction: Result<(), StoreError>) {
        // Who asked may have gone; the change stands all the same.
        let _ = self.reply.send(transaction.and(self.outcome));
    }
}

/// What the writers of one database share. Dropped by the last of them, the fields in this order: who waits for the end
/// hears of it (by the loss of the other end) when what was held is free.
struct Shared {
    messages: tokio::sync::Mutex<mpsc::Receiver<Message>>,
    options: Options,
    commits: Arc<AtomicU64>,
    _held: Box<dyn Any + Send + Sync>,
    closing: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Shared {
    /// What is waiting now, up to a batch; waits for the first. None: nothing will come any more.
    async fn gather(&self) -> Option<Vec<Box<dyn Job>>> {
        let mut messages = self.messages.lock().await;
        let mut batch = Vec::new();
        let mut weight = 0;
        let mut next = Some(messages.recv().await?);
        while let Some(message) = next {
            match message {
                Message::Change(job) => {
                    weight = job.weight().saturating_add(weight);
                    batch.push(job);
                }
                Message::Close(reply) => {
                    // What is in the channel is still received; nothing more gets in.
                    messages.close();
                    self.closing.lock().unwrap_or_else(PoisonError::into_inner).push(reply);
                }
            }
            let full = batch.len() >= BATCH_CHANGES || weight >= BATCH_BYTES;
            next = if full { None } else { messages.try_recv().ok() };
        }
        Some(batch)
    }
}

struct Task {
    shared: Arc<Shared>,
    /// None after a transaction failed: the next one connects anew.
    connection: Option<Connection>,
    /// Whether the last transaction failed.
    failing: bool,
}

impl Task {
    async fn run(mut self) {
        while let Some(batch) = self.shared.gather().await {
            if !batch.is_empty() {
                self.write(batch).await;
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the store's connection did not close well; what was answered is on disk");
        }
    }

    async fn write(&mut self, mut batch: Vec<Box<dyn Job>>) {
        match self.commit(&mut batch).await {
            Err(error) if batch.len() > 1 && is_of_one(&error) => {
                tracing::debug!(%error, changes = batch.len(), "a transaction of the store is done again, change by change");
                for mut job in batch {
                    let outcome = self.commit(slice::from_mut(&mut job)).await;
                    job.answer(outcome);
                }
            }
            outcome => {
                if !outcome.as_ref().is_err_and(is_of_one) {
                    self.tell(&outcome);
                }
                for job in batch {
                    job.answer(outcome.clone());
                }
            }
        }
    }

    /// Once when it begins to fail and once when it works again: a disk that is full fails every batch.
    fn tell(&mut self, outcome: &Result<(), StoreError>) {
        let failed_before = std::mem::replace(&mut self.failing, outcome.is_err());
        match outcome {
            Err(error) if !failed_before => tracing::error!(%error, "the store can't be written"),
            Ok(()) if failed_before => tracing::info!("the store can be written again"),
            _ => {}
        }
    }

    /// One transaction, or none.
    async fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let patience = batch.iter().map(|job| job.patience()).max().unwrap_or(TRANSACTION);
        let outcome = match dialect::within(patience, self.apply(batch)).await {
            Some(outcome) => outcome,
            None => Err(StoreError::unavailable(format!("the store's database gave no answer for {patience:?}"))),
        };
        if outcome.is_err()
            && let Some(connection) = self.connection.take()
        {
            // It may or may not have rolled back by itself: a fresh connection knows where it stands.
            let _ = connection.close_hard().await;
        }
        outcome
    }

    async fn apply(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let failed = cannot("write");
        if let Some(kept) = &mut self.connection
            && let Err(error) = sqlx::raw_sql(dialect::BEGIN).execute(&mut *kept).await
        {
            if !dialect::MAY_BE_STALE {
                return Err(failed(error));
            }
            // Nothing is lost by asking once more.
            self.connection = None;
        }
        let connection = match &mut self.connection {
            Some(begun) => begun,
            None => {
                let mut fresh = self.shared.options.connect().await.map_err(&failed)?;
                sqlx::raw_sql(dialect::BEGIN).execute(&mut fresh).await.map_err(&failed)?;
                self.connection.insert(fresh)
            }
        };
        for job in batch {
            job.apply(connection).await?;
        }
        sqlx::raw_sql("COMMIT").execute(connection).await.map_err(&failed)?;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether one change failed the transaction by what it is, so that the others may be made without it: a value that the
/// database does not take, or two transactions in each other's way.
fn is_of_one(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Conflict | StoreErrorKind::Invalid)
}
