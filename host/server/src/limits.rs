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

/// A body whose length was not announced is small up to this size.
pub const SMALL_BODY: usize = 1 << 20;

/// How long an accept loop rests after an error such as "too many open files".
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests in flight get to finish after a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a `moreDataToken` can be used.
pub const PAGE_LIFETIME: Duration = Duration::from_secs(600);

/// Bytes of documents that wait as further pages in an environment; the oldest go first, within a minute.
pub const PAGE_BYTES: u64 = 256 << 20;

/// Bytes of them that stay where that is exceeded, and the most that one answer may leave for further pages.
pub const PAGE_BYTES_LEFT: u64 = PAGE_BYTES / 8 * 7;

/// Queued executions that run at the same time.
pub const QUEUE_CONCURRENCY: usize = 64;

/// Queued executions that are held in memory, running or waiting; the rest waits in the store. Of this, and of
/// [`QUEUE_CONCURRENCY`], each process has the same share, and one share is left for the next process to come.
pub const QUEUE_IN_MEMORY: usize = 256;

/// How long a queued execution that found no free instance, or no store, waits before it goes on.
pub const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// The longest wait of a queued execution that could not begin, if its process's `max-backoff` is not less.
pub const QUEUE_RETRY_MOST: Duration = Duration::from_secs(60);

/// The longest pause before the end of a queued execution is told to a store again that could not be written.
pub const QUEUE_NOTE_MOST: Duration = Duration::from_secs(10);

/// How often the store is looked at for executions whose time has come, while there are any or other hosts use it.
pub const QUEUE_LOOK: Duration = Duration::from_secs(1);

/// How long an execution that runs is left alone by other hosts, unless its host, which does so every third of this time, says
/// that it still runs.
pub const QUEUE_LEASE: Duration = Duration::from_secs(30);

/// How often what has expired is deleted: results, further pages, and answers kept under keys.
pub const QUEUE_EXPIRY: Duration = Duration::from_secs(60);

/// How long the result of an execution is kept whose caller did not wait for it.
pub const RESULT_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Bytes of an answer that is kept, as a result or under a key.
pub const KEPT_ANSWER_BYTES: u64 = 10 << 20;

/// How long the question where an execution stands may wait for its end (`Prefer: wait`).
pub const STATUS_WAIT: Duration = Duration::from_secs(30);

/// How often the store is looked at meanwhile, for what other hosts run.
pub const STATUS_LOOK: Duration = Duration::from_secs(1);

/// How long an answer is given again for the same `Idempotency-Key`.
pub const IDEMPOTENCY_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How much longer than its process's `timeout` a request holds its key without an answer. After that its host counts as gone.
pub const IDEMPOTENCY_MARGIN: Duration = Duration::from_secs(30);

/// Bodies and answers of lists above this size are split and joined where they hold up no other request.
pub const HEAVY_BYTES: usize = 256 << 10;

/// Packages that are read, or asked a registry for, at the same time.
pub const FILES_AT_A_TIME: usize = 16;

/// Bytes of a package that is uploaded, or fetched from a registry or put there.
pub const PACKAGE_BYTES: usize = 256 << 20;

/// How long a connection to a registry may take.
pub const REGISTRY_CONNECT: Duration = Duration::from_secs(10);

/// How long a registry may send nothing of an answer.
pub const REGISTRY_SILENCE: Duration = Duration::from_secs(30);

/// Bytes of a signature beside a package file that are read.
pub const SIGNATURE_BYTES: u64 = 4 << 10;

/// Bytes of ended executions that wait for their records to be written. When there is no room, the records of successful
/// ones are shed and those of failed ones shrink to a summary.
pub const RECORDS_WAITING: usize = 64 << 20;

/// Summaries of failed executions that wait beside those; of more than that the record is shed too.
pub const RECORDS_RESERVE: usize = 16_384;

/// Bytes that such a summary keeps of what the failure said.
pub const SHRUNK_MESSAGE: usize = 1 << 10;

/// How long the answer of a debug run waits until its record has a place; then it shrinks to a summary.
pub const RECORDS_PATIENCE: Duration = Duration::from_secs(30);

/// Records written together.
pub const RECORDS_BATCH: usize = 256;

/// Bytes of ended executions whose records are written together.
pub const RECORDS_BATCH_BYTES: usize = 4 << 20;

/// How long a record waits for others that are written with it.
pub const RECORDS_LINGER: Duration = Duration::from_millis(250);

/// How long after a failure the store is asked again to keep records; twice as long after each further one.
pub const RECORDS_RETRY: Duration = Duration::from_secs(1);

/// The longest of these pauses.
pub const RECORDS_RETRY_MOST: Duration = Duration::from_secs(30);

/// How long a stop waits for records to be written.
pub const RECORDS_FLUSH: Duration = Duration::from_secs(5);

/// How often the counts of a minute are written, beside its end.
pub const USAGE_EVERY: Duration = Duration::from_secs(5);

/// Counts of minutes that wait while the store cannot be written; what is counted beyond that is told with a later minute.
pub const USAGE_WAITING: usize = 100_000;

/// How often old records are looked for, beside after much was written.
pub const RECORDS_PRUNE: Duration = Duration::from_secs(60);

/// Documents of one record, those that went in and those that came back each. Of more only the size is recorded.
pub const RECORD_DOCUMENTS: usize = 1_000;

/// Bytes of the documents of one record, in each direction, and all that is recorded of one document of a debug run.
pub const RECORD_BYTES: usize = 16 << 20;

/// A longer JSON document is not looked through for what is to be redacted: nothing of it is recorded then.
pub const REDACT_BYTES: usize = 16 << 20;

/// Summaries that one who follows the executions may lag behind; then some are left out, and it is told.
pub const FOLLOW_BEHIND: usize = 1_024;

/// Smoke requests of a deployment that run at the same time.
pub const SMOKE_AT_A_TIME: usize = 8;

/// How often a host of a shared store looks whether another one has changed what its environment serves.
pub const FOLLOW_PAUSE: Duration = Duration::from_secs(1);

/// When what was deployed elsewhere and could not be loaded here is tried again.
pub const FOLLOW_AGAIN: Duration = Duration::from_secs(30);

/// Bytes of a JSON body of the admin API.
pub const ADMIN_BODY: usize = 4 << 20;

/// Bytes of a version that is deployed over the admin API, without its packages.
pub const ADMIN_VERSION: usize = 64 << 20;

/// Bytes of a package that is put over the admin API.
pub const ADMIN_PACKAGE: usize = PACKAGE_BYTES;

/// Entries that a list of the admin API gives where it is not told how many, and at most.
pub const ADMIN_PAGE: u32 = 100;

/// The most that it gives.
pub const ADMIN_PAGE_MOST: u32 = 1_000;

/// How long a token that was looked up counts as known: one that was deleted elsewhere holds so long at most.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(1);

/// How long a stream of the admin API says nothing before it sends an empty line, so that nobody takes it for dead.
pub const ADMIN_SILENCE: Duration = Duration::from_secs(15);
