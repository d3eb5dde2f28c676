//! Memory: of the host alone, of a listener that nobody calls, of a warm instance. Listeners come from the cache, as after a
//! restart: what was compiled in the same process weighs many times more.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::metrics::Metrics;
use super::{add_distinct, begin};
use crate::child::Held;
use crate::guests;
use crate::load;
use crate::report::Report;
use crate::site::Site;
use crate::table::Goal;

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

/// Long enough for a host that has just started, or answered, to come to rest.
const REST: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Listeners of each kind, each with a digest of its own
    #[arg(long, default_value_t = 200)]
    listeners: usize,

    /// Warm instances of one listener
    #[arg(long, default_value_t = 100)]
    instances: usize,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let small = guests::small()?;
    let small_wasi = guests::small_wasi()?;
    let mut report = begin(program);

    let alone = alone(program)?.resident as f64 / MIB;
    report.found("host without listeners, MiB", alone, &format!("{alone:.1}"), Some(Goal::AtMost(25.0)));

    let kinds = [("no WASI", &small, 100.0, None), ("wasip2", &small_wasi, 300.0, Some(60.0))];
    for (kind, package, goal, dirty_goal) in kinds {
        let one = listeners(program, package, 1)?;
        let many = listeners(program, package, args.listeners + 1)?;
        let each = |of: fn(&Held) -> u64| (of(&many) as f64 - of(&one) as f64) / args.listeners as f64;
        let (resident, dirty) = (each(|h| h.resident) / KIB, each(|h| h.dirty) / KIB);
        let (what, shown) = (format!("a listener from the cache, {kind}, KiB"), format!("{resident:.1}"));
        report.found(&what, resident, &shown, Some(Goal::AtMost(goal)));
        report.found("  of it dirty, KiB", dirty, &format!("{dirty:.1}"), dirty_goal.map(Goal::AtMost));
        let mappings = each(|h| h.mappings as u64);
        report.found("  its mappings", mappings, &format!("{mappings:.1}"), None);
    }

    for (kind, package, goal) in [("no WASI", &small, Some(40.0)), ("wasip2", &small_wasi, None)] {
        let each = instance(program, package, args.instances)? / KIB;
        let what = format!("a warm instance that was called, {kind}, KiB");
        report.found(&what, each, &format!("{each:.1}"), goal.map(Goal::AtMost));
    }
    Ok(report)
}

/// What a host holds that has nothing to serve.
fn alone(program: &Path) -> Result<Held> {
    let site = Site::new(program)?;
    let mut server = site.serve()?;
    server.wait_for(&site.ready())?;
    std::thread::sleep(REST);
    server.held()
}

/// What a host holds that has so many listeners from the cache, the first of which was called once.
fn listeners(program: &Path, package: &Path, count: usize) -> Result<Held> {
    let mut site = Site::new(program)?;
    let names = add_distinct(&mut site, count, package, "general", "")?;
    let first = site.echo(names.first().map_or("", String::as_str));
    // The first start compiles; the second finds it done.
    site.serve()?.wait_for(&first)?;
    let mut server = site.serve()?;
    server.wait_for(&first)?;
    std::thread::sleep(REST);
    server.held()
}

/// Bytes of one warm instance among many of one listener.
fn instance(program: &Path, package: &Path, count: usize) -> Result<f64> {
    let mut site = Site::new(program)?;
    site.listener("warm", package, "low-latency", &format!("max-concurrent = {count}"))?;
    site.serve()?.wait_for(&site.echo("warm"))?;
    let mut server = site.serve()?;
    let echo = [site.echo("warm")];
    server.wait_for(&echo[0])?;
    // What so many connections cost stays with the host, and is no instance's.
    load::closed(&echo, count, REST)?.all_right()?;
    let before = (server.held()?, Metrics::read(site.admin)?.sum("auricle_instances_warm"));
    // All at once, and each long enough that nobody else's instance becomes free.
    load::closed(&[site.asking("warm", "do=work")], count, Duration::from_secs(1))?.all_right()?;
    std::thread::sleep(REST / 5);
    let after = (server.held()?, Metrics::read(site.admin)?.sum("auricle_instances_warm"));
    let more = after.1 - before.1;
    ensure!(more > count as f64 / 2.0, "{count} calls at once made only {more} instances");
    Ok((after.0.resident as f64 - before.0.resident as f64) / more)
}
