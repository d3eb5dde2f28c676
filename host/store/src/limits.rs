//! Limits of the store, each with what happens past it. Those of statements are chosen, not measured to the last: half or
//! twice as much makes no difference that matters.

use std::time::Duration;

/// Changes that wait for a writer; past it, who asks waits to ask.
pub(crate) const WAITING_CHANGES: usize = 1024;
/// A transaction ends at this many changes, so that the first of them is not kept waiting by the last.
pub(crate) const BATCH_CHANGES: usize = 256;
/// A transaction ends at this many bytes, so that neither the log nor a small change's wait grows with large ones.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// A transaction over a network that takes longer has failed, and its connection is given up.
pub(crate) const TRANSACTION: Duration = Duration::from_secs(60);
/// The same for a restore.
pub(crate) const RESTORE: Duration = Duration::from_secs(3600);
/// A connection to PostgreSQL that has not come about by then has failed.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// An SQLite file that another program still holds after this time is an error.
pub(crate) const SQLITE_BUSY: Duration = Duration::from_secs(5);
/// Connections that read one SQLite file at the same time; past it, who asks waits.
pub(crate) const SQLITE_READERS: u32 = 4;
/// Connections that read from PostgreSQL at the same time; past it, who asks waits, and fails after [`CONNECT`].
pub(crate) const POSTGRES_READERS: u32 = 8;
/// Transactions that one host writes to PostgreSQL at the same time, beside the one for records.
pub(crate) const POSTGRES_WRITERS: usize = 3;
/// Rows that one statement of a backup or restore inserts.
pub(crate) const COPIED_ROWS: usize = 64;
/// Past so many bytes such a statement takes no further row.
pub(crate) const COPIED_BYTES: usize = 1 << 20;
/// Bytes of a page of SQLite's `records.db`.
pub(crate) const RECORD_PAGE: u32 = 8 << 10;
/// Rows of one statement that writes records, where there are as many.
pub(crate) const RECORD_ROWS: usize = 64;
/// Records that come to more bytes than this go one into a statement, so that it stays a small part of what a database
/// takes.
pub(crate) const RECORD_STATEMENT: u64 = 4 << 20;
/// What has more bytes than this, a batch of records or the pages of one change, is encoded off the async threads.
pub(crate) const ENCODED_INLINE: usize = 256 << 10;
/// What the columns of a page and its places in the indexes take beside its documents, about.
pub(crate) const PAGE_ROW: u64 = 256;
/// Pages of one statement that writes them, where there are as many.
pub(crate) const PAGES_STATEMENT: usize = 64;
/// A change that writes pages takes no further one at this number of them.
pub(crate) const PAGES_CHANGE: usize = 1024;
/// The same at this many bytes: a page that is larger has a change of its own.
pub(crate) const PAGES_CHANGE_BYTES: usize = 4 << 20;
/// Rows that one transaction of a clean-up deletes, of what has expired and of records; others have their turn between.
pub(crate) const CLEANED_ROWS: usize = 500;
/// Past so many bytes such a transaction deletes no further record.
pub(crate) const CLEANED_BYTES: u64 = 64 << 20;
