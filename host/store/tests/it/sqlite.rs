//! What is SQLite's own: the file, the folder, group commit, damage.

use std::path::Path;
use std::sync::Arc;

use auricle_model::Retry;
use auricle_store::{
    Deployments as _, Digest, MemoryStore, Packages as _, Queue as _, QueueState, QueuedExecution, Reception,
    SqliteStore, Store as _, StoreError, StoreErrorKind,
};
use bytes::Bytes;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::fixtures::{NODE, by, deployment, lease, open_ids, request};

async fn enqueue(store: &SqliteStore, queued: QueuedExecution) -> Result<(), StoreError> {
    store.enqueue(queued, Reception::Waiting, None).await
}

/// Changes the database behind the store's back.
async fn tamper(dir: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(dir.join("auricle.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn all_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert!(store.is_durable() && !MemoryStore::new().is_durable());
    let package = store.put_package(Bytes::from_static(b"package"), None).await.unwrap();
    let version = store.deploy(deployment("account-create", package), by("deploy")).await.unwrap();
    let (first, second) = (request("1"), request("2"));
    let ids = [first.execution.id, second.execution.id];
    enqueue(&store, first).await.unwrap();
    enqueue(&store, second).await.unwrap();
    assert_eq!(store.begin(ids[0], lease()).await.unwrap(), 1);
    store.close().await.unwrap();

    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.package(package).await.unwrap(), Some(Bytes::from_static(b"package")));
    assert_eq!(store.serving("default").await.unwrap().active, Some(1));
    assert_eq!(store.version("default", 1).await.unwrap(), Some(version));
    assert_eq!(open_ids(&store).await, ids);
    assert_eq!(store.begin(ids[0], lease()).await.unwrap(), 2, "the attempt before the restart counts");
}

#[tokio::test]
async fn closing_writes_what_was_asked_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).await.unwrap());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { enqueue(&store, request("{}")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.unwrap().is_ok());
    }
    assert!(accepted > 0);
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(open_ids(&store).await.len(), accepted);
}

#[tokio::test]
async fn those_who_wait_together_share_a_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path()).await.unwrap());
    let taken = request("taken");
    enqueue(&store, taken.clone()).await.unwrap();
    let before = store.commits();
    let mut tasks: Vec<_> = (0..200)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { enqueue(&store, request("{}")).await })
        })
        .collect();
    let refused = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { enqueue(&store, taken).await })
    };
    for task in tasks.drain(..) {
        task.await.unwrap().unwrap();
    }
    assert_eq!(refused.await.unwrap().unwrap_err().kind(), StoreErrorKind::Conflict, "alone, not its batch");
    let commits = store.commits() - before;
    assert!((1..=20).contains(&commits), "200 changes in {commits} transactions");
}

#[tokio::test]
async fn a_refused_deployment_leaves_its_batch_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let bad = deployment("account-create", Digest::of(b"never put"));
    let (refused, queued) = tokio::join!(store.deploy(bad, by("deploy")), enqueue(&store, request("{}")));
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Invalid);
    queued.unwrap();
    assert_eq!(store.commits(), 1, "they shared a transaction");
    assert_eq!(store.last_from("default", "/srv/auricle.toml").await.unwrap(), None);
}

#[tokio::test]
async fn a_second_host_on_the_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let error = SqliteStore::open(dir.path()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Unavailable, Retry::Later));
    for part in [dir.path().to_str().unwrap(), "data-dir"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    store.close().await.unwrap();
    SqliteStore::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    SqliteStore::open(dir.path()).await.unwrap().close().await.unwrap();
    tamper(dir.path(), "INSERT INTO schema_version VALUES (999, 0)").await;
    let error = SqliteStore::open(dir.path()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Newer, Retry::No));
    assert!(error.to_string().contains("version 999"), "{error}");
    tamper(dir.path(), "DELETE FROM schema_version WHERE version = 999").await;
    SqliteStore::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = "not a database, though long enough to have a header".repeat(20);
    std::fs::write(dir.path().join("auricle.db"), text).unwrap();
    let error = SqliteStore::open(dir.path()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
}

#[tokio::test]
async fn a_damaged_package_is_never_given_and_can_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let bytes = Bytes::from_static(b"package");
    let digest = store.put_package(bytes.clone(), None).await.unwrap();
    tamper(dir.path(), "UPDATE package SET bytes = x'00'").await;

    let error = store.package(digest).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    store.put_package(bytes.clone(), None).await.unwrap();
    assert_eq!(store.package(digest).await.unwrap(), Some(bytes));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let (bad, good) = (request("bad"), request("good"));
    let ids = [bad.execution.id, good.execution.id];
    enqueue(&store, bad).await.unwrap();
    tamper(dir.path(), "UPDATE queue SET request = x'01ff'").await;

    enqueue(&store, good).await.unwrap();
    let page = store.pending("default", NODE, None, 1, &[]).await.unwrap();
    assert_eq!(page.iter().map(|q| q.execution.id).collect::<Vec<_>>(), [ids[1]], "an empty page would end the start");
    let status = store.status(ids[0]).await.unwrap().unwrap();
    assert_eq!(status.state, QueueState::Failed);
    assert!(status.message.unwrap().contains("can't be read"));
}

#[tokio::test]
async fn a_failed_transaction_is_told_and_the_next_one_works() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    // A statement that fails as it runs, and not by a refusal.
    tamper(dir.path(), "CREATE TRIGGER broken BEFORE INSERT ON queue BEGIN SELECT * FROM gone; END").await;
    let queued = request("{}");
    assert_eq!(enqueue(&store, queued.clone()).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    tamper(dir.path(), "DROP TRIGGER broken").await;
    enqueue(&store, queued).await.unwrap();
    assert_eq!(open_ids(&store).await.len(), 1);
}
