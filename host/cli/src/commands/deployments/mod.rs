//! `auricle deployments`: the versions of an environment, one of them, and what two of them differ in.

mod diff;
mod show;

use auricle::admin::{CanaryInfo, EnvironmentInfo, PageQuery, VersionInfo};
use serde_json::json;

use crate::remote::{Client, Environment, Remote, segment};
use crate::report::{Status, Voice};
use crate::table::{Table, is_full, or_dash};
use crate::when;

pub(crate) use self::diff::{Args as DiffArgs, run as diff};

/// List the versions of an environment's deployment
///
/// Every version is kept: any of them can be served again with `auricle rollback`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: List,
}

const EXAMPLE: &str = "\
Examples:
  auricle deployments
  auricle deployments show 7
  auricle deployments diff 6 7
  auricle deployments --all --json";

#[derive(clap::Subcommand)]
enum Command {
    Show(show::Args),
    Diff(diff::Args),
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    environment: Environment,

    /// What every environment serves, instead of the versions of one
    #[arg(long, conflicts_with_all = ["before", "limit"])]
    all: bool,

    /// Only versions before this one
    #[arg(long, value_name = "VERSION")]
    before: Option<u32>,

    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match args.command {
        Some(Command::Show(args)) => show::run(args, voice).await,
        Some(Command::Diff(args)) => diff::run(args, voice).await,
        None => {
            let client = args.list.remote.client()?;
            if args.list.all { environments(&client, voice).await } else { versions(&client, args.list, voice).await }
        }
    }
}

async fn environments(client: &Client, voice: Voice) -> anyhow::Result<Status> {
    let environments: Vec<EnvironmentInfo> = client.get("environments").await?;
    voice.result(
        || {
            let mut table = Table::new(["environment", ">active", "canary", ">newest", "since"]);
            for one in &environments {
                table.row([
                    one.name.clone(),
                    or_dash(one.active),
                    or_dash(one.canary.as_ref().map(canary)),
                    one.newest.to_string(),
                    or_dash(one.since.map(when::utc_and_ago)),
                ]);
            }
            if environments.is_empty() { "nothing was ever deployed".to_owned() } else { table.to_string() }
        },
        || json!(environments),
    );
    Ok(Status::Done)
}

async fn versions(client: &Client, list: List, voice: Voice) -> anyhow::Result<Status> {
    let environment = &list.environment.environment;
    let path = format!("environments/{}", segment(environment));
    let serving: EnvironmentInfo = client.get(&path).await?;
    let page = PageQuery { before: list.before.map(u64::from), limit: Some(list.limit) };
    let versions: Vec<VersionInfo> = client.find(&format!("{path}/versions"), &page).await?;
    voice.result(
        || {
            let mut table = Table::new([">version", "state", "deployed", "by", "note"]);
            for one in &versions {
                table.row([
                    one.version.to_string(),
                    state(one).to_owned(),
                    when::utc_and_ago(one.deployed_at),
                    or_dash(one.deployed_by.as_deref()),
                    or_dash(one.note.as_deref()),
                ]);
            }
            if versions.is_empty() { summary(&serving) } else { format!("{}\n\n{table}", summary(&serving)) }
        },
        || json!({ "environment": serving, "versions": versions }),
    );
    if let Some(last) = versions.last().filter(|last| is_full(versions.len(), list.limit) && last.version > 1) {
        voice.note(format_args!("there are more: --before {}", last.version));
    }
    Ok(Status::Done)
}

/// Where a version stands, in a word.
fn state(version: &VersionInfo) -> &'static str {
    match (version.active, version.canary) {
        (true, _) => "active",
        (_, true) => "canary",
        _ => "",
    }
}

/// What an environment serves, in a sentence.
pub(crate) fn summary(environment: &EnvironmentInfo) -> String {
    let EnvironmentInfo { name, active, since, .. } = environment;
    let Some(active) = active else {
        let never = if environment.newest == 0 { "nothing was ever deployed there" } else { "it was undeployed" };
        return format!("`{name}` serves nothing: {never}");
    };
    let since = since.map(|since| format!(" since {}", when::utc_and_ago(since))).unwrap_or_default();
    let beside =
        environment.canary.as_ref().map(|one| format!(", and as a canary {}", canary(one))).unwrap_or_default();
    format!("`{name}` serves version {active}{since}{beside}")
}

/// A canary with its rule: `version 8 (10 %, X-Canary: yes)`.
fn canary(canary: &CanaryInfo) -> String {
    let share = (canary.share > 0.0).then(|| format!("{} %", canary.share * 100.0));
    let rule: Vec<String> = share.into_iter().chain(canary.header.clone()).collect();
    format!("version {} ({})", canary.version, rule.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_said_in_a_sentence() {
        let mut environment =
            EnvironmentInfo { name: "default".into(), revision: 0, active: None, canary: None, since: None, newest: 0 };
        assert_eq!(summary(&environment), "`default` serves nothing: nothing was ever deployed there");
        environment.newest = 8;
        assert_eq!(summary(&environment), "`default` serves nothing: it was undeployed");
        environment.active = Some(7);
        let header = Some("X-Canary: yes".to_owned());
        environment.canary = Some(CanaryInfo { version: 8, share: 0.1, header });
        assert_eq!(
            summary(&environment),
            "`default` serves version 7, and as a canary version 8 (10 %, X-Canary: yes)"
        );
    }
}
