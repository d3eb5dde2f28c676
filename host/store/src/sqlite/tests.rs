//! What takes a look inside: settings, and the faults of a disk.

use std::time::Duration;

use bytes::Bytes;
use sqlx::Connection as _;

use super::*;
use crate::backup::{RECORD_TABLES, TABLES};
use crate::{Access as _, By, Packages as _, Store as _};

async fn asked<T>(of: &str, options: &SqliteConnectOptions) -> Vec<T>
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    let mut connection = options.connect().await.unwrap();
    sqlx::query_scalar(sqlx::AssertSqlSafe(of.to_owned())).fetch_all(&mut connection).await.unwrap()
}

fn main_options(dir: &Path) -> SqliteConnectOptions {
    options(&dir.join("auricle.db"), SqliteSynchronous::Full)
}

#[tokio::test]
async fn a_commit_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    SqliteStore::open(dir.path()).await.unwrap().close().await.unwrap();
    let options = main_options(dir.path());
    assert_eq!(asked::<i64>("PRAGMA synchronous", &options).await, [2]);
    assert_eq!(asked::<String>("PRAGMA journal_mode", &options).await, ["wal"]);
}

#[tokio::test]
async fn a_backup_leaves_no_table_out() {
    let dir = tempfile::tempdir().unwrap();
    SqliteStore::open(dir.path()).await.unwrap().close().await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                  AND name NOT LIKE '%schema_version' ORDER BY name";
    for (file, known) in [("auricle.db", &TABLES[..]), ("records.db", &RECORD_TABLES[..])] {
        let mut known = known.to_vec();
        known.sort_unstable();
        let found = asked::<String>(tables, &options(&dir.path().join(file), SqliteSynchronous::Full)).await;
        assert_eq!(found, known, "{file}");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_store_works_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    SqliteStore::open(dir.path()).await.unwrap().close().await.unwrap();
    // To SQLite it is the same whether the disk is full or the file may not grow.
    let pages: i64 = asked("PRAGMA page_count", &main_options(dir.path())).await[0];
    let store = SqliteStore::open_as(dir.path(), |options| options.pragma("max_page_count", (pages + 4).to_string()));
    let store = store.await.unwrap();
    let error = store.put_package(Bytes::from(vec![7; 1 << 20]), None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("full") && error.to_string().contains("free some space"), "{error}");
    store.note(By { action: "deploy", ..By::default() }).await.unwrap();
    assert_eq!(store.audit(None, 10).await.unwrap().len(), 1, "what still fits is kept");
    store.close().await.unwrap();

    let store = SqliteStore::open(dir.path()).await.unwrap();
    store.put_package(Bytes::from(vec![7; 1 << 20]), None).await.unwrap();
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_told_and_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_as(dir.path(), |options| options.busy_timeout(Duration::from_millis(50)));
    let store = store.await.unwrap();
    let mut other = main_options(dir.path()).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let error = store.note(By::default()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("another program holds"), "{error}");
    assert_eq!(store.audit(None, 10).await.unwrap(), [], "reading goes on");
    other.close().await.unwrap();
    store.note(By::default()).await.unwrap();
}

#[tokio::test]
async fn damaged_records_are_set_aside_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    store.note(By { action: "deploy", ..By::default() }).await.unwrap();
    store.close().await.unwrap();
    let junk = "no database at all, though long enough to have a header".repeat(20);
    std::fs::write(dir.path().join("records.db"), &junk).unwrap();

    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.audit(None, 10).await.unwrap().len(), 1);
    store.close().await.unwrap();
    let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let aside: Vec<String> = names.filter(|name| name.starts_with("records.db.damaged-")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(std::fs::read_to_string(dir.path().join(&aside[0])).unwrap(), junk);
    SqliteStore::open(dir.path()).await.unwrap();
}
