//! Which executions a command is about.

use auricle::admin::ExecutionQuery;
use auricle_model::{ExecutionId, FailureKind, Mode};

use crate::remote::Environment;
use crate::when::{self, Moment};

/// Conditions, all of which have to hold.
#[derive(clap::Args)]
#[command(next_help_heading = "Which")]
pub(super) struct Filter {
    #[command(flatten)]
    environment: Environment,

    /// Of this process
    #[arg(long, value_name = "NAME")]
    process: Option<String>,

    /// That failed
    #[arg(long)]
    failed: bool,

    /// That failed in this way: failed, trapped, deadline, cpu, memory, ...
    #[arg(long, value_name = "KIND")]
    failure: Option<FailureKind>,

    /// Answered with this HTTP status
    #[arg(long, value_name = "CODE")]
    status: Option<u16>,

    /// Run as `general` or `low-latency`
    #[arg(long)]
    mode: Option<Mode>,

    /// Run in this version
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,

    /// Of this caller
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// That ran at least so long, as `500ms`
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    longer: Option<u64>,
}

/// When they began.
#[derive(clap::Args)]
#[command(next_help_heading = "Which")]
pub(super) struct Span {
    /// Begun so long ago (`1h`, `7d`) at most, or since a time in UTC (`2026-11-22T10:00`)
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    pub(super) since: Option<Moment>,

    /// Begun before that
    #[arg(long, value_name = "TIME", value_parser = when::moment)]
    pub(super) until: Option<Moment>,
}

impl Filter {
    /// As the admin API is asked.
    pub(super) fn query(self) -> ExecutionQuery {
        ExecutionQuery {
            environment: Some(self.environment.environment),
            process: self.process,
            failed: self.failed.then_some(true),
            failure: self.failure,
            status: self.status,
            mode: self.mode,
            version: self.version,
            user: self.user,
            longer_ms: self.longer,
            ..ExecutionQuery::default()
        }
    }
}

/// An id as `X-Execution-Id` has it.
pub(super) fn id(text: &str) -> Result<ExecutionId, String> {
    crate::commands::execution_id(text)
}

fn milliseconds(text: &str) -> Result<u64, String> {
    when::duration(text).map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        filter: Filter,
    }

    #[test]
    fn what_is_given_is_asked_for() {
        let command =
            "x --failed --process a --mode low-latency --failure trapped --longer 2s --status 500 --version 3";
        let given = Command::try_parse_from(command.split(' ')).ok().unwrap();
        let query = serde_json::to_value(given.filter.query()).unwrap();
        let expected = serde_json::json!({
            "environment": "default", "process": "a", "failed": true, "failure": "trapped", "status": 500,
            "mode": "low-latency", "version": 3, "longer-ms": 2000,
        });
        assert_eq!(query, expected);
        let refused = Command::try_parse_from(["x", "--failure", "burned"]).err().unwrap().to_string();
        assert!(refused.contains("deadline"), "{refused}");
        assert!(id("7").unwrap_err().contains("X-Execution-Id"));
    }
}
