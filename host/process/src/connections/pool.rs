//! A pool of sessions for one named connection, and the lease of one of them.
//!
//! A lease gives its session back when dropped only if it is known to be fit: no transaction open, nothing unread, no trace
//! in the session. In every other case - a future dropped half-way, a deadline, a broken connection - the session is closed, and the
//! database rolls back by itself. So no path through the code can hand on a session in a bad state by forgetting something.
//!
//! Costs a semaphore and a mutex that is held for a push or a pop. Idle sessions are closed when the pool is next used.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::{error, from_sqlx, timed_out};
use super::session::{Failed, Session, Step, lost};
use super::sink::Sink;
use super::sqlite::{Access, Sqlite};
use super::text::{Class, classify, commits_on_mysql};
use super::{ACQUIRE_TIMEOUT, ErrorKind, IDLE_TIMEOUT, PING_AFTER, POOL_SIZE, PREPARED_STATEMENTS, SqlError, Value};

/// What a pool connects to.
pub(super) enum Target {
    Sqlite { file: PathBuf, access: Access },
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

impl Target {
    /// Reads a connection URL. The error says what is wrong without repeating the URL, which may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => Self::parse_sqlite(url.strip_prefix("sqlite:").unwrap_or_default()),
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(|e| bad_url(scheme, &e))?;
                let options = options.application_name("auricle").statement_cache_capacity(PREPARED_STATEMENTS);
                Ok(Self::Postgres(Box::new(options.disable_statement_logging())))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(|e| bad_url(scheme, &e))?;
                let options = options.statement_cache_capacity(PREPARED_STATEMENTS);
                Ok(Self::MySql(Box::new(options.disable_statement_logging())))
            }
            _ => Err("its url has to begin with sqlite://, postgres:// or mysql://".into()),
        }
    }

    fn parse_sqlite(rest: &str) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (file, query) = rest.split_once('?').unwrap_or((rest, ""));
        if file.is_empty() || file == ":memory:" {
            return Err(
                "name a file: sqlite://erp.db. A database in memory would be another one for each connection".into()
            );
        }
        let access = match query {
            "" | "mode=rwc" => Access::Create,
            "mode=rw" => Access::Write,
            "mode=ro" => Access::Read,
            other => return Err(format!("`?{other}` is unknown: one of ?mode=ro, ?mode=rw, ?mode=rwc")),
        };
        Ok(Self::Sqlite { file: file.into(), access })
    }

    async fn connect(&self) -> Result<Session, SqlError> {
        match self {
            Self::Sqlite { file, access } => Ok(Session::Sqlite(Some(Sqlite::open(file.clone(), *access).await?))),
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.map_err(from_sqlx)?;
                // Lets the server stop a statement whose client has gone: that is how a deadline reaches it. Servers
                // before version 14, and those on other systems than Linux, do not know it and run the statement to its end.
                let setting = sqlx::raw_sql("SET client_connection_check_interval = '1s'");
                match setting.execute(&mut connection).await {
                    Ok(_) | Err(sqlx::Error::Database(_)) => Ok(Session::Postgres(Box::new(connection))),
                    Err(failure) => Err(from_sqlx(failure)),
                }
            }
            Self::MySql(options) => {
                MySqlConnection::connect_with(options).await.map(Box::new).map(Session::MySql).map_err(from_sqlx)
            }
        }
    }
}

fn bad_url(scheme: &str, failure: &sqlx::Error) -> String {
    let why = match failure {
        sqlx::Error::Configuration(why) => why.to_string(),
        _ => "it can't be read".into(),
    };
    format!(
        "its url is wrong ({why}); write {scheme}://user:password@host:port/database, special characters percent-encoded"
    )
}

struct Idle {
    session: Session,
    since: Instant,
}

/// The sessions of one named connection.
pub(super) struct Pool {
    name: Arc<str>,
    target: Target,
    permits: Arc<Semaphore>,
    /// The most recently used is last, and taken first.
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(super) fn new(name: Arc<str>, target: Target) -> Self {
        Self { name, target, permits: Arc::new(Semaphore::new(POOL_SIZE)), idle: Mutex::default() }
    }

    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn dialect(&self) -> &'static str {
        match self.target {
            Target::Sqlite { .. } => "sqlite",
            Target::Postgres(_) => "postgres",
            Target::MySql(_) => "mysql",
        }
    }

    /// A session for as long as the lease lives; waits for one, within limits.
    pub(super) async fn lease(self: &Arc<Self>, deadline: Instant) -> Result<Lease, SqlError> {
        let limit = deadline.min(Instant::now() + ACQUIRE_TIMEOUT);
        let permits = Arc::clone(&self.permits);
        let permit = match timeout_at(limit, permits.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => {
                let name = &self.name;
                let message =
                    format!("all {POOL_SIZE} connections of `{name}` are in use, and none became free in time");
                return Err(error(ErrorKind::Unavailable, message));
            }
        };
        let session = match timeout_at(limit, self.session()).await {
            Ok(session) => session.map_err(|e| self.unreachable(e))?,
            Err(_) => return Err(self.unreachable(error(ErrorKind::Unavailable, "it did not answer in time"))),
        };
        session.bound_waiting(deadline.saturating_duration_since(Instant::now()));
        Ok(Lease { session: Some(session), fit: true, clean: true, pool: Arc::clone(self), _permit: permit })
    }

    async fn session(&self) -> Result<Session, SqlError> {
        while let Some(mut idle) = self.pop() {
            let unused = idle.since.elapsed();
            if unused < PING_AFTER {
                return Ok(idle.session);
            }
            if matches!(timeout(PING_AFTER / 10, idle.session.ping()).await, Ok(true)) {
                return Ok(idle.session);
            }
        }
        self.target.connect().await
    }

    fn unreachable(&self, failure: SqlError) -> SqlError {
        let name = &self.name;
        tracing::warn!(connection = %name, error = %failure.message, "a database connection can't be made");
        SqlError {
            kind: ErrorKind::Unavailable,
            message: format!("connection `{name}`: {}", failure.message),
            code: failure.code,
        }
    }

    /// How many sessions wait to be used.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn pop(&self) -> Option<Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn push(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { session, since: Instant::now() });
        let old = idle.iter().take_while(|i| i.since.elapsed() > IDLE_TIMEOUT).count();
        let old: Vec<Idle> = idle.drain(..old).collect();
        drop(idle);
        old.into_iter().for_each(|i| close(i.session));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.drain(..).for_each(|i| close(i.session));
    }
}

/// Closing a SQLite file may write its log back, which takes a while.
fn close(session: Session) {
    match (&session, tokio::runtime::Handle::try_current()) {
        (Session::Sqlite(Some(_)), Ok(runtime)) => drop(runtime.spawn_blocking(move || drop(session))),
        _ => drop(session),
    }
}

/// One session of a pool, for the time being.
pub(super) struct Lease {
    session: Option<Session>,
    /// Whether the session may be handed on if the lease were dropped now.
    fit: bool,
    /// Whether nothing was done in the transaction that stays in the session.
    clean: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Runs one statement outside of a transaction.
    pub(super) async fn run(
        &mut self,
        statement: String,
        parameters: Vec<Value>,
        sink: Sink,
        deadline: Instant,
    ) -> Result<(u64, Sink), SqlError> {
        let class = admit(&statement, false)?;
        let session = self.session.as_mut().ok_or_else(lost)?;
        self.fit = false;
        let ran = timeout_at(deadline, session.run(statement, parameters, sink)).await.map_err(|_| timed_out())?;
        let ready = ran.as_ref().err().is_none_or(|failed| failed.step == Step::Ready);
        self.fit = ready && class == Class::Data && !session.is_in_transaction();
        ran.map_err(|failed| failed.error)
    }

    /// Runs one statement of a transaction: the lease stays unfit until the transaction is ended. A session that is out of
    /// step, or has lost its transaction, is closed: `is_lost` tells.
    pub(super) async fn run_in_transaction(
        &mut self,
        statement: String,
        parameters: Vec<Value>,
        sink: Sink,
        deadline: Instant,
    ) -> Result<(u64, Sink), SqlError> {
        self.clean &= matches!(admit(&statement, true)?, Class::Data | Class::Savepoint);
        if matches!(self.session, Some(Session::MySql(_))) {
            stays_in_mysql_transaction(&statement)?;
        }
        let Some(mut session) = self.session.take() else { return Err(lost()) };
        // Dropped here, at the deadline or with this future, the session closes and the database rolls back.
        let ran = timeout_at(deadline, session.run(statement, parameters, sink)).await.map_err(|_| timed_out())?;
        match ran {
            Ok(done) => {
                self.session = Some(session);
                Ok(done)
            }
            Err(Failed { error, step }) => {
                if step == Step::Broken || session.has_lost_transaction(&error) {
                    close(session);
                } else {
                    self.session = Some(session);
                }
                Err(error)
            }
        }
    }

    /// Begins a transaction; until it is ended the session can't be handed on.
    pub(super) async fn begin(&mut self, deadline: Instant) -> Result<(), SqlError> {
        let session = self.session.as_mut().ok_or_else(lost)?;
        self.fit = false;
        timeout_at(deadline, session.begin()).await.map_err(|_| timed_out())?
    }

    /// Commits. A commit that is refused rolls back: the session is closed.
    pub(super) async fn commit(&mut self, deadline: Instant) -> Result<(), SqlError> {
        let session = self.session.as_mut().ok_or_else(lost)?;
        timeout_at(deadline, session.commit()).await.map_err(|_| timed_out())??;
        self.fit = self.clean;
        Ok(())
    }

    /// Rolls back.
    pub(super) async fn rollback(&mut self, deadline: Instant) -> Result<(), SqlError> {
        let session = self.session.as_mut().ok_or_else(lost)?;
        timeout_at(deadline, session.rollback()).await.map_err(|_| timed_out())??;
        self.fit = self.clean;
        Ok(())
    }

    /// Whether the session was closed under its transaction.
    pub(super) fn is_lost(&self) -> bool {
        self.session.is_none()
    }

    /// See [`Session::fails_as_a_whole`].
    pub(super) fn fails_as_a_whole(&self) -> bool {
        self.session.as_ref().is_some_and(Session::fails_as_a_whole)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.session.take() {
            Some(session) if self.fit => self.pool.push(session),
            Some(session) => close(session),
            None => {}
        }
    }
}

/// Refuses what is not for statements to do.
fn admit(statement: &str, in_transaction: bool) -> Result<Class, SqlError> {
    let class = classify(statement);
    let why = match class {
        Class::Transaction if in_transaction => {
            "a transaction is ended by its `commit` or `rollback`, not by a statement"
        }
        Class::Transaction => "a transaction is begun by `begin` of the connection, not by a statement",
        Class::Savepoint if !in_transaction => "a savepoint needs a transaction: call `begin` first",
        Class::Copy => "COPY can't be used here: write INSERT, and SELECT with `open-query`",
        Class::Data | Class::Session | Class::Savepoint => return Ok(class),
    };
    Err(error(ErrorKind::Statement, why))
}

/// Refuses what would end the transaction under the host's feet, half of it committed.
fn stays_in_mysql_transaction(statement: &str) -> Result<(), SqlError> {
    if commits_on_mysql(statement) {
        let why = "MySQL may commit the transaction before such a statement: run it outside of the transaction";
        return Err(error(ErrorKind::Statement, why));
    }
    Ok(())
}
