//! Every limit and timeout of the shared web server that no manifest key sets, in one table.
//!
//! `docs/limits.md` is this page in prose; a number changes in both.

use std::time::Duration;

/// Headers of one request; one more is answered with 431.
pub const MAX_HEADERS: usize = 128;

/// Bytes of a request's line and headers together; more is answered with 431, or with 414 where the line alone is longer.
pub const MAX_HEAD_BYTES: usize = 64 << 10;

/// A connection that has not sent a whole request head in this time is closed. It also bounds how long a connection may
/// stay idle between requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// A body of which nothing arrives for this long is answered with 408.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A body that has not arrived in this time is answered with 408.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(300);

/// How long an accept loop rests after an error such as "too many open files".
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests in flight get to finish after a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a `moreDataToken` can be used.
pub const PAGE_LIFETIME: Duration = Duration::from_secs(600);

/// Bytes of documents that wait as further pages, over all callers; the least recently used go first.
pub const PAGE_BYTES: u64 = 256 << 20;

/// Queued executions that run at the same time.
pub const QUEUE_CONCURRENCY: usize = 64;

/// How long a queued execution that found no free instance waits before it is tried again.
pub const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// Queued executions that are held in memory, running or waiting; the rest waits in the store.
pub const QUEUE_IN_MEMORY: usize = 256;
