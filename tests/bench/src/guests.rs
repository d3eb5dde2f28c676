//! The guests: built by cargo, and for the one without WASI made a component of here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

/// The workspace, of which the guests are members.
pub(crate) fn workspace() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().context("the sources are gone")
}

/// Where things are kept between runs.
pub(crate) fn target() -> Result<PathBuf> {
    let folder = workspace()?.join("target/bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

const WASI: &str = "wasm32-wasip2";
const BARE: &str = "wasm32-unknown-unknown";

/// `guests/small` without WASI.
pub(crate) fn small() -> Result<PathBuf> {
    let module = built(BARE, "bench-small")?;
    let small = target()?.join("small.wasm");
    fs::write(&small, component(&fs::read(module)?)?)?;
    Ok(small)
}

/// `guests/small` with WASI.
pub(crate) fn small_wasi() -> Result<PathBuf> {
    built(WASI, "bench-small")
}

/// `guests/serve`, of `wasi:http`.
pub(crate) fn serve() -> Result<PathBuf> {
    built(WASI, "bench-serve")
}

/// `guests/chores`.
pub(crate) fn chores() -> Result<PathBuf> {
    built(WASI, "bench-chores")
}

/// `examples/inspect`.
pub(crate) fn inspect() -> Result<PathBuf> {
    built(WASI, "inspect")
}

/// What cargo makes of a guest, built if it is not fresh.
fn built(target: &str, package: &str) -> Result<PathBuf> {
    ensure_target(target)?;
    cargo(&["build", "--release", "--target", target, "--package", package])?;
    Ok(workspace()?.join(format!("target/{target}/release/{}.wasm", package.replace('-', "_"))))
}

/// A component of a module that carries its world.
fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(module)?.validate(true).encode()
}

/// The same component with another digest: a section is added that means nothing.
pub(crate) fn distinct(component: &[u8], number: u32) -> Vec<u8> {
    const NAME: &[u8] = b"distinct";
    let mut copy = component.to_vec();
    let payload = number.to_le_bytes();
    // A custom section: its id, its length, its name's length, its name, its content. Both lengths are below 128.
    let length = u8::try_from(1 + NAME.len() + payload.len()).unwrap_or_default();
    copy.extend([0, length, NAME.len() as u8]);
    copy.extend(NAME);
    copy.extend(payload);
    copy
}

/// Runs cargo in the workspace. What it has to say goes to standard error.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let status =
        cargo.args(arguments).arg("--quiet").current_dir(workspace()?).status().context("cargo does not run")?;
    ensure!(status.success(), "`cargo {}` failed", arguments.join(" "));
    Ok(())
}

fn ensure_target(target: &str) -> Result<()> {
    let Ok(listed) = Command::new("rustup").args(["target", "list", "--installed"]).output() else {
        // Without rustup the target comes with the compiler, or the build says that it is missing.
        return Ok(());
    };
    if !String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == target) {
        let added = Command::new("rustup").args(["target", "add", target]).status()?;
        ensure!(added.success(), "`rustup target add {target}` failed");
    }
    Ok(())
}
