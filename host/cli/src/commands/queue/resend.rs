//! `auricle queue resend`.

use auricle::admin::{Count, Resend};
use auricle_model::ExecutionId;
use serde_json::json;

use crate::commands::execution_id;
use crate::remote::{Environment, Remote};
use crate::report::{Status, Voice, counted};

/// Run dead letters again, their runs counted anew
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  auricle queue resend 01938a5c-7d1e-7c3a-9f00-0123456789ab\n  auricle queue resend --all --process account-create"
)]
pub(super) struct Args {
    /// The dead letter
    #[arg(value_name = "ID", value_parser = execution_id, required_unless_present = "all", conflicts_with = "all")]
    id: Option<ExecutionId>,

    /// All dead letters of the environment
    #[arg(long)]
    all: bool,

    /// With --all: of this process only
    #[arg(long, value_name = "NAME", requires = "all")]
    process: Option<String>,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let client = args.remote.client()?;
    let count = match args.id {
        Some(id) => {
            client.post_nothing(&format!("queue/{id}/resend")).await?;
            1
        }
        None => {
            let which = Resend { environment: Some(args.environment.environment), process: args.process };
            client.post::<Count>("queue/resend", &which).await?.count
        }
    };
    voice.result(
        || format!("{} sent again", counted(usize::try_from(count).unwrap_or(usize::MAX), "dead letter")),
        || json!({ "count": count }),
    );
    Ok(Status::Done)
}
