//! Every durable byte of a runtime: packages by digest, the versions of each environment's deployment, and the durable
//! queue of requests that were given a receipt.
//!
//! [`Store`] is the whole of it for the rest of Auricle. [`SqliteStore`] keeps it in one file of the data folder;
//! [`MemoryStore`] forgets it with the program and says so. What a store has answered is on disk: that is the promise
//! that a receipt rests on.

mod codec;
mod deployment;
mod digest;
mod error;
mod memory;
mod queue;
mod sqlite;
mod store;
mod time;

pub use deployment::{DeploymentVersion, NewDeployment};
pub use digest::{Digest, InvalidDigest};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use queue::{QueueState, QueueStatus, QueuedExecution};
pub use sqlite::SqliteStore;
pub use store::{Answer, Store};
