//! The versions of each environment, and what it serves.

use std::collections::BTreeMap;

use super::MemoryStore;
use crate::{
    Answer, By, Canary, DeploymentVersion, EnvironmentStatus, NewDeployment, Serving, VersionSummary, refusal, time,
};

pub(super) type Environments = BTreeMap<String, Environment>;

#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Version 1 first, without a gap.
    versions: Vec<DeploymentVersion>,
    serving: Serving,
}

impl Environment {
    fn newest(&self) -> u32 {
        self.versions.last().map_or(0, |last| last.version)
    }

    fn serve(&mut self, active: Option<u32>, canary: Option<Canary>) {
        let before = &self.serving;
        let previous = if before.active == active {
            before.previous
        } else {
            before.active.or(before.previous).filter(|version| active != Some(*version))
        };
        let revision = before.revision + 1;
        self.serving = Serving { revision, active, previous, canary, since: Some(time::now()) };
    }
}

fn summary(of: &DeploymentVersion) -> VersionSummary {
    VersionSummary {
        version: of.version,
        deployed_at: of.deployed_at,
        deployed_by: of.deployed_by.clone(),
        note: of.note.clone(),
        source: of.source.clone(),
        processes: u32::try_from(of.deployment.processes.len()).unwrap_or(u32::MAX),
        apis: u32::try_from(of.deployment.apis.len()).unwrap_or(u32::MAX),
    }
}

impl crate::Deployments for MemoryStore {
    fn deploy(&self, new: NewDeployment, by: By) -> Answer<'_, DeploymentVersion> {
        self.with(|all| {
            new.check()?;
            if let Some((process, digest)) = new.packages.iter().find(|(_, d)| !all.packages.contains_key(*d)) {
                return Err(NewDeployment::unknown_package(process, *digest));
            }
            let revision = all.environments.get(&new.environment).map_or(0, |environment| environment.serving.revision);
            if let Some(expected) = new.expected.filter(|expected| *expected != revision) {
                return Err(refusal::changed_meanwhile(&new.environment, expected));
            }
            let environment = all.environments.entry(new.environment.clone()).or_default();
            let number = environment.newest() + 1;
            match new.canary.clone() {
                Some(rule) => environment.serve(environment.serving.active, Some(Canary { version: number, rule })),
                None => environment.serve(Some(number), None),
            }
            let version = new.into_version(number, &by, time::now());
            environment.versions.push(version.clone());
            all.access.note(by);
            Ok(version)
        })
    }

    fn serve<'a>(
        &'a self,
        environment: &'a str,
        expected: u64,
        active: Option<u32>,
        canary: Option<Canary>,
        by: By,
    ) -> Answer<'a, Serving> {
        self.with(|all| {
            let Some(served) = all.environments.get_mut(environment) else {
                return Err(refusal::never_deployed(environment));
            };
            if served.serving.revision != expected {
                return Err(refusal::changed_meanwhile(environment, expected));
            }
            for version in active.into_iter().chain(canary.as_ref().map(|canary| canary.version)) {
                if !(1..=served.newest()).contains(&version) {
                    return Err(refusal::unknown_version(environment, version));
                }
            }
            served.serve(active, canary);
            let serving = served.serving.clone();
            all.access.note(by);
            Ok(serving)
        })
    }

    fn serving<'a>(&'a self, environment: &'a str) -> Answer<'a, Serving> {
        self.with(|all| Ok(all.environments.get(environment).map(|e| e.serving.clone()).unwrap_or_default()))
    }

    fn version<'a>(&'a self, environment: &'a str, version: u32) -> Answer<'a, Option<DeploymentVersion>> {
        self.with(|all| {
            let mut versions = all.environments.get(environment).into_iter().flat_map(|e| &e.versions);
            Ok(versions.find(|kept| kept.version == version).cloned())
        })
    }

    fn versions<'a>(
        &'a self,
        environment: &'a str,
        before: Option<u32>,
        limit: u32,
    ) -> Answer<'a, Vec<VersionSummary>> {
        self.with(|all| {
            let newest = all.environments.get(environment).into_iter().flat_map(|e| e.versions.iter().rev());
            let below = newest.filter(|kept| before.is_none_or(|before| kept.version < before));
            Ok(below.take(limit as usize).map(summary).collect())
        })
    }

    fn environments(&self) -> Answer<'_, Vec<EnvironmentStatus>> {
        self.with(|all| {
            let status = |(name, of): (&String, &Environment)| EnvironmentStatus {
                name: name.clone(),
                serving: of.serving.clone(),
                newest: of.newest(),
            };
            Ok(all.environments.iter().map(status).collect())
        })
    }

    fn last_from<'a>(&'a self, environment: &'a str, source: &'a str) -> Answer<'a, Option<DeploymentVersion>> {
        self.with(|all| {
            let newest = all.environments.get(environment).into_iter().flat_map(|e| e.versions.iter().rev());
            Ok(newest.clone().find(|kept| kept.source.as_deref() == Some(source)).cloned())
        })
    }
}
