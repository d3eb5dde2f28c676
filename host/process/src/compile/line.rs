//! The line in which components wait to be compiled, and what is told of it meanwhile.
//!
//! As many are compiled at a time as the machine has cores, and each by its share of them: one alone by all.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::component::LoadError;
use crate::limits;
use crate::progress::{Compilation, CompilationStep, Progress};

/// The line.
#[derive(Debug)]
pub(crate) struct Line {
    cores: usize,
    turns: Semaphore,
    progress: Progress,
    counts: Mutex<Counts>,
}

/// Since the line was last empty.
#[derive(Debug, Default)]
struct Counts {
    entered: usize,
    left: usize,
    begun: usize,
}

/// A place in the line.
#[derive(Debug)]
pub(crate) struct Place<'l> {
    line: &'l Line,
    name: &'l str,
}

/// A place whose turn it is.
#[derive(Debug)]
pub(crate) struct Turn<'p> {
    place: &'p Place<'p>,
    _permit: SemaphorePermit<'p>,
}

impl Line {
    pub(crate) fn new(cores: usize, progress: Progress) -> Self {
        Self { cores, turns: Semaphore::new(cores), progress, counts: Mutex::default() }
    }

    /// Stands in line. It counts among those that are to come from here on.
    pub(crate) fn enter<'l>(&'l self, name: &'l str) -> Place<'l> {
        self.counts().entered += 1;
        Place { line: self, name }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits for its turn.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, LoadError> {
        let permit = self.line.turns.acquire().await.map_err(|e| LoadError::Host(e.to_string()))?;
        Ok(Turn { place: self, _permit: permit })
    }
}

impl Turn<'_> {
    /// How many threads are its share, where all that are in line have the cores together.
    pub(crate) fn threads(&self) -> usize {
        let Place { line, .. } = self.place;
        let counts = line.counts();
        (line.cores / (counts.entered - counts.left).clamp(1, line.cores)).max(1)
    }

    /// Has the component compiled, which has so many bytes, and tells of it meanwhile.
    pub(crate) async fn follow<T>(
        self,
        size: usize,
        work: impl Future<Output = Result<T, LoadError>>,
    ) -> Result<T, LoadError> {
        let Place { line, name } = *self.place;
        let number = {
            let mut counts = line.counts();
            counts.begun += 1;
            counts.begun
        };
        let tell = |step: CompilationStep| {
            let total = line.counts().entered;
            line.progress.tell(&Compilation { name, size, number, total, step });
        };
        let began = Instant::now();
        tell(CompilationStep::Begun);
        let mut ticks = interval_at(began + limits::COMPILING_TOLD, limits::COMPILING_TOLD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut work = std::pin::pin!(work);
        let made = loop {
            tokio::select! {
                made = &mut work => break made,
                _ = ticks.tick() => tell(CompilationStep::GoesOn(began.elapsed())),
            }
        };
        let took = began.elapsed();
        tell(if made.is_ok() { CompilationStep::Done(took) } else { CompilationStep::Failed(took) });
        made
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.line.counts();
        counts.left += 1;
        if counts.left == counts.entered {
            *counts = Counts::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_in_line_share_the_cores() {
        let line = Line::new(8, Progress::none());
        let first = line.enter("a");
        let turn = first.turn().await.unwrap();
        assert_eq!(turn.threads(), 8);
        let others = [line.enter("b"), line.enter("c")];
        assert_eq!(turn.threads(), 2);
        drop(others);
        assert_eq!(turn.threads(), 8);
        let many: Vec<Place<'_>> = (0..100).map(|_| line.enter("d")).collect();
        assert_eq!(turn.threads(), 1);
        drop((turn, many));
        drop(first);
        assert_eq!(line.counts().entered, 0, "counted anew");
    }

    #[tokio::test]
    async fn what_is_compiled_is_told_with_its_number() {
        let told = std::sync::Arc::new(Mutex::new(Vec::new()));
        let to = told.clone();
        let progress = Progress::new(move |c| {
            let Compilation { name, number, total, step, .. } = c;
            to.lock().unwrap().push((name.to_string(), *number, *total, matches!(step, CompilationStep::Begun)));
        });
        let line = Line::new(1, progress);
        let (a, b) = (line.enter("a"), line.enter("b"));
        a.turn().await.unwrap().follow(1, async { Ok(()) }).await.unwrap();
        drop(a);
        let failed: Result<(), _> = b.turn().await.unwrap().follow(1, async { Err(LoadError::NotWasm) }).await;
        assert_eq!(failed, Err(LoadError::NotWasm));
        let expected = [("a", 1, true), ("a", 1, false), ("b", 2, true), ("b", 2, false)];
        assert_eq!(*told.lock().unwrap(), expected.map(|(name, number, begun)| (name.to_owned(), number, 2, begun)));
    }
}
