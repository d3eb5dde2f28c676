//! One connection to a database, whichever it is: runs statements and transactions. Knows nothing of pools, and of
//! deadlines only how long to wait for a lock.

use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;

use super::sink::Sink;
use super::sqlite::Sqlite;
use super::{ErrorKind, SqlError, Value, error, mysql, postgres};

/// A connection of one of the three drivers.
pub(super) enum Session {
    /// None while a statement is running on another thread; for ever, if that was given up.
    Sqlite(Option<Sqlite>),
    Postgres(Box<PgConnection>),
    MySql(Box<MySqlConnection>),
}

/// A statement that failed, and what that means for its session.
pub(super) struct Failed {
    pub(super) error: SqlError,
    pub(super) step: Step,
}

/// Where a session stands after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ready for the next statement: the database itself refused this one.
    Ready,
    /// Rows are left unread, which the next statement would have to skip.
    Unread,
    /// Nobody knows.
    Broken,
}

impl Failed {
    /// The database's own refusal, or a broken connection.
    pub(super) fn from_sqlx(failure: sqlx::Error) -> Self {
        let refused = matches!(failure, sqlx::Error::Database(_));
        let error = error::from_sqlx(failure);
        // A server that shuts down, or is told to end the session, says so as if it were a refusal.
        let step = if refused && error.kind != ErrorKind::Unavailable { Step::Ready } else { Step::Broken };
        Self { error, step }
    }

    /// Found before anything was sent.
    pub(super) fn before(error: SqlError) -> Self {
        Self { error, step: Step::Ready }
    }

    /// Found in the middle of a result.
    pub(super) fn midway(error: SqlError) -> Self {
        Self { error, step: Step::Unread }
    }
}

impl Session {
    /// Runs one statement, sends its rows to the sink, and tells how many rows it changed.
    pub(super) async fn run(
        &mut self,
        statement: String,
        parameters: Vec<Value>,
        mut sink: Sink,
    ) -> Result<(u64, Sink), Failed> {
        match self {
            Self::Sqlite(slot) => Sqlite::run(slot, statement, parameters, sink).await,
            Self::Postgres(connection) => {
                let changed = postgres::run(connection, &statement, &parameters, &mut sink).await?;
                Ok((changed, sink))
            }
            Self::MySql(connection) => {
                let changed = mysql::run(connection, &statement, &parameters, &mut sink).await?;
                Ok((changed, sink))
            }
        }
    }

    pub(super) async fn begin(&mut self) -> Result<(), SqlError> {
        self.control("BEGIN", "BEGIN IMMEDIATE").await
    }

    pub(super) async fn commit(&mut self) -> Result<(), SqlError> {
        self.control("COMMIT", "COMMIT").await
    }

    pub(super) async fn rollback(&mut self) -> Result<(), SqlError> {
        self.control("ROLLBACK", "ROLLBACK").await
    }

    /// One of the host's own statements.
    async fn control(&mut self, statement: &'static str, sqlite: &'static str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(slot) => Sqlite::control(slot, sqlite).await,
            Self::Postgres(connection) => {
                sqlx::raw_sql(statement).execute(&mut **connection).await.map(drop).map_err(error::from_sqlx)
            }
            Self::MySql(connection) => {
                sqlx::raw_sql(statement).execute(&mut **connection).await.map(drop).map_err(error::from_sqlx)
            }
        }
    }

    /// Tells the database how much time a statement has, where it would otherwise wait for a lock without an end in sight.
    pub(super) fn bound_waiting(&self, left: Duration) {
        if let Self::Sqlite(Some(sqlite)) = self {
            sqlite.bound_waiting(left);
        }
    }

    /// Whether the server is still there.
    pub(super) async fn ping(&mut self) -> bool {
        use sqlx::Connection as _;
        match self {
            Self::Sqlite(slot) => slot.is_some(),
            Self::Postgres(connection) => connection.ping().await.is_ok(),
            Self::MySql(connection) => connection.ping().await.is_ok(),
        }
    }

    /// Whether an error of a statement has already ended the transaction that it was in, so that whatever followed would
    /// be committed by itself.
    pub(super) fn has_lost_transaction(&self, failure: &SqlError) -> bool {
        match self {
            Self::Sqlite(slot) => slot.as_ref().is_none_or(Sqlite::is_autocommit),
            // It stays in its failed state until it is rolled back.
            Self::Postgres(_) => false,
            Self::MySql(_) => error::ends_mysql_transaction(failure),
        }
    }

    /// Whether a commit after a failed statement would quietly roll back: PostgreSQL ends a transaction in which a
    /// statement failed, and answers COMMIT with ROLLBACK.
    pub(super) fn fails_as_a_whole(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether a guest's statement has left a transaction open, as far as that can be seen here.
    pub(super) fn is_in_transaction(&self) -> bool {
        matches!(self, Self::Sqlite(slot) if !slot.as_ref().is_none_or(Sqlite::is_autocommit))
    }
}

/// For a session that a given-up statement has taken along.
pub(super) fn lost() -> SqlError {
    error::error(ErrorKind::Closed, "the connection was closed while a statement was running on it")
}
