//! Tokens by name, and the audit log.

use std::collections::BTreeMap;

use super::MemoryStore;
use crate::{Answer, AuditEntry, By, Token, refusal, time};

#[derive(Debug, Default)]
pub(super) struct Access {
    tokens: BTreeMap<String, Token>,
    /// Oldest first, numbered from 1 without a gap.
    audit: Vec<AuditEntry>,
}

impl Access {
    pub(super) fn note(&mut self, by: By) {
        let By { who, action, target, detail } = by;
        let number = self.audit.len() as u64 + 1;
        let at = time::to_millis(time::now()).unsigned_abs();
        self.audit.push(AuditEntry { number, at, who, action: action.to_owned(), target, detail });
    }
}

impl crate::Access for MemoryStore {
    fn put_token(&self, token: Token, by: By) -> Answer<'_, ()> {
        self.with(|all| {
            let tokens = &mut all.access.tokens;
            if tokens.contains_key(&token.name) || tokens.values().any(|other| other.hash == token.hash) {
                return Err(refusal::token_taken(&token.name));
            }
            tokens.insert(token.name.clone(), token);
            all.access.note(by);
            Ok(())
        })
    }

    fn delete_token<'a>(&'a self, name: &'a str, by: By) -> Answer<'a, bool> {
        self.with(|all| {
            let there = all.access.tokens.remove(name).is_some();
            if there {
                all.access.note(by);
            }
            Ok(there)
        })
    }

    fn tokens(&self) -> Answer<'_, Vec<Token>> {
        self.with(|all| Ok(all.access.tokens.values().cloned().collect()))
    }

    fn token(&self, hash: [u8; 32]) -> Answer<'_, Option<Token>> {
        self.with(|all| Ok(all.access.tokens.values().find(|token| token.hash == hash).cloned()))
    }

    fn note(&self, by: By) -> Answer<'_, ()> {
        self.with(|all| {
            all.access.note(by);
            Ok(())
        })
    }

    fn audit(&self, before: Option<u64>, limit: u32) -> Answer<'_, Vec<AuditEntry>> {
        self.with(|all| {
            let newest = all.access.audit.iter().rev();
            let below = newest.filter(|entry| before.is_none_or(|before| entry.number < before));
            Ok(below.take(limit as usize).cloned().collect())
        })
    }
}
