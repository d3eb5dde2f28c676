//! Counting requests: a [`Watch`] goes along with each, from its head to the head of its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use auricle_process::{Registry, Sharded};
use bytes::Bytes;
use http::{Method, Response, Version};
use http_body::Body as _;
use http_body_util::Full;

use super::routes::{Kind, Route};
use crate::respond::Refusal;

/// What `http_request_method` can be. The last stands for all others: a client must not make series at will.
pub(super) const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "_OTHER"];

/// What `network_protocol_version` can be.
pub(super) const VERSIONS: [&str; 4] = ["1.0", "1.1", "2", "3"];

/// Counts of all requests of a host, but for those of the admin address.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// By their templates.
    pub(super) routes: Arc<Registry<Route>>,
    /// Those that came to no route.
    pub(super) unrouted: Route,
    active: Sharded<[AtomicI64; METHODS.len()]>,
    refused: [AtomicU64; Refused::NAMES.len()],
    abandoned: AtomicU64,
    connections: AtomicI64,
}

/// One request that goes on.
pub(crate) struct Watch<'h> {
    requests: &'h Requests,
    began: Instant,
    method: u8,
    version: u8,
    /// Bytes of its body, once that is there.
    pub(crate) body: u64,
    answered: bool,
}

impl Requests {
    /// A request begins.
    pub(crate) fn begin(&self, method: &Method, version: Version) -> Watch<'_> {
        let watch = Watch {
            requests: self,
            began: Instant::now(),
            method: method_number(method),
            version: version_number(version),
            body: 0,
            answered: false,
        };
        watch.count_active(1);
        watch
    }

    /// A request was refused.
    pub(crate) fn refuse(&self, why: Refused) {
        if let Some(count) = self.refused.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection was opened, or closed.
    pub(crate) fn connections(&self, more: i64) {
        self.connections.fetch_add(more, Ordering::Relaxed);
    }

    /// Where the counts of a deployment's routes are.
    pub(crate) const fn routes(&self) -> &Arc<Registry<Route>> {
        &self.routes
    }

    pub(super) fn open_connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refused::NAMES.iter().copied().zip(self.refused.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Those that go on, by method. Each thread's count alone says nothing: a request may end on another than it began.
    pub(super) fn active(&self) -> impl Iterator<Item = (&'static str, i64)> {
        METHODS.iter().enumerate().map(|(nth, name)| {
            let counts = self.active.iter().filter_map(|counts| counts.get(nth));
            (*name, counts.map(|count| count.load(Ordering::Relaxed)).sum())
        })
    }
}

impl Watch<'_> {
    /// When its head was there.
    pub(crate) const fn began(&self) -> Instant {
        self.began
    }

    /// The request is answered; where it came to a route, with the counts of that.
    pub(crate) fn end(mut self, route: Option<&Route>, response: &Response<Full<Bytes>>) {
        self.answered = true;
        let kind = Kind { method: self.method, version: self.version, status: response.status().as_u16() };
        let took = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let sent = response.body().size_hint().lower();
        route.unwrap_or(&self.requests.unrouted).add(kind, took, self.body, sent);
    }

    fn count_active(&self, more: i64) {
        let counts = self.requests.active.here();
        if let Some(count) = counts.and_then(|counts| counts.get(usize::from(self.method))) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }
}

/// Also where the client has gone away and the request is dropped.
impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.count_active(-1);
        if !self.answered {
            self.requests.abandoned.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn method_number(method: &Method) -> u8 {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        Method::CONNECT => 7,
        Method::TRACE => 8,
        _ => 9,
    }
}

fn version_number(version: Version) -> u8 {
    match version {
        Version::HTTP_2 => 2,
        Version::HTTP_3 => 3,
        Version::HTTP_11 => 1,
        _ => 0,
    }
}

/// A method as OpenTelemetry names it: those that are not known are all one.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS.get(usize::from(method_number(method))).copied().unwrap_or_default()
}

/// A version of HTTP as OpenTelemetry names it.
pub(crate) fn version_name(version: Version) -> &'static str {
    VERSIONS.get(usize::from(version_number(version))).copied().unwrap_or_default()
}

macro_rules! refused {
    ($($variant:ident = $name:literal,)+) => {
        /// Why a request got no answer from a process, as metrics tell it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Refused { $(
            #[doc = $name]
            $variant,
        )+ }

        impl Refused {
            /// Every name, in the order of the variants.
            pub(crate) const NAMES: &[&'static str] = &[$($name),+];
        }
    };
}

refused! {
    NotReady = "not-ready",
    Rate = "rate",
    Head = "head",
    NoRoute = "no-route",
    Body = "body",
    Input = "input",
    Page = "page",
    Queue = "queue",
    Idempotency = "idempotency",
    Status = "status",
    Failed = "failed",
    Output = "output",
    Panic = "panic",
}

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotReady(_) => Self::NotReady,
            Refusal::OverRate(_) => Self::Rate,
            Refusal::Host | Refusal::TooManyHeaders | Refusal::Query(_) | Refusal::Header(_) | Refusal::Wish(_) => {
                Self::Head
            }
            Refusal::Miss(_) | Refusal::NothingDeployed | Refusal::SoapByGet | Refusal::UnknownSchema { .. } => {
                Self::NoRoute
            }
            Refusal::Body(_) => Self::Body,
            Refusal::Input(_) | Refusal::Soap(_) => Self::Input,
            Refusal::Fault { why, .. } => Self::from(&**why),
            Refusal::UnknownPage | Refusal::PageNotRead { .. } | Refusal::PagesNotHeld { .. } => Self::Page,
            Refusal::NotQueued { .. } => Self::Queue,
            Refusal::KeyNotTaken { .. } | Refusal::InFlight { .. } | Refusal::OtherBody | Refusal::NotKept { .. } => {
                Self::Idempotency
            }
            Refusal::UnknownExecution | Refusal::StatusMethod | Refusal::StatusNotRead { .. } => Self::Status,
            Refusal::Failed { .. } => Self::Failed,
            Refusal::Output { .. } => Self::Output,
            Refusal::Panicked => Self::Panic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(requests: &Requests, method: &str) -> i64 {
        requests.active().find(|(name, _)| *name == method).unwrap().1
    }

    #[test]
    fn a_request_is_active_until_it_ends() {
        let requests = Requests::default();
        let watch = requests.begin(&Method::GET, Version::HTTP_11);
        let other = requests.begin(&"BREW".parse().unwrap(), Version::HTTP_2);
        assert_eq!((active(&requests, "GET"), active(&requests, "_OTHER")), (1, 1));
        watch.end(None, &Response::new(Full::from("four")));
        // On another thread than it began, as on a runtime.
        std::thread::scope(|scope| {
            scope.spawn(|| drop(other));
        });
        assert_eq!((active(&requests, "GET"), active(&requests, "_OTHER"), requests.abandoned()), (0, 0, 1));
        let series = requests.unrouted.series();
        assert_eq!((series.len(), series[0].response.sum), (1, 4));
    }
}
