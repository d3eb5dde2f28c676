//! What PostgreSQL's errors mean for who asked.

use sqlx::error::DatabaseError;

use crate::{StoreError, StoreErrorKind};

/// Makes a store's error of a database's: `cannot("read a package")` begins the message.
pub(super) fn cannot(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        let (kind, why) = explain(&error);
        StoreError::new(kind, format!("the store can't {what}: {why}"))
    }
}

fn explain(error: &sqlx::Error) -> (StoreErrorKind, String) {
    use StoreErrorKind::{Corrupt, Unavailable};
    match error {
        sqlx::Error::Database(error) => explain_code(error.as_ref()),
        sqlx::Error::Io(error) => (
            Unavailable,
            format!("PostgreSQL can't be reached ({error}); look to it, the host connects again by itself"),
        ),
        sqlx::Error::Tls(error) => {
            (Unavailable, format!("no encrypted connection to PostgreSQL comes about ({error})"))
        }
        sqlx::Error::PoolClosed => (Unavailable, "it is closed, as the host is stopping".to_owned()),
        sqlx::Error::PoolTimedOut => {
            (Unavailable, "PostgreSQL can't be reached, or all connections to it are busy; try again later".to_owned())
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (Corrupt, format!("a value is not what it should be ({error}); restore it from a backup"))
        }
        other => (Unavailable, other.to_string()),
    }
}

/// By the class of the SQLSTATE, its first two characters (Appendix A of PostgreSQL's manual).
fn explain_code(error: &dyn DatabaseError) -> (StoreErrorKind, String) {
    use StoreErrorKind::{Conflict, Corrupt, Invalid, Unavailable};
    let code = error.code().unwrap_or_default();
    let text = error.message();
    match code.get(..2).unwrap_or_default() {
        "22" | "54" => (Invalid, format!("PostgreSQL does not take a value ({text})")),
        "23" => (Conflict, format!("it contradicts what is stored ({text})")),
        "28" => {
            (Unavailable, format!("PostgreSQL lets nobody in ({text}); look to user and password of the store's URL"))
        }
        "3D" => (
            Unavailable,
            format!("PostgreSQL has no such database ({text}); make it, or name another in the store's URL"),
        ),
        "40" => (Conflict, format!("another transaction was in its way ({text})")),
        "42" if code == "42501" => {
            (Unavailable, format!("PostgreSQL does not allow it ({text}); grant the store's user what it needs"))
        }
        // The statements are fixed: one that is wrong stands before other tables than those it was written for.
        "42" => (Corrupt, format!("its tables were changed ({text}); restore it from a backup")),
        "53" => (Unavailable, format!("PostgreSQL has no room ({text}); give it space or connections")),
        "XX" => (Corrupt, format!("PostgreSQL found its data damaged ({text}); restore it from a backup")),
        _ => (Unavailable, format!("PostgreSQL says: {text} ({code})")),
    }
}
