//! Every limit and timeout of the shared web server that no manifest key sets, in one table.
//!
//! What a user can notice of it stands in `docs/limits.md` too; a number changes in both.

use std::time::Duration;

/// Connections that may be open on one address; more wait to be accepted.
pub const MAX_CONNECTIONS: usize = 10_000;

/// Headers of one request; one more is answered with 431.
pub const MAX_HEADERS: usize = 128;

/// Bytes of a request's line and headers together; more is answered with 431.
pub const MAX_HEAD_BYTES: usize = 64 << 10;

/// A connection that has not sent a whole request head in this time is closed. It also bounds how long a connection may
/// stay idle between requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take to answer a ping of HTTP/2, sent when it has been quiet for [`HEAD_TIMEOUT`].
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);

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

/// How long a queued execution that found no free instance waits before it is tried again. One that could not be started
/// waits so long after the first attempt, twice as long after the second, and so on.
pub const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// The longest wait of a queued execution that could not be started.
pub const QUEUE_RETRY_MOST: Duration = Duration::from_secs(60);

/// Bodies and answers of lists above this size are split and joined where they hold up no other request.
pub const HEAVY_BYTES: usize = 256 << 10;

/// Queued executions that are held in memory, running or waiting; the rest waits in the store.
pub const QUEUE_IN_MEMORY: usize = 256;

/// Package files that are read at the same time.
pub const FILES_AT_A_TIME: usize = 16;
