//! The way of one execution: find its process, wait for its turn, take an instance, run it, take the instance back. Whatever
//! happens on the way becomes an [`Outcome`].

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use auricle_model::{Document, Execution, ExecutionId, Failure, FailureKind, LogLevel, LogLine, Mode, Outcome, Tape};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;
use tracing::Span;

use crate::dispatch::{Dispatch, Turn};
use crate::gate::{Count, Refusal};
use crate::instance::Instance;
use crate::limits;
use crate::listener::Listener;
use crate::processes::Processes;
use crate::state::Current;
use crate::tape::Deck;
use crate::timing::Time;
use crate::trace;
use crate::warm::no_room;

/// Who runs a sub-process.
#[derive(Clone)]
pub(crate) struct Caller {
    /// How many callers are above.
    pub(crate) depth: u32,
    /// When the caller has to be over.
    pub(crate) deadline: Instant,
    /// How much the caller may compute yet.
    pub(crate) cpu: Duration,
    /// What its tape is on.
    pub(crate) deck: Deck,
}

/// What is known of an execution so far; becomes its outcome.
struct Run {
    id: ExecutionId,
    mode: Mode,
    asked: Instant,
    /// When the guest has come to its end, if it has begun.
    ended: Option<Instant>,
    uses: u64,
    memory: u64,
    waited: Duration,
    instantiated: Duration,
    instance_age: Duration,
    cpu: Duration,
    log: Vec<LogLine>,
    deck: Deck,
}

impl Processes {
    /// Runs an execution. Whatever goes wrong is in the outcome; if the future is dropped, the execution is stopped and its
    /// instance thrown away.
    ///
    /// Waits for its turn no longer than the process's `timeout` and ten seconds at most, behind at most four times
    /// as many others as may run at one time; then it has failed as saturated.
    ///
    /// One that is recorded or replayed ([`Execution::taping`]) runs in general mode, whatever its process's mode is.
    pub async fn run(self: &Arc<Self>, execution: Execution) -> Outcome {
        self.outcome(execution, None).await
    }

    /// Runs a sub-process. Boxed, since a process can call itself.
    pub(crate) fn run_nested(
        self: Arc<Self>,
        execution: Execution,
        caller: Caller,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        Box::pin(async move { self.outcome(execution, Some(caller)).await })
    }

    async fn outcome(self: &Arc<Self>, mut execution: Execution, caller: Option<Caller>) -> Outcome {
        let asked = Instant::now();
        let listener = self.find(&execution.process);
        let is_nested = caller.is_some();
        let taping = std::mem::take(&mut execution.taping);
        let deck = caller.as_ref().map_or_else(|| Deck::new(taping), |caller| caller.deck.clone());
        // What an instance has seen in earlier executions is on no tape.
        let set = if deck.is_off() { execution.mode } else { Some(Mode::General) };
        let mode = set.or_else(|| listener.as_ref().ok().map(|l| l.decl().mode)).unwrap_or(Mode::General);
        let mut run = Run {
            id: execution.id,
            mode,
            asked,
            ended: None,
            uses: 0,
            memory: 0,
            waited: Duration::ZERO,
            instantiated: Duration::ZERO,
            instance_age: Duration::ZERO,
            cpu: Duration::ZERO,
            log: Vec::new(),
            deck,
        };
        let (result, counters) = match listener {
            Ok(listener) => {
                let span = trace::span(&execution, mode);
                let mut result = {
                    let running = pin!(run.go(self, listener, execution, caller));
                    without_panic(&span, running).await
                };
                if let Some(diverged) = run.deck.diverged() {
                    result = Err(Failure::new(FailureKind::Diverged, diverged.to_string()));
                }
                if let Err(failure) = &result {
                    span.record("failure", failure.kind.name());
                }
                (result, Some(&listener.counters))
            }
            Err(failure) => (Err(failure), None),
        };
        let whole = run.ended.unwrap_or_else(Instant::now).saturating_duration_since(asked);
        let ran = whole.saturating_sub(run.waited);
        let tape = if is_nested { None } else { run.end_tape(result.is_ok(), ran) };
        let Run { id, mode, uses, memory, waited, instantiated, instance_age, cpu, log, .. } = run;
        let outcome =
            Outcome { id, mode, uses, waited, instantiated, ran, instance_age, cpu, memory, log, tape, result };
        if let Some(counters) = counters {
            counters.note(&outcome);
        }
        outcome
    }
}

impl Run {
    async fn go(
        &mut self,
        processes: &Arc<Processes>,
        listener: &Arc<Listener>,
        execution: Execution,
        caller: Option<Caller>,
    ) -> Result<Vec<Document>, Failure> {
        if execution.documents.len() > limits::DOCUMENTS {
            let message = format!(
                "{} documents are too many for one execution; {} is the most",
                execution.documents.len(),
                limits::DOCUMENTS
            );
            return Err(Failure::new(FailureKind::Contract, message));
        }
        let until = self.asked + listener.timeout().min(limits::WAIT);
        // A sub-process has its caller's turn.
        let mut turn = if caller.is_some() { Turn::OfCaller } else { Turn::Wanted };
        let (sent, place, _turn) = loop {
            match listener.dispatch(self.mode, turn) {
                Dispatch::Saturated => turn = Turn::Own { _permit: self.wait(listener, until).await? },
                Dispatch::NeedsInstance { place, turn } => break (None, place, turn),
                Dispatch::Sent { instance, place, turn } => break (Some(instance), Some(place), turn),
            }
        };
        let _busy = Count::new(&listener.counters.busy);
        let depth = caller.as_ref().map_or(0, |caller| caller.depth);
        let (mut instance, time) = match sent {
            Some(instance) => (instance, own_time(listener, caller.as_ref(), self.asked + self.waited)),
            // Boxed: it is large, and would make the future of an execution that finds an instance as large.
            None => Box::pin(self.make(listener, caller, until)).await?,
        };
        let current = Current {
            id: execution.id,
            trace: trace::below(&execution),
            operation: execution.operation,
            protocol: execution.protocol,
            mode: self.mode,
            attempt: execution.attempt,
            properties: execution.properties,
            properties_set: 0,
            depth,
            processes: processes.clone(),
        };
        let result = instance.execute(current, execution.documents, time, listener).await;
        let wear = instance.wear();
        self.uses = wear.uses;
        self.memory = wear.memory;
        self.instance_age = instance.age();
        self.cpu = instance.cpu();
        self.log = instance.log().take();
        let ended = instance.ended();
        self.ended = Some(ended);
        listener.give_back(instance, place, ended);
        result
    }

    /// Waits for a turn.
    async fn wait<'a>(&mut self, listener: &'a Listener, until: Instant) -> Result<SemaphorePermit<'a>, Failure> {
        let turn = listener.gate.enter(until).await;
        self.waited = self.asked.elapsed();
        turn.map_err(|refusal| saturated(listener, refusal))
    }

    /// Makes an instance for this execution, and tells what time it has with it. The making of a pooled one is not the
    /// execution's own time; that of a fresh one is.
    async fn make(
        &mut self,
        listener: &Listener,
        caller: Option<Caller>,
        until: Instant,
    ) -> Result<(Box<Instance>, Time), Failure> {
        let (engine, weight) = (listener.engine(), listener.component().weight());
        let room = match caller {
            None => engine.room().wait(weight, until).await,
            Some(_) => engine.room().at_once(weight),
        };
        let began = Instant::now();
        self.waited = began.saturating_duration_since(self.asked);
        let room = room.ok_or_else(|| no_room(engine))?;
        let time = own_time(listener, caller.as_ref(), began);
        // A process that is made for low latency may count on its start also where it runs in general mode once.
        let start = self.mode == Mode::LowLatency || listener.decl().mode == Mode::LowLatency;
        let made = Instance::new(listener, room, start, time, self.deck.clone()).await;
        let now = Instant::now();
        self.instantiated = now.saturating_duration_since(began);
        let instance = made?;
        let used = instance.cpu();
        if self.mode == Mode::LowLatency {
            // The caller has paid for it.
            let caller = caller.map(|caller| Caller { cpu: caller.cpu.saturating_sub(used), ..caller });
            return Ok((instance, own_time(listener, caller.as_ref(), now)));
        }
        Ok((instance, Time { began: now, used, ..time }))
    }

    /// What the execution has recorded. A replay that came to its end without all of its tape says so in its log: its
    /// documents may still be the same.
    fn end_tape(&mut self, is_ok: bool, after: Duration) -> Option<Box<Tape>> {
        if self.deck.is_off() {
            return None;
        }
        if is_ok && let Some(message) = self.deck.left() {
            self.log.push(LogLine { after, level: LogLevel::Warn, message });
        }
        self.deck.take()
    }
}

/// What an execution that begins now may have, which for a sub-process is no more than its caller has.
fn own_time(listener: &Listener, caller: Option<&Caller>, began: Instant) -> Time {
    let own = listener.own_time(began);
    caller.map_or(own, |caller| Time {
        deadline: own.deadline.min(caller.deadline),
        cpu: own.cpu.min(caller.cpu),
        ..own
    })
}

fn saturated(listener: &Listener, refusal: Refusal) -> Failure {
    let limits = &listener.decl().limits;
    let (most, key) = match limits.max_instances {
        Some(most) => (most, "max-instances"),
        None => (limits.max_concurrent, "max-concurrent"),
    };
    let message = match refusal {
        Refusal::QueueFull => format!("{most} executions run (`{key}`) and the queue behind them is full"),
        Refusal::TooLong => format!("{most} executions run (`{key}`) and none ended in time"),
    };
    Failure::new(FailureKind::Saturated, message)
}

/// A panic in the host, which would be a bug of ours, fails this execution and no other: its instance is dropped on the way.
/// The future is large: it is polled where it stands, since each adapter that took it in would copy it.
async fn without_panic(
    span: &Span,
    mut running: Pin<&mut impl Future<Output = Result<Vec<Document>, Failure>>>,
) -> Result<Vec<Document>, Failure> {
    poll_fn(move |context| {
        let polled = AssertUnwindSafe(|| span.in_scope(|| running.as_mut().poll(context)));
        catch_unwind(polled).unwrap_or_else(|panic| {
            let message = format!("the host panicked, which is a bug: {}", words(&*panic));
            Poll::Ready(Err(Failure::new(FailureKind::Host, message)))
        })
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_the_host_is_a_failure_of_the_host() {
        let failure = without_panic(&Span::none(), pin!(async { panic!("oh {}", 7) })).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Host);
        assert!(failure.message.ends_with("oh 7"), "{failure}");
    }
}
