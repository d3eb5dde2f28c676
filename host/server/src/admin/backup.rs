//! Everything that the store holds, as one file, and back again.

use std::path::Path;

use auricle_store::StoreErrorKind;
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::fs::File as TokioFile;
use tokio::io::AsyncWriteExt as _;

use super::endpoints::NoQuery;
use super::failure::Failure;
use super::speak::{Done, File, Raw, pieces};
use super::{Call, access};
use crate::deploy;
use crate::host::Inner;

/// What the file is called in its folder.
const FILE: &str = "backup.db";

pub(super) async fn backup(call: Call, _: NoQuery, _: ()) -> Result<File<TokioFile>, Failure> {
    let folder = folder(&call.host).await?;
    let path = folder.path().join(FILE);
    call.host.store.backup(&path).await?;
    let file = TokioFile::open(&path).await.map_err(|error| unwritten(&path, &error))?;
    let size = file.metadata().await.map_err(|error| unwritten(&path, &error))?.len();
    call.host.store.note(call.by("backup", "store", format!("{size} bytes"))).await?;
    // Open, it is still there; when it has been sent or the client has gone, it is not.
    removed(folder).await;
    Ok(File { from: file, size })
}

pub(super) async fn restore(call: Call, _: NoQuery, Raw(body): Raw) -> Result<Done, Failure> {
    let host = &call.host;
    let folder = folder(host).await?;
    let path = folder.path().join(FILE);
    let mut file = TokioFile::create(&path).await.map_err(|error| unwritten(&path, &error))?;
    let mut pieces = pieces(body);
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece?).await.map_err(|error| unwritten(&path, &error))?;
    }
    file.sync_all().await.map_err(|error| unwritten(&path, &error))?;
    drop(file);
    // Nothing is deployed while everything is replaced.
    let one = host.deploying.lock().await;
    let restored = host.store.restore(&path).await;
    removed(folder).await;
    // Whatever it came to: part of it may be in force, and what is served is what the store says.
    host.tokens.forget();
    // What is restored may not know the token of this host's own file.
    if let Err(error) = access::first_token(host).await {
        tracing::warn!(%error, "the admin token of the data folder is not known after the restore");
    }
    let served = deploy::serve_restored(host).await;
    host.queue.wake();
    drop(one);
    restored.map_err(|error| match error.kind() {
        // Of the file that was sent, not of the store.
        StoreErrorKind::Corrupt | StoreErrorKind::Newer => Failure::unprocessable(error.to_string()),
        _ => error.into(),
    })?;
    host.store.note(call.by("restore", "store", "")).await?;
    served?;
    Ok(Done)
}

/// A folder of its own in the data folder, which nobody else reads.
async fn folder(host: &Inner) -> Result<TempDir, Failure> {
    let data = host.config.data_dir.clone();
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&data)?;
        tempfile::Builder::new().prefix("backup-").tempdir_in(&data)
    });
    let made = made.await.map_err(|_| Failure::defect())?;
    made.map_err(|error| unwritten(&host.config.data_dir, &error))
}

async fn removed(folder: TempDir) {
    let removed = tokio::task::spawn_blocking(move || folder.close()).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%error, "a temporary folder of the data folder was not removed");
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(http::StatusCode::SERVICE_UNAVAILABLE, format!("{} cannot be written: {error}", path.display()))
}
