//! Versions are deployed and rolled back every second under full load: no request may fail, and none may see two versions.
//!
//! What is asked is a process that asks two others; all three say which version's declaration they run by.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::begin;
use crate::ask::ask;
use crate::call::Call;
use crate::guests;
use crate::load;
use crate::report::Report;
use crate::site::{Process, Site};
use crate::table::Goal;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,

    /// Seconds between two changes
    #[arg(long, default_value_t = 1.0)]
    every: f64,

    /// Connections, each of which asks again as soon as it is answered
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

/// The answers of a request that one version served.
const WHOLE: [&str; 2] = ["execute left-a right-a", "update left-b right-b"];
const TARGET: &str = "/ws/rest/bench/relay";

/// Runs it and prints it. An error if a request failed, or saw two versions.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let package = guests::chores()?;
    let mut report = begin(program);
    let mut site = Site::new(program)?;
    version(&mut site, &package, "update", "b")?;
    let other = site.write_as("other.toml")?;
    version(&mut site, &package, "execute", "a")?;
    let mut server = site.serve()?;
    let call = Call::echo(site.address(), TARGET).answering(WHOLE);
    server.wait_for(&call).with_context(|| site.log())?;

    let over = AtomicBool::new(false);
    let (load, changes) = thread::scope(|scope| {
        let changing = scope.spawn(|| change(&site, &other, &over, Duration::from_secs_f64(args.every)));
        let load = load::closed(&[call], args.connections, Duration::from_secs_f64(args.seconds));
        over.store(true, Ordering::Relaxed);
        let changes = changing.join().map_err(|_| anyhow::anyhow!("the deploying panicked"))??;
        anyhow::Ok((load?, changes))
    })?;

    report.found("deployments and rollbacks", f64::from(changes), &changes.to_string(), None);
    let passed = format!("{}, p99 {:.2} ms", load.passed, load.latency(0, 0.99).as_secs_f64() * 1e3);
    report.found("requests that one version answered", load.passed as f64, &passed, None);
    let wrong = "requests that failed, or saw two versions";
    report.found(wrong, load.failed as f64, &load.failed.to_string(), Some(Goal::AtMost(0.0)));
    report.wrong.extend(load.samples.iter().map(|sample| format!("a wrong answer: {sample}")));
    if changes < 2 {
        report.wrong.push("nothing was changed meanwhile".to_owned());
    }
    server.stop()?;
    Ok(report)
}

fn version(site: &mut Site, package: &Path, kind: &str, version: &str) -> Result<()> {
    site.clear();
    for name in ["relay", "left", "right"] {
        let (object, keys) = (format!("{name}-{version}"), "max-concurrent = 512");
        site.process(&Process { name, package, mode: "low-latency", kind, object: &object, keys })?;
    }
    Ok(())
}

/// Deploys the other version, rolls it back, and so on. Who asks after a change was made sees it made.
fn change(site: &Site, other: &Path, over: &AtomicBool, every: Duration) -> Result<u32> {
    let other = other.display().to_string();
    let mut changes = 0;
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let deploys = changes % 2 == 0;
        let arguments: &[&str] = if deploys { &["deploy", &other] } else { &["rollback"] };
        site.operate(arguments).with_context(|| site.log())?;
        changes += 1;
        let seen = ask(site.address(), "POST", TARGET, "content-type: application/json\r\n", b"{}")?;
        let seen = String::from_utf8_lossy(&seen.body).into_owned();
        ensure!(WHOLE.get(usize::from(deploys)).is_some_and(|now| *now == seen), "after {arguments:?}: {seen}");
        thread::sleep(every.saturating_sub(begin.elapsed()));
    }
    Ok(changes)
}
