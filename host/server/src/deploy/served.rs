//! Which version a request gets: the active one, or the canary beside it.
//!
//! Where there is no canary, that costs a look at one pointer more than having no choice.

use std::cell::Cell;
use std::sync::Arc;

use auricle_store::CanaryRule;
use http::HeaderMap;
use http::header::HeaderName;

use super::Active;

/// Shares are counted in so many parts.
const PARTS: u32 = 10_000;

/// A step with which a sum, taken modulo [`PARTS`], comes to every value once before it comes to one again, and spreads
/// them evenly all the way: the golden section, and no divisor in common.
const STEP: u32 = 6_181;

/// What an environment serves on this host, as of a revision. It is never changed, only replaced as a whole.
#[derive(Default)]
pub(crate) struct Served {
    /// The store's revision that it is.
    pub(crate) revision: u64,
    /// None: nothing is deployed.
    pub(crate) active: Option<Arc<Active>>,
    pub(crate) canary: Option<Beside>,
}

/// A canary, and who gets it.
pub(crate) struct Beside {
    pub(crate) active: Arc<Active>,
    rule: CanaryRule,
    header: Option<(HeaderName, String)>,
}

impl Beside {
    pub(crate) fn new(active: Arc<Active>, rule: CanaryRule) -> Self {
        let header = rule.header.as_ref();
        let header = header.and_then(|(name, value)| Some((name.parse().ok()?, value.clone())));
        Self { active, rule, header }
    }

    fn gets(&self, headers: &HeaderMap) -> bool {
        let told = self.header.as_ref().is_some_and(|(name, value)| {
            let mut given = headers.get_all(name).iter();
            given.any(|given| given.as_bytes().trim_ascii().eq_ignore_ascii_case(value.as_bytes()))
        });
        told || (self.rule.share > 0 && next() < self.rule.share)
    }
}

/// This thread's next number below [`PARTS`].
fn next() -> u32 {
    thread_local! {
        static LAST: Cell<u32> = const { Cell::new(0) };
    }
    LAST.with(|last| {
        last.set((last.get() + STEP) % PARTS);
        last.get()
    })
}

impl Served {
    /// The version for a request with these headers. It keeps it to its end.
    pub(crate) fn pick(&self, headers: &HeaderMap) -> Option<Arc<Active>> {
        match &self.canary {
            Some(canary) if canary.gets(headers) => Some(canary.active.clone()),
            _ => self.active.clone(),
        }
    }

    /// The version, if it is one of those served.
    pub(crate) fn version(&self, version: u32) -> Option<Arc<Active>> {
        let canary = self.canary.as_ref().map(|canary| &canary.active);
        self.active.as_ref().into_iter().chain(canary).find(|active| active.version == version).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_that_share_and_evenly_spread() {
        for share in [1, 500, 1_000, 5_000, 9_999] {
            let drawn: Vec<bool> = (0..PARTS).map(|_| next() < share).collect();
            assert_eq!(drawn.iter().filter(|hit| **hit).count(), share as usize);
            // In any run of requests that should see it ten times, it is seen about as often.
            let run = (10 * PARTS / share) as usize;
            for run in drawn.chunks_exact(run) {
                let seen = run.iter().filter(|hit| **hit).count();
                assert!((7..=13).contains(&seen), "{share}: {seen}");
            }
        }
    }
}
