//! The engine: one for a program. It compiles components, keeps the time that stops runaway guests, and bounds how many
//! instances there are at once over all processes.
//!
//! Guests' stacks and memories come from a pool of reserved address space where the machine allows it: about four terabytes
//! reserved, not used, for a thousand instances. How many there are is computed (`capacity`). Where the machine allows no pool
//! they are mapped one by one, which is slower; the log says so.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use auricle_model::Bounds;
use bytes::Bytes;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::Process;
use crate::cache::Cache;
use crate::capacity::{self, Demand, Findings, Machine, Plan};
use crate::compile::{self, Compiler};
use crate::component::{self, Component, LoadError};
use crate::counters::{Counters, Counts, Tally};
use crate::load::Loader;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::room::Room;
use crate::state::State;
use crate::status::{AllocatorStatus, EngineStatus};
use crate::{documents, outgoing, strings, tape};

/// Tables that belong to one permit of the pool; memories are one. The pool keeps some ten words for each that there is.
const TABLES_PER_PERMIT: u32 = 4;
/// Fewer instances than this are not worth a pool.
const LEAST_POOL: u32 = 64;

/// Settings of an [`Engine`].
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where compiled components are kept, in a folder that only its owner can use. None: compile at every start,
    /// from 50 milliseconds for a small Rust component to several seconds for JavaScript or Python. Default none.
    pub cache_dir: Option<PathBuf>,
    /// The program that compiles components, in a process of its own with limits. None: this process compiles them, without
    /// any limit, which is for components that are trusted and for programs that cannot start themselves. Default none.
    pub compiler: Option<Compiler>,
    /// Who is told what is being compiled. Default: the log.
    pub progress: Progress,
    /// What is going to be deployed: there is room for it as far as the machine carries it. Default nothing.
    pub demand: Demand,
    /// Instances at one time, over all processes, warm ones included. Each reserves about 4 GiB of address space; memory is used only
    /// as guests touch it. When all are in use, executions wait and then fail as saturated. None: computed from `demand` and
    /// the machine, 1000 where less is wanted. Default none.
    pub max_instances: Option<u32>,
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
        Self {
            cache_dir: None,
            compiler: None,
            progress: Progress::default(),
            demand: Demand::default(),
            max_instances: None,
            tick: Duration::from_millis(5),
            stack: 512 << 10,
            reuse: 10_000,
        }
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
    loader: Arc<Loader>,
    config: EngineConfig,
    /// As it was when the engine was made.
    machine: Machine,
    client: outgoing::Client,
    /// What each process does, by name.
    counters: Registry<Counters>,
    /// Room for instances: a permit for each memory that the pool has.
    room: Arc<Room>,
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
        let machine = Machine::look();
        let (engine, instances) = reserve(&config, &machine).map_err(runtime)?;
        let cache = match &config.cache_dir {
            Some(folder) => {
                Some(Cache::open(folder, &engine).map_err(|why| EngineError::Cache { folder: folder.clone(), why })?)
            }
            None => None,
        };
        let linker = linker(&engine).map_err(runtime)?;
        start_clock(&engine, config.tick).map_err(EngineError::Clock)?;
        let (compiler, progress) = (config.compiler.clone(), config.progress.clone());
        let loader = Loader::new(linker, cache, compiler, progress, instances);
        Ok(Self(Arc::new(Shared {
            engine,
            loader: Arc::new(loader),
            room: Room::new(instances),
            config,
            machine,
            client: outgoing::Client::new(),
            counters: Registry::default(),
        })))
    }

    /// Loads a component: one that is in use already is shared, one that is in the cache is taken from there, another one
    /// is validated and compiled. Several are loaded at the same time, as many as there are cores.
    ///
    /// # Errors
    ///
    /// Says what keeps the bytes from being a listener process, and what to do about it.
    pub async fn load(&self, wasm: Bytes) -> Result<Component, LoadError> {
        let bytes = wasm.clone();
        let digest = compile::blocking(move || Ok(component::digest(&bytes))).await?;
        let name = digest.get(..12).unwrap_or_default().to_owned();
        self.0.loader.load(&name, digest, async { Ok(wasm) }).await
    }

    /// The same for a component of which only the digest is at hand ([`Component::digest`]). Its bytes are asked for when it
    /// has to be compiled and its turn has come. While it is, [`EngineConfig::progress`] tells so by this name.
    ///
    /// # Errors
    ///
    /// As [`Engine::load`], and when the bytes have another digest.
    pub async fn load_for(
        &self,
        name: &str,
        digest: &str,
        bytes: impl Future<Output = Result<Bytes, LoadError>> + Send + 'static,
    ) -> Result<Component, LoadError> {
        self.0.loader.load(name, digest.to_owned(), bytes).await
    }

    /// The component of this digest ([`Component::digest`]), if it is in use or in the cache. It compiles nothing.
    ///
    /// # Errors
    ///
    /// If it is here and is no listener process that this engine can run.
    pub async fn cached(&self, digest: &str) -> Result<Option<Component>, LoadError> {
        self.0.loader.cached(digest).await
    }

    /// Whether [`Engine::cached`] would find it. It costs a look at the folder, and no check of what is there.
    pub async fn is_cached(&self, digest: &str) -> bool {
        self.0.loader.is_cached(digest).await
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.engine
    }

    pub(crate) fn config(&self) -> &EngineConfig {
        &self.0.config
    }

    /// What was counted of each process that has run on this engine, ordered by name, over all of its versions. One that
    /// is no longer deployed is left out after a while.
    pub fn counts(&self) -> Vec<(Arc<str>, Counts)> {
        let all = self.0.counters.all().into_iter().map(|(name, counters)| (name, counters.counts()));
        all.filter(|(_, counts)| counts.made > 0 || counts.busy > 0 || counts.ran.count() > 0).collect()
    }

    /// The same as it is added up by the minute, cheaply: what has never run costs a look. For one who takes them, since the
    /// longest is told once.
    pub fn tallies(&self) -> Vec<(Arc<str>, Tally)> {
        let all = self.0.counters.all().into_iter();
        all.filter_map(|(name, counters)| Some((name, counters.tally()?))).collect()
    }

    /// What the engine holds at the moment.
    pub fn status(&self) -> EngineStatus {
        EngineStatus {
            permits: self.max_instances().into(),
            free: self.0.room.permits().0 as u64,
            starving: self.0.room.starving() as u64,
            allocator: AllocatorStatus::of(&self.0.engine),
        }
    }

    /// Instances at one time, over all processes: as configured, or as computed when the engine was made.
    pub fn max_instances(&self) -> u32 {
        self.0.room.most()
    }

    /// Finds what of this does not fit: an engine's room for instances does not grow.
    pub fn fits(&self, demand: &Demand) -> Findings {
        capacity::judge(demand, &self.0.machine, self.max_instances(), self.0.config.max_instances.is_some())
    }

    pub(crate) fn counters(&self) -> &Registry<Counters> {
        &self.0.counters
    }

    pub(crate) fn client(&self) -> &outgoing::Client {
        &self.0.client
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.0.room
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.0.config).finish_non_exhaustive()
    }
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Process::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    documents::without_copies(&mut linker)?;
    strings::in_place(&mut linker)?;
    tape::through_the_deck(&mut linker)?;
    Ok(linker)
}

/// The runtime with a pool of as many instances as are planned, or as the machine lets be reserved, and their number.
fn reserve(config: &EngineConfig, machine: &Machine) -> wasmtime::Result<(wasmtime::Engine, u32)> {
    let planned = capacity::plan(&config.demand, machine, config.max_instances);
    let mut plan = planned;
    loop {
        match wasmtime::Engine::new(&settings(config, Some(plan))) {
            Ok(engine) => return Ok((engine, plan.instances)),
            // What was set is not for us to change.
            Err(why) if config.max_instances.is_some() || plan.instances / 2 < LEAST_POOL => {
                let most = planned.instances;
                tracing::warn!("instances are mapped one by one, which is slower: no room to reserve {most} ({why:#})");
                return Ok((wasmtime::Engine::new(&settings(config, None))?, most));
            }
            Err(why) => {
                plan.instances /= 2;
                plan.warm_slots = plan.warm_slots.min(plan.instances);
                tracing::warn!("there is no room to reserve for twice {} instances ({why:#})", plan.instances);
            }
        }
    }
}

fn settings(config: &EngineConfig, pool: Option<Plan>) -> Config {
    let mut settings = compile::code();
    settings.max_wasm_stack(config.stack).wasm_backtrace_max_frames(NonZeroUsize::new(32));
    if let Some(plan) = pool {
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(plan)));
    }
    settings
}

fn pooling(Plan { instances, warm_slots }: Plan) -> PoolingAllocationConfig {
    // What any process may ask for; what each may have is limited by its store.
    let most = Bounds::MOST;
    let mut pool = PoolingAllocationConfig::new();
    // Only memories, tables and stacks reserve anything; the other totals are counters, set so that the permits bind first.
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(most.core_instances))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(TABLES_PER_PERMIT))
        .total_stacks(instances)
        .max_core_instances_per_component(most.core_instances)
        .max_memories_per_component(most.memories)
        .max_tables_per_component(most.tables)
        .max_memories_per_module(most.memories)
        .max_tables_per_module(most.tables)
        .table_elements(most.table_elements as usize)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(4 << 20)
        // Clearing so much by hand is cheaper than having the kernel take the pages away and give them back.
        .linear_memory_keep_resident(capacity::SLOT_MEMORY)
        .table_keep_resident(capacity::SLOT_TABLES)
        .max_unused_warm_slots(warm_slots)
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
        let engine = |set| Engine::new(EngineConfig { max_instances: Some(set), ..EngineConfig::default() }).unwrap();
        assert!(engine(10).wasmtime().pooling_allocator_metrics().is_some());
        assert!(engine(1 << 20).wasmtime().pooling_allocator_metrics().is_none());
        let computed = Engine::new(EngineConfig::default()).unwrap();
        assert_eq!(u64::from(computed.max_instances()), capacity::COMMON);
        assert_eq!(computed.fits(&Demand::default()), Findings::default());
    }

    #[test]
    fn an_instance_weighs_what_it_needs_most_of() {
        assert_eq!((weight(0, 0), weight(1, 2), weight(3, 2), weight(1, 9)), (1, 1, 3, 3));
    }
}
