//! Packages by the SHA-256 of their bytes: immutable, kept once.

use std::time::SystemTime;

use bytes::Bytes;

use crate::{Answer, Digest};

/// What is known of a package without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageInfo {
    /// Its digest.
    pub digest: Digest,
    /// Bytes that it has.
    pub size: u64,
    /// When it was first put, to the millisecond.
    pub added_at: SystemTime,
    /// Name of the trusted key that signed it, when it was put with a signature.
    pub signed_by: Option<String>,
}

/// Keeps packages.
pub trait Packages: Send + Sync + 'static {
    /// Keeps a package under the digest of its bytes, with the name of the key whose signature was checked. The same bytes
    /// are kept once; a damaged copy is replaced, a signature added.
    fn put_package(&self, bytes: Bytes, signed_by: Option<String>) -> Answer<'_, Digest>;

    /// A package, or none when it was never put. One that no longer has its digest is an error, never an answer.
    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>>;

    /// What is known of a package, without a look at its bytes.
    fn package_info(&self, digest: Digest) -> Answer<'_, Option<PackageInfo>>;
}
