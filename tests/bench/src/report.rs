//! What a run found: on which machine, what beside which goal, and what of it makes the run a failure.

use std::path::Path;

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::table::Goal;

/// Collected while a scenario runs, printed as it comes.
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// For a program only: what the tables show.
    pub(crate) tables: Vec<Value>,
    /// What must not be. A goal that was missed is none: goals are for a quiet machine.
    pub(crate) wrong: Vec<String>,
    findings: Vec<Value>,
}

impl Report {
    /// Begins with the machine.
    pub(crate) fn new(program: &Path) -> Self {
        let machine = Machine::look(program);
        Self { machine, tables: Vec::new(), wrong: Vec::new(), findings: Vec::new() }
    }

    /// Prints and keeps one thing that was found. `shown` is the value with what belongs to it.
    pub(crate) fn found(&mut self, what: &str, value: f64, shown: &str, goal: Option<Goal>) {
        let met = goal.map(|goal| goal.is_met(value));
        let told = match (goal, met) {
            (Some(goal), Some(true)) => format!("   goal {goal}: met"),
            (Some(goal), _) => format!("   goal {goal}: MISSED"),
            (None, _) => String::new(),
        };
        println!("{what:<58} {shown:>24}{told}");
        self.findings.push(json!({ "what": what, "value": value, "goal": goal.map(|g| g.to_string()), "met": met }));
    }

    /// All of it, for a program.
    pub(crate) fn json(&self) -> Value {
        json!({
            "machine": self.machine.json(), "tables": self.tables, "findings": self.findings, "wrong": self.wrong,
        })
    }
}
