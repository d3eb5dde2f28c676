//! Further pages of answers, by their `moreDataToken`.
//!
//! A process runs once. What its first answer has no room for is cut into pages, which are in the store before the token of
//! the first of them is told: any host of that store serves the next page, before and after a restart. They are held for ten
//! minutes; a page is given again until the one after it is fetched. An answer with further pages costs a durable write, each
//! of them a read and, the first time, a small write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use auricle_model::{Document, ExecutionId, Operation};
use auricle_store::{Page, PageOwner, StoreError, StoreErrorKind};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::limits::{PAGE_BYTES, PAGE_BYTES_LEFT, PAGE_LIFETIME};

/// The pages of an environment.
pub(crate) struct Pages {
    store: Arc<dyn auricle_store::Pages>,
    environment: String,
    /// Bytes of them, as of the last look and with what this host has added since.
    bytes: AtomicU64,
    pruning: Mutex<()>,
}

/// What a first answer has no room for, in pages that are not held yet.
#[derive(Debug)]
pub(crate) struct Further {
    place: String,
    first: String,
    pages: Vec<Page>,
}

impl Further {
    /// Cuts the documents after a first page into pages, each with the token of the one after it. `place` is where they are
    /// fetched. None: there are none.
    pub(crate) fn cut(
        execution: ExecutionId,
        operation: &Arc<Operation>,
        own_object: &str,
        place: impl FnOnce() -> String,
        documents: Vec<Document>,
    ) -> Option<Box<Self>> {
        if documents.is_empty() {
            return None;
        }
        let size = usize::try_from(operation.max_documents).unwrap_or(usize::MAX).max(1);
        let mut rest = documents.into_iter().peekable();
        let mut pages = Vec::new();
        while rest.peek().is_some() {
            let documents = rest.by_ref().take(size).collect();
            let next = rest.peek().map(|_| token());
            let (operation, own_object) = (operation.clone(), own_object.to_owned());
            pages.push(Page { execution, operation, own_object, documents, next });
        }
        Some(Box::new(Self { place: place(), first: token(), pages }))
    }

    /// The token of the first of them.
    pub(crate) fn token(&self) -> &str {
        &self.first
    }

    fn bytes(&self) -> u64 {
        let documents = self.pages.iter().flat_map(|page| &page.documents);
        documents.map(|document| (document.data.len() + document.properties.size()) as u64).sum()
    }
}

impl Pages {
    pub(crate) fn new(store: Arc<dyn auricle_store::Pages>, environment: &str) -> Self {
        let environment = environment.to_owned();
        Self { store, environment, bytes: AtomicU64::new(0), pruning: Mutex::default() }
    }

    /// Holds pages. When this returns, they are on disk.
    pub(crate) async fn hold(&self, further: Further) -> Result<(), StoreError> {
        let bytes = further.bytes();
        if bytes > PAGE_BYTES_LEFT {
            let why = format!(
                "the documents after the first page have {bytes} bytes, over {PAGE_BYTES_LEFT}: have the process return \
                 fewer, or raise `max-documents`"
            );
            return Err(StoreError::new(StoreErrorKind::Invalid, why));
        }
        let Further { place, first, pages } = further;
        let until = SystemTime::now() + PAGE_LIFETIME;
        let added = self.store.hold_pages(&self.owner(place), &first, pages, until).await?;
        if self.bytes.fetch_add(added, Ordering::Relaxed) + added > PAGE_BYTES {
            // Some more than is too much, so that not every one after this has to do it; never these.
            self.prune(PAGE_BYTES_LEFT.max(added)).await;
        }
        Ok(())
    }

    /// The page that a token stands for, if it is known, fresh, and of this place.
    pub(crate) async fn get(&self, token: &str, place: String) -> Result<Option<Page>, StoreError> {
        if Uuid::try_parse(token).is_err() {
            // Nobody was ever given it: the store is not asked.
            return Ok(None);
        }
        self.store.page(&self.owner(place), token).await
    }

    /// Counts the bytes, and deletes the oldest pages where there are more than these.
    pub(crate) async fn prune(&self, most: u64) {
        let Ok(_alone) = self.pruning.try_lock() else { return };
        match self.store.prune_pages(&self.environment, most).await {
            Ok(left) => self.bytes.store(left, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "further pages could not be counted, or the oldest not be deleted"),
        }
    }

    /// Bytes of all that waits, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Without authentication all callers are one.
    fn owner(&self, place: String) -> PageOwner {
        PageOwner { environment: self.environment.clone(), user: None, place }
    }
}

/// A token that nobody can guess.
fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use auricle_model::{DocumentType, OperationKind};
    use auricle_store::MemoryStore;

    use super::*;

    fn further(documents: Vec<Document>) -> Option<Box<Further>> {
        let operation = Operation {
            kind: OperationKind::Query,
            object: "Account".into(),
            input: DocumentType::None,
            output: DocumentType::MultipleJson,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 2,
        };
        Further::cut(ExecutionId::new(), &Arc::new(operation), "Account", || "/a".into(), documents)
    }

    fn pages() -> Pages {
        Pages::new(Arc::new(MemoryStore::new()), "default")
    }

    fn numbers(count: usize) -> Vec<Document> {
        (0..count).map(|n| Document::new(n.to_string())).collect()
    }

    #[test]
    fn pages_are_cut_and_each_names_the_next() {
        assert!(further(Vec::new()).is_none());
        let further = further(numbers(5)).unwrap();
        let sizes: Vec<_> = further.pages.iter().map(|page| page.documents.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
        let tokens: Vec<_> = further.pages.iter().map(|page| page.next.is_some()).collect();
        assert_eq!(tokens, [true, true, false]);
    }

    #[tokio::test]
    async fn a_page_that_is_held_is_found_in_its_place() {
        let pages = pages();
        let further = further(numbers(1)).unwrap();
        let token = further.token().to_owned();
        pages.hold(*further).await.unwrap();
        assert!(pages.bytes() > 0);
        assert!(pages.get(&token, "/b".into()).await.unwrap().is_none());
        assert_eq!(pages.get(&token, "/a".into()).await.unwrap().unwrap().documents, numbers(1));
    }

    #[tokio::test]
    async fn when_there_is_no_room_the_oldest_go_and_the_newest_are_kept() {
        let pages = pages();
        let body = bytes::Bytes::from(vec![0; 1 << 20]);
        let mut tokens = Vec::new();
        for _ in 0..=PAGE_BYTES >> 20 {
            let further = further(vec![Document::new(body.clone())]).unwrap();
            tokens.push(further.token().to_owned());
            pages.hold(*further).await.unwrap();
        }
        assert!((PAGE_BYTES_LEFT / 2..=PAGE_BYTES).contains(&pages.bytes()), "{}", pages.bytes());
        assert!(pages.get(&tokens[0], "/a".into()).await.unwrap().is_none());
        assert!(pages.get(tokens.last().unwrap(), "/a".into()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_has_no_room_at_all_is_refused() {
        let body = bytes::Bytes::from(vec![0; 1 << 20]);
        let documents = (0..=PAGE_BYTES_LEFT >> 20).map(|_| Document::new(body.clone())).collect();
        let error = pages().hold(*further(documents).unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        assert!(error.to_string().contains("max-documents"), "{error}");
    }
}
