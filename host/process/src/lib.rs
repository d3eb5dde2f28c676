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
mod component;
pub mod connections;
mod documents;
mod engine;
mod execution;
mod failure;
mod gate;
mod instance;
mod limits;
mod listener;
mod log;
mod outgoing;
mod pool;
mod processes;
mod run;
mod signature;
mod state;
mod subprocess;
mod wasi;

pub use component::{Component, LoadError};
pub use connections::ConnectionError;
pub use engine::{Engine, EngineConfig, EngineError};
pub use listener::{Listener, ListenerStatus};
pub use processes::{ProcessSpec, Processes, StartError};
pub use wasi::FolderError;
