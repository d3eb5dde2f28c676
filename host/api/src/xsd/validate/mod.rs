//! Goes through a text and says where an element first fails to follow its schema.
//!
//! One pass; what is held is a frame for each open element (their number is bounded by the reader), the text of the one whose
//! value is being read, and the `xs:ID`s of the message.

mod attributes;
mod expected;
mod frame;
mod start;

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::component::{Constraint, Type, TypeId};
use super::simple::{Fault, SimpleType, Value};
use super::{ElementId, Schema, Violation};
use crate::parse_error::ParseError;
use crate::xml::{Event, Reader, What};
use frame::{Frame, Inside, Text};

/// What ends the reading of a text.
#[derive(Debug)]
enum Stop {
    /// It breaks a rule at an offset.
    Broken { at: usize, rule: &'static str, message: String },
    /// It is not even well-formed.
    Unread(ParseError),
}

/// A rule that is broken at an offset. The path of the element is added where the reading ends.
fn broken<T>(at: usize, rule: &'static str, message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Broken { at, rule, message: message.into() })
}

/// The way through a text.
#[derive(Debug)]
struct Run<'s, 'a> {
    schema: &'s Schema,
    text: &'a str,
    reader: Reader<'a>,
    /// The open elements of the message.
    frames: Vec<Frame<'s, 'a>>,
    /// The `xs:ID`s of the message.
    ids: FxHashSet<Box<str>>,
}

pub(super) fn validate(
    schema: &Schema,
    element: ElementId,
    text: &str,
    offsets: Option<&[usize]>,
) -> Result<(), Violation> {
    let mut run = Run { schema, text, reader: Reader::new(text), frames: Vec::new(), ids: FxHashSet::default() };
    run.messages(element, offsets).map_err(|stop| run.violation(stop))
}

impl<'s, 'a> Run<'s, 'a> {
    /// Looks at the elements at some offsets, or at the root.
    fn messages(&mut self, element: ElementId, offsets: Option<&[usize]>) -> Result<(), Stop> {
        let mut offsets = offsets.map(|offsets| offsets.iter().copied().peekable());
        while let Some(event) = self.reader.next().map_err(Stop::Unread)? {
            if !self.frames.is_empty() {
                self.event(event)?;
            } else if event.what == What::Start {
                let is_message = match &mut offsets {
                    Some(offsets) => offsets.next_if_eq(&event.start).is_some(),
                    None => self.reader.depth() == 1,
                };
                if is_message {
                    self.ids.clear();
                    self.root(element, event.start)?;
                }
            } else if offsets.as_mut().is_some_and(|offsets| offsets.peek().is_none()) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes in what happens inside a message.
    fn event(&mut self, event: Event<'a>) -> Result<(), Stop> {
        match event.what {
            What::Start => self.child(event.start),
            What::Text(text) => {
                self.characters(text, event.start)?;
                // Prefixes in the value are those of this element: they are gone when its end has been read.
                if self.ends_next(event.end) { self.value() } else { Ok(()) }
            }
            What::End => {
                self.value()?;
                let is_tag = event.start < event.end;
                let Some(frame) = self.frames.last() else { return Ok(()) };
                let at = if is_tag { event.start } else { frame.at };
                if let Inside::Children { model, position, .. } = &frame.inside
                    && !model.is_complete(position)
                {
                    let expected = expected::told(self.schema, &model.expected(position), None, frame.local);
                    return broken(
                        at,
                        "cvc-complex-type.2.4.b",
                        format!("`{}` is not complete: expected {expected}", frame.local),
                    );
                }
                self.frames.pop();
                Ok(())
            }
        }
    }

    /// Takes in text of the innermost element.
    fn characters(&mut self, text: Cow<'a, str>, at: usize) -> Result<(), Stop> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let local = frame.local;
        match &mut frame.inside {
            Inside::Anything => {}
            Inside::Nothing { is_nil } if !text.is_empty() => {
                let (rule, why) = if *is_nil {
                    ("cvc-elt.3.2.1", "`xsi:nil` says that it is empty")
                } else {
                    ("cvc-complex-type.2.1", "it is empty")
                };
                return broken(at, rule, format!("text can't stand in `{local}`, white space neither: {why}"));
            }
            Inside::Nothing { .. } => {}
            Inside::Children { is_mixed: false, .. } => {
                let is_space = |c| matches!(c, ' ' | '\t' | '\r' | '\n');
                if !text.chars().all(is_space) {
                    let blank = text.len() - text.trim_start_matches(is_space).len();
                    // Where it is not what is written (references, a CDATA section), its beginning has to do.
                    let is_written = self.text.get(at..).is_some_and(|written| written.starts_with(&*text));
                    let at = if is_written { at + blank } else { at };
                    return broken(
                        at,
                        "cvc-complex-type.2.3",
                        format!("text can't stand in `{local}`: only elements can"),
                    );
                }
            }
            Inside::Children { text: None, .. } => {}
            Inside::Children { text: Some(collected), .. } | Inside::Text { text: collected, .. } => {
                collected.add(text, at);
            }
        }
        Ok(())
    }

    /// Whether the end tag of the innermost element is what comes next, comments and processing instructions aside.
    fn ends_next(&self, end: usize) -> bool {
        let mut rest = self.text.get(end..).unwrap_or_default();
        loop {
            let after = if rest.starts_with("<!--") {
                rest.split_once("-->")
            } else if rest.starts_with("<?") {
                rest.split_once("?>")
            } else {
                return rest.starts_with("</");
            };
            let Some((_, after)) = after else { return false };
            rest = after;
        }
    }

    /// Looks at the value of the innermost element, whose text is whole now. Once for each element.
    fn value(&mut self) -> Result<(), Stop> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let element = frame.element.and_then(|id| self.schema.elements.get(id.0));
        let constraint = element.and_then(|element| element.constraint.as_ref());
        let at = frame.at;
        match &mut frame.inside {
            Inside::Text { ty, text } => {
                let (ty, text) = (*ty, std::mem::replace(text, Text::Done));
                let is_own = element.is_some_and(|element| element.ty == frame.ty);
                self.simple_value(ty, text, constraint, is_own, at)
            }
            Inside::Children { text, .. } => {
                let (Some(text), Some(constraint)) = (text.take(), constraint) else { return Ok(()) };
                let is_same = match &text {
                    Text::Done | Text::Empty => return Ok(()),
                    Text::Some { text, .. } => **text == *constraint.text,
                };
                if is_same { Ok(()) } else { self.not_fixed(text.at().unwrap_or(at), "cvc-elt.5.2.2.2.1", constraint) }
            }
            _ => Ok(()),
        }
    }

    fn simple_value(
        &mut self,
        ty: &SimpleType,
        text: Text<'a>,
        constraint: Option<&Constraint>,
        is_own: bool,
        element: usize,
    ) -> Result<(), Stop> {
        let (text, at) = match (&text, constraint) {
            (Text::Done, _) => return Ok(()),
            // What is empty has the default as its value, which has been looked at by the element's own type.
            (Text::Empty, Some(_)) if is_own => return Ok(()),
            (Text::Empty, Some(constraint)) => (&*constraint.text, element),
            (Text::Empty, None) => ("", element),
            (Text::Some { text, at }, _) => (&**text, *at),
        };
        let reader = &self.reader;
        let value = match ty.check(text, &|prefix| reader.namespace(prefix)) {
            Ok(value) => value,
            Err(Fault { rule, message }) => return broken(at, rule, message),
        };
        if let Some(constraint) = constraint.filter(|constraint| constraint.is_fixed)
            && constraint.value.as_ref().is_some_and(|fixed| *fixed != value)
        {
            return self.not_fixed(at, "cvc-elt.5.2.2.2.2", constraint);
        }
        self.note_ids(&value, at)
    }

    fn not_fixed(&self, at: usize, rule: &'static str, constraint: &Constraint) -> Result<(), Stop> {
        broken(at, rule, format!("the value is always `{}`", constraint.text))
    }

    /// Notes the `xs:ID`s in a value: each may come once in a message.
    fn note_ids(&mut self, value: &Value<'_>, at: usize) -> Result<(), Stop> {
        for id in value.ids() {
            if !self.ids.insert(id.into()) {
                return broken(at, "cvc-id.2", format!("the ID `{id}` comes twice"));
            }
        }
        Ok(())
    }

    fn ty(&self, id: TypeId) -> Option<&'s Type> {
        self.schema.types.get(id.0)
    }

    /// Whether a type is another, or derived from it.
    fn is_derived(&self, mut ty: TypeId, base: TypeId) -> bool {
        loop {
            if ty == base || base == TypeId::ANY {
                return true;
            }
            match (self.ty(ty), self.ty(base)) {
                (Some(Type::Simple(one)), Some(Type::Simple(other))) => return one.is_derived_from(other),
                (Some(Type::Complex(complex)), _) if ty != TypeId::ANY => ty = complex.base,
                _ => return false,
            }
        }
    }

    /// What has been found, with its place and the path of the innermost element.
    fn violation(&self, stop: Stop) -> Violation {
        let (ParseError { line, column, message }, rule) = match stop {
            Stop::Unread(error) => (error, "well-formed"),
            Stop::Broken { at, rule, message } => {
                let path: Vec<&str> = self.frames.iter().map(|frame| frame.local).collect();
                let message = if path.is_empty() { message } else { format!("{}: {message}", path.join("/")) };
                (ParseError::at(self.text, at, message), rule)
            }
        };
        Violation { line, column, message, rule: rule.into() }
    }
}
