//! `auricle rollback`: an earlier version is served again.

use auricle::admin::Rollback;

use super::served;
use crate::remote::{Environment, Remote};
use crate::report::{Status, Voice};

/// Serve an earlier version again, or end a canary
///
/// Without a version: where there is a canary, that ends; else the version that was active before is served. Requests in
/// flight finish on the version that they began with.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  auricle rollback --note \"orders are refused\"\n  auricle rollback 5 --environment prod"
)]
pub(crate) struct Args {
    /// The version
    #[arg(value_name = "VERSION")]
    version: Option<u32>,

    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let change = Rollback { version: args.version, note: args.note };
    served::change(&args.remote, &args.environment, "rollback", &change, voice).await
}
