//! `auricle sign`: a signature beside each package.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use auricle::Digest;
use auricle::packages::SigningKey;
use serde_json::json;

use crate::report::{Status, Voice};

/// Sign packages with a key
///
/// Writes PACKAGE.sig beside each package; `deploy`, `serve` and `push` take it from there. A host with [server.trust] knows by
/// it who built the package, and that its bytes are what was signed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle sign target/wasm32-wasip2/release/account_get.wasm --key release.pem")]
pub(crate) struct Args {
    /// The packages
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<PathBuf>,

    /// The private key, as `auricle keygen` wrote it
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
}

pub(crate) fn run(args: &Args, voice: Voice) -> anyhow::Result<Status> {
    let key = read_key(&args.key)?;
    let mut signed = Vec::with_capacity(args.packages.len());
    for package in &args.packages {
        let bytes = std::fs::read(package).with_context(|| format!("cannot read {}", package.display()))?;
        let digest = Digest::of(&bytes);
        let file = beside(package);
        std::fs::write(&file, format!("{}\n", key.sign(&digest)))
            .with_context(|| format!("cannot write {}", file.display()))?;
        signed.push((file, digest));
    }
    voice.result(
        || {
            signed
                .iter()
                .map(|(file, digest)| format!("{} signs {digest}", file.display()))
                .collect::<Vec<_>>()
                .join("\n")
        },
        || signed.iter().map(|(file, digest)| json!({ "signature": file, "package": digest })).collect(),
    );
    Ok(Status::Done)
}

/// Reads a private key.
pub(super) fn read_key(file: &Path) -> anyhow::Result<SigningKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    SigningKey::from_pem(&text).with_context(|| file.display().to_string())
}

/// The file with the signature of a package.
pub(super) fn beside(package: &Path) -> PathBuf {
    let mut file = package.as_os_str().to_owned();
    file.push(".sig");
    file.into()
}
