//! What a store holds: all that the host functions of one instance can reach. One store holds one instance.
//!
//! A fresh instance gets a fresh state. A reused one keeps what belongs to the instance (WASI, its handles, its log's
//! streams) and gets anew what belongs to the execution, by [`State::begin`] and [`State::end`].

use std::sync::Arc;

use auricle_model::{ExecutionId, Mode, Operation, Properties, Protocol, TraceContext};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::connections::ExecutionConnections;
use crate::documents::Documents;
use crate::limits::Growth;
use crate::log::Log;
use crate::outgoing::Outgoing;
use crate::processes::Processes;
use crate::tape::Deck;
use crate::timing::Meter;

/// The execution that goes on in an instance.
pub(crate) struct Current {
    pub(crate) id: ExecutionId,
    pub(crate) operation: Arc<Operation>,
    pub(crate) protocol: Protocol,
    pub(crate) mode: Mode,
    pub(crate) attempt: u32,
    /// What those are told whom the guest calls.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) properties: Properties,
    /// Bytes of properties that the guest has set.
    pub(crate) properties_set: usize,
    /// How many callers are above: 0 for a request.
    pub(crate) depth: u32,
    /// Where sub-processes are found. Only held while the execution lasts: the pool of an idle instance belongs to it.
    pub(crate) processes: Arc<Processes>,
}

/// The data of one store.
pub(crate) struct State {
    /// Name of the process, for messages.
    pub(crate) process: Arc<str>,
    /// Its own operation, in force while there is no execution.
    pub(crate) operation: Arc<Operation>,
    /// Its declared mode, likewise.
    pub(crate) mode: Mode,
    /// WASI's resources and those of `sql`, bounded in number.
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    /// Outgoing HTTP: rules, shared client, limits.
    pub(crate) outgoing: Outgoing,
    /// Granted connections and what the execution has open on them.
    pub(crate) connections: ExecutionConnections,
    /// When the execution (or `lifecycle.start`) has to be over. Nothing that a host function waits for may outlast it.
    pub(crate) deadline: Instant,
    /// Documents that the guest has handles of.
    pub(crate) documents: Documents,
    /// Linear memory and tables.
    pub(crate) growth: Growth,
    /// CPU time.
    pub(crate) meter: Arc<Meter>,
    pub(crate) log: Arc<Log>,
    /// What it sees of the outside goes through it.
    pub(crate) deck: Deck,
    /// None outside of an execution: during `lifecycle.start`.
    pub(crate) current: Option<Current>,
}

impl State {
    /// Makes ready for an execution.
    pub(crate) fn begin(&mut self, current: Current, deadline: Instant) {
        self.deadline = deadline;
        self.growth.begin();
        self.current = Some(current);
    }

    /// Gives up all that belonged to the execution. Returns how many documents the guest had not dropped.
    pub(crate) async fn end(&mut self) -> usize {
        self.connections.end().await;
        self.current = None;
        self.documents.reset()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
