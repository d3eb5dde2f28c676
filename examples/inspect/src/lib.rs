//! A listener process for looking at requests: it answers with what it was given, and does what the query tells it to.
//!
//! The answer is JSON whatever the operation's output type, and sets no `Content-Type`: what the host makes of it is part
//! of what one looks at. `body`, `echo` and `documents` answer something that fits other types.

mod directives;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use auricle_guest::prelude::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// Executions of this instance. A fresh instance begins at none.
static USES: AtomicU64 = AtomicU64::new(0);

#[listener]
fn execute(execution: Execution, documents: Vec<Document>) -> Result<Reply, Error> {
    let uses = USES.fetch_add(1, Ordering::Relaxed) + 1;
    // Kept to the end, so that the memory is in use for as long as the execution is.
    let _held = directives::obey(&execution)?;
    let answer = match directives::answer(&execution, &documents)? {
        Some(documents) => documents,
        None => vec![Document::from_json(&Report::of(&execution, &documents, uses))?],
    };
    Ok(directives::dress(&execution, answer))
}

/// What a process can see of its request.
#[derive(Serialize)]
struct Report {
    process: BTreeMap<String, String>,
    documents: Vec<Seen>,
    execution: About,
}

/// One input document.
#[derive(Serialize)]
struct Seen {
    /// Null where the body is not UTF-8.
    text: Option<String>,
    base64: String,
    properties: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct About {
    id: String,
    name: String,
    mode: String,
    uses: u64,
}

impl Report {
    fn of(execution: &Execution, documents: &[Document], uses: u64) -> Self {
        let seen = |document: &Document| Seen {
            text: document.text().ok(),
            base64: STANDARD.encode(document.bytes()),
            properties: document.properties().into_iter().collect(),
        };
        let about = About { id: execution.id(), name: execution.process_name(), mode: execution.mode(), uses };
        Self {
            process: execution.properties().into_iter().collect(),
            documents: documents.iter().map(seen).collect(),
            execution: about,
        }
    }
}

#[cfg(test)]
mod tests {
    use auricle_guest::testing::Run;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_answers_with_what_it_was_given() {
        let run = Run::new().method("POST").param("id", "7").header("Content-Type", "text/csv");
        let outcome = run.id("e1").process_name("inspect").document("a,b").document([0xff].as_slice()).execute(execute);
        let mut report: Value = outcome.json().unwrap();
        assert!(report["execution"]["uses"].take().as_u64().is_some_and(|uses| uses > 0));
        let properties = json!({ "inheader_Content-Type": "text/csv" });
        let expected = json!({
            "process": { "inmethod": "POST", "param_id": "7" },
            "documents": [
                { "text": "a,b", "base64": "YSxi", "properties": properties },
                { "text": null, "base64": "/w==", "properties": properties },
            ],
            "execution": { "id": "e1", "name": "inspect", "mode": "general", "uses": null },
        });
        assert_eq!(report, expected);
        assert_eq!((outcome.status(), outcome.header("Content-Type")), (200, None));
    }

    #[test]
    fn uses_counts_up() {
        let uses = || Run::new().execute(execute).json::<Value>().unwrap()["execution"]["uses"].as_u64().unwrap();
        // Tests beside this one use the same instance.
        let first = uses();
        assert!(uses() > first);
    }
}
