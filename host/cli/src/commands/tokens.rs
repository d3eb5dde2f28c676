//! `auricle tokens`: who may ask the admin API for what.

use std::time::Duration;

use auricle::Role;
use auricle::admin::{MadeToken, NewToken, TokenInfo};
use serde_json::json;

use crate::remote::{Client, Remote, segment};
use crate::report::{Status, Voice};
use crate::table::Table;
use crate::when;

/// Manage the tokens of the admin API
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Examples:
  auricle tokens list
  auricle tokens add ci --role publisher --expires 90d
  auricle tokens remove ci

Roles, each of which may do what those before it may:
  viewer     looks: deployments, records, queue, usage
  operator   keeps running: dead letters, replay, rollback, promote
  publisher  publishes: deploy, undeploy
  admin      everything: tokens, audit, backup, restore";

#[derive(clap::Subcommand)]
enum Command {
    List(ListArgs),
    Add(AddArgs),
    Remove(RemoveArgs),
}

/// List the tokens, without their secrets
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle tokens list --json")]
struct ListArgs {
    #[command(flatten)]
    remote: Remote,
}

/// Make a token; it is shown this once
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle tokens add ci --role publisher --expires 90d")]
struct AddArgs {
    /// Its name, which the audit log shows
    #[arg(value_name = "NAME")]
    name: String,

    /// What it allows: viewer, operator, publisher, admin
    #[arg(long)]
    role: Role,

    /// How long it holds, as `90d` [default: until it is removed]
    #[arg(long, value_name = "TIME", value_parser = when::duration)]
    expires: Option<Duration>,

    #[command(flatten)]
    remote: Remote,
}

/// Take a token away; it does not hold any more
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle tokens remove ci")]
struct RemoveArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match args.command {
        Command::List(args) => list(&args.remote.client()?, voice).await,
        Command::Add(args) => add(args, voice).await,
        Command::Remove(args) => remove(args, voice).await,
    }
}

async fn list(client: &Client, voice: Voice) -> anyhow::Result<Status> {
    let tokens: Vec<TokenInfo> = client.get("tokens").await?;
    voice.result(
        || {
            let mut table = Table::new(["name", "role", "made", "expires"]);
            for token in &tokens {
                let expires = token.expires_at.map_or_else(|| "never".to_owned(), when::utc_and_ago);
                table.row([token.name.clone(), token.role.to_string(), when::utc_and_ago(token.made_at), expires]);
            }
            table
        },
        || json!(tokens),
    );
    Ok(Status::Done)
}

async fn add(args: AddArgs, voice: Voice) -> anyhow::Result<Status> {
    let new =
        NewToken { name: args.name, role: args.role, expires_in_seconds: args.expires.map(|time| time.as_secs()) };
    let made: MadeToken = args.remote.client()?.post("tokens", &new).await?;
    voice.note(format_args!("the token of `{}` ({}); it is shown this once:", made.info.name, made.info.role));
    voice.result(|| &made.token, || json!(made));
    Ok(Status::Done)
}

async fn remove(args: RemoveArgs, voice: Voice) -> anyhow::Result<Status> {
    args.remote.client()?.delete(&format!("tokens/{}", segment(&args.name))).await?;
    voice.result(|| format!("the token of `{}` does not hold any more", args.name), || json!({ "removed": args.name }));
    Ok(Status::Done)
}
