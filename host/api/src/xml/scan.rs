//! Reads a text token by token and refuses it where it stops being a well-formed, namespace-well-formed document.

use super::chars::is_space;
use super::cursor::{Cursor, Name};
use super::declaration::declaration;
use super::scope::{Binding, Namespace, Scope};
use super::{MAX_ATTRIBUTES, MAX_DEPTH};
use crate::parse_error::ParseError;

/// What a token is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// The XML declaration.
    Declaration,
    /// A comment or a processing instruction.
    Aside,
    /// Characters between tags, or a CDATA section.
    Text {
        /// Nothing but white space.
        blank: bool,
    },
    /// A start tag. An empty-element tag is this, and then an [`Kind::End`] of no length.
    Start(Name<'a>),
    /// An end tag.
    End,
}

/// A piece of the text: `start..end` in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// An element whose end tag has not come yet.
#[derive(Debug)]
struct Open<'a> {
    name: Name<'a>,
    /// Mark of the scope outside it.
    mark: usize,
}

/// An attribute that declares no namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: Name<'a>,
    /// As written, without its quotes.
    pub(super) value: &'a str,
    /// Offset of the value.
    pub(super) at: usize,
}

/// The reader. It has to be read to its end to know that the document is well-formed.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    cursor: Cursor<'a>,
    open: Vec<Open<'a>>,
    scope: Scope<'a>,
    /// Of the last start tag, declarations not among them.
    attributes: Vec<Attribute<'a>>,
    has_root: bool,
    /// An empty-element tag was read, and its end is still to be told.
    owes_end: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            open: Vec::new(),
            scope: Scope::default(),
            attributes: Vec::new(),
            has_root: false,
            owes_end: false,
        }
    }

    /// How many elements are open: the one of a start tag just read is, the one of an end tag is not.
    pub(super) const fn depth(&self) -> usize {
        self.open.len()
    }

    /// The namespaces that the innermost open element declares.
    pub(super) fn declarations(&self) -> &[Binding<'a>] {
        self.scope.since(self.open.last().map_or(0, |open| open.mark))
    }

    /// Whether the innermost open element declares this prefix.
    pub(super) fn declares(&self, prefix: &str) -> bool {
        let Some(open) = self.open.last() else { return false };
        // Most elements declare nothing.
        open.mark < self.scope.len() && self.scope.is_declared_since(open.mark, prefix)
    }

    /// The namespaces in force around the innermost open element, each prefix once, outermost first.
    pub(super) fn inherited(&self) -> Vec<Binding<'a>> {
        self.scope.visible_before(self.open.last().map_or(0, |open| open.mark))
    }

    /// The element around the innermost open one, told from any other of the text; none for the root.
    pub(super) fn around(&self) -> Option<usize> {
        self.open.iter().rev().nth(1).map(|open| open.name.at)
    }

    /// The namespaces in force, outermost first; an inner declaration hides those of the same prefix before it.
    pub(super) fn in_force(&self) -> &[Binding<'a>] {
        self.scope.all()
    }

    /// The namespace of the innermost open element, and its local name.
    pub(super) fn element(&self) -> (&str, &'a str) {
        let Some(open) = self.open.last() else { return ("", "") };
        (self.namespace(open.name.prefix).unwrap_or_default(), open.name.local)
    }

    /// What a prefix stands for here; the empty one for the default namespace.
    pub(super) fn namespace(&self, prefix: &str) -> Option<&str> {
        if prefix.is_empty() {
            return Some(self.scope.name(self.scope.unprefixed()));
        }
        self.scope.resolve(prefix).map(|namespace| self.scope.name(namespace))
    }

    /// The attributes of the start tag just read, but for those that declare namespaces.
    pub(super) fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// A token as written.
    pub(super) fn written(&self, token: &Token<'a>) -> &'a str {
        self.cursor.text().get(token.start..token.end).unwrap_or_default()
    }

    /// An error at an offset of the text.
    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        self.cursor.error_at(at, message)
    }

    /// The next token, or none at the end of a well-formed document.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        let start = self.cursor.at();
        if self.cursor.is_done() && !self.owes_end {
            return self.finish().map(|()| None);
        }
        let kind = self.token(start)?;
        Ok(Some(Token { kind, start, end: self.cursor.at() }))
    }

    fn token(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        if std::mem::take(&mut self.owes_end) {
            self.close();
            return Ok(Kind::End);
        }
        if start == 0 {
            declaration(&mut self.cursor)?;
            if self.cursor.at() > 0 {
                return Ok(Kind::Declaration);
            }
        }
        if !self.cursor.rest().starts_with('<') {
            return self.text(start);
        }
        if self.cursor.eat("</") {
            self.end_tag(start)
        } else if self.cursor.eat("<!--") {
            self.comment(start)
        } else if self.cursor.eat("<![CDATA[") {
            self.cdata(start)
        } else if self.cursor.eat("<?") {
            self.instruction(start)
        } else if self.cursor.rest().starts_with("<!DOCTYPE") {
            Err(self.cursor.error("a DOCTYPE is not taken: send the document without it"))
        } else if self.cursor.rest().starts_with("<!") {
            Err(self.cursor.error("`<!` begins a comment `<!--` or a section `<![CDATA[`"))
        } else {
            self.cursor.eat("<");
            self.start_tag(start)
        }
    }

    fn finish(&self) -> Result<(), ParseError> {
        if let Some(open) = self.open.last() {
            let line = self.cursor.error_at(open.name.at, "").line;
            return Err(self
                .cursor
                .error(format!("the text ends, and `{}` of line {line} is still open", open.name.whole)));
        }
        if self.has_root { Ok(()) } else { Err(self.cursor.error("the text ends, and no element has come")) }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.scope.leave(open.mark);
        }
    }

    fn text(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        let run = self.cursor.up_to(b'<');
        let blank = run.bytes().all(|byte| is_space(char::from(byte)));
        if self.open.is_empty() && !blank {
            let at = start + run.len() - run.trim_start_matches(is_space).len();
            return Err(self.cursor.error_at(at, "text can't stand outside the root element"));
        }
        if run.contains(']')
            && let Some(at) = run.find("]]>")
        {
            return Err(self.cursor.error_at(start + at, "in text, `]]>` has to be written `]]&gt;`"));
        }
        self.cursor.check_text(start, run)?;
        Ok(Kind::Text { blank })
    }

    fn cdata(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        if self.open.is_empty() {
            return Err(self.cursor.error_at(start, "a CDATA section can't stand outside the root element"));
        }
        let at = self.cursor.at();
        let run = self
            .cursor
            .until("]]>")
            .ok_or_else(|| self.cursor.error_at(start, "the CDATA section never ends: `]]>`"))?;
        self.cursor.check_chars(at, run)?;
        Ok(Kind::Text { blank: false })
    }

    fn comment(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        let at = self.cursor.at();
        let run =
            self.cursor.until("--").ok_or_else(|| self.cursor.error_at(start, "the comment never ends: `-->`"))?;
        if !self.cursor.eat(">") {
            return Err(self.cursor.error("`--` can't stand inside a comment"));
        }
        self.cursor.check_chars(at, run)?;
        Ok(Kind::Aside)
    }

    fn instruction(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        let target = self.cursor.name("a processing instruction")?;
        if target.whole.eq_ignore_ascii_case("xml") {
            return Err(self.cursor.error_at(start, "an XML declaration can only stand at the very beginning"));
        }
        if !target.prefix.is_empty() {
            return Err(self.cursor.error_at(target.at, "the name of a processing instruction has no `:`"));
        }
        let at = self.cursor.at();
        let run = self
            .cursor
            .until("?>")
            .ok_or_else(|| self.cursor.error_at(start, "the processing instruction never ends: `?>`"))?;
        if !run.is_empty() && !run.starts_with(is_space) {
            return Err(self.cursor.error_at(at, "white space has to follow the name of a processing instruction"));
        }
        self.cursor.check_chars(at, run)?;
        Ok(Kind::Aside)
    }

    fn end_tag(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        // Mostly it is the name that is due, and nothing but `>` after it.
        let due = self.open.last().map_or("", |open| open.name.whole);
        let here = self.cursor.rest().strip_prefix(due).is_some_and(|rest| rest.starts_with('>'));
        if here && !due.is_empty() {
            self.cursor.eat(due);
            self.cursor.eat(">");
            self.close();
            return Ok(Kind::End);
        }
        let name = self.cursor.name("an element")?;
        self.cursor.skip_space();
        if !self.cursor.eat(">") {
            return Err(self.cursor.error(format!("`>` has to end `</{}`", name.whole)));
        }
        match self.open.last() {
            Some(open) if open.name.whole == name.whole => {
                self.close();
                Ok(Kind::End)
            }
            Some(open) => {
                let line = self.cursor.error_at(open.name.at, "").line;
                let (found, expected) = (name.whole, open.name.whole);
                Err(self
                    .cursor
                    .error_at(start, format!("`</{found}>` comes where `{expected}` of line {line} has to end first")))
            }
            None => Err(self.cursor.error_at(start, format!("`</{}>` ends nothing that has begun", name.whole))),
        }
    }

    fn start_tag(&mut self, start: usize) -> Result<Kind<'a>, ParseError> {
        let name = self.cursor.name("an element")?;
        if self.open.is_empty() && self.has_root {
            return Err(self
                .cursor
                .error_at(start, format!("`{}` follows the root element: there can be only one", name.whole)));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.cursor.error_at(start, format!("more than {MAX_DEPTH} elements inside each other")));
        }
        let mark = self.scope.len();
        self.attributes.clear();
        loop {
            let spaced = self.cursor.skip_space();
            self.owes_end = self.cursor.eat("/>");
            if self.owes_end || self.cursor.eat(">") {
                break;
            }
            if self.cursor.is_done() {
                return Err(self.cursor.error_at(start, format!("the tag of `{}` never ends: `>`", name.whole)));
            }
            if !spaced {
                return Err(self.cursor.error("white space or `>` has to stand here"));
            }
            if self.attributes.len() + self.scope.len() - mark >= MAX_ATTRIBUTES {
                return Err(self.cursor.error(format!("more than {MAX_ATTRIBUTES} attributes of `{}`", name.whole)));
            }
            self.attribute(mark)?;
        }
        self.namespace_of(&name)?;
        self.check_attributes()?;
        self.open.push(Open { name, mark });
        self.has_root = true;
        Ok(Kind::Start(name))
    }

    /// Reads an attribute of the element whose declarations begin at `mark`.
    fn attribute(&mut self, mark: usize) -> Result<(), ParseError> {
        let name = self.cursor.name("an attribute")?;
        let (at, value) = self.cursor.equals_quoted(name.whole)?;
        if let Some(i) = value.find('<') {
            return Err(self.cursor.error_at(at + i, "in a value, `<` has to be written `&lt;`"));
        }
        self.cursor.check_text(at, value)?;
        let prefix = match (name.prefix, name.local) {
            ("", "xmlns") => "",
            ("xmlns", prefix) => prefix,
            _ => {
                self.attributes.push(Attribute { name, value, at });
                return Ok(());
            }
        };
        if self.scope.is_declared_since(mark, prefix) {
            return Err(self.twice(name));
        }
        let source = self.cursor.since(name.at);
        self.scope.declare(prefix, value, source).map_err(|message| self.cursor.error_at(name.at, message))
    }

    fn namespace_of(&self, name: &Name<'a>) -> Result<Namespace, ParseError> {
        if name.prefix.is_empty() {
            return Ok(Namespace::NONE);
        }
        self.scope.resolve(name.prefix).ok_or_else(|| {
            self.cursor
                .error_at(name.at, format!("prefix `{0}` is not declared: `xmlns:{0}=\"...\"` is missing", name.prefix))
        })
    }

    /// Refuses attributes of undeclared prefixes, and two of one name: the same local name in the same namespace.
    fn check_attributes(&self) -> Result<(), ParseError> {
        let mut names = Vec::with_capacity(self.attributes.len());
        for Attribute { name, .. } in &self.attributes {
            names.push((self.namespace_of(name)?, name.local, name.at));
        }
        names.sort_unstable();
        let twice = names.windows(2).find_map(|pair| match pair {
            [(space, local, _), (other, same, at)] if space == other && local == same => Some(*at),
            _ => None,
        });
        match twice.and_then(|at| self.attributes.iter().find(|attribute| attribute.name.at == at)) {
            Some(attribute) => Err(self.twice(attribute.name)),
            None => Ok(()),
        }
    }

    fn twice(&self, name: Name<'a>) -> ParseError {
        self.cursor.error_at(name.at, format!("attribute `{}` comes twice", name.whole))
    }
}
