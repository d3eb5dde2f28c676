//! `auricle promote`: the canary is served to everybody.

use auricle::admin::Promotion;

use super::served;
use crate::remote::{Environment, Remote};
use crate::report::{Status, Voice};

/// Make the canary the active version
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle deploy --canary 10% && auricle promote --note \"a day without an error\"")]
pub(crate) struct Args {
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    served::change(&args.remote, &args.environment, "promote", &Promotion { note: args.note }, voice).await
}
