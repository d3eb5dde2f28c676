//! A transaction: one leased session, until it is committed, rolled back, dropped or abandoned. Statements come one after
//! another; a cursor keeps the others out while it is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout, timeout_at};

use super::cursor::{Cursor, Stop};
use super::error::{closed, error, timed_out};
use super::pool::Lease;
use super::sink::Sink;
use super::{ErrorKind, ROLLBACK_TIMEOUT, ResultSet, SqlError, Transaction, Value};

/// What is shared between the guest's handle, a cursor's task and the end of the execution.
pub(super) struct TransactionState {
    running: Arc<Mutex<Running>>,
    cursor: std::sync::Mutex<LastCursor>,
}

/// The cursor that was opened last.
#[derive(Default)]
struct LastCursor {
    /// Whether it keeps other statements out. Its own flag: an earlier cursor that is dropped late must not clear it.
    is_open: Arc<AtomicBool>,
    stop: Option<Stop>,
}

/// The transaction itself.
pub(super) struct Running {
    /// None when it is ended.
    lease: Option<Lease>,
    /// A statement failed, and PostgreSQL takes no other until the transaction, or a savepoint, is rolled back.
    failed: bool,
}

impl TransactionState {
    /// Over a lease on which a transaction was begun.
    pub(super) fn new(lease: Lease) -> Arc<Self> {
        let running = Running { lease: Some(lease), failed: false };
        Arc::new(Self { running: Arc::new(Mutex::new(running)), cursor: std::sync::Mutex::default() })
    }

    fn cursor(&self) -> MutexGuard<'_, LastCursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rolls back, or closes the session if that takes too long.
    pub(super) async fn abandon(&self) {
        // A cursor whose rows nobody reads would never let go.
        if let Some(cursor) = self.cursor().stop.take() {
            cursor.stop();
        }
        let Ok(mut running) = timeout(ROLLBACK_TIMEOUT, self.running.lock()).await else { return };
        if let Some(mut lease) = running.lease.take() {
            // If it fails the lease is unfit, and closes its session.
            let _ = lease.rollback(Instant::now() + ROLLBACK_TIMEOUT).await;
        }
    }

    /// Waits for a cursor that was dropped to let go.
    async fn lock(&self, deadline: Instant) -> Result<OwnedMutexGuard<Running>, SqlError> {
        if self.cursor().is_open.load(Ordering::Acquire) {
            let message = "a cursor of this transaction is still open: read it to its end or drop it first";
            return Err(error(ErrorKind::Other, message));
        }
        timeout_at(deadline, Arc::clone(&self.running).lock_owned()).await.map_err(|_| timed_out())
    }

    async fn run(
        &self,
        statement: String,
        parameters: Vec<Value>,
        sink: Sink,
        deadline: Instant,
    ) -> Result<(u64, Sink), SqlError> {
        self.lock(deadline).await?.run(statement, parameters, sink, deadline).await
    }
}

impl Running {
    /// Runs one statement.
    pub(super) async fn run(
        &mut self,
        statement: String,
        parameters: Vec<Value>,
        sink: Sink,
        deadline: Instant,
    ) -> Result<(u64, Sink), SqlError> {
        let lease = self.lease.as_mut().ok_or_else(closed)?;
        let ran = lease.run_in_transaction(statement, parameters, sink, deadline).await;
        // An error of the host's own making carries no code, and leaves the server's transaction as it was.
        self.failed = match &ran {
            Ok(_) => false,
            Err(failure) => self.failed || (failure.code.is_some() && lease.fails_as_a_whole()),
        };
        if lease.is_lost() {
            self.lease = None;
        }
        ran
    }
}

impl Transaction {
    pub(super) async fn query(
        &self,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<ResultSet, SqlError> {
        Ok(self.state.run(statement, parameters, Sink::rows(), deadline).await?.1.into_result())
    }

    pub(super) async fn execute(
        &self,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<u64, SqlError> {
        Ok(self.state.run(statement, parameters, Sink::Nothing, deadline).await?.0)
    }

    pub(super) async fn open_query(
        &self,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<Cursor, SqlError> {
        let running = self.state.lock(deadline).await?;
        let is_open = Arc::new(AtomicBool::new(true));
        *self.state.cursor() = LastCursor { is_open: Arc::clone(&is_open), stop: None };
        let cursor = Cursor::over_transaction(running, is_open, statement, parameters, deadline).await?;
        self.state.cursor().stop = Some(cursor.stop());
        Ok(cursor)
    }

    /// Commits, or says why the database rolled back instead.
    pub(super) async fn commit(&self, deadline: Instant) -> Result<(), SqlError> {
        let mut running = self.state.lock(deadline).await?;
        let mut lease = running.lease.take().ok_or_else(closed)?;
        if running.failed {
            lease.rollback(deadline).await?;
            let message =
                "nothing was committed: a statement of the transaction had failed, so the database rolled it back";
            return Err(error(ErrorKind::Closed, message));
        }
        lease.commit(deadline).await
    }

    pub(super) async fn rollback(&self, deadline: Instant) -> Result<(), SqlError> {
        let mut running = self.state.lock(deadline).await?;
        let mut lease = running.lease.take().ok_or_else(closed)?;
        lease.rollback(deadline).await
    }

    /// What dropping the handle does.
    pub(super) async fn abandon(&self) {
        self.state.abandon().await;
    }
}
