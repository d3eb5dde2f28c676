//! The packages of a deployment: which bytes they are, who signed them, and the components that are made of them.
//!
//! A package is known by its digest; its bytes are fetched again where they are needed, which is only to compile and to keep
//! them. So a start with everything in the cache costs one look at each file, some at a time, and the memory of none of them.
//!
//! - `find`: where the manifest says that packages are; `oci`: registries
//! - `signature`: whether one is signed by somebody who is trusted; `signing`: the other side of that
//! - `components`: what the engine makes of them; `keep`: into the store, with the names of those who signed them

mod components;
mod find;
mod keep;
mod oci;
pub mod signature;
mod signing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use auricle_model::manifest::{Problem, Problems};
use auricle_process::LoadError;
use auricle_store::{Digest, Store};
use bytes::Bytes;

use self::oci::Artifact;

pub(crate) use components::{are_cached, components};
pub use find::read;
pub(crate) use find::read_since;
pub(crate) use keep::{admitted, keep, signed};
pub use oci::{Pushed, Registry, RegistryError};
pub use signing::{KeyError, SigningKey};

/// A package: its digest, and where its bytes are.
#[derive(Clone)]
pub struct Package {
    /// What its bytes are.
    pub(crate) digest: Digest,
    /// What was found beside it, not yet verified.
    signature: Option<Arc<str>>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Store(Arc<dyn Store>),
    Registry(Arc<Artifact>),
}

impl Package {
    /// One that a store keeps.
    pub(crate) fn stored(digest: Digest, store: Arc<dyn Store>) -> Self {
        Self { digest, signature: None, source: Source::Store(store) }
    }

    /// What its bytes are.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its signature as it was found, not yet verified: [`signature::verify`] does that. None for one of a store, which
    /// keeps the name of who signed it.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// Its bytes. Those of a file are as they are now: who needs what was looked at compares the digest.
    ///
    /// # Errors
    ///
    /// The file, the store or the registry cannot be read: what it says is complete as a clause.
    pub async fn bytes(&self) -> Result<Bytes, LoadError> {
        match &self.source {
            Source::File(path) => {
                let read = tokio::fs::read(path).await;
                read.map(Bytes::from).map_err(|e| LoadError::Host(format!("cannot read {}: {e}", path.display())))
            }
            Source::Store(store) => {
                let read = store.package(self.digest).await.map_err(|e| LoadError::Host(e.to_string()))?;
                read.ok_or_else(|| LoadError::Host("the store does not hold it: deploy it again".to_owned()))
            }
            Source::Registry(artifact) => artifact.bytes().await.map_err(|e| LoadError::Host(e.to_string())),
        }
    }

    fn is_stored(&self) -> bool {
        matches!(self.source, Source::Store(_))
    }

    /// The digest as the engine writes it.
    fn component(&self) -> String {
        let text = self.digest.to_string();
        text.split_once(':').map_or_else(String::new, |(_, digits)| digits.to_owned())
    }
}

/// What was found by the name of its process, and what was wrong with the rest.
pub struct Found<T> {
    /// By the name of the process.
    pub found: BTreeMap<String, T>,
    /// With the place in the manifest that names the package.
    pub problems: Vec<Problem>,
}

impl<T> Found<T> {
    fn new() -> Self {
        Self { found: BTreeMap::new(), problems: Vec::new() }
    }

    /// Everything, or what keeps it from being everything.
    ///
    /// # Errors
    ///
    /// What was wrong.
    pub fn all(self) -> Result<BTreeMap<String, T>, Problems> {
        if self.problems.is_empty() { Ok(self.found) } else { Err(Problems(self.problems)) }
    }
}

/// The key of the manifest that says where a process's package is.
pub(crate) fn package_key(process: &str) -> String {
    format!("process[{process}].package")
}
