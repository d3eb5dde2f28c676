//! What SQLite's errors mean for who asked.

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
        sqlx::Error::PoolClosed => (Unavailable, "it is closed, as the host is stopping".to_owned()),
        sqlx::Error::PoolTimedOut => (Unavailable, "all its connections are busy; try again later".to_owned()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (Corrupt, format!("a value of its database is not what it should be ({error}); restore it from a backup"))
        }
        other => (Unavailable, other.to_string()),
    }
}

/// By SQLite's primary result code: the low byte of the extended one (sqlite.org/rescode.html).
fn explain_code(error: &dyn DatabaseError) -> (StoreErrorKind, String) {
    use StoreErrorKind::{Conflict, Corrupt, Invalid, Unavailable};
    let code = error.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
    let text = error.message();
    match code & 0xff {
        // The statements are fixed: one that is wrong stands before other tables than those it was written for.
        1 => (Corrupt, format!("the tables of its database were changed ({text}); restore it from a backup")),
        5 | 6 => (Unavailable, format!("another program holds its database ({text}); end it or try again later")),
        8 => (Unavailable, format!("its database may not be written ({text}); give the host's user write access")),
        10 | 14 => (Unavailable, format!("its database can't be read or written ({text}); look to its disk")),
        11 | 26 => (Corrupt, format!("its database is damaged ({text}); restore it from a backup")),
        13 => (Unavailable, format!("its disk is full ({text}); free some space")),
        18 => (Invalid, format!("a value is larger than the database takes ({text})")),
        19 => (Conflict, format!("it contradicts what is stored ({text})")),
        _ => (Unavailable, format!("{text} (SQLite code {code})")),
    }
}
