//! The commands, one file each: its arguments, its help with an example, and what it does.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod deployments;
pub(crate) mod dev;
pub(crate) mod executions;
pub(crate) mod invoke;
pub(crate) mod keygen;
pub(crate) mod new;
pub(crate) mod promote;
pub(crate) mod push;
pub(crate) mod queue;
pub(crate) mod rollback;
pub(crate) mod serve;
mod served;
pub(crate) mod sign;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod undeploy;
pub(crate) mod usage;

use auricle_model::ExecutionId;

/// Reads an id as `X-Execution-Id` has it.
fn execution_id(text: &str) -> Result<ExecutionId, String> {
    ExecutionId::parse(text).ok_or_else(|| "an id is written as in X-Execution-Id: 32 hexadecimal digits".to_owned())
}
