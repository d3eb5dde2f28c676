//! Packages into the store, and who signed them: what is deployed has to be there, from somebody who is trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use auricle_model::Trust;
use auricle_model::manifest::{Manifest, Problems};
use auricle_store::{Digest, Store, StoreError};
use futures_util::{StreamExt as _, stream};

use super::signature::{admit, signer};
use super::{Found, Package, Source, package_key};
use crate::deploy::DeployError;
use crate::limits::FILES_AT_A_TIME;

/// Who signed each package that has just been found, by the name of its process; its problems say which may not be
/// deployed, and why.
pub(crate) fn signed(trust: &Trust, packages: &BTreeMap<String, Package>, places: &Manifest) -> Found<Option<String>> {
    let mut signers = Found::new();
    for (process, package) in packages.iter().filter(|(_, package)| !package.is_stored()) {
        match signer(trust, &package.digest, package.signature()) {
            Ok(signer) => drop(signers.found.insert(process.clone(), signer)),
            Err(error) => signers.problems.push(places.problem(&package_key(process), error.to_string())),
        }
    }
    signers
}

/// The same, of packages in the store too: they were verified when they came there.
pub(crate) async fn admitted(
    trust: &Trust,
    packages: &BTreeMap<String, Package>,
    places: &Manifest,
) -> Result<Found<Option<String>>, StoreError> {
    let mut signers = signed(trust, packages, places);
    for (process, package) in packages {
        let Source::Store(store) = &package.source else { continue };
        let signed_by = store.package_info(package.digest).await?.and_then(|known| known.signed_by);
        match admit(trust, signed_by.as_deref()) {
            Ok(()) => drop(signers.found.insert(process.clone(), signed_by)),
            Err(error) => signers.problems.push(places.problem(&package_key(process), error.to_string())),
        }
    }
    Ok(signers)
}

/// Keeps packages in a store with their signers, several at a time: it syncs them together. Each has to be what it was when
/// it was loaded.
pub(crate) async fn keep(
    store: &Arc<dyn Store>,
    packages: &BTreeMap<String, Package>,
    signers: &BTreeMap<String, Option<String>>,
    places: &Manifest,
) -> Result<BTreeMap<String, Digest>, DeployError> {
    // Each with the process that it is told by.
    let new = packages.iter().filter(|(_, package)| !package.is_stored());
    let once: BTreeMap<Digest, (String, Package, Option<String>)> = new
        .map(|(name, package)| (package.digest, (name.clone(), package.clone(), signers.get(name).cloned().flatten())))
        .collect();
    let keeping = stream::iter(once.into_values())
        .map(|(name, package, signed_by)| keep_one(store.clone(), name, package, signed_by));
    let mut keeping = keeping.buffer_unordered(FILES_AT_A_TIME);
    while let Some(kept) = keeping.next().await {
        if let Err((name, why)) = kept? {
            return Err(Problems(vec![places.problem(&package_key(&name), why)]).into());
        }
    }
    Ok(packages.iter().map(|(name, package)| (name.clone(), package.digest)).collect())
}

/// The inner error is what is wrong with the package of this process.
async fn keep_one(
    store: Arc<dyn Store>,
    name: String,
    package: Package,
    signed_by: Option<String>,
) -> Result<Result<(), (String, String)>, StoreError> {
    let bytes = match package.bytes().await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err((name, error.to_string()))),
    };
    if Digest::of(&bytes) != package.digest {
        return Ok(Err((name, "it is being changed: deploy it when it is not".to_owned())));
    }
    store.put_package(bytes, signed_by).await.map(|_| Ok(()))
}
