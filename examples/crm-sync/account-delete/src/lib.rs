//! `DELETE /ws/rest/crm/Account/{Id}`: removes an Account. 204, or 404 where there is none.

use account::{Accounts, Refusal, required_key};
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
pub fn execute(execution: Execution, _: Vec<Document>) -> Result<Reply, Error> {
    delete(&execution).or_else(Refusal::answer)
}

fn delete(execution: &Execution) -> Result<Reply, Refusal> {
    let id = required_key(execution)?;
    Accounts::open()?.delete(&id)?;
    tracing::info!(%id, "account deleted");
    Ok(Reply::status(204).body(""))
}
