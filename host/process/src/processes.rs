//! One deployment's processes: started together, immutable, dropped together. A new deployment gets a new one beside it, and
//! executions end where they began.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_model::{ConnectionDecl, Failure, FailureKind, ProcessDecl};
use tokio::task::spawn_blocking;

use crate::component::Component;
use crate::connections::{ConnectionError, Pools};
use crate::engine::Engine;
use crate::listener::{Listener, ListenerStatus};
use crate::wasi::FolderError;

/// How alike two names have to be for one to be suggested for the other.
const ALIKE: f64 = 0.8;

/// A process to be started.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// What is declared of it.
    pub decl: ProcessDecl,
    /// Its component.
    pub component: Component,
}

/// Why a deployment's processes can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two processes have one name.
    #[error("there are two processes `{name}`: rename one")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A grant names a connection that is not declared.
    #[error(
        "process `{process}` is granted connection `{connection}`, which is not declared: add a [[connection]] of that name"
    )]
    UnknownConnection {
        /// The process.
        process: String,
        /// The connection.
        connection: String,
    },
    /// The declaration of a connection is wrong.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// A granted folder can't be opened.
    #[error("process `{process}`: {error}")]
    Folder {
        /// The process.
        process: String,
        /// What is wrong.
        error: FolderError,
    },
    /// Its first instance can't be made, or its `lifecycle.start` failed.
    #[error("process `{process}` does not start: {failure}")]
    Instance {
        /// The process.
        process: String,
        /// What is wrong.
        failure: Failure,
    },
}

/// The processes of one deployment.
#[derive(Debug)]
pub struct Processes {
    listeners: BTreeMap<String, Arc<Listener>>,
}

impl Processes {
    /// Makes the processes ready: opens granted folders, sets up connections (which connect when they are first used), and
    /// makes one instance of each process, with its `lifecycle.start`. That of a low-latency process is the first of its
    /// pool.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each error naming its process.
    pub async fn start(
        engine: &Engine,
        specs: Vec<ProcessSpec>,
        connections: &[ConnectionDecl],
    ) -> Result<Arc<Self>, Vec<StartError>> {
        let pools = Pools::open(connections).map_err(|e| vec![e.into()])?;
        let mut errors = Vec::new();
        let mut listeners = BTreeMap::new();
        for spec in specs {
            let process = spec.decl.name.clone();
            let unknown = spec.decl.grants.connections.iter().filter(|c| connections.iter().all(|d| d.name != **c));
            errors.extend(
                unknown.map(|c| StartError::UnknownConnection { process: process.clone(), connection: c.clone() }),
            );
            let (engine, pools) = (engine.clone(), pools.clone());
            match spawn_blocking(move || Listener::new(&engine, spec, &pools)).await {
                Ok(Ok(listener)) => {
                    if listeners.insert(process.clone(), Arc::new(listener)).is_some() {
                        errors.push(StartError::Duplicate { name: process });
                    }
                }
                Ok(Err(error)) => errors.push(StartError::Folder { process, error }),
                Err(stopped) => {
                    let failure =
                        Failure::new(FailureKind::Host, format!("the opening of its folders stopped: {stopped}"));
                    errors.push(StartError::Instance { process, failure });
                }
            }
        }
        if errors.is_empty() {
            for (process, listener) in &listeners {
                if let Err(failure) = listener.prepare(listener.decl().mode).await {
                    errors.push(StartError::Instance { process: process.clone(), failure });
                }
            }
        }
        if errors.is_empty() { Ok(Arc::new(Self { listeners })) } else { Err(errors) }
    }

    /// The process of this name.
    pub fn get(&self, name: &str) -> Option<&Listener> {
        self.listeners.get(name).map(|l| &**l)
    }

    /// All of them, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Listener> {
        self.listeners.values().map(|l| &**l)
    }

    /// What each of them is doing and has done, ordered by name.
    pub fn statuses(&self) -> Vec<ListenerStatus> {
        self.iter().map(Listener::status).collect()
    }

    /// The process of this name, or a failure that names the nearest one.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Listener>, Failure> {
        if let Some(listener) = self.listeners.get(name) {
            return Ok(listener);
        }
        let nearest = self
            .listeners
            .keys()
            .map(|known| (strsim::jaro_winkler(name, known), known))
            .filter(|(alike, _)| *alike >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let hint = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
        Err(Failure::new(FailureKind::Unknown, format!("there is no process `{name}` in this deployment{hint}")))
    }
}
