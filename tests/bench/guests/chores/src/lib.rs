//! What the suites that kill and swap have run, by the name of the process: `inbox` adds a line with its execution's id to
//! `/out/ran`; `relay` answers the type of its own operation and the objects of those of `left` and `right`, which it asks,
//! so that an answer of two versions shows.

use std::fs::OpenOptions;
use std::io::Write;

use auricle_guest::prelude::*;

#[listener]
fn execute(execution: Execution, _documents: Vec<Document>) -> Result<Reply, Error> {
    match execution.process_name().as_str() {
        "inbox" => journal(&execution),
        "relay" => {
            let (left, right) = (asked(&execution, "left")?, asked(&execution, "right")?);
            Ok(Reply::text(format!("{} {left} {right}", execution.operation().kind)))
        }
        _ => Ok(Reply::text(&execution.operation().object)),
    }
}

/// One write for the line: lines of executions that run at the same time do not mix.
fn journal(execution: &Execution) -> Result<Reply, Error> {
    let mut file = OpenOptions::new().append(true).create(true).open("/out/ran")?;
    file.write_all(format!("{} {}\n", execution.id(), execution.attempt()).as_bytes())?;
    Ok(Reply::text(""))
}

fn asked(execution: &Execution, name: &str) -> Result<String, Error> {
    let documents = execution.call(name, [Document::new("")])?;
    documents.first().context("no document came back")?.text()
}
