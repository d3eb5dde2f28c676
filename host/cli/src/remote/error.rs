//! What can go wrong between the program and a host, and what to do about it.

use auricle::admin::Problem;

/// Why a host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// Nobody answered.
    #[error("no host answers at {server}: {why}. Start one with `auricle serve`, or name another with --server URL")]
    NoAnswer {
        /// Where.
        server: String,
        /// What the system said.
        why: String,
    },
    /// The connection broke, or what came was no answer of the admin API.
    #[error("{server} is no Auricle host, or the connection to it broke: {why}")]
    Broken {
        /// Where.
        server: String,
        /// What was wrong.
        why: String,
    },
    /// It does not know who asks.
    #[error("{server} does not know you: {}", unknown(.token.as_deref(), .problem))]
    Unknown {
        /// Where.
        server: String,
        /// Where the token came from, if there was one.
        token: Option<String>,
        /// What the host said.
        problem: Box<Problem>,
    },
    /// Who asks may not.
    #[error("{server} refuses it to the token of {}: {}", .token.as_deref().unwrap_or("nobody"), said(.problem))]
    Forbidden {
        /// Where.
        server: String,
        /// Where the token came from.
        token: Option<String>,
        /// What the host said.
        problem: Box<Problem>,
    },
    /// It cannot be done.
    #[error("{}", refused(.problem))]
    Refused {
        /// What the host said.
        problem: Box<Problem>,
    },
}

impl RemoteError {
    /// What the host said, where one did.
    pub(crate) const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::NoAnswer { .. } | Self::Broken { .. } => None,
            Self::Unknown { problem, .. } | Self::Forbidden { problem, .. } | Self::Refused { problem } => {
                Some(problem)
            }
        }
    }
}

fn unknown(token: Option<&str>, problem: &Problem) -> String {
    match token {
        Some(origin) => format!("it does not take the token of {origin} ({})", said(problem)),
        None => "give a token with --token or AURICLE_TOKEN, or the manifest of the host with --config".to_owned(),
    }
}

fn said(problem: &Problem) -> &str {
    if problem.detail.is_empty() { &problem.title } else { &problem.detail }
}

/// What was said, and below it each thing that is wrong.
fn refused(problem: &Problem) -> String {
    let mut text = said(problem).to_owned();
    for one in &problem.problems {
        let colon = if one.key.is_empty() { "" } else { ": " };
        text.push_str(&format!("\n  {}{colon}{}", one.key, one.message));
    }
    text
}
