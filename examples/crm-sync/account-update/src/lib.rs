//! `PATCH /ws/rest/crm/Account/{Id}`: changes the fields given of an Account, and clears those that are null.

use account::{Accounts, Changes, Refusal, key};
use auricle_guest::{Document, Error, Execution, Reply, listener, start};

#[start]
fn prepare() -> Result<(), Error> {
    account::prepare()
}

/// The listener.
///
/// # Errors
/// What the database says.
#[listener]
pub fn execute(execution: Execution, documents: Vec<Document>) -> Result<Reply, Error> {
    update(&execution, &documents).or_else(Refusal::answer)
}

fn update(execution: &Execution, documents: &[Document]) -> Result<Reply, Refusal> {
    let changes = Changes::read(documents)?;
    // Salesforce sends whole records: over simple HTTP the body alone may say which Account is meant.
    let id = key(execution)?
        .or_else(|| changes.id().cloned())
        .ok_or_else(|| Refusal::invalid("Id", "is missing: the URL or the body has to say which Account is meant"))?;
    let account = Accounts::open()?.update(&id, &changes.for_update(&id)?)?;
    tracing::info!(%id, "account updated");
    Ok(Reply::json(&account)?)
}
