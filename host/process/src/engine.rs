//! The engine: one for a program. It compiles components, keeps the time that stops runaway guests, and bounds how many
//! instances there are at once over all processes.
//!
//! Guests' stacks and memories come from a pool of reserved address space where the machine allows it: about four terabytes
//! reserved, not used, for a thousand instances. Where it does not, they are mapped one by one, which is slower; the log says so.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::Process;
use crate::cache::Cache;
use crate::component::{self, Component, Inner, LoadError};
use crate::gate::Count;
use crate::instance::Instance;
use crate::pool::Pool;
use crate::state::State;
use crate::{documents, limits, outgoing};

/// Tables that belong to one permit of the pool; memories are one.
const TABLES_PER_PERMIT: u32 = 8;

/// Settings of an [`Engine`].
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where compiled components are kept, in a folder that only its owner can use. None: compile at every start,
    /// from 50 milliseconds for a small Rust component to several seconds for JavaScript or Python. Default none.
    pub cache_dir: Option<PathBuf>,
    /// Instances at one time, over all processes, warm ones included. Each reserves about 4 GiB of address space; memory is used only
    /// as guests touch it. When all are in use, executions wait and then fail as saturated. Default 1000.
    pub max_instances: u32,
    /// How often a running guest is looked at: the precision of deadlines, and how long a busy guest may hold a thread
    /// before it yields. Costs one wake-up of a thread each time. Default 5 ms.
    pub tick: Duration,
    /// Stack of a guest in bytes; more recursion traps. At least 64 KiB, at most 1 MiB. Default 512 KiB.
    pub stack: usize,
    /// Executions that a warm instance serves, on the average, before it is replaced by a new one; the number of each is
    /// chosen by chance around this. Bounds what leaks in a guest can pile up. Default 10,000.
    pub reuse: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { cache_dir: None, max_instances: 1000, tick: Duration::from_millis(5), stack: 512 << 10, reuse: 10_000 }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder of compiled components can't be made.
    #[error("the folder for compiled components `{}`: {why}", folder.display())]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// The thread that keeps the time could not be started.
    #[error("the engine's clock: {0}")]
    Clock(std::io::Error),
    /// The compiler or the runtime refuses the settings.
    #[error("the engine: {0}")]
    Runtime(String),
}

/// Compiles components and bounds their instances. Cloning gives another handle to the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    cache: Option<Cache>,
    config: EngineConfig,
    client: outgoing::Client,
    /// One for each memory that the pool has room for.
    instances: Arc<Semaphore>,
    /// How many executions wait for an instance of any process: while there are any, none is kept warm.
    starving: AtomicUsize,
    /// Where idle instances can be found when there is no other room.
    pools: Mutex<Vec<Weak<Pool<Instance>>>>,
    /// Components by digest, as long as somebody uses them.
    components: Mutex<HashMap<String, Weak<Inner>>>,
    /// One component is compiled at a time: the compiler uses every core by itself.
    compiling: tokio::sync::Mutex<()>,
}

impl Engine {
    /// An engine.
    ///
    /// # Errors
    ///
    /// If the cache folder can't be made or the machine refuses what the engine needs.
    pub fn new(mut config: EngineConfig) -> Result<Self, EngineError> {
        config.stack = config.stack.clamp(64 << 10, 1 << 20);
        let runtime = |e: wasmtime::Error| EngineError::Runtime(format!("{e:#}"));
        let engine = match wasmtime::Engine::new(&settings(&config, true)) {
            Ok(engine) => engine,
            Err(why) => {
                let most = config.max_instances;
                tracing::warn!("instances are mapped one by one, which is slower: no room to reserve {most} ({why:#})");
                wasmtime::Engine::new(&settings(&config, false)).map_err(runtime)?
            }
        };
        let cache = match &config.cache_dir {
            Some(folder) => {
                Some(Cache::open(folder, &engine).map_err(|why| EngineError::Cache { folder: folder.clone(), why })?)
            }
            None => None,
        };
        let linker = linker(&engine).map_err(runtime)?;
        start_clock(&engine, config.tick).map_err(EngineError::Clock)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            cache,
            instances: Arc::new(Semaphore::new(config.max_instances as usize)),
            config,
            client: outgoing::Client::new(),
            starving: AtomicUsize::new(0),
            pools: Mutex::default(),
            components: Mutex::default(),
            compiling: tokio::sync::Mutex::new(()),
        })))
    }

    /// Validates and compiles a component, or takes it from the cache. One that is in use already is shared.
    ///
    /// # Errors
    ///
    /// Says what keeps the bytes from being a listener process, and what to do about it.
    pub async fn load(&self, wasm: Bytes) -> Result<Component, LoadError> {
        let _turn = self.0.compiling.lock().await;
        let shared = self.0.clone();
        let loading = tokio::task::spawn_blocking(move || shared.load(&wasm));
        loading.await.unwrap_or_else(|e| Err(LoadError::Host(format!("the compiler stopped: {e}"))))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(crate) fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    pub(crate) fn client(&self) -> &outgoing::Client {
        &self.0.client
    }

    /// Makes the idle instances of a pool known, so that they can give way when there is no other room.
    pub(crate) fn share(&self, pool: &Arc<Pool<Instance>>) {
        let mut pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|p| p.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    /// Whether somebody waits for room: an instance that would lie idle had better go.
    pub(crate) fn is_starving(&self) -> bool {
        self.0.starving.load(Ordering::Relaxed) > 0
    }

    /// Room for one instance of a component, if there is some at once or an idle instance can give way to it.
    pub(crate) fn try_room(&self, component: &Component) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(room) = self.0.instances.clone().try_acquire_many_owned(component.weight()) {
                return Some(room);
            }
            if !self.evict() {
                return None;
            }
        }
    }

    /// The same, waiting for it until a time.
    pub(crate) async fn room(&self, component: &Component, until: Instant) -> Option<OwnedSemaphorePermit> {
        if let Some(room) = self.try_room(component) {
            return Some(room);
        }
        // Counted, then looked once more: for an instance given back after this look another one goes, so its room comes to the
        // queue.
        let _starving = Count::new(&self.0.starving);
        if let Some(room) = self.try_room(component) {
            return Some(room);
        }
        let waiting = self.0.instances.clone().acquire_many_owned(component.weight());
        timeout_at(until, waiting).await.ok()?.ok()
    }

    fn evict(&self) -> bool {
        let pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).clone();
        pools.iter().filter_map(Weak::upgrade).max_by_key(|p| p.len()).is_some_and(|p| p.evict())
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Shared {
    fn load(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        let digest = component::digest(wasm);
        let known = self.components.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).and_then(Weak::upgrade);
        if let Some(inner) = known {
            return Ok(Component(inner));
        }
        component::check_header(wasm)?;
        let compiled = component::compile(&self.engine, self.cache.as_ref(), &digest, wasm)?;
        let inner = Arc::new(Inner::link(&self.linker, compiled, digest.clone(), self.config.max_instances)?);
        let mut components = self.components.lock().unwrap_or_else(PoisonError::into_inner);
        components.retain(|_, c| c.strong_count() > 0);
        components.insert(digest, Arc::downgrade(&inner));
        Ok(Component(inner))
    }
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Process::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    documents::without_copies(&mut linker)?;
    Ok(linker)
}

fn settings(config: &EngineConfig, pooled: bool) -> Config {
    let mut settings = Config::new();
    settings
        .epoch_interruption(true)
        // Every function of the world is sync: the machinery for async ones would cost each call, and has had most of
        // the runtime's security advisories.
        .concurrency_support(false)
        .gc_support(false)
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(config.stack)
        .wasm_backtrace_max_frames(NonZeroUsize::new(32));
    if pooled {
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config.max_instances)));
    }
    settings
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // Only memories, tables and stacks reserve anything; the other totals are counters, set so that the permits bind first.
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(limits::CORE_INSTANCES))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(TABLES_PER_PERMIT))
        .total_stacks(instances)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_memories_per_module(limits::MEMORIES)
        .max_tables_per_module(limits::TABLES)
        .table_elements(limits::TABLE_ELEMENTS)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(4 << 20)
        // Clearing so much by hand is cheaper than having the kernel take the pages away and give them back.
        .linear_memory_keep_resident(128 << 10)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(100)
        .decommit_batch_size(1);
    // Asking the kernel which pages were touched halves the cost of a fresh instance. But a page that was swapped out is not told
    // of (fixed after 48.x), and would be seen by the next instance: only where nothing can be swapped.
    let scan = !can_swap();
    tracing::debug!(scan, "clearing of used instances by page scan");
    pool.pagemap_scan(if scan { Enabled::Auto } else { Enabled::No });
    pool
}

/// Whether the kernel may write this program's pages to disk. In doubt, yes. A swap file that is added later is not noticed.
fn can_swap() -> bool {
    std::fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}

/// Permits that one instance of a component takes: what it needs of the scarcest thing in the pool.
pub(crate) fn weight(memories: u32, tables: u32) -> u32 {
    memories.max(tables.div_ceil(TABLES_PER_PERMIT)).max(1)
}

/// Ticks as long as the engine lives. A thread of its own, since guests can keep every other one busy.
fn start_clock(engine: &wasmtime::Engine, tick: Duration) -> std::io::Result<JoinHandle<()>> {
    let engine = engine.weak();
    let tick = tick.max(Duration::from_millis(1));
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(tick);
        }
    };
    std::thread::Builder::new().name("auricle-clock".into()).spawn(ticking)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_ends_with_its_engine() {
        let engine = wasmtime::Engine::default();
        let clock = start_clock(&engine, Duration::from_millis(1)).unwrap();
        drop(engine);
        clock.join().unwrap();
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn instances_come_from_a_pool_where_there_is_room_for_one() {
        let engine = |max_instances| Engine::new(EngineConfig { max_instances, ..EngineConfig::default() }).unwrap();
        assert!(engine(10).wasmtime().pooling_allocator_metrics().is_some());
        assert!(engine(1 << 20).wasmtime().pooling_allocator_metrics().is_none());
    }

    #[test]
    fn an_instance_weighs_what_it_needs_most_of() {
        assert_eq!((weight(0, 0), weight(1, 2), weight(3, 2), weight(1, 17)), (1, 1, 3, 3));
    }
}
