//! What was deployed: a new version as given, a version as kept, and which of them an environment serves.

use std::collections::BTreeMap;
use std::time::SystemTime;

use auricle_model::Deployment;
use serde::{Deserialize, Serialize};

use crate::{Answer, By, Digest, StoreError};

/// A deployment to be made the active version of an environment.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// The environment, such as `default`.
    pub environment: String,
    /// What is deployed together.
    pub deployment: Deployment,
    /// For each process of the deployment its package, which has to be in the store.
    pub packages: BTreeMap<String, Digest>,
    /// The manifest that it was made from, as an absolute path. None when it came another way.
    pub source: Option<String>,
    /// What that manifest and its packages were, in the deployer's own terms: the store only gives it back.
    pub fingerprint: Option<String>,
    /// For people: why.
    pub note: Option<String>,
    /// Whom it is for: everybody at once, or at first some.
    pub canary: Option<CanaryRule>,
    /// The revision that it was made on, where that matters: where it is not the stored one any more, that is a conflict,
    /// and no version is made.
    pub expected: Option<u64>,
}

/// Which requests a canary gets. One of the two at least has to hold for a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CanaryRule {
    /// Of ten thousand requests so many.
    pub share: u32,
    /// Requests that have this header with this value (without case).
    pub header: Option<(String, String)>,
}

/// A version that serves some of the requests of an environment beside the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// The version.
    pub version: u32,
    /// Which requests it gets.
    pub rule: CanaryRule,
}

/// What an environment serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serving {
    /// One more with every change: who has seen this one needs to look no further.
    pub revision: u64,
    /// The active version. None: nothing is deployed, or it was taken away.
    pub active: Option<u32>,
    /// The version that was active before this one (before it was taken away, where nothing is): what a rollback goes back
    /// to. The store keeps it with every change of `active`; a change that leaves `active` as it is leaves this too.
    pub previous: Option<u32>,
    /// The canary beside it.
    pub canary: Option<Canary>,
    /// Since when, to the millisecond.
    pub since: Option<SystemTime>,
}

/// An environment, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentStatus {
    /// Its name.
    pub name: String,
    /// What it serves.
    pub serving: Serving,
    /// The newest version, in force or not.
    pub newest: u32,
}

/// A version without what it declares, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    /// Counts from 1 in each environment.
    pub version: u32,
    /// When, to the millisecond.
    pub deployed_at: SystemTime,
    /// Who.
    pub deployed_by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// The manifest that it was made from.
    pub source: Option<String>,
    /// How many processes it holds.
    pub processes: u32,
    /// How many APIs it holds.
    pub apis: u32,
}

/// Keeps every version of every environment's deployment, and which of them is served.
pub trait Deployments: Send + Sync + 'static {
    /// Keeps a new version and, together with that, makes it the active one of its environment, which ends a canary, or
    /// its canary, in the place of one that is there.
    fn deploy(&self, new: NewDeployment, by: By) -> Answer<'_, DeploymentVersion>;

    /// Changes what an environment serves: a rollback, the end of a canary, an undeployment. `expected` is the revision
    /// that the decision was made on; where it is not the stored one any more, that is a conflict. A version that was
    /// never deployed there is invalid.
    fn serve<'a>(
        &'a self,
        environment: &'a str,
        expected: u64,
        active: Option<u32>,
        canary: Option<Canary>,
        by: By,
    ) -> Answer<'a, Serving>;

    /// What an environment serves; the default value for one that was never deployed to. Cheap: it is asked every second.
    fn serving<'a>(&'a self, environment: &'a str) -> Answer<'a, Serving>;

    /// A version of an environment.
    fn version<'a>(&'a self, environment: &'a str, version: u32) -> Answer<'a, Option<DeploymentVersion>>;

    /// The versions of an environment, newest first, below `before`, at most `limit`.
    fn versions<'a>(&'a self, environment: &'a str, before: Option<u32>, limit: u32)
    -> Answer<'a, Vec<VersionSummary>>;

    /// Every environment that was deployed to, by name.
    fn environments(&self) -> Answer<'_, Vec<EnvironmentStatus>>;

    /// The latest version that was deployed in an environment from this manifest, in force or not.
    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>>;
}

impl NewDeployment {
    /// Every process has a package, and every package a process.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let missing = self.deployment.processes.iter().find(|p| !self.packages.contains_key(&p.name));
        if let Some(process) = missing {
            return Err(StoreError::invalid(format!(
                "the deployment gives no package for its process `{}`: put the package, and name its digest",
                process.name
            )));
        }
        let extra = self.packages.keys().find(|name| self.deployment.process(name).is_none());
        if let Some(name) = extra {
            return Err(StoreError::invalid(format!(
                "the deployment gives a package for `{name}`, which is none of its processes"
            )));
        }
        Ok(())
    }

    pub(crate) fn unknown_package(process: &str, digest: Digest) -> StoreError {
        StoreError::invalid(format!(
            "the deployment's process `{process}` names the package {digest}, which is not in the store: put it first"
        ))
    }

    pub(crate) fn into_version(self, version: u32, by: &By, deployed_at: SystemTime) -> DeploymentVersion {
        let Self { environment, deployment, packages, source, fingerprint, note, canary: _, expected: _ } = self;
        let deployed_by = by.who.clone();
        DeploymentVersion {
            environment,
            version,
            deployment,
            packages,
            source,
            fingerprint,
            note,
            deployed_by,
            deployed_at,
        }
    }
}

/// A version of an environment's deployment. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentVersion {
    /// The environment.
    pub environment: String,
    /// Counts from 1 in each environment.
    pub version: u32,
    /// What is deployed together.
    pub deployment: Deployment,
    /// For each process its package.
    pub packages: BTreeMap<String, Digest>,
    /// The manifest that it was made from.
    pub source: Option<String>,
    /// What that manifest and its packages were.
    pub fingerprint: Option<String>,
    /// For people: why.
    pub note: Option<String>,
    /// Who.
    pub deployed_by: Option<String>,
    /// When, to the millisecond.
    pub deployed_at: SystemTime,
}
