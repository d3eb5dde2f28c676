//! A listener process of a deployment: its declaration, its component, and what stands ready to run it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use auricle_model::{Failure, FailureKind, Mode, Operation, ProcessDecl};
use tokio::time::Instant;

use crate::component::Component;
use crate::connections::Pools;
use crate::engine::Engine;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::limits;
use crate::outgoing::Rules;
use crate::pool::{Pool, sweep};
use crate::processes::ProcessSpec;
use crate::wasi::{FolderError, Wasi};

/// A listener process of a deployment.
pub struct Listener {
    decl: ProcessDecl,
    name: Arc<str>,
    operation: Arc<Operation>,
    component: Component,
    engine: Engine,
    wasi: Wasi,
    rules: Arc<Rules>,
    pools: Arc<Pools>,
    granted: Arc<[String]>,
    pub(crate) gate: Gate,
    pub(crate) warm: Arc<Pool<Instance>>,
    pub(crate) counters: Counters,
}

impl Listener {
    /// Opens what the process is granted. Blocks on the file system; needs a runtime around it.
    pub(crate) fn new(engine: &Engine, spec: ProcessSpec, pools: &Arc<Pools>) -> Result<Self, FolderError> {
        let ProcessSpec { decl, component } = spec;
        let wasi = Wasi::open(&decl.grants)?;
        let warm = Arc::new(Pool::new(decl.limits.max_concurrent as usize));
        engine.share(&warm);
        tokio::spawn(sweep(Arc::downgrade(&warm)));
        Ok(Self {
            name: decl.name.as_str().into(),
            operation: Arc::new(decl.operation.clone()),
            component,
            engine: engine.clone(),
            wasi,
            rules: Rules::compile(&decl.grants.allow_hosts),
            pools: pools.clone(),
            granted: decl.grants.connections.as_slice().into(),
            gate: Gate::new(decl.limits.max_concurrent),
            warm,
            counters: Counters::default(),
            decl,
        })
    }

    /// Its declaration.
    pub const fn decl(&self) -> &ProcessDecl {
        &self.decl
    }

    /// Its component.
    pub const fn component(&self) -> &Component {
        &self.component
    }

    /// Its own operation.
    pub const fn operation(&self) -> &Arc<Operation> {
        &self.operation
    }

    /// What it is doing and has done since its deployment was started.
    pub fn status(&self) -> ListenerStatus {
        let counters = &self.counters;
        ListenerStatus {
            name: self.decl.name.clone(),
            mode: self.decl.mode,
            executions: counters.executions.load(Ordering::Relaxed),
            failures: FailureKind::NAMES
                .iter()
                .filter_map(|name| name.parse().ok())
                .zip(&counters.failures)
                .map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
                .collect(),
            busy: counters.busy.load(Ordering::Relaxed),
            waiting: self.gate.waiting(),
            warm: self.warm.len(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn wasi(&self) -> &Wasi {
        &self.wasi
    }

    pub(crate) const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    pub(crate) const fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }

    /// Names of the connections that it may open.
    pub(crate) const fn granted(&self) -> &Arc<[String]> {
        &self.granted
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.decl.limits.timeout
    }

    /// Takes an instance back after an execution: into the pool if it may be used again. One with a costly start is
    /// replaced at once, off the way of any request; others when they are missed.
    pub(crate) fn give_back(self: &Arc<Self>, instance: Instance) {
        if instance.wear().fit() {
            self.keep(instance);
            return;
        }
        drop(instance);
        if self.component.has_lifecycle() && !self.engine.is_starving() {
            tokio::spawn(replace(Arc::downgrade(self)));
        }
    }

    /// Puts an instance into the pool, and lets one go if somebody waits for room. In this order: who begins to wait just now
    /// either finds it in the pool or is seen here.
    fn keep(&self, instance: Instance) {
        self.warm.put(instance);
        if self.engine.is_starving() {
            self.warm.evict();
        }
    }

    /// Makes an instance, with its `lifecycle.start`, and puts it into the pool if it is for there.
    pub(crate) async fn prepare(self: &Arc<Self>, mode: Mode) -> Result<(), Failure> {
        let room = self.engine.room(&self.component, Instant::now() + limits::WAIT).await;
        let room = room.ok_or_else(|| no_room(&self.engine))?;
        let deadline = limits::later(Instant::now(), self.timeout());
        let instance = Instance::new(self, room, true, deadline).await?;
        if mode == Mode::LowLatency {
            self.keep(instance);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("decl", &self.decl).field("component", &self.component).finish_non_exhaustive()
    }
}

/// Holds the listener weakly: a deployment that is gone needs no new instances.
async fn replace(listener: Weak<Listener>) {
    let Some(listener) = listener.upgrade() else { return };
    if let Err(failure) = listener.prepare(Mode::LowLatency).await {
        tracing::warn!(process = listener.name(), "an instance was not replaced: {failure}");
    }
}

/// The failure of an execution for which there is no instance.
pub(crate) fn no_room(engine: &Engine) -> Failure {
    let most = engine.config().max_instances;
    Failure::new(FailureKind::Saturated, format!("all {most} instances of this host are in use; try again later"))
}

/// Counts of one listener; each is exact, together they are of no one moment.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    executions: AtomicU64,
    failures: [AtomicU64; FailureKind::NAMES.len()],
    pub(crate) busy: AtomicUsize,
}

impl Counters {
    /// Notes that an execution is over.
    pub(crate) fn note(&self, failed: Option<FailureKind>) {
        self.executions.fetch_add(1, Ordering::Relaxed);
        let counter = failed.and_then(|kind| self.failures.get(kind as usize));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a listener process is doing and has done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Its own mode.
    pub mode: Mode,
    /// Executions that are over, however they ended.
    pub executions: u64,
    /// Of these the failed ones, of each kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Executions that go on.
    pub busy: usize,
    /// Executions that wait for their turn.
    pub waiting: usize,
    /// Warm instances that lie idle.
    pub warm: usize,
}
