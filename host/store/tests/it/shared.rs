//! What is PostgreSQL's own: a server that goes and comes back, hosts that share it, who may do what.

use std::net::Ipv4Addr;
use std::sync::Arc;

use auricle_model::StoreUrl;
use auricle_store::{
    Access as _, Deployments as _, Packages as _, Pages as _, PostgresStore, Store as _, StoreErrorKind,
};
use bytes::Bytes;
use sqlx::Connection as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::engines::postgres_schema;
use crate::fixtures::{by, deployment, owner, pages, soon};

/// A way to the server that can be cut.
struct Way {
    port: u16,
    server: String,
    open: Option<AbortHandle>,
}

impl Way {
    async fn to(server: String) -> Self {
        let mut way = Self { port: 0, server, open: None };
        way.open().await;
        way
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let server = self.server.clone();
        let task = tokio::spawn(async move {
            // Dropped with the task, and with them every connection.
            let mut connections = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut far = TcpStream::connect(&server).await.unwrap();
                connections.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        self.open = Some(task.abort_handle());
    }

    /// Every connection is lost, and none comes about.
    async fn cut(&mut self) {
        self.open.take().unwrap().abort();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

/// The URL with another host and port, and a password that the server does not ask for.
fn by_way_of(url: &StoreUrl, port: u16) -> (StoreUrl, String) {
    let (_, after_user) = url.0.split_once("://").unwrap();
    let (address, rest) = after_user.split_once('/').unwrap();
    let (user, server) = address.split_once('@').unwrap();
    let user = user.split(':').next().unwrap();
    (StoreUrl(format!("postgres://{user}:very-secret@127.0.0.1:{port}/{rest}")), server.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_gone_is_used_again() {
    let Some((url, _server)) = postgres_schema().await else { return };
    let mut way = Way::to(by_way_of(&url, 0).1).await;
    let (url, _) = by_way_of(&url, way.port);
    let store = PostgresStore::open(&url).await.unwrap();
    store.note(by("before")).await.unwrap();

    way.cut().await;
    for error in [store.note(by("lost")).await.unwrap_err(), store.audit(None, 10).await.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().contains("PostgreSQL can't be reached"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let error = PostgresStore::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!format!("{error} {error:?} {store:?}").contains("secret"), "{error:?} {store:?}");

    way.open().await;
    store.note(by("after")).await.unwrap();
    let actions: Vec<_> = store.audit(None, 10).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["after", "before"]);

    // It was away between two questions: nobody hears of it.
    way.cut().await;
    way.open().await;
    for _ in 0..10 {
        store.note(by("again")).await.unwrap();
    }
    assert_eq!(store.audit(None, 100).await.unwrap().len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_share_it_see_each_other_and_never_the_half_of_a_change() {
    let Some((url, _server)) = postgres_schema().await else { return };
    // Together, as after the loss of power: one makes the tables.
    let opened: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { PostgresStore::open(&url).await }
            })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opened {
        stores.push(Arc::new(store.await.unwrap().unwrap()));
    }
    assert!(stores[0].is_shared() && stores[0].is_durable());
    let package = stores[0].put_package(Bytes::from_static(b"package"), None).await.unwrap();
    let deploys: Vec<_> = (0..40)
        .map(|n| {
            let store = Arc::clone(&stores[n % 4]);
            tokio::spawn(async move { store.deploy(deployment("account-create", package), by("deploy")).await })
        })
        .collect();
    let mut versions = Vec::new();
    for deployed in deploys {
        versions.push(deployed.await.unwrap().unwrap().version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>(), "each number once");
    let serving = stores[3].serving("default").await.unwrap();
    assert_eq!((serving.revision, stores[3].audit(None, 100).await.unwrap().len()), (40, 40));

    // Of those who decided on one revision one is right.
    let decided: Vec<_> = (0..8)
        .map(|n| {
            let store = Arc::clone(&stores[n % 4]);
            tokio::spawn(async move { store.serve("default", 40, Some(n as u32 + 1), None, by("rollback")).await })
        })
        .collect();
    let mut done = 0;
    for outcome in decided {
        match outcome.await.unwrap() {
            Ok(serving) => {
                done += 1;
                assert_eq!(serving.revision, 41);
                assert_eq!(stores[0].serving("default").await.unwrap(), serving);
            }
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let Some((url, _server)) = postgres_schema().await else { return };
    PostgresStore::open(&url).await.unwrap().close().await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&url.0).await.unwrap();
    sqlx::raw_sql("INSERT INTO schema_version VALUES (999, 0)").execute(&mut connection).await.unwrap();
    let error = PostgresStore::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Newer);
    assert!(error.to_string().contains("version 999"), "{error}");
}

#[tokio::test]
async fn tables_of_an_older_version_are_brought_up_to_date() {
    let Some((url, _server)) = postgres_schema().await else { return };
    let mut connection = sqlx::PgConnection::connect(&url.0).await.unwrap();
    for step in [
        "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)",
        include_str!("../../src/postgres/schema/0001_store.sql"),
        "INSERT INTO schema_version VALUES (1, 0)",
        "INSERT INTO audit (at, action, target, detail) VALUES (1, 'deploy', 'default', 'before')",
    ] {
        sqlx::raw_sql(step).execute(&mut connection).await.unwrap();
    }
    let store = PostgresStore::open(&url).await.unwrap();
    assert_eq!(store.audit(None, 10).await.unwrap().len(), 1);
    store.hold_pages(&owner(), "token", pages("p", &["1"]), soon()).await.unwrap();
    assert!(store.page(&owner(), "token").await.unwrap().is_some());
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_and_not_shown() {
    let error = PostgresStore::open(&StoreUrl("postgres://ann:very-secret@host:port/db".into())).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn without_a_search_path_the_tables_are_in_a_schema_of_their_own() {
    let Some((url, server)) = postgres_schema().await else { return };
    // A database of its own, since the schema's name is the same for all.
    let name = format!("own_{}", std::process::id());
    let mut connection = sqlx::PgConnection::connect(&server.url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (before, _) = url.0.split_once('?').unwrap();
    let (address, _) = before.rsplit_once('/').unwrap();
    let url = StoreUrl(format!("{address}/{name}"));
    let store = PostgresStore::open(&url).await.unwrap();
    store.note(by("deploy")).await.unwrap();
    let mut inside = sqlx::PgConnection::connect(&url.0).await.unwrap();
    let schemas: Vec<String> = sqlx::query_scalar("SELECT schemaname::TEXT FROM pg_tables WHERE tablename = 'audit'")
        .fetch_all(&mut inside)
        .await
        .unwrap();
    assert_eq!(schemas, ["auricle"]);
    store.close().await.unwrap();
    inside.close().await.unwrap();

    // A user who may use the tables and make none is enough, once they are there.
    let user = format!("user_{}", std::process::id());
    let grants = format!(
        "CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA auricle TO {user};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auricle TO {user};"
    );
    let mut inside = sqlx::PgConnection::connect(&url.0).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(&mut inside).await.unwrap();
    inside.close().await.unwrap();
    let (_, host) = address.split_once('@').unwrap();
    let limited = PostgresStore::open(&StoreUrl(format!("postgres://{user}@{host}/{name}"))).await.unwrap();
    limited.note(by("deploy")).await.unwrap();
    assert_eq!(limited.audit(None, 10).await.unwrap().len(), 2);
    limited.close().await.unwrap();
    let clean = format!("DROP DATABASE {name} WITH (FORCE)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(clean)).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP ROLE {user}"))).execute(&mut connection).await.unwrap();
}
