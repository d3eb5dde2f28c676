//! From the JSON of a message to its XML: members in the order of the profile, digits and texts as they are.
//!
//! What is written follows the XML Schema that is served for the profile, or there is an error: a client has to be able to read it.

use std::collections::HashSet;
use std::fmt::Write;

use super::json::{Json, Kind, Value};
use super::number;
use super::shape::{Content, Member, Object, Shape, Simple, SimpleKind, TypeId};
use super::{XSI, most_made, unwritable};
use crate::parse_error::short;
use crate::xml::escaped;

/// Notes on what has no place: further ones would say the same.
const MAX_NOTES: usize = 20;

/// Writes a message. Gives notes on members that have no place in it.
pub(super) fn write(shape: &Shape, root: &str, json: &str, into: &mut String) -> Result<Vec<String>, String> {
    let most = most_made(json);
    let json = Json::read(json).map_err(|e| e.to_string())?;
    let end = into.len().saturating_add(most);
    let mut writer = Writer { shape, root, into, most, end, left_out: HashSet::new(), notes: Vec::new() };
    writer.into.push('<');
    writer.into.push_str(root);
    if shape.has_null {
        // A `String` takes all that is written.
        let _ = write!(writer.into, " xmlns:xsi=\"{XSI}\"");
    }
    writer.into.push('>');
    writer.object(0, json.root())?;
    writer.close(root);
    Ok(writer.notes)
}

struct Writer<'p, 'o> {
    shape: &'p Shape,
    root: &'p str,
    into: &'o mut String,
    /// Bytes that the message may take.
    most: usize,
    /// Where `into` then ends.
    end: usize,
    /// Types and names of members that have been noted.
    left_out: HashSet<(TypeId, String)>,
    notes: Vec<String>,
}

impl Writer<'_, '_> {
    fn close(&mut self, name: &str) {
        self.into.push_str("</");
        self.into.push_str(name);
        self.into.push('>');
    }

    fn object(&mut self, id: TypeId, value: Value<'_, '_>) -> Result<(), String> {
        let Some(object) = self.shape.object(id) else { return Ok(()) };
        if value.kind() != Kind::Object {
            return Err(unlike(value, "an object"));
        }
        let slots = self.slots(id, object, value)?;
        for ((name, member), slot) in object.members.iter().zip(slots) {
            match (slot, member.list) {
                (None, _) if member.is_required => return Err(told(value, &format!("`{name}` is missing"))),
                (None, _) => {}
                (Some(value), None) => self.element(name, member, value)?,
                (Some(value), Some(count)) => {
                    if value.kind() != Kind::Array {
                        return Err(unlike(value, "an array"));
                    }
                    let found = u64::try_from(value.elements().count()).unwrap_or(u64::MAX);
                    if found < count.least || count.most.is_some_and(|most| found > most) {
                        return Err(told(value, &format!("{found} elements are not as many as the profile says")));
                    }
                    value.elements().try_for_each(|value| self.element(name, member, value))?;
                }
            }
        }
        Ok(())
    }

    /// The values of an object by the members of its type.
    fn slots<'j, 'a>(
        &mut self,
        id: TypeId,
        object: &Object,
        value: Value<'j, 'a>,
    ) -> Result<Vec<Option<Value<'j, 'a>>>, String> {
        let mut slots = vec![None; object.members.len()];
        for (name, inner) in value.members() {
            match object.members.get_index_of(&*name).and_then(|index| slots.get_mut(index)) {
                Some(slot @ None) => *slot = Some(inner),
                Some(Some(_)) => return Err(told(inner, "there are two members of this name")),
                None if !object.is_open => return Err(told(inner, "it is not among the members of the profile")),
                None => self.leave_out(id, &name, inner),
            }
        }
        Ok(slots)
    }

    /// Notes a member, once for all objects of a type.
    fn leave_out(&mut self, id: TypeId, name: &str, value: Value<'_, '_>) {
        if self.notes.len() < MAX_NOTES && self.left_out.insert((id, name.to_owned())) {
            let path = short(format!("`{}{}`", self.root, value.pointer()));
            self.notes.push(format!("{path} is not in the profile and has no place in the XML: it is left out"));
        }
    }

    fn element(&mut self, name: &str, member: &Member, value: Value<'_, '_>) -> Result<(), String> {
        if self.into.len() > self.end {
            return Err(told(
                value,
                &format!("the XML up to here takes more than {} bytes: give less at once", self.most),
            ));
        }
        self.into.push('<');
        self.into.push_str(name);
        if value.kind() == Kind::Null && member.is_nullable {
            self.into.push_str(" xsi:nil=\"true\"/>");
            return Ok(());
        }
        self.into.push('>');
        match &member.content {
            Content::Object(id) => self.object(*id, value)?,
            Content::Simple(simple) => self.simple(simple, value)?,
        }
        self.close(name);
        Ok(())
    }

    fn simple(&mut self, simple: &Simple, value: Value<'_, '_>) -> Result<(), String> {
        let (wanted, expected) = match simple.kind {
            SimpleKind::Text | SimpleKind::Token | SimpleKind::Base64 => (Kind::String, "a string"),
            SimpleKind::Integer => (Kind::Number, "an integer"),
            SimpleKind::Number => (Kind::Number, "a number"),
            SimpleKind::Boolean => (Kind::Boolean, "a boolean"),
        };
        if value.kind() != wanted {
            return Err(unlike(value, expected));
        }
        let text = match simple.kind {
            SimpleKind::Integer => number::whole(value.text())
                .ok_or_else(|| told(value, "it is not an integer that can be written"))?
                .into(),
            SimpleKind::Number => number::plain(value.text())
                .ok_or_else(|| told(value, "it has too many digits without its exponent"))?
                .into(),
            _ => value.string(),
        };
        if let Some(c) = unwritable(&text) {
            return Err(told(value, &format!("XML has no place for its character {:#06x}", u32::from(c))));
        }
        if simple.kind != SimpleKind::Text && text.contains([' ', '\t', '\r', '\n']) {
            return Err(told(value, "there is white space in it"));
        }
        simple.full.check(&text, &|_| None).map_err(|fault| told(value, &fault.message))?;
        escaped(&text, self.into);
        Ok(())
    }
}

fn unlike(value: Value<'_, '_>, expected: &str) -> String {
    told(value, &format!("it is {}, and {expected} by the profile", value.kind().told()))
}

/// A mistake of the process, with the member that it made it in.
fn told(value: Value<'_, '_>, message: &str) -> String {
    let pointer = value.pointer();
    short(if pointer.is_empty() { message.to_owned() } else { format!("`{pointer}`: {message}") })
}
