//! `POST /ws/rest/crm/Account`: adds an Account. 201 with its `Location`, 400 where it is not valid, 409 where it is there.

use account::{Accounts, Changes, Id, Refusal};
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
    create(&execution, &documents).or_else(Refusal::answer)
}

fn create(execution: &Execution, documents: &[Document]) -> Result<Reply, Refusal> {
    let (id, fields) = Changes::read(documents)?.for_create()?;
    let account = Accounts::open()?.create(&id, &fields)?;
    tracing::info!(%id, "account created");
    let created = Reply::status(201);
    let created = match location(execution, &id) {
        Some(location) => created.header("Location", location),
        None => created,
    };
    Ok(created.json(&account)?)
}

/// Where the new Account is, relative to the URL that it was sent to; other protocols have no URL for one Account.
fn location(execution: &Execution, id: &Id) -> Option<String> {
    if execution.operation().protocol != "rest" {
        return None;
    }
    let path = execution.path()?;
    path.rsplit('/').next().map(|collection| format!("{collection}/{id}"))
}
