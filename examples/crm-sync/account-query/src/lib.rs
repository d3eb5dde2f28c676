//! `GET /ws/rest/crm/Account?Name=..&BillingCountry=..`: the Accounts that have these values, one document each. The host
//! gives them out page by page.

use account::{Accounts, filters, nearest};
use auricle_guest::{Document, Error, Execution, listener, start};

#[start]
fn prepare() -> Result<(), Error> {
    account::prepare()
}

/// The listener.
///
/// # Errors
/// What the database says.
#[listener]
pub fn execute(execution: Execution, _: Vec<Document>) -> Result<Vec<Document>, Error> {
    warn_of_unknown(&execution);
    let wanted: Vec<_> = filters().filter_map(|field| Some((field, execution.query(field.name)?))).collect();
    Accounts::open()?.query(&wanted)
}

/// A list has no place for an error, so that a filter of another name is left aside; the log says so.
fn warn_of_unknown(execution: &Execution) {
    for (name, _) in execution.properties() {
        let Some(query) = name.strip_prefix("query_") else { continue };
        if filters().all(|field| field.name != query) {
            let near = nearest(query, filters().map(|field| field.name));
            tracing::warn!(query, near, "no filter has this name: it was left aside");
        }
    }
}
