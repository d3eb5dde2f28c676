//! A listener process of a deployment: its declaration, its component, and what stands ready to run it.

use std::sync::Arc;
use std::time::Duration;

use auricle_model::{Limits, Mode, Operation, ProcessDecl};

use crate::component::Component;
use crate::connections::Pools;
use crate::counters::{Counters, ListenerStatus};
use crate::engine::Engine;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::outgoing::Rules;
use crate::pool::Pool;
use crate::processes::ProcessSpec;
use crate::warm::Refill;
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
    pub(crate) warm: Arc<Pool<Box<Instance>>>,
    pub(crate) refill: Refill,
    pub(crate) counters: Arc<Counters>,
}

impl Listener {
    /// Opens what the process is granted. Blocks on the file system; needs a runtime around it.
    pub(crate) fn new(engine: &Engine, spec: ProcessSpec, pools: &Arc<Pools>) -> Result<Self, FolderError> {
        let ProcessSpec { decl, component } = spec;
        let wasi = Wasi::open(&decl.grants)?;
        let Limits { max_concurrent, min_instances, .. } = decl.limits;
        let max_instances = decl.limits.max_instances().min(max_concurrent);
        engine.room().watch();
        let name: Arc<str> = decl.name.as_str().into();
        Ok(Self {
            counters: engine.counters().of(&name),
            name,
            operation: Arc::new(decl.operation.clone()),
            component,
            engine: engine.clone(),
            wasi,
            rules: Rules::compile(&decl.grants.allow_hosts),
            pools: pools.clone(),
            granted: decl.grants.connections.as_slice().into(),
            // What has its turn has an instance too.
            gate: Gate::new(if decl.mode == Mode::LowLatency { max_instances } else { max_concurrent }),
            warm: Arc::new(Pool::new(min_instances as usize, max_instances as usize)),
            refill: Refill::default(),
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

    /// What it is doing and has done, earlier versions of it included.
    pub fn status(&self) -> ListenerStatus {
        self.counters.status(&self.decl.name, self.decl.mode, self.gate.waiting(), self.warm.idle())
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
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("decl", &self.decl).field("component", &self.component).finish_non_exhaustive()
    }
}
