//! The listener process `{{name}}`: `{{type}}` of `{{object}}`.

use auricle_guest::prelude::*;
use serde_json::json;

#[listener]
fn execute(execution: Execution, _documents: Vec<Document>) -> Result<Reply, Error> {
    let Some(id) = execution.param("id") else {
        return Ok(Reply::status(400).text("give an id"));
    };
    tracing::info!(id, "{{type}} {{object}}");
    Reply::json(&json!({ "object": "{{object}}", "id": id }))
}

#[cfg(test)]
mod tests {
    use auricle_guest::testing::Run;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_id_is_answered() {
        let outcome = Run::new().param("id", "7").execute(execute);
        let answer: Value = outcome.json().unwrap();
        assert_eq!(answer["id"], "7");
    }

    #[test]
    fn no_id_is_refused() {
        assert_eq!(Run::new().execute(execute).status(), 400);
    }
}
