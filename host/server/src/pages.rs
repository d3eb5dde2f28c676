//! Documents that wait to be fetched as further pages, by their `moreDataToken`.
//!
//! A process runs once; what its first answer had no room for is held here, in memory, for ten minutes
//! (`decisions.md`, Paging). A token can be used again until it expires or the next page's token is used.

use std::sync::{Arc, OnceLock};

use auricle_model::{Document, ExecutionId, Operation};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use uuid::Uuid;

use crate::limits::{PAGE_BYTES, PAGE_LIFETIME};

/// The pages of all callers.
pub(crate) struct Pages(Cache<String, Arc<Page>>);

/// One page that can be fetched: the documents from `from` on.
#[derive(Debug)]
pub(crate) struct Page {
    /// What all pages of one execution share.
    pub(crate) set: Arc<PageSet>,
    from: usize,
    previous: Option<String>,
    next: OnceLock<String>,
}

/// What an execution returned beyond its first page, and to whom it belongs.
#[derive(Debug)]
pub(crate) struct PageSet {
    /// The execution that made the documents.
    pub(crate) execution: ExecutionId,
    /// The operation in force.
    pub(crate) operation: Arc<Operation>,
    /// Object of the process, which names the list where the operation's is empty.
    pub(crate) own_object: String,
    /// Segments of the request's path, decoded; pages are fetched from the same ones.
    pub(crate) path: Vec<String>,
    /// Who asked. Nobody else gets a page.
    pub(crate) user: Option<String>,
    /// The documents after the first page.
    pub(crate) documents: Vec<Document>,
}

impl Pages {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .time_to_live(PAGE_LIFETIME)
            .max_capacity(PAGE_BYTES)
            // By default a cache that is full would rather keep what was asked for before than let a new token in.
            .eviction_policy(EvictionPolicy::lru())
            // Each entry of a set weighs what it still has to give: an overestimate where several tokens of one set live.
            .weigher(|_, page: &Arc<Page>| {
                let bytes = page.rest().iter().map(|d| d.data.len() + d.properties.size() + 128).sum::<usize>();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .build();
        Self(cache)
    }

    /// Holds the documents after a first page and gives the token of the second.
    pub(crate) fn hold(&self, set: PageSet) -> String {
        self.insert(Page { set: Arc::new(set), from: 0, previous: None, next: OnceLock::new() })
    }

    /// The page that a token stands for, if it is known, fresh, of this path and of this user.
    pub(crate) fn get(&self, token: &str, path: &[String], user: Option<&str>) -> Option<Arc<Page>> {
        let page = self.0.get(token).filter(|p| p.set.path == path && p.set.user.as_deref() == user)?;
        if let Some(previous) = &page.previous {
            self.0.invalidate(previous);
        }
        Some(page)
    }

    /// Gives up what a token stands for: its answer could not be sent.
    pub(crate) fn forget(&self, token: &str) {
        self.0.invalidate(token);
    }

    /// The token of the page after this one, or none when this is the last. Asking again gives the same token.
    pub(crate) fn next(&self, token: &str, page: &Arc<Page>) -> Option<String> {
        let from = page.from + page.documents().len();
        if from >= page.set.documents.len() {
            return None;
        }
        let next = page.next.get_or_init(|| {
            self.insert(Page { set: page.set.clone(), from, previous: Some(token.to_owned()), next: OnceLock::new() })
        });
        Some(next.clone())
    }

    /// Bytes of all that waits, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.weighted_size()
    }

    fn insert(&self, page: Page) -> String {
        let token = Uuid::new_v4().simple().to_string();
        self.0.insert(token.clone(), Arc::new(page));
        token
    }
}

impl Page {
    fn rest(&self) -> &[Document] {
        self.set.documents.get(self.from..).unwrap_or_default()
    }

    /// The documents of this page.
    pub(crate) fn documents(&self) -> &[Document] {
        let size = usize::try_from(self.set.operation.max_documents).unwrap_or(usize::MAX).max(1);
        let rest = self.rest();
        rest.get(..size).unwrap_or(rest)
    }
}

#[cfg(test)]
mod tests {
    use auricle_model::{DocumentType, OperationKind};

    use super::*;

    fn set(documents: usize) -> PageSet {
        let operation = Operation {
            kind: OperationKind::Query,
            object: "Account".into(),
            input: DocumentType::None,
            output: DocumentType::MultipleJson,
            content_type: "text/plain".into(),
            return_documents: true,
            max_documents: 2,
        };
        PageSet {
            execution: ExecutionId::new(),
            operation: Arc::new(operation),
            own_object: "Account".into(),
            path: path("a"),
            user: Some("joe".into()),
            documents: (0..documents).map(|n| Document::new(n.to_string())).collect(),
        }
    }

    fn path(segment: &str) -> Vec<String> {
        vec![segment.to_owned()]
    }

    fn bodies(page: &Page) -> Vec<&str> {
        page.documents().iter().filter_map(Document::text).collect()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let pages = Pages::new();
        let first = pages.hold(set(5));
        let page = pages.get(&first, &path("a"), Some("joe")).unwrap();
        assert_eq!(bodies(&page), ["0", "1"]);
        let second = pages.next(&first, &page).unwrap();
        let page = pages.get(&second, &path("a"), Some("joe")).unwrap();
        assert_eq!(bodies(&page), ["2", "3"]);
        let third = pages.next(&second, &page).unwrap();
        let page = pages.get(&third, &path("a"), Some("joe")).unwrap();
        assert_eq!(bodies(&page), ["4"]);
        assert_eq!(pages.next(&third, &page), None);
    }

    #[test]
    fn a_token_serves_again_until_the_next_is_used() {
        let pages = Pages::new();
        let first = pages.hold(set(4));
        let again = || pages.get(&first, &path("a"), Some("joe"));
        let second = pages.next(&first, &again().unwrap()).unwrap();
        assert_eq!(pages.next(&first, &again().unwrap()).as_ref(), Some(&second));
        pages.get(&second, &path("a"), Some("joe")).unwrap();
        assert!(again().is_none());
        assert!(pages.get(&second, &path("a"), Some("joe")).is_some());
    }

    #[test]
    fn a_token_belongs_to_a_path_and_a_user() {
        let pages = Pages::new();
        let token = pages.hold(set(1));
        assert!(pages.get(&token, &path("b"), Some("joe")).is_none());
        assert!(pages.get(&token, &path("a"), None).is_none());
        assert!(pages.get("unknown", &path("a"), Some("joe")).is_none());
        assert!(pages.get(&token, &path("a"), Some("joe")).is_some());
    }

    #[test]
    fn when_there_is_no_room_the_oldest_goes_and_the_newest_is_kept() {
        let pages = Pages::new();
        let large = || {
            let mut set = set(1);
            set.documents = vec![Document::new(vec![0; 1 << 20])];
            set
        };
        let first = pages.hold(large());
        let mut last = String::new();
        for _ in 0..PAGE_BYTES >> 20 {
            last = pages.hold(large());
            pages.0.run_pending_tasks();
        }
        assert!(pages.get(&last, &path("a"), Some("joe")).is_some());
        assert!(pages.get(&first, &path("a"), Some("joe")).is_none());
    }
}
