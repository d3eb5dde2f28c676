//! Versions of deployments, and what each environment serves of them. A change locks the environment's row first, so that
//! hosts that share the store make their changes one after the other.

use sqlx::Row as _;

use super::access::note;
use super::{Answer, Change, Connection, Row, Stop, StoreError, ThisStore, cannot, signed, text, unsigned};
use crate::refusal::{changed_meanwhile, never_deployed, unknown_version};
use crate::{
    By, Canary, CanaryRule, DeploymentVersion, Deployments, Digest, EnvironmentStatus, NewDeployment, Serving,
    VersionSummary, time,
};

struct Deploy {
    new: NewDeployment,
    bundle: String,
    by: By,
}

impl Deploy {
    fn new(new: NewDeployment, by: By) -> Result<Self, StoreError> {
        new.check()?;
        let bundle = serde_json::to_string(&new.deployment)
            .map_err(|e| StoreError::invalid(format!("the deployment can't be kept: {e}")))?;
        Ok(Self { new, bundle, by })
    }
}

impl Change for Deploy {
    type Output = DeploymentVersion;

    fn weight(&self) -> usize {
        self.bundle.len()
    }

    async fn apply(&mut self, on: &mut Connection) -> Result<DeploymentVersion, Stop> {
        let failed = cannot("keep a deployment");
        let Self { new, bundle, by } = self;
        for (process, digest) in &new.packages {
            if !has_package(*digest, on).await? {
                return Err(Stop::Refused(NewDeployment::unknown_package(process, *digest)));
            }
        }
        let now = time::now();
        let expected = new.expected.map(signed);
        let version: Option<i64> = sqlx::query_scalar(
            "INSERT INTO environment (name, revision, newest) SELECT $1, 1, 1
             WHERE coalesce($2, 0) = 0 OR EXISTS (SELECT 1 FROM environment WHERE name = $1)
             ON CONFLICT (name) DO UPDATE SET revision = environment.revision + 1, newest = environment.newest + 1
             WHERE coalesce($2, environment.revision) = environment.revision
             RETURNING newest",
        )
        .bind(&new.environment)
        .bind(expected)
        .fetch_optional(&mut *on)
        .await
        .map_err(&failed)?;
        let Some(version) = version else {
            return Err(Stop::Refused(changed_meanwhile(&new.environment, new.expected.unwrap_or_default())));
        };
        sqlx::query(
            "INSERT INTO deployment
             (environment, version, bundle, source, fingerprint, note, deployed_by, deployed_at, processes, apis)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&new.environment)
        .bind(version)
        .bind(&*bundle)
        .bind(new.source.as_deref().map(text))
        .bind(&new.fingerprint)
        .bind(new.note.as_deref().map(text))
        .bind(by.who.as_deref().map(text))
        .bind(time::to_millis(now))
        .bind(signed(new.deployment.processes.len() as u64))
        .bind(signed(new.deployment.apis.len() as u64))
        .execute(&mut *on)
        .await
        .map_err(&failed)?;
        for (process, digest) in &new.packages {
            sqlx::query(
                "INSERT INTO deployment_package (environment, version, process, digest) VALUES ($1, $2, $3, $4)",
            )
            .bind(&new.environment)
            .bind(version)
            .bind(process)
            .bind(digest.to_string())
            .execute(&mut *on)
            .await
            .map_err(&failed)?;
        }
        // A canary is beside the active version; a new active version is alone.
        let statement = match new.canary {
            None => {
                "UPDATE environment SET previous = nullif(coalesce(active, previous), $2), active = $2, canary = NULL,
                 canary_rule = $3, since = $4 WHERE name = $1"
            }
            Some(_) => "UPDATE environment SET canary = $2, canary_rule = $3, since = $4 WHERE name = $1",
        };
        sqlx::query(statement)
            .bind(&new.environment)
            .bind(version)
            .bind(new.canary.as_ref().map(rule_as_text).transpose()?)
            .bind(time::to_millis(now))
            .execute(&mut *on)
            .await
            .map_err(&failed)?;
        note(by, on).await?;
        Ok(new.clone().into_version(unsigned(version), by, now))
    }
}

/// None: nothing was ever deployed there.
async fn revision(environment: &str, on: &mut Connection) -> Result<Option<u64>, StoreError> {
    sqlx::query_scalar("SELECT revision FROM environment WHERE name = $1")
        .bind(environment)
        .fetch_optional(on)
        .await
        .map(|revision: Option<i64>| revision.map(unsigned))
        .map_err(cannot("read what is served"))
}

async fn has_package(digest: Digest, on: &mut Connection) -> Result<bool, StoreError> {
    sqlx::query("SELECT 1 FROM package WHERE digest = $1")
        .bind(digest.to_string())
        .fetch_optional(on)
        .await
        .map(|row| row.is_some())
        .map_err(cannot("look for a package"))
}

fn rule_as_text(rule: &CanaryRule) -> Result<String, StoreError> {
    serde_json::to_string(rule).map_err(|e| StoreError::invalid(format!("the canary's rule can't be kept: {e}")))
}

struct Serve {
    environment: String,
    expected: u64,
    active: Option<u32>,
    canary: Option<Canary>,
    by: By,
}

impl Change for Serve {
    type Output = Serving;

    async fn apply(&mut self, on: &mut Connection) -> Result<Serving, Stop> {
        let failed = cannot("change what is served");
        let Self { environment, expected, active, canary, by } = self;
        let found = revision(environment, on).await?.ok_or_else(|| Stop::Refused(never_deployed(environment)))?;
        if found != *expected {
            return Err(Stop::Refused(changed_meanwhile(environment, *expected)));
        }
        for version in active.iter().copied().chain(canary.iter().map(|canary| canary.version)) {
            let row = sqlx::query("SELECT 1 FROM deployment WHERE environment = $1 AND version = $2")
                .bind(&*environment)
                .bind(i64::from(version))
                .fetch_optional(&mut *on)
                .await
                .map_err(&failed)?;
            if row.is_none() {
                return Err(Stop::Refused(unknown_version(environment, version)));
            }
        }
        let now = time::now();
        let changed: Option<(i64, Option<i64>)> = sqlx::query_as(
            "UPDATE environment SET revision = revision + 1, active = $3, canary = $4, canary_rule = $5, since = $6,
             previous = CASE WHEN active IS NOT DISTINCT FROM $3 THEN previous
                        ELSE nullif(coalesce(active, previous), $3) END
             WHERE name = $1 AND revision = $2 RETURNING revision, previous",
        )
        .bind(&*environment)
        .bind(signed(*expected))
        .bind(active.map(i64::from))
        .bind(canary.as_ref().map(|canary| i64::from(canary.version)))
        .bind(canary.as_ref().map(|canary| rule_as_text(&canary.rule)).transpose()?)
        .bind(time::to_millis(now))
        .fetch_optional(&mut *on)
        .await
        .map_err(&failed)?;
        let Some((revision, previous)) = changed else {
            // Another host was quicker, a moment ago.
            return Err(Stop::Refused(changed_meanwhile(environment, *expected)));
        };
        note(by, on).await?;
        Ok(Serving {
            revision: unsigned(revision),
            active: *active,
            previous: previous.map(unsigned),
            canary: canary.clone(),
            since: Some(now),
        })
    }
}

/// Of a row of `environment`.
fn serving(environment: &str, row: &Row) -> Result<Serving, StoreError> {
    let damaged = cannot("read what is served");
    let canary: Option<i64> = row.try_get("canary").map_err(&damaged)?;
    let rule: Option<String> = row.try_get("canary_rule").map_err(&damaged)?;
    let canary = canary.map(|version| {
        let rule = serde_json::from_str(rule.as_deref().unwrap_or_default()).map_err(|e| {
            StoreError::corrupt(format!(
                "the canary of environment `{environment}` can't be read ({e}): deploy it again"
            ))
        })?;
        Ok::<_, StoreError>(Canary { version: unsigned(version), rule })
    });
    Ok(Serving {
        revision: unsigned(row.try_get("revision").map_err(&damaged)?),
        active: row.try_get::<Option<i64>, _>("active").map_err(&damaged)?.map(unsigned),
        previous: row.try_get::<Option<i64>, _>("previous").map_err(&damaged)?.map(unsigned),
        canary: canary.transpose()?,
        since: row.try_get::<Option<i64>, _>("since").map_err(&damaged)?.map(time::from_millis),
    })
}

impl ThisStore {
    /// The version that a row of `deployment` stands for. A version never changes, so the two reads agree.
    async fn whole_version(&self, row: Row) -> Result<DeploymentVersion, StoreError> {
        let failed = cannot("read a deployment");
        let environment: String = row.try_get("environment").map_err(&failed)?;
        let number: i64 = row.try_get("version").map_err(&failed)?;
        let damaged = |why: &dyn std::fmt::Display| {
            StoreError::corrupt(format!(
                "version {number} of environment `{environment}` can't be read: {why}; restore the store from a backup, \
                 or deploy again"
            ))
        };
        let packages: Vec<(String, String)> =
            sqlx::query_as("SELECT process, digest FROM deployment_package WHERE environment = $1 AND version = $2")
                .bind(&environment)
                .bind(number)
                .fetch_all(&self.main.readers)
                .await
                .map_err(&failed)?;
        let packages = packages
            .into_iter()
            .map(|(process, digest)| digest.parse().map(|digest| (process, digest)).map_err(|e| damaged(&e)))
            .collect::<Result<_, _>>()?;
        let bundle: String = row.try_get("bundle").map_err(&failed)?;
        let deployment = serde_json::from_str(&bundle).map_err(|e| damaged(&e))?;
        Ok(DeploymentVersion {
            version: unsigned(number),
            deployment,
            packages,
            source: row.try_get("source").map_err(&failed)?,
            fingerprint: row.try_get("fingerprint").map_err(&failed)?,
            note: row.try_get("note").map_err(&failed)?,
            deployed_by: row.try_get("deployed_by").map_err(&failed)?,
            deployed_at: time::from_millis(row.try_get("deployed_at").map_err(&failed)?),
            environment,
        })
    }
}

impl Deployments for ThisStore {
    fn deploy(&self, new: NewDeployment, by: By) -> Answer<'_, DeploymentVersion> {
        Box::pin(async move { self.main.writer.write(Deploy::new(new, by)?).await })
    }

    fn serve<'a>(
        &'a self,
        environment: &'a str,
        expected: u64,
        active: Option<u32>,
        canary: Option<Canary>,
        by: By,
    ) -> Answer<'a, Serving> {
        Box::pin(self.main.writer.write(Serve { environment: environment.to_owned(), expected, active, canary, by }))
    }

    fn serving<'a>(&'a self, environment: &'a str) -> Answer<'a, Serving> {
        Box::pin(async move {
            let row = sqlx::query("SELECT * FROM environment WHERE name = $1")
                .bind(environment)
                .fetch_optional(&self.main.readers)
                .await
                .map_err(cannot("read what is served"))?;
            row.map_or_else(|| Ok(Serving::default()), |row| serving(environment, &row))
        })
    }

    fn version<'a>(&'a self, environment: &'a str, version: u32) -> Answer<'a, Option<DeploymentVersion>> {
        Box::pin(async move {
            let row = sqlx::query("SELECT * FROM deployment WHERE environment = $1 AND version = $2")
                .bind(environment)
                .bind(i64::from(version))
                .fetch_optional(&self.main.readers)
                .await
                .map_err(cannot("read a deployment"))?;
            match row {
                Some(row) => self.whole_version(row).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn versions<'a>(
        &'a self,
        environment: &'a str,
        before: Option<u32>,
        limit: u32,
    ) -> Answer<'a, Vec<VersionSummary>> {
        type Columns = (i64, i64, Option<String>, Option<String>, Option<String>, i64, i64);
        Box::pin(async move {
            let rows: Vec<Columns> = sqlx::query_as(
                "SELECT version, deployed_at, deployed_by, note, source, processes, apis FROM deployment
                 WHERE environment = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
            )
            .bind(environment)
            .bind(before.map_or(i64::MAX, i64::from))
            .bind(i64::from(limit))
            .fetch_all(&self.main.readers)
            .await
            .map_err(cannot("read its deployments"))?;
            let summary =
                |(version, deployed_at, deployed_by, note, source, processes, apis): Columns| VersionSummary {
                    version: unsigned(version),
                    deployed_at: time::from_millis(deployed_at),
                    deployed_by,
                    note,
                    source,
                    processes: unsigned(processes),
                    apis: unsigned(apis),
                };
            Ok(rows.into_iter().map(summary).collect())
        })
    }

    fn environments(&self) -> Answer<'_, Vec<EnvironmentStatus>> {
        Box::pin(async move {
            let failed = cannot("read its environments");
            let rows = sqlx::query("SELECT * FROM environment").fetch_all(&self.main.readers).await.map_err(&failed)?;
            let status = |row: &Row| {
                let name: String = row.try_get("name").map_err(&failed)?;
                let newest = unsigned(row.try_get("newest").map_err(&failed)?);
                Ok(EnvironmentStatus { serving: serving(&name, row)?, name, newest })
            };
            let mut environments = rows.iter().map(status).collect::<Result<Vec<_>, StoreError>>()?;
            // Not by the database, whose order is that of its language.
            environments.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(environments)
        })
    }

    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT * FROM deployment WHERE environment = $1 AND source = $2 ORDER BY version DESC LIMIT 1",
            )
            .bind(environment)
            .bind(text(source))
            .fetch_optional(&self.main.readers)
            .await
            .map_err(cannot("read a deployment"))?;
            match row {
                Some(row) => self.whole_version(row).await.map(Some),
                None => Ok(None),
            }
        })
    }
}
