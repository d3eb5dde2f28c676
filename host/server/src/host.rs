//! [`Host`]: everything together. It is made by [`Host::builder`], deployed to, asked, and listened with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwapOption;
use auricle_model::manifest::Manifest;
use auricle_model::{Document, Execution, Outcome, Protocol, ServerConfig};
use auricle_process::{Demand, Engine, EngineConfig};
use auricle_store::{SqliteStore, Store};

use crate::deploy::{self, Active, DeployError, Deployed};
use crate::metrics::Requests;
use crate::origin::Origin;
use crate::pages::Pages;
use crate::queue::Queue;
use crate::rate::Rate;
use crate::server::Server;
use crate::trace::Sampling;

/// The environment of a host that is not told another one.
pub(crate) const ENVIRONMENT: &str = "default";

/// An Auricle host. Clones are handles to the same one.
///
/// A host answers 503 until [`Host::start`] has deployed something. It is a `tower` service of HTTP requests (see
/// [`HostService`](crate::HostService)), can listen by itself ([`Host::listen`]), and runs processes without any HTTP
/// ([`Host::run`]).
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ServerConfig,
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) active: ArcSwapOption<Active>,
    pub(crate) pages: Pages,
    pub(crate) origin: Origin,
    pub(crate) rate: Rate,
    pub(crate) queue: Queue,
    pub(crate) requests: Requests,
    pub(crate) sampling: Sampling,
    manifest: Manifest,
    state: AtomicU8,
    /// Deployments one after the other: the last one started is the one that stands.
    deploying: tokio::sync::Mutex<()>,
}

/// Whether a host takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Nothing is deployed yet: 503.
    Starting = 0,
    /// Requests are served.
    Ready = 1,
    /// A stop was asked for: requests in flight finish, new ones get 503.
    Draining = 2,
}

/// What a [`Host`] is made from.
#[derive(Default)]
pub struct HostBuilder {
    manifest: Option<Manifest>,
    engine: Option<EngineConfig>,
    store: Option<Arc<dyn Store>>,
    sampling: f64,
}

/// Why a host could not be made or started. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// [`HostBuilder::manifest`] was not called.
    #[error("no manifest was given: call `Host::builder().manifest(..)`")]
    NoManifest,
    /// The engine could not be made on this machine.
    #[error(transparent)]
    Engine(#[from] auricle_process::EngineError),
    /// The data folder could not be opened.
    #[error(transparent)]
    Store(#[from] auricle_store::StoreError),
    /// The manifest cannot be deployed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (`{key}`): {source}")]
    Listen {
        /// As configured.
        address: String,
        /// The manifest's key.
        key: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl HostBuilder {
    /// What to serve and how: `[server]` and everything it declares.
    #[must_use]
    pub fn manifest(mut self, manifest: Manifest) -> Self {
        self.manifest = Some(manifest);
        self
    }

    /// Settings of the engine. Default: compiled components are cached under the data folder. Where they say of no
    /// [`Demand`], it is that of the manifest: say of more if more is going to be deployed while the host runs.
    #[must_use]
    pub fn engine(mut self, config: EngineConfig) -> Self {
        self.engine = Some(config);
        self
    }

    /// A store of your own. Default: SQLite in the manifest's `data-dir`.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The share of requests, from 0 to 1, that begin a trace where the caller names none (`traceparent`). They do so only
    /// where somebody takes spans of the target [`TRACE_TARGET`](crate::TRACE_TARGET). Default 0.
    #[must_use]
    pub fn sampling(mut self, share: f64) -> Self {
        self.sampling = share;
        self
    }

    /// Opens engine and store. The host answers 503 until [`Host::start`].
    pub async fn build(self) -> Result<Host, HostError> {
        let manifest = self.manifest.ok_or(HostError::NoManifest)?;
        let config = manifest.server.clone();
        let store = match self.store {
            Some(store) => store,
            None => Arc::new(SqliteStore::open(&config.data_dir).await?),
        };
        if !store.is_durable() {
            tracing::warn!("the store forgets with the program: receipts promise nothing beyond that");
        }
        let mut engine = self.engine.unwrap_or_else(|| EngineConfig {
            cache_dir: Some(config.data_dir.join("cache")),
            ..EngineConfig::default()
        });
        if engine.demand == Demand::default() {
            engine.demand = Demand::of(&manifest.deployment.processes);
        }
        Ok(Host(Arc::new(Inner {
            engine: Engine::new(engine)?,
            active: ArcSwapOption::empty(),
            pages: Pages::new(),
            origin: Origin::new(&config.public_url, &config.trusted_proxies),
            rate: Rate::new(config.requests_per_second),
            queue: Queue::new(store.clone()),
            requests: Requests::default(),
            sampling: Sampling::new(self.sampling),
            store,
            config,
            manifest,
            state: AtomicU8::new(State::Starting as u8),
            deploying: tokio::sync::Mutex::new(()),
        })))
    }

    /// [`HostBuilder::build`] and [`Host::start`] in one.
    pub async fn start(self) -> Result<Host, HostError> {
        let host = self.build().await?;
        host.start().await?;
        Ok(host)
    }
}

impl Host {
    /// Begins to make a host.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// Deploys the manifest if it or its packages changed since they were last deployed from it; otherwise the store's
    /// active version stands, so that a rollback survives a restart. Then takes requests, and runs again what was
    /// queued and not finished.
    ///
    /// Where a new version has to be compiled and the active one has not, requests are taken by the active one until the
    /// new one is ready. When this fails then, the active one goes on serving: who does not want that drops the host.
    pub async fn start(&self) -> Result<Deployed, HostError> {
        let host = &self.0;
        let _one = host.deploying.lock().await;
        let plan = deploy::plan(host, &host.manifest, ENVIRONMENT).await?;
        let meanwhile = deploy::meanwhile(host, &host.manifest, &plan, ENVIRONMENT).await;
        let serves = meanwhile.is_some();
        if let Some(active) = meanwhile {
            tracing::info!(version = active.version, "the version before serves while the new one is compiled");
            host.active.store(Some(Arc::new(active)));
            self.take_requests().await?;
        }
        let (active, deployed) = deploy::carry_out(host, &host.manifest, plan, ENVIRONMENT).await?;
        host.active.store(Some(Arc::new(active)));
        if !serves {
            self.take_requests().await?;
        }
        Ok(deployed)
    }

    /// Runs what was queued, and is ready.
    async fn take_requests(&self) -> Result<(), HostError> {
        Queue::resume(&self.0).await?;
        // Unless a stop was asked for meanwhile.
        let (starting, ready) = (State::Starting as u8, State::Ready as u8);
        let _ = self.0.state.compare_exchange(starting, ready, Ordering::AcqRel, Ordering::Acquire);
        Ok(())
    }

    /// Deploys another manifest while running: everything is loaded and started first, then swapped in at once. Requests
    /// in flight keep the version they began with; when this fails, nothing has changed. Its `[server]` is not looked at.
    /// Call [`Host::start`] first: until then the host answers 503.
    pub async fn deploy(&self, manifest: &Manifest) -> Result<Deployed, DeployError> {
        let _one = self.0.deploying.lock().await;
        let (active, deployed) = deploy::deploy(&self.0, manifest, ENVIRONMENT).await?;
        self.0.active.store(Some(Arc::new(active)));
        Ok(deployed)
    }

    /// Binds the configured addresses and answers on them: health at once, requests when [`Host::start`] is through.
    pub async fn listen(&self) -> Result<Server, HostError> {
        Server::bind(self.clone()).await
    }

    /// Runs a process with documents, without any HTTP: its own operation, its own mode, protocol `invoke`.
    pub async fn run(&self, process: &str, documents: impl IntoIterator<Item = Document>) -> Outcome {
        let mut execution = self.execution(process);
        execution.documents = documents.into_iter().collect();
        self.execute(execution).await
    }

    /// An execution of a process that can be given properties before it is [executed](Host::execute).
    pub fn execution(&self, process: &str) -> Execution {
        let active = self.0.active.load();
        let own = active.as_ref().and_then(|a| a.processes.get(process));
        let operation = own.map_or_else(deploy::no_operation, |l| l.operation().clone());
        Execution::new(process, operation, Protocol::Invoke)
    }

    /// Runs an execution in the active deployment.
    pub async fn execute(&self, execution: Execution) -> Outcome {
        match self.0.active.load_full() {
            Some(active) => active.processes.run(execution).await,
            None => deploy::nothing_deployed(&execution),
        }
    }

    /// Ends the host: refuses requests, waits for queued executions that run, and frees the data folder, so that another
    /// host can be made on it at once. What is queued and has not begun stays in the store.
    pub async fn close(self) {
        self.set_state(State::Draining);
        self.0.queue.drain().await;
        if let Err(error) = self.0.store.close().await {
            tracing::warn!(%error, "the store was not closed cleanly");
        }
    }

    /// Whether requests are taken.
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// The settings in force.
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// What is being served, if anything is.
    pub fn active(&self) -> Option<Arc<Active>> {
        self.0.active.load_full()
    }

    pub(crate) fn set_state(&self, state: State) {
        self.0.state.store(state as u8, Ordering::Release);
    }
}

impl Inner {
    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Starting,
            1 => State::Ready,
            _ => State::Draining,
        }
    }
}
