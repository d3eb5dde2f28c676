//! One deployment's processes: started together, immutable, dropped together. A new deployment gets a new one beside it, and
//! executions end where they began.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use auricle_model::{ConnectionDecl, Failure, FailureKind, Mode, ProcessDecl};
use futures_util::{StreamExt, stream};
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use tokio::task::{JoinError, JoinSet, spawn_blocking};

use crate::component::Component;
use crate::connections::{ConnectionError, Pools};
use crate::counters::ListenerStatus;
use crate::engine::Engine;
use crate::limits;
use crate::listener::Listener;
use crate::wasi::FolderError;

/// Bytes of a name that is looked for; of a longer one the rest is not told, and none is suggested for it.
const LONGEST: usize = 256;

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
    /// Ordered by name, and found without comparing names of ten thousand. The names are a manifest's: nobody else can choose
    /// them so that they collide.
    listeners: IndexMap<Arc<str>, Arc<Listener>, FxBuildHasher>,
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
        Self::make(engine, specs, connections, |_| true).await
    }

    /// As [`Processes::start`], for processes that have been started before, declared as they are now: no instance is made
    /// that nobody keeps and whose `lifecycle.start` nobody misses, only to see whether it can be made.
    ///
    /// # Errors
    ///
    /// As [`Processes::start`].
    pub async fn resume(
        engine: &Engine,
        specs: Vec<ProcessSpec>,
        connections: &[ConnectionDecl],
    ) -> Result<Arc<Self>, Vec<StartError>> {
        let counts =
            |listener: &Listener| listener.decl().mode == Mode::LowLatency || listener.component().has_lifecycle();
        Self::make(engine, specs, connections, counts).await
    }

    async fn make(
        engine: &Engine,
        specs: Vec<ProcessSpec>,
        connections: &[ConnectionDecl],
        prepared: impl Fn(&Listener) -> bool,
    ) -> Result<Arc<Self>, Vec<StartError>> {
        let pools = Pools::open(connections).map_err(|e| vec![e.into()])?;
        let declared: HashSet<&str> = connections.iter().map(|c| c.name.as_str()).collect();
        let mut errors = Vec::new();
        for spec in &specs {
            let unknown = spec.decl.grants.connections.iter().filter(|c| !declared.contains(c.as_str()));
            errors.extend(
                unknown
                    .map(|c| StartError::UnknownConnection { process: spec.decl.name.clone(), connection: c.clone() }),
            );
        }
        let mut listeners = IndexMap::with_capacity_and_hasher(specs.len(), FxBuildHasher);
        let opening = specs.into_iter().map(|spec| open(engine, spec, &pools));
        let mut opened = stream::iter(opening).buffered(limits::STARTING);
        while let Some(opened) = opened.next().await {
            match opened {
                Ok(listener) => {
                    let name = listener.shared_name().clone();
                    if let Some(other) = listeners.insert(name, Arc::new(listener)) {
                        errors.push(StartError::Duplicate { name: other.decl().name.clone() });
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        listeners.sort_unstable_keys();
        if errors.is_empty() {
            let (wanted, others): (Vec<_>, Vec<_>) = listeners.values().cloned().partition(|l| prepared(l));
            others.iter().for_each(|listener| listener.component().settle());
            errors = prepare(engine, wanted.into_iter()).await;
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
        // A guest may ask for any text: a long one is no slip of a name, and comparing it would take long.
        let (short, name) = (name.len() <= LONGEST, excerpt(name));
        let nearest = self
            .listeners
            .keys()
            .filter(|_| short)
            .map(|known| (strsim::jaro_winkler(name, known), known))
            .filter(|(alike, _)| *alike >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let hint = nearest.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
        Err(Failure::new(FailureKind::Unknown, format!("there is no process `{name}` in this deployment{hint}")))
    }
}

fn excerpt(name: &str) -> &str {
    name.get(..name.floor_char_boundary(LONGEST)).unwrap_or_default()
}

/// Makes a listener, with its folders opened where they keep nobody waiting.
async fn open(engine: &Engine, spec: ProcessSpec, pools: &Arc<Pools>) -> Result<Listener, StartError> {
    let process = spec.decl.name.clone();
    let opened = if spec.decl.grants.files.is_empty() {
        Listener::new(engine, spec, pools)
    } else {
        let (engine, pools) = (engine.clone(), pools.clone());
        match spawn_blocking(move || Listener::new(&engine, spec, &pools)).await {
            Ok(opened) => opened,
            Err(stopped) => {
                let failure = stopped_at("the opening of its folders", &stopped);
                return Err(StartError::Instance { process, failure });
            }
        }
    };
    opened.map_err(|error| StartError::Folder { process, error })
}

/// Makes the first instance of each, several at a time. Gives what is wrong, ordered by name.
async fn prepare(engine: &Engine, listeners: impl Iterator<Item = Arc<Listener>>) -> Vec<StartError> {
    // More would only wait for one another's room.
    let most = limits::STARTING.min(engine.max_instances() as usize).max(1);
    let mut waiting = listeners;
    let mut preparing = JoinSet::new();
    let mut names = HashMap::new();
    let mut errors = BTreeMap::new();
    loop {
        while preparing.len() < most
            && let Some(listener) = waiting.next()
        {
            let name = listener.decl().name.clone();
            let task = preparing.spawn(async move {
                let prepared = listener.prepare(listener.decl().mode).await;
                listener.component().settle();
                prepared
            });
            names.insert(task.id(), name);
        }
        let (id, failure) = match preparing.join_next_with_id().await {
            None => return errors.into_values().collect(),
            Some(Ok((id, prepared))) => (id, prepared.err()),
            Some(Err(stopped)) => (stopped.id(), Some(stopped_at("the making of its first instance", &stopped))),
        };
        let process = names.remove(&id).unwrap_or_default();
        if let Some(failure) = failure {
            errors.insert(process.clone(), StartError::Instance { process, failure });
        }
    }
}

fn stopped_at(what: &str, stopped: &JoinError) -> Failure {
    Failure::new(FailureKind::Host, format!("{what} stopped: {stopped}"))
}
