//! MTOM: an envelope with the base64 of its parts where they belong (XOP 1.0), for what has to see it whole.
//!
//! Conversion to JSON and validation do; a process that takes XML gets the message as it was sent, and the parts as documents.
//! Each part is put in once, so that no request grows by more than base64 does.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{refused, text};
use crate::parse_error::ParseError;
use crate::percent::{self, excerpt};
use crate::profile::Violation;
use crate::soap::message::{Message, Refused};

/// The text of an envelope, and how its places relate to those that were sent.
#[derive(Debug)]
pub(super) struct Expanded<'m> {
    sent: &'m str,
    text: Cow<'m, str>,
    /// For each part: where it was sent to, and where what follows it stands in `text`.
    moves: Vec<Move>,
}

#[derive(Debug)]
struct Move {
    /// The element that was replaced.
    start: usize,
    end: usize,
    /// What replaces it.
    new_start: usize,
    new_end: usize,
}

impl<'m> Expanded<'m> {
    pub(super) fn new(message: &'m Message) -> Result<Self, Box<Refused>> {
        let sent = text(&message.envelope);
        if message.includes.is_empty() {
            return Ok(Self { sent, text: Cow::Borrowed(sent), moves: Vec::new() });
        }
        let mut whole = String::with_capacity(sent.len());
        let mut at = 0;
        let mut moves = Vec::new();
        let mut used = vec![false; message.attachments.len()];
        for include in &message.includes {
            let place = &include.place;
            let refuse = |reason: String| Err(refused(message, place.start, reason));
            let href = excerpt(&include.href);
            let Some(id) = include.href.strip_prefix("cid:").and_then(|id| percent::decode(id).ok()) else {
                return refuse(format!("`xop:Include` names a part by `href=\"cid:...\"`, and not by `{href}`"));
            };
            let Some(part) = message.attachments.iter().position(|attachment| attachment.content_id == id) else {
                return refuse(format!("`xop:Include` names `{href}`, and no part has that Content-ID"));
            };
            match used.get_mut(part) {
                Some(used) if !*used => *used = true,
                _ => return refuse(format!("`{href}` is included twice: each part belongs in one place")),
            }
            whole.push_str(sent.get(at..place.start).unwrap_or_default());
            let new_start = whole.len();
            if let Some(attachment) = message.attachments.get(part) {
                STANDARD.encode_string(&attachment.data, &mut whole);
            }
            at = place.end;
            moves.push(Move { start: place.start, end: place.end, new_start, new_end: whole.len() });
        }
        whole.push_str(sent.get(at..).unwrap_or_default());
        Ok(Self { sent, text: Cow::Owned(whole), moves })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where an offset of the envelope is here.
    pub(super) fn moved(&self, offset: usize) -> usize {
        match self.moves.iter().rev().find(|one| one.end <= offset) {
            Some(one) => offset - one.end + one.new_end,
            None => offset,
        }
    }

    /// A violation, which tells a place of this text, as one of the envelope that was sent.
    pub(super) fn in_envelope(&self, violation: Violation) -> Violation {
        if self.moves.is_empty() {
            return violation;
        }
        let line_start = match violation.line {
            0 | 1 => 0,
            line => self.text.match_indices('\n').nth(line - 2).map_or(0, |(feed, _)| feed + 1),
        };
        let line = self.text.get(line_start..).unwrap_or_default();
        let column = line.char_indices().nth(violation.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        let place = line_start + column;
        let offset = match self.moves.iter().rev().find(|one| one.new_start <= place) {
            Some(one) if place < one.new_end => one.start,
            Some(one) => place - one.new_end + one.end,
            None => place,
        };
        let ParseError { line, column, .. } = ParseError::at(self.sent, offset, "");
        Violation { line, column, ..violation }
    }
}
