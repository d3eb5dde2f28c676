//! One instance of a process in its store: made, started, executed, made ready for the next time.
//!
//! A trap poisons the store, and a call that is dropped at its deadline leaves it in the middle of something: either way
//! the instance is marked as broken and never used again.

use auricle_model::{Document, Failure, FailureKind};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::bindings::Process;
use crate::connections::ExecutionConnections;
use crate::documents::Documents;
use crate::failure;
use crate::limits::{self, MemoryLimit};
use crate::listener::Listener;
use crate::log::Log;
use crate::outgoing::Outgoing;
use crate::pool::{Wear, max_uses};
use crate::state::{Current, State};

/// An instance and everything that it holds.
pub(crate) struct Instance {
    store: Store<State>,
    bindings: Process,
    wear: Wear,
    /// Given back after the store is dropped, and with it the instance's place in the engine's pool.
    _room: OwnedSemaphorePermit,
}

impl Instance {
    /// Makes an instance, and runs its `lifecycle.start` if asked to.
    pub(crate) async fn new(
        listener: &Listener,
        room: OwnedSemaphorePermit,
        start: bool,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let mut store = new_store(listener, deadline);
        let made = timeout_at(deadline, make(&mut store, listener, start)).await;
        let bindings = match made {
            Ok(Ok(Ok(bindings))) => bindings,
            Ok(Ok(Err(why))) => return Err(start_failure(&why)),
            Ok(Err(error)) => return Err(not_started(failure::of_call(&error, store.data(), listener))),
            Err(_) => return Err(not_started(failure::deadline(listener.timeout()))),
        };
        // What `start` left behind is its own affair; what it said is not of any execution.
        for line in store.data().log.take() {
            tracing::info!(process = listener.name(), level = line.level.name(), "lifecycle.start: {}", line.message);
        }
        if timeout(limits::CLEAN_UP, store.data_mut().end()).await.is_err() {
            return Err(start_failure("it left a database transaction open that could not be rolled back"));
        }
        let memory = store.data().memory.used();
        let wear = Wear {
            broken: false,
            uses: 0,
            max_uses: max_uses(listener.engine().config().reuse),
            memory,
            memory_at_start: memory,
            memory_limit: store.data().memory.limit(),
            leaked: 0,
            entries: 0,
        };
        Ok(Self { store, bindings, wear, _room: room })
    }

    /// Runs one execution.
    pub(crate) async fn execute(
        &mut self,
        current: Current,
        documents: Vec<Document>,
        deadline: Instant,
        listener: &Listener,
    ) -> Result<Vec<Document>, Failure> {
        self.wear.uses += 1;
        // Until it has come back whole: this future may be dropped at any point.
        self.wear.broken = true;
        self.store.data().log.begin();
        self.store.data_mut().begin(current, deadline);
        self.store.set_epoch_deadline(1);
        let result = match timeout_at(deadline, self.call(documents)).await {
            Ok(Ok(result)) => {
                self.wear.broken = false;
                result
            }
            Ok(Err(error)) => Err(failure::of_call(&error, self.store.data(), listener)),
            Err(_) => Err(failure::deadline(listener.timeout())),
        };
        match timeout(limits::CLEAN_UP, self.store.data_mut().end()).await {
            Ok(leaked) => self.wear.leaked += leaked,
            Err(_) => self.wear.broken = true,
        }
        let state = self.store.data_mut();
        self.wear.memory = state.memory.used();
        self.wear.entries = state.table.iter_mut().count();
        // An answer of `wasi:http` that the guest keeps would hold one of the process's calls for as long.
        self.wear.broken |= state.documents.is_worn() || state.outgoing.is_open();
        result
    }

    /// The outer error is a trap, the inner one is the process's own.
    async fn call(&mut self, documents: Vec<Document>) -> wasmtime::Result<Result<Vec<Document>, Failure>> {
        let state = self.store.data_mut();
        let handles = documents.into_iter().map(|d| state.documents.push(d)).collect::<Result<Vec<_>, _>>()?;
        let returned = self.bindings.auricle_process_listener().call_execute(&mut self.store, &handles).await?;
        let returned = match returned {
            Ok(returned) => returned,
            Err(failed) => {
                let mut message = failed.message;
                limits::cut(&mut message, limits::MESSAGE_BYTES);
                return Ok(Err(Failure::new(FailureKind::Failed, message)));
            }
        };
        if returned.len() > limits::DOCUMENTS {
            let message = format!("it returned {} documents; {} is the most", returned.len(), limits::DOCUMENTS);
            return Ok(Err(Failure::new(FailureKind::Contract, message)));
        }
        let state = self.store.data_mut();
        returned.iter().map(|handle| state.documents.take(handle)).collect::<Result<Vec<_>, _>>().map(Ok)
    }

    /// What it has been through, for the pool to judge by.
    pub(crate) const fn wear(&self) -> Wear {
        self.wear
    }

    /// The log that its executions write to.
    pub(crate) fn log(&self) -> &Log {
        &self.store.data().log
    }
}

fn new_store(listener: &Listener, deadline: Instant) -> Store<State> {
    let log = Log::new();
    let limits = &listener.decl().limits;
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits::TABLE_ENTRIES);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits::FIELD_BYTES);
    let state = State {
        process: listener.shared_name().clone(),
        operation: listener.operation().clone(),
        mode: listener.decl().mode,
        table,
        wasi: listener.wasi().context(&log),
        http,
        outgoing: Outgoing::new(listener.rules().clone(), listener.engine().client().clone()),
        connections: ExecutionConnections::new(
            listener.pools().clone(),
            listener.granted().clone(),
            listener.shared_name().clone(),
        ),
        deadline,
        documents: Documents::new(),
        memory: MemoryLimit::new(limits.memory),
        log,
        current: None,
    };
    let mut store = Store::new(listener.engine().wasmtime(), state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits::HOSTCALL_BYTES);
    store.set_max_component_handles(limits::HANDLES);
    store.set_epoch_deadline(1);
    // At each tick the guest stops if its time is up, and otherwise lets other tasks of the thread go on.
    store.epoch_deadline_callback(|context| {
        if Instant::now() >= context.data().deadline {
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// The outer error is a trap, the inner one what `lifecycle.start` said.
async fn make(store: &mut Store<State>, listener: &Listener, start: bool) -> wasmtime::Result<Result<Process, String>> {
    let component = &*listener.component().0;
    let instance = component.pre.instantiate_async(&mut *store).await?;
    if let (Some(lifecycle), true) = (&component.lifecycle, start) {
        let lifecycle = lifecycle.load(&mut *store, &instance)?;
        if let Err(why) = lifecycle.auricle_process_lifecycle().call_start(&mut *store).await? {
            return Ok(Err(why));
        }
    }
    component.listener.load(store, &instance).map(Ok)
}

fn start_failure(why: &str) -> Failure {
    let mut message = format!("its `lifecycle.start` failed: {why}");
    limits::cut(&mut message, limits::MESSAGE_BYTES);
    Failure::new(FailureKind::Start, message)
}

/// A trap before the first execution: too little memory and too little time stay what they are.
fn not_started(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Memory | FailureKind::Deadline => failure,
        _ => Failure::new(FailureKind::Start, format!("no instance could be made: {}", failure.message)),
    }
}
