//! Counts of what was deployed and taken back, and which versions are served.

use std::sync::atomic::{AtomicU64, Ordering};

use super::page::{Labels, Page};
use crate::host::Inner;

/// Counts of changes of what is served.
#[derive(Debug, Default)]
pub(crate) struct Deploys {
    deployed: AtomicU64,
    refused: AtomicU64,
    asked: AtomicU64,
    guard: AtomicU64,
}

/// Why a version was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolledBack {
    /// Somebody asked for it.
    Asked,
    /// Too many of its executions failed.
    Guard,
}

impl Deploys {
    /// A version was made.
    pub(crate) fn deployed(&self) {
        self.deployed.fetch_add(1, Ordering::Relaxed);
    }

    /// One was refused.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A version was taken back.
    pub(crate) fn rollback(&self, why: RolledBack) {
        let count = match why {
            RolledBack::Asked => &self.asked,
            RolledBack::Guard => &self.guard,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) fn tell(host: &Inner, page: &mut Page) {
    let served = host.served.load_full();
    let environment = || ("environment", host.config.environment.clone());
    let versions = [("active", &served.active), ("canary", &served.canary.as_ref().map(|c| c.active.clone()))];
    let versions: Vec<(Labels, f64)> = versions
        .into_iter()
        .filter_map(|(role, active)| Some((role, active.as_ref()?.version)))
        .map(|(role, version)| (vec![environment(), ("role", role.to_owned())], f64::from(version)))
        .collect();
    page.gauge("auricle_deployment_version", "The versions that are served.", versions);
    let behind = if host.is_behind() { 1.0 } else { 0.0 };
    let help = "1 where this host cannot serve what was deployed; `/_admin/status` says why.";
    page.gauge("auricle_deployment_behind", help, [(vec![environment()], behind)]);
    let Deploys { deployed, refused, asked, guard } = &host.deploys;
    let counted = |label: &'static str, counts: [(&str, &AtomicU64); 2]| {
        let counts = counts.map(|(value, count)| (vec![(label, value.to_owned())], count.load(Ordering::Relaxed)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>()
    };
    let outcomes = counted("outcome", [("deployed", deployed), ("refused", refused)]);
    page.counter("auricle_deployments", "Versions that were made, and those that were refused.", outcomes);
    let reasons = counted("reason", [("asked", asked), ("guard", guard)]);
    page.counter("auricle_rollbacks", "Versions that were taken back.", reasons);
}
