//! Backup and restore: every row of every table, into a new file and out of one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::Mutex;

use super::copy::{clear, fill, read};
use super::{Change, Connection, Database, Stop, StoreError, ThisStore, cannot, dialect};
use crate::backup::{RECORD_TABLES, TABLES};
use crate::limits::RESTORE;
use crate::sqlite::{Backup, NewBackup, copy as file, table};

/// The databases of a store, each with its tables.
fn parts(store: &ThisStore) -> Vec<(&Database, Vec<&'static str>)> {
    if dialect::RECORDS_APART {
        vec![(&store.main, TABLES.to_vec()), (&store.records, RECORD_TABLES.to_vec())]
    } else {
        vec![(&store.main, TABLES.into_iter().chain(RECORD_TABLES).collect())]
    }
}

/// As of the moment at which it begins: in each database one transaction that only reads, and holds up nobody.
pub(super) async fn backup(store: &ThisStore, to: &Path) -> Result<(), StoreError> {
    let failed = cannot("begin a backup");
    let mut backup = NewBackup::create(to).await?;
    let mut sources = Vec::new();
    for (database, tables) in parts(store) {
        // Not the pool's any more: its transaction ends with it, however this ends.
        let mut source = database.readers.acquire().await.map_err(&failed)?.detach();
        sqlx::raw_sql(dialect::BEGIN_READING).execute(&mut source).await.map_err(&failed)?;
        sources.push((source, tables));
    }
    for (source, tables) in &mut sources {
        for name in tables {
            let table = table(&mut backup.connection, name).await?;
            // A new one is not quite empty: there is a row that counts the others.
            file::clear(&mut backup.connection, name).await?;
            file::fill(&mut backup.connection, &table, read(source, &table)).await?;
        }
    }
    for (source, _) in sources {
        let _ = source.close().await;
    }
    backup.finish().await
}

/// Durable data in one transaction; then the records, where they are in a file of their own.
pub(super) async fn restore(store: &ThisStore, from: &Path) -> Result<(), StoreError> {
    let backup = Arc::new(Mutex::new(Backup::open(from).await?));
    for (database, tables) in parts(store) {
        database.writer.write(Restore { backup: Arc::clone(&backup), tables }).await?;
    }
    Ok(())
}

struct Restore {
    backup: Arc<Mutex<Backup>>,
    tables: Vec<&'static str>,
}

impl Change for Restore {
    type Output = ();

    fn weight(&self) -> usize {
        // More than a batch takes: the changes that come after it have a transaction of their own.
        usize::MAX
    }

    fn patience(&self) -> Duration {
        RESTORE
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        let backup = &mut self.backup.lock().await.connection;
        let durable = self.tables.contains(&"environment");
        dialect::lock(on, &self.tables).await?;
        let revision = if durable { highest_revision(on).await? } else { 0 };
        for name in self.tables.iter().rev() {
            clear(on, name).await?;
        }
        for name in &self.tables {
            let table = table(backup, name).await?;
            fill(on, &table, file::read(backup, &table)).await?;
        }
        if durable {
            // Who follows what is served by its revision has to see that it changed.
            sqlx::query("UPDATE environment SET revision = revision + $1 + 1")
                .bind(revision)
                .execute(&mut *on)
                .await
                .map_err(cannot("count its revisions on"))?;
            dialect::restored(on).await?;
        }
        Ok(())
    }
}

async fn highest_revision(on: &mut Connection) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT coalesce(max(revision), 0) FROM environment")
        .fetch_one(on)
        .await
        .map_err(cannot("read what is served"))
}
