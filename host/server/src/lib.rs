//! An embeddable WebAssembly process host: the shared web server that routes requests to listener processes, runs them,
//! and makes responses of what they return.
//!
//! ```no_run
//! use auricle::{Host, Manifest};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::builder().manifest(Manifest::load("auricle.toml".as_ref())?).start().await?;
//! let server = host.listen().await?;
//! println!("listening on http://{}", server.address());
//! server.run_until(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! To mount it in a server of your own, use [`Host::service`]; to run a process with no HTTP at all, [`Host::run`].

pub mod admin;
mod answering;
mod body;
pub mod deploy;
mod dispatch;
mod execution_log;
mod host;
mod idempotency;
mod idle;
mod kept;
pub mod limits;
mod listen;
mod metrics;
mod observe;
mod origin;
pub mod packages;
mod pages;
mod prefer;
mod promise;
mod queue;
mod rate;
mod records;
pub mod replay;
mod reply;
mod respond;
mod server;
mod soap;
mod status_link;
mod trace;
mod wishes;

pub use auricle_model::manifest::{Manifest, Problem, Problems};
pub use auricle_model::{
    Document, Execution, Failure, FailureKind, LogLevel, LogLine, Mode, Outcome, Properties, ServerConfig, TRACE_TARGET,
};
pub use auricle_process::{
    Compilation, CompilationStep, Compiler, CompilerLimits, Demand, Engine, EngineConfig, Progress, compile_main,
    raise_file_limit,
};
pub use auricle_store::{Digest, MemoryStore, Role, SqliteStore, Store};
pub use deploy::{Active, DeployError, Deployed};
pub use execution_log::TARGET as EXECUTION_LOG_TARGET;
pub use host::{Host, HostBuilder, HostError, State};
pub use records::InvalidPath;
pub use server::{HostService, RemoteAddr, Server};
