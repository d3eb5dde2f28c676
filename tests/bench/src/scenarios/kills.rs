//! The host is killed at random moments, hundreds of times over, while requests come in that are answered before they run,
//! and while versions are deployed. In the end every request that was acknowledged has to have run, every start has to have
//! found a store that opens, and what is served has to be a whole version.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::begin;
use crate::ask::{admin, ask};
use crate::child::Server;
use crate::guests;
use crate::report::Report;
use crate::site::{Process, Site};
use crate::table::Goal;

/// Clients that send as fast as they are answered.
const CLIENTS: usize = 8;
/// How long the last host may take to run what the killed ones have accepted.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest life of a host.
const LIFE: Duration = Duration::from_millis(700);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often
    #[arg(long, default_value_t = 300)]
    kills: u32,

    /// A `postgres://` URL; else SQLite in the data folder
    #[arg(long)]
    store: Option<String>,

    /// An environment of that store that nobody else uses
    #[arg(long, default_value = "kills")]
    environment: String,
}

/// What the clients know.
#[derive(Default)]
struct Promised {
    /// Ids of the executions that were acknowledged.
    ids: Mutex<HashSet<String>>,
    /// Deployments that were asked for, most of them cut off.
    deployments: AtomicU32,
}

/// Runs it and prints it. An error if anything acknowledged was lost.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let package = guests::chores()?;
    let mut report = begin(program);
    let mut site = Site::new(program)?;
    fs::create_dir(site.path("out"))?;
    if let Some(url) = &args.store {
        site.set(&format!("store = {url:?}"));
    }
    site.set(&format!("environment = {:?}", args.environment));
    declare(&mut site, &package, 0)?;
    site.write()?;
    let promised = Promised::default();
    let mut chance = Chance(u64::from(std::process::id()) << 32 | u64::from(args.kills));
    for kill in 0..args.kills {
        let server = start(&site).with_context(|| format!("start {kill}: {}", site.log()))?;
        served_is_whole(&site, &args.environment).with_context(|| format!("start {kill}: {}", site.log()))?;
        declare(&mut site, &package, kill + 1)?;
        let other = site.write_as("other.toml")?;
        let deploy = ["deploy", &other.display().to_string(), "--environment", &args.environment];
        live(&site, &deploy, &promised, server, chance.next(LIFE))?;
        if (kill + 1) % 50 == 0 {
            println!("{} of {} kills", kill + 1, args.kills);
        }
    }
    let mut server = start(&site).with_context(|| site.log())?;
    served_is_whole(&site, &args.environment)?;
    let ids = promised.ids.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lost = wait_for(&site, &ids)?;
    server.stop()?;

    report.found("kills", f64::from(args.kills), &args.kills.to_string(), None);
    report.found("acknowledged requests", ids.len() as f64, &ids.len().to_string(), None);
    let runs = runs(&site).len();
    report.found("runs of requests, those cut off included", runs as f64, &runs.to_string(), None);
    let deployments = promised.deployments.into_inner();
    report.found("deployments asked for", f64::from(deployments), &deployments.to_string(), None);
    report.found("acknowledged and lost", lost.len() as f64, &lost.len().to_string(), Some(Goal::AtMost(0.0)));
    report.wrong.extend(lost.iter().take(3).map(|id| format!("{id} was acknowledged and has not run")));
    if ids.is_empty() {
        report.wrong.push("nothing was acknowledged".to_owned());
    }
    Ok(report)
}

/// Processes that say which version they are of, and one that notes what it ran.
fn declare(site: &mut Site, package: &Path, version: u32) -> Result<()> {
    site.clear();
    for name in ["relay", "left", "right"] {
        let object = format!("{name}-{version}");
        site.process(&Process { name, package, mode: "general", kind: "execute", object: &object, keys: "" })?;
    }
    let keys = "return-documents = false\nmax-concurrent = 64\nfiles = { \"/out\" = { path = \"out\", write = true } }";
    site.process(&Process { name: "inbox", package, mode: "low-latency", kind: "execute", object: "Inbox", keys })
}

fn start(site: &Site) -> Result<Server> {
    // The manifest stays as it was at first: what was deployed since is what the store says.
    let mut server = Server::start(site.command("serve")?)?;
    server.wait_for(&site.ready())?;
    Ok(server)
}

/// All processes answer by the declarations of the version that the store says is active.
fn served_is_whole(site: &Site, environment: &str) -> Result<()> {
    let answer = ask(site.address(), "POST", "/ws/rest/bench/relay", "content-type: application/json\r\n", b"{}")?;
    let served = String::from_utf8_lossy(&answer.body).into_owned();
    let token = site.token()?;
    let target = format!("environments/{environment}");
    let serving = admin(site.admin, &token, &target)?;
    let active = serving.get("active").and_then(Value::as_u64);
    let active = active.with_context(|| format!("no active version: {serving}"))?;
    let version = admin(site.admin, &token, &format!("{target}/versions/{active}"))?;
    let processes = version.pointer("/deployment/processes").and_then(Value::as_array).context("no processes")?;
    let declared = |wanted: &str| {
        let process = processes.iter().find(|p| p.get("name").is_some_and(|name| name == wanted));
        process.and_then(|p| p.pointer("/operation/object")?.as_str()).context("no object")
    };
    let whole = format!("execute {} {}", declared("left")?, declared("right")?);
    ensure!(served == whole, "version {active} says {whole:?}, and {served:?} is served");
    Ok(())
}

/// A host's life: clients send, a version is deployed, and then it is killed.
fn live(site: &Site, deploy: &[&str], promised: &Promised, server: Server, life: Duration) -> Result<()> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let begin = Instant::now();
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| send(site.address(), promised, &over))).collect();
        scope.spawn(|| {
            promised.deployments.fetch_add(1, Ordering::Relaxed);
            // Cut off, more often than not.
            let _ = site.operate(deploy);
        });
        thread::sleep(life.saturating_sub(begin.elapsed()));
        let killed = server.kill();
        over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        killed
    })
}

/// Sends until the host is gone. What was acknowledged with a whole answer counts.
fn send(address: SocketAddr, promised: &Promised, over: &AtomicBool) -> Result<()> {
    while !over.load(Ordering::Relaxed) {
        let target = "/ws/rest/bench/inbox";
        let Ok(answer) = ask(address, "POST", target, "content-type: application/json\r\n", b"{}") else {
            continue;
        };
        match (answer.status, answer.id) {
            (200, Some(id)) => {
                promised.ids.lock().map_err(|_| anyhow::anyhow!("a client panicked"))?.insert(id);
            }
            // It was told that it was not taken.
            (503, _) => {}
            (status, _) => bail!("status {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    Ok(())
}

/// Waits for what was promised; gives what has not run in the end.
fn wait_for(site: &Site, ids: &HashSet<String>) -> Result<Vec<String>> {
    let begin = Instant::now();
    loop {
        let ran: HashSet<String> = runs(site).into_iter().collect();
        let missing: Vec<String> = ids.difference(&ran).cloned().collect();
        if missing.is_empty() || begin.elapsed() > PATIENCE {
            return Ok(missing);
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// The ids of all runs.
fn runs(site: &Site) -> Vec<String> {
    let ran = fs::read_to_string(site.path("out/ran")).unwrap_or_default();
    ran.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

/// Numbers that nobody needs to guess: splitmix64.
struct Chance(u64);

impl Chance {
    /// A time up to this one.
    fn next(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        most.mul_f64(((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
