//! A backup of either engine is restored into either, whole or not at all.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use auricle_model::MinuteCount;
use auricle_store::{
    Canary, CanaryRule, Digest, Reception, RecordFilter, Role, SqliteStore, Store, StoreErrorKind, Token,
};
use bytes::Bytes;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::engines::{Empty, postgres, sqlite};
use crate::fixtures::{at, by, deployment, kept, key, lease, open_ids, owner, pages, record, request, soon};

/// One of everything, and more of what is many.
async fn fill(store: &dyn Store) {
    let package = store.put_package(Bytes::from(vec![7; 3 << 20]), Some("ann's key".into())).await.unwrap();
    let new = deployment("account-create", package);
    store.deploy(new.clone(), by("deploy")).await.unwrap();
    store.deploy(new, by("deploy")).await.unwrap();
    let canary = Canary { version: 1, rule: CanaryRule { share: 500, header: Some(("X-A".into(), "b".into())) } };
    store.serve("default", 2, Some(2), Some(canary), by("canary")).await.unwrap();
    let token = Token {
        name: "ci".into(),
        role: Role::Publisher,
        hash: [9; 32],
        made_at: at(1_000),
        expires_at: Some(at(1_900_000_000_000)),
    };
    store.put_token(token, by("token")).await.unwrap();
    for n in 0..150 {
        store.enqueue(request(&n.to_string()), Reception::Waiting, None).await.unwrap();
    }
    let (failed, done) = (request("failed"), request("done"));
    let (failed_id, done_id) = (failed.execution.id, done.execution.id);
    store.enqueue(failed, Reception::Running(lease()), None).await.unwrap();
    store.failed(failed_id, "it was bad", Some(kept(500))).await.unwrap();
    store.enqueue(done, Reception::Running(lease()), None).await.unwrap();
    store.done(done_id, Some((kept(200), soon()))).await.unwrap();
    store.claim(&key("k"), Digest::of(b"body"), done_id, soon()).await.unwrap();
    store.answered(&key("k"), done_id, kept(200), soon()).await.unwrap();
    store.hold_pages(&owner(), "token", pages("p", &["1", "2"]), soon()).await.unwrap();
    let records = (0..100).map(|n| record("account-create", UNIX_EPOCH + Duration::from_secs(n))).collect();
    let count = MinuteCount {
        environment: "default".into(),
        process: "account-create".into(),
        minute: 5,
        executions: 3,
        failures: 1,
        ran_us: 10,
        longest_us: 7,
        buckets: [1; MinuteCount::BOUNDS_US.len() + 1],
    };
    store.put_records(records, vec![count]).await.unwrap();
}

/// All that a store tells, but the revisions: those count on.
async fn told(store: &dyn Store) -> String {
    let mut all = Vec::new();
    for mut environment in store.environments().await.unwrap() {
        environment.serving.revision = 0;
        all.push(format!("{environment:?}"));
        for summary in store.versions(&environment.name, None, 100).await.unwrap() {
            let version = store.version(&environment.name, summary.version).await.unwrap().unwrap();
            for digest in version.packages.values() {
                let bytes = store.package(*digest).await.unwrap().unwrap();
                all.push(format!("{} bytes {:?}", bytes.len(), store.package_info(*digest).await.unwrap()));
            }
            all.push(format!("{summary:?} {version:?}"));
        }
    }
    all.push(format!("{:?}", store.tokens().await.unwrap()));
    all.push(format!("{:?}", store.audit(None, 1000).await.unwrap()));
    for entry in store.entries("default", None, None, 1000).await.unwrap() {
        all.push(format!("{entry:?} {:?}", store.status(entry.id).await.unwrap()));
    }
    all.push(format!("{:?}", open_ids(store).await));
    all.push(format!("{:?}", store.depths().await.unwrap()));
    let filter = RecordFilter::default();
    for summary in store.records(&filter, 1000).await.unwrap() {
        all.push(format!("{:?}", store.record(summary.id).await.unwrap()));
    }
    all.push(format!("{:?}", store.minutes("default", None, 0, 100).await.unwrap()));
    all.push(format!("{:?}", store.page(&owner(), "token").await.unwrap()));
    all.push(format!("{:?}", store.prune_pages("default", u64::MAX).await.unwrap()));
    let claim = store.claim(&key("k"), Digest::of(b"body"), request("").execution.id, soon()).await.unwrap();
    all.push(format!("{claim:?}"));
    all.join("\n")
}

async fn there_and_back(from: Option<Empty>, to: Option<Empty>) {
    let (Some(from), Some(to)) = (from, to) else { return };
    fill(&*from.store).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("backup.db");
    from.store.backup(&file).await.unwrap();

    // What is there goes, whatever it is.
    let other = to.store.put_package(Bytes::from_static(b"other"), None).await.unwrap();
    for environment in ["default", "gone"] {
        let mut new = deployment("other", other);
        new.environment = environment.into();
        for _ in 0..5 {
            to.store.deploy(new.clone(), by("deploy")).await.unwrap();
        }
    }
    to.store.enqueue(request("other"), Reception::Waiting, None).await.unwrap();
    to.store.put_records(vec![record("other", at(1))], Vec::new()).await.unwrap();
    let before = to.store.serving("default").await.unwrap().revision;
    to.store.restore(&file).await.unwrap();
    assert_eq!(told(&*to.store).await, told(&*from.store).await);
    let revision = to.store.serving("default").await.unwrap().revision;
    assert!(revision > before, "{revision} after {before}: who follows has to see a change");
    assert_eq!(to.store.package(other).await.unwrap(), None);

    // It goes on from there.
    to.store.note(by("restore")).await.unwrap();
    let audit = to.store.audit(None, 2).await.unwrap();
    assert_eq!(audit[0].number, audit[1].number + 1);
    let usage = to.store.prune_records(at(50_000), u64::MAX).await.unwrap();
    assert_eq!(usage.records, 50, "records are still counted");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["backup.db"], "nothing is left beside it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sqlite_to_sqlite() {
    there_and_back(sqlite().await, sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sqlite_to_postgres() {
    there_and_back(sqlite().await, postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_postgres_to_sqlite() {
    there_and_back(postgres().await, sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_postgres_to_postgres() {
    there_and_back(postgres().await, postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_of_one_moment_and_holds_up_nobody() {
    for empty in [sqlite().await, postgres().await].into_iter().flatten() {
        let store = Arc::clone(&empty.store);
        fill(&*store).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backup.db");
        let writes = async {
            for n in 0..20 {
                // An answer that is kept and its execution are one change: a backup has both or none.
                let queued = request("during");
                let (id, key) = (queued.execution.id, key(&format!("during {n}")));
                store.claim(&key, Digest::of(b"body"), id, soon()).await.unwrap();
                store.enqueue(queued, Reception::Waiting, Some((key, kept(202), soon()))).await.unwrap();
            }
        };
        let (backed_up, ()) = tokio::join!(store.backup(&file), writes);
        backed_up.unwrap();
        let options = SqliteConnectOptions::new().filename(&file).read_only(true);
        let mut connection = options.connect().await.unwrap();
        let counts: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM idempotency WHERE answer IS NOT NULL), (SELECT count(*) FROM queue)",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(counts.0 - 1, counts.1 - 152, "answers and executions");
    }
}

async fn changed(file: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_good_backup_changes_nothing() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::open(dir.path()).await.unwrap();
    fill(&store).await;
    let before = told(&store).await;
    let whole = files.path().join("backup.db");
    store.backup(&whole).await.unwrap();
    let error = store.backup(&whole).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "a backup overwrites nothing: {error}");

    let file = |name: &str| files.path().join(name);
    std::fs::write(file("text"), "no database, though it is long enough to have a header of one".repeat(20)).unwrap();
    changed(&file("other"), "CREATE TABLE a (b)").await;
    std::fs::copy(&whole, file("newer")).unwrap();
    changed(&file("newer"), "INSERT INTO schema_version VALUES (999, 0)").await;
    let mut bytes = std::fs::read(&whole).unwrap();
    let middle = bytes.len() / 2;
    bytes.drain(middle..);
    std::fs::write(file("cut"), bytes).unwrap();
    for (name, kind) in [
        ("text", StoreErrorKind::Corrupt),
        ("missing", StoreErrorKind::Corrupt),
        ("cut", StoreErrorKind::Corrupt),
        ("other", StoreErrorKind::Invalid),
        ("newer", StoreErrorKind::Newer),
    ] {
        let error = store.restore(&file(name)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(told(&store).await, before, "{name}");
    }
    // One that fails half-way: a deployment names a package that is not there.
    std::fs::copy(&whole, file("half")).unwrap();
    changed(&file("half"), "PRAGMA foreign_keys = OFF; DELETE FROM package").await;
    store.restore(&file("half")).await.unwrap_err();
    assert_eq!(told(&store).await, before);
}
