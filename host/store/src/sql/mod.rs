//! What both engines have in common: every statement, written once, and the traits made of them.
//!
//! This folder is compiled twice, as `sqlite::sql` and `postgres::sql` (by `#[path]`): each time `super::dialect` says what
//! the types of sqlx are and where the two databases differ. So a statement keeps to what both understand: parameters `$1`,
//! values of the types TEXT, BIGINT and bytes (numbers and truth values as `i64`, times as milliseconds since 1970, ids
//! and hashes as bytes), `ON CONFLICT`, `RETURNING`. Texts from outside go through [`text`].

mod access;
mod backup;
pub(crate) mod copy;
mod deployments;
mod idempotency;
mod migrate;
mod packages;
mod pages;
mod queue;
mod queue_read;
mod records;
mod records_read;
mod writer;

use std::borrow::Cow;
use std::path::Path;

use super::dialect::{self, Connection, Engine, Pool, Row, ThisStore, cannot};
use crate::{Answer, Store, StoreError};

pub(super) use migrate::{Schema, migrate};
pub(super) use writer::Writer;
use writer::{Change, Stop};

/// A database: who writes, and who reads beside it. Readers see the last commit and wait for no sync.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) writer: Writer,
    pub(super) readers: Pool,
}

impl Database {
    /// Writes what was asked for, then lets go.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A text that any database takes: PostgreSQL keeps no NUL character, and a guest's message may have one.
fn text(given: &str) -> Cow<'_, str> {
    if given.contains('\0') { Cow::Owned(given.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(given) }
}

/// A count as databases keep it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as it was kept.
fn unsigned<T: TryFrom<i64> + Default>(kept: i64) -> T {
    T::try_from(kept).unwrap_or_default()
}

impl ThisStore {
    /// Transactions committed since it was opened, without those of records: fewer than the changes, where those came
    /// together.
    pub fn commits(&self) -> u64 {
        self.main.writer.commits()
    }
}

impl Store for ThisStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn is_shared(&self) -> bool {
        dialect::SHARED
    }

    fn backup<'a>(&'a self, to: &'a Path) -> Answer<'a, ()> {
        Box::pin(backup::backup(self, to))
    }

    fn restore<'a>(&'a self, from: &'a Path) -> Answer<'a, ()> {
        Box::pin(backup::restore(self, from))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.records.close().await;
            self.main.close().await;
            Ok(())
        })
    }
}
