//! Packages: put under their digest, asked for, fetched.

use auricle_store::Digest;
use bytes::Bytes;

use super::Call;
use super::endpoints::NoQuery;
use super::failure::Failure;
use super::speak::{Json, Package, Whole};
use super::wire::{PackageInfo, SIGNATURE};
use crate::limits::ADMIN_PACKAGE;
use crate::packages::signature;

pub(super) async fn put(
    call: Call,
    _: NoQuery,
    Whole(bytes): Whole<ADMIN_PACKAGE>,
) -> Result<Json<PackageInfo>, Failure> {
    let named = digest(&call)?;
    let size = bytes.len() as u64;
    let (bytes, digest) = hashed(bytes).await?;
    if digest != named {
        let detail = format!("the bytes have the digest {digest}, not {named}: they were changed on the way");
        return Err(Failure::unprocessable(detail));
    }
    let signature = call.headers.get(SIGNATURE).map(|value| value.to_str().unwrap_or_default());
    let signer = signature::signer(&call.host.config.trust, &digest, signature);
    let signed_by = signer.map_err(|why| Failure::unprocessable(format!("the package {digest}: {why}")))?;
    call.host.store.put_package(bytes, signed_by).await?;
    // What it was signed with before stays.
    let signed_by = call.host.store.package_info(digest).await?.and_then(|info| info.signed_by);
    let detail = match &signed_by {
        Some(name) => format!("{size} bytes, signed by `{name}`"),
        None => format!("{size} bytes"),
    };
    call.host.store.note(call.by("put-package", digest.to_string(), detail)).await?;
    Ok(Json(PackageInfo { digest, size, signed_by }))
}

pub(super) async fn head(call: Call, _: NoQuery, _: ()) -> Result<Package, Failure> {
    let digest = digest(&call)?;
    let info = call.host.store.package_info(digest).await?.ok_or_else(|| missing(digest))?;
    Ok(Package { bytes: Bytes::new(), size: info.size, signed_by: info.signed_by })
}

pub(super) async fn get(call: Call, _: NoQuery, _: ()) -> Result<Package, Failure> {
    let digest = digest(&call)?;
    let info = call.host.store.package_info(digest).await?.ok_or_else(|| missing(digest))?;
    let bytes = call.host.store.package(digest).await?.ok_or_else(|| missing(digest))?;
    Ok(Package { size: bytes.len() as u64, bytes, signed_by: info.signed_by })
}

fn digest(call: &Call) -> Result<Digest, Failure> {
    call.parsed("digest", "digest: write `sha256:` and 64 hexadecimal digits")
}

fn missing(digest: Digest) -> Failure {
    Failure::not_found(format!("the store does not hold the package {digest}"))
}

/// Large bytes are hashed where they hold up nobody.
async fn hashed(bytes: Bytes) -> Result<(Bytes, Digest), Failure> {
    let hashed = tokio::task::spawn_blocking(move || {
        let digest = Digest::of(&bytes);
        (bytes, digest)
    });
    hashed.await.map_err(|_| Failure::defect())
}
