//! Packages. A look at the bytes' digest at every read: a damaged package is never handed out.

use bytes::Bytes;

use super::{Answer, Change, Connection, Stop, StoreError, ThisStore, cannot, unsigned};
use crate::{Digest, PackageInfo, Packages, StoreErrorKind, time};

struct Put {
    digest: Digest,
    bytes: Bytes,
    signed_by: Option<String>,
}

impl Change for Put {
    type Output = ();

    fn weight(&self) -> usize {
        self.bytes.len()
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        // Asked for only when there is none or a damaged one.
        sqlx::query(
            "INSERT INTO package (digest, bytes, added_at, signed_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (digest) DO UPDATE
             SET bytes = excluded.bytes, signed_by = coalesce(excluded.signed_by, package.signed_by)",
        )
        .bind(self.digest.to_string())
        .bind(self.bytes.as_ref())
        .bind(time::to_millis(time::now()))
        .bind(&self.signed_by)
        .execute(on)
        .await
        .map_err(cannot("keep a package"))?;
        Ok(())
    }
}

struct Sign {
    digest: Digest,
    signed_by: String,
}

impl Change for Sign {
    type Output = ();

    async fn apply(&mut self, on: &mut Connection) -> Result<(), Stop> {
        sqlx::query("UPDATE package SET signed_by = $2 WHERE digest = $1")
            .bind(self.digest.to_string())
            .bind(&self.signed_by)
            .execute(on)
            .await
            .map_err(cannot("note who signed a package"))?;
        Ok(())
    }
}

impl ThisStore {
    /// A stored package whose bytes have been compared with its digest.
    async fn verified(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM package WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.main.readers)
            .await
            .map_err(cannot("read a package"))?;
        let Some(bytes) = bytes.map(Bytes::from) else { return Ok(None) };
        let found = digest_of(bytes.clone()).await?;
        if found != digest {
            return Err(StoreError::corrupt(format!(
                "the stored package {digest} is damaged: its bytes have the digest {found}; deploy it again"
            )));
        }
        Ok(Some(bytes))
    }
}

/// Off the async threads: a package has megabytes.
async fn digest_of(bytes: Bytes) -> Result<Digest, StoreError> {
    tokio::task::spawn_blocking(move || Digest::of(&bytes))
        .await
        .map_err(|_| StoreError::unavailable("the host is stopping: a package's digest was not computed"))
}

impl Packages for ThisStore {
    fn put_package(&self, bytes: Bytes, signed_by: Option<String>) -> Answer<'_, Digest> {
        Box::pin(async move {
            let digest = digest_of(bytes.clone()).await?;
            match self.verified(digest).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    if let Some(signed_by) = signed_by {
                        self.main.writer.write(Sign { digest, signed_by }).await?;
                    }
                    return Ok(digest);
                }
                Err(damaged) if damaged.kind() == StoreErrorKind::Corrupt => {
                    tracing::warn!(%damaged, "a stored package is replaced");
                }
                Err(error) => return Err(error),
            }
            self.main.writer.write(Put { digest, bytes, signed_by }).await?;
            Ok(digest)
        })
    }

    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>> {
        Box::pin(self.verified(digest))
    }

    fn package_info(&self, digest: Digest) -> Answer<'_, Option<PackageInfo>> {
        Box::pin(async move {
            let row: Option<(i64, i64, Option<String>)> = sqlx::query_as(
                "SELECT CAST(length(bytes) AS BIGINT), added_at, signed_by FROM package WHERE digest = $1",
            )
            .bind(digest.to_string())
            .fetch_optional(&self.main.readers)
            .await
            .map_err(cannot("read a package"))?;
            Ok(row.map(|(size, added_at, signed_by)| PackageInfo {
                digest,
                size: unsigned(size),
                added_at: time::from_millis(added_at),
                signed_by,
            }))
        })
    }
}
