//! Everything that a deployment does but the last step, without a host.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_api::route::{Endpoint, Router};
use auricle_model::Deployment;
use auricle_model::manifest::{Manifest, Problem, Problems};
use auricle_process::{Component, Demand, Engine, Machine, Processes, findings};

use super::load::{Begin, processes, router};
use crate::packages::{self, Found};

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
    problems.extend(packages::signed(&manifest.server.trust, &packages, manifest).problems);
    let Found { found: components, problems: more } =
        packages::components(engine, &manifest.deployment, &packages, manifest).await;
    problems.extend(more);
    problems.extend(fits.problems.into_iter().map(|message| manifest.problem("", message)));
    let mut warnings = ungranted(&manifest.deployment, &components, manifest);
    warnings.extend(fits.warnings.into_iter().map(|message| manifest.problem("", message)));
    if problems.is_empty()
        && let Err(more) = processes(engine, &manifest.deployment, components, manifest, Begin::New).await
    {
        problems.extend(more.0);
    }
    match router(&manifest.deployment, &manifest.server, manifest) {
        Err(more) => problems.extend(more.0),
        Ok(router) => {
            warnings.extend(unreachable(&router, manifest));
            warnings.extend(remarks(&router, manifest));
        }
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
    // Not as new: what is going to be run here is one process, and not its smoke request.
    processes(engine, &deployment, components, manifest, Begin::Elsewhere).await
}

/// Routes that no request reaches.
pub(super) fn unreachable(router: &Router, places: &Manifest) -> Vec<Problem> {
    let warn = |(endpoint, owner): (&Arc<Endpoint>, &str)| {
        let api = endpoint.api.as_deref().unwrap_or_default();
        let message = format!("no request reaches {}: the longer base of API `{owner}` owns that path", endpoint.route);
        places.problem(&format!("api[{api}]"), message)
    };
    router.shadowed().map(warn).collect()
}

/// What is served, and may not be meant so.
pub(super) fn remarks(router: &Router, places: &Manifest) -> Vec<Problem> {
    router.remarks().iter().map(|remark| places.problem(&remark.key, remark.message.clone())).collect()
}

/// What a component imports and its process is not granted: it will fail at the call.
fn ungranted(deployment: &Deployment, components: &BTreeMap<String, Component>, places: &Manifest) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for process in &deployment.processes {
        let Some(component) = components.get(&process.name) else { continue };
        warnings.extend(missing_grants(process, component.imports(), places));
    }
    warnings
}

/// The same of processes that are started.
pub(super) fn ungranted_of(processes: &Processes, places: &Manifest) -> Vec<Problem> {
    processes.iter().flat_map(|own| missing_grants(own.decl(), own.component().imports(), places)).collect()
}

fn missing_grants(process: &auricle_model::ProcessDecl, imports: &[String], places: &Manifest) -> Vec<Problem> {
    let grants = &process.grants;
    let rules = [
        ("auricle:process/sql", grants.connections.is_empty(), "connections"),
        ("auricle:process/http-client", grants.allow_hosts.is_empty(), "allow-hosts"),
        ("wasi:http/outgoing-handler", grants.allow_hosts.is_empty(), "allow-hosts"),
    ];
    let missing = rules.into_iter().filter(|(_, missing, _)| *missing);
    let found = missing.filter_map(|(prefix, _, key)| Some((imports.iter().find(|i| i.starts_with(prefix))?, key)));
    let message =
        |(import, key)| format!("the component imports {import}, but `{key}` grants nothing: calls will fail");
    found.map(|found| places.problem(&format!("process[{}]", process.name), message(found))).collect()
}
