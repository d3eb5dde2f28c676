//! Sends packages to a host: each once, and only those that it does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use auricle::Digest;
use auricle::admin::SIGNATURE;
use auricle::packages::Package;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use crate::progress;
use crate::remote::{Client, Sending};

/// Sends what the host does not have of the packages of these processes; gives how many that were.
pub(super) async fn missing(client: &Client, packages: &BTreeMap<String, Package>) -> anyhow::Result<usize> {
    let (mut seen, mut sent) = (BTreeSet::new(), 0);
    for (process, package) in packages {
        let digest = package.digest();
        let signature = package.signature().map(str::to_owned);
        let bytes = || async { Ok(package.bytes().await?) };
        if seen.insert(digest) && one(client, digest, process, signature, bytes).await? {
            sent += 1;
        }
    }
    Ok(sent)
}

/// Sends one, unless the host has it. One with a signature is always sent: the host may have it without.
pub(super) async fn one<F>(
    client: &Client,
    digest: Digest,
    process: &str,
    signature: Option<String>,
    bytes: impl FnOnce() -> F,
) -> anyhow::Result<bool>
where
    F: Future<Output = anyhow::Result<Bytes>>,
{
    let path = format!("packages/{digest}");
    if signature.is_none() && client.has(&path).await? {
        return Ok(false);
    }
    let of = || format!("the package of process `{process}`");
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        let value =
            HeaderValue::try_from(signature.trim()).with_context(|| format!("{}: its signature is none", of()))?;
        headers.insert(SIGNATURE, value);
    }
    let sending = Sending::bytes(bytes().await.with_context(of)?);
    let bar = progress::bytes(sending.left(), format!("sending {process}"));
    let sent = client.send(Method::PUT, &path, headers, sending.shown(bar.clone())).await;
    bar.finish_and_clear();
    sent.with_context(of)?;
    Ok(true)
}

/// The signature that `auricle sign` wrote beside a package.
pub(super) fn signature_beside(package: &Path) -> anyhow::Result<Option<String>> {
    let mut file = package.as_os_str().to_owned();
    file.push(".sig");
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", Path::new(&file).display())),
    }
}
