//! What was deployed: a new version as given, and a version as kept.

use std::collections::BTreeMap;
use std::time::SystemTime;

use auricle_model::Deployment;

use crate::{Digest, StoreError};

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

    pub(crate) fn into_version(self, version: u32, deployed_at: SystemTime) -> DeploymentVersion {
        let Self { environment, deployment, packages, source, fingerprint, note } = self;
        DeploymentVersion { environment, version, deployment, packages, source, fingerprint, note, deployed_at }
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
    /// When, to the millisecond.
    pub deployed_at: SystemTime,
}
