//! What a build command needs around it: the Rust target for components, and an environment without the traces of the
//! cargo that started this program.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use crate::report::Voice;

/// The Rust target whose output is a component.
const TARGET: &str = "wasm32-wasip2";

/// How to get it by hand.
const ADD: &str = "rustup target add wasm32-wasip2";

/// Whether a command compiles for [`TARGET`].
pub(super) fn needs_wasip2(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    words.contains(&"--target=wasm32-wasip2") || words.windows(2).any(|pair| pair == ["--target", TARGET])
}

/// Makes sure that the toolchain in force in a folder has [`TARGET`]: asks the compiler, and lets rustup add what is missing.
pub(super) async fn ensure_wasip2(folder: &Path, voice: Voice) -> anyhow::Result<()> {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder).stdin(Stdio::null());
    clean(&mut ask);
    match ask.output().await {
        Ok(answer) => {
            let libraries = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
            if answer.status.success() && Path::new(&libraries).is_dir() {
                return Ok(());
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("there is no `rustc` on the PATH: install Rust (https://rustup.rs), then `{ADD}`")
        }
        Err(error) => return Err(error).context("cannot run `rustc`"),
    }

    voice.note(format_args!("adding the Rust target: {ADD}"));
    let mut add = Command::new("rustup");
    add.args(["target", "add", TARGET]).current_dir(folder).stdin(Stdio::null());
    clean(&mut add);
    if voice.is_json() {
        add.stdout(Stdio::null()).stderr(Stdio::null());
    } else {
        add.stdout(std::io::stderr());
    }
    match add.status().await {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("the Rust target {TARGET} is missing and could not be added: try `{ADD}`"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("the Rust target {TARGET} is missing and there is no rustup to add it: with rustup, `{ADD}`")
        }
        Err(error) => Err(error).context("cannot run `rustup`"),
    }
}

/// Takes out of a command's environment what `cargo run` put there, and what would move cargo's output away from where
/// manifests look for it. The toolchain that was chosen stays.
pub(super) fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_trace) {
            command.env_remove(name);
        }
    }
}

fn is_trace(name: &str) -> bool {
    const WHOLE: [&str; 9] = [
        "CARGO",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_CRATE_NAME",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_DIR",
        "RUSTFLAGS",
    ];
    const FAMILIES: [&str; 4] = ["CARGO_BIN_", "CARGO_CFG_", "CARGO_MANIFEST_", "CARGO_PKG_"];
    WHOLE.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_seen_in_both_spellings() {
        assert!(needs_wasip2("cargo build --target wasm32-wasip2 --release"));
        assert!(needs_wasip2("cargo build --release --target=wasm32-wasip2"));
        assert!(!needs_wasip2("cargo build --target wasm32-wasip1"));
        assert!(!needs_wasip2("npm run build -- wasm32-wasip2"));
    }

    #[test]
    fn settings_of_the_user_stay() {
        for trace in ["CARGO", "CARGO_TARGET_DIR", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTFLAGS"] {
            assert!(is_trace(trace), "{trace}");
        }
        for setting in ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!is_trace(setting), "{setting}");
        }
    }
}
