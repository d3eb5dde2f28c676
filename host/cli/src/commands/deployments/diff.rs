//! `auricle diff`, also `auricle deployments diff`: what two versions differ in.

use auricle::admin::{Change, ChangeKind, Diff, DiffQuery};
use serde_json::{Value, json};

use crate::remote::{Environment, Remote, segment};
use crate::report::{Status, Voice};
use crate::table::{beginning, one_line};

/// Characters that are shown of a value.
const SHOWN: usize = 200;

/// Show what is different between two versions
///
/// Without versions: between the one that was active before, and the active one.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  auricle diff\n  auricle deployments diff 6 7 --environment prod")]
pub(crate) struct Args {
    /// The one [default: the version before]
    #[arg(value_name = "FROM")]
    from: Option<u32>,

    /// The other [default: the active version]
    #[arg(value_name = "TO")]
    to: Option<u32>,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let path = format!("environments/{}/diff", segment(&args.environment.environment));
    let query = DiffQuery { from: args.from, to: args.to };
    let diff: Diff = args.remote.client()?.find(&path, &query).await?;
    voice.result(
        || {
            let changes: Vec<String> = diff.changes.iter().map(line).collect();
            match changes.as_slice() {
                [] => format!("versions {} and {} declare the same", diff.from, diff.to),
                changes => format!("from version {} to {}:\n{}", diff.from, diff.to, changes.join("\n")),
            }
        },
        || json!(diff),
    );
    Ok(Status::Done)
}

/// One difference on one line, as a patch has it: `~ process[a].mode: general -> low-latency`.
fn line(change: &Change) -> String {
    let shown = |value: &Option<Value>| {
        let text = match value {
            None => return String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        beginning(&one_line(&text), SHOWN)
    };
    let (before, after) = (shown(&change.before), shown(&change.after));
    let told = match change.kind {
        ChangeKind::Added => format!("+ {}: {after}", change.path),
        ChangeKind::Removed => format!("- {}: {before}", change.path),
        ChangeKind::Changed => format!("~ {}: {before} -> {after}", change.path),
    };
    told.trim_end_matches([' ', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_one_line() {
        let change = |kind, before: Option<Value>, after: Option<Value>| {
            line(&Change { path: "process[a].mode".into(), kind, before, after })
        };
        let changed = change(ChangeKind::Changed, Some(json!("general")), Some(json!("low-latency")));
        assert_eq!(changed, "~ process[a].mode: general -> low-latency");
        assert_eq!(change(ChangeKind::Added, None, Some(json!({"a": 1}))), "+ process[a].mode: {\"a\":1}");
        assert_eq!(change(ChangeKind::Removed, None, None), "- process[a].mode");
    }
}
