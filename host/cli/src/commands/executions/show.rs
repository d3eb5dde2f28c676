//! `auricle executions show`.

use auricle_model::{ExecutionId, ExecutionRecord};
use serde_json::json;

use super::{filter, page};
use crate::remote::{Client, Remote, RemoteError};
use crate::report::{Status, Voice};

/// Show the record of an execution: times, properties, documents, log
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle executions show 01938a5c-7d1e-7c3a-9f00-0123456789ab --json")]
pub(super) struct Args {
    /// The execution: what its answer had as X-Execution-Id
    #[arg(value_name = "ID", value_parser = filter::id)]
    id: ExecutionId,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let record = record(&args.remote.client()?, args.id).await?;
    voice.result(|| page::page(&record), || json!(record));
    Ok(Status::Done)
}

/// The record of an execution.
pub(super) async fn record(client: &Client, id: ExecutionId) -> Result<ExecutionRecord, RemoteError> {
    client.get(&format!("executions/{id}")).await
}
