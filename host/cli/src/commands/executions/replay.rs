//! `auricle executions replay`: recorded executions again, on the host or here, and what is different then.

use std::collections::BTreeMap;

use auricle::admin::{Replay, ReplayLine, ReplayMany, ReplayTotal, Replayed};
use auricle_model::ExecutionId;
use serde_json::json;

use super::differences::replayed;
use super::filter::{self, Span};
use super::{here, show};
use crate::manifest::Config;
use crate::progress::Spinner;
use crate::remote::{Access, Environment};
use crate::report::{self, Status, Voice, WrongUse, counted};
use crate::table::one_line;

/// Run recorded executions again, and show what is different
///
/// What a debug run saw of the outside - time, random numbers, SQL, HTTP - is given back to it: nothing outside is touched.
/// Records without that are run only with --live, with the databases and servers of now. The exit status is 1 where
/// something is different.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The execution
    #[arg(value_name = "ID", value_parser = filter::id, required_unless_present = "all", conflicts_with = "all")]
    id: Option<ExecutionId>,

    /// Those of a time, oldest first: a check before a deployment
    #[arg(long, requires = "since", conflicts_with = "here")]
    all: bool,

    #[command(flatten)]
    span: Span,

    /// With --all: of this process only
    #[arg(long, value_name = "NAME", requires = "all", help_heading = "Which")]
    process: Option<String>,

    /// With --all: so many at most
    #[arg(long, value_name = "COUNT", requires = "all", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Which")]
    limit: Option<u32>,

    #[command(flatten)]
    environment: Environment,

    /// In this version [default: the one that each ran in]
    #[arg(long, value_name = "VERSION", conflicts_with = "here", help_heading = "How")]
    version: Option<u32>,

    /// With the databases and servers of now, whatever was recorded of the outside
    #[arg(long, help_heading = "How")]
    live: bool,

    /// Here, with the processes of the manifest, instead of on the host
    #[arg(long, help_heading = "How")]
    here: bool,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    config: Config,
}

const EXAMPLE: &str = "\
Examples:
  auricle executions replay 01938a5c-7d1e-7c3a-9f00-0123456789ab --version 8
  auricle executions replay 01938a5c-7d1e-7c3a-9f00-0123456789ab --here --config auricle.toml
  auricle executions replay --all --since 1h --process account-get --version 8";

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match args.id {
        Some(id) => one(&args, id, voice).await,
        None => all(args, voice).await,
    }
}

async fn one(args: &Args, id: ExecutionId, voice: Voice) -> anyhow::Result<Status> {
    if args.span.since.is_some() || args.span.until.is_some() {
        return Err(WrongUse("--since and --until go with --all".to_owned()).into());
    }
    let came = if args.here {
        let manifest = args.config.load()?;
        let record = show::record(&args.access.client(Some(&manifest))?, id).await?;
        here::replay(&manifest, &record, args.live).await?
    } else {
        let client = client(args)?;
        let _turning = Spinner::new("running it again");
        let asked = Replay { version: args.version, live: args.live };
        client.post(&format!("executions/{id}/replay"), &asked).await?
    };
    voice.result(|| replayed(&came), || json!(came));
    Ok(if came.same { Status::Done } else { Status::Failed })
}

async fn all(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let client = client(&args)?;
    let asked = ReplayMany {
        environment: Some(args.environment.environment),
        since: args.span.since.map(|moment| moment.0).unwrap_or_default(),
        until: args.span.until.map(|moment| moment.0),
        process: args.process,
        version: args.version,
        live: args.live,
        limit: args.limit,
    };
    let mut lines = client.post_lines("replay", &asked).await?;
    let (mut total, mut skipped) = (None, BTreeMap::new());
    while let Some(line) = lines.next::<ReplayLine>().await? {
        if voice.is_json() {
            report::value(&json!(line));
        }
        match line {
            ReplayLine::Total { total: last } => total = Some(last),
            // What came to the same is only counted, and so are the reasons of what was not run.
            ReplayLine::One(Replayed { skipped: Some(why), .. }) => *skipped.entry(why).or_insert(0_u64) += 1,
            ReplayLine::One(one) if !one.same && !voice.is_json() => voice.result(|| replayed(&one), || json!(one)),
            ReplayLine::One(_) => {}
        }
    }
    let Some(total) = total else {
        anyhow::bail!("{} stopped before it was through: what came is not all", client.server());
    };
    if !voice.is_json() {
        voice.result(|| sum(&total), || json!(total));
    }
    for (why, count) in &skipped {
        voice.note(format_args!("{count} not run: {}", one_line(why)));
    }
    if total.same == 0 && total.different == 0 {
        voice.note("nothing was run again, so this says nothing of the version");
        return Ok(Status::Failed);
    }
    Ok(if total.different == 0 { Status::Done } else { Status::Failed })
}

fn sum(total: &ReplayTotal) -> String {
    let ReplayTotal { same, different, skipped } = total;
    let run = usize::try_from(same.saturating_add(*different)).unwrap_or(usize::MAX);
    format!("{} run again: {same} the same, {different} different; {skipped} not run", counted(run, "execution"))
}

fn client(args: &Args) -> anyhow::Result<crate::remote::Client> {
    let manifest = if args.access.is_whole() { None } else { args.config.load_if_there()? };
    args.access.client(manifest.as_ref())
}
