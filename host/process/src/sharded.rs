//! A count in several copies, so that threads that count at the same time do not fight over one cache line. Who reads adds
//! the copies up.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// Copies at most; more threads than that share.
const MOST: usize = 16;

/// One `T` for each thread that counts. Made when something is first counted: what nobody uses takes no memory.
#[derive(Debug)]
pub struct Sharded<T>(OnceLock<Box<[Line<T>]>>);

/// Alone on its cache lines; two, since processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

impl<T: Default> Sharded<T> {
    /// None yet.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The copy of this thread.
    pub fn here(&self) -> Option<&T> {
        let copies = self.0.get_or_init(|| (0..copies()).map(|_| Line::default()).collect());
        copies.get(number() % copies.len().max(1)).map(|line| &line.0)
    }

    /// All of them; none if nothing has been counted.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.get().into_iter().flat_map(|copies| copies.iter().map(|line| &line.0))
    }
}

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn copies() -> usize {
    static COPIES: OnceLock<usize> = OnceLock::new();
    *COPIES.get_or_init(|| available_parallelism().map_or(1, usize::from).min(MOST))
}

/// The number of this thread among those that count, in the order of their first count: the workers of a runtime come to have
/// one copy each.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| match number.get() {
        Some(number) => number,
        None => {
            let own = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(own));
            own
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn what_threads_count_adds_up() {
        let counts = Sharded::<AtomicU64>::new();
        assert_eq!(counts.iter().count(), 0);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| counts.here().unwrap().fetch_add(1, Ordering::Relaxed));
            }
        });
        assert!((1..=MOST).contains(&counts.iter().count()));
        assert_eq!(counts.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>(), 40);
    }
}
