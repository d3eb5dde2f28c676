//! Neighbours: a quick listener called at an even pace, while four others compute for ever on the same cores.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::begin;
use crate::guests;
use crate::load::{self, Closed, Paced};
use crate::report::Report;
use crate::site::Site;
use crate::table::Goal;

/// Listeners that spin.
const SPINNING: usize = 4;
/// How long each may before it is stopped, and begins again.
const TIMEOUT: &str = "timeout = \"2s\"";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,

    /// Calls of the quick listener a second
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let small = guests::small()?;
    let mut report = begin(program);
    let mut site = Site::new(program)?;
    let quick = ["low-latency", "general"];
    for mode in quick {
        site.listener(mode, &small, mode, "")?;
    }
    let spinning: Vec<String> = (0..SPINNING).map(|number| format!("spinning-{number}")).collect();
    for name in &spinning {
        site.listener(name, &small, "low-latency", TIMEOUT)?;
    }
    let mut server = site.serve()?;
    for mode in quick {
        server.wait_for(&site.echo(mode))?;
    }
    let time = Duration::from_secs_f64(args.seconds);
    for mode in quick {
        let mut calls = vec![site.echo(mode)];
        for name in &spinning {
            let mut call = site.failing(name, "spin", 504);
            call.group = 1;
            calls.push(call);
        }
        let pace = Paced::new(args.rate, time, |_| 0);
        // One connection each: the next begins when the one before was stopped.
        let spin = Closed::new(time, |number| 1 + number % SPINNING);
        let load = load::run(&calls, vec![(32, Box::new(pace)), (SPINNING, Box::new(spin))])?;
        let failed = load.failed as f64;
        if let Some(sample) = load.samples.first() {
            println!("a wrong answer: {sample}");
        }
        for (name, quantile, goal) in [("p50", 0.5, None), ("p99", 0.99, Some(20.0)), ("most", 1.0, None)] {
            let millis = load.latency(0, quantile).as_secs_f64() * 1e3;
            let what = format!("{mode} beside {SPINNING} that spin, {name}, ms");
            report.found(&what, millis, &format!("{millis:.2}"), goal.map(Goal::AtMost));
        }
        report.found("  failures", failed, &failed.to_string(), Some(Goal::AtMost(0.0)));
    }
    Ok(report)
}
