//! Start: a host that was stopped and has all compiled, and a package that nobody has seen before.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{add_distinct, begin};
use crate::guests;
use crate::report::Report;
use crate::site::Site;
use crate::table::{Goal, Spread};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Listeners of the host that is started again
    #[arg(long, default_value_t = 100)]
    listeners: usize,

    /// Starts of each kind
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let small = guests::small()?;
    let small_wasi = guests::small_wasi()?;
    let mut report = begin(program);

    let mut site = Site::new(program)?;
    let names = add_distinct(&mut site, args.listeners, &small, "general", "")?;
    let last = site.echo(names.last().map_or("", String::as_str));
    let first_start = site.serve()?.wait_for(&last)?;
    let again = (0..args.rounds).map(|_| Ok(millis(site.serve()?.wait_for(&last)?)));
    let again = Spread::of(again.collect::<Result<Vec<_>>>()?);
    let what = format!("start to first response, {} listeners, warm cache, ms", args.listeners);
    report.found(&what, again.median, &again.to_string(), Some(Goal::AtMost(300.0)));
    let first_start = millis(first_start);
    report.found("  the first time, all compiled, ms", first_start, &format!("{first_start:.0}"), None);

    for (kind, package) in [("no WASI", &small), ("wasip2", &small_wasi)] {
        let fresh = (0..args.rounds).map(|_| new_package(program, package));
        let fresh = Spread::of(fresh.collect::<Result<Vec<_>>>()?);
        let what = format!("one new package, {kind}, to first response, ms");
        report.found(&what, fresh.median, &fresh.to_string(), Some(Goal::AtMost(250.0)));
    }
    Ok(report)
}

/// From the start of a host without any data to the first response of its one listener, compilation included.
fn new_package(program: &Path, package: &Path) -> Result<f64> {
    let mut site = Site::new(program)?;
    let copy = site.path("package.wasm");
    fs::copy(package, &copy)?;
    site.listener("new", &copy, "general", "")?;
    Ok(millis(site.serve()?.wait_for(&site.echo("new"))?))
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
