//! Builds what the tests run: the program once, and the guests once, by cargo, which knows what is fresh.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// The workspace's folder.
pub static WORKSPACE: LazyLock<PathBuf> =
    LazyLock::new(|| Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned());

/// The program `auricle`.
pub fn program() -> &'static Path {
    built("auricle")
}

/// The program `auricle-bench`, for its soak.
pub fn bench() -> &'static Path {
    built("auricle-bench")
}

/// A program of the workspace.
///
/// They are built with the whole workspace's features, as `cargo test --workspace` has just done it: otherwise their
/// dependencies would be compiled once more.
fn built(name: &str) -> &'static Path {
    static PROGRAMS: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
        let mut arguments =
            vec!["build", "--workspace", "--bin", "auricle", "--bin", "auricle-bench", "--test", "system"];
        if !cfg!(debug_assertions) {
            arguments.push("--release");
        }
        let programs = cargo(&arguments).into_iter().filter_map(|artifact| {
            let name = artifact["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(artifact["executable"].as_str()?)))
        });
        programs.collect()
    });
    PROGRAMS.get(name).expect("cargo names the programs it built")
}

/// The component of a guest package, by its package's name: `inspect`, `probe`, `account-get`.
pub fn guest(package: &str) -> &'static Path {
    const GUESTS: [&str; 8] = [
        "inspect",
        "probe",
        "account-get",
        "account-query",
        "account-create",
        "account-update",
        "account-delete",
        "account-notify",
    ];
    static BUILT: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
        ensure_target();
        let mut arguments = vec!["build", "--target", "wasm32-wasip2", "--release"];
        arguments.extend(GUESTS.iter().flat_map(|name| ["--package", name]));
        let components = cargo(&arguments).into_iter().filter_map(|artifact| {
            let files = artifact["filenames"].as_array()?;
            let wasm = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm"))?;
            Some((artifact["target"]["name"].as_str()?.replace('_', "-"), PathBuf::from(wasm)))
        });
        components.collect()
    });
    BUILT.get(package).unwrap_or_else(|| panic!("`{package}` is none of {GUESTS:?}"))
}

/// A folder of compiled components that all tests share: what one has compiled the next only loads.
pub(crate) fn cache() -> &'static Path {
    static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = program().parent().unwrap().join("auricle-tests-cache");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    });
    &CACHE
}

/// Runs cargo and gives the artifacts that it names, those that were fresh included.
fn cargo(arguments: &[impl AsRef<OsStr>]) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--quiet", "--message-format", "json-render-diagnostics"])
        .current_dir(&*WORKSPACE)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo could not build what the tests run");
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let messages = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    messages.filter(|message| message["reason"] == "compiler-artifact").collect()
}

fn ensure_target() {
    const TARGET: &str = "wasm32-wasip2";
    let Ok(listed) = Command::new("rustup").args(["target", "list", "--installed"]).output() else {
        // Without rustup the target comes with the compiler, or the build says that it is missing.
        return;
    };
    if !String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == TARGET) {
        let added = Command::new("rustup").args(["target", "add", TARGET]).status().unwrap();
        assert!(added.success(), "`rustup target add {TARGET}` failed");
    }
}
