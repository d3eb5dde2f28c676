//! Environments: what each serves, its versions, and every change of that.

use auricle_store::{CanaryRule, DeploymentVersion, EnvironmentStatus, Serving, VersionSummary};
use http::{HeaderName, HeaderValue};

use super::endpoints::NoQuery;
use super::failure::Failure;
use super::shapes::millis;
use super::speak::{Json, Optional};
use super::wire::{
    CanaryInfo, CanaryShare, Diff, DiffQuery, EnvironmentInfo, KeyedMessage, NewVersion, NoteQuery, PackageChange,
    PageQuery, Promotion, Rollback, Served, VersionDetail, VersionInfo,
};
use super::{Call, executions};
use crate::deploy::{self, Changed, Proposal};
use crate::limits::ADMIN_VERSION;

/// Parts of a share, as the store has it.
const PARTS: f64 = 10_000.0;

/// Characters of an environment's name.
const NAME: usize = 128;

pub(super) async fn list(call: Call, _: NoQuery, _: ()) -> Result<Json<Vec<EnvironmentInfo>>, Failure> {
    Ok(Json(call.host.store.environments().await?.into_iter().map(info).collect()))
}

pub(super) async fn get(call: Call, _: NoQuery, _: ()) -> Result<Json<EnvironmentInfo>, Failure> {
    known(&call).await.map(info).map(Json)
}

pub(super) async fn versions(call: Call, query: PageQuery, _: ()) -> Result<Json<Vec<VersionInfo>>, Failure> {
    let EnvironmentStatus { name, serving, .. } = known(&call).await?;
    let before = query.before.map(|before| u32::try_from(before).unwrap_or(u32::MAX));
    let versions = call.host.store.versions(&name, before, executions::limit(query.limit)?).await?;
    Ok(Json(versions.into_iter().map(|version| version_info(version, &serving)).collect()))
}

pub(super) async fn version(call: Call, _: NoQuery, _: ()) -> Result<Json<VersionDetail>, Failure> {
    let EnvironmentStatus { name, serving, .. } = known(&call).await?;
    let version = stored(&call, &name, call.parsed("version", "number of a version")?).await?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let deployment = deploy::shown(&version.deployment);
    let summary = VersionSummary {
        version: version.version,
        deployed_at: version.deployed_at,
        deployed_by: version.deployed_by,
        note: version.note,
        source: version.source,
        processes: count(version.deployment.processes.len()),
        apis: count(version.deployment.apis.len()),
    };
    Ok(Json(VersionDetail { info: version_info(summary, &serving), packages: version.packages, deployment }))
}

pub(super) async fn diff(call: Call, query: DiffQuery, _: ()) -> Result<Json<Diff>, Failure> {
    let EnvironmentStatus { name, serving, newest } = known(&call).await?;
    let to = query.to.or(serving.active).unwrap_or(newest);
    let before = || serving.previous.filter(|_| Some(to) == serving.active).or(to.checked_sub(1));
    let Some(from) = query.from.or_else(before).filter(|from| *from > 0) else {
        return Err(Failure::not_found(format!("there is no version before version {to} of environment `{name}`")));
    };
    let (before, after) = (stored(&call, &name, from).await?, stored(&call, &name, to).await?);
    Ok(Json(Diff { from, to, changes: deploy::diff(&before, &after) }))
}

pub(super) async fn deploy(
    call: Call,
    _: NoQuery,
    Json(new): Json<NewVersion, ADMIN_VERSION>,
) -> Result<Json<Served>, Failure> {
    let environment = call.parameter("environment").to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if environment.len() > NAME || !environment.chars().all(fits) || environment.chars().all(|c| c == '.') {
        let detail = format!("`{environment}` is no name of an environment: use letters, digits, `.`, `_` and `-`");
        return Err(Failure::unprocessable(detail));
    }
    let NewVersion { deployment, packages, source, fingerprint, note, canary, only_check } = new;
    let canary = canary.map(rule).transpose()?;
    let detail = noted(if canary.is_some() { "as a canary" } else { "to all" }, note.as_ref());
    let by = call.by("deploy", &environment, detail);
    let proposal = Proposal { environment, deployment, packages, source, fingerprint, note, canary };
    let changed = match only_check {
        true => deploy::only_check(&call.host, &proposal).await?,
        false => deploy::deploy(&call.host, proposal, by).await?,
    };
    Ok(Json(changed.into()))
}

pub(super) async fn deploy_package(
    call: Call,
    _: NoQuery,
    Json(change): Json<PackageChange>,
) -> Result<Json<Vec<Served>>, Failure> {
    let process = call.parameter("process");
    let PackageChange { digest, environment, note, canary } = change;
    let canary = canary.map(rule).transpose()?;
    let detail = noted(&format!("package {digest} for process `{process}`"), note.as_ref());
    let by = |environment: &str| call.by("deploy", environment, detail.clone());
    let change = deploy::Replacement { process, digest, environment: environment.as_deref(), note, canary };
    let all = deploy::deploy_package(&call.host, change, by).await?;
    Ok(Json(all.into_iter().map(Served::from).collect()))
}

pub(super) async fn rollback(
    call: Call,
    _: NoQuery,
    Optional(rollback): Optional<Rollback>,
) -> Result<Json<Served>, Failure> {
    let Rollback { version, note } = rollback;
    let environment = known(&call).await?.name;
    let by = |detail: String| call.by("rollback", &environment, noted(&detail, note.as_ref()));
    Ok(Json(deploy::rollback(&call.host, &environment, version, by).await?.into()))
}

pub(super) async fn promote(
    call: Call,
    _: NoQuery,
    Optional(promotion): Optional<Promotion>,
) -> Result<Json<Served>, Failure> {
    let environment = known(&call).await?.name;
    let by = |detail: String| call.by("promote", &environment, noted(&detail, promotion.note.as_ref()));
    Ok(Json(deploy::promote(&call.host, &environment, by).await?.into()))
}

pub(super) async fn undeploy(call: Call, query: NoteQuery, _: ()) -> Result<Json<Served>, Failure> {
    let environment = known(&call).await?.name;
    let by = |detail: String| call.by("undeploy", &environment, noted(&detail, query.note.as_ref()));
    Ok(Json(deploy::undeploy(&call.host, &environment, by).await?.into()))
}

fn noted(what: &str, note: Option<&String>) -> String {
    note.map_or_else(|| what.to_owned(), |note| format!("{what}: {note}"))
}

/// The environment of the path.
async fn known(call: &Call) -> Result<EnvironmentStatus, Failure> {
    let name = call.parameter("environment");
    let all = call.host.store.environments().await?;
    let known: Vec<String> = all.iter().map(|environment| format!("`{}`", environment.name)).collect();
    all.into_iter().find(|environment| environment.name == name).ok_or_else(|| {
        let hint = match known.is_empty() {
            true => "nothing was deployed anywhere".to_owned(),
            false => format!("there is {}", known.join(", ")),
        };
        Failure::not_found(format!("nothing was ever deployed in environment `{name}`: {hint}"))
    })
}

async fn stored(call: &Call, environment: &str, version: u32) -> Result<DeploymentVersion, Failure> {
    let found = call.host.store.version(environment, version).await?;
    found.ok_or_else(|| Failure::not_found(format!("environment `{environment}` has no version {version}")))
}

fn rule(canary: CanaryShare) -> Result<CanaryRule, Failure> {
    let CanaryShare { share, header } = canary;
    if !(0.0..=1.0).contains(&share) {
        return Err(Failure::unprocessable(format!("the canary's `share` is {share}: it is from 0 to 1")));
    }
    let header = header.map(|header| {
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        let (name, value) = (name.trim(), value.trim());
        let is_one = HeaderName::try_from(name).is_ok() && HeaderValue::from_str(value).is_ok() && !value.is_empty();
        is_one.then(|| (name.to_owned(), value.to_owned())).ok_or_else(|| {
            Failure::unprocessable(format!("the canary's `header` is `{header}`: write it `Name: value`"))
        })
    });
    let header = header.transpose()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the parts")]
    let share = (share * PARTS).round() as u32;
    if share == 0 && header.is_none() {
        let detail = "a canary that gets no request tells nothing: give a `share` of at least 0.0001, or a `header`";
        return Err(Failure::unprocessable(detail));
    }
    Ok(CanaryRule { share, header })
}

fn info(status: EnvironmentStatus) -> EnvironmentInfo {
    let EnvironmentStatus { name, serving, newest } = status;
    let Serving { revision, active, canary, since, .. } = serving;
    let canary = canary.map(|canary| CanaryInfo {
        version: canary.version,
        share: f64::from(canary.rule.share) / PARTS,
        header: canary.rule.header.map(|(name, value)| format!("{name}: {value}")),
    });
    EnvironmentInfo { name, revision, active, canary, since: since.map(millis), newest }
}

fn version_info(version: VersionSummary, serving: &Serving) -> VersionInfo {
    let VersionSummary { version, deployed_at, deployed_by, note, source, processes, apis } = version;
    let canary = serving.canary.as_ref().is_some_and(|canary| canary.version == version);
    let active = serving.active == Some(version);
    VersionInfo {
        version,
        deployed_at: millis(deployed_at),
        deployed_by,
        note,
        source,
        processes,
        apis,
        active,
        canary,
    }
}

impl From<Changed> for Served {
    fn from(changed: Changed) -> Self {
        let Changed { environment, version, revision, new, warnings } = changed;
        Self { environment, version, revision, new, warnings: warnings.into_iter().map(KeyedMessage::from).collect() }
    }
}
