//! Databases: the named connections of a deployment, and what one execution has open on them.
//!
//! - [`Pools`] belongs to a deployment: one pool for each declared connection. Nothing connects before it is used, so a
//!   database that is down fails statements, never a start.
//! - `ExecutionConnections` belongs to a store: which of them the process was granted, and the transactions and cursors
//!   of the execution that goes on. Its `end` gives all of them back, also what a garbage-collected guest forgot and what a trap left.
//! - [`Connection`], [`Transaction`] and [`Cursor`] are the host's side of the WIT resources.
//!
//! What a process may rely on is said in `wit/process.wit`; beyond it:
//!
//! - A statement text is one statement. Transactions are begun by `begin`, not by `BEGIN`; `COPY` is refused. On SQLite
//!   `ATTACH`, `DETACH`, `VACUUM` and settings (`PRAGMA`) are refused too: they reach beyond the granted file or change what the host relies on.
//! - Sessions are shared over time: `text.rs` says what cannot leak from one execution to the next.
//! - SQLite begins transactions as `IMMEDIATE`: two writers wait for one another at `begin` instead of failing half-way.
//! - While a cursor of a transaction is open, the transaction takes no other statement.
//! - On MySQL a transaction takes only queries, changes of data, savepoints, `SET`, `DO` and `EXPLAIN`: most others commit it unasked.
//!
//! Every value keeps its exact type; `sqlite_values.rs`, `postgres_values.rs` and `mysql.rs` say how each database's types map.

mod cursor;
mod decimal;
mod error;
mod host;
mod mysql;
mod pool;
mod postgres;
mod postgres_values;
mod session;
mod sink;
mod sqlite;
mod sqlite_values;
mod taped;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod transaction;
mod values;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use auricle_model::ConnectionDecl;
use tokio::time::Instant;

use crate::bindings::auricle::process::sql::{Column, ErrorKind, ResultSet, Row, SqlError, Value};

pub use self::cursor::Cursor;
use self::cursor::Stop;
use self::pool::{Pool, Target};
use self::sink::Sink;
use self::transaction::TransactionState;

/// Connections that one named connection opens at most, per deployment and node.
const POOL_SIZE: usize = 10;
/// How long a statement waits for one of them; never longer than the execution's deadline.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long SQLite waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection older than this is asked whether it still stands before it is used.
const PING_AFTER: Duration = Duration::from_secs(10);
/// An idle connection older than this is closed when the pool is next used.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long the rollback at the end of an execution may take before the connection is closed instead.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);
/// Rows of a whole result. More: `too-large`.
const RESULT_ROWS: usize = 10_000;
/// Bytes of a whole result. More: `too-large`.
const RESULT_BYTES: usize = 16 << 20;
/// Cursors that one execution has at a time. More: `other`.
const CURSORS: usize = 16;
/// Bytes of one row of a cursor, which reads a few rows ahead. More: `too-large`.
const CURSOR_ROW_BYTES: usize = 4 << 20;
/// Rows that one `cursor.next` gives at most.
const CURSOR_ROWS: usize = 1000;
/// Bytes after which `cursor.next` gives what it has.
const CURSOR_BYTES: usize = 1 << 20;
/// Statements that one connection keeps prepared.
const PREPARED_STATEMENTS: usize = 100;

/// A declared connection that can never work.
#[derive(Debug, thiserror::Error)]
#[error("connection `{name}`: {why}")]
pub struct ConnectionError {
    /// Its name.
    pub name: String,
    /// What is wrong with it; holds no password.
    pub why: String,
}

/// The connections of one deployment, by name. Dropping it closes them as they come back.
pub struct Pools(BTreeMap<String, Arc<Pool>>);

impl Pools {
    /// Makes a pool for each declared connection, and connects to none.
    ///
    /// # Errors
    ///
    /// A URL that is malformed or of an unknown kind.
    pub fn open(connections: &[ConnectionDecl]) -> Result<Arc<Self>, ConnectionError> {
        let pool = |decl: &ConnectionDecl| {
            let target = Target::parse(&decl.url).map_err(|why| ConnectionError { name: decl.name.clone(), why })?;
            Ok((decl.name.clone(), Arc::new(Pool::new(decl.name.as_str().into(), target))))
        };
        Ok(Arc::new(Self(connections.iter().map(pool).collect::<Result<_, _>>()?)))
    }
}

/// What one store has of the connections. Cheap to make: three counters.
pub(crate) struct ExecutionConnections {
    pools: Arc<Pools>,
    granted: Arc<[String]>,
    process: Arc<str>,
    /// Weak: a transaction that the guest has dropped is gone.
    transactions: Vec<Weak<TransactionState>>,
    cursors: Vec<Stop>,
}

impl ExecutionConnections {
    /// Of the pools of a deployment, those that the manifest grants the process.
    pub(crate) fn new(pools: Arc<Pools>, granted: Arc<[String]>, process: Arc<str>) -> Self {
        Self { pools, granted, process, transactions: Vec::new(), cursors: Vec::new() }
    }

    /// Ends the execution: stops every cursor and rolls back every transaction, whatever the guest did with its handles. What
    /// can't be rolled back in time is closed, which comes to the same. Takes no time when nothing is open.
    pub(crate) async fn end(&mut self) {
        for cursor in self.cursors.drain(..) {
            cursor.stop();
        }
        for transaction in self.transactions.drain(..).filter_map(|t| t.upgrade()) {
            // Boxed: it is large and rare, and would make the future of every execution as large.
            Box::pin(transaction.abandon()).await;
        }
    }

    /// A granted connection.
    fn open(&self, name: &str) -> Result<Connection, SqlError> {
        if !self.granted.iter().any(|g| g == name) {
            return Err(error::not_granted(name, &self.process, &self.granted));
        }
        let pool = self.pools.0.get(name).ok_or_else(|| error::undeclared(name))?;
        Ok(Connection { pool: Arc::clone(pool) })
    }

    async fn begin(&mut self, connection: &Connection, deadline: Instant) -> Result<Transaction, SqlError> {
        let mut lease = connection.pool.lease(deadline).await?;
        lease.begin(deadline).await?;
        let state = TransactionState::new(lease);
        self.transactions.retain(|t| t.strong_count() > 0);
        self.transactions.push(Arc::downgrade(&state));
        Ok(Transaction { name: Arc::clone(connection.pool.name()), state })
    }

    /// Refuses a cursor beyond those that an execution may have: each holds rows that were read ahead.
    fn admit_cursor(&mut self) -> Result<(), SqlError> {
        self.cursors.retain(Stop::is_live);
        if self.cursors.len() < CURSORS {
            return Ok(());
        }
        let message = format!("{CURSORS} cursors are open, which is the most: drop those that are not needed");
        Err(error::error(ErrorKind::Other, message))
    }

    /// Remembers a cursor, to stop it at the end.
    fn watch(&mut self, cursor: &Cursor) {
        self.cursors.push(cursor.stop());
    }
}

/// A granted connection. Holds nothing in the database: each statement borrows one of the pool.
pub struct Connection {
    pool: Arc<Pool>,
}

impl Connection {
    fn dialect(&self) -> &'static str {
        self.pool.dialect()
    }

    async fn query(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<ResultSet, SqlError> {
        let mut lease = self.pool.lease(deadline).await?;
        let (_, sink) = lease.run(statement, parameters, Sink::rows(), deadline).await?;
        Ok(sink.into_result())
    }

    async fn execute(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<u64, SqlError> {
        let mut lease = self.pool.lease(deadline).await?;
        Ok(lease.run(statement, parameters, Sink::Nothing, deadline).await?.0)
    }

    async fn open_query(
        &self,
        statement: String,
        parameters: Vec<Value>,
        deadline: Instant,
    ) -> Result<Cursor, SqlError> {
        let lease = self.pool.lease(deadline).await?;
        Cursor::over_lease(lease, statement, parameters, deadline).await
    }
}

/// A transaction, on a connection of its own until it ends.
pub struct Transaction {
    /// Of its connection.
    name: Arc<str>,
    state: Arc<TransactionState>,
}
