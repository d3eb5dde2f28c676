//! What the processes of `crm-sync` share: the Account with its rules, the table it is kept in, and the answers to
//! requests that cannot be carried out.
//!
//! A process calls [`prepare`] when it starts, reads the [`key`] or the [`Changes`] of a request, and lets [`Accounts`]
//! do the work. What it cannot do is a [`Refusal`], which knows its own answer.

mod account;
mod decimal;
mod field;
mod id;
mod refusal;
mod table;
mod timestamp;
mod value;

use auricle_guest::Execution;

pub use account::{Account, Changes};
pub use decimal::Decimal;
pub use field::{FIELDS, Field, Kind, filters, nearest};
pub use id::Id;
pub use refusal::{Flaw, Problem, Refusal};
pub use table::{Accounts, Dialect, prepare};
pub use timestamp::Timestamp;
pub use value::Value;

/// The Id in the request's URL: of the path `{Id}`, or of the query where the URL has no place for it, as with simple HTTP.
///
/// # Errors
/// [`Refusal::NotFound`] for an Id that no Account can have.
pub fn key(execution: &Execution) -> Result<Option<Id>, Refusal> {
    let given = execution.param("Id").or_else(|| execution.query("Id"));
    given.map(|given| Id::parse(&given).map_err(|_| Refusal::NotFound(given))).transpose()
}

/// The same, where the request cannot do without.
///
/// # Errors
/// [`Refusal::Invalid`] where the URL has no Id.
pub fn required_key(execution: &Execution) -> Result<Id, Refusal> {
    key(execution)?.ok_or_else(|| Refusal::invalid("Id", "is missing: the request has to say which Account is meant"))
}
