//! Write Auricle listener processes in Rust.
//!
//! A listener process is a WebAssembly component with one function that the host runs for each execution: documents in,
//! documents out. This is a whole one:
//!
//! ```
//! use auricle_guest::prelude::*;
//!
//! #[listener]
//! fn execute(execution: Execution, _documents: Vec<Document>) -> Result<Reply, Error> {
//!     let id = execution.param("Id").context("the path has no Id")?;
//!     if id == "0" {
//!         return Ok(Reply::status(404).header("X-Looked-For", id).text("no such account"));
//!     }
//!     Reply::json(&serde_json::json!({ "Id": id }))
//! }
//!
//! // In the author's own `cargo test`, without a host:
//! let outcome = auricle_guest::testing::Run::new().param("Id", "7").execute(execute);
//! assert_eq!(outcome.text(), r#"{"Id":"7"}"#);
//! ```
//!
//! It is built as a `cdylib` by `cargo build --target wasm32-wasip2 --release`: what comes out is the component.
//!
//! - [`Execution`]: the request (`param`, `query`, `header`, `method`, `path`, `user`), properties, other processes.
//! - [`Document`]: bytes, text or JSON, held by the host and copied into the process only when asked for.
//! - [`Reply`]: documents with status and headers. [`Error`]: what `?` makes of any error, and why an execution failed.
//! - [`sql`] and [`http`]: databases and other servers, as far as the manifest grants them.
//! - [`logging`]: `tracing` events (feature `tracing`, on by default) and `log` records (feature `log`) arrive in the
//!   execution's log by themselves.
//! - [`macro@start`]: preparation before the first execution of a low-latency instance, and a check at deploy.
//! - `testing`: the mocked host that everything above speaks to off wasm.
//!
//! A panic is a trap: the host throws the instance away and the caller gets a 500. An [`Error`] leaves the instance fit.

// The attributes and examples name this crate as their users do.
extern crate self as auricle_guest;

#[cfg(target_family = "wasm")]
mod bindings;
mod document;
mod error;
mod execution;
mod host;
pub mod http;
pub mod logging;
mod reply;
pub mod sql;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use auricle_guest_macros::{listener, start};
pub use document::{Document, Reader, Writer};
pub use error::{Context, Error, Result};
pub use execution::{Execution, Operation};
pub use reply::{IntoReply, Reply, ReplyHead};

/// What nearly every process uses: `use auricle_guest::prelude::*;`. `Result` is not among them: it stays the standard
/// library's.
pub mod prelude {
    pub use crate::{Context, Document, Error, Execution, IntoReply, Reply, bail, listener, start};
}

/// One execution, from the documents in to the documents out.
fn run<R: IntoReply>(
    listener: impl FnOnce(Execution, Vec<Document>) -> R,
    documents: Vec<Document>,
) -> Result<Vec<Document>> {
    let execution = Execution::of(&documents);
    listener(execution, documents).into_reply().map(Reply::into_documents)
}

/// For the attribute macros only: no part of the interface, and free to change.
#[doc(hidden)]
pub mod __private {
    use crate::{Document, Error, Execution, IntoReply};

    /// Tells a listener of the wrong type from a right one, on every target.
    pub const fn check_listener<R: IntoReply>(_: fn(Execution, Vec<Document>) -> R) {}

    /// The same for `#[start]`.
    pub const fn check_start(_: fn() -> Result<(), Error>) {}

    #[cfg(target_family = "wasm")]
    pub use component::*;

    #[cfg(target_family = "wasm")]
    mod component {
        pub use crate::bindings::process::auricle::process::documents::Document as RawDocument;
        pub use crate::bindings::process::exports::auricle::process::listener::Failure as RawFailure;
        pub use crate::bindings::{lifecycle, process};
        use crate::{Document, Error, Execution, IntoReply, host, logging};

        /// `listener.execute`.
        pub fn execute<R: IntoReply>(
            listener: fn(Execution, Vec<Document>) -> R,
            documents: Vec<RawDocument>,
        ) -> Result<Vec<RawDocument>, RawFailure> {
            logging::install();
            let documents =
                documents.into_iter().map(|raw| Document::from_host(host::Document::from_raw(raw))).collect();
            match crate::run(listener, documents) {
                Ok(documents) => Ok(documents.into_iter().map(|document| document.into_host().into_raw()).collect()),
                Err(error) => Err(RawFailure { message: error.message().to_owned() }),
            }
        }

        /// `lifecycle.start`.
        pub fn start(start: fn() -> Result<(), Error>) -> Result<(), String> {
            logging::install();
            start().map_err(|error| error.message().to_owned())
        }
    }
}

/// What the attributes refuse, by examples that must not compile.
///
/// ```compile_fail
/// #[auricle_guest::listener]
/// async fn execute(_: auricle_guest::Execution, _: Vec<auricle_guest::Document>) {}
/// ```
/// ```compile_fail
/// #[auricle_guest::listener]
/// struct Execute;
/// ```
/// ```compile_fail
/// #[auricle_guest::listener(start)]
/// fn execute(_: auricle_guest::Execution, _: Vec<auricle_guest::Document>) {}
/// ```
/// ```compile_fail,E0308
/// #[auricle_guest::listener]
/// fn execute(_: Vec<auricle_guest::Document>) {}
/// ```
/// ```compile_fail,E0277
/// #[auricle_guest::listener]
/// fn execute(_: auricle_guest::Execution, _: Vec<auricle_guest::Document>) -> u32 { 7 }
/// ```
/// ```compile_fail,E0308
/// #[auricle_guest::start]
/// fn prepare() {}
/// ```
/// The same shapes as they should be:
/// ```
/// #[auricle_guest::listener]
/// pub fn execute(_: auricle_guest::Execution, _: Vec<auricle_guest::Document>) {}
///
/// #[auricle_guest::start]
/// fn prepare() -> Result<(), auricle_guest::Error> {
///     Ok(())
/// }
/// ```
#[cfg(doctest)]
struct Misuse;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;

/// The guide's samples compile and run as it says.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/processes.md")]
struct Guide;
