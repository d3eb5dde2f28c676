//! Packages by digest.

use std::collections::HashMap;
use std::time::SystemTime;

use bytes::Bytes;

use super::MemoryStore;
use crate::{Answer, Digest, PackageInfo, time};

pub(super) type Packages = HashMap<Digest, Package>;

#[derive(Debug)]
pub(super) struct Package {
    bytes: Bytes,
    added_at: SystemTime,
    signed_by: Option<String>,
}

impl crate::Packages for MemoryStore {
    fn put_package(&self, bytes: Bytes, signed_by: Option<String>) -> Answer<'_, Digest> {
        let digest = Digest::of(&bytes);
        self.with(|all| {
            let new = || Package { bytes, added_at: time::now(), signed_by: None };
            let package = all.packages.entry(digest).or_insert_with(new);
            if signed_by.is_some() {
                package.signed_by = signed_by;
            }
            Ok(digest)
        })
    }

    fn package(&self, digest: Digest) -> Answer<'_, Option<Bytes>> {
        self.with(|all| Ok(all.packages.get(&digest).map(|package| package.bytes.clone())))
    }

    fn package_info(&self, digest: Digest) -> Answer<'_, Option<PackageInfo>> {
        self.with(|all| {
            Ok(all.packages.get(&digest).map(|package| PackageInfo {
                digest,
                size: package.bytes.len() as u64,
                added_at: package.added_at,
                signed_by: package.signed_by.clone(),
            }))
        })
    }
}
