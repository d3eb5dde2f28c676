//! What a start of the host comes to: a new version, where the manifest or a package has changed since they were last deployed
//! from it; else what the store says is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_model::manifest::Manifest;
use auricle_store::{By, Digest, NewDeployment, Serving, StoreErrorKind};

use super::load::{Begin, load, load_version, stored_packages};
use super::{Active, DeployError, Deployed, Served, follow};
use crate::host::Inner;
use crate::packages::{self, Package};

/// Who the audit log says it was: the host itself, by its manifest.
const WHO: &str = "host";

/// How often a start looks again when other hosts of the same store deploy at the same time.
const LOOKS: usize = 5;

/// Deploys a manifest as a new version. What others deploy meanwhile has come before.
pub(crate) async fn deploy_manifest(host: &Arc<Inner>, manifest: &Manifest) -> Result<Deployed, DeployError> {
    let packages = packages::read(manifest).await.all()?;
    new_version(host, manifest, packages, None).await
}

/// How far a start has come.
pub(crate) enum Started {
    /// The version before serves while the new one is compiled: requests can be taken, and the start is to go on.
    Meanwhile,
    /// All the way.
    Done(Deployed),
}

/// Starts to serve; `is_serving` where it has come to [`Started::Meanwhile`] before.
pub(crate) async fn start(host: &Arc<Inner>, manifest: &Manifest, is_serving: bool) -> Result<Started, DeployError> {
    let mut looks = 1;
    loop {
        match carry_out(host, manifest, is_serving).await {
            // Another host has deployed meanwhile: maybe the same.
            Err(DeployError::Store(error)) if error.kind() == StoreErrorKind::Conflict && looks < LOOKS => looks += 1,
            other => return other,
        }
    }
}

async fn carry_out(host: &Arc<Inner>, manifest: &Manifest, is_serving: bool) -> Result<Started, DeployError> {
    match plan(host, manifest).await? {
        Plan::Stands(serving) => {
            let served = follow::begin(host, &serving).await?;
            let version = served.active.as_ref().map_or(0, |active| active.version);
            Ok(Started::Done(Deployed { version, new: false }))
        }
        Plan::New { packages, serving } => {
            if !is_serving && let Some(active) = meanwhile(host, &packages, &serving).await {
                tracing::info!(version = active.version, "the version before serves while the new one is compiled");
                let served = Served { revision: serving.revision, active: Some(Arc::new(active)), canary: None };
                host.served.store(Arc::new(served));
                return Ok(Started::Meanwhile);
            }
            new_version(host, manifest, packages, Some(serving.revision)).await.map(Started::Done)
        }
    }
}

/// What a start comes to.
enum Plan {
    /// Nothing has changed: this stands.
    Stands(Serving),
    /// The manifest or a package has: these are deployed.
    New { packages: BTreeMap<String, Package>, serving: Serving },
}

async fn plan(host: &Inner, manifest: &Manifest) -> Result<Plan, DeployError> {
    let environment = &host.config.environment;
    let serving = host.store.serving(environment).await?;
    let last = host.store.last_from(environment, &source(manifest)).await?;
    let declared = declarations(manifest);
    let is_declared = |fingerprint: &String| fingerprint.starts_with(&declared);
    let read = match &last {
        Some(last) if last.fingerprint.as_ref().is_some_and(is_declared) => {
            packages::read_since(manifest, last, &host.store).await
        }
        _ => packages::read(manifest).await,
    };
    let unchanged = match last.and_then(|last| last.fingerprint) {
        None => false,
        Some(last) if read.problems.is_empty() => last == fingerprint(manifest, &digests(&read.found)),
        // Files that are gone are no change that anybody has made: the store holds what they were.
        Some(last) => is_declared(&last),
    };
    if !unchanged {
        return Ok(Plan::New { packages: read.all()?, serving });
    }
    for problem in &read.problems {
        tracing::warn!("the version in the store is served: {problem}");
    }
    Ok(Plan::Stands(serving))
}

/// The version that is active in the store, if what is planned has to be compiled first and this one has not: it can
/// serve meanwhile.
async fn meanwhile(host: &Inner, new: &BTreeMap<String, Package>, serving: &Serving) -> Option<Active> {
    if packages::are_cached(&host.engine, new.values()).await {
        return None;
    }
    // Whatever is wrong with it, it is not what was asked for.
    let stored = host.store.version(&host.config.environment, serving.active?).await.ok()??;
    if !packages::are_cached(&host.engine, stored_packages(host, &stored.packages).values()).await {
        return None;
    }
    match load_version(host, stored, Begin::Again).await {
        Ok(active) => Some(active),
        Err(problems) => {
            tracing::warn!("the version before does not start, so nothing is served until the new one is: {problems}");
            None
        }
    }
}

async fn new_version(
    host: &Arc<Inner>,
    manifest: &Manifest,
    packages: BTreeMap<String, Package>,
    expected: Option<u64>,
) -> Result<Deployed, DeployError> {
    let environment = &host.config.environment;
    let signers = packages::admitted(&host.config.trust, &packages, manifest).await?.all()?;
    let active = load(host, manifest.deployment.clone(), &packages, manifest, Begin::New).await?;
    let fingerprint = fingerprint(manifest, &digests(&packages));
    let packages = packages::keep(&host.store, &packages, &signers, manifest).await?;
    let new = NewDeployment {
        environment: environment.clone(),
        deployment: manifest.deployment.clone(),
        packages,
        source: Some(source(manifest)),
        fingerprint: Some(fingerprint),
        note: None,
        canary: None,
        expected,
    };
    let by = By {
        who: Some(WHO.to_owned()),
        action: "deploy",
        target: environment.clone(),
        detail: format!("from {}", manifest.file.display()),
    };
    let version = host.store.deploy(new, by).await?.version;
    host.deploys.deployed();
    follow::catch_up(host, vec![Arc::new(Active { version, ..active })], Begin::Elsewhere).await?;
    Ok(Deployed { version, new: true })
}

fn digests(packages: &BTreeMap<String, Package>) -> BTreeMap<String, Digest> {
    packages.iter().map(|(name, package)| (name.clone(), package.digest)).collect()
}

/// Names a manifest among those that may deploy to one store.
pub fn source(manifest: &Manifest) -> String {
    manifest.file.display().to_string()
}

/// Changes when a declaration does, with which it begins, or the bytes of a package. A host that is started with the
/// manifest that a version was deployed from compares it, to see whether anything is new.
pub fn fingerprint(manifest: &Manifest, packages: &BTreeMap<String, Digest>) -> String {
    let mut said = String::new();
    for (name, digest) in packages {
        said.push_str(name);
        said.push_str(&digest.to_string());
    }
    format!("{} {}", declarations(manifest), Digest::of(said.as_bytes()))
}

/// Changes when a declaration does.
fn declarations(manifest: &Manifest) -> String {
    // Serialising plain values to memory does not fail; if it did, a new version would be made, which is harmless.
    Digest::of(&serde_json::to_vec(&manifest.deployment).unwrap_or_default()).to_string()
}
