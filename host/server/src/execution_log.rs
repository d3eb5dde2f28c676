//! Passes what an execution logged on to the host's own log, line by line.

use auricle_model::{ExecutionId, LogLevel, LogLine};

/// The target of these lines: a filter such as `warn,auricle::execution=info` shows them and little else.
pub const TARGET: &str = "auricle::execution";

/// Writes each line at its own level, with the execution that it belongs to.
pub(crate) fn tell(id: ExecutionId, process: &str, log: &[LogLine]) {
    for LogLine { level, message, .. } in log {
        match level {
            LogLevel::Trace => tracing::trace!(target: TARGET, %id, process, "{message}"),
            LogLevel::Debug => tracing::debug!(target: TARGET, %id, process, "{message}"),
            LogLevel::Info => tracing::info!(target: TARGET, %id, process, "{message}"),
            LogLevel::Warn => tracing::warn!(target: TARGET, %id, process, "{message}"),
            LogLevel::Error => tracing::error!(target: TARGET, %id, process, "{message}"),
        }
    }
}
