//! Calls to other servers: one machinery behind `http-client.send` and `wasi:http/outgoing-handler`, under the rules of `allow-hosts`.
//!
//! - `Client` is shared by the whole engine: TLS settings, loaded when the first `https` call is made.
//! - `Rules` belongs to a process of a deployment: which servers, how many calls at a time, and the idle connections to
//!   them. Connections are never shared between processes, since some servers bind a login to a connection.
//! - `Outgoing` belongs to a store, and is cheap to make.
//!
//! What holds on both ways: scheme, host and port of the final URL have to be allowed; private, loopback and link-local addresses are
//! refused after the name is looked up, unless the rule says `private`; the connection is made to the address that was checked, with no second
//! look-up; redirects are not followed; no call outlasts its execution; HTTP/1.1 only; a connection that went stale while idle is
//! replaced without the caller's notice where that is safe.

mod address;
mod connect;
mod exchange;
mod fault;
mod hooks;
mod rules;
mod send;
mod taped;
#[cfg(test)]
mod taped_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use auricle_model::TraceContext;
use tokio::time::Instant;

pub(crate) use self::connect::Client;
pub(crate) use self::rules::Rules;
use crate::tape::Deck;

/// Calls of one process that may go on at a time; more wait, no longer than their time limit.
const CONCURRENT_CALLS: usize = 64;
/// Name look-up, connection and TLS together; never longer than the call's time limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// One address of several that a name has; then the next is tried.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(4);
/// Bytes of an answer's body. More: `too-large`.
const RESPONSE_BYTES: u64 = 16 << 20;
/// Idle connections kept for one rule.
const IDLE_CONNECTIONS: usize = 8;
/// How long a connection is kept idle: shorter than servers commonly do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What one store has of outgoing HTTP.
#[derive(Clone)]
pub(crate) struct Outgoing {
    rules: Arc<Rules>,
    client: Client,
    /// Of the execution that goes on: set each time the guest makes a call.
    deadline: Instant,
    /// Likewise: what the called server is told of the trace.
    trace: Option<TraceContext>,
    /// For calls by `wasi:http`.
    deck: Deck,
    /// Held by each call that goes on and each answer that is not read to its end.
    open: Arc<()>,
}

impl Outgoing {
    /// Under the rules of a process.
    pub(crate) fn new(rules: Arc<Rules>, client: Client) -> Self {
        Self { rules, client, deadline: Instant::now(), trace: None, deck: Deck::default(), open: Arc::default() }
    }

    /// Records or plays by a deck.
    pub(crate) fn on(mut self, deck: Deck) -> Self {
        self.deck = deck;
        self
    }

    /// Whether a call goes on, or an answer is kept that was not read to its end: each holds a permit and a connection.
    pub(crate) fn is_open(&self) -> bool {
        Arc::strong_count(&self.open) > 1
    }
}
