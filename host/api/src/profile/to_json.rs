//! From the XML of a message to its JSON, in one pass: values as the profile types them, digits as they are.
//!
//! Elements come in any order, since JSON has none; those of one list come one after the other. White space between elements,
//! comments and CDATA sections do not matter. Of attributes there are only those of the namespace `xsi`.

use std::borrow::Cow;

use super::json::MAX_DEPTH;
use super::number;
use super::shape::{Content, Member, Object, Shape, Simple, SimpleKind, TypeId};
use super::{Violation, XSI, most_made};
use crate::parse_error::ParseError;
use crate::xml::{Reader, What};

/// A message as JSON.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) json: Vec<u8>,
    /// Where each value begins in the JSON, and the offset of its element in the XML. Ascending; none without [`Marks::Made`].
    marks: Vec<(usize, usize)>,
}

/// Whether the places of values are noted, which only a validation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    Made,
    LeftOut,
}

impl Written {
    /// How many bytes it takes.
    fn size(&self) -> usize {
        self.json.len() + std::mem::size_of_val(self.marks.as_slice())
    }

    /// Offset of the element that became the value at an offset of the JSON.
    pub(super) fn element(&self, at: usize) -> usize {
        let after = self.marks.partition_point(|(start, _)| *start <= at);
        self.marks.get(after.saturating_sub(1)).map_or(0, |(_, element)| *element)
    }
}

/// Reads the elements of a well-formed text at these offsets; without offsets the root. `each` gets them one by one.
pub(super) fn read(
    shape: &Shape,
    root: &str,
    text: &str,
    offsets: Option<&[usize]>,
    marks: Marks,
    mut each: impl FnMut(Written) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let mut reader = Reading {
        shape,
        xml: Reader::new(text),
        out: Written::default(),
        marks,
        most: most_made(text),
        made: 0,
        depth: 0,
        path: Vec::new(),
    };
    let mut offsets = offsets.map(|offsets| offsets.iter().copied());
    let mut next = offsets.as_mut().map_or(Some(0), Iterator::next);
    while let Some(offset) = next {
        let Some(event) = reader.xml.next().map_err(malformed)? else { break };
        if event.what == What::Start && event.start >= offset {
            reader.path = vec![root];
            reader.check_name(root, event.start)?;
            reader.mark(event.start);
            if reader.attributes(event.start)? {
                return Err(reader.violation(event.start, "nillable", "a message can't be nil"));
            }
            reader.object(0, event.start)?;
            reader.made += reader.out.size();
            each(std::mem::take(&mut reader.out))?;
            next = offsets.as_mut().and_then(Iterator::next);
        }
    }
    Ok(())
}

struct Reading<'p, 'a> {
    shape: &'p Shape,
    xml: Reader<'a>,
    out: Written,
    marks: Marks,
    /// Bytes that all messages may take.
    most: usize,
    /// Bytes of the messages before this one.
    made: usize,
    /// Objects and arrays that are open.
    depth: usize,
    /// Names of the open elements of the message.
    path: Vec<&'p str>,
}

impl<'p, 'a> Reading<'p, 'a> {
    fn violation(&self, at: usize, rule: &str, message: impl std::fmt::Display) -> Violation {
        let e = self.xml.error_at(at, format!("{}: {message}", self.path.join("/")));
        Violation { line: e.line, column: e.column, message: e.message, rule: rule.to_owned() }
    }

    /// Notes that the value which is written next is that of the element here.
    fn mark(&mut self, at: usize) {
        if self.marks == Marks::Made {
            self.out.marks.push((self.out.json.len(), at));
        }
    }

    /// Refuses to make much more than was sent: a short element may stand for all the empty lists of its type.
    fn check_size(&self, at: usize) -> Result<(), Violation> {
        if self.made + self.out.size() <= self.most {
            return Ok(());
        }
        let message = format!("as JSON it takes more than {} bytes: send less in one request", self.most);
        Err(self.violation(at, "too-large", message))
    }

    /// Begins an object or an array, of the element here.
    fn open(&mut self, bracket: u8, at: usize) -> Result<(), Violation> {
        if self.depth == MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} objects and arrays inside each other");
            return Err(self.violation(at, "too-deep", message));
        }
        self.depth += 1;
        self.out.json.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.json.push(bracket);
    }

    /// Refuses an element of another name than this.
    fn check_name(&self, expected: &str, at: usize) -> Result<(), Violation> {
        let (namespace, local) = self.xml.element();
        if local != expected {
            return Err(self.violation(
                at,
                "unexpected-element",
                format!("`{local}` comes where `{expected}` is expected"),
            ));
        }
        self.check_namespace(namespace, local, at)
    }

    fn check_namespace(&self, namespace: &str, local: &str, at: usize) -> Result<(), Violation> {
        if namespace.is_empty() {
            return Ok(());
        }
        let message = format!("`{local}` has to be in no namespace, and is in `{namespace}`: write `xmlns=\"\"`");
        Err(self.violation(at, "namespace", message))
    }

    /// Checks the attributes of the element that has just begun. Tells whether it is nil.
    fn attributes(&self, at: usize) -> Result<bool, Violation> {
        let mut is_nil = false;
        for attribute in self.xml.attributes() {
            if attribute.namespace != XSI {
                let message = format!("attribute `{}` is not in the profile: there are none", attribute.local);
                return Err(self.violation(attribute.at, "attribute", message));
            }
            if attribute.local == "nil" {
                is_nil = match attribute.value.trim_ascii() {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(self.violation(at, "type", "`xsi:nil` is `true` or `false`")),
                };
            }
        }
        Ok(is_nil)
    }

    /// Reads the content of an element that is an object, to the end of the element.
    fn object(&mut self, id: TypeId, at: usize) -> Result<(), Violation> {
        let shape = self.shape;
        let Some(object) = shape.object(id) else { return Ok(()) };
        let mut seen = vec![0_u64; object.members.len()];
        // The member whose elements come here, to know where its list ends.
        let mut current = None;
        self.open(b'{', at)?;
        loop {
            let Some(event) = self.xml.next().map_err(malformed)? else { return Ok(()) };
            match event.what {
                What::Text(text) if text.trim_ascii().is_empty() => {}
                What::Text(_) => {
                    return Err(self.violation(event.start, "type", "text comes where elements are expected"));
                }
                What::Start => {
                    let (index, name, member) = self.member(object, event.start)?;
                    let is_first = current != Some(index);
                    let count = seen.get_mut(index).map_or(0, |count| std::mem::replace(count, *count + 1));
                    self.path.push(name);
                    if count > 0 && member.list.is_none() {
                        return Err(self.violation(event.start, "duplicate", "it is there twice"));
                    }
                    if count > 0 && is_first {
                        return Err(self.violation(
                            event.start,
                            "unexpected-element",
                            "the elements of a list have to follow each other",
                        ));
                    }
                    if is_first {
                        self.end_list(object, current);
                        self.name(name);
                        if member.list.is_some() {
                            self.mark(event.start);
                            self.open(b'[', event.start)?;
                        }
                    } else {
                        self.out.json.push(b',');
                    }
                    current = Some(index);
                    self.value(member, event.start)?;
                    self.path.pop();
                }
                What::End => break,
            }
        }
        self.end_list(object, current);
        for ((name, member), count) in object.members.iter().zip(seen) {
            if count > 0 || !member.is_required {
                continue;
            }
            // Of a list, no element is a number of elements too.
            if member.list.is_none() {
                return Err(self.violation(at, "required", format!("`{name}` is missing")));
            }
            self.check_size(at)?;
            self.name(name);
            self.mark(at);
            self.open(b'[', at)?;
            self.close(b']');
        }
        self.close(b'}');
        Ok(())
    }

    /// The member that the element which has just begun stands for.
    fn member(&self, object: &'p Object, at: usize) -> Result<(usize, &'p str, &'p Member), Violation> {
        let (namespace, local) = self.xml.element();
        let Some((index, name, member)) = object.members.get_full(local) else {
            let names: Vec<_> = object.members.keys().map(|name| format!("`{name}`")).collect();
            let message = format!("`{local}` is not in the profile: there are {}", names.join(", "));
            return Err(self.violation(at, "unexpected-element", message));
        };
        self.check_namespace(namespace, local, at)?;
        Ok((index, name, member))
    }

    fn end_list(&mut self, object: &Object, current: Option<usize>) {
        let member = current.and_then(|index| object.members.get_index(index));
        if member.is_some_and(|(_, member)| member.list.is_some()) {
            self.close(b']');
        }
    }

    fn name(&mut self, name: &str) {
        if self.out.json.last() != Some(&b'{') {
            self.out.json.push(b',');
        }
        self.string(name);
        self.out.json.push(b':');
    }

    fn string(&mut self, text: &str) {
        // A `Vec` takes all that is written.
        let _ = serde_json::to_writer(&mut self.out.json, text);
    }

    /// Reads an element that has just begun, to its end.
    fn value(&mut self, member: &'p Member, at: usize) -> Result<(), Violation> {
        self.check_size(at)?;
        self.mark(at);
        let is_nil = self.attributes(at)?;
        match &member.content {
            _ if is_nil => {
                if !member.is_nullable {
                    return Err(self.violation(at, "nillable", "it can't be nil"));
                }
                if !self.text(at)?.is_empty() {
                    return Err(self.violation(at, "nillable", "it is nil and has content"));
                }
                self.out.json.extend(b"null");
                Ok(())
            }
            Content::Object(id) => self.object(*id, at),
            Content::Simple(simple) => self.simple(simple, at),
        }
    }

    fn simple(&mut self, simple: &Simple, at: usize) -> Result<(), Violation> {
        let text = self.text(at)?;
        let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
        simple.lexical.check(&text, &|_| None).map_err(|fault| self.violation(at, "type", fault.message))?;
        match simple.kind {
            SimpleKind::Text => self.string(&text),
            SimpleKind::Token => self.string(trimmed),
            SimpleKind::Base64 => self.string(&text.split_ascii_whitespace().collect::<String>()),
            SimpleKind::Integer | SimpleKind::Number => self.out.json.extend(number::json(trimmed).bytes()),
            SimpleKind::Boolean if matches!(trimmed, "true" | "1") => self.out.json.extend(b"true"),
            SimpleKind::Boolean => self.out.json.extend(b"false"),
        }
        Ok(())
    }

    /// The text of an element without elements in it, which is read to its end.
    fn text(&mut self, at: usize) -> Result<Cow<'a, str>, Violation> {
        let mut all = Cow::Borrowed("");
        loop {
            let Some(event) = self.xml.next().map_err(malformed)? else { return Ok(all) };
            match event.what {
                What::Text(text) if all.is_empty() => all = text,
                What::Text(text) => all.to_mut().push_str(&text),
                What::End => return Ok(all),
                What::Start => return Err(self.violation(at, "type", "an element comes where text is expected")),
            }
        }
    }
}

fn malformed(e: ParseError) -> Violation {
    Violation { line: e.line, column: e.column, message: e.message, rule: "well-formed".into() }
}
