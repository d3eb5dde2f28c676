//! `auricle queue`: requests that were given a receipt and are still to be run, and those that will not be by themselves.

mod list;
mod resend;

use auricle::admin::QueueDetail;
use auricle_model::ExecutionId;
use serde_json::json;

use crate::commands::execution_id;
use crate::remote::Remote;
use crate::report::{Status, Voice};
use crate::table::one_line;

/// Look at the durable queue, and send dead letters again
///
/// A request to a process that returns no documents is queued and acknowledged at once. One that failed as often as its
/// `retry` allows is a dead letter: it stays until it is sent again or discarded.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Examples:
  auricle queue list --dead
  auricle queue resend 01938a5c-7d1e-7c3a-9f00-0123456789ab
  auricle queue resend --all --process account-create";

#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
    Show(ShowArgs),
    Resend(resend::Args),
    Discard(DiscardArgs),
}

/// Show where one entry stands
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle queue show 01938a5c-7d1e-7c3a-9f00-0123456789ab")]
struct ShowArgs {
    /// The execution: what the receipt had as X-Execution-Id
    #[arg(value_name = "ID", value_parser = execution_id)]
    id: ExecutionId,

    #[command(flatten)]
    remote: Remote,
}

/// Throw a dead letter away
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle queue discard 01938a5c-7d1e-7c3a-9f00-0123456789ab")]
struct DiscardArgs {
    /// The dead letter
    #[arg(value_name = "ID", value_parser = execution_id)]
    id: ExecutionId,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match args.command {
        Command::List(args) => list::run(args, voice).await,
        Command::Show(args) => show(args, voice).await,
        Command::Resend(args) => resend::run(args, voice).await,
        Command::Discard(args) => discard(args, voice).await,
    }
}

async fn show(args: ShowArgs, voice: Voice) -> anyhow::Result<Status> {
    let entry: QueueDetail = args.remote.client()?.get(&format!("queue/{}", args.id)).await?;
    voice.result(
        || {
            let mut text = format!(
                "{} is {} in `{}`, {} begun",
                entry.id,
                list::state(entry.state),
                entry.environment,
                runs(entry.attempt)
            );
            if let Some(message) = &entry.message {
                text.push_str(&format!("\nthe last run failed: {}", one_line(message)));
            }
            text
        },
        || json!(entry),
    );
    Ok(Status::Done)
}

async fn discard(args: DiscardArgs, voice: Voice) -> anyhow::Result<Status> {
    args.remote.client()?.delete(&format!("queue/{}", args.id)).await?;
    voice.result(|| format!("{} is thrown away", args.id), || json!({ "discarded": args.id }));
    Ok(Status::Done)
}

fn runs(count: u32) -> String {
    crate::report::counted(usize::try_from(count).unwrap_or(usize::MAX), "run")
}
