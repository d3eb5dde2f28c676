//! Declarations and packages made into a version that can serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_api::route::{Conflict, Router};
use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_model::{ConnectionDecl, Deployment, ServerConfig};
use auricle_process::{Component, Demand, Engine, ProcessSpec, Processes, StartError};
use auricle_store::{DeploymentVersion, Digest};

use super::{Active, no_places, smoke};
use crate::host::Inner;
use crate::metrics::Routes;
use crate::packages::{self, Package, package_key};

/// How much is known of processes that are to be started as they are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// Nothing: each makes an instance and answers its smoke request.
    New,
    /// Another host has done that: each makes an instance here.
    Elsewhere,
    /// This host has done that: only what is kept is made.
    Again,
}

/// Starts a version that the store keeps, as it was started here or elsewhere before.
pub(crate) async fn load_stored(host: &Inner, stored: DeploymentVersion) -> Result<Active, Problems> {
    load_version(host, stored, Begin::Elsewhere).await
}

pub(super) async fn load_version(host: &Inner, stored: DeploymentVersion, begin: Begin) -> Result<Active, Problems> {
    let packages = stored_packages(host, &stored.packages);
    let loaded = load(host, stored.deployment, &packages, &no_places()?, begin).await;
    loaded.map(|active| Active { version: stored.version, ..active }).map_err(unlocated)
}

pub(super) fn stored_packages(host: &Inner, digests: &BTreeMap<String, Digest>) -> BTreeMap<String, Package> {
    let package = |digest: &Digest| Package::stored(*digest, host.store.clone());
    digests.iter().map(|(name, digest)| (name.clone(), package(digest))).collect()
}

/// Everything but the last step. What comes back has the version 0 until the store gives it one.
pub(super) async fn load(
    host: &Inner,
    deployment: Deployment,
    packages: &BTreeMap<String, Package>,
    places: &Manifest,
    begin: Begin,
) -> Result<Active, Problems> {
    let router = router(&deployment, &host.config, places)?;
    let fits = host.engine.fits(&Demand::of(&deployment.processes));
    for finding in fits.problems.iter().chain(&fits.warnings) {
        tracing::warn!("{finding}");
    }
    let components = packages::components(&host.engine, &deployment, packages, places).await.all()?;
    let processes = processes(&host.engine, &deployment, components, places, begin).await?;
    let routes = Routes::of(&router, host.requests.routes());
    let packages = packages.iter().map(|(name, package)| (name.clone(), package.digest)).collect();
    let health = deployment.guard.as_ref().map(|_| Arc::default());
    Ok(Active { version: 0, deployment, packages, router, processes, routes, health })
}

/// Problems of declarations that no file holds: only their keys say where.
pub(crate) fn unlocated(problems: Problems) -> Problems {
    Problems(problems.0.into_iter().map(|problem| Problem { location: None, ..problem }).collect())
}

pub(super) fn router(deployment: &Deployment, server: &ServerConfig, places: &Manifest) -> Result<Router, Problems> {
    let of_file = !places.file.as_os_str().is_empty();
    Router::new(deployment, server).map_err(|conflicts| {
        let problem = |conflict: Conflict| {
            let other = conflict.other.map(|key| match of_file {
                true => format!(" (the other one: {})", places.locate(&key)),
                false => format!(" (the other one: {key})"),
            });
            places.problem(&conflict.key, format!("{}{}", conflict.message, other.unwrap_or_default()))
        };
        Problems(conflicts.into_iter().map(problem).collect())
    })
}

pub(super) async fn processes(
    engine: &Engine,
    deployment: &Deployment,
    mut components: BTreeMap<String, Component>,
    places: &Manifest,
    begin: Begin,
) -> Result<Arc<Processes>, Problems> {
    let mut specs = Vec::with_capacity(deployment.processes.len());
    let mut problems = Vec::new();
    for decl in &deployment.processes {
        match components.remove(&decl.name) {
            Some(component) => specs.push(ProcessSpec { decl: decl.clone(), component }),
            None => {
                problems.push(places.problem(&package_key(&decl.name), "the store does not hold it: deploy it again"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let connections: &[ConnectionDecl] = &deployment.connections;
    let started = match begin {
        Begin::New | Begin::Elsewhere => Processes::start(engine, specs, connections).await,
        Begin::Again => Processes::resume(engine, specs, connections).await,
    };
    let processes = started.map_err(|errors| {
        Problems(errors.into_iter().map(|error| places.problem(&key_of(&error), error.to_string())).collect())
    })?;
    if begin == Begin::New {
        smoke::run(&processes, places).await?;
    }
    Ok(processes)
}

/// The manifest's key that an error at start comes from.
fn key_of(error: &StartError) -> String {
    match error {
        StartError::Duplicate { name } => format!("process[{name}].name"),
        StartError::UnknownConnection { process, .. } => format!("process[{process}].connections"),
        StartError::Connection(error) => format!("connection[{}].url", error.name),
        StartError::Folder { process, .. } => format!("process[{process}].files"),
        StartError::Instance { process, .. } => format!("process[{process}].package"),
    }
}
