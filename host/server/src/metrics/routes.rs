//! Counts of the requests of one route, apart by method, status and version of HTTP, and where a deployment finds them.
//!
//! A route has few such combinations, and mostly one: they are a chain that only grows, so that a request finds its own by
//! a look or two, without a lock.

use std::sync::{Arc, OnceLock};

use auricle_api::route::{Endpoint, Router};
use auricle_process::{Histogram, Registry, Sharded, Spread, TIME_BOUNDS, Times};

/// Bounds of sizes in bytes. Nothing at all has a bucket of its own.
pub(super) const SIZE_BOUNDS: &[u64] = &[0, 1 << 10, 16 << 10, 128 << 10, 1 << 20, 4 << 20, 16 << 20];

/// Combinations of a route that are told apart; of more, which only a process makes that answers with dozens of statuses,
/// the status is left out.
const MOST: usize = 64;

type Sizes = Histogram<{ SIZE_BOUNDS.len() + 1 }>;

/// What is told apart on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Place in the table of methods.
    pub(super) method: u8,
    /// Place in the table of versions.
    pub(super) version: u8,
    /// 0: left out.
    pub(super) status: u16,
}

/// The requests of one route.
#[derive(Debug, Default)]
pub(crate) struct Route(OnceLock<Box<Link>>);

#[derive(Debug)]
struct Link {
    kind: Kind,
    counts: Sharded<Counts>,
    next: OnceLock<Box<Link>>,
}

/// What a thread has seen of them.
#[derive(Debug, Default)]
struct Counts {
    took: Times,
    request: Sizes,
    response: Sizes,
}

/// What was counted of one [`Kind`].
#[derive(Debug)]
pub(super) struct Series {
    pub(super) kind: Kind,
    /// In microseconds.
    pub(super) took: Spread,
    /// In bytes.
    pub(super) request: Spread,
    /// In bytes.
    pub(super) response: Spread,
}

impl Route {
    /// Counts a request: microseconds, and bytes of both bodies.
    pub(super) fn add(&self, kind: Kind, took: u64, request: u64, response: u64) {
        let Some(counts) = self.find(kind).here() else { return };
        counts.took.add(TIME_BOUNDS, took);
        counts.request.add(SIZE_BOUNDS, request);
        counts.response.add(SIZE_BOUNDS, response);
    }

    fn find(&self, mut kind: Kind) -> &Sharded<Counts> {
        let mut place = &self.0;
        let mut passed = 0;
        loop {
            if passed == MOST {
                kind.status = 0;
            }
            let fresh = || Box::new(Link { kind, counts: Sharded::new(), next: OnceLock::new() });
            let link = place.get_or_init(fresh);
            if link.kind == kind {
                return &link.counts;
            }
            place = &link.next;
            passed += 1;
        }
    }

    /// All that was counted.
    pub(super) fn series(&self) -> Vec<Series> {
        let mut series = Vec::new();
        let mut place = &self.0;
        while let Some(link) = place.get() {
            let took = Spread::of(TIME_BOUNDS, link.counts.iter().map(|c| &c.took));
            let request = Spread::of(SIZE_BOUNDS, link.counts.iter().map(|c| &c.request));
            let response = Spread::of(SIZE_BOUNDS, link.counts.iter().map(|c| &c.response));
            series.push(Series { kind: link.kind, took, request, response });
            place = &link.next;
        }
        series
    }
}

/// The counts of each route of a deployment. A route that nobody has asked for has none.
pub(crate) struct Routes {
    all: Arc<Registry<Route>>,
    /// By the number of the endpoint.
    own: Box<[OnceLock<Arc<Route>>]>,
}

impl Routes {
    /// Those of a router. A route that an earlier deployment had too goes on with its counts.
    pub(crate) fn of(router: &Router, all: &Arc<Registry<Route>>) -> Self {
        let numbers = router.endpoints().map(|endpoint| endpoint.number + 1).max().unwrap_or(0);
        Self { all: all.clone(), own: (0..numbers).map(|_| OnceLock::new()).collect() }
    }

    /// Looks the counts of an endpoint up, unless that was done before.
    pub(crate) fn prepare(&self, endpoint: &Endpoint) {
        if let Some(own) = self.own.get(endpoint.number) {
            own.get_or_init(|| self.all.of(&endpoint.route.as_str().into()));
        }
    }

    /// The counts of the endpoint with this number, once they are prepared.
    pub(crate) fn at(&self, number: usize) -> Option<&Route> {
        self.own.get(number)?.get().map(|route| &**route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Kind = Kind { method: 0, version: 1, status: 200 };

    #[test]
    fn requests_are_counted_apart() {
        let route = Route::default();
        route.add(OK, 300, 0, 10);
        route.add(OK, 100, 5, 0);
        route.add(Kind { status: 404, ..OK }, 100, 0, 0);
        let series = route.series();
        assert_eq!(series.iter().map(|s| (s.kind.status, s.took.count())).collect::<Vec<_>>(), [(200, 2), (404, 1)]);
        let first = &series[0];
        assert_eq!(first.took.counts[..4], [1, 0, 1, 0]);
        assert_eq!((&first.request.counts[..2], first.request.sum), (&[1, 1][..], 5));
        assert_eq!((&first.response.counts[..2], first.response.sum), (&[1, 1][..], 10));
    }

    #[test]
    fn a_route_does_not_grow_without_end() {
        let route = Route::default();
        for status in 200..600 {
            route.add(Kind { status, ..OK }, 1, 0, 0);
        }
        let series = route.series();
        assert_eq!(series.len(), MOST + 1);
        assert_eq!(series.last().map(|s| (s.kind.status, s.took.count())), Some((0, 400 - MOST as u64)));
    }
}
