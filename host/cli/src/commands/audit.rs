//! `auricle audit`: who changed what.

use auricle::admin::{AuditEntry, PageQuery};
use serde_json::json;

use crate::remote::Remote;
use crate::report::{Status, Voice};
use crate::table::{Table, is_full, or_dash};
use crate::when;

/// Show who changed what, newest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle audit --limit 100 --json")]
pub(crate) struct Args {
    /// Only entries before this number: the last of the page before
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,

    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let page = PageQuery { before: args.before, limit: Some(args.limit) };
    let entries: Vec<AuditEntry> = args.remote.client()?.find("audit", &page).await?;
    voice.result(
        || {
            let mut table = Table::new([">number", "when", "who", "what", "to", "detail"]);
            for one in &entries {
                table.row([
                    one.number.to_string(),
                    when::utc_and_ago(one.at),
                    or_dash(one.who.as_deref()),
                    one.action.clone(),
                    one.target.clone(),
                    one.detail.clone(),
                ]);
            }
            table
        },
        || json!(entries),
    );
    if let Some(last) = entries.last().filter(|last| is_full(entries.len(), args.limit) && last.number > 1) {
        voice.note(format_args!("there may be more: --before {}", last.number));
    }
    Ok(Status::Done)
}
