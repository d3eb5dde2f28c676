//! A host that is killed: what it had acknowledged is there.
//!
//! The test starts its own binary again as the host ([`child`]), reads what it acknowledges, and kills it at moments that
//! differ from round to round.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auricle_model::ExecutionId;
use auricle_store::{SqliteStore, Store, StoreError};

use crate::suite::request;

const FOLDER: &str = "AURICLE_STORE_CRASH_FOLDER";
const ROUNDS: u64 = 10;

/// The host that is killed. Does nothing unless it was started by [`what_was_acknowledged_survives_a_kill`].
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = Arc::new(SqliteStore::open(folder.as_ref()).await.unwrap());
    let workers: Vec<_> = (0..4).map(|_| tokio::spawn(work(Arc::clone(&store)))).collect();
    for worker in workers {
        worker.await.unwrap().unwrap();
    }
}

/// Queues and begins executions for ever, ends some of them, and says what it was told.
async fn work(store: Arc<SqliteStore>) -> Result<(), StoreError> {
    let say = |what: &str, id: ExecutionId| {
        // One write: a line is there whole or not at all.
        std::io::stdout().write_all(format!("\nstore {what} {id}\n").as_bytes()).unwrap();
    };
    loop {
        let queued = request("{}");
        let id = queued.execution.id;
        store.enqueue(queued).await?;
        say("queued", id);
        store.begin(id).await?;
        say("begun", id);
        if id.to_string().ends_with(['0', '1', '2', '3']) {
            say("ending", id);
            store.done(id).await?;
            say("done", id);
        }
    }
}

/// Runs the host for a while; how far each execution had come by what it said.
fn run_and_kill(folder: &Path, after: Duration) -> HashMap<ExecutionId, String> {
    let mut host = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = HashMap::new();
    let mut hear = |line: String| {
        let mut words = line.split(' ');
        if words.next() == Some("store")
            && let (Some(what), Some(id)) = (words.next(), words.next().and_then(ExecutionId::parse))
        {
            said.insert(id, what.to_owned());
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
    said
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = HashMap::new();
    for round in 0..ROUNDS {
        // Spread over the work's phases without a random source: 0 to 90 ms in steps that share no factor with it.
        let after = Duration::from_micros(round * 37_219 % 90_000);
        said.extend(run_and_kill(dir.path(), after));
        let store = SqliteStore::open(dir.path()).await.unwrap();
        for (id, what) in &said {
            let status = store.status(*id).await.unwrap();
            match what.as_str() {
                "done" => assert_eq!(status, None, "{id} was done"),
                "ending" => {}
                what => {
                    let status = status.unwrap_or_else(|| panic!("{id} was {what} and is lost (round {round})"));
                    assert!(what != "begun" || status.attempt == 1, "{id} was begun: {status:?}");
                }
            }
        }
        store.close().await.unwrap();
    }
    assert!(said.len() > 20, "only {} executions: the child hardly worked", said.len());
}
