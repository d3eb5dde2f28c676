//! `auricle deployments show`: one version, with what it declares.

use auricle::admin::VersionDetail;
use serde_json::{Value, json};

use crate::remote::{Environment, Remote, segment};
use crate::report::{Status, Voice};
use crate::table::{Table, one_line, or_dash};
use crate::when;

/// Show a version: who deployed it, its processes with their packages, its routes
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle deployments show 7 --json")]
pub(crate) struct Args {
    /// The version
    #[arg(value_name = "VERSION")]
    version: u32,

    #[command(flatten)]
    environment: Environment,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let environment = &args.environment.environment;
    let path = format!("environments/{}/versions/{}", segment(environment), args.version);
    let version: VersionDetail = args.remote.client()?.get(&path).await?;
    voice.result(|| page(environment, &version), || json!(version));
    Ok(Status::Done)
}

fn page(environment: &str, version: &VersionDetail) -> String {
    let info = &version.info;
    let standing = match (info.active, info.canary) {
        (true, _) => ", which is active",
        (_, true) => ", which is the canary",
        _ => "",
    };
    let by = info.deployed_by.as_deref().map(|who| format!(" by {}", one_line(who))).unwrap_or_default();
    let mut page = format!(
        "version {} of `{environment}`{standing}\ndeployed {}{by}\n",
        info.version,
        when::utc_and_ago(info.deployed_at)
    );
    for (what, text) in [("note", &info.note), ("from", &info.source)] {
        if let Some(text) = text {
            page.push_str(&format!("{what} {}\n", one_line(text)));
        }
    }
    let mut processes = Table::new(["process", "mode", "package"]);
    for process in list(&version.deployment, "processes") {
        let name = text(process, "name");
        let package = or_dash(version.packages.get(&name));
        processes.row([name, text(process, "mode"), package]);
    }
    page.push_str(&format!("\n{processes}\n"));
    let apis = list(&version.deployment, "apis");
    if !apis.is_empty() {
        let mut routes = Table::new(["api", "route", "process"]);
        for api in apis {
            for route in list(api, "rest") {
                let at = format!("{} {}", text(route, "method"), text(route, "path"));
                routes.row([text(api, "name"), at.trim_end().to_owned(), text(route, "process")]);
            }
        }
        page.push_str(&format!("\n{routes}\n"));
    }
    page.trim_end().to_owned()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    }
}
