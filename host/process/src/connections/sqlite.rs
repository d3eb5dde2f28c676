//! SQLite, embedded. Every statement runs on a blocking thread; the session moves there and back.
//!
//! A statement whose future is dropped (deadline, trap, cancelled request) is interrupted within a few thousand steps of SQLite's
//! machine and never commits from then on; its session is closed. Each session writes ahead (WAL), enforces foreign keys, syncs
//! each commit, and refuses by an authorizer what would reach beyond its file: `ATTACH`, `DETACH`, `VACUUM`, and the settings
//! behind `PRAGMA`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{CachedStatement, Connection, OpenFlags};

use super::error::{count, error, parameter, sqlite_kind};
use super::session::{Failed, Step, lost};
use super::sink::Sink;
use super::sqlite_values::{Declared, bind, columns, value};
use super::{BUSY_TIMEOUT, ErrorKind, PREPARED_STATEMENTS, SqlError, Value};

/// Steps of SQLite's machine between two looks at whether the statement is still wanted: some tens of microseconds.
const STEPS: i32 = 4000;
/// Longest text or blob that SQLite makes: 64 MiB, so that `zeroblob(1e9)` does not eat the host.
const VALUE_BYTES: i32 = 64 << 20;

/// Added to the wait for a lock, so that a wait for the whole of an execution ends in `timeout`, not in `conflict`.
const AFTER_DEADLINE: Duration = Duration::from_millis(100);

/// Pragmas that only look, as long as `user_version` is given no value; the others change what the host relies on, or show
/// its paths.
const READING_PRAGMAS: &[&str] = &[
    "collation_list",
    "compile_options",
    "foreign_key_check",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// What may be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// Write, and make it when there is none.
    Create,
}

/// A session.
pub(super) struct Sqlite {
    connection: Connection,
    watch: Arc<Watch>,
}

/// What the hooks of a session look at.
#[derive(Default)]
struct Watch {
    /// Nobody waits for the running statement any more.
    unwanted: AtomicBool,
    /// Why the authorizer refused: SQLite itself only says "not authorized".
    refusal: Mutex<Option<String>>,
}

impl Watch {
    fn is_unwanted(&self) -> bool {
        self.unwanted.load(Ordering::Relaxed)
    }

    fn authorize(&self, action: &AuthAction<'_>) -> Authorization {
        let why = match action {
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
                "ATTACH, DETACH and VACUUM reach beyond the granted database: declare another connection instead"
                    .to_owned()
            }
            AuthAction::Pragma { pragma_name, pragma_value } if !only_looks(pragma_name, *pragma_value) => {
                format!(
                    "PRAGMA {pragma_name} is for the host to set; those that only look are allowed, such as table_info"
                )
            }
            _ => return Authorization::Allow,
        };
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        Authorization::Deny
    }
}

fn only_looks(pragma: &str, value: Option<&str>) -> bool {
    let pragma = pragma.to_ascii_lowercase();
    READING_PRAGMAS.contains(&pragma.as_str()) && (pragma != "user_version" || value.is_none())
}

/// Interrupts the statement if it is dropped before the statement is done.
struct Interrupt(Option<Arc<Watch>>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(watch) = &self.0 {
            watch.unwanted.store(true, Ordering::Relaxed);
        }
    }
}

impl Sqlite {
    pub(super) async fn open(file: PathBuf, access: Access) -> Result<Self, SqlError> {
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&file, access)).await;
        opened.map_err(|_| lost())?.map_err(|failure| {
            let mut failed = explain(&failure);
            if failed.code.as_deref() == Some("14") {
                failed.message = "its file can't be opened: is the folder there, and may the host write in it?".into();
            }
            failed
        })
    }

    fn open_blocking(file: &std::path::Path, access: Access) -> rusqlite::Result<Self> {
        let how = match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let connection = Connection::open_with_flags(file, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if access != Access::Read {
            // Answers with the mode it has now, which is another one on file systems that can't share memory.
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        }
        let watch = Arc::new(Watch::default());
        let looked_at = Arc::clone(&watch);
        connection.progress_handler(STEPS, Some(move || looked_at.is_unwanted()))?;
        // A short statement that waited for a lock ends before the handler is asked: this is the last look.
        let looked_at = Arc::clone(&watch);
        connection.commit_hook(Some(move || looked_at.is_unwanted()))?;
        let asked = Arc::clone(&watch);
        connection.authorizer(Some(move |context: AuthContext<'_>| asked.authorize(&context.action)))?;
        Ok(Self { connection, watch })
    }

    /// Bounds how long a statement waits for another writer: the time that is left, and never more than [`BUSY_TIMEOUT`].
    pub(super) fn bound_waiting(&self, left: Duration) {
        // It only fails for times that its counter can't hold.
        let _ = self.connection.busy_timeout(BUSY_TIMEOUT.min(left + AFTER_DEADLINE));
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    pub(super) async fn run(
        slot: &mut Option<Self>,
        statement: String,
        parameters: Vec<Value>,
        mut sink: Sink,
    ) -> Result<(u64, Sink), Failed> {
        let ran = on_blocking_thread(slot, move |session| {
            // The statement is reset on every way out, so the session stays ready.
            match session.run_blocking(&statement, &parameters, &mut sink) {
                Ok(changed) => Ok((changed, sink)),
                Err(error) => Err(Failed { error, step: Step::Ready }),
            }
        });
        ran.await.unwrap_or_else(|| Err(Failed { error: lost(), step: Step::Broken }))
    }

    /// One of the host's own statements.
    pub(super) async fn control(slot: &mut Option<Self>, statement: &'static str) -> Result<(), SqlError> {
        let ran = on_blocking_thread(slot, move |session| {
            session.connection.execute_batch(statement).map_err(|failure| session.explain(&failure))
        });
        ran.await.unwrap_or_else(|| Err(lost()))
    }

    fn run_blocking(&self, statement: &str, parameters: &[Value], sink: &mut Sink) -> Result<u64, SqlError> {
        let explain = |failure: rusqlite::Error| self.explain(&failure);
        let mut prepared = self.connection.prepare_cached(statement).map_err(explain)?;
        bind_all(&mut prepared, parameters)?;
        let before = self.connection.total_changes();
        let mut declared: Option<Vec<Declared>> = None;
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(explain)? {
            // Looked at after the first step only: that is where a statement made before a change of the schema is made anew.
            let types = match &declared {
                Some(types) => types,
                None => {
                    sink.columns_blocking(columns(row.as_ref(), Some(row)))?;
                    declared.insert(Declared::of(row.as_ref()))
                }
            };
            let values = types.iter().enumerate().map(|(i, declared)| Ok(value(row.get_ref(i)?, *declared)));
            sink.push_blocking(values.collect::<rusqlite::Result<_>>().map_err(explain)?)?;
        }
        drop(rows);
        if declared.is_none() {
            sink.columns_blocking(columns(&prepared, None))?;
        }
        // `changes` keeps the count of an earlier statement where this one is no change of rows.
        Ok(if self.connection.total_changes() == before { 0 } else { self.connection.changes() })
    }

    fn explain(&self, failure: &rusqlite::Error) -> SqlError {
        let mut explained = explain(failure);
        if let Some(why) = self.watch.refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
            explained.message = why;
        }
        explained
    }
}

/// Lends the session to a blocking thread. None when it is gone, or the thread panicked. If this future is dropped, the work
/// is interrupted and the session ends with it.
async fn on_blocking_thread<T: Send + 'static>(
    slot: &mut Option<Sqlite>,
    work: impl FnOnce(&mut Sqlite) -> T + Send + 'static,
) -> Option<T> {
    let mut session = slot.take()?;
    let mut interrupt = Interrupt(Some(Arc::clone(&session.watch)));
    let worker = tokio::task::spawn_blocking(move || {
        if session.watch.is_unwanted() {
            return None;
        }
        let done = work(&mut session);
        Some((session, done))
    });
    let (session, done) = worker.await.ok()??;
    interrupt.0 = None;
    *slot = Some(session);
    Some(done)
}

/// Binds by number: `$1` or `?1` is the first parameter wherever it stands, a bare `?` is the one of its own position.
fn bind_all(statement: &mut CachedStatement<'_>, parameters: &[Value]) -> Result<(), SqlError> {
    let mut expected = 0;
    let mut places = Vec::with_capacity(parameters.len());
    for index in 1..=statement.parameter_count() {
        let number = match statement.parameter_name(index) {
            None => index,
            Some(name) => match name.trim_start_matches(['$', '?', ':', '@']).parse() {
                Ok(number) => number,
                Err(_) => {
                    let message = format!("the placeholder `{name}` has a name: number them, $1, $2 and so on");
                    return Err(error(ErrorKind::Parameter, message));
                }
            },
        };
        expected = expected.max(number);
        places.push((index, number));
    }
    if expected != parameters.len() {
        return Err(count(expected, parameters.len()));
    }
    for (index, number) in places {
        let Some(given) = number.checked_sub(1).and_then(|i| parameters.get(i)) else {
            return Err(error(ErrorKind::Parameter, "placeholders count from $1"));
        };
        let bound = bind(given).map_err(|why| parameter(number, why))?;
        statement.raw_bind_parameter(index, bound).map_err(|failure| explain(&failure))?;
    }
    Ok(())
}

fn explain(failure: &rusqlite::Error) -> SqlError {
    let (raw, message) = match failure {
        rusqlite::Error::SqliteFailure(raw, message) => (raw, message.clone().unwrap_or_else(|| raw.to_string())),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg.clone()),
        rusqlite::Error::MultipleStatement => {
            return error(ErrorKind::Statement, "the text holds several statements: send them one by one");
        }
        other => return error(ErrorKind::Statement, other.to_string()),
    };
    SqlError { kind: sqlite_kind(raw.extended_code), message, code: Some(raw.extended_code.to_string()) }
}
