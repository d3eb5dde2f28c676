//! `auricle check`: everything that would make a deployment fail or a request miss.

use auricle::{Engine, deploy};
use serde_json::json;

use crate::manifest::{self, Config};
use crate::progress::Spinner;
use crate::report::{Status, Voice, counted, problems_json};

/// Check a manifest, its packages, grants and routes, without deploying
///
/// Does everything that a deployment does but the last step: packages are loaded and each process is started once.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle check --config examples/crm-sync/auricle.toml")]
pub(crate) struct Args {
    #[command(flatten)]
    config: Config,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let manifest = args.config.load()?;
    let report = {
        let _turning = Spinner::new("loading packages");
        manifest::many_files();
        let engine = Engine::new(manifest::small_engine(&manifest)?)?;
        deploy::check(&engine, &manifest).await
    };
    let deployment = &manifest.deployment;
    let (processes, apis) = (deployment.processes.len(), deployment.apis.len());
    let routes = deployment.apis.iter().map(|api| api.rest.len()).sum::<usize>();
    let operations = deployment.apis.iter().map(|api| api.soap.len()).sum::<usize>();
    let sound = report.problems.is_empty();
    voice.problems("warning", &report.warnings);
    voice.problems("error", &report.problems);
    if sound || voice.is_json() {
        voice.result(
            || {
                let (processes, apis) = (counted_processes(processes), counted(apis, "API"));
                let soap = (operations > 0).then(|| format!(", {}", counted(operations, "SOAP operation")));
                format!("ok: {processes}, {apis}, {}{}", counted(routes, "route"), soap.unwrap_or_default())
            },
            || {
                json!({
                    "ok": sound,
                    "problems": problems_json(&report.problems),
                    "warnings": problems_json(&report.warnings),
                    "processes": processes,
                    "apis": apis,
                    "routes": routes,
                    "soap-operations": operations,
                })
            },
        );
    }
    Ok(if sound { Status::Done } else { Status::Failed })
}

fn counted_processes(count: usize) -> String {
    format!("{count} process{}", if count == 1 { "" } else { "es" })
}
