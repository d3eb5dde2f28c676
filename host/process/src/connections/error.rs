//! Errors of the `sql` interface: what the databases say, as one set of kinds. Messages hold no URL, password or path of the host.

use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::{ErrorKind, SqlError};

/// An error that the host itself found.
pub(super) fn error(kind: ErrorKind, message: impl Into<String>) -> SqlError {
    SqlError { kind, message: message.into(), code: None }
}

pub(super) fn not_granted(name: &str, process: &str, granted: &[String]) -> SqlError {
    let has = match granted {
        [] => "it has none".to_owned(),
        names => format!("it has `{}`", names.join("`, `")),
    };
    let message = format!(
        "connection `{name}` is not granted to process `{process}` ({has}); add it to `connections` of the process in the manifest"
    );
    error(ErrorKind::NotGranted, message)
}

pub(super) fn undeclared(name: &str) -> SqlError {
    error(
        ErrorKind::NotGranted,
        format!("connection `{name}` is granted, but the manifest has no [[connection]] of that name"),
    )
}

pub(super) fn closed() -> SqlError {
    error(ErrorKind::Closed, "the transaction is already ended")
}

pub(super) fn timed_out() -> SqlError {
    error(
        ErrorKind::Timeout,
        "the statement ran into the deadline of the execution and its connection was closed; MySQL, and PostgreSQL before 14, may still run it to its end",
    )
}

/// Too many or too few parameters.
pub(super) fn count(expected: usize, given: usize) -> SqlError {
    error(ErrorKind::Parameter, format!("the statement takes {expected} parameters, {given} were given"))
}

/// A parameter that does not fit; counted from 1.
pub(super) fn parameter(number: usize, why: impl std::fmt::Display) -> SqlError {
    error(ErrorKind::Parameter, format!("parameter {number}: {why}"))
}

/// A driver's error, as it came from the server or the way there.
pub(super) fn from_sqlx(failure: sqlx::Error) -> SqlError {
    match failure {
        sqlx::Error::Database(failure) => {
            if let Some(failure) = failure.try_downcast_ref::<PgDatabaseError>() {
                return from_postgres(failure);
            }
            if let Some(failure) = failure.try_downcast_ref::<MySqlDatabaseError>() {
                let kind = mysql_kind(failure.number());
                return SqlError { kind, message: failure.message().into(), code: failure.code().map(Into::into) };
            }
            SqlError { kind: ErrorKind::Other, message: failure.message().into(), code: failure.code().map(Into::into) }
        }
        sqlx::Error::Io(failure) => error(ErrorKind::Unavailable, format!("the database can't be reached: {failure}")),
        sqlx::Error::Tls(failure) => {
            error(ErrorKind::Unavailable, format!("no secure connection to the database: {failure}"))
        }
        sqlx::Error::Protocol(failure) => error(ErrorKind::Unavailable, format!("the connection broke: {failure}")),
        sqlx::Error::Encode(failure) => error(ErrorKind::Parameter, failure.to_string()),
        failure => error(ErrorKind::Other, failure.to_string()),
    }
}

fn from_postgres(failure: &PgDatabaseError) -> SqlError {
    let mut message = failure.message().to_owned();
    for more in [failure.detail(), failure.hint()].into_iter().flatten() {
        message.push_str("; ");
        message.push_str(more);
    }
    SqlError { kind: postgres_kind(failure.code()), message, code: Some(failure.code().into()) }
}

/// By SQLSTATE, as PostgreSQL's appendix of error codes has it: the whole code first, then its class.
fn postgres_kind(code: &str) -> ErrorKind {
    match code {
        "23505" => ErrorKind::UniqueViolation,
        "23503" | "23001" => ErrorKind::ForeignKeyViolation,
        "23502" => ErrorKind::NotNullViolation,
        "23514" | "23P01" => ErrorKind::CheckViolation,
        "40001" | "40P01" | "55P03" => ErrorKind::Conflict,
        "57014" => ErrorKind::Timeout,
        "25P02" | "25P01" => ErrorKind::Closed,
        "22012" | "0A000" => ErrorKind::Statement,
        "57P01" | "57P02" | "57P03" | "3D000" => ErrorKind::Unavailable,
        _ => match code.get(..2) {
            Some("08" | "28" | "53" | "58") => ErrorKind::Unavailable,
            Some("22") => ErrorKind::Parameter,
            Some("42" | "25") => ErrorKind::Statement,
            _ => ErrorKind::Other,
        },
    }
}

/// By MySQL's and MariaDB's error numbers; their SQLSTATEs are too coarse.
fn mysql_kind(number: u16) -> ErrorKind {
    match number {
        1022 | 1062 | 1169 | 1557 | 1586 | 1859 => ErrorKind::UniqueViolation,
        1216 | 1217 | 1451 | 1452 | 1761 | 1762 => ErrorKind::ForeignKeyViolation,
        1048 | 1364 | 1138 => ErrorKind::NotNullViolation,
        3819 | 4025 => ErrorKind::CheckViolation,
        1205 | 1213 | 3572 => ErrorKind::Conflict,
        1317 | 1969 | 3024 => ErrorKind::Timeout,
        1040 | 1044 | 1045 | 1049 | 1053 | 1203 | 1226 => ErrorKind::Unavailable,
        1264 | 1265 | 1292 | 1366 | 1406 | 3140 => ErrorKind::Parameter,
        1054 | 1064 | 1142 | 1143 | 1146 | 1149 | 1227 | 1295 | 1305 | 1052 | 1051 | 1136 => ErrorKind::Statement,
        _ => ErrorKind::Other,
    }
}

/// By SQLite's extended result code, whose low byte is the primary one.
pub(super) fn sqlite_kind(extended: i32) -> ErrorKind {
    match extended {
        1555 | 2067 | 2579 => ErrorKind::UniqueViolation,
        787 => ErrorKind::ForeignKeyViolation,
        1299 => ErrorKind::NotNullViolation,
        275 | 1811 => ErrorKind::CheckViolation,
        3091 => ErrorKind::Parameter,
        _ => match extended & 0xff {
            5 | 6 => ErrorKind::Conflict,
            9 => ErrorKind::Timeout,
            10 | 11 | 13 | 14 | 26 => ErrorKind::Unavailable,
            18 => ErrorKind::TooLarge,
            20 | 25 => ErrorKind::Parameter,
            1 | 8 | 23 => ErrorKind::Statement,
            _ => ErrorKind::Other,
        },
    }
}

/// Whether the error says that the server has already ended the transaction it came in: what follows on that connection
/// would be committed statement by statement.
pub(super) fn ends_mysql_transaction(failure: &SqlError) -> bool {
    failure.code.as_deref() == Some("40001")
}
