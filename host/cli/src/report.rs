//! How the program speaks: results on standard output, errors and remarks on standard error; with `--json` results and
//! errors alike as JSON on standard output. A reader that goes away (`| head`) is no error.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use auricle::{DeployError, HostError, Problem, Problems};
use serde_json::{Value, json};

use crate::build::BuildFailed;
use crate::remote::RemoteError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0: what was asked for is done.
    Done,
    /// 1: it failed, and has been told.
    Failed,
    /// 2: it was asked wrongly.
    WrongUse,
}

impl Status {
    /// What a command that met this error ends with.
    fn of(error: &anyhow::Error) -> Self {
        if error.is::<WrongUse>() { Self::WrongUse } else { Self::Failed }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Failed => Self::FAILURE,
            Status::WrongUse => Self::from(2),
        }
    }
}

/// What was asked cannot be: the message says what can.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

/// Speaks to people, or to a machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    json: bool,
}

impl Voice {
    /// For a machine if `json`.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a machine listens.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A result: the text for people, the value for a machine. Both are made only when needed.
    pub(crate) fn result<T: Display>(self, text: impl FnOnce() -> T, value: impl FnOnce() -> Value) {
        if self.json { line(io::stdout(), &value()) } else { line(io::stdout(), &text()) }
    }

    /// A remark for people who watch; a machine does not need it.
    pub(crate) fn note(self, text: impl Display) {
        if !self.json {
            line(io::stderr(), &text);
        }
    }

    /// Tells what went wrong, with its causes; gives the status to end with.
    pub(crate) fn error(self, error: &anyhow::Error) -> Status {
        if self.json {
            line(io::stdout(), &error_json(error));
        } else {
            match problems(error) {
                Some(problems) => self.problems("error", &problems.0),
                None => line(io::stderr(), &format_args!("error: {error:#}")),
            }
        }
        Status::of(error)
    }

    /// Problems of a manifest for people, one a line. The place begins the line, so that editors find it.
    pub(crate) fn problems(self, weight: &str, problems: &[Problem]) {
        if self.json {
            return;
        }
        for problem in problems {
            match problem.location {
                Some(_) if weight == "error" => line(io::stderr(), problem),
                _ => line(io::stderr(), &format_args!("{weight}: {problem}")),
            }
        }
        if weight == "error" && problems.iter().any(|p| p.location.is_some()) {
            let count = counted(problems.len(), "problem");
            line(io::stderr(), &format_args!("error: {count} in the manifest"));
        }
    }
}

/// Bytes as they are, for results that are no text.
pub(crate) fn raw(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    // As for `line`.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A result that only a machine asked for.
pub(crate) fn value(value: &Value) {
    line(io::stdout(), value);
}

fn line(mut to: impl io::Write, text: &impl Display) {
    // The reader is gone: nobody is left to be told.
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

/// `1 route`, `5 routes`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Seconds as people say them: `0.4 s`, `12.0 s`.
pub(crate) fn seconds(time: std::time::Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Milliseconds, to the microsecond.
pub(crate) fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Problems as a machine gets them.
pub(crate) fn problems_json(problems: &[Problem]) -> Value {
    let one = |problem: &Problem| {
        let place = problem.location.as_ref();
        json!({
            "file": place.map(|l| l.file.display().to_string()),
            "line": place.map(|l| l.line),
            "column": place.map(|l| l.column),
            "key": problem.key,
            "message": problem.message,
        })
    };
    problems.iter().map(one).collect()
}

/// An error as a machine gets it.
pub(crate) fn error_json(error: &anyhow::Error) -> Value {
    if let Some(problems) = problems(error) {
        return json!({ "problems": problems_json(&problems.0) });
    }
    let mut value = json!({ "error": format!("{error:#}") });
    let Some(more) = value.as_object_mut() else { return value };
    if let Some(BuildFailed { output: Some(output), .. }) = error.downcast_ref() {
        more.insert("output".into(), json!(output));
    }
    if let Some(problem) = error.downcast_ref().and_then(RemoteError::problem) {
        more.insert("problem".into(), json!(problem));
    }
    value
}

/// The problems of a manifest that an error is made of, if it is.
fn problems(error: &anyhow::Error) -> Option<&Problems> {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return Some(problems);
    }
    let deploy = match error.downcast_ref::<HostError>() {
        Some(HostError::Deploy(deploy)) => Some(deploy),
        _ => error.downcast_ref::<DeployError>(),
    };
    match deploy {
        Some(DeployError::Problems(problems)) => Some(problems),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use auricle::Manifest;

    use super::*;

    #[test]
    fn problems_are_found_inside_the_errors_of_the_host() {
        let wrong = Manifest::parse("auricle.toml", "[[proces]]\n", Path::new("/")).unwrap_err();
        let direct: anyhow::Error = wrong.clone().into();
        let hosted: anyhow::Error = HostError::Deploy(DeployError::Problems(wrong)).into();
        for error in [direct, hosted] {
            let value = error_json(&error);
            assert_eq!(value["problems"][0]["file"], "auricle.toml", "{value}");
            assert_eq!(value["problems"][0]["line"], 1, "{value}");
        }
    }

    #[test]
    fn a_wrong_use_is_told_apart_from_a_failure() {
        assert_eq!(Status::of(&WrongUse("x".into()).into()), Status::WrongUse);
        assert_eq!(Status::of(&anyhow::anyhow!("x")), Status::Failed);
        assert_eq!(error_json(&anyhow::anyhow!("why").context("what"))["error"], "what: why");
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!([counted(1, "API"), counted(0, "API")], ["1 API", "0 APIs"]);
    }
}
