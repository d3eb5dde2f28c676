//! What an execution sees of the outside, noted or given back: the machinery behind [`Taping`].
//!
//! Every store has a [`Deck`]. Nearly always it is off, and then asking it costs one branch. On, it is shared by an execution
//! and its sub-processes, and each question to the outside goes through [`Deck::ask`] in the order in which the guests
//! ask. An answer that comes while the guest goes on is noted in the place of its question, so that the order is the
//! guest's alone and not the network's.
//!
//! A replay is strict: another question than the recorded one, or one more, ends the execution. What the tape answers was
//! checked against limits and grants when it was recorded, and is not checked again.

mod blob;
mod wasi;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auricle_model::{Tape, TapeEntry, Taping};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::blob::Blob;
pub(crate) use self::blob::as_blob;
pub(crate) use self::wasi::through_the_deck;
use crate::limits::{self, ASKED_BYTES, TAPE_BYTES, TAPE_ENTRIES};
use crate::state::State;

/// Records or plays the tape of one execution, or does neither.
#[derive(Clone, Default)]
pub(crate) struct Deck(Option<Arc<Mutex<Reel>>>);

enum Reel {
    Recording(Recording),
    Playing(Playing),
}

/// What is to be done about a question.
pub(crate) enum Asked<A> {
    /// Nothing: the tape has answered.
    Answered(A),
    /// To ask the outside, and to note what it says.
    Live(Note),
}

/// A replay went another way than its tape, at the place that this names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Diverged(String);

impl Deck {
    pub(crate) fn new(taping: Taping) -> Self {
        let reel = match taping {
            Taping::Off => return Self(None),
            Taping::Record => Reel::Recording(Recording::default()),
            Taping::Play(tape) => Reel::Playing(Playing { tape, next: 0, diverged: None }),
        };
        Self(Some(Arc::new(Mutex::new(reel))))
    }

    /// Whether the outside is there and nobody takes notes.
    pub(crate) const fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the outside is not there.
    pub(crate) fn is_playing(&self) -> bool {
        self.0.as_ref().is_some_and(|reel| matches!(*lock(reel), Reel::Playing(_)))
    }

    /// Puts a question: the name of the function that the guest called, and with what.
    ///
    /// # Errors
    ///
    /// In a replay, if this is not what was asked when the tape was recorded, now or before.
    #[inline]
    pub(crate) fn ask<A: DeserializeOwned>(
        &self,
        call: &'static str,
        asked: impl FnOnce() -> String,
    ) -> Result<Asked<A>, Diverged> {
        match &self.0 {
            None => Ok(Asked::Live(Note(None))),
            Some(reel) => ask(reel, call, shortened(asked())),
        }
    }

    /// Fails where the replay has diverged already: in a sub-process, or in a call that cannot fail by itself.
    pub(crate) fn check(&self) -> Result<(), Diverged> {
        self.diverged().map_or(Ok(()), Err)
    }

    /// How the replay has diverged, if it has.
    pub(crate) fn diverged(&self) -> Option<Diverged> {
        match &*lock(self.0.as_ref()?) {
            Reel::Recording(_) => None,
            Reel::Playing(playing) => playing.diverged.clone(),
        }
    }

    /// Says that the replay has diverged. What it said first stays.
    pub(crate) fn diverge(&self, why: impl Into<String>) {
        let Some(reel) = &self.0 else { return };
        if let Reel::Playing(playing) = &mut *lock(reel) {
            playing.diverged.get_or_insert_with(|| Diverged(why.into()));
        }
    }

    /// What of the tape was not asked for, in words; none if all was.
    pub(crate) fn left(&self) -> Option<String> {
        let reel = lock(self.0.as_ref()?);
        let Reel::Playing(Playing { tape, next, .. }) = &*reel else { return None };
        let entry = tape.entries.get(*next)?;
        let (left, number, asked) = (tape.entries.len() - next, next + 1, words(&entry.call, &entry.asked));
        Some(format!("{left} entries of the tape were not asked for; the first of them, entry {number}, is {asked}"))
    }

    /// What was recorded. The tape is at its end: answers that come later are not noted.
    pub(crate) fn take(&self) -> Option<Box<Tape>> {
        match &mut *lock(self.0.as_ref()?) {
            Reel::Recording(recording) => Some(Box::new(std::mem::take(&mut recording.tape))),
            Reel::Playing(_) => None,
        }
    }
}

impl State {
    /// Asks something that has its answer at once.
    #[inline]
    pub(crate) fn taped<A: Serialize + DeserializeOwned>(
        &mut self,
        call: &'static str,
        asked: impl FnOnce() -> String,
        outside: impl FnOnce(&mut Self) -> wasmtime::Result<A>,
    ) -> wasmtime::Result<A> {
        let note = match self.deck.ask(call, asked)? {
            Asked::Answered(answer) => return Ok(answer),
            Asked::Live(note) => note,
        };
        let answer = outside(self)?;
        note.keep(&answer);
        Ok(answer)
    }
}

fn lock(reel: &Mutex<Reel>) -> MutexGuard<'_, Reel> {
    reel.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ask<A: DeserializeOwned>(reel: &Arc<Mutex<Reel>>, call: &'static str, asked: String) -> Result<Asked<A>, Diverged> {
    match &mut *lock(reel) {
        Reel::Recording(recording) => {
            let place = recording.begin(call, asked).map(|index| (Arc::clone(reel), index));
            Ok(Asked::Live(Note(place)))
        }
        Reel::Playing(playing) => playing.answer(call, &asked).map(Asked::Answered),
    }
}

/// Where an answer is noted; nowhere, if nobody takes notes.
pub(crate) struct Note(Option<(Arc<Mutex<Reel>>, usize)>);

impl Note {
    /// Whether there is anything to note.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Notes the answer.
    #[inline]
    pub(crate) fn keep(&self, answer: &impl Serialize) {
        if self.0.is_some() {
            self.note(answer, |entry, answer| entry.answer = answer);
        }
    }

    /// Adds to a list in an answer that is noted already; `list` is a JSON pointer to it.
    pub(crate) fn add(&self, list: &str, part: &impl Serialize) {
        self.note(part, |entry, part| {
            if let Some(Value::Array(parts)) = entry.answer.pointer_mut(list) {
                parts.push(part);
            }
        });
    }

    fn note(&self, what: &impl Serialize, put: impl FnOnce(&mut TapeEntry, Value)) {
        let Some((reel, index)) = &self.0 else { return };
        let value = serde_json::to_value(what);
        let mut reel = lock(reel);
        let Reel::Recording(recording) = &mut *reel else { return };
        match value {
            Ok(value) if recording.charge(weight(&value)) => {
                // Not there any more if the tape was taken or cut meanwhile.
                if let Some(entry) = recording.tape.entries.get_mut(*index) {
                    put(entry, value);
                }
            }
            _ => recording.cut(*index),
        }
    }
}

/// A tape that grows.
#[derive(Default)]
struct Recording {
    tape: Tape,
    bytes: usize,
}

impl Recording {
    /// Notes a question. None once the tape is cut.
    fn begin(&mut self, call: &str, asked: String) -> Option<usize> {
        let index = self.tape.entries.len();
        if self.tape.cut || index >= TAPE_ENTRIES || !self.charge(size_of::<TapeEntry>() + asked.len()) {
            self.tape.cut = true;
            return None;
        }
        self.tape.entries.push(TapeEntry { call: call.to_owned(), asked, answer: Value::Null });
        Some(index)
    }

    /// Whether so many bytes more may be held.
    fn charge(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        self.bytes <= TAPE_BYTES
    }

    /// Ends the tape before an entry, and for good.
    fn cut(&mut self, index: usize) {
        self.tape.entries.truncate(index);
        self.tape.cut = true;
    }
}

/// What a value takes up, about.
fn weight(value: &Value) -> usize {
    let held = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| size_of::<String>() + name.len() + weight(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + held
}

/// A tape that answers.
struct Playing {
    tape: Arc<Tape>,
    /// Index of the entry that comes next.
    next: usize,
    diverged: Option<Diverged>,
}

impl Playing {
    fn answer<A: DeserializeOwned>(&mut self, call: &str, asked: &str) -> Result<A, Diverged> {
        if let Some(diverged) = &self.diverged {
            return Err(diverged.clone());
        }
        match self.look_up(call, asked) {
            Ok(answer) => {
                self.next += 1;
                Ok(answer)
            }
            Err(why) => Err(self.diverged.insert(Diverged(why)).clone()),
        }
    }

    fn look_up<A: DeserializeOwned>(&self, call: &str, asked: &str) -> Result<A, String> {
        let (number, now) = (self.next + 1, words(call, asked));
        let Some(entry) = self.tape.entries.get(self.next) else {
            let (end, all) = if self.tape.cut { ("was cut after", "more") } else { ("ends after", "one more") };
            return Err(format!("the tape {end} {} entries, and it asked for {all}: {now}", self.tape.entries.len()));
        };
        let recorded = words(&entry.call, &entry.asked);
        if entry.call != call || entry.asked != asked {
            return Err(format!("entry {number} of the tape is {recorded}, and it asked for {now} instead"));
        }
        if entry.answer.is_null() {
            return Err(format!(
                "entry {number} of the tape, {recorded}, has no answer: the recorded execution was stopped before it came"
            ));
        }
        A::deserialize(&entry.answer).map_err(|error| {
            format!("entry {number} of the tape, {recorded}, has an answer that can't be read: {error}")
        })
    }
}

/// A question, for a message.
fn words(call: &str, asked: &str) -> String {
    if asked.is_empty() { format!("`{call}`") } else { format!("`{call}` ({asked})") }
}

/// A question as it is kept: of a long one its beginning, and what tells it from others that begin so.
fn shortened(mut asked: String) -> String {
    if asked.len() > ASKED_BYTES {
        let (bytes, print) = (asked.len(), fingerprint([asked.as_bytes()]));
        limits::cut(&mut asked, ASKED_BYTES);
        asked.push_str(&format!("... ({bytes} bytes, {print})"));
    }
    asked
}

/// What tells one sequence of bytes from another, without showing any.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let hex = hasher.finalize().to_hex();
    format!("blake3 {}", hex.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(deck: &Deck, call: &'static str, asked: &str) -> Note {
        match deck.ask::<Value>(call, || asked.to_owned()).unwrap() {
            Asked::Live(note) => note,
            Asked::Answered(answer) => panic!("nobody knows the answer {answer}"),
        }
    }

    fn record(questions: &[(&'static str, &str, u64)]) -> Tape {
        let deck = Deck::new(Taping::Record);
        for (call, asked, answer) in questions {
            note(&deck, call, asked).keep(answer);
        }
        *deck.take().unwrap()
    }

    fn play(tape: Tape) -> Deck {
        Deck::new(Taping::Play(Arc::new(tape)))
    }

    fn asks(deck: &Deck, call: &'static str, asked: &str) -> Result<u64, String> {
        match deck.ask(call, || asked.to_owned()) {
            Ok(Asked::Answered(answer)) => Ok(answer),
            Ok(Asked::Live(_)) => panic!("the outside is not there"),
            Err(diverged) => Err(diverged.to_string()),
        }
    }

    #[test]
    fn what_was_answered_is_answered_again() {
        let deck = play(record(&[("a.now", "", 7), ("b.get", "x", u64::MAX)]));
        assert!(deck.is_playing() && deck.left().is_some());
        assert_eq!((asks(&deck, "a.now", ""), asks(&deck, "b.get", "x")), (Ok(7), Ok(u64::MAX)));
        assert_eq!((deck.left(), deck.check()), (None, Ok(())));
        let more = asks(&deck, "b.get", "x").unwrap_err();
        assert_eq!(more, "the tape ends after 2 entries, and it asked for one more: `b.get` (x)");
    }

    #[test]
    fn another_question_diverges_and_stays_so() {
        let deck = play(record(&[("a.now", "", 7), ("b.get", "x", 8)]));
        asks(&deck, "a.now", "").unwrap();
        let other = asks(&deck, "b.get", "y").unwrap_err();
        assert_eq!(other, "entry 2 of the tape is `b.get` (x), and it asked for `b.get` (y) instead");
        assert_eq!(asks(&deck, "b.get", "x"), Err(other.clone()), "what it said first");
        assert_eq!(deck.diverged().unwrap().to_string(), other);
    }

    #[test]
    fn a_question_without_an_answer_is_told_of() {
        let deck = Deck::new(Taping::Record);
        note(&deck, "a.now", "");
        let why = asks(&play(*deck.take().unwrap()), "a.now", "").unwrap_err();
        assert!(why.contains("has no answer"), "{why}");
    }

    #[test]
    fn answers_stand_with_their_questions_however_late_they_come() {
        let deck = Deck::new(Taping::Record);
        let (first, second) = (note(&deck, "a", ""), note(&deck, "b", ""));
        second.keep(&2);
        first.keep(&Vec::<u8>::new());
        first.add("", &1);
        let tape = deck.take().unwrap();
        let answers: Vec<_> = tape.entries.iter().map(|entry| entry.answer.to_string()).collect();
        assert_eq!(answers, ["[1]", "2"]);
        second.keep(&3);
        assert_eq!(deck.take(), Some(Box::default()), "it was at its end");
    }

    #[test]
    fn a_tape_is_cut_where_it_has_too_many_entries_or_bytes() {
        let deck = Deck::new(Taping::Record);
        for _ in 0..TAPE_ENTRIES + 1 {
            note(&deck, "a", "").keep(&1);
        }
        let tape = deck.take().unwrap();
        assert_eq!((tape.entries.len(), tape.cut), (TAPE_ENTRIES, true));

        let deck = Deck::new(Taping::Record);
        note(&deck, "a", "").keep(&1);
        note(&deck, "b", "").keep(&"x".repeat(TAPE_BYTES));
        assert!(!note(&deck, "c", "").is_wanted());
        let tape = deck.take().unwrap();
        assert_eq!((tape.entries.len(), tape.cut), (1, true));
        let deck = play(*tape);
        asks(&deck, "a", "").unwrap();
        assert!(asks(&deck, "b", "").unwrap_err().contains("was cut after 1 entries"));
    }

    #[test]
    fn long_questions_are_told_apart_by_their_end() {
        let long = |end: &str| shortened(format!("{}{end}", "x".repeat(ASKED_BYTES)));
        assert!(long("a").len() < ASKED_BYTES + 100);
        assert_ne!(long("a"), long("b"));
        assert_eq!(shortened("short".into()), "short");
    }
}
