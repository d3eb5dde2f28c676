//! `processes.call`: one process runs another of the same deployment, inline: the caller waits, and when it is stopped so is
//! what it called.
//!
//! The child takes no permit of its listener's concurrency, only an instance, and never waits for one: a cycle of processes
//! ends at the depth limit with an error, never in a deadlock.

use std::time::Instant;

use auricle_model::{Execution, ExecutionId, LogLevel, Protocol, Taping};
use wasmtime::component::Resource;

use crate::bindings::auricle::process::processes;
use crate::documents::Doc;
use crate::limits::DEPTH;
use crate::run::Caller;
use crate::state::State;

impl processes::Host for State {
    async fn call(
        &mut self,
        name: String,
        documents: Vec<Resource<Doc>>,
    ) -> wasmtime::Result<Result<Vec<Resource<Doc>>, String>> {
        // They are gone from the caller, whatever comes of the call.
        let documents = documents.iter().map(|d| self.documents.take(d)).collect::<Result<Vec<_>, _>>()?;
        let Some(current) = &self.current else {
            return Ok(Err("there are no sub-processes in `lifecycle.start`: call them in `execute`".into()));
        };
        if current.depth >= DEPTH {
            return Ok(Err(format!(
                "process `{name}` was not run: sub-processes call one another more than {DEPTH} deep"
            )));
        }
        let listener = match current.processes.find(&name) {
            Ok(listener) => listener,
            Err(failure) => return Ok(Err(failure.message)),
        };
        let execution = Execution {
            id: ExecutionId::new(),
            process: listener.shared_name().clone(),
            operation: listener.operation().clone(),
            protocol: Protocol::Process,
            mode: Some(current.mode),
            attempt: current.attempt,
            properties: current.properties.clone(),
            documents,
            trace: current.trace.clone(),
            // It is on its caller's tape, if there is one.
            taping: Taping::Off,
        };
        let caller = Caller {
            depth: current.depth + 1,
            deadline: self.deadline,
            cpu: self.meter.left(),
            deck: self.deck.clone(),
        };
        let processes = current.processes.clone();
        let began = Instant::now();
        let outcome = processes.run_nested(execution, caller).await;
        self.log.adopt(&name, began, outcome.log);
        if let Err(failure) = &outcome.result {
            // It has no record of its own, and its caller may go on as if nothing had been.
            self.log.write(LogLevel::Warn, format!("sub-process `{name}` failed: {failure}"));
        }
        // Its divergence is not the caller's to handle.
        self.deck.check()?;
        match outcome.result {
            Ok(documents) => documents.into_iter().map(|d| self.documents.push(d)).collect::<Result<_, _>>().map(Ok),
            Err(failure) => Ok(Err(failure.message)),
        }
    }
}
