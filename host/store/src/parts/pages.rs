//! Further pages of `multiple-*` answers: what a first answer had no room for, until its caller fetches it.

use std::sync::Arc;
use std::time::SystemTime;

use auricle_model::{Document, ExecutionId, Operation};

use crate::{Answer, digest};

/// Whose pages they are. All of it has to be the same where one is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOwner {
    /// The environment.
    pub environment: String,
    /// The authenticated caller.
    pub user: Option<String>,
    /// Where the first answer was given: a text of the host's making, of any length.
    pub place: String,
}

/// A page, with what it takes to write it as the first one was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The execution that made the documents.
    pub execution: ExecutionId,
    /// The operation that was in force.
    pub operation: Arc<Operation>,
    /// Object of the process, which names the list where the operation's is empty.
    pub own_object: String,
    /// The documents of this page.
    pub documents: Vec<Document>,
    /// Token of the page after this one.
    pub next: Option<String>,
}

/// Keeps pages for a time.
pub trait Pages: Send + Sync + 'static {
    /// Keeps pages until a time: one after the other, the first by the token `first`, each other one by the
    /// [`next`](Page::next) of the one before it. When it answers all of them are there; many or large ones are written in
    /// several transactions, so that others have their turn between. Gives the bytes that they take, about.
    fn hold_pages<'a>(
        &'a self,
        owner: &'a PageOwner,
        first: &'a str,
        pages: Vec<Page>,
        until: SystemTime,
    ) -> Answer<'a, u64>;

    /// The page of a token, as often as it is asked for; the page before it is given up. None: there is none, its time has
    /// passed, or it is another owner's.
    fn page<'a>(&'a self, owner: &'a PageOwner, token: &'a str) -> Answer<'a, Option<Page>>;

    /// Deletes an environment's oldest pages until no more than `max_bytes` are left, always all that have one time to go.
    /// Gives the bytes that are left. What has passed its time goes by [`Queue::expire`](crate::Queue::expire).
    fn prune_pages<'a>(&'a self, environment: &'a str, max_bytes: u64) -> Answer<'a, u64>;
}

impl PageOwner {
    /// What a page is found by. The token itself is not kept, so that nobody reads it in a database or a backup.
    pub(crate) fn key(&self, token: &str) -> [u8; 32] {
        let Self { environment, user, place } = self;
        digest::of_texts([environment, place, token].into_iter().chain(user.as_deref()))
    }
}
