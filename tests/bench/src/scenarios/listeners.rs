//! Many listeners: ten thousand deployed, the load spread over a thousand of them, against the load on one.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::{add_distinct, begin};
use crate::guests::{self, target};
use crate::load;
use crate::report::Report;
use crate::site::Site;
use crate::table::{Goal, Spread};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Listeners deployed, each with a digest of its own
    #[arg(long, default_value_t = 10_000)]
    listeners: usize,

    /// Listeners that are called, in turn
    #[arg(long, default_value_t = 1000)]
    spread: usize,

    /// Their mode
    #[arg(long, default_value = "low-latency")]
    mode: String,

    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Rounds that count; one before them does not
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// Length of each turn
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

/// Runs it and prints it. What was compiled is kept under `target/bench`: the first run takes ten minutes and more.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let small = guests::small()?;
    let mut report = begin(program);
    let mut site = Site::at(&target()?.join("listeners"), program)?;
    let names = add_distinct(&mut site, args.listeners, &small, &args.mode, "")?;
    // A kept store would hold what earlier runs deployed; the cache beside it is what is wanted of the folder.
    site.forget_deployments()?;
    println!("preparing the cache: the first time, {} listeners are compiled", args.listeners);
    let spread: Vec<_> = names.iter().take(args.spread).map(|name| site.echo(name)).collect();
    let one = spread.get(..1).unwrap_or_default();
    let last = site.echo(names.last().map_or("", String::as_str));
    let deploying = site.serve()?.wait_for(&last)?.as_secs_f64();
    report.found("first deployment, cache as it was found, s", deploying, &format!("{deploying:.1}"), None);

    let mut server = site.serve()?;
    let start = server.wait_for(&last)?.as_secs_f64();
    report.found("start to first response, s", start, &format!("{start:.2}"), None);
    let held = server.held()?;
    report.found("resident, MiB", held.resident as f64 / 1048576.0, &(held.resident >> 20).to_string(), None);
    report.found("mappings", held.mappings as f64, &held.mappings.to_string(), None);

    let time = Duration::from_secs_f64(args.seconds);
    let mut ratios = Vec::new();
    let mut rates = (Vec::new(), Vec::new());
    for round in 0..=args.rounds {
        let alone = load::closed(one, args.connections, time)?.all_right()?.per_second();
        let over_all = load::closed(&spread, args.connections, time)?.all_right()?.per_second();
        if round > 0 {
            ratios.push(over_all / alone);
            rates.0.push(alone);
            rates.1.push(over_all);
        }
    }
    let (alone, over_all) = (Spread::of(rates.0), Spread::of(rates.1));
    report.found("one listener, req/s", alone.median, &format!("{:.0}", alone.median), None);
    let what = format!("{} listeners in turn, req/s", spread.len());
    report.found(&what, over_all.median, &format!("{:.0}", over_all.median), None);
    let ratio = Spread::of(ratios);
    report.found("  of one", ratio.median, &ratio.to_string(), Some(Goal::AtLeast(0.70)));
    Ok(report)
}
