//! Changes of what an environment serves, as they are asked for over the admin API: of the environment of this host, or of
//! another one in the same store, which is looked at here just as closely and served by others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auricle_model::manifest::{Manifest, Problem, Problems, nearest};
use auricle_model::{Deployment, PackageRef};
use auricle_store::{
    By, Canary, CanaryRule, DeploymentVersion, Digest, NewDeployment, Serving, StoreError, StoreErrorKind,
};

use super::load::{Begin, load, load_version, stored_packages, unlocated};
use super::{Active, check, follow, no_places};
use crate::host::Inner;
use crate::metrics::RolledBack;
use crate::packages::{package_key, signature};

/// What of an environment a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The active one.
    Active,
    /// The one beside it.
    Canary,
}

/// A version to be made.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) environment: String,
    pub(crate) deployment: Deployment,
    pub(crate) packages: BTreeMap<String, Digest>,
    pub(crate) source: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) canary: Option<CanaryRule>,
}

/// Another package for one process.
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    pub(crate) process: &'a str,
    pub(crate) digest: Digest,
    /// None: in every environment whose active deployment holds the process.
    pub(crate) environment: Option<&'a str>,
    pub(crate) note: Option<String>,
    pub(crate) canary: Option<CanaryRule>,
}

/// What a change came to.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) environment: String,
    pub(crate) version: Option<u32>,
    pub(crate) revision: u64,
    pub(crate) new: bool,
    pub(crate) warnings: Vec<Problem>,
}

/// Why nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// It cannot be served.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// It does not go with what is served now, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
}

impl From<super::DeployError> for ChangeError {
    fn from(error: super::DeployError) -> Self {
        match error {
            super::DeployError::Problems(problems) => Self::Problems(problems),
            super::DeployError::Store(error) => Self::Store(error),
        }
    }
}

/// Looks at a proposal as a deployment does, and changes nothing.
pub(crate) async fn only_check(host: &Arc<Inner>, proposal: &Proposal) -> Result<Changed, ChangeError> {
    let serving = host.store.serving(&proposal.environment).await?;
    let (_, warnings) = prepare(host, proposal, &serving).await?;
    Ok(changed(&proposal.environment, None, &serving, false, warnings))
}

/// Makes a version, and serves it. One that is the same as the active one is not made.
pub(crate) async fn deploy(host: &Arc<Inner>, proposal: Proposal, by: By) -> Result<Changed, ChangeError> {
    let _one = host.deploying.lock().await;
    let serving = host.store.serving(&proposal.environment).await?;
    if let Some(active) = serving.active
        && proposal.canary.is_none()
        && is_same(&proposal, &follow::stored(host, &proposal.environment, active).await?)
    {
        return Ok(changed(&proposal.environment, Some(active), &serving, false, Vec::new()));
    }
    let prepared = prepare(host, &proposal, &serving).await.inspect_err(|_| host.deploys.refused())?;
    commit(host, proposal, &serving, prepared, by).await
}

/// Whether it would serve the same. In which folder it was built, and to which file, is the affair of a desk.
fn is_same(proposal: &Proposal, stored: &DeploymentVersion) -> bool {
    let served = |deployment: &Deployment| {
        let mut deployment = deployment.clone();
        for process in &mut deployment.processes {
            process.package = PackageRef::Path(PathBuf::new());
            process.build = None;
            process.build_dir = PathBuf::new();
        }
        deployment
    };
    proposal.packages == stored.packages && served(&proposal.deployment) == served(&stored.deployment)
}

/// Gives one process another package, in every environment that is meant and whose active deployment holds it. All of them
/// are looked at before the first is changed.
pub(crate) async fn deploy_package(
    host: &Arc<Inner>,
    replacement: Replacement<'_>,
    by: impl Fn(&str) -> By,
) -> Result<Vec<Changed>, ChangeError> {
    let Replacement { process, digest, environment: only, note, canary } = replacement;
    let _one = host.deploying.lock().await;
    let mut prepared = Vec::new();
    // Of those that serve it already.
    let mut all = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for environment in host.store.environments().await? {
        let Some(active) = environment.serving.active else { continue };
        if only.is_some_and(|only| only != environment.name) {
            continue;
        }
        let stored = follow::stored(host, &environment.name, active).await?;
        known.extend(stored.deployment.processes.iter().map(|process| process.name.clone()));
        if stored.deployment.process(process).is_none() {
            continue;
        }
        if canary.is_none() && stored.packages.get(process) == Some(&digest) {
            all.push(changed(&environment.name, Some(active), &environment.serving, false, Vec::new()));
            continue;
        }
        let mut packages = stored.packages;
        packages.insert(process.to_owned(), digest);
        let proposal = Proposal {
            environment: environment.name,
            deployment: stored.deployment,
            packages,
            // It is not what its manifest says: a start with that unchanged keeps this.
            source: None,
            fingerprint: None,
            note: note.clone(),
            canary: canary.clone(),
        };
        let ready = prepare(host, &proposal, &environment.serving).await.inspect_err(|_| host.deploys.refused())?;
        prepared.push((proposal, environment.serving, ready));
    }
    if prepared.is_empty() && all.is_empty() {
        let near = nearest(process, known.iter().map(String::as_str));
        let hint = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        let place = only.map(|only| format!(" of environment `{only}`")).unwrap_or_default();
        return Err(ChangeError::NotFound(format!("no active deployment{place} holds a process `{process}`{hint}")));
    }
    for (proposal, serving, ready) in prepared {
        let by = by(&proposal.environment);
        all.push(commit(host, proposal, &serving, ready, by).await?);
    }
    Ok(all)
}

/// Goes back: to a version, or ends the canary, or to the version that was active before.
pub(crate) async fn rollback(
    host: &Arc<Inner>,
    environment: &str,
    version: Option<u32>,
    by: impl FnOnce(String) -> By,
) -> Result<Changed, ChangeError> {
    let serving = host.store.serving(environment).await?;
    let (active, detail) = match (version, &serving.canary) {
        (Some(version), _) => (Some(version), format!("to version {version}")),
        (None, Some(canary)) => (serving.active, format!("end of the canary, version {}", canary.version)),
        (None, None) => match serving.previous {
            Some(version) => (Some(version), format!("to version {version}")),
            None => return Err(nothing_before(environment)),
        },
    };
    let changed = serve(host, environment, &serving, active, by(detail)).await?;
    host.deploys.rollback(RolledBack::Asked);
    Ok(changed)
}

fn nothing_before(environment: &str) -> ChangeError {
    ChangeError::Conflict(format!(
        "no version was active in environment `{environment}` before this one: name one to go to"
    ))
}

/// Makes the canary the active version.
pub(crate) async fn promote(
    host: &Arc<Inner>,
    environment: &str,
    by: impl FnOnce(String) -> By,
) -> Result<Changed, ChangeError> {
    let serving = host.store.serving(environment).await?;
    let Some(Canary { version, .. }) = serving.canary else {
        return Err(ChangeError::Conflict(format!("environment `{environment}` has no canary to be promoted")));
    };
    serve(host, environment, &serving, Some(version), by(format!("version {version}"))).await
}

/// Serves nothing any more. Versions stay.
pub(crate) async fn undeploy(
    host: &Arc<Inner>,
    environment: &str,
    by: impl FnOnce(String) -> By,
) -> Result<Changed, ChangeError> {
    let serving = host.store.serving(environment).await?;
    let Some(version) = serving.active else {
        return Err(ChangeError::NotFound(format!("nothing is deployed in environment `{environment}`")));
    };
    serve(host, environment, &serving, None, by(format!("version {version}"))).await
}

/// Takes a version back that is still what it was; gives the version that is active then.
pub(super) async fn take_back(
    host: &Arc<Inner>,
    version: u32,
    role: Target,
    by: By,
) -> Result<Option<u32>, ChangeError> {
    let environment = &host.config.environment;
    let serving = host.store.serving(environment).await?;
    let to = match role {
        Target::Canary if serving.canary.as_ref().is_some_and(|canary| canary.version == version) => serving.active,
        Target::Active if serving.active == Some(version) => {
            Some(serving.previous.ok_or_else(|| nothing_before(environment))?)
        }
        Target::Canary | Target::Active => return Ok(None),
    };
    serve(host, environment, &serving, to, by).await?;
    Ok(to)
}

/// Serves another version that the store has, and no canary.
async fn serve(
    host: &Arc<Inner>,
    environment: &str,
    serving: &Serving,
    active: Option<u32>,
    by: By,
) -> Result<Changed, ChangeError> {
    if active == serving.active && serving.canary.is_none() {
        return Ok(changed(environment, active, serving, false, Vec::new()));
    }
    let is_own = environment == host.config.environment;
    let mut have = Vec::new();
    if let Some(version) = active {
        // One that is served here has shown that it starts.
        let served = if is_own { host.served.load().version(version) } else { None };
        if served.is_none() {
            let stored = host.store.version(environment, version).await?.ok_or_else(|| {
                ChangeError::NotFound(format!("environment `{environment}` has no version {version}"))
            })?;
            allowed(host, &stored.deployment, &stored.packages).await?;
            have.push(Arc::new(load_version(host, stored, Begin::New).await?));
        }
    }
    let served = host.store.serve(environment, serving.revision, active, None, by).await;
    let served = explained(host, environment, served).await?;
    if is_own {
        swap(host, have).await;
    }
    Ok(changed(environment, active, &served, false, Vec::new()))
}

/// Everything but the last step.
async fn prepare(
    host: &Arc<Inner>,
    proposal: &Proposal,
    serving: &Serving,
) -> Result<(Active, Vec<Problem>), ChangeError> {
    let Proposal { environment, deployment, packages, canary, .. } = proposal;
    if canary.is_some() && serving.active.is_none() {
        return Err(ChangeError::Conflict(format!(
            "nothing is active in environment `{environment}`, so a canary has nothing to be beside: deploy it to all"
        )));
    }
    allowed(host, deployment, packages).await?;
    let nowhere = no_places()?;
    let packages = stored_packages(host, packages);
    let loaded = load(host, deployment.clone(), &packages, &nowhere, Begin::New).await;
    let active = loaded.map_err(unlocated)?;
    let mut warnings = check::ungranted_of(&active.processes, &nowhere);
    warnings.extend(check::unreachable(&active.router, &nowhere));
    warnings.extend(check::remarks(&active.router, &nowhere));
    Ok((active, warnings))
}

/// Each process has a package, each package a process; the store holds them, and they may be deployed.
async fn allowed(
    host: &Inner,
    deployment: &Deployment,
    packages: &BTreeMap<String, Digest>,
) -> Result<(), ChangeError> {
    let nowhere: Manifest = no_places()?;
    let mut problems = Vec::new();
    // Either may be a link to somewhere else.
    let own = [host.config.data_dir.clone(), host.config.data_dir.join("cache")].map(|folder| absolute(&folder));
    for process in &deployment.processes {
        let key = package_key(&process.name);
        let Some(digest) = packages.get(&process.name) else {
            problems.push(nowhere.problem(&key, "no package is named for it: give its digest in `packages`"));
            continue;
        };
        let Some(info) = host.store.package_info(*digest).await? else {
            problems.push(nowhere.problem(&key, format!("the store does not hold {digest}: put the package first")));
            continue;
        };
        if let Err(why) = signature::admit(&host.config.trust, info.signed_by.as_deref()) {
            problems.push(nowhere.problem(&key, why.to_string()));
        }
        if process.grants.files.iter().any(|grant| own.iter().any(|own| reaches(&grant.host, own))) {
            let key = format!("process[{}].files", process.name);
            problems.push(nowhere.problem(&key, "it would reach the host's own data folder: grant another one"));
        }
    }
    for connection in &deployment.connections {
        // The file may not be there yet, its folder is.
        let folder = connection.url.strip_prefix("sqlite://").and_then(|file| Path::new(file).parent());
        if folder.is_some_and(|folder| own.iter().any(|own| absolute(folder).starts_with(own))) {
            let key = format!("connection[{}].url", connection.name);
            problems.push(nowhere.problem(&key, "it is in the host's own data folder: take another file"));
        }
    }
    let extra = packages.keys().filter(|name| deployment.process(name).is_none());
    problems.extend(
        extra.map(|name| nowhere.problem("", format!("a package is named for `{name}`, which is no process of it"))),
    );
    if problems.is_empty() { Ok(()) } else { Err(unlocated(Problems(problems)).into()) }
}

/// Whether a granted folder is one of the host's own, in it or around it: there are tokens, and code that is run as it is.
fn reaches(granted: &Path, own: &Path) -> bool {
    let granted = absolute(granted);
    granted.starts_with(own) || own.starts_with(granted)
}

/// Without links where it is there.
fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The last step.
async fn commit(
    host: &Arc<Inner>,
    proposal: Proposal,
    serving: &Serving,
    (active, warnings): (Active, Vec<Problem>),
    by: By,
) -> Result<Changed, ChangeError> {
    let Proposal { environment, deployment, packages, source, fingerprint, note, canary } = proposal;
    let new = NewDeployment {
        environment: environment.clone(),
        deployment,
        packages,
        source,
        fingerprint,
        note,
        canary,
        expected: Some(serving.revision),
    };
    let stored = host.store.deploy(new, by).await;
    let version = explained(host, &environment, stored).await?.version;
    host.deploys.deployed();
    if environment == host.config.environment {
        swap(host, vec![Arc::new(Active { version, ..active })]).await;
    }
    let revision = host.store.serving(&environment).await?.revision;
    tracing::info!(%environment, version, "deployed");
    Ok(Changed { environment, version: Some(version), revision, new: true, warnings })
}

/// Serves what the store has been told. It has been told: if this fails, it is tried again until it is done.
async fn swap(host: &Arc<Inner>, have: Vec<Arc<Active>>) {
    if let Err(error) = follow::catch_up(host, have, Begin::Elsewhere).await {
        tracing::error!("what was deployed is not served yet: {error}");
        host.tell_behind(Some(format!("what was deployed is not served yet: {error}")));
    }
}

/// A conflict, with who has won.
async fn explained<T>(host: &Inner, environment: &str, result: Result<T, StoreError>) -> Result<T, ChangeError> {
    let error = match result {
        Ok(value) => return Ok(value),
        Err(error) if error.kind() == StoreErrorKind::Conflict => error,
        Err(error) => return Err(error.into()),
    };
    let last = host.store.audit(None, 20).await.unwrap_or_default();
    let last = last.into_iter().find(|entry| entry.target == environment);
    let who = last.map(|last| {
        let who = last.who.map(|who| format!(" by `{who}`")).unwrap_or_default();
        format!(" (the last change: {}{who}, {})", last.action, last.detail)
    });
    Err(ChangeError::Conflict(format!(
        "environment `{environment}` was changed by somebody else meanwhile{}; nothing was done: look, and try again",
        who.unwrap_or_else(|| format!(" ({error})"))
    )))
}

fn changed(environment: &str, version: Option<u32>, serving: &Serving, new: bool, warnings: Vec<Problem>) -> Changed {
    Changed { environment: environment.to_owned(), version, revision: serving.revision, new, warnings }
}
