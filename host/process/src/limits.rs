//! Every limit that the engine itself sets, in one table; those of the manifest come with the process, and their defaults
//! and maxima stand in `auricle_model::{Limits, Bounds}`. Each is there so that a guest cannot make the host hold or do an
//! unbounded amount of anything.

use std::time::Duration;

use auricle_model::{Bounds, Limits};
use tokio::time::Instant;
use wasmtime::ResourceLimiter;

/// Documents that go into or come out of one execution: 65,536.
pub(crate) const DOCUMENTS: usize = 1 << 16;
/// Most that one `document.read` gives: 8 MiB. The guest asks again for the rest.
pub(crate) const READ_BYTES: u64 = 8 << 20;
/// Bytes of process properties that an execution may set: 1 MiB. More traps.
pub(crate) const PROPERTY_BYTES: usize = 1 << 20;
/// What a guest may keep open of WASI and `sql` at one time: 4,096 streams, files, statements.
pub(crate) const TABLE_ENTRIES: usize = 4096;
/// One line of the log: 64 KiB. Longer ones are cut.
pub(crate) const LOG_LINE_BYTES: usize = 64 << 10;
/// Bytes of one call for random bytes: 1 MiB.
pub(crate) const RANDOM_BYTES: u64 = 1 << 20;
/// Memory of one set of `wasi:http` fields: 32 KiB.
pub(crate) const FIELD_BYTES: usize = 32 << 10;
/// Bytes of a failure's message that are kept: 64 KiB.
pub(crate) const MESSAGE_BYTES: usize = 64 << 10;
/// Entries of the tape of one execution: 100,000. It is cut where there are more.
pub(crate) const TAPE_ENTRIES: usize = 100_000;
/// Bytes of questions and answers on it: 64 MiB. It is cut before the entry that would be more.
pub(crate) const TAPE_BYTES: usize = 64 << 20;
/// Bytes of one question on it: 4 KiB. Of a longer one its beginning and a fingerprint are kept.
pub(crate) const ASKED_BYTES: usize = 4 << 10;
/// How deep sub-processes may call one another.
pub(crate) const DEPTH: u32 = 16;
/// Longest wait for a permit and an instance; never longer than the process's `timeout`.
pub(crate) const WAIT: Duration = Duration::from_secs(10);
/// Executions that may wait, as a multiple of those that may go on.
pub(crate) const QUEUE: usize = 4;
/// How often it is looked for instances that have lain too long, and for processes that have fewer than their minimum.
pub(crate) const SWEEP: Duration = Duration::from_secs(30);
/// Part of the engine's instances, one in so many, that warm-up at deploy leaves free for executions.
pub(crate) const WARM_UP_RESERVE: u32 = 8;
/// First wait after an instance could not be made ahead of any request; doubled with each further failure.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(100);
/// The longest of these waits.
pub(crate) const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// How long the clean-up after an execution may take (a rollback) before its instance is thrown away.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(5);
/// Bytes that the cache of compiled components may have before what was not used the longest is removed: 16 GiB.
pub(crate) const CACHE_BYTES: u64 = 16 << 30;
/// How exactly the cache knows when a file was last used: to the day.
pub(crate) const CACHE_TOUCH: Duration = Duration::from_secs(24 * 3600);
/// How long the cache keeps unused what was compiled for other settings or by another version: a week.
pub(crate) const CACHE_FOREIGN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Bytes that are kept of what the process that compiles says: 16 KiB.
pub(crate) const COMPILER_MESSAGE_BYTES: u64 = 16 << 10;
/// Processes of a deployment that are started at the same time: 64. What they do meanwhile is wait, if anything.
pub(crate) const STARTING: usize = 64;
/// How often a compilation that goes on is told of.
pub(crate) const COMPILING_TOLD: Duration = Duration::from_secs(3);

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

/// A limit of the manifest that a growth was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Linear memory.
    Memory,
    /// Elements of a table.
    Table,
}

/// What one instance may take of memory, tables and the like. Memory is counted over all its memories together.
#[derive(Debug)]
pub(crate) struct Growth {
    memory: u64,
    table_elements: usize,
    core_instances: usize,
    memories: usize,
    tables: usize,
    used: u64,
    /// What the growth that is going on has added, to take it back if it fails.
    growing: u64,
    denied: Option<Denied>,
}

impl Growth {
    pub(crate) const fn new(limits: &Limits) -> Self {
        let Bounds { table_elements, core_instances, memories, tables, .. } = limits.bounds;
        Self {
            memory: limits.memory,
            table_elements: table_elements as usize,
            core_instances: core_instances as usize,
            memories: memories as usize,
            tables: tables as usize,
            used: 0,
            growing: 0,
            denied: None,
        }
    }

    /// Bytes of linear memory in use. It never shrinks, so this is the most there has been.
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// Bytes of linear memory that there may be.
    pub(crate) const fn memory(&self) -> u64 {
        self.memory
    }

    /// Forgets what was refused, for the next execution.
    pub(crate) const fn begin(&mut self) {
        self.denied = None;
    }

    /// What the execution was refused last: a trap that follows is taken to come of it.
    pub(crate) const fn denied(&self) -> Option<Denied> {
        self.denied
    }

    fn give_back(&mut self) {
        self.used -= std::mem::take(&mut self.growing);
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        self.growing = 0;
        if maximum.is_some_and(|m| desired > m) {
            // The module's own bound, not ours.
            return Ok(false);
        }
        if self.used.saturating_add(more) > self.memory {
            self.denied = Some(Denied::Memory);
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

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        if desired > self.table_elements {
            self.denied = Some(Denied::Table);
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.core_instances
    }

    fn memories(&self) -> usize {
        self.memories
    }

    fn tables(&self) -> usize {
        self.tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(memory: u64, table_elements: u32) -> Growth {
        let bounds = Bounds { table_elements, ..Bounds::default() };
        Growth::new(&Limits { memory, bounds, ..Limits::default() })
    }

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut memory = growth(100, 1);
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert_eq!(memory.denied(), None);
        assert!(!memory.memory_growing(40, 70, None).unwrap());
        assert_eq!((memory.denied(), memory.used()), (Some(Denied::Memory), 80));
        memory.begin();
        assert_eq!(memory.denied(), None);
    }

    #[test]
    fn a_growth_that_fails_is_given_back() {
        let mut memory = growth(100, 1);
        assert!(memory.memory_growing(0, 90, None).unwrap());
        memory.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn only_our_own_refusal_is_noted() {
        let mut table = growth(100, 50);
        assert!(table.table_growing(0, 50, None).unwrap());
        assert!(!table.table_growing(50, 60, Some(55)).unwrap());
        assert_eq!(table.denied(), None, "the module said so itself");
        assert!(!table.table_growing(50, 60, None).unwrap());
        assert_eq!(table.denied(), Some(Denied::Table));
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
