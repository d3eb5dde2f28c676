//! The rate of requests that this node takes, over all of them (`requests-per-second`).
//!
//! The mission limits an account's requests per second and node; without users all callers are one account.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, QuantaClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// A limit that lets through `per_second` requests a second, and as many at once after a quiet second.
pub(crate) struct Rate {
    limiter: Option<(DefaultDirectRateLimiter, u32)>,
    clock: QuantaClock,
}

/// A request over the rate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OverRate {
    /// The limit, in requests a second.
    pub(crate) limit: u32,
    /// When the next one would be let through.
    pub(crate) wait: Duration,
}

impl Rate {
    /// 0 is no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|n| (RateLimiter::direct(Quota::per_second(n)), per_second));
        Self { limiter, clock: QuantaClock::default() }
    }

    /// Counts one request, or says that it is one too many.
    pub(crate) fn admit(&self) -> Result<(), OverRate> {
        let Some((limiter, limit)) = &self.limiter else { return Ok(()) };
        limiter.check().map_err(|until| OverRate { limit: *limit, wait: until.wait_time_from(self.clock.now()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_passes_and_no_more() {
        let rate = Rate::new(5);
        assert!((0..5).all(|_| rate.admit().is_ok()));
        let over = rate.admit().unwrap_err();
        assert_eq!(over.limit, 5);
        assert!(over.wait <= Duration::from_millis(200));
        assert!((0..1000).all(|_| Rate::new(0).admit().is_ok()));
    }
}
