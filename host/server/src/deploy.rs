//! From a manifest to something that serves: everything is looked at, loaded and started before anything changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_api::route::{Endpoint, Router};
use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_model::{
    ConnectionDecl, Deployment, DocumentType, Execution, Failure, FailureKind, Mode, Operation, OperationKind, Outcome,
    PackageRef, ServerConfig,
};
use auricle_process::{Component, Engine, ProcessSpec, Processes, StartError};
use auricle_store::{Digest, NewDeployment, StoreError};
use bytes::Bytes;

use crate::host::Inner;

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
    let Found { found: packages, mut problems } = packages(manifest).await;
    let Found { found: components, problems: more } =
        components(engine, &manifest.deployment, &packages, manifest).await;
    problems.extend(more);
    let mut warnings = ungranted(manifest, &components);
    if problems.is_empty()
        && let Err(more) = processes(engine, &manifest.deployment, components, manifest).await
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
    let Found { found: packages, problems } = packages(manifest).await;
    let mut problems = own(problems);
    let mut deployment = manifest.deployment.clone();
    deployment.processes.retain(|p| packages.contains_key(&p.name));
    let Found { found: components, problems: more } = components(engine, &deployment, &packages, manifest).await;
    problems.extend(own(more));
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    deployment.processes.retain(|p| components.contains_key(&p.name));
    processes(engine, &deployment, components, manifest).await
}

/// Deploys a manifest as a new version.
pub(crate) async fn deploy(
    host: &Inner,
    manifest: &Manifest,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    let packages = packages(manifest).await.all()?;
    new_version(host, manifest, packages, environment).await
}

/// Deploys a manifest if it changed since it was last deployed; else starts what the store says is active.
pub(crate) async fn start(
    host: &Inner,
    manifest: &Manifest,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    let read = packages(manifest).await;
    let last = host.store.last_from(environment, &source(manifest)).await?.and_then(|last| last.fingerprint);
    let declared = declarations(manifest);
    let unchanged = match &last {
        None => false,
        Some(last) if read.problems.is_empty() => *last == fingerprint(&declared, &read.found),
        // Files that are gone are no change that anybody has made: the store holds what they were.
        Some(last) => last.starts_with(&declared),
    };
    let stored = if unchanged { host.store.active(environment).await? } else { None };
    let Some(stored) = stored else {
        return new_version(host, manifest, read.all()?, environment).await;
    };
    for problem in &read.problems {
        tracing::warn!("the version in the store is served: {problem}");
    }
    let mut packages = BTreeMap::new();
    for (name, digest) in &stored.packages {
        if let Some(bytes) = host.store.package(*digest).await? {
            packages.insert(name.clone(), bytes);
        }
    }
    let active = load(host, stored.deployment, &packages, manifest, stored.version).await?;
    let version = active.version;
    Ok((active, Deployed { version, new: false }))
}

async fn new_version(
    host: &Inner,
    manifest: &Manifest,
    packages: BTreeMap<String, Bytes>,
    environment: &str,
) -> Result<(Active, Deployed), DeployError> {
    let mut active = load(host, manifest.deployment.clone(), &packages, manifest, 0).await?;
    let fingerprint = fingerprint(&declarations(manifest), &packages);
    let mut digests = BTreeMap::new();
    for (name, bytes) in packages {
        digests.insert(name, host.store.put_package(bytes).await?);
    }
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
    packages: &BTreeMap<String, Bytes>,
    places: &Manifest,
    version: u32,
) -> Result<Active, Problems> {
    let router = router(&deployment, &host.config, places)?;
    let components = components(&host.engine, &deployment, packages, places).await.all()?;
    let processes = processes(&host.engine, &deployment, components, places).await?;
    Ok(Active { version, deployment, router, processes })
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

/// What was found by the name of its process, and what was wrong with the rest.
struct Found<T> {
    found: BTreeMap<String, T>,
    problems: Vec<Problem>,
}

impl<T> Found<T> {
    fn new() -> Self {
        Self { found: BTreeMap::new(), problems: Vec::new() }
    }

    /// Everything, or what keeps it from being everything.
    fn all(self) -> Result<BTreeMap<String, T>, Problems> {
        if self.problems.is_empty() { Ok(self.found) } else { Err(Problems(self.problems)) }
    }
}

/// The bytes of every package.
async fn packages(manifest: &Manifest) -> Found<Bytes> {
    let mut packages = Found::new();
    for process in &manifest.deployment.processes {
        let PackageRef::Path(path) = &process.package;
        match tokio::fs::read(path).await {
            Ok(bytes) => {
                packages.found.insert(process.name.clone(), Bytes::from(bytes));
            }
            Err(error) => {
                let hint = match (&process.build, error.kind()) {
                    (Some(_), std::io::ErrorKind::NotFound) => ": build it with `auricle build`",
                    _ => "",
                };
                let message = format!("cannot read {}: {error}{hint}", path.display());
                packages.problems.push(manifest.problem(&package_key(&process.name), message));
            }
        }
    }
    packages
}

/// Every package that there is, loaded.
async fn components(
    engine: &Engine,
    deployment: &Deployment,
    packages: &BTreeMap<String, Bytes>,
    places: &Manifest,
) -> Found<Component> {
    let mut components = Found::new();
    for process in &deployment.processes {
        let Some(bytes) = packages.get(&process.name) else { continue };
        match engine.load(bytes.clone()).await {
            Ok(component) => {
                components.found.insert(process.name.clone(), component);
            }
            Err(error) => components.problems.push(places.problem(&package_key(&process.name), error.to_string())),
        }
    }
    components
}

fn package_key(process: &str) -> String {
    format!("process[{process}].package")
}

async fn processes(
    engine: &Engine,
    deployment: &Deployment,
    mut components: BTreeMap<String, Component>,
    places: &Manifest,
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
    Processes::start(engine, specs, connections).await.map_err(|errors| {
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
fn fingerprint(declarations: &str, packages: &BTreeMap<String, Bytes>) -> String {
    let mut said = String::new();
    for (name, bytes) in packages {
        said.push_str(name);
        said.push_str(&Digest::of(bytes).to_string());
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
        memory: 0,
        log: Vec::new(),
        result: Err(failure),
    }
}
