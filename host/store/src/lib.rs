//! Every durable byte of a runtime: packages by digest, the versions of each environment's deployment, tokens and the audit
//! log, the durable queue of requests that were given a receipt, answers kept by `Idempotency-Key`, further pages of answers, execution
//! records.
//!
//! [`Store`] is the whole of it for the rest of Auricle, and [`open`] the way in. [`SqliteStore`] keeps it in two files of
//! the data folder, [`PostgresStore`] in a database that many hosts share; [`MemoryStore`] forgets it with the program and
//! says so. What a store has answered is on disk: that is the promise that a receipt rests on.

#![expect(clippy::duplicate_mod, reason = "`sql/` is compiled for each engine: see there")]

mod backup;
mod codec;
mod digest;
mod error;
mod limits;
mod memory;
mod parts;
mod postgres;
mod refusal;
mod sqlite;
mod store;
mod time;

use std::path::Path;
use std::sync::Arc;

use auricle_model::StoreUrl;

pub use digest::{Digest, InvalidDigest};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use parts::*;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use store::{Answer, Store};

/// Opens a host's store: PostgreSQL where there is a URL, else the embedded one of its data folder. To be called inside a
/// tokio runtime, which has to outlive the store.
///
/// # Errors
///
/// Those of [`PostgresStore::open`] and [`SqliteStore::open`].
pub async fn open(url: Option<&StoreUrl>, data_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match url {
        Some(url) => Arc::new(PostgresStore::open(url).await?),
        None => Arc::new(SqliteStore::open(data_dir).await?),
    })
}
