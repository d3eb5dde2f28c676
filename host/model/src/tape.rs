//! What an execution saw of the outside, in the order in which it asked: enough to run it again with none of that there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What to do about the outside in an execution.
#[derive(Debug, Clone, Default)]
pub enum Taping {
    /// The outside is there, and nobody takes notes. The default, and free.
    #[default]
    Off,
    /// The outside is there, and what it answers is noted: [`Outcome::tape`](crate::Outcome::tape).
    Record,
    /// The outside is not there: what was noted answers.
    Play(Arc<Tape>),
}

/// What was asked of the outside and answered: clocks, random numbers, databases, servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tape {
    /// In the order in which it was asked.
    pub entries: Vec<TapeEntry>,
    /// Whether there was more than is kept of an execution: such a tape ends early.
    #[serde(default)]
    pub cut: bool,
}

/// One question to the outside and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TapeEntry {
    /// Which function was called: `sql.query`, `wall-clock.now`.
    pub call: String,
    /// What it was called with, for people and to see where a replay goes another way.
    pub asked: String,
    /// What it gave, in the engine's own terms.
    pub answer: serde_json::Value,
}
