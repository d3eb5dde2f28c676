//! The Wasm engine: runs listener processes. It knows no HTTP server and no deployment store: an [`Execution`] goes in, an
//! [`Outcome`] comes out, so that a request, a queue or a timer can drive it alike.
//!
//! - [`Engine`] compiles components ([`Component`]), caches them on disk and bounds the instances of the whole program.
//! - [`Processes`] is one deployment's processes: immutable, started once, run as often as wanted, swapped as a whole.
//! - What a process may reach and use up is enforced here: deadline, memory, concurrency, folders, connections, hosts.
//!
//! [`Execution`]: auricle_model::Execution
//! [`Outcome`]: auricle_model::Outcome

mod bindings;
mod cache;
mod capacity;
mod compile;
mod component;
pub mod connections;
mod counters;
mod dispatch;
mod documents;
mod engine;
mod execution;
mod failure;
mod gate;
mod histogram;
mod idle;
mod instance;
mod limits;
mod listener;
mod load;
mod log;
mod outgoing;
mod pool;
mod processes;
mod progress;
mod registry;
mod room;
mod run;
mod sharded;
mod signature;
mod state;
mod status;
mod strings;
mod subprocess;
mod tape;
mod timing;
mod trace;
mod warm;
mod wasi;

pub use capacity::{Demand, Findings, Machine, findings, raise_file_limit};
pub use compile::{Compiler, CompilerLimits, compile_main};
pub use component::{Component, LoadError};
pub use connections::ConnectionError;
pub use counters::{Counts, ListenerStatus, TIME_BOUNDS, Tally, Times};
pub use engine::{Engine, EngineConfig, EngineError};
pub use histogram::{Histogram, Spread};
pub use listener::Listener;
pub use processes::{ProcessSpec, Processes, StartError};
pub use progress::{Compilation, CompilationStep, Progress};
pub use registry::Registry;
pub use sharded::Sharded;
pub use status::{AllocatorStatus, EngineStatus};
pub use wasi::FolderError;
