//! `auricle keygen`: a key to sign packages with.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use auricle::packages::SigningKey;
use serde_json::json;

use crate::report::{Status, Voice};

/// Make a key to sign packages with
///
/// Writes the private key (Ed25519, PKCS#8 in PEM) to a file that only its owner reads, and prints the line of
/// [server.trust] with which hosts trust what it signs. Who has the file can sign in its name: keep it where your builds are,
/// not where your hosts are.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle keygen release.pem")]
pub(crate) struct Args {
    /// The file to write; one that exists is not touched
    #[arg(value_name = "KEYFILE")]
    file: PathBuf,
}

pub(crate) fn run(args: &Args, voice: Voice) -> anyhow::Result<Status> {
    let key = SigningKey::generate()?;
    let file = &args.file;
    write(args, &key.to_pem()?).with_context(|| format!("cannot write {}", file.display()))?;
    let name = name(args);
    let public = key.public().to_string();
    voice.note(format_args!(
        "the private key is in {}; in the manifest of each host that is to trust it:",
        file.display()
    ));
    voice.result(
        || format!("[server.trust]\nkeys = {{ {name} = \"{public}\" }}"),
        || json!({ "file": file, "name": name, "public-key": public }),
    );
    Ok(Status::Done)
}

fn write(args: &Args, pem: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&args.file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => anyhow!("it exists, and may be the only copy of a key: name another file"),
        _ => error.into(),
    })?;
    file.write_all(pem.as_bytes())?;
    Ok(file.sync_all()?)
}

/// What the key may be called: as its file is, as far as a name can.
fn name(args: &Args) -> String {
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = stem.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    if name.is_empty() { "release".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_called_as_its_file() {
        let called = |file: &str| name(&Args { file: file.into() });
        assert_eq!(["keys/release.pem", "a b.key", "é"].map(called), ["release", "ab", "release"]);
    }
}
