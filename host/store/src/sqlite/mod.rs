//! The embedded store: one SQLite file in the data folder, for one host.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is synced before it is answered, so it survives the loss of
//! power; one writer with group commit ([`writer`]), a few readers beside it ([`read`]). A change costs its share of a
//! sync, a read a fraction of a millisecond.

mod change;
mod error;
mod folder;
mod read;
mod schema;
mod writer;

use std::path::Path;
use std::time::{Duration, SystemTime};

use auricle_model::ExecutionId;
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlitePool};

use crate::{
    Answer, DeploymentVersion, Digest, NewDeployment, QueueStatus, QueuedExecution, Store, StoreError, StoreErrorKind,
};
use change::{Begin, Deploy, Done, Enqueue, Failed, PutPackage, RetryAt};
use error::cannot;
use folder::DataFolder;
use writer::Writer;

/// Connections that read at one time.
const READERS: u32 = 4;

/// Keeps everything in `auricle.db` of a data folder.
///
/// Dropped without [`Store::close`] it still writes what it was asked for, but holds its folder a moment longer.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the store of a data folder; makes both if they are missing, and brings older tables up to date. To be called
    /// inside a tokio runtime, which has to outlive the store.
    ///
    /// # Errors
    ///
    /// Unavailable: another host uses the folder, or it can't be written. Newer: a later version of Auricle wrote it.
    /// Corrupt: the file is no database.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let folder = DataFolder::claim(data_dir)?;
        let file = folder.database()?;
        let options = options(&file);
        let mut connection = options.connect().await.map_err(cannot("open its database"))?;
        schema::migrate(&mut connection, &file).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.clone().read_only(true));
        Ok(Self { writer: Writer::start(connection, options, folder), readers })
    }

    /// Transactions committed since it was opened: fewer than the changes, where those came together.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// A stored package whose bytes have been compared with its digest.
    async fn verified(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        let Some(bytes) = read::package(&self.readers, digest).await?.map(Bytes::from) else {
            return Ok(None);
        };
        let found = digest_of(bytes.clone()).await?;
        if found != digest {
            return Err(StoreError::corrupt(format!(
                "the stored package {digest} is damaged: its bytes have the digest {found}; deploy it again"
            )));
        }
        Ok(Some(bytes))
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Where fsync does not reach the platter (macOS), this does; elsewhere it is nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
}

/// Off the async threads: a package has megabytes.
async fn digest_of(bytes: Bytes) -> Result<Digest, StoreError> {
    tokio::task::spawn_blocking(move || Digest::of(&bytes))
        .await
        .map_err(|_| StoreError::unavailable("the host is stopping: a package's digest was not computed"))
}

impl Store for SqliteStore {
    fn is_durable(&self) -> bool {
        true
    }

    fn put_package(&self, bytes: Bytes) -> Answer<'_, Digest> {
        Box::pin(async move {
            let digest = digest_of(bytes.clone()).await?;
            match self.verified(digest).await {
                Ok(Some(_)) => return Ok(digest),
                Ok(None) => {}
                Err(damaged) if damaged.kind() == StoreErrorKind::Corrupt => {
                    tracing::warn!(%damaged, "a stored package is replaced");
                }
                Err(error) => return Err(error),
            }
            self.writer.write(PutPackage { digest, bytes }).await?;
            Ok(digest)
        })
    }

    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>> {
        Box::pin(self.verified(digest))
    }

    fn deploy(&self, new: NewDeployment) -> Answer<'_, DeploymentVersion> {
        Box::pin(async move { self.writer.write(Deploy::new(new)?).await })
    }

    fn active<'a>(&'a self, environment: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        Box::pin(async move {
            match read::active(&self.readers, environment).await? {
                Some(row) => read::version(&self.readers, row).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        Box::pin(async move {
            match read::last_from(&self.readers, environment, source).await? {
                Some(row) => read::version(&self.readers, row).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn enqueue(&self, queued: QueuedExecution) -> Answer<'_, ()> {
        Box::pin(async move { self.writer.write(Enqueue::new(queued)?).await })
    }

    fn pending(&self, after: Option<ExecutionId>, limit: u32) -> Answer<'_, Vec<QueuedExecution>> {
        Box::pin(async move {
            let mut after = after.map(|id| id.to_string()).unwrap_or_default();
            let mut found = Vec::new();
            // Once, unless entries can't be read: an answer is empty only where nothing follows.
            while found.is_empty() && limit > 0 {
                let rows = read::pending(&self.readers, &after, limit).await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.id);
                for row in rows {
                    let Some(id) = ExecutionId::parse(&row.id) else {
                        tracing::error!(
                            id = row.id,
                            "an entry of the durable queue has no readable id; it is left out"
                        );
                        continue;
                    };
                    match row.read(id) {
                        Ok(queued) => found.push(queued),
                        Err(why) => {
                            let message = format!("its entry in the durable queue can't be read: {why}");
                            tracing::error!(%id, message, "a queued execution is lost");
                            self.writer.write(Failed { id, message }).await?;
                        }
                    }
                }
            }
            Ok(found)
        })
    }

    fn begin(&self, id: ExecutionId) -> Answer<'_, u32> {
        Box::pin(self.writer.write(Begin(id)))
    }

    fn done(&self, id: ExecutionId) -> Answer<'_, ()> {
        Box::pin(self.writer.write(Done(id)))
    }

    fn failed<'a>(&'a self, id: ExecutionId, message: &'a str) -> Answer<'a, ()> {
        Box::pin(self.writer.write(Failed { id, message: message.to_owned() }))
    }

    fn retry_at<'a>(&'a self, id: ExecutionId, at: SystemTime, message: &'a str) -> Answer<'a, ()> {
        Box::pin(self.writer.write(RetryAt { id, at, message: message.to_owned() }))
    }

    fn status(&self, id: ExecutionId) -> Answer<'_, Option<QueueStatus>> {
        Box::pin(read::status(&self.readers, id))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.readers.close().await;
            self.writer.close().await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let file = DataFolder::claim(dir.path()).unwrap().database().unwrap();
        let mut connection = options(&file).connect().await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"));
    }
}
