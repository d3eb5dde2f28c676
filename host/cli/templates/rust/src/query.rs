//! The listener process `{{name}}`: `{{type}}` of `{{object}}`.

use auricle_guest::prelude::*;
use serde_json::json;

const NAMES: [&str; 3] = ["Acme", "Globex", "Initech"];

/// Those whose name has `q` in it. Each is a document; the host makes a JSON array of them, in pages.
#[listener]
fn execute(execution: Execution, _documents: Vec<Document>) -> Result<Reply, Error> {
    let q = execution.query("q").unwrap_or_default().to_lowercase();
    tracing::info!(q, "{{type}} {{object}}");
    let mut found = Vec::new();
    for name in NAMES {
        if name.to_lowercase().contains(&q) {
            found.push(Document::from_json(&json!({ "Name": name }))?);
        }
    }
    Ok(Reply::documents(found))
}

#[cfg(test)]
mod tests {
    use auricle_guest::testing::Run;
    use serde_json::Value;

    use super::*;

    #[test]
    fn q_chooses() {
        let outcome = Run::new().query("q", "acm").execute(execute);
        let answer: Value = outcome.json().unwrap();
        assert_eq!(answer["Name"], "Acme");
    }

    #[test]
    fn without_q_all_are_found() {
        let outcome = Run::new().execute(execute);
        assert_eq!(outcome.documents().len(), NAMES.len());
    }
}
