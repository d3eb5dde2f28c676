//! `auricle push`: a package into an OCI registry.

use std::path::PathBuf;

use anyhow::Context as _;
use auricle::Digest;
use auricle::packages::Registry;
use auricle::packages::signature::Signature;
use auricle_model::OciReference;
use serde_json::json;

use super::sign::{beside, read_key};
use crate::progress::Spinner;
use crate::report::{Status, Voice};

/// Put a package into an OCI registry
///
/// Pushes it as other tools for components do, with the signature of --key, or the one beside it (PACKAGE.sig, see `auricle
/// sign`), if there is one. Prints the reference with the digest: who writes that into a manifest gets these bytes or
/// nothing.
///
/// Credentials are those of AURICLE_OCI_USERNAME and AURICLE_OCI_PASSWORD, else those of `docker login`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  auricle push account_get.wasm registry.example/acme/account-get:1.0 --key release.pem"
)]
pub(crate) struct Args {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,

    /// Where to: REGISTRY/REPOSITORY:TAG
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    reference: OciReference,

    /// Sign it with this private key
    #[arg(long, value_name = "KEYFILE")]
    key: Option<PathBuf>,
}

fn reference(text: &str) -> Result<OciReference, String> {
    let reference: OciReference =
        text.strip_prefix("oci://").unwrap_or(text).parse().map_err(|error| format!("{error}"))?;
    match reference.digest {
        Some(_) => Err("a digest comes of what is pushed: name a tag alone".to_owned()),
        None => Ok(reference),
    }
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let Args { package, reference, key } = args;
    let bytes = std::fs::read(&package).with_context(|| format!("cannot read {}", package.display()))?;
    let signature = match key {
        Some(key) => Some(read_key(&key)?.sign(&Digest::of(&bytes))),
        None => signature_beside(&package)?,
    };
    let pushed = {
        let _turning = Spinner::new("pushing");
        let registry = Registry::open(&reference.registry).await?;
        let pushed = registry.push(&reference, bytes, signature.as_ref()).await;
        pushed.with_context(|| format!("{} is not pushed to `{reference}`", package.display()))?
    };
    let pinned = OciReference { digest: Some(pushed.artifact.to_string()), ..reference };
    voice.result(
        || &pinned,
        || {
            json!({
                "reference": pinned.to_string(),
                "artifact": pushed.artifact,
                "package": pushed.package,
                "signed": signature.is_some(),
            })
        },
    );
    Ok(Status::Done)
}

fn signature_beside(package: &std::path::Path) -> anyhow::Result<Option<Signature>> {
    let file = beside(package);
    match std::fs::read_to_string(&file) {
        Ok(text) => text.parse().map(Some).with_context(|| file.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}
