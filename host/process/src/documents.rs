//! The documents that an execution holds: a slab of its own, since it is on every request's path and a table of `dyn Any`
//! costs an allocation for each document.
//!
//! Bodies are [`Data`]: handing a document on costs the same at any size. What one execution makes the host hold is
//! counted and bounded; a document counts in full even where it shares its body with a duplicate, so that the bound
//! holds whichever of the two is dropped.
//!
//! In a reused instance a guest may still own the handle of a document of an earlier execution (garbage-collected
//! languages drop late). Indices are therefore never used again across executions: dropping such a handle does nothing, using it traps.

use std::borrow::Cow;

use auricle_model::{Data, Document, Properties};
use bytes::{Bytes, BytesMut};
use compact_str::CompactString;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};

use crate::bindings::auricle::process::documents;
use crate::failure::Breach;
use crate::limits;
use crate::state::State;

/// The host's side of the WIT resource `document`: a name only, the document is in the slab.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub enum Doc {}

struct Slot {
    document: Document,
    /// Bytes of the properties that are counted; 0 while they are still those that came with the request and are shared.
    properties: u64,
}

impl Slot {
    fn cost(&self) -> u64 {
        self.document.data.len() as u64 + self.properties
    }
}

/// The documents of one execution.
pub(crate) struct Documents {
    /// Index of the first slot: grows from one execution to the next.
    first: u32,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    held: u64,
    /// Bytes that may be held.
    limit: u64,
}

impl Documents {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { first: 0, slots: Vec::new(), free: Vec::new(), held: 0, limit }
    }

    /// Takes a document in. Fails, and so traps the guest, when the execution would hold more than it may.
    pub(crate) fn push(&mut self, document: Document) -> wasmtime::Result<Resource<Doc>> {
        self.insert(Slot { document, properties: 0 })
    }

    /// Takes a document out; its handle is gone.
    pub(crate) fn take(&mut self, handle: &Resource<Doc>) -> wasmtime::Result<Document> {
        self.remove(handle).ok_or_else(|| Breach::StaleDocument.into())
    }

    /// The document of a handle.
    pub(crate) fn get(&self, handle: &Resource<Doc>) -> wasmtime::Result<&Document> {
        let slot = self.index(handle).and_then(|i| self.slots.get(i)?.as_ref());
        slot.map(|s| &s.document).ok_or_else(|| Breach::StaleDocument.into())
    }

    /// Forgets everything, for the next execution of a reused instance. Returns how many documents the guest had not dropped.
    pub(crate) fn reset(&mut self) -> usize {
        let left = self.slots.len() - self.free.len();
        self.first = self.first.wrapping_add(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        self.slots.clear();
        self.free.clear();
        self.held = 0;
        left
    }

    /// Whether indices are about to run out: the instance has to be retired.
    pub(crate) const fn is_worn(&self) -> bool {
        self.first > u32::MAX / 2
    }

    fn index(&self, handle: &Resource<Doc>) -> Option<usize> {
        handle.rep().checked_sub(self.first).map(|i| i as usize)
    }

    fn slot(&mut self, handle: &Resource<Doc>) -> wasmtime::Result<&mut Slot> {
        let slot = self.index(handle).and_then(|i| self.slots.get_mut(i)?.as_mut());
        slot.ok_or_else(|| Breach::StaleDocument.into())
    }

    fn insert(&mut self, slot: Slot) -> wasmtime::Result<Resource<Doc>> {
        self.charge(slot.cost())?;
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1)?
            }
        };
        if let Some(place) = self.slots.get_mut(index as usize) {
            *place = Some(slot);
        }
        Ok(Resource::new_own(self.first + index))
    }

    fn remove(&mut self, handle: &Resource<Doc>) -> Option<Document> {
        let index = self.index(handle)?;
        let slot = self.slots.get_mut(index)?.take()?;
        self.free.push(u32::try_from(index).ok()?);
        self.held = self.held.saturating_sub(slot.cost());
        Some(slot.document)
    }

    fn charge(&mut self, bytes: u64) -> wasmtime::Result<()> {
        let held = self.held.saturating_add(bytes);
        if held > self.limit {
            return Err(Breach::Documents(self.limit).into());
        }
        self.held = held;
        Ok(())
    }

    fn append(&mut self, handle: &Resource<Doc>, more: &[u8]) -> wasmtime::Result<()> {
        self.slot(handle)?;
        self.charge(more.len() as u64)?;
        let data = &mut self.slot(handle)?.document.data;
        // Unshared bytes grow in place; shared ones are copied once.
        let whole = std::mem::take(data).into_bytes();
        let mut grown = whole.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        grown.extend_from_slice(more);
        *data = grown.freeze().into();
        Ok(())
    }

    pub(crate) fn set_property(
        &mut self,
        handle: &Resource<Doc>,
        name: CompactString,
        value: CompactString,
    ) -> wasmtime::Result<()> {
        let slot = self.slot(handle)?;
        // The first change of shared properties copies them all.
        let copied = if slot.properties == 0 { slot.document.properties.size() } else { 0 };
        let more = (copied + name.len() + value.len()) as u64;
        self.charge(more)?;
        let slot = self.slot(handle)?;
        slot.properties += more;
        slot.document.properties.set(name, value);
        Ok(())
    }

    fn duplicate(&mut self, handle: &Resource<Doc>) -> wasmtime::Result<Resource<Doc>> {
        let slot = self.slot(handle)?;
        let copy = Slot { document: slot.document.clone(), properties: slot.properties };
        self.insert(copy)
    }
}

/// Properties as the WIT has them.
pub(crate) fn pairs(properties: &Properties) -> Vec<(String, String)> {
    properties.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn part(data: &Data, offset: u64, length: u64) -> Bytes {
    let length = length.min(limits::READ_BYTES);
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
    let end = usize::try_from(offset.saturating_add(length)).unwrap_or(usize::MAX).min(data.len());
    data.slice(start..end)
}

impl documents::Host for State {}

impl documents::HostDocument for State {
    fn new(&mut self, data: Vec<u8>) -> wasmtime::Result<Resource<Doc>> {
        self.documents.push(Document::new(data))
    }

    fn from_text(&mut self, text: String) -> wasmtime::Result<Resource<Doc>> {
        self.documents.push(Document::new(text))
    }

    fn size(&mut self, document: Resource<Doc>) -> wasmtime::Result<u64> {
        Ok(self.documents.get(&document)?.data.len() as u64)
    }

    fn data(&mut self, document: Resource<Doc>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.documents.get(&document)?.data.to_vec())
    }

    fn text(&mut self, document: Resource<Doc>) -> wasmtime::Result<Option<String>> {
        Ok(self.documents.get(&document)?.text().map(Cow::into_owned))
    }

    fn read(&mut self, document: Resource<Doc>, offset: u64, length: u64) -> wasmtime::Result<Vec<u8>> {
        Ok(part(&self.documents.get(&document)?.data, offset, length).to_vec())
    }

    fn append(&mut self, document: Resource<Doc>, data: Vec<u8>) -> wasmtime::Result<()> {
        self.documents.append(&document, &data)
    }

    fn property(&mut self, document: Resource<Doc>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.documents.get(&document)?.properties.get_document(&name).map(str::to_owned))
    }

    fn set_property(&mut self, document: Resource<Doc>, name: String, value: String) -> wasmtime::Result<()> {
        self.documents.set_property(&document, name.into(), value.into())
    }

    fn properties(&mut self, document: Resource<Doc>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(pairs(&self.documents.get(&document)?.properties))
    }

    fn duplicate(&mut self, document: Resource<Doc>) -> wasmtime::Result<Resource<Doc>> {
        self.documents.duplicate(&document)
    }

    fn drop(&mut self, document: Resource<Doc>) -> wasmtime::Result<()> {
        // A handle of an earlier execution is dropped late and harmlessly.
        self.documents.remove(&document);
        Ok(())
    }
}

/// Replaces `data` and `read` by forms that lower the shared bytes into the guest directly: the generated ones would
/// copy the body once more, which a large document feels.
pub(crate) fn without_copies(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance("auricle:process/documents@0.1.0")?;
    interface.func_wrap(
        "[method]document.data",
        |store: StoreContextMut<'_, State>, (document,): (Resource<Doc>,)| {
            Ok((store.data().documents.get(&document)?.data.to_bytes(),))
        },
    )?;
    interface.func_wrap(
        "[method]document.read",
        |store: StoreContextMut<'_, State>, (document, offset, length): (Resource<Doc>, u64, u64)| {
            Ok((part(&store.data().documents.get(&document)?.data, offset, length),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push(Vec<u8>, Vec<u8>),
        Append(usize, Vec<u8>),
        Duplicate(usize),
        Set(usize, String),
        Take(usize),
        Reset,
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..50);
        prop_oneof![
            4 => (bytes(), bytes()).prop_map(|(head, rest)| Step::Push(head, rest)),
            4 => (0..100_usize, bytes()).prop_map(|(n, b)| Step::Append(n, b)),
            2 => (0..100_usize).prop_map(Step::Duplicate),
            2 => (0..100_usize, "[a-z]{0,9}").prop_map(|(n, v)| Step::Set(n, v)),
            3 => (0..100_usize).prop_map(Step::Take),
            1 => Just(Step::Reset),
        ]
    }

    fn handle(rep: u32) -> Resource<Doc> {
        Resource::new_own(rep)
    }

    proptest! {
        /// Equal to a map of whole documents, whatever is shared underneath; and what is held is what is counted.
        #[test]
        fn behaves_as_a_map_of_documents(steps in proptest::collection::vec(step(), 0..100)) {
            let mut documents = Documents::new(u64::MAX);
            let mut model: BTreeMap<u32, Document> = BTreeMap::new();
            let mut gone: Vec<u32> = Vec::new();
            for step in steps {
                let pick = |n: usize| model.keys().nth(n % model.len().max(1)).copied();
                match step {
                    Step::Push(head, rest) => {
                        let whole = [&*head, &*rest].concat();
                        let rep = documents.push(Document::new(Data::joined(head, rest))).unwrap().rep();
                        prop_assert_eq!(model.insert(rep, Document::new(whole)), None);
                    }
                    Step::Append(n, more) => {
                        if let Some(rep) = pick(n) {
                            documents.append(&handle(rep), &more).unwrap();
                            let document = model.get_mut(&rep).unwrap();
                            document.data = [document.data.to_vec(), more].concat().into();
                        }
                    }
                    Step::Duplicate(n) => {
                        if let Some(rep) = pick(n) {
                            let copy = documents.duplicate(&handle(rep)).unwrap().rep();
                            model.insert(copy, model[&rep].clone());
                        }
                    }
                    Step::Set(n, value) => {
                        if let Some(rep) = pick(n) {
                            documents.set_property(&handle(rep), "name".into(), value.as_str().into()).unwrap();
                            model.get_mut(&rep).unwrap().properties.set("name", value);
                        }
                    }
                    Step::Take(n) => {
                        if let Some(rep) = pick(n) {
                            prop_assert_eq!(&documents.take(&handle(rep)).unwrap(), &model.remove(&rep).unwrap());
                            gone.push(rep);
                        }
                    }
                    Step::Reset => {
                        prop_assert_eq!(documents.reset(), model.len());
                        gone = model.into_keys().collect();
                        model = BTreeMap::new();
                        for rep in &gone {
                            prop_assert!(documents.get(&handle(*rep)).is_err());
                        }
                    }
                }
                for (rep, document) in &model {
                    prop_assert_eq!(documents.get(&handle(*rep)).unwrap(), document);
                }
                let counted: u64 = documents.slots.iter().flatten().map(Slot::cost).sum();
                prop_assert_eq!(documents.held, counted);
            }
        }
    }

    #[test]
    fn parts_stay_within_the_body() {
        let data = Data::joined(*b"0123", "456789");
        assert_eq!(part(&data, 2, 3), "234");
        assert_eq!(part(&data, 8, u64::MAX), "89");
        assert_eq!(part(&data, 10, 1), "");
        assert_eq!(part(&data, u64::MAX, u64::MAX), "");
    }

    #[test]
    fn appending_in_small_pieces_does_not_copy_each_time() {
        let mut documents = Documents::new(u64::MAX);
        let document = documents.push(Document::default()).unwrap();
        let mut moved = 0;
        let mut at = std::ptr::null();
        for _ in 0..100_000 {
            documents.append(&document, b"0123456789").unwrap();
            let now = documents.get(&document).unwrap().data.pieces()[1].as_ptr();
            moved += usize::from(now != at);
            at = now;
        }
        assert!(moved < 50, "moved {moved} times");
    }
}
