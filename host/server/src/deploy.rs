//! From a manifest to something that serves: everything is looked at, loaded and started before anything changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_api::route::{Endpoint, Router};
use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_model::{
    ConnectionDecl, Deployment, DocumentType, Execution, Failure, FailureKind, Mode, Operation, OperationKind, Outcome,
    ServerConfig,
};
use auricle_process::{Component, Demand, Engine, Machine, ProcessSpec, Processes, StartError, findings};
use auricle_store::{DeploymentVersion, Digest, NewDeployment, StoreError};

use crate::host::Inner;
use crate::metrics::Routes;
use crate::packages::{self, Found, Package, package_key};

/// One version of a deployment, being served. It is never changed, only replaced as a whole.
pub struct Active {
    /// Its version in the store, from 1.
    pub version: u32,
    /// What was declared.
    pub deployment: Deployment,
    /// Finds the endpoint of a request.
    pub router: Router,
    /// Its processes, started.
    pub processes: Arc<Processes>,
    /// Where the requests of each route are counted.
    pub(crate) routes: Routes,
}

/// What a deployment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The version now active.
    pub version: u32,
    /// Whether it is a new one, or the manifest had not changed.
    pub new: bool,
}

/// Why nothing was deployed. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The manifest, its packages, or both: each with its place.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What [`check`] found.
#[derive(Debug, Default)]
pub struct Report {
    /// What would make a deployment fail or a request miss.
    pub problems: Vec<Problem>,
    /// What may be meant so: imports that the manifest does not grant, routes that no request reaches.
    pub warnings: Vec<Problem>,
}

/// Looks for everything that would make a deployment of this manifest fail, by doing all of it but the last step. What is
/// wrong with one process does not hide what is wrong with another.
pub async fn check(engine: &Engine, manifest: &Manifest) -> Report {
    // As for the engine of a host, which is not the one that checks. Before anything is mapped here.
    let fits = findings(&Demand::of(&manifest.deployment.processes), &Machine::look(), None);
    let Found { found: packages, mut problems } = packages::read(manifest).await;
    let Found { found: components, problems: more } =
        packages::components(engine, &manifest.deployment, &packages, manifest).await;
    problems.extend(more);
    problems.extend(fits.problems.into_iter().map(|message| manifest.problem("", message)));
    let mut warnings = ungranted(manifest, &components);
    warnings.extend(fits.warnings.into_iter().map(|message| manifest.problem("", message)));
    if problems.is_empty()
        && let Err(more) = processes(engine, &manifest.deployment, components, manifest, Begin::New).await
    {
        problems.extend(more.0);
    }
    match router(&manifest.deployment, &manifest.server, manifest) {
        Err(more) => problems.extend(more.0),
        Ok(router) => warnings.extend(unreachable(&router, manifest)),
    }
    Report { problems, warnings }
}

/// Makes one process of a manifest ready to run, without a host, with those of the others that are built: it may call them.
/// For `auricle invoke`.
pub async fn processes_for(engine: &Engine, manifest: &Manifest, process: &str) -> Result<Arc<Processes>, Problems> {
    let key = format!("process[{process}].");
    let own = |problems: Vec<Problem>| problems.into_iter().filter(|p| p.key.starts_with(&key)).collect::<Vec<_>>();
    let Found { found: packages, problems } = packages::read(manifest).await;
    let mut problems = own(problems);
    let mut deployment = manifest.deployment.clone();
    deployment.processes.retain(|p| packages.contains_key(&p.name));
    let Found { found: components, problems: more } =
        packages::components(engine, &deployment, &packages, manifest).await;
    problems.extend(own(more));
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    deployment.processes.retain(|p| components.contains_key(&p.name));
    processes(engine, &deployment, components, manifest, Begin::New).await
}

/// Deploys a manifest as a new version.
pub(crate) async fn deploy(
    host: &Inner,
    manifest: &Manifest,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    let packages = packages::read(manifest).await.all()?;
    new_version(host, manifest, packages, environment).await
}

/// What a start comes to.
pub(crate) enum Plan {
    /// Nothing has changed: this version stands.
    Stands(DeploymentVersion),
    /// The manifest or a package has: these are deployed.
    New(BTreeMap<String, Package>),
}

/// Deploys a manifest if it changed since it was last deployed; else what the store says is active stands.
pub(crate) async fn plan(host: &Inner, manifest: &Manifest, environment: &str) -> Result<Plan, DeployError> {
    let read = packages::read(manifest).await;
    let last = host.store.last_from(environment, &source(manifest)).await?.and_then(|last| last.fingerprint);
    let declared = declarations(manifest);
    let unchanged = match &last {
        None => false,
        Some(last) if read.problems.is_empty() => *last == fingerprint(&declared, &read.found),
        // Files that are gone are no change that anybody has made: the store holds what they were.
        Some(last) => last.starts_with(&declared),
    };
    let stored = if unchanged { host.store.active(environment).await? } else { None };
    let Some(stored) = stored else { return Ok(Plan::New(read.all()?)) };
    for problem in &read.problems {
        tracing::warn!("the version in the store is served: {problem}");
    }
    Ok(Plan::Stands(stored))
}

/// Starts what was planned.
pub(crate) async fn carry_out(
    host: &Inner,
    manifest: &Manifest,
    plan: Plan,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    match plan {
        Plan::New(packages) => new_version(host, manifest, packages, environment).await,
        Plan::Stands(stored) => {
            let version = stored.version;
            Ok((load_stored(host, stored, manifest).await?, Deployed { version, new: false }))
        }
    }
}

/// The version that is active in the store, if what is planned has to be compiled first and this one has not: it can
/// serve meanwhile.
pub(crate) async fn meanwhile(host: &Inner, manifest: &Manifest, plan: &Plan, environment: &str) -> Option<Active> {
    let Plan::New(new) = plan else { return None };
    if packages::are_cached(&host.engine, new.values()).await {
        return None;
    }
    // Whatever is wrong with it, it is not what was asked for.
    let stored = host.store.active(environment).await.ok()??;
    let old: Vec<Package> = stored.packages.values().map(|digest| stored_package(host, *digest)).collect();
    if !packages::are_cached(&host.engine, old.iter()).await {
        return None;
    }
    match load_stored(host, stored, manifest).await {
        Ok(active) => Some(active),
        Err(problems) => {
            tracing::warn!("the version before does not start, so nothing is served until the new one is: {problems}");
            None
        }
    }
}

fn stored_package(host: &Inner, digest: Digest) -> Package {
    Package::stored(digest, host.store.clone())
}

/// Starts a version that the store keeps.
async fn load_stored(host: &Inner, stored: DeploymentVersion, places: &Manifest) -> Result<Active, Problems> {
    let packages = stored.packages.iter().map(|(name, digest)| (name.clone(), stored_package(host, *digest))).collect();
    load(host, stored.deployment, &packages, places, stored.version).await
}

async fn new_version(
    host: &Inner,
    manifest: &Manifest,
    packages: BTreeMap<String, Package>,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    let mut active = load(host, manifest.deployment.clone(), &packages, manifest, 0).await?;
    let fingerprint = fingerprint(&declarations(manifest), &packages);
    let digests = packages::keep(&host.store, &packages, manifest).await?;
    let stored = host
        .store
        .deploy(NewDeployment {
            environment: environment.to_owned(),
            deployment: manifest.deployment.clone(),
            packages: digests,
            source: Some(source(manifest)),
            fingerprint: Some(fingerprint),
            note: None,
        })
        .await?;
    active.version = stored.version;
    Ok((active, Deployed { version: stored.version, new: true }))
}

async fn load(
    host: &Inner,
    deployment: Deployment,
    packages: &BTreeMap<String, Package>,
    places: &Manifest,
    version: u32,
) -> Result<Active, Problems> {
    let router = router(&deployment, &host.config, places)?;
    let fits = host.engine.fits(&Demand::of(&deployment.processes));
    for finding in fits.problems.iter().chain(&fits.warnings) {
        tracing::warn!("{finding}");
    }
    let components = packages::components(&host.engine, &deployment, packages, places).await.all()?;
    // A version that has a number was started when it got it.
    let begin = if version == 0 { Begin::New } else { Begin::Again };
    let processes = processes(&host.engine, &deployment, components, places, begin).await?;
    let routes = Routes::of(&router, host.requests.routes());
    Ok(Active { version, deployment, router, processes, routes })
}

fn router(deployment: &Deployment, server: &ServerConfig, places: &Manifest) -> Result<Router, Problems> {
    Router::new(deployment, server).map_err(|conflicts| {
        let problem = |conflict: auricle_api::route::Conflict| {
            let other = conflict.other.map(|key| format!(" (the other one: {})", places.locate(&key)));
            places.problem(&conflict.key, format!("{}{}", conflict.message, other.unwrap_or_default()))
        };
        Problems(conflicts.into_iter().map(problem).collect())
    })
}

/// Whether processes are started for the first time as they are declared.
enum Begin {
    New,
    Again,
}

async fn processes(
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
        Begin::New => Processes::start(engine, specs, connections).await,
        Begin::Again => Processes::resume(engine, specs, connections).await,
    };
    started.map_err(|errors| {
        Problems(errors.into_iter().map(|error| places.problem(&key_of(&error), error.to_string())).collect())
    })
}

/// Routes that no request reaches.
fn unreachable(router: &Router, manifest: &Manifest) -> Vec<Problem> {
    let warn = |(endpoint, owner): (&Arc<Endpoint>, &str)| {
        let api = endpoint.api.as_deref().unwrap_or_default();
        let message = format!("no request reaches {}: the longer base of API `{owner}` owns that path", endpoint.route);
        manifest.problem(&format!("api[{api}]"), message)
    };
    router.shadowed().map(warn).collect()
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

/// What a component imports and the manifest does not grant: it will fail at the call.
fn ungranted(manifest: &Manifest, components: &BTreeMap<String, Component>) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for process in &manifest.deployment.processes {
        let Some(component) = components.get(&process.name) else { continue };
        let grants = &process.grants;
        let imports = |prefix: &str| component.imports().iter().find(|i| i.starts_with(prefix));
        let rules = [
            ("auricle:process/sql", grants.connections.is_empty(), "connections"),
            ("auricle:process/http-client", grants.allow_hosts.is_empty(), "allow-hosts"),
            ("wasi:http/outgoing-handler", grants.allow_hosts.is_empty(), "allow-hosts"),
        ];
        for (prefix, missing, key) in rules {
            if let Some(import) = imports(prefix).filter(|_| missing) {
                let message = format!("the component imports {import}, but `{key}` grants nothing: calls will fail");
                warnings.push(manifest.problem(&format!("process[{}]", process.name), message));
            }
        }
    }
    warnings
}

/// Names the manifest among those that may deploy to one store.
fn source(manifest: &Manifest) -> String {
    manifest.file.display().to_string()
}

/// Changes when a declaration does.
fn declarations(manifest: &Manifest) -> String {
    // Serialising plain values to memory does not fail; if it did, a new version would be made, which is harmless.
    Digest::of(&serde_json::to_vec(&manifest.deployment).unwrap_or_default()).to_string()
}

/// Changes when a declaration does, with which it begins, or the bytes of a package.
fn fingerprint(declarations: &str, packages: &BTreeMap<String, Package>) -> String {
    let mut said = String::new();
    for (name, package) in packages {
        said.push_str(name);
        said.push_str(&package.digest.to_string());
    }
    format!("{declarations} {}", Digest::of(said.as_bytes()))
}

/// The operation of a process that is not there.
pub(crate) fn no_operation() -> Arc<Operation> {
    Arc::new(Operation {
        kind: OperationKind::Execute,
        object: String::new(),
        input: DocumentType::None,
        output: DocumentType::None,
        content_type: String::new(),
        return_documents: true,
        max_documents: 1,
    })
}

/// What an execution comes to before anything is deployed.
pub(crate) fn nothing_deployed(execution: &Execution) -> Outcome {
    let failure = Failure::new(FailureKind::Unknown, "nothing is deployed yet: call `Host::start` first");
    Outcome {
        id: execution.id,
        mode: execution.mode.unwrap_or(Mode::General),
        uses: 0,
        waited: std::time::Duration::ZERO,
        ran: std::time::Duration::ZERO,
        cpu: std::time::Duration::ZERO,
        memory: 0,
        log: Vec::new(),
        result: Err(failure),
    }
}
