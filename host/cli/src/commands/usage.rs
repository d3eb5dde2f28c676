//! `auricle usage`: how often processes ran, failed, and how long they took.

use std::collections::BTreeMap;

use auricle::admin::{MinuteCount, UsageQuery};
use serde_json::json;

use crate::remote::{Environment, Remote};
use crate::report::{Status, Voice};
use crate::table::Table;
use crate::when::{self, Moment};

/// Show how often processes ran and failed, and how long they took
///
/// Every execution is counted, also those that leave no record. Without --by-minute the minutes are added up. Percentiles
/// are upper bounds, as far as the counted steps tell.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  auricle usage --since 24h\n  auricle usage --process account-get --since 10m --by-minute"
)]
pub(crate) struct Args {
    /// Of this process only
    #[arg(long, value_name = "NAME")]
    process: Option<String>,

    /// From so long ago (`1h`, `7d`), or from a time in UTC (`2026-11-22T10:00`)
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = when::moment)]
    since: Moment,

    /// Until then [default: now]
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    until: Option<Moment>,

    /// A line for each minute
    #[arg(long)]
    by_minute: bool,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let query = UsageQuery {
        environment: Some(args.environment.environment),
        process: args.process,
        from: Some(args.since.0),
        to: args.until.map(|moment| moment.0),
    };
    let minutes: Vec<MinuteCount> = args.remote.client()?.find("usage", &query).await?;
    voice.result(
        || match (minutes.is_empty(), args.by_minute) {
            (true, _) => "nothing ran in that time".to_owned(),
            (false, true) => by_minute(&minutes).to_string(),
            (false, false) => by_process(&minutes).to_string(),
        },
        || json!(minutes),
    );
    Ok(Status::Done)
}

const NUMBERS: [&str; 6] = [">ran", ">failed", ">mean", ">half under", ">99 % under", ">longest"];

fn by_process(minutes: &[MinuteCount]) -> Table {
    let [ran, failed, mean, half, most, longest] = NUMBERS;
    let mut table = Table::new(["process", ran, failed, mean, half, most, longest]);
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for minute in minutes {
        sums.entry(&minute.process).or_default().add(minute);
    }
    for (process, sum) in sums {
        let [ran, failed, mean, half, most, longest] = sum.cells();
        table.row([process.to_owned(), ran, failed, mean, half, most, longest]);
    }
    table
}

fn by_minute(minutes: &[MinuteCount]) -> Table {
    let [ran, failed, mean, half, most, longest] = NUMBERS;
    let mut table = Table::new(["minute", "process", ran, failed, mean, half, most, longest]);
    for minute in minutes {
        let mut sum = Sum::default();
        sum.add(minute);
        let at = when::utc(minute.minute.saturating_mul(60_000));
        let [ran, failed, mean, half, most, longest] = sum.cells();
        table.row([at, minute.process.clone(), ran, failed, mean, half, most, longest]);
    }
    table
}

/// Minutes added up.
#[derive(Default)]
struct Sum {
    executions: u64,
    failures: u64,
    ran_us: u64,
    longest_us: u64,
    buckets: [u64; MinuteCount::BOUNDS_US.len() + 1],
}

impl Sum {
    fn add(&mut self, minute: &MinuteCount) {
        self.executions += minute.executions;
        self.failures += minute.failures;
        self.ran_us += minute.ran_us;
        self.longest_us = self.longest_us.max(minute.longest_us);
        for (sum, count) in self.buckets.iter_mut().zip(minute.buckets) {
            *sum += count;
        }
    }

    fn cells(&self) -> [String; 6] {
        let mean = self.ran_us.checked_div(self.executions).unwrap_or_default();
        [
            self.executions.to_string(),
            self.failures.to_string(),
            when::took(mean),
            self.under(50),
            self.under(99),
            when::took(self.longest_us),
        ]
    }

    /// The bound under which so many of a hundred executions ran; never more than the longest took.
    fn under(&self, percent: u64) -> String {
        let counted: u64 = self.buckets.iter().sum();
        let wanted = counted.saturating_mul(percent).div_ceil(100);
        let mut passed = 0;
        let bound = self.buckets.iter().zip(MinuteCount::BOUNDS_US).find_map(|(count, bound)| {
            passed += count;
            (passed >= wanted).then_some(bound)
        });
        when::took(bound.map_or(self.longest_us, |bound| bound.min(self.longest_us)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(process: &str, minute: u64, bucket: usize, executions: u64) -> MinuteCount {
        let mut buckets = [0; MinuteCount::BOUNDS_US.len() + 1];
        buckets[bucket] = executions;
        MinuteCount {
            environment: "default".into(),
            process: process.into(),
            minute,
            executions,
            failures: 1,
            ran_us: executions * 200,
            longest_us: 700,
            buckets,
        }
    }

    #[test]
    fn minutes_are_added_up_by_process() {
        let minutes = [minute("a", 1, 0, 98), minute("a", 2, 2, 2), minute("b", 1, 11, 1)];
        let told = by_process(&minutes).to_string();
        let rows: Vec<Vec<&str>> = told.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let row = |index: usize| rows[index].iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<_>>();
        assert_eq!(row(1), ["a", "100", "2", "200 µs", "100 µs", "700 µs", "700 µs"]);
        assert_eq!(row(2), ["b", "1", "1", "200 µs", "700 µs", "700 µs", "700 µs"]);
        assert_eq!(by_minute(&minutes).to_string().lines().count(), 4);
    }
}
