//! The way of one execution: find its process, wait for its turn, take an instance, run it, take the instance back. Whatever
//! happens on the way becomes an [`Outcome`].

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use auricle_model::{Document, Execution, ExecutionId, Failure, FailureKind, LogLine, Mode, Outcome};
use tokio::time::Instant;
use tracing::Instrument;

use crate::gate::{Count, Refusal};
use crate::instance::Instance;
use crate::limits;
use crate::listener::{Listener, no_room};
use crate::processes::Processes;
use crate::state::Current;

/// Who runs a sub-process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// How many callers are above.
    pub(crate) depth: u32,
    /// When the caller has to be over.
    pub(crate) deadline: Instant,
}

/// What is known of an execution so far; becomes its outcome.
struct Run {
    id: ExecutionId,
    mode: Mode,
    uses: u64,
    memory: u64,
    waited: Duration,
    log: Vec<LogLine>,
}

impl Processes {
    /// Runs an execution. Whatever goes wrong is in the outcome; if the future is dropped, the execution is stopped and its
    /// instance thrown away.
    ///
    /// Waits for its turn no longer than the process's `timeout` and ten seconds at most, behind at most four times
    /// `max-concurrent` others; then it has failed as saturated.
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

    async fn outcome(self: &Arc<Self>, execution: Execution, caller: Option<Caller>) -> Outcome {
        let asked = Instant::now();
        let listener = self.find(&execution.process);
        let mode = execution.mode.or_else(|| listener.as_ref().ok().map(|l| l.decl().mode)).unwrap_or(Mode::General);
        let mut run = Run { id: execution.id, mode, uses: 0, memory: 0, waited: Duration::ZERO, log: Vec::new() };
        let result = match listener {
            Ok(listener) => {
                let span =
                    tracing::debug_span!("execution", id = %run.id, process = listener.name(), mode = mode.name());
                let running = run.go(self, listener, execution, caller).instrument(span);
                let result = without_panic(running).await;
                listener.counters.note(result.as_ref().err().map(|f| f.kind));
                result
            }
            Err(failure) => Err(failure),
        };
        let Run { id, mode, uses, memory, waited, log } = run;
        Outcome { id, mode, uses, waited, ran: asked.elapsed().saturating_sub(waited), memory, log, result }
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
        let asked = Instant::now();
        let until = asked + listener.timeout().min(limits::WAIT);
        // A sub-process needs no turn: its caller's is enough, and waiting for an ancestor's would never end.
        let _turn = match caller {
            None => Some(listener.gate.enter(until).await.map_err(|refusal| saturated(listener, refusal))?),
            Some(_) => None,
        };
        let _busy = Count::new(&listener.counters.busy);
        let warm = if self.mode == Mode::LowLatency { listener.warm.take() } else { None };
        let room = match (&warm, caller) {
            (Some(_), _) => None,
            (None, None) => Some(
                listener.engine().room(listener.component(), until).await.ok_or_else(|| no_room(listener.engine()))?,
            ),
            (None, Some(_)) => {
                Some(listener.engine().try_room(listener.component()).ok_or_else(|| no_room(listener.engine()))?)
            }
        };
        self.waited = asked.elapsed();

        let deadline = |from: Instant| {
            let own = limits::later(from, listener.timeout());
            caller.map_or(own, |caller| own.min(caller.deadline))
        };
        let mut time = deadline(Instant::now());
        let mut instance = match (warm, room) {
            (Some(instance), _) => instance,
            (None, Some(room)) => {
                // A process that is made for low latency may count on its start also where it runs in general mode once.
                let start = self.mode == Mode::LowLatency || listener.decl().mode == Mode::LowLatency;
                let instance = Instance::new(listener, room, start, time).await?;
                if self.mode == Mode::LowLatency {
                    // The making of a pooled instance is not the execution's own time.
                    time = deadline(Instant::now());
                }
                instance
            }
            (None, None) => return Err(no_room(listener.engine())),
        };
        let current = Current {
            id: execution.id,
            operation: execution.operation,
            protocol: execution.protocol,
            mode: self.mode,
            attempt: execution.attempt,
            properties: execution.properties,
            properties_set: 0,
            depth: caller.map_or(0, |caller| caller.depth),
            processes: processes.clone(),
        };
        let result = instance.execute(current, execution.documents, time, listener).await;
        let wear = instance.wear();
        self.uses = wear.uses;
        self.memory = wear.memory;
        self.log = instance.log().take();
        if self.mode == Mode::LowLatency {
            listener.give_back(instance);
        }
        result
    }
}

fn saturated(listener: &Listener, refusal: Refusal) -> Failure {
    let most = listener.decl().limits.max_concurrent;
    let message = match refusal {
        Refusal::QueueFull => format!("{most} executions run (`max-concurrent`) and the queue behind them is full"),
        Refusal::TooLong => format!("{most} executions run (`max-concurrent`) and none ended in time"),
    };
    Failure::new(FailureKind::Saturated, message)
}

/// A panic in the host, which would be a bug of ours, fails this execution and no other: its instance is dropped on the way.
async fn without_panic(
    running: impl Future<Output = Result<Vec<Document>, Failure>>,
) -> Result<Vec<Document>, Failure> {
    let mut running = pin!(running);
    poll_fn(move |context| {
        catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))).unwrap_or_else(|panic| {
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
        let failure = without_panic(async { panic!("oh {}", 7) }).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Host);
        assert!(failure.message.ends_with("oh 7"), "{failure}");
    }
}
