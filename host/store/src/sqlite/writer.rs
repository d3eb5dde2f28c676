//! The one writer of the database, and its group commit.
//!
//! Changes wait in a channel. The writer takes what is there, makes it one transaction, and answers everybody once that is
//! synced: while the disk syncs one batch the next one gathers, so the price of a sync is shared by whoever is there to
//! share it, and a lone change waits for nobody. A refused change (a taken id) is answered by itself; a failed disk
//! fails the whole batch.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::error::cannot;
use super::folder::DataFolder;
use crate::{StoreError, StoreErrorKind};

/// Changes that may wait; past it, who asks waits to ask.
const WAITING: usize = 1024;
/// A batch ends at this many changes, so that the first of them is not kept waiting by the last.
const BATCH_CHANGES: usize = 256;
/// A batch ends at this many bytes, so that neither the write-ahead log nor a small change's wait grows with large ones.
const BATCH_BYTES: usize = 8 << 20;

/// Something to be written.
pub(super) trait Change: Send + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// About how many bytes it writes.
    fn weight(&self) -> usize {
        0
    }

    /// Writes it inside the batch's transaction. Called once. A refusal (conflict, invalid) must leave nothing written;
    /// any other error fails the batch.
    fn apply(&mut self, on: &mut SqliteConnection) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

/// The handle by which changes are asked for.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: mpsc::Sender<Message>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task that owns the connection and the folder.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions, folder: DataFolder) -> Self {
        let (inbox, messages) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task { messages, connection: Some(connection), options, commits: Arc::clone(&commits) };
        tokio::spawn(task.run(folder));
        Self { inbox, commits }
    }

    /// Answers when the change is on disk.
    pub(super) async fn write<C: Change>(&self, change: C) -> Result<C::Output, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Waiting { change, outcome: Err(closed()), reply };
        self.inbox.send(Message::Change(Box::new(job))).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Answers when all that was asked before is on disk and the folder is free.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        // Either end gone means that it is closed already.
        if self.inbox.send(Message::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// Transactions committed so far.
    pub(super) fn commits(&self) -> u64 {
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

/// A change with who waits for it, without its type.
trait Job: Send {
    fn weight(&self) -> usize;

    /// Applies the change and keeps its outcome. An error is the batch's.
    fn apply<'a>(
        &'a mut self,
        on: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

    /// Tells the outcome, or why the batch failed.
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
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

    fn apply<'a>(
        &'a mut self,
        on: &'a mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        Box::pin(async move {
            self.outcome = self.change.apply(on).await;
            match &self.outcome {
                Err(error) if !matches!(error.kind(), StoreErrorKind::Conflict | StoreErrorKind::Invalid) => {
                    Err(error.clone())
                }
                _ => Ok(()),
            }
        })
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        // Who asked may have gone; the change stands all the same.
        let _ = self.reply.send(batch.and(self.outcome));
    }
}

struct Task {
    messages: mpsc::Receiver<Message>,
    /// None after a batch failed: the next one connects anew.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    commits: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self, folder: DataFolder) {
        let mut closing = Vec::new();
        while let Some(first) = self.messages.recv().await {
            let batch = self.gather(first, &mut closing);
            if !batch.is_empty() {
                self.commit(batch).await;
            }
        }
        self.disconnect().await;
        drop(folder);
        for reply in closing {
            let _ = reply.send(());
        }
    }

    /// What is waiting now, up to a batch.
    fn gather(&mut self, first: Message, closing: &mut Vec<oneshot::Sender<()>>) -> Vec<Box<dyn Job>> {
        let mut batch = Vec::new();
        let mut weight = 0;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Change(job) => {
                    weight += job.weight();
                    batch.push(job);
                }
                Message::Close(reply) => {
                    // What is in the channel is still received; nothing more gets in.
                    self.messages.close();
                    closing.push(reply);
                }
            }
            let full = batch.len() >= BATCH_CHANGES || weight >= BATCH_BYTES;
            next = if full { None } else { self.messages.try_recv().ok() };
        }
        batch
    }

    async fn commit(&mut self, mut batch: Vec<Box<dyn Job>>) {
        let outcome = self.apply(&mut batch).await;
        if let Err(error) = &outcome {
            tracing::error!(%error, changes = batch.len(), "a transaction of the store failed");
            // SQLite may or may not have rolled back by itself: a fresh connection knows where it stands.
            self.disconnect().await;
        }
        for job in batch {
            job.answer(outcome.clone());
        }
    }

    async fn apply(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let failed = cannot("write");
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(&failed)?,
        };
        let connection = self.connection.insert(connection);
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        for job in batch {
            job.apply(&mut transaction).await?;
        }
        transaction.commit().await.map_err(&failed)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the store's connection did not close well; what was answered is on disk");
        }
    }
}
