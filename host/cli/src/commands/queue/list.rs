//! `auricle queue list`.

use auricle::admin::{QueueItem, QueueQuery, QueueStateName};
use auricle_model::ExecutionId;
use indicatif::HumanBytes;
use serde_json::json;

use crate::commands::execution_id;
use crate::remote::{Environment, Remote};
use crate::report::{Status, Voice};
use crate::table::{Table, is_full, or_dash};
use crate::when;

/// List what is queued, oldest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  auricle queue list --dead\n  auricle queue list --state running --json")]
pub(super) struct Args {
    /// Only dead letters
    #[arg(long, conflicts_with = "state")]
    dead: bool,

    /// Only entries in this state: queued, running, failed, done
    #[arg(long, value_parser = named)]
    state: Option<QueueStateName>,

    /// After this one: the last of the page before
    #[arg(long, value_name = "ID", value_parser = execution_id)]
    after: Option<ExecutionId>,

    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let query = QueueQuery {
        environment: Some(args.environment.environment),
        state: if args.dead { Some(QueueStateName::Failed) } else { args.state },
        after: args.after,
        limit: Some(args.limit),
    };
    let entries: Vec<QueueItem> = args.remote.client()?.find("queue", &query).await?;
    voice.result(
        || {
            let mut table =
                Table::new(["execution", "process", "state", ">runs", "came", "next run", ">size", "last failure"]);
            for one in &entries {
                table.row([
                    one.id.to_string(),
                    one.process.clone(),
                    state(one.state).to_owned(),
                    one.attempt.to_string(),
                    when::utc_and_ago(one.enqueued_at),
                    or_dash(one.not_before.map(when::from_now)),
                    HumanBytes(one.bytes).to_string(),
                    or_dash(one.message.as_deref()),
                ]);
            }
            if entries.is_empty() { "nothing is queued that is like that".to_owned() } else { table.to_string() }
        },
        || json!(entries),
    );
    if let Some(last) = entries.last().filter(|_| is_full(entries.len(), args.limit)) {
        voice.note(format_args!("there may be more: --after {}", last.id));
    }
    Ok(Status::Done)
}

/// Every state by its name, and as it is told.
const STATES: [(&str, QueueStateName, &str); 4] = [
    ("queued", QueueStateName::Queued, "queued"),
    ("running", QueueStateName::Running, "running"),
    ("failed", QueueStateName::Failed, "a dead letter"),
    ("done", QueueStateName::Done, "done"),
];

/// A state for people.
pub(super) fn state(state: QueueStateName) -> &'static str {
    STATES.iter().find(|(_, one, _)| *one == state).map_or("", |(_, _, told)| told)
}

fn named(text: &str) -> Result<QueueStateName, String> {
    let found = STATES.iter().find(|(name, _, _)| *name == text).map(|(_, state, _)| *state);
    found.ok_or_else(|| "write queued, running, failed or done".to_owned())
}
