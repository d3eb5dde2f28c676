//! What is counted under a name, the same for each version of a deployment that has the name, and kept for a while after the
//! last of them: so that nobody who scrapes sees a count fall back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long counts are kept that nobody uses.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// Counts by name. Looked into when something is deployed and when somebody scrapes, never by a request.
#[derive(Debug, Default)]
pub struct Registry<T>(Mutex<Names<T>>);

#[derive(Debug, Default)]
struct Names<T> {
    known: HashMap<Arc<str>, Known<T>>,
    /// So many were left when they were last looked through.
    left: usize,
}

#[derive(Debug)]
struct Known<T> {
    counts: Arc<T>,
    /// Since when nobody else has them.
    unused: Option<Instant>,
}

impl<T: Default> Registry<T> {
    /// The counts of a name. They are in use as long as the answer is held.
    pub fn of(&self, name: &Arc<str>) -> Arc<T> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked through when they have doubled: many names cost little each, and a host that nobody scrapes forgets too.
        if names.known.len() > 2 * names.left + 64 {
            names.forget(Instant::now());
        }
        let fresh = || Known { counts: Arc::default(), unused: None };
        names.known.entry(name.clone()).or_insert_with(fresh).counts.clone()
    }

    /// All of them, ordered by name.
    pub fn all(&self) -> Vec<(Arc<str>, Arc<T>)> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.forget(Instant::now());
        let mut all: Vec<_> = names.known.iter().map(|(name, known)| (name.clone(), known.counts.clone())).collect();
        drop(names);
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

impl<T> Names<T> {
    /// Drops what has been unused for long by now.
    fn forget(&mut self, now: Instant) {
        self.known.retain(|_, known| {
            if Arc::strong_count(&known.counts) > 1 {
                known.unused = None;
                return true;
            }
            now.saturating_duration_since(*known.unused.get_or_insert(now)) < KEPT
        });
        self.left = self.known.len();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_name_has_one_set_of_counts_and_keeps_it_for_a_while() {
        let registry = Registry::<AtomicU64>::default();
        let name: Arc<str> = "p".into();
        registry.of(&name).fetch_add(1, Ordering::Relaxed);
        let again = registry.of(&name);
        again.fetch_add(1, Ordering::Relaxed);
        assert_eq!(registry.all().first().map(|(_, count)| count.load(Ordering::Relaxed)), Some(2));

        let later = |by| registry.0.lock().unwrap().forget(Instant::now() + by);
        later(KEPT * 2);
        drop(again);
        later(Duration::ZERO);
        later(KEPT / 2);
        assert_eq!(registry.all().len(), 1);
        later(KEPT * 2);
        assert!(registry.all().is_empty());
    }

    #[test]
    fn names_that_come_and_go_are_forgotten_also_where_nobody_looks() {
        let registry = Registry::<AtomicU64>::default();
        for n in 0..1000 {
            registry.of(&n.to_string().into());
            for known in registry.0.lock().unwrap().known.values_mut() {
                known.unused = Instant::now().checked_sub(KEPT);
            }
        }
        assert!(registry.0.lock().unwrap().known.len() <= 65);
    }
}
