//! Where the manifest says that packages are: files, and artifacts of registries. Each is looked at once, whoever has it.
//!
//! A registry is asked what a reference stands for when something is checked or deployed; a host that starts with an
//! unchanged manifest asks none.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auricle_model::manifest::Manifest;
use auricle_model::{InvalidReference, OciReference, PackageRef, ProcessDecl};
use auricle_store::{DeploymentVersion, Digest, Store};
use futures_util::{StreamExt as _, stream};

use super::oci::Registry;
use super::{Found, Package, RegistryError, Source, package_key};
use crate::limits::{FILES_AT_A_TIME, SIGNATURE_BYTES};

/// Looks at the package of every process, wherever it is.
pub async fn read(manifest: &Manifest) -> Found<Package> {
    let processes: Vec<&ProcessDecl> = manifest.deployment.processes.iter().collect();
    look(manifest, &processes).await
}

/// As [`read`], where the manifest's declarations are those of a version that was deployed from it: packages of registries
/// are what they were then.
pub(crate) async fn read_since(
    manifest: &Manifest,
    last: &DeploymentVersion,
    store: &Arc<dyn Store>,
) -> Found<Package> {
    let mut known: BTreeMap<String, Package> = BTreeMap::new();
    let mut rest = Vec::new();
    for process in &manifest.deployment.processes {
        match (&process.package, last.packages.get(&process.name)) {
            (PackageRef::Oci(_), Some(digest)) => {
                known.insert(process.name.clone(), Package::stored(*digest, store.clone()));
            }
            _ => rest.push(process),
        }
    }
    let mut found = look(manifest, &rest).await;
    found.found.append(&mut known);
    found
}

async fn look(manifest: &Manifest, processes: &[&ProcessDecl]) -> Found<Package> {
    let distinct: HashSet<PackageRef> = processes.iter().map(|process| process.package.clone()).collect();
    let registries = Arc::new(registries(&distinct).await);
    let looking = stream::iter(distinct).map(|package| look_at(package, registries.clone()));
    let looked: HashMap<PackageRef, Result<Package, Missing>> =
        looking.buffer_unordered(FILES_AT_A_TIME).collect().await;

    let mut packages = Found::new();
    for process in processes {
        match looked.get(&process.package) {
            Some(Ok(package)) => drop(packages.found.insert(process.name.clone(), package.clone())),
            Some(Err(missing)) => {
                packages.problems.push(manifest.problem(&package_key(&process.name), missing.told(process)));
            }
            None => {}
        }
    }
    packages
}

async fn look_at(package: PackageRef, registries: Arc<Registries>) -> (PackageRef, Result<Package, Missing>) {
    let found = match &package {
        PackageRef::Path(file) => of_file(file).await.map_err(|error| Missing::File(file.clone(), error)),
        PackageRef::Oci(text) => {
            of_registry(&registries, text).await.map_err(|error| Missing::Artifact(text.clone(), error))
        }
    };
    (package, found)
}

/// Why a package was not found.
enum Missing {
    File(PathBuf, io::Error),
    Artifact(String, RegistryError),
}

impl Missing {
    fn told(&self, process: &ProcessDecl) -> String {
        match self {
            Self::File(file, error) => {
                let hint = match (&process.build, error.kind()) {
                    (Some(_), io::ErrorKind::NotFound) => ": build it with `auricle build`",
                    _ => "",
                };
                format!("cannot read {}: {error}{hint}", file.display())
            }
            Self::Artifact(reference, error) => format!("`{reference}`: {error}"),
        }
    }
}

/// A package file, and the signature beside it: `X.wasm.sig` of `X.wasm`.
async fn of_file(file: &Path) -> io::Result<Package> {
    let path = file.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let digest = Digest::of(&std::fs::read(&path)?);
        let mut beside = path.clone().into_os_string();
        beside.push(".sig");
        let signature = match std::fs::File::open(beside) {
            Ok(beside) => {
                let mut text = String::new();
                beside.take(SIGNATURE_BYTES).read_to_string(&mut text)?;
                Some(text.trim().into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Package { digest, signature, source: Source::File(path) })
    });
    looked.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}

/// Registries by their names.
type Registries = HashMap<String, Result<Arc<Registry>, RegistryError>>;

async fn registries(packages: &HashSet<PackageRef>) -> Registries {
    let mut registries = Registries::new();
    for package in packages {
        if let PackageRef::Oci(text) = package
            && let Ok(reference) = text.parse::<OciReference>()
            && !registries.contains_key(&reference.registry)
        {
            let opened = Registry::open(&reference.registry).await.map(Arc::new);
            registries.insert(reference.registry, opened);
        }
    }
    registries
}

async fn of_registry(registries: &Registries, text: &str) -> Result<Package, RegistryError> {
    let reference: OciReference =
        text.parse().map_err(|error: InvalidReference| RegistryError::Invalid(error.to_string()))?;
    let registry = match registries.get(&reference.registry) {
        Some(opened) => opened.clone()?,
        None => Arc::new(Registry::open(&reference.registry).await?),
    };
    let artifact = registry.find(&reference).await?;
    let signature = artifact.signature.as_deref().map(Arc::from);
    Ok(Package { digest: artifact.digest, signature, source: Source::Registry(Arc::new(artifact)) })
}
