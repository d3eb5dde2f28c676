//! A data folder of the first version is taken over, with all that it promised.

use std::path::Path;

use auricle_model::ExecutionId;
use auricle_store::{Deployments as _, Packages as _, Pages as _, Queue as _, QueueState, SqliteStore, Store as _};
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::fixtures::{NODE, at, by, deployment, lease, open_ids, owner, pages, request, soon};

const FIRST: &str = include_str!("../../src/sqlite/schema/0001_deployments_and_queue.sql");

async fn connect(dir: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join("auricle.db")).create_if_missing(true);
    options.connect().await.unwrap()
}

/// A bundle and a request as stores keep them: what a deployment and an execution come to.
async fn written() -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let package = store.put_package(Bytes::from_static(b"package"), None).await.unwrap();
    store.deploy(deployment("account-create", package), by("deploy")).await.unwrap();
    store.enqueue(request("{}"), auricle_store::Reception::Waiting, None).await.unwrap();
    store.close().await.unwrap();
    let mut connection = connect(dir.path()).await;
    let bundle = sqlx::query_scalar("SELECT bundle FROM deployment").fetch_one(&mut connection).await.unwrap();
    let request = sqlx::query_scalar("SELECT request FROM queue").fetch_one(&mut connection).await.unwrap();
    (bundle, request)
}

/// A data folder as the first version left it: two versions, and an entry of the queue for each of these states.
async fn first_version(dir: &Path, entries: &[(ExecutionId, &str, Option<i64>)]) {
    let (bundle, request) = written().await;
    let mut db = connect(dir).await;
    sqlx::raw_sql("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT")
        .execute(&mut db)
        .await
        .unwrap();
    sqlx::raw_sql(FIRST).execute(&mut db).await.unwrap();
    sqlx::raw_sql("INSERT INTO schema_version VALUES (1, 0)").execute(&mut db).await.unwrap();
    let package = auricle_store::Digest::of(b"package").to_string();
    sqlx::query("INSERT INTO package VALUES ($1, $2, 1)")
        .bind(&package)
        .bind(b"package".as_slice())
        .execute(&mut db)
        .await
        .unwrap();
    for version in [1, 2] {
        sqlx::query("INSERT INTO deployment VALUES ('default', $1, $2, '/srv/auricle.toml', 'f', 'note', 5)")
            .bind(version)
            .bind(&bundle)
            .execute(&mut db)
            .await
            .unwrap();
        sqlx::query("INSERT INTO deployment_package VALUES ('default', $1, 'account-create', $2)")
            .bind(version)
            .bind(&package)
            .execute(&mut db)
            .await
            .unwrap();
    }
    sqlx::raw_sql("INSERT INTO active VALUES ('default', 2)").execute(&mut db).await.unwrap();
    for (id, state, not_before) in entries {
        sqlx::query("INSERT INTO queue VALUES ($1, 'default', 'ann', $2, 1, 7, $3, 'why', $4)")
            .bind(id.to_string())
            .bind(*state)
            .bind(not_before)
            .bind(&request)
            .execute(&mut db)
            .await
            .unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn what_the_first_version_kept_is_all_there() {
    let dir = tempfile::tempdir().unwrap();
    let (queued, running, failed) = (ExecutionId::new(), ExecutionId::new(), ExecutionId::new());
    first_version(dir.path(), &[(queued, "queued", Some(9)), (running, "running", None), (failed, "failed", None)])
        .await;
    let store = SqliteStore::open(dir.path()).await.unwrap();

    let serving = store.serving("default").await.unwrap();
    assert_eq!((serving.active, serving.previous, serving.since), (Some(2), Some(1), Some(at(5))));
    let version = store.version("default", 2).await.unwrap().unwrap();
    let package = auricle_store::Digest::of(b"package");
    assert_eq!(version.deployment, deployment("account-create", package).deployment);
    assert_eq!(version.packages["account-create"], package);
    assert_eq!(store.package(package).await.unwrap(), Some(Bytes::from_static(b"package")));
    assert_eq!(store.last_from("default", "/srv/auricle.toml").await.unwrap(), Some(version));
    let versions = store.versions("default", None, 10).await.unwrap();
    let counted: Vec<_> = versions.iter().map(|v| (v.version, v.processes, v.apis)).collect();
    assert_eq!(counted, [(2, 1, 1), (1, 1, 1)]);
    assert_eq!(store.environments().await.unwrap()[0].newest, 2);

    assert_eq!(open_ids(&store).await, [queued, running]);
    let pending = store.pending("default", NODE, None, 1, &[]).await.unwrap();
    let expected = request("{}");
    assert_eq!(format!("{:?}", pending[0].execution.documents), format!("{:?}", expected.execution.documents));
    assert_eq!((pending[0].not_before, pending[0].enqueued_at, pending[0].keeps_result), (Some(at(9)), at(7), false));
    assert_eq!(store.begin(running, lease()).await.unwrap(), 2, "the attempt before counts");
    let dead = store.entries("default", Some(QueueState::Failed), None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, &*dead[0].process), (1, failed, "account-create"));
    assert_eq!((dead[0].user.as_deref(), dead[0].message.as_deref()), (Some("ann"), Some("why")));

    store.deploy(deployment("account-create", package), by("deploy")).await.unwrap();
    assert_eq!(store.serving("default").await.unwrap().active, Some(3), "numbers go on");
    store.hold_pages(&owner(), "token", pages("p", &["1"]), soon()).await.unwrap();
    assert!(store.page(&owner(), "token").await.unwrap().is_some(), "with what came since");
}

#[tokio::test]
async fn a_copy_of_the_first_version_is_a_backup() {
    let (old, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = ExecutionId::new();
    first_version(old.path(), &[(id, "queued", None)]).await;
    let store = SqliteStore::open(dir.path()).await.unwrap();
    store.restore(&old.path().join("auricle.db")).await.unwrap();
    assert_eq!(store.serving("default").await.unwrap().active, Some(2));
    assert_eq!(open_ids(&store).await, [id]);
    let left: Vec<_> = std::fs::read_dir(old.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["auricle.db"], "the copy that was brought up to date is gone");
}
