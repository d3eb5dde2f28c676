//! [`Host`]: everything together. It is made by [`Host::builder`], deployed to, asked, and listened with.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use auricle_model::manifest::Manifest;
use auricle_model::{Document, Execution, Outcome, Protocol, ServerConfig};
use auricle_process::{Demand, Engine, EngineConfig};
use auricle_store::{Records, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::admin::Tokens;
use crate::deploy::{self, Active, DeployError, Deployed, Guarded, Served};
use crate::metrics::{Deploys, Requests};
use crate::origin::Origin;
use crate::pages::Pages;
use crate::queue::Queue;
use crate::rate::Rate;
use crate::records::{InvalidPath, Recorder};
use crate::server::Server;
use crate::trace::Sampling;

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
    /// Names this start of the program among the hosts of a store.
    pub(crate) node: Arc<str>,
    pub(crate) served: ArcSwap<Served>,
    pub(crate) pages: Pages,
    pub(crate) origin: Origin,
    pub(crate) rate: Rate,
    pub(crate) queue: Queue,
    pub(crate) records: Recorder,
    pub(crate) requests: Requests,
    pub(crate) sampling: Sampling,
    pub(crate) deploys: Deploys,
    pub(crate) tokens: Tokens,
    pub(crate) guarded: Guarded,
    /// What keeps this host from serving what the store says.
    pub(crate) behind: Mutex<Option<String>>,
    /// Deployments one after the other: the last one started is the one that stands.
    pub(crate) deploying: tokio::sync::Mutex<()>,
    /// Held while what is served is brought to what the store says.
    pub(crate) swapping: tokio::sync::Mutex<()>,
    /// Cancelled when a stop is asked for: what would never end by itself ends then.
    pub(crate) stopping: CancellationToken,
    manifest: Manifest,
    state: AtomicU8,
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
    /// The settings of a manifest that was not read from text ask for something that there is not.
    #[error(transparent)]
    Redact(#[from] InvalidPath),
    /// The manifest cannot be deployed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The file of the first admin token cannot be read or written.
    #[error("cannot read or write the admin token in {path}: {source}", path = path.display())]
    Token {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
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

    /// A store of your own. Default: what the manifest's `store` says, or SQLite in its `data-dir`.
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
            None => Box::pin(auricle_store::open(config.store.as_ref(), &config.data_dir)).await?,
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
        let node: Arc<str> = Uuid::new_v4().simple().to_string().into();
        let engine = Engine::new(engine)?;
        let counted = engine.clone();
        let kept: Arc<dyn Records> = store.clone();
        Ok(Host(Arc::new(Inner {
            records: Recorder::new(&config, &kept, move || counted.tallies())?,
            engine,
            node: node.clone(),
            served: ArcSwap::default(),
            pages: Pages::new(store.clone(), &config.environment),
            origin: Origin::new(&config.public_url, &config.trusted_proxies),
            rate: Rate::new(config.requests_per_second),
            queue: Queue::new(store.clone(), &config.environment, node),
            requests: Requests::default(),
            sampling: Sampling::new(self.sampling),
            store,
            config,
            deploys: Deploys::default(),
            tokens: Tokens::default(),
            guarded: Guarded::default(),
            behind: Mutex::default(),
            deploying: tokio::sync::Mutex::default(),
            swapping: tokio::sync::Mutex::default(),
            stopping: CancellationToken::new(),
            manifest,
            state: AtomicU8::new(State::Starting as u8),
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

    /// Deploys the manifest if it or its packages changed since they were last deployed from it; otherwise what the store
    /// says stands, so that a rollback survives a restart. Then takes requests, and runs again what was queued and not
    /// finished. Where the store is shared, what others deploy to this host's environment is followed from then on.
    ///
    /// Where a new version has to be compiled and the active one has not, requests are taken by the active one until the
    /// new one is ready. When this fails then, the active one goes on serving: who does not want that drops the host.
    pub async fn start(&self) -> Result<Deployed, HostError> {
        let host = &self.0;
        let _one = host.deploying.lock().await;
        let mut resumed = false;
        loop {
            // Boxed: it is large, and would make the future of whoever starts a host as large.
            match Box::pin(deploy::start(host, &host.manifest, resumed)).await? {
                deploy::Started::Meanwhile => {
                    self.take_requests().await?;
                    resumed = true;
                }
                deploy::Started::Done(deployed) => {
                    if !resumed {
                        self.take_requests().await?;
                    }
                    deploy::follow(host);
                    return Ok(deployed);
                }
            }
        }
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
        Box::pin(deploy::deploy_manifest(&self.0, manifest)).await
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
        let active = self.active();
        let own = active.as_ref().and_then(|a| a.processes.get(process));
        let operation = own.map_or_else(deploy::no_operation, |l| l.operation().clone());
        Execution::new(process, operation, Protocol::Invoke)
    }

    /// Runs an execution in the active deployment.
    pub async fn execute(&self, execution: Execution) -> Outcome {
        let Some(active) = self.active() else { return deploy::nothing_deployed(&execution) };
        let outcome = self.0.records.run(&active, execution).await;
        active.note(&outcome);
        outcome
    }

    /// Ends the host: refuses requests, waits for queued executions that run, and frees the data folder, so that another
    /// host can be made on it at once. What is queued and has not begun stays in the store.
    pub async fn close(self) {
        self.begin_to_stop();
        self.0.queue.drain().await;
        self.0.records.flush().await;
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

    /// What is being served, if anything is: the active version, not its canary.
    pub fn active(&self) -> Option<Arc<Active>> {
        self.0.active()
    }

    /// Takes no more requests, and ends what would never end by itself.
    pub(crate) fn begin_to_stop(&self) {
        self.0.state.store(State::Draining as u8, Ordering::Release);
        self.0.stopping.cancel();
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

    /// The active version.
    pub(crate) fn active(&self) -> Option<Arc<Active>> {
        self.served.load().active.clone()
    }
}

impl State {
    /// As `/_admin/status` says it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}
