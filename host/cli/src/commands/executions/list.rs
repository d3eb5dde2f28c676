//! `auricle executions list`.

use auricle::admin::{ExecutionQuery, RecordSummary};
use auricle_model::ExecutionId;
use serde_json::json;

use super::filter::{self, Filter, Span};
use super::page::result;
use crate::remote::Remote;
use crate::report::{Status, Voice};
use crate::table::{Table, is_full, or_dash};
use crate::when;

/// List executions that left a record, newest first
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  auricle executions list --failed --since 1h\n  auricle executions list --process account-get --longer 500ms --json"
)]
pub(super) struct Args {
    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    span: Span,

    /// Older than this one: the last of the page before
    #[arg(long, value_name = "ID", value_parser = filter::id)]
    before: Option<ExecutionId>,

    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let query = ExecutionQuery {
        since: args.span.since.map(|moment| moment.0),
        until: args.span.until.map(|moment| moment.0),
        before: args.before,
        limit: Some(args.limit),
        ..args.filter.query()
    };
    let found: Vec<RecordSummary> = args.remote.client()?.find("executions", &query).await?;
    voice.result(
        || {
            let mut table = Table::new(["execution", "began", "process", "result", ">ran", ">version", "mode", "user"]);
            for one in &found {
                table.row([
                    one.id.to_string(),
                    when::utc_and_ago(when::millis(one.began_at)),
                    one.process.clone(),
                    result(one),
                    when::took(one.ran_us),
                    one.version.to_string(),
                    one.mode.to_string(),
                    or_dash(one.user.as_deref()),
                ]);
            }
            if found.is_empty() { "no execution is recorded that is like that".to_owned() } else { table.to_string() }
        },
        || json!(found),
    );
    if let Some(last) = found.last().filter(|_| is_full(found.len(), args.limit)) {
        voice.note(format_args!("there may be more: --before {}", last.id));
    }
    Ok(Status::Done)
}
