//! The comparison: all contestants in turn, round after round, so that whatever else the machine does falls on all alike.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::contestants::{self, Contestant, Field};
use crate::load;
use crate::report::Report;
use crate::table::{Goal, Spread};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds that count; one before them does not
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// Length of each contestant's turn
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// Connections, one table for each number
    #[arg(long, value_delimiter = ',', default_values_t = [32, 256])]
    connections: Vec<usize>,

    /// Only contestants with one of these words in their names; bare hyper always takes part
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// More keys for Auricle's processes, as lines of the manifest
    #[arg(long, default_value = "")]
    process_keys: String,
}

/// One contestant in one round.
struct Round {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    /// CPU time of the server for one request.
    cpu: Duration,
}

/// Rounds by contestant, in the order of the table.
type Results = Vec<(&'static str, Vec<Round>)>;

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let mut report = Report::new(program);
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| name.contains(only.as_str()));
    let field = Field::start(&wanted, program, &args.process_keys, &mut report.machine)?;
    report.machine.print();
    for &connections in &args.connections {
        let results = rounds(&field.contestants, connections, args)?;
        let rows = table(&results);
        print(connections, args.rounds, args.seconds, &rows);
        compare(connections, &results, &mut report);
        report.tables.push(json!({ "connections": connections, "rows": rows.iter().map(json).collect::<Vec<_>>() }));
    }
    Ok(report)
}

fn rounds(contestants: &[Contestant], connections: usize, args: &Args) -> Result<Results> {
    let time = Duration::from_secs_f64(args.seconds);
    let mut results: Results = contestants.iter().map(|c| (c.name, Vec::new())).collect();
    for round in 0..=args.rounds {
        for (contestant, (name, rounds)) in contestants.iter().zip(&mut results) {
            let measured = measure(contestant, connections, time).with_context(|| name.to_owned())?;
            // The first round warms caches and pools.
            if round > 0 {
                rounds.push(measured);
            }
        }
    }
    Ok(results)
}

fn measure(contestant: &Contestant, connections: usize, time: Duration) -> Result<Round> {
    let before = contestant.server.cpu()?;
    let load = load::closed(std::slice::from_ref(&contestant.call), connections, time)?.all_right()?;
    let cpu = contestant.server.cpu()? - before;
    let requests = u32::try_from(load.passed).unwrap_or(u32::MAX).max(1);
    Ok(Round {
        per_second: load.per_second(),
        p50: load.latency(0, 0.50),
        p99: load.latency(0, 0.99),
        cpu: cpu / requests,
    })
}

fn rounds_of<'a>(results: &'a Results, name: &str) -> Option<&'a [Round]> {
    results.iter().find(|(n, rounds)| *n == name && !rounds.is_empty()).map(|(_, rounds)| rounds.as_slice())
}

/// Requests a second of one against another, round by round.
fn ratio(results: &Results, of: &str, to: &str) -> Option<Spread> {
    let pairs = rounds_of(results, of)?.iter().zip(rounds_of(results, to)?);
    Some(Spread::of(pairs.map(|(a, b)| a.per_second / b.per_second)))
}

/// CPU time of one request in microseconds above that of bare hyper, round by round.
fn above(results: &Results, of: &str) -> Option<Spread> {
    let pairs = rounds_of(results, of)?.iter().zip(rounds_of(results, contestants::HYPER)?);
    Some(Spread::of(pairs.map(|(a, bare)| micros(a.cpu) - micros(bare.cpu))))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What the rounds of one contestant come to; times in microseconds.
struct Row {
    name: &'static str,
    per_second: Spread,
    p50: Spread,
    p99: Spread,
    cpu: Spread,
    of_hyper: Spread,
}

fn table(results: &Results) -> Vec<Row> {
    let row = |(name, rounds): &(&'static str, Vec<Round>)| {
        let of = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
        Row {
            name,
            per_second: of(|round| round.per_second),
            p50: of(|round| micros(round.p50)),
            p99: of(|round| micros(round.p99)),
            cpu: of(|round| micros(round.cpu)),
            of_hyper: ratio(results, name, contestants::HYPER).unwrap_or(Spread::of([])),
        }
    };
    results.iter().map(row).collect()
}

/// As `docs/performance.md` has it.
fn print(connections: usize, rounds: usize, seconds: f64, rows: &[Row]) {
    println!("\n{rounds} rounds of {seconds} s in turn, medians\n");
    let head = format!("{connections} connections");
    println!("| {head:<24} | req/s   | p50 µs | p99 µs | CPU µs | of bare hyper |");
    println!("|{:-<26}|---------|--------|--------|--------|---------------|", "");
    for Row { name, per_second, p50, p99, cpu, of_hyper } in rows {
        println!(
            "| {name:<24} | {:>7.0} | {:>6.0} | {:>6.0} | {:>6.1} | {of_hyper} |",
            per_second.median, p50.median, p99.median, cpu.median,
        );
    }
    println!();
}

fn json(row: &Row) -> Value {
    json!({
        "name": row.name, "requests-per-second": row.per_second.json(), "p50-us": row.p50.json(),
        "p99-us": row.p99.json(), "cpu-us": row.cpu.json(), "of-bare-hyper": row.of_hyper.json(),
    })
}

/// What the figures have to show.
fn compare(connections: usize, results: &Results, report: &mut Report) {
    use contestants::{GENERAL, GENERAL_WASI, HYPER, LOW_LATENCY, SERVE, SERVE_REUSE, SERVE_TUNED};
    let goals = [
        (LOW_LATENCY, HYPER, 0.75),
        (GENERAL_WASI, SERVE, 2.5),
        (GENERAL_WASI, SERVE_TUNED, 1.8),
        (LOW_LATENCY, SERVE_REUSE, 2.5),
    ];
    for (of, to, goal) in goals {
        if let Some(ratio) = ratio(results, of, to) {
            let what = format!("c={connections}: {of} / {to}");
            report.found(&what, ratio.median, &ratio.to_string(), Some(Goal::AtLeast(goal)));
        }
    }
    // The goals are for 32 connections; the others are shown.
    for (of, goal) in [(LOW_LATENCY, Some(7.0)), (GENERAL, Some(45.0)), (GENERAL_WASI, None)] {
        if let Some(above) = above(results, of) {
            let goal = goal.filter(|_| connections == 32).map(Goal::AtMost);
            let what = format!("c={connections}: CPU us/request above bare hyper, {of}");
            report.found(&what, above.median, &above.to_string(), goal);
        }
    }
}
