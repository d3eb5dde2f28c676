//! What every store has to do, whatever keeps it. An engine joins by a line at the end of this file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use auricle_model::{
    ApiDecl, Deployment, Document, DocumentType, Execution, ExecutionId, Grants, Limits, Mode, Operation,
    OperationKind, PackageRef, ProcessDecl, Properties, Protocol, Retry,
};
use auricle_store::{
    Digest, MemoryStore, NewDeployment, QueueState, QueuedExecution, SqliteStore, Store, StoreErrorKind,
};
use bytes::Bytes;

fn operation() -> Operation {
    Operation {
        kind: OperationKind::Create,
        object: "Account".into(),
        input: DocumentType::MultipleJson,
        output: DocumentType::None,
        content_type: "text/plain".into(),
        return_documents: false,
        max_documents: 100,
    }
}

/// A request of two documents, one of them no text.
pub(crate) fn request(body: &str) -> QueuedExecution {
    let mut execution = Execution::new("account-create", Arc::new(operation()), Protocol::Rest);
    execution.mode = Some(Mode::General);
    execution.properties = [("inpath", "/crm/Account"), ("query_q", "a\u{0}ö")].into_iter().collect();
    let headers: Properties = [("inheader_Content-Type", "application/json")].into_iter().collect();
    execution.documents = vec![
        Document::with_properties(body.to_owned(), headers),
        Document::new(Bytes::from_static(&[0, 0xff, 0xfe, b'\n', 0])),
    ];
    QueuedExecution::new("default", Some("ann".into()), execution)
}

pub(crate) fn deployment(process: &str, package: Digest) -> NewDeployment {
    let declared = ProcessDecl {
        name: process.into(),
        package: PackageRef::Path("/packages/a.wasm".into()),
        build: Some("make".into()),
        build_dir: "/packages".into(),
        mode: Mode::LowLatency,
        operation: operation(),
        limits: Limits::default(),
        grants: Grants::default(),
    };
    let api = ApiDecl {
        name: "crm".into(),
        base: "/crm".into(),
        title: "CRM".into(),
        version: "1.0.0".into(),
        description: String::new(),
        headers: vec!["X-Trace".into()],
        rest: Vec::new(),
    };
    NewDeployment {
        environment: "default".into(),
        deployment: Deployment { processes: vec![declared], apis: vec![api], connections: Vec::new() },
        packages: BTreeMap::from([(process.to_owned(), package)]),
        source: Some("/srv/auricle.toml".into()),
        fingerprint: Some("f1".into()),
        note: Some("first".into()),
    }
}

pub(crate) async fn open_ids(store: &dyn Store) -> Vec<ExecutionId> {
    let mut ids: Vec<ExecutionId> = Vec::new();
    loop {
        let page = store.pending(ids.last().copied(), 50).await.unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|queued| queued.execution.id));
    }
}

async fn packages_are_kept_once_by_their_digest(store: Arc<dyn Store>) {
    let bytes = Bytes::from(vec![7; 100_000]);
    let digest = store.put_package(bytes.clone()).await.unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(store.put_package(bytes.clone()).await.unwrap(), digest);
    assert_eq!(store.package(digest).await.unwrap(), Some(bytes));
    assert_eq!(store.package(Digest::of(b"never put")).await.unwrap(), None);
    let nothing = store.put_package(Bytes::new()).await.unwrap();
    assert_eq!(store.package(nothing).await.unwrap(), Some(Bytes::new()));
}

async fn a_deployment_becomes_the_active_version(store: Arc<dyn Store>) {
    let package = store.put_package(Bytes::from_static(b"package")).await.unwrap();
    assert_eq!(store.active("default").await.unwrap(), None);

    let given = deployment("account-create", package);
    let first = store.deploy(given.clone()).await.unwrap();
    assert_eq!((first.version, &first.deployment), (1, &given.deployment));
    assert_eq!(store.active("default").await.unwrap(), Some(first.clone()));

    let second = store.deploy(NewDeployment { source: None, note: None, ..given.clone() }).await.unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(store.active("default").await.unwrap(), Some(second));

    let other = store.deploy(NewDeployment { environment: "test".into(), ..given }).await.unwrap();
    assert_eq!(other.version, 1, "versions count in each environment");
    assert_eq!(store.active("default").await.unwrap().unwrap().version, 2);

    let manifest = "/srv/auricle.toml";
    assert_eq!(store.last_from("default", manifest).await.unwrap(), Some(first));
    assert_eq!(store.last_from("default", "/srv/other.toml").await.unwrap(), None);
    assert_eq!(store.last_from("elsewhere", manifest).await.unwrap(), None);
}

async fn a_deployment_without_its_packages_is_refused(store: Arc<dyn Store>) {
    let package = store.put_package(Bytes::from_static(b"package")).await.unwrap();
    let good = deployment("account-create", package);
    let unknown = deployment("account-create", Digest::of(b"never put"));
    let none = NewDeployment { packages: BTreeMap::new(), ..good.clone() };
    let extra = [("account-create".to_owned(), package), ("ghost".to_owned(), package)];
    let extra = NewDeployment { packages: BTreeMap::from(extra), ..good.clone() };
    for (bad, named) in [(unknown, "account-create"), (none, "account-create"), (extra, "ghost")] {
        let error = store.deploy(bad).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Invalid, Retry::No));
        assert!(error.to_string().contains(named), "{error}");
    }
    assert_eq!(store.active("default").await.unwrap(), None);
    assert_eq!(store.deploy(good).await.unwrap().version, 1, "a refused deployment takes no number");
}

async fn the_queue_gives_back_what_it_was_given(store: Arc<dyn Store>) {
    let mut given = request("{}");
    given.not_before = Some(UNIX_EPOCH + Duration::from_millis(1_900_000_000_123));
    store.enqueue(given.clone()).await.unwrap();
    given.execution.attempt = 0;
    let back = store.pending(None, 10).await.unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", [given]));
}

async fn the_queue_gives_the_oldest_first(store: Arc<dyn Store>) {
    let all: Vec<_> = (0..120).map(|n| request(&n.to_string())).collect();
    let ids: Vec<_> = all.iter().map(|queued| queued.execution.id).collect();
    for queued in all.into_iter().rev() {
        store.enqueue(queued).await.unwrap();
    }
    assert_eq!(open_ids(&*store).await, ids);
    let page = store.pending(Some(ids[9]), 2).await.unwrap();
    assert_eq!(page.iter().map(|q| q.execution.id).collect::<Vec<_>>(), ids[10..12]);
    assert!(store.pending(None, 0).await.unwrap().is_empty());
}

async fn runs_are_counted_until_it_is_done(store: Arc<dyn Store>) {
    let queued = request("{}");
    let id = queued.execution.id;
    store.enqueue(queued).await.unwrap();
    assert_eq!(store.status(id).await.unwrap().unwrap().state, QueueState::Queued);
    assert_eq!(store.begin(id).await.unwrap(), 1);
    assert_eq!(store.begin(id).await.unwrap(), 2);
    assert_eq!(store.pending(None, 1).await.unwrap()[0].execution.attempt, 2, "a run cut off is still pending");
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempt, status.message), (QueueState::Running, 2, None));
    assert_eq!(status.user.as_deref(), Some("ann"));

    store.done(id).await.unwrap();
    store.done(id).await.unwrap();
    assert_eq!(store.status(id).await.unwrap(), None);
    assert!(store.pending(None, 1).await.unwrap().is_empty());
    let error = store.begin(id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert!(error.to_string().contains(&id.to_string()), "{error}");
}

async fn a_failed_execution_is_kept_and_not_run_again(store: Arc<dyn Store>) {
    let queued = request("{}");
    let id = queued.execution.id;
    store.enqueue(queued).await.unwrap();
    store.begin(id).await.unwrap();
    store.failed(id, "no such account").await.unwrap();
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.attempt), (QueueState::Failed, 1));
    assert_eq!(status.message.as_deref(), Some("no such account"));
    assert!(store.pending(None, 10).await.unwrap().is_empty());
    for error in [store.begin(id).await.unwrap_err(), store.retry_at(id, UNIX_EPOCH, "").await.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    let stranger = ExecutionId::new();
    assert_eq!(store.failed(stranger, "").await.unwrap_err().kind(), StoreErrorKind::Conflict);
}

async fn a_retry_waits_for_its_time(store: Arc<dyn Store>) {
    let queued = request("{}");
    let id = queued.execution.id;
    let later = UNIX_EPOCH + Duration::from_millis(1_900_000_000_001);
    store.enqueue(queued).await.unwrap();
    store.begin(id).await.unwrap();
    store.retry_at(id, later, "erp is down").await.unwrap();
    let status = store.status(id).await.unwrap().unwrap();
    assert_eq!((status.state, status.message.as_deref()), (QueueState::Queued, Some("erp is down")));
    assert_eq!(store.pending(None, 1).await.unwrap()[0].not_before, Some(later));
    assert_eq!(store.begin(id).await.unwrap(), 2);
    assert_eq!(store.pending(None, 1).await.unwrap()[0].not_before, None);
}

async fn an_id_is_queued_once(store: Arc<dyn Store>) {
    let queued = request("first");
    store.enqueue(queued.clone()).await.unwrap();
    let error = store.enqueue(queued).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(open_ids(&*store).await.len(), 1);
}

async fn many_at_once_are_all_there(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (store, queued) = (Arc::clone(&store), request(&n.to_string()));
            let id = queued.execution.id;
            tokio::spawn(async move { store.enqueue(queued).await.map(|()| id) })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap().unwrap());
    }
    ids.sort();
    assert_eq!(open_ids(&*store).await, ids);
}

async fn a_closed_store_refuses(store: Arc<dyn Store>) {
    store.close().await.unwrap();
    store.close().await.unwrap();
    let error = store.enqueue(request("{}")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (StoreErrorKind::Unavailable, Retry::Later));
    assert_eq!(store.pending(None, 1).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

/// Every test of the suite for one engine: an expression that makes an empty store and what has to live as long.
macro_rules! suite {
    ($engine:ident, $make:expr, $($test:ident)+) => {
        mod $engine {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (store, _kept) = $make.await;
                super::$test(std::sync::Arc::new(store)).await;
            })+
        }
    };
    ($engine:ident, $make:expr) => {
        suite! { $engine, $make,
            packages_are_kept_once_by_their_digest
            a_deployment_becomes_the_active_version
            a_deployment_without_its_packages_is_refused
            the_queue_gives_back_what_it_was_given
            the_queue_gives_the_oldest_first
            runs_are_counted_until_it_is_done
            a_failed_execution_is_kept_and_not_run_again
            a_retry_waits_for_its_time
            an_id_is_queued_once
            many_at_once_are_all_there
            a_closed_store_refuses
        }
    };
}

async fn sqlite_store() -> (SqliteStore, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SqliteStore::open(dir.path()).await.unwrap(), dir)
}

async fn memory_store() -> (MemoryStore, ()) {
    (MemoryStore::new(), ())
}

suite! { on_sqlite, super::sqlite_store() }
suite! { in_memory, super::memory_store() }
