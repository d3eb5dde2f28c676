//! The changes that the writer makes: each one statement, or a savepoint around several.

use std::time::SystemTime;

use auricle_model::ExecutionId;
use bytes::Bytes;
use sqlx::{Connection as _, SqliteConnection};

use super::error::cannot;
use super::writer::Change;
use crate::store::{already_queued, not_open};
use crate::{DeploymentVersion, Digest, NewDeployment, QueuedExecution, StoreError, codec, time};

pub(super) struct PutPackage {
    pub(super) digest: Digest,
    pub(super) bytes: Bytes,
}

impl Change for PutPackage {
    type Output = ();

    fn weight(&self) -> usize {
        self.bytes.len()
    }

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<(), StoreError> {
        // Asked for only when there is none or a damaged one.
        sqlx::query(
            "INSERT INTO package (digest, bytes, added_at) VALUES (?, ?, ?)
             ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes",
        )
        .bind(self.digest.to_string())
        .bind(self.bytes.as_ref())
        .bind(time::to_millis(SystemTime::now()))
        .execute(on)
        .await
        .map_err(cannot("keep a package"))?;
        Ok(())
    }
}

pub(super) struct Deploy {
    new: NewDeployment,
    bundle: String,
}

impl Deploy {
    pub(super) fn new(new: NewDeployment) -> Result<Self, StoreError> {
        new.check()?;
        let bundle = serde_json::to_string(&new.deployment)
            .map_err(|e| StoreError::invalid(format!("the deployment can't be kept: {e}")))?;
        Ok(Self { new, bundle })
    }
}

impl Change for Deploy {
    type Output = DeploymentVersion;

    fn weight(&self) -> usize {
        self.bundle.len()
    }

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<DeploymentVersion, StoreError> {
        let failed = cannot("keep a deployment");
        let Self { new, bundle } = self;
        let now = time::now();
        let mut savepoint = on.begin().await.map_err(&failed)?;
        let version: u32 = sqlx::query_scalar(
            "INSERT INTO deployment (environment, version, bundle, source, fingerprint, note, deployed_at)
             SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM deployment WHERE environment = ?1
             RETURNING version",
        )
        .bind(&new.environment)
        .bind(&*bundle)
        .bind(&new.source)
        .bind(&new.fingerprint)
        .bind(&new.note)
        .bind(time::to_millis(now))
        .fetch_one(&mut *savepoint)
        .await
        .map_err(&failed)?;
        for (process, digest) in &new.packages {
            sqlx::query("INSERT INTO deployment_package (environment, version, process, digest) VALUES (?, ?, ?, ?)")
                .bind(&new.environment)
                .bind(version)
                .bind(process)
                .bind(digest.to_string())
                .execute(&mut *savepoint)
                .await
                .map_err(|error| match error {
                    sqlx::Error::Database(e) if e.is_foreign_key_violation() => {
                        NewDeployment::unknown_package(process, *digest)
                    }
                    other => failed(other),
                })?;
        }
        sqlx::query(
            "INSERT INTO active (environment, version) VALUES (?, ?)
             ON CONFLICT (environment) DO UPDATE SET version = excluded.version",
        )
        .bind(&new.environment)
        .bind(version)
        .execute(&mut *savepoint)
        .await
        .map_err(&failed)?;
        savepoint.commit().await.map_err(&failed)?;
        Ok(new.clone().into_version(version, now))
    }
}

pub(super) struct Enqueue {
    id: ExecutionId,
    environment: String,
    user: Option<String>,
    enqueued_at: SystemTime,
    not_before: Option<SystemTime>,
    request: Vec<u8>,
}

impl Enqueue {
    pub(super) fn new(queued: QueuedExecution) -> Result<Self, StoreError> {
        let QueuedExecution { environment, user, enqueued_at, not_before, execution } = queued;
        let id = execution.id;
        Ok(Self { id, environment, user, enqueued_at, not_before, request: codec::encode(execution)? })
    }
}

impl Change for Enqueue {
    type Output = ();

    fn weight(&self) -> usize {
        self.request.len()
    }

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<(), StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO queue (id, environment, user, state, attempt, enqueued_at, not_before, request)
             VALUES (?, ?, ?, 'queued', 0, ?, ?, ?)",
        )
        .bind(self.id.to_string())
        .bind(&self.environment)
        .bind(&self.user)
        .bind(time::to_millis(self.enqueued_at))
        .bind(self.not_before.map(time::to_millis))
        .bind(std::mem::take(&mut self.request))
        .execute(on)
        .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Err(already_queued(self.id)),
            Err(error) => Err(cannot("accept an execution")(error)),
        }
    }
}

pub(super) struct Begin(pub(super) ExecutionId);

impl Change for Begin {
    type Output = u32;

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<u32, StoreError> {
        let attempt = sqlx::query_scalar(
            "UPDATE queue SET state = 'running', attempt = attempt + 1, not_before = NULL
             WHERE id = ? AND state <> 'failed' RETURNING attempt",
        )
        .bind(self.0.to_string())
        .fetch_optional(on)
        .await
        .map_err(cannot("begin a queued execution"))?;
        attempt.ok_or_else(|| not_open(self.0))
    }
}

pub(super) struct Done(pub(super) ExecutionId);

impl Change for Done {
    type Output = ();

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM queue WHERE id = ?")
            .bind(self.0.to_string())
            .execute(on)
            .await
            .map_err(cannot("end a queued execution"))?;
        Ok(())
    }
}

pub(super) struct Failed {
    pub(super) id: ExecutionId,
    pub(super) message: String,
}

impl Change for Failed {
    type Output = ();

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<(), StoreError> {
        let changed = sqlx::query("UPDATE queue SET state = 'failed', message = ? WHERE id = ? AND state <> 'failed'")
            .bind(&self.message)
            .bind(self.id.to_string())
            .execute(on)
            .await
            .map_err(cannot("note a failed execution"))?;
        if changed.rows_affected() == 0 { Err(not_open(self.id)) } else { Ok(()) }
    }
}

pub(super) struct RetryAt {
    pub(super) id: ExecutionId,
    pub(super) at: SystemTime,
    pub(super) message: String,
}

impl Change for RetryAt {
    type Output = ();

    async fn apply(&mut self, on: &mut SqliteConnection) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE queue SET state = 'queued', not_before = ?, message = ? WHERE id = ? AND state <> 'failed'",
        )
        .bind(time::to_millis(self.at))
        .bind(&self.message)
        .bind(self.id.to_string())
        .execute(on)
        .await
        .map_err(cannot("put back an execution"))?;
        if changed.rows_affected() == 0 { Err(not_open(self.id)) } else { Ok(()) }
    }
}
