//! Building packages: each distinct `build` command of a manifest once, in the order of the file, in its folder.
//!
//! The compiler speaks for itself: its words go to standard error as they come, or are kept for a machine.

mod toolchain;

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use auricle::Manifest;
use auricle_model::{PackageRef, ProcessDecl};
use tokio::process::Command;

use crate::report::Voice;

/// One command to run, and the processes whose packages it makes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// The command, for a shell.
    pub(crate) command: &'a str,
    /// Where it runs.
    pub(crate) folder: &'a Path,
    /// Whose packages it makes.
    pub(crate) processes: Vec<&'a ProcessDecl>,
}

/// What a step came to.
pub(crate) struct Built {
    /// How long its command took.
    pub(crate) took: Duration,
    /// What the command said, where that was not shown.
    pub(crate) output: Option<String>,
}

/// A build command that failed.
#[derive(Debug, thiserror::Error)]
#[error("building process{} {processes} failed ({}): {command}", if *.several { "es" } else { "" }, ended(.status))]
pub(crate) struct BuildFailed {
    processes: String,
    several: bool,
    status: ExitStatus,
    command: String,
    /// What the command said, where that was not shown.
    pub(crate) output: Option<String>,
}

impl Step<'_> {
    /// The names of its processes: `` `a`, `b` ``.
    pub(crate) fn names(&self) -> String {
        self.processes.iter().map(|p| format!("`{}`", p.name)).collect::<Vec<_>>().join(", ")
    }
}

/// What has to run to build those processes that `wanted` picks: equal commands of one folder are one.
pub(crate) fn plan(manifest: &Manifest, wanted: impl Fn(&ProcessDecl) -> bool) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for process in manifest.deployment.processes.iter().filter(|p| wanted(p)) {
        let Some(command) = process.build.as_deref() else { continue };
        let folder = process.build_dir.as_path();
        match steps.iter_mut().find(|step| step.command == command && step.folder == folder) {
            Some(step) => step.processes.push(process),
            None => steps.push(Step { command, folder, processes: vec![process] }),
        }
    }
    steps
}

/// Runs a step: its command has to succeed and its packages have to be there after it.
pub(crate) async fn run(step: &Step<'_>, voice: Voice) -> anyhow::Result<Built> {
    if toolchain::needs_wasip2(step.command) {
        toolchain::ensure_wasip2(step.folder, voice).await?;
    }
    voice.note(format_args!("building {}: {}", step.names(), step.command));
    let begun = Instant::now();
    let (status, output) = shell(step, voice)
        .await
        .with_context(|| format!("cannot run `{}` in {}", step.command, step.folder.display()))?;
    if !status.success() {
        return Err(BuildFailed {
            processes: step.names(),
            several: step.processes.len() > 1,
            status,
            command: step.command.to_owned(),
            output,
        }
        .into());
    }
    for process in &step.processes {
        let Some(package) = package(process) else { continue };
        if !package.exists() {
            anyhow::bail!(
                "building process `{}` made no {}: `{}` succeeded, so it wrote its output elsewhere; correct `package`, \
                 or the command",
                process.name,
                package.display(),
                step.command
            );
        }
    }
    Ok(Built { took: begun.elapsed(), output })
}

/// The file of a process's package, if it is one.
pub(crate) fn package(process: &ProcessDecl) -> Option<&PathBuf> {
    match &process.package {
        PackageRef::Path(path) => Some(path),
        PackageRef::Oci(_) => None,
    }
}

/// Runs the command in a shell. It ends with this program, and has no input to wait for.
async fn shell(step: &Step<'_>, voice: Voice) -> std::io::Result<(ExitStatus, Option<String>)> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.arg(flag).arg(step.command).current_dir(step.folder).stdin(Stdio::null()).kill_on_drop(true);
    toolchain::clean(&mut command);
    if voice.is_json() {
        let output = command.output().await?;
        let said = [output.stdout, output.stderr].concat();
        return Ok((output.status, Some(String::from_utf8_lossy(&said).into_owned())));
    }
    // Standard output is for this program's results.
    let status = command.stdout(std::io::stderr()).status().await?;
    Ok((status, None))
}

fn ended(status: &ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        // By a signal; the system's words name it.
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [[process]]
        name = "a"
        package = "a.wasm"
        build = "make"
        type = "get"
        object = "A"
        input = "none"
        output = "single-json"
        [[process]]
        name = "b"
        package = "b.wasm"
        type = "get"
        object = "B"
        input = "none"
        output = "single-json"
        [[process]]
        name = "c"
        package = "c.wasm"
        build = "make"
        type = "get"
        object = "C"
        input = "none"
        output = "single-json"
    "#;

    #[test]
    fn equal_commands_are_one_step() {
        let manifest = Manifest::parse("auricle.toml", MANIFEST, Path::new("/x")).unwrap();
        let steps = plan(&manifest, |_| true);
        assert_eq!(steps.len(), 1);
        assert_eq!((steps[0].command, steps[0].folder), ("make", Path::new("/x")));
        assert_eq!(steps[0].names(), "`a`, `c`");
        assert_eq!(plan(&manifest, |p| p.name == "c")[0].names(), "`c`");
        assert_eq!(plan(&manifest, |p| p.name == "b"), []);
    }
}
