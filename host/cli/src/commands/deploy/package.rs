//! One package, for the process of a name wherever that is deployed.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use auricle::Digest;
use auricle::admin::{PackageChange, Served};
use bytes::Bytes;
use serde_json::json;

use super::{Args, upload};
use crate::progress::Spinner;
use crate::remote::segment;
use crate::report::{Status, Voice};

pub(super) async fn run(args: &Args, process: &str, voice: Voice) -> anyhow::Result<Status> {
    let file = args.what.as_deref().unwrap_or(Path::new("-"));
    let manifest = if args.access.is_whole() { None } else { args.config.load_if_there()? };
    let client = args.access.client(manifest.as_ref())?;
    let (bytes, signature) = read(file)?;
    let digest = Digest::of(&bytes);
    upload::one(&client, digest, process, signature, || async { Ok(bytes) }).await?;
    let change =
        PackageChange { digest, note: args.note.clone(), canary: args.canary(), environment: args.environment.clone() };
    let served: Vec<Served> = {
        let _turning = Spinner::new("the host loads, starts and tries it");
        client.put(&format!("processes/{}/package", segment(process)), &change).await?
    };
    voice.result(
        || served.iter().map(|served| told(served, args.canary().is_some())).collect::<Vec<_>>().join("\n"),
        || json!(served),
    );
    Ok(Status::Done)
}

fn told(served: &Served, canary: bool) -> String {
    let environment = &served.environment;
    match served.version {
        Some(version) if canary => format!("version {version} is a canary of `{environment}`"),
        Some(version) => format!("`{environment}` serves version {version}"),
        None => format!("`{environment}` serves nothing"),
    }
}

/// The bytes, and the signature that lies beside them.
fn read(file: &Path) -> anyhow::Result<(Bytes, Option<String>)> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok((bytes.into(), None));
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((bytes.into(), upload::signature_beside(file)?))
}
