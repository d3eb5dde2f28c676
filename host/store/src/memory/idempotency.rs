//! Keys with who claimed them and what was answered.

use std::collections::HashMap;
use std::time::SystemTime;

use auricle_model::ExecutionId;

use super::MemoryStore;
use crate::{Answer, Claim, Digest, IdempotencyKey, KeptAnswer};

#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<IdempotencyKey, Claimed>);

#[derive(Debug)]
struct Claimed {
    body: Digest,
    by: ExecutionId,
    /// Of the claim while there is no answer, of the answer after that.
    until: SystemTime,
    answer: Option<KeptAnswer>,
}

impl Answers {
    /// Keeps the answer of who holds the key; whether it does.
    pub(super) fn keep(
        &mut self,
        key: &IdempotencyKey,
        id: ExecutionId,
        answer: KeptAnswer,
        until: SystemTime,
    ) -> bool {
        let Some(claimed) = self.0.get_mut(key).filter(|claimed| claimed.by == id) else { return false };
        claimed.answer = Some(answer);
        claimed.until = until;
        true
    }

    pub(super) fn expire(&mut self, now: SystemTime) {
        self.0.retain(|_, claimed| claimed.until > now);
    }
}

impl crate::Idempotency for MemoryStore {
    fn claim<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        body: Digest,
        id: ExecutionId,
        lease: SystemTime,
    ) -> Answer<'a, Claim> {
        self.with(|all| {
            let now = SystemTime::now();
            Ok(match all.answers.0.get(key).filter(|claimed| claimed.until > now) {
                Some(claimed) if claimed.body != body => Claim::OtherBody,
                Some(Claimed { answer: Some(answer), .. }) => Claim::Answered(answer.clone()),
                Some(claimed) => Claim::InFlight(claimed.by),
                None => {
                    all.answers.0.insert(key.clone(), Claimed { body, by: id, until: lease, answer: None });
                    Claim::New
                }
            })
        })
    }

    fn answered<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        id: ExecutionId,
        answer: KeptAnswer,
        until: SystemTime,
    ) -> Answer<'a, ()> {
        self.with(|all| {
            all.answers.keep(key, id, answer, until);
            Ok(())
        })
    }

    fn release<'a>(&'a self, key: &'a IdempotencyKey, id: ExecutionId) -> Answer<'a, ()> {
        self.with(|all| {
            if all.answers.0.get(key).is_some_and(|claimed| claimed.by == id && claimed.answer.is_none()) {
                all.answers.0.remove(key);
            }
            Ok(())
        })
    }
}
