//! Every limit that the engine itself sets, in one table; those of the manifest (`timeout`, `memory`, `max-concurrent`) come
//! with the process. Each is there so that a guest cannot make the host hold or do an unbounded amount of anything.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::ResourceLimiter;

/// Bytes that one execution may hold in documents, each counted in full: 256 MiB. More traps.
pub(crate) const DOCUMENT_BYTES: u64 = 256 << 20;
/// Documents that go into or come out of one execution: 65,536.
pub(crate) const DOCUMENTS: usize = 1 << 16;
/// Most that one `document.read` gives: 8 MiB. The guest asks again for the rest.
pub(crate) const READ_BYTES: u64 = 8 << 20;
/// Bytes of process properties that an execution may set: 1 MiB. More traps.
pub(crate) const PROPERTY_BYTES: usize = 1 << 20;
/// Bytes that a guest may hand over in one call of a host function: 64 MiB. Larger documents are written by `append`.
pub(crate) const HOSTCALL_BYTES: usize = 64 << 20;
/// Handles that a guest may own at one time, documents included: 100,000.
pub(crate) const HANDLES: usize = 100_000;
/// What a guest may keep open of WASI and `sql` at one time: 4,096 streams, files, statements.
pub(crate) const TABLE_ENTRIES: usize = 4096;
/// Elements of one wasm table. Go and debug builds need more than 20,000.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;
/// Core instances in one component: QuickJS and Python need up to 40.
pub(crate) const CORE_INSTANCES: u32 = 64;
/// Memories in one component.
pub(crate) const MEMORIES: u32 = 8;
/// Tables in one component.
pub(crate) const TABLES: u32 = 32;
/// One line of the log: 64 KiB. Longer ones are cut.
pub(crate) const LOG_LINE_BYTES: usize = 64 << 10;
/// The log of one execution: 1 MiB. What follows is left out, and the log says so.
pub(crate) const LOG_BYTES: usize = 1 << 20;
/// Bytes of one call for random bytes: 1 MiB.
pub(crate) const RANDOM_BYTES: u64 = 1 << 20;
/// Memory of one set of `wasi:http` fields: 32 KiB.
pub(crate) const FIELD_BYTES: usize = 32 << 10;
/// Bytes of a failure's message that are kept: 64 KiB.
pub(crate) const MESSAGE_BYTES: usize = 64 << 10;
/// How deep sub-processes may call one another.
pub(crate) const DEPTH: u32 = 16;
/// Longest wait for a permit and an instance; never longer than the process's `timeout`.
pub(crate) const WAIT: Duration = Duration::from_secs(10);
/// Executions that may wait, as a multiple of `max-concurrent`.
pub(crate) const QUEUE: usize = 4;
/// How long the clean-up after an execution may take (a rollback) before its instance is thrown away.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(5);

/// Longest `timeout` that is told apart from none.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A time so much later; a year, if it is more than that.
pub(crate) fn later(from: Instant, by: Duration) -> Instant {
    from + by.min(YEAR)
}

/// Cuts text to so many bytes, at the border of a character.
pub(crate) fn cut(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

/// The linear memory of one instance: all its memories together.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit: u64,
    used: u64,
    /// What the growth that is going on has added, to take it back if it fails.
    growing: u64,
    denied: bool,
}

impl MemoryLimit {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, used: 0, growing: 0, denied: false }
    }

    /// Bytes in use. Linear memory never shrinks, so this is the most there has been.
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// The limit in bytes.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Forgets that memory was refused, for the next execution.
    pub(crate) const fn begin(&mut self) {
        self.denied = false;
    }

    /// Whether the execution was refused memory: a trap that follows is taken to come of it.
    pub(crate) const fn denied(&self) -> bool {
        self.denied
    }

    fn give_back(&mut self) {
        self.used -= std::mem::take(&mut self.growing);
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        self.growing = 0;
        if maximum.is_some_and(|m| desired > m) {
            // The module's own bound, not ours.
            return Ok(false);
        }
        if self.used.saturating_add(more) > self.limit {
            self.denied = true;
            return Ok(false);
        }
        self.growing = more;
        self.used += more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back();
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut memory = MemoryLimit::new(100);
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.denied());
        assert!(!memory.memory_growing(40, 70, None).unwrap());
        assert!(memory.denied());
        assert_eq!(memory.used(), 80);
        memory.begin();
        assert!(!memory.denied());
    }

    #[test]
    fn a_growth_that_fails_is_given_back() {
        let mut memory = MemoryLimit::new(100);
        assert!(memory.memory_growing(0, 90, None).unwrap());
        memory.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn the_longest_timeout_is_no_overflow() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::MAX), now + YEAR);
        assert_eq!(later(now, Duration::from_secs(1)), now + Duration::from_secs(1));
    }

    #[test]
    fn text_is_cut_between_characters() {
        let mut text = "aé".to_owned();
        cut(&mut text, 2);
        assert_eq!(text, "a");
    }
}
