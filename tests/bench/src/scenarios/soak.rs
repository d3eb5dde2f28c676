//! The soak: an open loop at a share of what the host can do, with traps, deadlines and new deployments mixed in, for an hour
//! or for twenty seconds. It fails when a request fails that should have passed, or when memory or handles grow.
//!
//! `auricle dev` serves, since it takes new deployments while it runs: a package is replaced, and it swaps it in.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::begin;
use super::metrics::Metrics;
use crate::call::Call;
use crate::child::{Held, Server};
use crate::guests::{self, distinct};
use crate::load::{self, Load, Paced, Plan};
use crate::report::Report;
use crate::site::Site;
use crate::table::{Goal, Spread};

/// Threads of the load.
const THREADS: usize = 2;
/// Requests a second that have to fail, whatever the load is; one of ten runs into its deadline, the others trap.
const FAILING: f64 = 10.0;
/// How long instances and handles that are let go may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,

    /// Share of the measured capacity that is asked for
    #[arg(long, default_value_t = 0.8)]
    load: f64,

    /// Connections
    #[arg(long, default_value_t = 64)]
    connections: usize,

    /// Seconds between two deployments
    #[arg(long, default_value_t = 5.0)]
    redeploy: f64,

    /// Judge memory too; a short run in which everything is still warming up says nothing of it
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    memory: bool,
}

/// Runs it and prints it. An error if something failed or grew.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let small = guests::small()?;
    let mut report = begin(program);
    let component = fs::read(&small)?;
    let mut site = Site::new(program)?;
    let package = site.path("package.wasm");
    replace(&package, &component, 0)?;
    site.listener("fast", &package, "low-latency", "")?;
    site.listener("fresh", &package, "general", "")?;
    site.listener("trapping", &package, "low-latency", "")?;
    site.listener("late", &package, "low-latency", "timeout = \"100ms\"")?;
    site.write()?;
    let mut server = Server::start(site.command("dev")?)?;
    let mut calls = vec![
        site.echo("fast"),
        site.echo("fresh"),
        site.failing("trapping", "trap", 500),
        site.failing("late", "spin", 504),
    ];
    for (group, call) in calls.iter_mut().enumerate() {
        call.group = group;
    }
    server.wait_for(&site.echo("fast")).with_context(|| site.log())?;
    let echoes = calls.get(..2).unwrap_or_default();
    let capacity = load::closed(echoes, args.connections, Duration::from_secs(3))?.all_right()?.per_second();
    let rate = capacity * args.load;
    println!("capacity {capacity:.0} req/s; asked for {rate:.0} req/s");

    let over = AtomicBool::new(false);
    let (load, held, deployed) = thread::scope(|scope| {
        let sampling =
            scope.spawn(|| sample(&server, &calls, &over, Duration::from_secs_f64(args.minutes * 60.0 / 300.0)));
        let deploying = scope.spawn(|| deploy(&package, &component, &over, Duration::from_secs_f64(args.redeploy)));
        let load = put(&calls, rate, args);
        over.store(true, Ordering::Relaxed);
        let held = sampling.join().map_err(|_| anyhow::anyhow!("the sampling panicked"))??;
        let deployed = deploying.join().map_err(|_| anyhow::anyhow!("the deploying panicked"))??;
        anyhow::Ok((load?, held, deployed))
    })?;
    judge(&mut report, &site, &load, &held, deployed, args)?;
    println!("{}", if report.wrong.is_empty() { "the soak passed" } else { "the soak FAILED" });
    Ok(report)
}

fn put(calls: &[Call], rate: f64, args: &Args) -> Result<Load> {
    let time = Duration::from_secs_f64(args.minutes * 60.0);
    let passing = |_| {
        let plan: Box<dyn Plan> = Box::new(Paced::new(rate / THREADS as f64, time, |number| number % 2));
        (args.connections / THREADS, plan)
    };
    let mut shares: Vec<_> = (0..THREADS).map(passing).collect();
    let failing = Paced::new(FAILING, time, |number| if number % 10 == 0 { 3 } else { 2 });
    shares.push((THREADS, Box::new(failing)));
    load::run(calls, shares)
}

/// Looks at the server every so often until it is over, and comes and goes meanwhile as clients do.
fn sample(server: &Server, calls: &[Call], over: &AtomicBool, every: Duration) -> Result<Vec<Held>> {
    let every = every.clamp(Duration::from_millis(200), Duration::from_secs(5));
    let mut held = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for call in calls {
            load::once(call)?.all_right()?;
        }
        thread::sleep(every);
        held.push(server.held()?);
    }
    Ok(held)
}

/// Replaces the package every so often until it is over. Gives how many times.
fn deploy(package: &Path, component: &[u8], over: &AtomicBool, every: Duration) -> Result<u32> {
    let mut last = Instant::now();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(50));
        if last.elapsed() >= every {
            number += 1;
            replace(package, component, number)?;
            last = Instant::now();
        }
    }
    Ok(number)
}

/// Whole or not at all, as a careful build does it.
fn replace(package: &Path, component: &[u8], number: u32) -> Result<()> {
    let beside = package.with_extension("new");
    fs::write(&beside, distinct(component, number))?;
    Ok(fs::rename(beside, package)?)
}

/// What must not grow, beyond a share of what there was and an amount.
struct Growth {
    what: &'static str,
    of: fn(&Held) -> f64,
    share: f64,
    amount: f64,
    /// Judged only where memory is.
    is_memory: bool,
}

const GROWTHS: [Growth; 5] = [
    Growth { what: "resident MiB", of: |h| mib(h.resident), share: 0.05, amount: 2.0, is_memory: true },
    Growth { what: "dirty MiB", of: |h| mib(h.dirty), share: 0.05, amount: 2.0, is_memory: true },
    Growth { what: "mappings", of: |h| h.mappings as f64, share: 0.05, amount: 64.0, is_memory: true },
    // Samples and the load come and go, and threads that block are kept a while.
    Growth { what: "file handles", of: |h| h.files as f64, share: 0.0, amount: 8.0, is_memory: false },
    Growth { what: "threads", of: |h| h.threads as f64, share: 0.0, amount: 8.0, is_memory: false },
];

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1048576.0
}

impl Growth {
    /// Compares the median of the last third with that of the second. The first third warms up.
    fn judge(&self, report: &mut Report, held: &[Held], memory: bool) {
        let third = held.len() / 3;
        let median = |range: Option<&[Held]>| Spread::of(range.unwrap_or_default().iter().map(self.of)).median;
        let (second, last) = (median(held.get(third..2 * third)), median(held.get(2 * third..)));
        let most = second * (1.0 + self.share) + self.amount;
        let judged = memory || !self.is_memory;
        let shown = format!("{second:.1} then {last:.1}");
        let what = format!("{}, second and last third", self.what);
        report.found(&what, last, &shown, judged.then_some(Goal::AtMost(most)));
        if judged && last > most {
            report.wrong.push(format!("{} grew: {shown}", self.what));
        }
    }
}

/// Prints everything, and says what was wrong.
fn judge(report: &mut Report, site: &Site, load: &Load, held: &[Held], deployed: u32, args: &Args) -> Result<()> {
    report.found("requests that came out as they should", load.passed as f64, &load.passed.to_string(), None);
    report.found("requests that did not", load.failed as f64, &load.failed.to_string(), Some(Goal::AtMost(0.0)));
    report.wrong.extend(load.samples.iter().map(|sample| format!("a wrong answer: {sample}")));
    for (group, name) in ["low-latency", "general", "traps", "deadlines"].into_iter().enumerate() {
        let of = |quantile| load.latency(group, quantile).as_secs_f64() * 1e3;
        let count = load.latencies.get(&group).map_or(0, Histogram::len);
        let shown = format!("p50 {:.2}, p99 {:.2} ms", of(0.5), of(0.99));
        report.found(&format!("  {name}: {count}"), of(0.99), &shown, None);
        if count == 0 {
            report.wrong.push(format!("no {name} among the requests"));
        }
    }
    // The last one may not have been seen any more.
    let swapped = site.said("swapped");
    report.found("deployments swapped in", swapped as f64, &format!("{swapped} of {deployed}"), None);
    if deployed > 1 && swapped == 0 {
        report.wrong.push("no deployment was swapped in".to_owned());
    }

    for growth in GROWTHS {
        growth.judge(report, held, args.memory);
    }

    let begin = Instant::now();
    let leaked = loop {
        let leaked = Metrics::read(site.admin)?.leaked_instances();
        if leaked <= 0.0 || begin.elapsed() > PATIENCE {
            break leaked;
        }
        thread::sleep(Duration::from_millis(50));
    };
    report.found("room taken that no instance fills", leaked, &leaked.to_string(), Some(Goal::AtMost(0.0)));
    if leaked > 0.0 {
        report.wrong.push(format!("{leaked} instances leaked"));
    }
    Ok(())
}
