//! `auricle build`: makes the packages that a manifest names.

use std::time::Duration;

use serde_json::{Value, json};

use crate::build;
use crate::manifest::{self, Config};
use crate::report::{Status, Voice, counted, millis, seconds};
use crate::signals::Stop;

/// Build the packages of a manifest, by its `build` commands
///
/// Runs each distinct command once, in the folder of the file that declares it. The Rust target wasm32-wasip2 is added
/// where a command needs it and it is missing.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle build --config examples/crm-sync/auricle.toml account-get account-query")]
pub(crate) struct Args {
    #[command(flatten)]
    config: Config,

    /// Only these processes
    #[arg(value_name = "PROCESS")]
    processes: Vec<String>,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let manifest = args.config.load()?;
    for name in &args.processes {
        let process = manifest::process(&manifest, name)?;
        if process.build.is_none() {
            anyhow::bail!("process `{name}` has no `build` command: give it one in {}", manifest.file.display());
        }
    }
    let steps = build::plan(&manifest, |p| args.processes.is_empty() || args.processes.contains(&p.name));
    // So that a command that is being run ends with this program.
    let stop = Stop::listen()?;
    let mut told: Vec<Value> = Vec::new();
    let (mut packages, mut time) = (0, Duration::ZERO);
    for step in &steps {
        let Some(built) = stop.or(build::run(step, voice)).await.transpose()? else { return Ok(Status::Failed) };
        packages += step.processes.len();
        time += built.took;
        told.push(json!({
            "processes": step.processes.iter().map(|p| &p.name).collect::<Vec<_>>(),
            "packages": step.processes.iter().filter_map(|p| build::package(p)).collect::<Vec<_>>(),
            "command": step.command,
            "ms": millis(built.took),
            "output": built.output,
        }));
    }
    voice.result(
        || match packages {
            0 => "nothing to build: no process has a `build` command".to_owned(),
            count => format!("built {} in {}", counted(count, "package"), seconds(time)),
        },
        || json!({ "built": told }),
    );
    Ok(Status::Done)
}
