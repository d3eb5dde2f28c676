//! `auricle undeploy`: an environment serves nothing any more.

use auricle::admin::{NoteQuery, Served};

use super::served;
use crate::remote::{Environment, Remote, segment, with_query};
use crate::report::{Status, Voice};

/// Serve nothing in an environment any more
///
/// Its versions stay: `auricle rollback VERSION` serves one again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle undeploy --environment trial --note \"the trial is over\"")]
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
    let path = format!("environments/{}", segment(&args.environment.environment));
    let path = with_query(&path, &NoteQuery { note: args.note })?;
    let client = args.remote.client()?;
    let served: Served = client.take(&path).await?;
    served::tell(&served, voice);
    served::remark(&client, &args.environment.environment, voice).await?;
    Ok(Status::Done)
}
