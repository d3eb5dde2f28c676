//! From the engine's errors to an execution's failure: what happened, in words that the author of the process can use.
//! No path of the host and nothing of the guest's memory gets into a message.

use std::fmt::Write;
use std::time::Duration;

use auricle_model::{Failure, FailureKind, format_duration, format_size};
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::limits;
use crate::listener::Listener;
use crate::state::State;

/// Functions of a backtrace that are shown.
const FRAMES: usize = 16;

/// A limit of the host that the guest ran into, or a rule that it broke: a trap of its own kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    /// Too many bytes in documents.
    #[error(
        "it holds more than {} in documents at one time; drop those that are not needed any more",
        format_size(limits::DOCUMENT_BYTES)
    )]
    Documents,
    /// Too many bytes in process properties.
    #[error("it set more than {} of process properties", format_size(limits::PROPERTY_BYTES as u64))]
    Properties,
    /// A handle kept from an earlier execution.
    #[error(
        "it used a document of an earlier execution; documents last as long as the execution that got or made them"
    )]
    StaleDocument,
}

/// The failure of an execution whose time is up.
pub(crate) fn deadline(timeout: Duration) -> Failure {
    Failure::new(
        FailureKind::Deadline,
        format!("it ran longer than its `timeout` of {} and was stopped", format_duration(timeout)),
    )
}

/// The failure that an error of a call into the guest stands for.
pub(crate) fn of_call(error: &wasmtime::Error, state: &State, listener: &Listener) -> Failure {
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return deadline(listener.timeout());
    }
    let (kind, mut message) = if state.memory.denied() {
        let limit = format_size(state.memory.limit());
        (FailureKind::Memory, format!("it wanted more than its `memory` of {limit}"))
    } else if let Some(breach) = error.downcast_ref::<Breach>() {
        (FailureKind::Contract, breach.to_string())
    } else if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let most = limits::TABLE_ENTRIES;
        (
            FailureKind::Contract,
            format!(
                "it keeps more than {most} streams, files and statements open; drop those that are not needed any more"
            ),
        )
    } else if error.root_cause().to_string().contains("store handle limit exceeded") {
        // The runtime has no type for this one; a test keeps the words.
        let most = limits::HANDLES;
        (FailureKind::Contract, format!("it owns more than {most} handles; drop those that are not needed any more"))
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
