//! Pages by what they are found by.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use super::MemoryStore;
use crate::limits::PAGE_ROW;
use crate::{Answer, Page, PageOwner};

#[derive(Debug, Default)]
pub(super) struct Pages(HashMap<[u8; 32], Held>);

#[derive(Debug)]
struct Held {
    environment: String,
    previous: Option<[u8; 32]>,
    until: SystemTime,
    page: Page,
}

impl Held {
    fn bytes(&self) -> u64 {
        let documents = self.page.documents.iter();
        documents.map(|document| (document.data.len() + document.properties.size()) as u64).sum::<u64>() + PAGE_ROW
    }
}

impl Pages {
    pub(super) fn expire(&mut self, now: SystemTime) {
        self.0.retain(|_, held| held.until > now);
    }
}

impl crate::Pages for MemoryStore {
    fn hold_pages<'a>(
        &'a self,
        owner: &'a PageOwner,
        first: &'a str,
        pages: Vec<Page>,
        until: SystemTime,
    ) -> Answer<'a, u64> {
        self.with(|all| {
            let (mut key, mut previous, mut bytes) = (owner.key(first), None, 0);
            for page in pages {
                let next = page.next.as_deref().map(|next| owner.key(next));
                let held = Held { environment: owner.environment.clone(), previous, until, page };
                bytes += held.bytes();
                all.pages.0.insert(key, held);
                let Some(next) = next else { break };
                previous = Some(std::mem::replace(&mut key, next));
            }
            Ok(bytes)
        })
    }

    fn page<'a>(&'a self, owner: &'a PageOwner, token: &'a str) -> Answer<'a, Option<Page>> {
        self.with(|all| {
            let now = SystemTime::now();
            let found = all.pages.0.get(&owner.key(token)).filter(|held| held.until > now);
            let Some((page, previous)) = found.map(|held| (held.page.clone(), held.previous)) else { return Ok(None) };
            if let Some(previous) = previous {
                all.pages.0.remove(&previous);
            }
            Ok(Some(page))
        })
    }

    fn prune_pages<'a>(&'a self, environment: &'a str, max_bytes: u64) -> Answer<'a, u64> {
        self.with(|all| {
            let mut ages: BTreeMap<SystemTime, u64> = BTreeMap::new();
            for held in all.pages.0.values().filter(|held| held.environment == environment) {
                *ages.entry(held.until).or_default() += held.bytes();
            }
            let mut left: u64 = ages.values().sum();
            let mut newest_gone = None;
            for (until, bytes) in ages {
                if left <= max_bytes {
                    break;
                }
                left -= bytes;
                newest_gone = Some(until);
            }
            if let Some(newest_gone) = newest_gone {
                all.pages.0.retain(|_, held| held.environment != environment || held.until > newest_gone);
            }
            Ok(left)
        })
    }
}
