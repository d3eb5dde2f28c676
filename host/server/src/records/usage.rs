//! What happened to each process in each minute: the difference of what the engine has counted then and now. Sub-processes
//! are in it, and it costs an execution nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use auricle_model::MinuteCount;
use auricle_process::Tally;

/// Length of a minute, to whose end counts are taken.
const MINUTE: Duration = Duration::from_secs(60);

/// Takes the counts of minutes.
pub(super) struct Minutes {
    environment: String,
    tallies: Box<dyn FnMut() -> Vec<(Arc<str>, Tally)> + Send>,
    /// As they were last time.
    seen: HashMap<Arc<str>, Tally>,
    /// The minute that goes on, by number since 1970.
    minute: u64,
}

impl Minutes {
    pub(super) fn new(environment: String, tallies: impl FnMut() -> Vec<(Arc<str>, Tally)> + Send + 'static) -> Self {
        Self { environment, tallies: Box::new(tallies), seen: HashMap::new(), minute: minute_of(SystemTime::now()) }
    }

    /// What is left of the minute.
    pub(super) fn left(&self) -> Duration {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let end = MINUTE.saturating_mul(u32::try_from(self.minute + 1).unwrap_or(u32::MAX));
        end.saturating_sub(since)
    }

    /// What has happened since it was last taken, as of the minute that went on then.
    pub(super) fn take(&mut self) -> Vec<MinuteCount> {
        self.take_at(SystemTime::now())
    }

    fn take_at(&mut self, now: SystemTime) -> Vec<MinuteCount> {
        let mut counts = Vec::new();
        let mut seen = HashMap::with_capacity(self.seen.len());
        for (process, now) in (self.tallies)() {
            let before = self.seen.get(&process);
            counts.extend(count(&self.environment, &process, self.minute, before, &now));
            seen.insert(process, now);
        }
        self.seen = seen;
        self.minute = minute_of(now);
        counts
    }
}

fn minute_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / MINUTE.as_secs()
}

/// The difference, if there is one.
fn count(environment: &str, process: &str, minute: u64, before: Option<&Tally>, now: &Tally) -> Option<MinuteCount> {
    // A process that was gone so long that the engine forgot it begins anew.
    let before = before.filter(|before| before.ran.count() <= now.ran.count());
    let executions = now.ran.count() - before.map_or(0, |before| before.ran.count());
    if executions == 0 {
        return None;
    }
    let mut buckets = [0; MinuteCount::BOUNDS_US.len() + 1];
    for (nth, count) in now.ran.counts.iter().enumerate() {
        let before = before.and_then(|before| before.ran.counts.get(nth)).copied().unwrap_or(0);
        let bound = now.ran.bounds.get(nth).copied().unwrap_or(u64::MAX);
        if let Some(bucket) = buckets.get_mut(MinuteCount::BOUNDS_US.partition_point(|own| *own < bound)) {
            *bucket += count.saturating_sub(before);
        }
    }
    Some(MinuteCount {
        environment: environment.to_owned(),
        process: process.to_owned(),
        minute,
        executions,
        failures: now.failures.saturating_sub(before.map_or(0, |before| before.failures)),
        ran_us: now.ran.sum.saturating_sub(before.map_or(0, |before| before.ran.sum)),
        longest_us: now.longest,
        buckets,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use auricle_process::{Spread, TIME_BOUNDS};

    use super::*;

    fn tally(times: &[u64], failures: u64) -> Tally {
        let mut counts = vec![0; TIME_BOUNDS.len() + 1];
        for time in times {
            counts[TIME_BOUNDS.partition_point(|bound| bound < time)] += 1;
        }
        let ran = Spread { bounds: TIME_BOUNDS, counts, sum: times.iter().sum() };
        Tally { ran, failures, longest: times.iter().copied().max().unwrap_or(0) }
    }

    #[test]
    fn every_bound_of_a_minute_is_one_of_the_engine() {
        assert!(MinuteCount::BOUNDS_US.iter().all(|bound| TIME_BOUNDS.contains(bound)));
    }

    #[test]
    fn a_minute_has_what_was_added_in_it() {
        let now = Arc::new(Mutex::new(Vec::new()));
        let shown = now.clone();
        let mut minutes = Minutes::new("test".to_owned(), move || shown.lock().unwrap().clone());
        let first = minutes.minute;
        let next = SystemTime::UNIX_EPOCH + MINUTE * u32::try_from(first + 1).unwrap();
        assert_eq!(minutes.take_at(next), []);

        let name: Arc<str> = "p".into();
        *now.lock().unwrap() = vec![(name.clone(), tally(&[90, 260, 5_000], 1))];
        let counts = minutes.take_at(next + MINUTE);
        assert_eq!(counts.len(), 1);
        let MinuteCount { minute, executions, failures, ran_us, longest_us, buckets, .. } = &counts[0];
        assert_eq!((*minute, *executions, *failures, *ran_us, *longest_us), (first + 1, 3, 1, 5_350, 5_000));
        assert_eq!(buckets[..5], [1, 0, 1, 0, 1]);

        assert_eq!(minutes.take_at(next + MINUTE), [], "nothing more");
        *now.lock().unwrap() = vec![(name.clone(), tally(&[90, 260, 5_000, 70_000_000], 1))];
        let counts = minutes.take_at(next + MINUTE);
        assert_eq!((counts[0].minute, counts[0].executions, counts[0].buckets[11]), (first + 2, 1, 1));

        *now.lock().unwrap() = Vec::new();
        assert_eq!(minutes.take_at(next + MINUTE), []);
        *now.lock().unwrap() = vec![(name, tally(&[90], 0))];
        assert_eq!(minutes.take_at(next + MINUTE)[0].executions, 1, "counted anew");
    }
}
