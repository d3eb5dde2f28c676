//! What is read, by a small pool beside the writer: readers see the last commit and never wait for a sync.

use auricle_model::ExecutionId;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqlitePool};

use super::error::cannot;
use crate::{DeploymentVersion, Digest, QueueState, QueueStatus, QueuedExecution, StoreError, codec, time};

pub(super) async fn package(pool: &SqlitePool, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT bytes FROM package WHERE digest = ?")
        .bind(digest.to_string())
        .fetch_optional(pool)
        .await
        .map_err(cannot("read a package"))
}

pub(super) struct DeploymentRow {
    environment: String,
    version: u32,
    bundle: String,
    source: Option<String>,
    fingerprint: Option<String>,
    note: Option<String>,
    deployed_at: i64,
}

impl FromRow<'_, SqliteRow> for DeploymentRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            environment: row.try_get("environment")?,
            version: row.try_get("version")?,
            bundle: row.try_get("bundle")?,
            source: row.try_get("source")?,
            fingerprint: row.try_get("fingerprint")?,
            note: row.try_get("note")?,
            deployed_at: row.try_get("deployed_at")?,
        })
    }
}

pub(super) async fn active(pool: &SqlitePool, environment: &str) -> Result<Option<DeploymentRow>, StoreError> {
    sqlx::query_as("SELECT deployment.* FROM active JOIN deployment USING (environment, version) WHERE environment = ?")
        .bind(environment)
        .fetch_optional(pool)
        .await
        .map_err(cannot("read a deployment"))
}

pub(super) async fn last_from(
    pool: &SqlitePool,
    environment: &str,
    source: &str,
) -> Result<Option<DeploymentRow>, StoreError> {
    sqlx::query_as("SELECT * FROM deployment WHERE environment = ? AND source = ? ORDER BY version DESC LIMIT 1")
        .bind(environment)
        .bind(source)
        .fetch_optional(pool)
        .await
        .map_err(cannot("read a deployment"))
}

/// The version that a row stands for, with its packages. A version never changes, so the two reads agree.
pub(super) async fn version(pool: &SqlitePool, row: DeploymentRow) -> Result<DeploymentVersion, StoreError> {
    let DeploymentRow { environment, version, bundle, source, fingerprint, note, deployed_at } = row;
    let damaged = |why: &dyn std::fmt::Display| {
        StoreError::corrupt(format!(
            "version {version} of environment `{environment}` can't be read: {why}; restore the store from a backup, or \
             deploy again"
        ))
    };
    let packages: Vec<(String, String)> =
        sqlx::query_as("SELECT process, digest FROM deployment_package WHERE environment = ? AND version = ?")
            .bind(&environment)
            .bind(version)
            .fetch_all(pool)
            .await
            .map_err(cannot("read a deployment"))?;
    let packages = packages
        .into_iter()
        .map(|(process, digest)| digest.parse().map(|digest| (process, digest)).map_err(|e| damaged(&e)))
        .collect::<Result<_, _>>()?;
    let deployment = serde_json::from_str(&bundle).map_err(|e| damaged(&e))?;
    let deployed_at = time::from_millis(deployed_at);
    Ok(DeploymentVersion { environment, version, deployment, packages, source, fingerprint, note, deployed_at })
}

pub(super) struct QueueRow {
    pub(super) id: String,
    environment: String,
    user: Option<String>,
    attempt: u32,
    enqueued_at: i64,
    not_before: Option<i64>,
    request: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for QueueRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            environment: row.try_get("environment")?,
            user: row.try_get("user")?,
            attempt: row.try_get("attempt")?,
            enqueued_at: row.try_get("enqueued_at")?,
            not_before: row.try_get("not_before")?,
            request: row.try_get("request")?,
        })
    }
}

pub(super) async fn pending(pool: &SqlitePool, after: &str, limit: u32) -> Result<Vec<QueueRow>, StoreError> {
    sqlx::query_as(
        "SELECT id, environment, user, attempt, enqueued_at, not_before, request FROM queue
         WHERE state <> 'failed' AND id > ? ORDER BY id LIMIT ?",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(cannot("read its queue"))
}

impl QueueRow {
    /// The execution that a row stands for, or what is wrong with it.
    pub(super) fn read(self, id: ExecutionId) -> Result<QueuedExecution, String> {
        Ok(QueuedExecution {
            environment: self.environment,
            user: self.user,
            enqueued_at: time::from_millis(self.enqueued_at),
            not_before: self.not_before.map(time::from_millis),
            execution: codec::decode(id, self.attempt, self.request.into())?,
        })
    }
}

pub(super) async fn status(pool: &SqlitePool, id: ExecutionId) -> Result<Option<QueueStatus>, StoreError> {
    let row: Option<(Option<String>, String, u32, Option<String>)> =
        sqlx::query_as("SELECT user, state, attempt, message FROM queue WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(pool)
            .await
            .map_err(cannot("read its queue"))?;
    row.map(|(user, state, attempt, message)| {
        let state = match state.as_str() {
            "queued" => QueueState::Queued,
            "running" => QueueState::Running,
            "failed" => QueueState::Failed,
            other => return Err(StoreError::corrupt(format!("the execution {id} has the unknown state `{other}`"))),
        };
        Ok(QueueStatus { user, state, attempt, message })
    })
    .transpose()
}
