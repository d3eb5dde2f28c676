//! Brings what this host serves to what the store says its environment serves: after a change that was made here, and,
//! where the store is shared, after one that was made by another host.

use std::sync::{Arc, PoisonError, Weak};

use auricle_store::{Canary, Serving, StoreError};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::load::{Begin, load_version};
use super::served::Beside;
use super::{Active, DeployError, Served};
use crate::host::Inner;
use crate::limits::{FOLLOW_AGAIN, FOLLOW_PAUSE};

/// Serves what the store says. What is there already, or in `have`, is not loaded again.
pub(super) async fn catch_up(
    host: &Arc<Inner>,
    have: Vec<Arc<Active>>,
    begin: Begin,
) -> Result<Arc<Served>, DeployError> {
    let _one = host.swapping.lock().await;
    let serving = host.store.serving(&host.config.environment).await?;
    let served = host.served.load_full();
    if served.revision == serving.revision && have.is_empty() && !host.is_behind() {
        return Ok(served);
    }
    let served = Arc::new(realize(host, &serving, &served, have, begin).await?);
    put(host, served.clone(), &serving);
    Ok(served)
}

/// Puts another value in the place of what is served. To be called with the lock of `swapping` only.
pub(super) fn put(host: &Arc<Inner>, served: Arc<Served>, serving: &Serving) {
    host.served.store(served.clone());
    host.tell_behind(None);
    host.guarded.follow(host, &served, serving);
}

async fn realize(
    host: &Inner,
    serving: &Serving,
    before: &Served,
    have: Vec<Arc<Active>>,
    begin: Begin,
) -> Result<Served, DeployError> {
    let active = match serving.active {
        Some(version) => Some(at(host, version, before, &have, begin).await?),
        None => None,
    };
    let canary = match &serving.canary {
        Some(Canary { version, rule }) => {
            let active = at(host, *version, before, &have, begin).await?;
            Some(Beside::new(active, rule.clone()))
        }
        None => None,
    };
    Ok(Served { revision: serving.revision, active, canary })
}

async fn at(
    host: &Inner,
    version: u32,
    before: &Served,
    have: &[Arc<Active>],
    begin: Begin,
) -> Result<Arc<Active>, DeployError> {
    if let Some(active) = have.iter().find(|active| active.version == version) {
        return Ok(active.clone());
    }
    if let Some(active) = before.version(version) {
        return Ok(active);
    }
    let stored = stored(host, &host.config.environment, version).await?;
    Ok(Arc::new(load_version(host, stored, begin).await?))
}

/// A version that has to be there.
pub(super) async fn stored(
    host: &Inner,
    environment: &str,
    version: u32,
) -> Result<auricle_store::DeploymentVersion, StoreError> {
    let found = host.store.version(environment, version).await?;
    found.ok_or_else(|| {
        let message = format!("environment `{environment}` has no version {version}");
        StoreError::new(auricle_store::StoreErrorKind::Invalid, message)
    })
}

/// Looks every second whether the store says something else, for as long as the host lives: what other hosts change, and
/// what a change here could not bring to its end.
pub(crate) fn follow(host: &Arc<Inner>) {
    let host = Arc::downgrade(host);
    tokio::spawn(watch(host));
}

async fn watch(host: Weak<Inner>) {
    let mut looks = interval(FOLLOW_PAUSE);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What could not be loaded, and when it is tried again.
    let mut failed: Option<(u64, Instant)> = None;
    loop {
        looks.tick().await;
        let Some(host) = host.upgrade() else { return };
        if host.stopping.is_cancelled() {
            return;
        }
        if !host.store.is_shared() && !host.is_behind() {
            continue;
        }
        let revision = match host.store.serving(&host.config.environment).await {
            Ok(serving) => serving.revision,
            Err(error) => {
                // Its errors are told by whoever needs it; what is served goes on.
                tracing::debug!(%error, "the store does not say what is to be served");
                continue;
            }
        };
        let now = Instant::now();
        let is_known = failed.is_some_and(|(seen, again)| seen == revision && now < again);
        if is_known || (host.served.load().revision == revision && !host.is_behind()) {
            continue;
        }
        match catch_up(&host, Vec::new(), Begin::Elsewhere).await {
            Ok(served) => {
                failed = None;
                let version = served.active.as_ref().map_or(0, |active| active.version);
                let canary = served.canary.as_ref().map(|canary| canary.active.version);
                tracing::info!(revision, version, canary, "serving what was deployed elsewhere");
            }
            Err(error) => {
                let told =
                    format!("revision {revision} cannot be served here, what was served before still is: {error}");
                if failed.is_none_or(|(seen, _)| seen != revision) {
                    tracing::error!("{told}");
                }
                host.tell_behind(Some(told));
                failed = Some((revision, now + FOLLOW_AGAIN));
            }
        }
    }
}

/// At a start: the active version has to be served, or nothing is; a canary that cannot be loaded is told and left out.
pub(super) async fn begin(host: &Arc<Inner>, serving: &Serving) -> Result<Arc<Served>, DeployError> {
    let _one = host.swapping.lock().await;
    let before = host.served.load_full();
    let served = match realize(host, serving, &before, Vec::new(), Begin::Again).await {
        Ok(served) => served,
        Err(error) if serving.canary.is_some() => {
            let alone = Serving { canary: None, ..serving.clone() };
            let served = realize(host, &alone, &before, Vec::new(), Begin::Again).await?;
            tracing::error!("the canary cannot be served: {error}");
            served
        }
        Err(error) => return Err(error),
    };
    let served = Arc::new(served);
    put(host, served.clone(), serving);
    Ok(served)
}

impl Inner {
    /// Whether what is served is not what the store says.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What keeps it from that.
    pub(crate) fn behind(&self) -> Option<String> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn tell_behind(&self, what: Option<String>) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

/// After everything was replaced: versions of the same numbers may be others.
pub(crate) async fn serve_restored(host: &Arc<Inner>) -> Result<(), DeployError> {
    let _one = host.swapping.lock().await;
    let serving = host.store.serving(&host.config.environment).await?;
    match realize(host, &serving, &Served::default(), Vec::new(), Begin::Elsewhere).await {
        Ok(served) => put(host, Arc::new(served), &serving),
        Err(error) => {
            host.tell_behind(Some(format!("what was restored is not served yet: {error}")));
            return Err(error);
        }
    }
    Ok(())
}
