//! One instance of a process in its store: made, started, executed, made ready for the next time.
//!
//! A trap poisons the store, and a call that is dropped at its deadline leaves it in the middle of something: either way
//! the instance is marked as broken and never used again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auricle_model::{Document, Failure, FailureKind, format_size};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::bindings::Process;
use crate::connections::ExecutionConnections;
use crate::counters::Counters;
use crate::documents::Documents;
use crate::failure::{self, Breach};
use crate::limits::{self, Growth};
use crate::listener::Listener;
use crate::log::Log;
use crate::outgoing::Outgoing;
use crate::pool::{Retired, Wear, max_uses};
use crate::state::{Current, State};
use crate::tape::Deck;
use crate::timing::{Meter, Time, within};

/// An instance and everything that it holds.
pub(crate) struct Instance {
    store: Store<State>,
    bindings: Process,
    meter: Arc<Meter>,
    wear: Wear,
    /// Why it is let go, once somebody has said so.
    retired: Option<Retired>,
    counters: Arc<Counters>,
    /// Given back after the store is dropped, and with it the instance's place in the engine's pool.
    _room: OwnedSemaphorePermit,
}

impl Instance {
    /// Makes an instance, and runs its `lifecycle.start` if asked to. A deck that is on serves one execution: so does the instance then.
    pub(crate) async fn new(
        listener: &Listener,
        room: OwnedSemaphorePermit,
        start: bool,
        time: Time,
        deck: Deck,
    ) -> Result<Box<Self>, Failure> {
        let meter = Meter::new(time.began);
        meter.begin(&time);
        let mut store = new_store(listener, &meter, time.deadline, deck);
        let made = {
            let making = pin!(make(&mut store, listener, start));
            within(time.deadline, meter.measure(time.began, making)).await
        };
        let bindings = match made {
            Some(Ok(Ok(bindings))) => bindings,
            Some(Ok(Err(why))) => return Err(start_failure(&why)),
            Some(Err(error)) => return Err(not_started(failure::of_call(&error, store.data(), listener))),
            None => return Err(not_started(failure::deadline(listener.timeout()))),
        };
        // What `start` left behind is its own affair; what it said is not of any execution.
        for line in store.data().log.take() {
            tracing::info!(process = listener.name(), level = line.level.name(), "lifecycle.start: {}", line.message);
        }
        if within(meter.ended() + limits::CLEAN_UP, store.data_mut().end()).await.is_none() {
            return Err(start_failure("it left a database transaction open that could not be rolled back"));
        }
        let memory = store.data().growth.used();
        let wear = Wear {
            broken: None,
            uses: 0,
            max_uses: max_uses(listener.engine().config().reuse),
            memory,
            memory_at_start: memory,
            memory_limit: store.data().growth.memory(),
            leaked: 0,
            entries: 0,
        };
        let counters = listener.counters.clone();
        counters.made();
        Ok(Box::new(Self { store, bindings, meter, wear, retired: None, counters, _room: room }))
    }

    /// Runs one execution.
    pub(crate) async fn execute(
        &mut self,
        current: Current,
        documents: Vec<Document>,
        time: Time,
        listener: &Listener,
    ) -> Result<Vec<Document>, Failure> {
        self.wear.uses += 1;
        // Until it has come back whole: this future may be dropped at any point.
        self.wear.broken = Some(Retired::Cancelled);
        let state = self.store.data_mut();
        state.log.begin(time.began.into_std());
        state.begin(current, time.deadline);
        self.meter.begin(&time);
        self.store.set_epoch_deadline(1);
        let returned = {
            let response = listener.decl().limits.bounds.response;
            let call = pin!(call(&mut self.store, &self.bindings, documents, response));
            within(time.deadline, self.meter.measure(time.began, call)).await
        };
        let (result, mut broken) = match returned {
            Some(Ok(result)) => (result, None),
            Some(Err(error)) => {
                let failure = failure::of_call(&error, self.store.data(), listener);
                let broken = broken_by(failure.kind);
                (Err(failure), Some(broken))
            }
            None => (Err(failure::deadline(listener.timeout())), Some(Retired::Deadline)),
        };
        // Nothing to wait for, unless the guest has left something open.
        match within(self.meter.ended() + limits::CLEAN_UP, self.store.data_mut().end()).await {
            Some(leaked) => self.wear.leaked += leaked,
            None => broken = broken.or(Some(Retired::Unclean)),
        }
        let state = self.store.data_mut();
        self.wear.memory = state.growth.used();
        self.wear.entries = state.table.iter_mut().count();
        // An answer of `wasi:http` that the guest keeps would hold one of the process's calls for as long.
        if broken.is_none() && state.outgoing.is_open() {
            broken = Some(Retired::Unclean);
        }
        if broken.is_none() && state.documents.is_worn() {
            broken = Some(Retired::Uses);
        }
        self.wear.broken = broken;
        result
    }

    /// What it has been through, for the pool to judge by.
    pub(crate) const fn wear(&self) -> Wear {
        self.wear
    }

    /// The log that its executions write to.
    pub(crate) fn log(&self) -> &Log {
        &self.store.data().log
    }

    /// CPU time of what it did last: of its execution, or of being made.
    pub(crate) fn cpu(&self) -> Duration {
        self.meter.used()
    }

    /// How old it was when its guest was active last.
    pub(crate) fn age(&self) -> Duration {
        self.meter.age()
    }

    /// When its guest was active last.
    pub(crate) fn ended(&self) -> Instant {
        self.meter.ended()
    }

    /// Lets it go.
    pub(crate) fn retire(mut self, why: Retired) {
        self.retired = Some(why);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // One that nobody has retired went with the execution that was given up, or with its pool.
        self.counters.retired(self.retired.or(self.wear.broken).unwrap_or(Retired::Undeployed));
    }
}

/// Runs the guest. The outer error is a trap, the inner one is the process's own.
async fn call(
    store: &mut Store<State>,
    bindings: &Process,
    documents: Vec<Document>,
    most: u64,
) -> wasmtime::Result<Result<Vec<Document>, Failure>> {
    let state = store.data_mut();
    let handles = documents.into_iter().map(|d| state.documents.push(d)).collect::<Result<Vec<_>, _>>()?;
    let returned = bindings.auricle_process_listener().call_execute(&mut *store, &handles).await?;
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
    let state = store.data_mut();
    let documents = returned.iter().map(|handle| state.documents.take(handle)).collect::<Result<Vec<_>, _>>()?;
    let bytes: u64 = documents.iter().map(|document| document.data.len() as u64).sum();
    if bytes > most {
        let most = format_size(most);
        let message = format!("it returned documents of {bytes} bytes; its `limits.response` is {most}");
        return Ok(Err(Failure::new(FailureKind::Contract, message)));
    }
    Ok(Ok(documents))
}

const fn broken_by(kind: FailureKind) -> Retired {
    match kind {
        FailureKind::Deadline => Retired::Deadline,
        FailureKind::Cpu => Retired::Cpu,
        FailureKind::Memory => Retired::Memory,
        _ => Retired::Trap,
    }
}

fn new_store(listener: &Listener, meter: &Arc<Meter>, deadline: Instant, deck: Deck) -> Store<State> {
    let limits = &listener.decl().limits;
    let bounds = &limits.bounds;
    let log = Log::new(bytes(bounds.log));
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
        outgoing: Outgoing::new(listener.rules().clone(), listener.engine().client().clone()).on(deck.clone()),
        connections: ExecutionConnections::new(
            listener.pools().clone(),
            listener.granted().clone(),
            listener.shared_name().clone(),
        ),
        deadline,
        documents: Documents::new(bounds.documents),
        growth: Growth::new(limits),
        meter: meter.clone(),
        log,
        deck,
        current: None,
    };
    let mut store = Store::new(listener.engine().wasmtime(), state);
    store.limiter(|state| &mut state.growth);
    store.set_hostcall_fuel(bytes(bounds.host_call));
    store.set_max_component_handles(bounds.handles as usize);
    store.set_epoch_deadline(1);
    // At each tick the guest stops if its time is up, and otherwise lets other tasks of the thread go on.
    store.epoch_deadline_callback(|context| {
        let state = context.data();
        if Instant::now() >= state.deadline {
            return Ok(UpdateDeadline::Interrupt);
        }
        if state.meter.left().is_zero() {
            return Err(Breach::Cpu.into());
        }
        state.meter.tick();
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

/// A size of the manifest, on a machine that may be smaller.
fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
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
        FailureKind::Memory | FailureKind::Deadline | FailureKind::Cpu => failure,
        _ => Failure::new(FailureKind::Start, format!("no instance could be made: {}", failure.message)),
    }
}
