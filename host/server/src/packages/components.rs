//! Packages made into components: from the cache where it has them, else compiled.

use std::collections::{BTreeMap, HashMap};

use auricle_model::Deployment;
use auricle_model::manifest::Manifest;
use auricle_process::{Component, Engine, LoadError};
use auricle_store::Digest;
use futures_util::future::join_all;

use super::{Found, Package, package_key};

/// Every package that there is, loaded: what the cache has at once, then the rest, as many at a time as the machine
/// compiles.
pub(crate) async fn components(
    engine: &Engine,
    deployment: &Deployment,
    packages: &BTreeMap<String, Package>,
    places: &Manifest,
) -> Found<Component> {
    let distinct = distinct(deployment, packages);
    let cached = join_all(distinct.values().map(|(_, package)| async {
        let digest = package.component();
        engine.cached(&digest).await
    }));
    let mut loaded: HashMap<Digest, Result<Component, LoadError>> = HashMap::with_capacity(distinct.len());
    let mut missing = Vec::new();
    for (wanted, cached) in distinct.into_values().zip(cached.await) {
        match cached.transpose() {
            Some(known) => drop(loaded.insert(wanted.1.digest, known)),
            None => missing.push(wanted),
        }
    }
    let compiled = join_all(missing.into_iter().map(|(name, package)| async move {
        let bytes = package.clone();
        let made = engine.load_for(name, &package.component(), async move { bytes.bytes().await }).await;
        (package.digest, made)
    }));
    loaded.extend(compiled.await);

    let mut components = Found::new();
    for process in &deployment.processes {
        let Some(package) = packages.get(&process.name) else { continue };
        match loaded.get(&package.digest) {
            Some(Ok(component)) => drop(components.found.insert(process.name.clone(), component.clone())),
            Some(Err(error)) => {
                components.problems.push(places.problem(&package_key(&process.name), error.to_string()));
            }
            None => {}
        }
    }
    components
}

/// Whether all of these can be had without compiling anything.
pub(crate) async fn are_cached(engine: &Engine, packages: impl Iterator<Item = &Package>) -> bool {
    for package in packages {
        if !engine.is_cached(&package.component()).await {
            return false;
        }
    }
    true
}

/// Each package once, with the name of the first process that has it.
fn distinct<'d>(
    deployment: &'d Deployment,
    packages: &'d BTreeMap<String, Package>,
) -> BTreeMap<Digest, (&'d str, &'d Package)> {
    let mut distinct = BTreeMap::new();
    for process in &deployment.processes {
        if let Some(package) = packages.get(&process.name) {
            distinct.entry(package.digest).or_insert((process.name.as_str(), package));
        }
    }
    distinct
}
