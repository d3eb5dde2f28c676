//! The listener process `{{name}}`: `{{type}}` of `{{object}}`.

use auricle_guest::prelude::*;
use serde_json::{Value, json};

#[listener]
fn execute(execution: Execution, documents: Vec<Document>) -> Result<Reply, Error> {
    let document = documents.first().context("no document")?;
    let given: Value = match document.json() {
        Ok(given) => given,
        Err(error) => return Ok(Reply::status(400).text(error.message())),
    };
    let id = execution.param("id");
    tracing::info!(id, "{{type}} {{object}}");
    Reply::json(&json!({ "object": "{{object}}", "id": id, "given": given }))
}

#[cfg(test)]
mod tests {
    use auricle_guest::testing::Run;

    use super::*;

    #[test]
    fn a_document_is_answered() {
        let run = Run::new().document(r#"{"Name":"Acme"}"#);
        let answer: Value = run.execute(execute).json().unwrap();
        assert_eq!(answer["given"]["Name"], "Acme");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert_eq!(Run::new().document("Acme").execute(execute).status(), 400);
    }
}
