//! A result that is read piece by piece. A task of its own holds the session and runs a few hundred rows ahead of the reader, no
//! further: the channel between them is bounded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout_at};

use super::error::{error, timed_out};
use super::pool::Lease;
use super::sink::{Piece, Sink, row_size};
use super::transaction::Running;
use super::{CURSOR_BYTES, CURSOR_ROWS, Column, ErrorKind, Row, SqlError, Value};

/// Pieces that wait for the reader.
const AHEAD: usize = 2;

/// Where a cursor's pieces come in: held by the cursor alone, and closed from outside by its [`Stop`]. Never waited for.
type Pieces = Mutex<mpsc::Receiver<Piece>>;

/// The host's side of the WIT resource `cursor`.
pub struct Cursor {
    columns: Vec<Column>,
    pieces: Arc<Pieces>,
    /// Rows of a piece that were not asked for yet.
    rows: VecDeque<Row>,
    state: State,
    task: JoinHandle<()>,
    /// In a transaction: the flag that keeps other statements out.
    keeps_out: Option<Arc<AtomicBool>>,
}

/// Ends a cursor, whoever holds its handle.
pub(super) struct Stop {
    task: AbortHandle,
    pieces: Weak<Pieces>,
}

impl Stop {
    /// Whether the guest still has the cursor.
    pub(super) fn is_live(&self) -> bool {
        self.pieces.strong_count() > 0
    }

    /// Stops the statement and forgets what was read ahead. Closing the channel matters: a thread that waits for room in it
    /// does not hear of the abort, and would keep its session, with the locks, as long as the guest keeps the handle.
    pub(super) fn stop(&self) {
        self.task.abort();
        let Some(pieces) = self.pieces.upgrade() else { return };
        // Only `next` holds the lock, and the guest that could call it is not running.
        let Ok(mut pieces) = pieces.try_lock() else { return };
        pieces.close();
        while pieces.try_recv().is_ok() {}
    }
}

enum State {
    Open,
    Ended,
    Failed(SqlError),
}

impl Cursor {
    /// Over a session of its own, which goes back to the pool at the end.
    pub(super) async fn over_lease(
        mut lease: Lease,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<Self, SqlError> {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            let ran = lease.run(statement, parameters, Sink::cursor(sender.clone()), deadline).await;
            // Given back before the reader sees the end.
            drop(lease);
            finish(ran, sender).await;
        });
        Self::open(pieces, task, None, deadline).await
    }

    /// Over the session of a transaction.
    pub(super) async fn over_transaction(
        mut running: OwnedMutexGuard<Running>,
        keeps_out: Arc<AtomicBool>,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<Self, SqlError> {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let flag = Arc::clone(&keeps_out);
        let task = tokio::spawn(async move {
            let ran = running.run(statement, parameters, Sink::cursor(sender.clone()), deadline).await;
            drop(running);
            // A result that was read ahead to its end keeps nobody out.
            flag.store(false, Ordering::Release);
            finish(ran, sender).await;
        });
        Self::open(pieces, task, Some(keeps_out), deadline).await
    }

    /// Waits for the columns, or for the statement to fail.
    async fn open(
        pieces: mpsc::Receiver<Piece>,
        task: JoinHandle<()>,
        keeps_out: Option<Arc<AtomicBool>>,
        deadline: Instant,
    ) -> Result<Self, SqlError> {
        let pieces = Arc::new(Mutex::new(pieces));
        let mut cursor =
            Self { columns: Vec::new(), pieces, rows: VecDeque::new(), state: State::Open, task, keeps_out };
        match timeout_at(deadline, cursor.receive()).await {
            Ok(Some(Piece::Columns(columns))) => {
                cursor.columns = columns;
                Ok(cursor)
            }
            Ok(Some(Piece::Failed(failure))) => Err(failure),
            Ok(Some(Piece::Rows(_) | Piece::End) | None) => Err(stopped()),
            Err(_) => Err(timed_out()),
        }
    }

    /// Names and types of what [`Cursor::next`] gives.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next rows; none at the end.
    pub(super) async fn next(&mut self, limit: u32, deadline: Instant) -> Result<Vec<Row>, SqlError> {
        let limit = usize::try_from(limit).unwrap_or(CURSOR_ROWS).min(CURSOR_ROWS);
        if limit == 0 {
            return Err(error(ErrorKind::Parameter, "ask for at least one row: no rows would mean the end"));
        }
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < limit && bytes < CURSOR_BYTES {
            if let Some(row) = self.rows.pop_front() {
                bytes += row_size(&row);
                taken.push(row);
                continue;
            }
            match &self.state {
                State::Ended => break,
                // The rows before the failure come first.
                State::Failed(_) if !taken.is_empty() => break,
                State::Failed(failure) => return Err(failure.clone()),
                State::Open => {}
            }
            match timeout_at(deadline, self.receive()).await {
                Ok(Some(Piece::Rows(rows))) => self.rows.extend(rows),
                Ok(Some(Piece::End)) => self.state = State::Ended,
                Ok(Some(Piece::Failed(failure))) => self.state = State::Failed(failure),
                Ok(Some(Piece::Columns(_)) | None) => self.state = State::Failed(stopped()),
                Err(_) => return Err(timed_out()),
            }
        }
        Ok(taken)
    }

    async fn receive(&self) -> Option<Piece> {
        self.pieces.lock().await.recv().await
    }

    /// What ends it without its handle.
    pub(super) fn stop(&self) -> Stop {
        Stop { task: self.task.abort_handle(), pieces: Arc::downgrade(&self.pieces) }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        match &self.keeps_out {
            // The task ends at its next row, and leaves the transaction whole.
            Some(flag) => flag.store(false, Ordering::Release),
            // It may be deep in a long statement that nobody waits for: its session is closed.
            None => self.task.abort(),
        }
    }
}

async fn finish(ran: Result<(u64, Sink), SqlError>, sender: mpsc::Sender<Piece>) {
    match ran {
        Ok((_, sink)) => sink.finish().await,
        // A reader that is gone needs no failure.
        Err(failure) => drop(sender.send(Piece::Failed(failure)).await),
    }
}

/// The task was stopped: its execution is over.
fn stopped() -> SqlError {
    error(ErrorKind::Closed, "the cursor was closed, since the execution that opened it is over")
}
