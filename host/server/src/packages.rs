//! The packages of a deployment: which bytes they are, and the components that are made of them.
//!
//! A package is known by its digest; its bytes are read again where they are needed, which is only to compile and to keep
//! them. So a start with everything in the cache costs one look at each file, some at a time, and the memory of none of them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_model::{Deployment, PackageRef};
use auricle_process::{Component, Engine, LoadError};
use auricle_store::{Digest, Store, StoreError};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};

use crate::deploy::DeployError;
use crate::limits::FILES_AT_A_TIME;

/// A package.
#[derive(Clone)]
pub(crate) struct Package {
    /// What its bytes are.
    pub(crate) digest: Digest,
    source: Source,
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Store(Arc<dyn Store>),
}

impl Package {
    /// One that a store keeps.
    pub(crate) fn stored(digest: Digest, store: Arc<dyn Store>) -> Self {
        Self { digest, source: Source::Store(store) }
    }

    /// Its bytes, as they are now.
    pub(crate) async fn bytes(self) -> Result<Bytes, LoadError> {
        match &self.source {
            Source::File(path) => {
                let read = tokio::fs::read(path).await;
                read.map(Bytes::from).map_err(|e| LoadError::Host(format!("cannot read {}: {e}", path.display())))
            }
            Source::Store(store) => {
                let read = store.package(self.digest).await.map_err(|e| LoadError::Host(e.to_string()))?;
                read.ok_or_else(|| LoadError::Host("the store does not hold it: deploy it again".to_owned()))
            }
        }
    }

    /// The digest as the engine writes it.
    fn component(&self) -> String {
        let text = self.digest.to_string();
        text.split_once(':').map_or_else(String::new, |(_, digits)| digits.to_owned())
    }
}

/// What was found by the name of its process, and what was wrong with the rest.
pub(crate) struct Found<T> {
    pub(crate) found: BTreeMap<String, T>,
    pub(crate) problems: Vec<Problem>,
}

impl<T> Found<T> {
    fn new() -> Self {
        Self { found: BTreeMap::new(), problems: Vec::new() }
    }

    /// Everything, or what keeps it from being everything.
    pub(crate) fn all(self) -> Result<BTreeMap<String, T>, Problems> {
        if self.problems.is_empty() { Ok(self.found) } else { Err(Problems(self.problems)) }
    }
}

/// The key of the manifest that says where a process's package is.
pub(crate) fn package_key(process: &str) -> String {
    format!("process[{process}].package")
}

/// Looks at the package file of every process. A file that several have is looked at once.
pub(crate) async fn read(manifest: &Manifest) -> Found<Package> {
    let processes = &manifest.deployment.processes;
    let mut files: Vec<PathBuf> = processes.iter().map(|p| path(&p.package).to_owned()).collect();
    files.sort_unstable();
    files.dedup();
    let digests = stream::iter(files).map(digest).buffer_unordered(FILES_AT_A_TIME);
    let digests: HashMap<PathBuf, std::io::Result<Digest>> = digests.collect().await;

    let mut packages = Found::new();
    for process in processes {
        let file = path(&process.package);
        match digests.get(file) {
            Some(Ok(digest)) => {
                let package = Package { digest: *digest, source: Source::File(file.to_owned()) };
                packages.found.insert(process.name.clone(), package);
            }
            Some(Err(error)) => {
                let hint = match (&process.build, error.kind()) {
                    (Some(_), std::io::ErrorKind::NotFound) => ": build it with `auricle build`",
                    _ => "",
                };
                let message = format!("cannot read {}: {error}{hint}", file.display());
                packages.problems.push(manifest.problem(&package_key(&process.name), message));
            }
            None => {}
        }
    }
    packages
}

fn path(package: &PackageRef) -> &Path {
    let PackageRef::Path(path) = package;
    path
}

async fn digest(file: PathBuf) -> (PathBuf, std::io::Result<Digest>) {
    let path = file.clone();
    let digest = tokio::task::spawn_blocking(move || Ok(Digest::of(&std::fs::read(path)?)));
    (file, digest.await.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))))
}

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
        let made = engine.load_for(name, &package.component(), package.clone().bytes()).await;
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

/// Keeps packages in a store, several at a time: it syncs them together. Each has to be what it was when it was loaded.
pub(crate) async fn keep(
    store: &Arc<dyn Store>,
    packages: &BTreeMap<String, Package>,
    places: &Manifest,
) -> Result<BTreeMap<String, Digest>, DeployError> {
    // Each with the process that it is told by.
    let once: BTreeMap<Digest, (String, Package)> =
        packages.iter().map(|(name, package)| (package.digest, (name.clone(), package.clone()))).collect();
    let keeping = stream::iter(once.into_values()).map(|(name, package)| keep_one(store.clone(), name, package));
    let mut keeping = keeping.buffer_unordered(FILES_AT_A_TIME);
    while let Some(kept) = keeping.next().await {
        if let Err((name, why)) = kept? {
            return Err(Problems(vec![places.problem(&package_key(&name), why)]).into());
        }
    }
    Ok(packages.iter().map(|(name, package)| (name.clone(), package.digest)).collect())
}

/// The inner error is what is wrong with the package of this process.
async fn keep_one(
    store: Arc<dyn Store>,
    name: String,
    package: Package,
) -> Result<Result<(), (String, String)>, StoreError> {
    let digest = package.digest;
    let bytes = match package.bytes().await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err((name, error.to_string()))),
    };
    if store.put_package(bytes).await? == digest {
        return Ok(Ok(()));
    }
    Ok(Err((name, "it is being changed: deploy it when it is not".to_owned())))
}
