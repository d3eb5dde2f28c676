//! `GET /ws/rest/crm/Account/{Id}`: one Account, or 404.

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
    get(&execution).or_else(Refusal::answer)
}

fn get(execution: &Execution) -> Result<Reply, Refusal> {
    let id = required_key(execution)?;
    let account = Accounts::open()?.get(&id)?;
    Ok(Reply::json(&account)?)
}
