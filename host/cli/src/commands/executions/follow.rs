//! `auricle executions follow`.

use auricle::admin::{ExecutionQuery, RecordSummary};
use serde_json::json;

use super::filter::Filter;
use super::page::result;
use crate::remote::Remote;
use crate::report::{Status, Voice};
use crate::signals::Stop;
use crate::table::one_line;
use crate::when;

/// Show executions as they end, until Ctrl-C
///
/// One line for each that leaves a record. With --json each line is one JSON value.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle executions follow --process account-get --failed")]
pub(super) struct Args {
    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let stop = Stop::listen()?;
    let client = args.remote.client()?;
    let query: ExecutionQuery = args.filter.query();
    let following = async {
        let mut lines = client.lines("executions/follow", &query).await?;
        voice.note("following; Ctrl-C ends");
        while let Some(one) = lines.next::<RecordSummary>().await? {
            voice.result(|| line(&one), || json!(one));
        }
        anyhow::bail!("{} ended: what follows is not shown", client.server())
    };
    stop.or(following).await.unwrap_or(Ok(Status::Done))
}

/// One execution on one line.
fn line(one: &RecordSummary) -> String {
    let (began, process) = (when::utc(when::millis(one.began_at)), one_line(&one.process));
    format!("{began}  {}  {process:<24}  {:<16}  {:>8}  {}", one.id, result(one), when::took(one.ran_us), one.mode)
}
