//! Who is next: the executions that are held in memory, by process, so that a long backlog of one keeps no other waiting.
//!
//! Plain values under the queue's lock, no clock and no I/O. Every process that has something here has the same share of what
//! there is, and one share more is left free for the next one to come. Costs a walk over those processes where all of them
//! have what they may.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use auricle_model::ExecutionId;

use crate::limits::{QUEUE_CONCURRENCY, QUEUE_IN_MEMORY};

/// The executions in memory: `J` is what is known of one that waits.
pub(super) struct Line<J> {
    held: HashMap<ExecutionId, Held>,
    shares: HashMap<Arc<str>, Share<J>>,
    /// Processes that have something waiting, each once; the first is next.
    turns: VecDeque<Arc<str>>,
    /// Slots that are taken.
    running: usize,
    /// Those in `held` that had not to wait for a slot.
    adopted: usize,
}

struct Held {
    /// None: it is not one of a share.
    process: Option<Arc<str>>,
    /// Whether a run has begun in the store.
    begun: bool,
}

struct Share<J> {
    waiting: VecDeque<J>,
    held: usize,
    running: usize,
}

/// What came of asking for a place in memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has one.
    Placed,
    /// It had one.
    There,
    /// There is none for its process now.
    Full,
}

impl<J> Line<J> {
    pub(super) fn new() -> Self {
        Self { held: HashMap::new(), shares: HashMap::new(), turns: VecDeque::new(), running: 0, adopted: 0 }
    }

    /// Takes a place in memory.
    pub(super) fn place(&mut self, id: ExecutionId, process: &Arc<str>) -> Asked {
        if self.held.contains_key(&id) {
            return Asked::There;
        }
        let held = self.shares.get(process).map_or(0, |share| share.held);
        let others = self.shares.len() - usize::from(held > 0);
        if held >= share_of(QUEUE_IN_MEMORY, others + 1) || self.held.len() - self.adopted >= QUEUE_IN_MEMORY {
            return Asked::Full;
        }
        let empty = || Share { waiting: VecDeque::new(), held: 0, running: 0 };
        self.shares.entry(process.clone()).or_insert_with(empty).held += 1;
        self.held.insert(id, Held { process: Some(process.clone()), begun: false });
        Asked::Placed
    }

    /// Holds one that runs already and needs no place.
    pub(super) fn adopt(&mut self, id: ExecutionId) {
        if self.held.insert(id, Held { process: None, begun: true }).is_none() {
            self.adopted += 1;
        }
    }

    /// Has one that is held wait for a slot.
    pub(super) fn wait(&mut self, process: &Arc<str>, job: J) {
        let Some(share) = self.shares.get_mut(process) else { return };
        if share.waiting.is_empty() {
            self.turns.push_back(process.clone());
        }
        share.waiting.push_back(job);
    }

    /// Gives a slot to the next one, if there is a slot for it: `most` is what a process may have beside its share.
    pub(super) fn next(&mut self, most: impl Fn(&str) -> usize) -> Option<J> {
        if self.running >= QUEUE_CONCURRENCY {
            return None;
        }
        let share_of_each = share_of(QUEUE_CONCURRENCY, self.shares.len());
        for _ in 0..self.turns.len() {
            let process = self.turns.pop_front()?;
            let Some(share) = self.shares.get_mut(&process) else { continue };
            let may = share.running < share_of_each.min(most(&process).max(1));
            let job = if may { share.waiting.pop_front() } else { None };
            if !share.waiting.is_empty() {
                self.turns.push_back(process);
            }
            if job.is_some() {
                share.running += 1;
                self.running += 1;
                return job;
            }
        }
        None
    }

    /// Notes that a run of one that is held has begun.
    pub(super) fn begun(&mut self, id: ExecutionId) {
        if let Some(held) = self.held.get_mut(&id) {
            held.begun = true;
        }
    }

    /// Takes a slot back.
    pub(super) fn rest(&mut self, process: &str) {
        self.running = self.running.saturating_sub(1);
        if let Some(share) = self.shares.get_mut(process) {
            share.running = share.running.saturating_sub(1);
        }
    }

    /// Takes a place back. Whether there is so much room now that the store is worth a look.
    pub(super) fn leave(&mut self, id: ExecutionId) -> bool {
        let Some(held) = self.held.remove(&id) else { return false };
        let Some(process) = held.process else {
            self.adopted = self.adopted.saturating_sub(1);
            return false;
        };
        let Some(share) = self.shares.get_mut(&process) else { return true };
        share.held = share.held.saturating_sub(1);
        let left = share.held;
        if left == 0 {
            self.shares.remove(&process);
        }
        left <= share_of(QUEUE_IN_MEMORY, self.shares.len().max(1)) / 2
    }

    /// Forgets those that wait for a slot.
    pub(super) fn clear(&mut self) {
        self.turns.clear();
        self.shares.values_mut().for_each(|share| share.waiting.clear());
    }

    /// Processes that have all that they may of memory.
    pub(super) fn full(&self) -> Vec<String> {
        let most = share_of(QUEUE_IN_MEMORY, self.shares.len());
        let full = self.shares.iter().filter(|(_, share)| share.held >= most);
        full.map(|(process, _)| process.to_string()).collect()
    }

    /// Those of which a run has begun.
    pub(super) fn all_begun(&self) -> Vec<ExecutionId> {
        self.held.iter().filter(|(_, held)| held.begun).map(|(id, _)| *id).collect()
    }

    /// How many are held, and how many of them run.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.held.len(), self.running + self.adopted)
    }
}

/// One share of so many where these have one each and one is left free.
fn share_of(all: usize, processes: usize) -> usize {
    (all / (processes + 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: fn(&str) -> usize = |_| usize::MAX;

    /// Puts so many of a process in line, as far as there is room.
    fn fill(line: &mut Line<(ExecutionId, Arc<str>)>, process: &str, count: usize) -> usize {
        let process: Arc<str> = process.into();
        let mut placed = 0;
        for _ in 0..count {
            let id = ExecutionId::new();
            if line.place(id, &process) == Asked::Placed {
                line.wait(&process, (id, process.clone()));
                placed += 1;
            }
        }
        placed
    }

    fn run_all(line: &mut Line<(ExecutionId, Arc<str>)>) -> HashMap<String, usize> {
        let mut runs = HashMap::new();
        while let Some((_, process)) = line.next(ANY) {
            *runs.entry(process.to_string()).or_default() += 1;
        }
        runs
    }

    #[test]
    fn a_backlog_leaves_room_for_others() {
        let mut line = Line::new();
        assert_eq!(fill(&mut line, "a", 1000), QUEUE_IN_MEMORY / 2);
        assert_eq!(line.full(), ["a"]);
        assert_eq!(run_all(&mut line)["a"], QUEUE_CONCURRENCY / 2);
        assert_eq!(fill(&mut line, "b", 10), 10);
        assert_eq!(run_all(&mut line)["b"], 10);
        assert_eq!(fill(&mut line, "c", 1000), QUEUE_IN_MEMORY / 4);
        assert_eq!(run_all(&mut line)["c"], QUEUE_CONCURRENCY / 4);
    }

    #[test]
    fn many_take_turns() {
        let mut line = Line::new();
        let names: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
        for name in &names {
            assert!(fill(&mut line, name, 8) > 0);
        }
        let first: Vec<_> = (0..10).map(|_| line.next(ANY).unwrap().1.to_string()).collect();
        assert_eq!(first, names);
    }

    #[test]
    fn memory_has_an_end() {
        let mut line = Line::new();
        let placed: usize = (0..1000).map(|n| fill(&mut line, &format!("p{n}"), 1)).sum();
        assert_eq!(placed, QUEUE_IN_MEMORY);
        assert_eq!(line.place(ExecutionId::new(), &"one more".into()), Asked::Full);
    }

    #[test]
    fn a_process_has_no_more_slots_than_turns() {
        let mut line = Line::new();
        fill(&mut line, "a", 10);
        assert!(line.next(|_| 1).is_some() && line.next(|_| 1).is_none());
        line.rest("a");
        assert!(line.next(|_| 1).is_some());
        assert_eq!(line.sizes(), (10, 1));
    }

    #[test]
    fn a_place_is_taken_once_and_given_back() {
        let mut line: Line<()> = Line::new();
        let (id, process) = (ExecutionId::new(), "a".into());
        assert_eq!(line.place(id, &process), Asked::Placed);
        assert_eq!(line.place(id, &process), Asked::There);
        line.begun(id);
        assert_eq!(line.all_begun(), [id]);
        assert!(line.leave(id), "there is room");
        assert!(!line.leave(id), "it was not there");
        assert_eq!((line.sizes(), line.shares.len()), ((0, 0), 0));
    }

    #[test]
    fn what_is_adopted_takes_no_place() {
        let mut line: Line<()> = Line::new();
        let adopted: Vec<_> = (0..QUEUE_IN_MEMORY).map(|_| ExecutionId::new()).collect();
        adopted.iter().for_each(|id| line.adopt(*id));
        assert_eq!(line.place(adopted[0], &"a".into()), Asked::There);
        assert_eq!(line.place(ExecutionId::new(), &"a".into()), Asked::Placed);
        adopted.iter().for_each(|id| assert!(!line.leave(*id)));
        assert_eq!(line.sizes(), (1, 0));
    }
}
