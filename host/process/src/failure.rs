//! From the engine's errors to an execution's failure: what happened, in words that the author of the process can use.
//! No path of the host and nothing of the guest's memory gets into a message.

use std::fmt::Write;
use std::time::Duration;

use auricle_model::{Bounds, Failure, FailureKind, format_duration, format_size};
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::limits::{self, Denied};
use crate::listener::Listener;
use crate::state::State;

/// Functions of a backtrace that are shown.
const FRAMES: usize = 16;

/// A limit of the host that the guest ran into, or a rule that it broke: a trap of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    /// Too many bytes in documents.
    #[error(
        "it holds more than its `limits.documents` of {} at one time; drop those that are not needed any more",
        format_size(*.0)
    )]
    Documents(u64),
    /// Too many bytes in process properties.
    #[error("it set more than {} of process properties", format_size(limits::PROPERTY_BYTES as u64))]
    Properties,
    /// A handle kept from an earlier execution.
    #[error(
        "it used a document of an earlier execution; documents last as long as the execution that got or made them"
    )]
    StaleDocument,
    /// Too much CPU time.
    #[error("it computed for too long")]
    Cpu,
}

/// The failure of an execution whose time is up.
pub(crate) fn deadline(timeout: Duration) -> Failure {
    Failure::new(
        FailureKind::Deadline,
        format!("it ran longer than its `timeout` of {} and was stopped", format_duration(timeout)),
    )
}

/// The failure of an execution that has computed for too long.
fn cpu(state: &State, listener: &Listener) -> Failure {
    let (own, limit) = (listener.decl().limits.cpu_timeout(), state.meter.limit());
    let message = if limit < own {
        format!("it used more CPU time than its caller had left, {}, and was stopped", format_duration(limit))
    } else {
        let own = format_duration(own);
        format!("it used more CPU time than its `cpu-timeout` of {own} and was stopped")
    };
    Failure::new(FailureKind::Cpu, message)
}

/// The failure that an error of a call into the guest stands for.
pub(crate) fn of_call(error: &wasmtime::Error, state: &State, listener: &Listener) -> Failure {
    let trap = error.downcast_ref::<Trap>();
    let breach = error.downcast_ref::<Breach>();
    if trap == Some(&Trap::Interrupt) {
        return deadline(listener.timeout());
    }
    if breach == Some(&Breach::Cpu) {
        return cpu(state, listener);
    }
    let bounds = &listener.decl().limits.bounds;
    let (kind, mut message) = if let Some(denied) = state.growth.denied() {
        refused(denied, state, bounds)
    } else if let Some(breach) = breach {
        (FailureKind::Contract, breach.to_string())
    } else if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let most = limits::TABLE_ENTRIES;
        (
            FailureKind::Contract,
            format!(
                "it keeps more than {most} streams, files and statements open; drop those that are not needed any more"
            ),
        )
    } else if let Some(message) = bounded(&error.root_cause().to_string(), bounds) {
        (FailureKind::Contract, message)
    } else if let Some(I32Exit(status)) = error.downcast_ref() {
        (FailureKind::Trapped, format!("it exited with status {status} instead of returning"))
    } else {
        let stack = listener.engine().config().stack;
        (FailureKind::Trapped, trap.map_or_else(|| error.root_cause().to_string(), |trap| explain(*trap, stack)))
    };
    let last_words = state.log.last_words();
    if !last_words.is_empty() {
        message.push_str("\nlast on stderr:");
        for line in last_words {
            message.push_str("\n  ");
            message.push_str(&line);
        }
    }
    if let Some(backtrace) = error.downcast_ref() {
        push_frames(&mut message, backtrace);
    }
    limits::cut(&mut message, limits::MESSAGE_BYTES);
    Failure::new(kind, message)
}

fn refused(denied: Denied, state: &State, bounds: &Bounds) -> (FailureKind, String) {
    match denied {
        Denied::Memory => {
            let limit = format_size(state.growth.memory());
            (FailureKind::Memory, format!("it wanted more than its `memory` of {limit}"))
        }
        Denied::Table => {
            let most = bounds.table_elements;
            (FailureKind::Contract, format!("it wanted a table of more than its `limits.table-elements` of {most}"))
        }
    }
}

/// What the runtime says of limits that it keeps itself. It has no types for these; tests keep the words.
fn bounded(error: &str, bounds: &Bounds) -> Option<String> {
    let too_many =
        |what: &str, key: &str, most: u32| Some(format!("it needs more {what} than its `limits.{key}` of {most}"));
    if error.contains("store handle limit exceeded") {
        let most = bounds.handles;
        return Some(format!(
            "it owns more than its `limits.handles` of {most} handles; drop those that are not needed any more"
        ));
    }
    if error.contains("fuel allocated for hostcalls has been exhausted") {
        let most = format_size(bounds.host_call);
        return Some(format!(
            "it handed over more than its `limits.host-call` of {most} in one call; write larger documents with `append`"
        ));
    }
    let (what, _) = error.strip_prefix("resource limit exceeded: ")?.split_once(" count too high")?;
    match what {
        "instance" => too_many("core instances", "core-instances", bounds.core_instances),
        "memory" => too_many("memories", "memories", bounds.memories),
        "table" => too_many("tables", "tables", bounds.tables),
        _ => None,
    }
}

fn explain(trap: Trap, stack: usize) -> String {
    match trap {
        Trap::StackOverflow => format!("it recursed too deep: the stack of {} is used up", format_size(stack as u64)),
        Trap::UnreachableCodeReached => "it panicked or aborted (`unreachable` was executed)".into(),
        Trap::MemoryOutOfBounds => "it accessed memory out of bounds".into(),
        other => {
            let text = other.to_string();
            text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
        }
    }
}

/// Names of the functions that were active; of the guest only, so there is no path of the host in it.
fn push_frames(message: &mut String, backtrace: &WasmBacktrace) {
    let names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
    for (index, name) in names.take(FRAMES).enumerate() {
        if index == 0 {
            message.push_str("\nin:");
        }
        // Writing to a string can't fail.
        let _ = write!(message, "\n  {:#}", rustc_demangle::demangle(name));
    }
}
