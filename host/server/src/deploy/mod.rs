//! From declarations to something that serves, and from one version to the next while requests come in.
//!
//! Whatever changes what is served goes the same way: everything is looked at, loaded and started first, its smoke requests
//! included; then the store is told, on the revision that the decision was made on; then the new value is swapped in at once.
//! Requests in flight keep the version that they began with.
//!
//! - `load`: declarations and packages made into an [`Active`]; `smoke`: what it has to answer before it counts
//! - `check`: all of that and nothing else, for `auricle check`; `start`: what a start of the host comes to
//! - `change`: deployments, rollbacks and what else is asked for; `guard`: a rollback that nobody asks for
//! - `served`: which version a request gets; `follow`: what other hosts of a shared store have changed
//! - `diff`: what is different between two versions

mod change;
mod check;
mod diff;
mod follow;
mod guard;
mod load;
mod served;
mod smoke;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_api::route::Router;
use auricle_model::manifest::{Manifest, Problems};
use auricle_model::{
    Deployment, DocumentType, Execution, Failure, FailureKind, Mode, Operation, OperationKind, Outcome,
};
use auricle_process::Processes;
use auricle_store::{Digest, StoreError};

pub(crate) use self::change::{
    ChangeError, Changed, Proposal, Replacement, deploy, deploy_package, only_check, promote, rollback, undeploy,
};
pub use self::check::{Report, check, processes_for};
pub(crate) use self::diff::{diff, shown};
pub(crate) use self::follow::{follow, serve_restored};
pub(crate) use self::guard::{Guarded, Health};
pub(crate) use self::load::load_stored;
pub(crate) use self::served::Served;
pub(crate) use self::smoke::status;
pub(crate) use self::start::{Started, deploy_manifest, start};
pub use self::start::{fingerprint, source};
use crate::metrics::Routes;

/// One version of a deployment, being served. It is never changed, only replaced as a whole.
pub struct Active {
    /// Its version in the store, from 1.
    pub version: u32,
    /// What was declared.
    pub deployment: Deployment,
    /// The package of each process.
    pub packages: BTreeMap<String, Digest>,
    /// Finds the endpoint of a request.
    pub router: Router,
    /// Its processes, started.
    pub processes: Arc<Processes>,
    /// Where the requests of each route are counted.
    pub(crate) routes: Routes,
    /// How its executions end, where its guard wants to know.
    pub(crate) health: Option<Arc<Health>>,
}

impl Active {
    /// Has the guard of the deployment know how an execution ended. Free where there is none.
    pub(crate) fn note(&self, outcome: &Outcome) {
        if let Some(health) = &self.health {
            health.note(outcome);
        }
    }
}

/// What a deployment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The version now active; 0 where what was deployed has been taken away and the manifest has not changed since.
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

/// What an execution comes to where nothing is deployed.
pub(crate) fn nothing_deployed(execution: &Execution) -> Outcome {
    let failure =
        Failure::new(FailureKind::Unknown, "nothing is deployed: call `Host::start` first, or deploy something");
    Outcome {
        id: execution.id,
        mode: execution.mode.unwrap_or(Mode::General),
        uses: 0,
        waited: std::time::Duration::ZERO,
        instantiated: std::time::Duration::ZERO,
        ran: std::time::Duration::ZERO,
        instance_age: std::time::Duration::ZERO,
        cpu: std::time::Duration::ZERO,
        memory: 0,
        log: Vec::new(),
        tape: None,
        result: Err(failure),
    }
}

/// A manifest without places, for what comes from elsewhere: its problems are told by their keys alone.
pub(crate) fn no_places() -> Result<Manifest, Problems> {
    Manifest::parse("", "", std::path::Path::new("/"))
}
