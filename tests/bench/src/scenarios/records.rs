//! What records cost, and how many durable receipts there are in a second.
//!
//! Two hosts stand side by side, one that records and one that does not, and are asked in turn.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::begin;
use crate::call::Call;
use crate::child::Server;
use crate::guests;
use crate::load;
use crate::report::Report;
use crate::site::Site;
use crate::table::{Goal, Spread};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds that count; one before them does not
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// Length of each turn
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Connections that ask for receipts
    #[arg(long, default_value_t = 256)]
    receipts: usize,
}

/// One host with its calls.
struct Side {
    site: Site,
    server: Server,
}

/// Requests a second and CPU time of one of them.
struct Turn {
    per_second: f64,
    cpu: Duration,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let mut report = begin(program);
    let on = side(program, "")?;
    let off = side(program, "[server.records]\nlevel = \"off\"")?;
    let fast = compare(&on, &off, "fast", args)?;
    let ratio = Spread::of(fast.iter().map(|(on, off)| on.per_second / off.per_second));
    report.found("low-latency, records on / off", ratio.median, &ratio.to_string(), Some(Goal::AtLeast(0.95)));
    let fresh = compare(&on, &off, "fresh", args)?;
    let more = Spread::of(fresh.iter().map(|(on, off)| (on.cpu.as_secs_f64() - off.cpu.as_secs_f64()) * 1e6));
    report.found("general, CPU of a record, us", more.median, &more.to_string(), Some(Goal::AtMost(25.0)));
    let ratio = Spread::of(fresh.iter().map(|(on, off)| on.per_second / off.per_second));
    report.found("general, records on / off", ratio.median, &ratio.to_string(), None);

    let mut receipts = Vec::new();
    let mut syncs = Vec::new();
    for round in 0..=args.rounds {
        let time = Duration::from_secs_f64(args.seconds);
        let got = load::closed(&[receipt(&on.site)], args.receipts, time)?.all_right()?.per_second();
        let bare = bare_syncs(&on.site.path("bare"), time)?;
        if round > 0 {
            receipts.push(got);
            syncs.push(bare);
        }
    }
    let (receipts, syncs) = (Spread::of(receipts), Spread::of(syncs));
    report.found("bare write and fsync, a second", syncs.median, &syncs.to_string(), None);
    let least = (20.0 * syncs.median).min(5000.0);
    report.found("durable receipts a second", receipts.median, &receipts.to_string(), Some(Goal::AtLeast(least)));
    Ok(report)
}

fn side(program: &Path, settings: &str) -> Result<Side> {
    let mut site = Site::new(program)?;
    site.set(settings);
    let package = guests::small()?;
    site.listener("fast", &package, "low-latency", "max-concurrent = 512")?;
    site.listener("fresh", &package, "general", "max-concurrent = 512")?;
    site.listener("later", &package, "low-latency", "max-concurrent = 512\nreturn-documents = false")?;
    let mut server = site.serve()?;
    for name in ["fast", "fresh"] {
        server.wait_for(&site.echo(name)).with_context(|| site.log())?;
    }
    Ok(Side { site, server })
}

fn receipt(site: &Site) -> Call {
    site.asking("later", "do=echo").answering([""])
}

/// Both in turn, round after round. The first warms up.
fn compare(on: &Side, off: &Side, name: &str, args: &Args) -> Result<Vec<(Turn, Turn)>> {
    let mut turns = Vec::new();
    for round in 0..=args.rounds {
        let both = (turn(on, name, args)?, turn(off, name, args)?);
        if round > 0 {
            turns.push(both);
        }
    }
    Ok(turns)
}

fn turn(side: &Side, name: &str, args: &Args) -> Result<Turn> {
    let before = side.server.cpu()?;
    let time = Duration::from_secs_f64(args.seconds);
    let load = load::closed(&[side.site.echo(name)], args.connections, time)?.all_right()?;
    // What is written behind the answers belongs to them.
    std::thread::sleep(Duration::from_millis(600));
    let requests = u32::try_from(load.passed).unwrap_or(u32::MAX).max(1);
    Ok(Turn { per_second: load.per_second(), cpu: (side.server.cpu()? - before) / requests })
}

/// How often in a second a program that does nothing else can write a page and sync it, in the folder of the store.
fn bare_syncs(file: &Path, time: Duration) -> Result<f64> {
    let mut file = File::create(file)?;
    let page = [7; 4096];
    let begin = Instant::now();
    let mut syncs = 0;
    while begin.elapsed() < time {
        file.write_all(&page)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / begin.elapsed().as_secs_f64())
}
