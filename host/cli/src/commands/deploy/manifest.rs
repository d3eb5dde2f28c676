//! A whole manifest: its declarations and the packages of all of its processes.

use auricle::admin::{KeyedMessage, NewVersion, Served};
use auricle::{Manifest, Problem, Problems, deploy, packages};
use serde_json::json;

use super::{Args, upload};
use crate::commands::served;
use crate::manifest::Config;
use crate::progress::Spinner;
use crate::remote::{RemoteError, segment};
use crate::report::{Status, Voice, counted, problems_json};

/// The environment of who names none.
const USUAL: &str = "default";

pub(super) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let canary = args.canary();
    let manifest = match args.what {
        Some(config) => Config { config }.load()?,
        None => args.config.load()?,
    };
    let environment = args.environment.as_deref().unwrap_or(USUAL);
    let client = args.access.client(Some(&manifest))?;
    let packages = packages::read(&manifest).await.all()?;
    let sent = upload::missing(&client, &packages).await?;
    let digests = packages.iter().map(|(name, package)| (name.clone(), package.digest())).collect();
    let new = NewVersion {
        deployment: manifest.deployment.clone(),
        source: Some(deploy::source(&manifest)),
        fingerprint: Some(deploy::fingerprint(&manifest, &digests)),
        packages: digests,
        note: args.note,
        canary,
        only_check: args.check,
    };
    let posted: anyhow::Result<Served> = {
        let _turning = Spinner::new("the host loads, starts and tries it");
        client.post(&format!("environments/{}/versions", segment(environment)), &new).await
    };
    let served = posted.map_err(|error| located(error, &manifest))?;
    let warnings: Vec<Problem> = served.warnings.iter().map(|warning| problem(&manifest, warning)).collect();
    voice.problems("warning", &warnings);
    voice.result(
        || told(&served, &new, sent),
        || {
            let mut value = json!(served);
            if let Some(value) = value.as_object_mut() {
                value.insert("uploaded".to_owned(), json!(sent));
                value.insert("warnings".to_owned(), problems_json(&warnings));
            }
            value
        },
    );
    if !args.check {
        served::remark(&client, environment, voice).await?;
    }
    Ok(Status::Done)
}

fn told(served: &Served, new: &NewVersion, sent: usize) -> String {
    let environment = &served.environment;
    let sent = format!("{} sent", counted(sent, "package"));
    match served.version {
        _ if new.only_check => format!("ok: `{environment}` would take it ({sent})"),
        Some(version) if !served.new => format!("`{environment}` serves it already, as version {version}"),
        Some(version) if new.canary.is_some() => format!("version {version} is a canary of `{environment}` ({sent})"),
        Some(version) => format!("`{environment}` serves version {version} ({sent})"),
        None => format!("`{environment}` serves nothing"),
    }
}

/// What the host found wrong, where it is written.
fn located(error: anyhow::Error, manifest: &Manifest) -> anyhow::Error {
    match error.downcast_ref::<RemoteError>() {
        Some(RemoteError::Refused { problem: refusal }) if !refusal.problems.is_empty() => {
            Problems(refusal.problems.iter().map(|one| problem(manifest, one)).collect()).into()
        }
        _ => error,
    }
}

fn problem(manifest: &Manifest, said: &KeyedMessage) -> Problem {
    manifest.problem(&said.key, said.message.clone())
}
