//! Why a store could not do what it was asked, and whether asking again may help.

use auricle_model::Retry;

/// In what way a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// It can't be reached or written now: locked by another host, no space, an I/O error, already closed.
    Unavailable,
    /// What is stored is damaged: a package that no longer has its digest, a file that is no database.
    Corrupt,
    /// It was written by a newer version of the program.
    Newer,
    /// It contradicts what is stored: an id that is taken, an execution that is no longer in the queue.
    Conflict,
    /// What was given can't be kept as it is: a deployment without its packages, a value over the database's limit.
    Invalid,
}

/// A failure of the store. Cloneable, because one failed transaction is the answer to all who shared it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
}

impl StoreError {
    /// An error of a kind; the message says what failed, where, and what to do about it. It may name folders of the
    /// host: for its operator, not for a caller.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// In what way it failed.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether asking again may help.
    pub const fn retry(&self) -> Retry {
        match self.kind {
            StoreErrorKind::Unavailable => Retry::Later,
            StoreErrorKind::Corrupt | StoreErrorKind::Newer | StoreErrorKind::Conflict | StoreErrorKind::Invalid => {
                Retry::No
            }
        }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Unavailable, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Corrupt, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Conflict, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Invalid, message)
    }
}
