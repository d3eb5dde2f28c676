//! A host that is killed: what it had acknowledged is there, whichever engine keeps it.
//!
//! The test starts its own binary again as the host ([`child`]), reads what it acknowledges, and kills it at moments that
//! differ from round to round.

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use auricle_model::{ExecutionId, StoreUrl};
use auricle_store::{
    CanaryRule, Claim, Digest, NewDeployment, PostgresStore, QueueState, Reception, SqliteStore, Store, StoreError,
};
use bytes::Bytes;

use crate::engines::postgres_schema;
use crate::fixtures::{by, deployment, kept, key, lease, owner, pages, record, request, soon};

/// A folder, or the URL of a database.
const PLACE: &str = "AURICLE_STORE_CRASH_PLACE";
const ROUNDS: u64 = 10;
const BODY: &[u8] = b"{}";

async fn open(place: &OsStr) -> Arc<dyn Store> {
    match place.to_str().filter(|text| text.starts_with("postgres://")) {
        Some(url) => Arc::new(PostgresStore::open(&StoreUrl(url.to_owned())).await.unwrap()),
        None => Arc::new(SqliteStore::open(Path::new(place)).await.unwrap()),
    }
}

/// The host that is killed. Does nothing unless it was started by [`run_and_kill`].
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(place) = env::var_os(PLACE) else { return };
    let store = open(&place).await;
    let (a, b) = (Arc::clone(&store), Arc::clone(&store));
    let workers = [
        tokio::spawn(async move { run_executions(&*a).await }),
        tokio::spawn(async move { give_receipts(&*b).await }),
        tokio::spawn(async move { deploy(&*store).await }),
    ];
    for worker in workers {
        worker.await.unwrap().unwrap();
    }
}

/// One write: a line is there whole or not at all.
fn say(what: &str, of: impl std::fmt::Display) {
    std::io::stdout().write_all(format!("\nstore {what} {of}\n").as_bytes()).unwrap();
}

/// Queues and begins executions for ever, ends some of them, and says what it was told.
async fn run_executions(store: &dyn Store) -> Result<(), StoreError> {
    for n in 0.. {
        let queued = request("{}");
        let id = queued.execution.id;
        store.enqueue(queued, Reception::Waiting, None).await?;
        say("queued", id);
        store.begin(id, lease()).await?;
        say("begun", id);
        match n % 5 {
            0 => {
                say("ending", id);
                store.done(id, None).await?;
                say("done", id);
            }
            1 => {
                store.done(id, Some((kept(201), soon()))).await?;
                say("kept", id);
            }
            2 => {
                store.failed(id, "no such account", None).await?;
                say("failed", id);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Receipts by `Idempotency-Key` and further pages, for ever; records on the side.
async fn give_receipts(store: &dyn Store) -> Result<(), StoreError> {
    loop {
        let queued = request("{}");
        let id = queued.execution.id;
        let key = key(&id.to_string());
        store.claim(&key, Digest::of(BODY), id, soon()).await?;
        say("claimed", id);
        store.enqueue(queued, Reception::Waiting, Some((key, kept(200), soon()))).await?;
        say("receipt", id);
        let id = ExecutionId::new();
        let until = SystemTime::now() + Duration::from_secs(3600);
        store.hold_pages(&owner(), &format!("{id}0"), pages(&id.to_string(), &["1", "2"]), until).await?;
        say("paged", id);
        store.put_records(vec![record("p", soon())], Vec::new()).await?;
    }
}

/// Versions, for ever: every third a canary.
async fn deploy(store: &dyn Store) -> Result<(), StoreError> {
    for n in 0_u32.. {
        let package = store.put_package(Bytes::from(format!("package {n} of {}", std::process::id())), None).await?;
        let canary = n.is_multiple_of(3).then(CanaryRule::default);
        let version = store
            .deploy(NewDeployment { canary, ..deployment("account-create", package) }, by("deploy"))
            .await?
            .version;
        say("deployed", version);
    }
    Ok(())
}

/// Runs the host for a while; how far each execution had come by what it said, and the last version that it had made.
fn run_and_kill(place: &OsStr, after: Duration, said: &mut HashMap<ExecutionId, String>) -> u32 {
    let mut host = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut deployed = 0;
    let mut hear = |line: String| {
        let words: Vec<_> = line.split(' ').collect();
        if let ["store", what, of] = words[..] {
            match ExecutionId::parse(of) {
                Some(id) => drop(said.insert(id, what.to_owned())),
                None => deployed = of.parse().unwrap(),
            }
        }
    };
    // Killed so long after its first word, however slow its start.
    let first = lines.by_ref().find(|line| line.starts_with("store")).expect("the child works");
    hear(first);
    let killer = thread::spawn(move || {
        thread::sleep(after);
        host.kill().unwrap();
        host.wait().unwrap();
    });
    lines.for_each(&mut hear);
    killer.join().unwrap();
    deployed
}

async fn holds(store: &dyn Store, id: ExecutionId, what: &str) {
    let status = store.status(id).await.unwrap();
    let state = status.as_ref().map(|status| status.state);
    match what {
        "done" => assert_eq!(status, None, "{id} was done"),
        "ending" => assert!(matches!(state, None | Some(QueueState::Running)), "{id} was ending: {status:?}"),
        "kept" => assert_eq!(status.unwrap().result, Some(kept(201)), "{id} was done, its result kept"),
        "failed" => assert_eq!(state, Some(QueueState::Failed), "{id} had failed"),
        "paged" => {
            let page = store.page(&owner(), &format!("{id}1")).await.unwrap();
            assert!(page.is_some(), "the pages of {id} were held");
        }
        "queued" => assert!(state.is_some(), "{id} was queued and is lost"),
        "begun" => assert!(status.is_some_and(|status| status.attempt == 1), "{id} was begun"),
        // A claim alone is no promise, but with an answer there is an execution and the other way round.
        "claimed" | "receipt" => {
            let claim = store.claim(&key(&id.to_string()), Digest::of(BODY), ExecutionId::new(), soon()).await.unwrap();
            let answered = claim == Claim::Answered(kept(200));
            assert!(what == "claimed" || answered, "{id} had its receipt: {claim:?}");
            assert!(answered || claim == Claim::InFlight(id), "{id} was claimed: {claim:?}");
            assert_eq!(answered, state == Some(QueueState::Queued), "{id}: {claim:?}, {state:?}");
        }
        what => panic!("{id} is {what}"),
    }
}

/// No version is half there.
async fn deployments_are_whole(store: &dyn Store, deployed: u32) {
    let environments = store.environments().await.unwrap();
    let newest = environments.first().map_or(0, |environment| environment.newest);
    assert!(newest >= deployed, "version {deployed} was deployed, {newest} is the newest");
    for number in 1..=newest {
        let version = store.version("default", number).await.unwrap().unwrap();
        for digest in version.packages.values() {
            assert!(store.package(*digest).await.unwrap().is_some(), "version {number} has no package");
        }
    }
    let audit = store.audit(None, 100_000).await.unwrap();
    assert_eq!(audit.len(), newest as usize, "each change and its entry in the audit log are one");
    let serving = store.serving("default").await.unwrap();
    assert_eq!(serving.revision, u64::from(newest));
}

async fn survive(place: &OsStr) {
    let mut said = HashMap::new();
    for round in 0..ROUNDS {
        // Spread over the work's phases without a random source: 0 to 90 ms in steps that share no factor with it.
        let after = Duration::from_micros(round * 37_219 % 90_000);
        let deployed = run_and_kill(place, after, &mut said);
        let store = open(place).await;
        // Where the server lives on, it may still be at the last transaction of who is gone.
        for (id, what) in &said {
            holds(&*store, *id, what).await;
        }
        deployments_are_whole(&*store, deployed).await;
        store.close().await.unwrap();
    }
    assert!(said.len() > 20, "only {} executions: the child hardly worked", said.len());
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    survive(dir.path().as_os_str()).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_beside_postgres() {
    let Some((url, _server)) = postgres_schema().await else { return };
    survive(OsStr::new(&url.0)).await;
}
