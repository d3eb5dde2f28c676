//! `auricle status`: which host answers, to whom, and what it serves.

use auricle::admin::{EnvironmentInfo, Whoami};
use serde_json::json;

use super::deployments::summary;
use crate::remote::Remote;
use crate::report::{Status, Voice};

/// Show which host answers, who you are to it, and what it serves
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle status --server https://erp.example:9091")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let client = args.remote.client()?;
    let who: Whoami = client.get("whoami").await?;
    let environments: Vec<EnvironmentInfo> = client.get("environments").await?;
    let serving = environments.iter().find(|environment| environment.name == who.environment);
    let nothing = || format!("`{}` serves nothing: nothing was ever deployed there", who.environment);
    voice.result(
        || {
            let Whoami { name, role, host_version, state, .. } = &who;
            let host = format!("{} is {state}: auricle {host_version}", client.server());
            format!("{host}\nyou are `{name}` ({role})\n{}", serving.map_or_else(nothing, summary))
        },
        || json!({ "server": client.server(), "whoami": who, "environment": serving }),
    );
    Ok(Status::Done)
}
