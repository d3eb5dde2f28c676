//! Reads a document event by event, with names and values as XML means them: what needs more of it than its extent.
//!
//! Linear in the text. Nothing is copied but text with references in it.

use std::borrow::Cow;

use super::chars::{normalised, resolved};
use super::scan::{Kind, Scanner};
use super::scope::Binding;
use crate::parse_error::ParseError;

/// What happens at a place of the text. Comments, processing instructions and the declaration are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// An element begins: [`Reader::element`] and [`Reader::attributes`] tell of it. One without content is this and then
    /// an end of no length.
    Start,
    /// Text, or a CDATA section, its references resolved. Where a comment or a section divides a text, it comes in several.
    Text(Cow<'a, str>),
    /// An element ends: the innermost open one is now the one around it.
    End,
}

/// An event and the bytes of the text that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) what: What<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// An attribute that declares no namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute<'r, 'a> {
    /// Empty for none.
    pub(crate) namespace: &'r str,
    pub(crate) local: &'a str,
    /// As XML normalises it: references resolved, white space turned into spaces.
    pub(crate) value: Cow<'a, str>,
    /// Offset of its name.
    pub(crate) at: usize,
    /// Offset of its value as written, within the quotes, and its length there.
    pub(crate) value_at: usize,
    pub(crate) value_len: usize,
}

/// Reads a text, which has to be read to its end to know that it is a well-formed document.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, scanner: Scanner::new(text) }
    }

    /// The next event, or none at the end of a well-formed document. White space outside of the root is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        while let Some(token) = self.scanner.next()? {
            let what = match token.kind {
                Kind::Declaration | Kind::Aside => continue,
                Kind::Text { .. } if self.scanner.depth() == 0 => continue,
                Kind::Start(_) => What::Start,
                Kind::End => What::End,
                Kind::Text { .. } => What::Text(self.characters(token.start, token.end)),
            };
            return Ok(Some(Event { what, start: token.start, end: token.end }));
        }
        Ok(None)
    }

    /// How many elements are open: the one that has just begun is, the one that has just ended is not.
    pub(crate) const fn depth(&self) -> usize {
        self.scanner.depth()
    }

    /// Namespace (empty for none) and local name of the innermost open element.
    pub(crate) fn element(&self) -> (&str, &'a str) {
        self.scanner.element()
    }

    /// The attributes of the element that has just begun, in their order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = Attribute<'_, 'a>> {
        self.scanner.attributes().iter().map(|attribute| {
            let prefix = attribute.name.prefix;
            Attribute {
                // An attribute without a prefix is in no namespace; a prefix that stands for nothing has been refused.
                namespace: if prefix.is_empty() { "" } else { self.namespace(prefix).unwrap_or_default() },
                local: attribute.name.local,
                value: normalised(attribute.value),
                at: attribute.name.at,
                value_at: attribute.at,
                value_len: attribute.value.len(),
            }
        })
    }

    /// What a prefix stands for here, the empty one for the default namespace: for names in values (`xsi:type`).
    pub(crate) fn namespace(&self, prefix: &str) -> Option<&str> {
        self.scanner.namespace(prefix)
    }

    /// The namespace declarations in force as prefix and the attribute as written (`xmlns:p="u"`), each prefix once: what a
    /// piece of the text needs to stand alone. The third tells whether the innermost open element makes it itself.
    pub(crate) fn declarations(&self) -> Vec<(&'a str, &'a str, bool)> {
        let own = self.scanner.declarations();
        let all = self.scanner.in_force();
        let inherited = all.len().saturating_sub(own.len());
        let mut seen: Vec<(&'a str, &'a str, bool)> = Vec::new();
        for (index, Binding { prefix, source, .. }) in all.iter().enumerate().rev() {
            if !seen.iter().any(|(known, ..)| known == prefix) {
                seen.push((prefix, source, index >= inherited));
            }
        }
        seen.reverse();
        seen
    }

    /// An error at an offset of the text.
    pub(crate) fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        self.scanner.error_at(at, message)
    }

    /// A run of characters as XML means it. Line ends are line feeds (section 2.11).
    fn characters(&self, start: usize, end: usize) -> Cow<'a, str> {
        let written = self.text.get(start..end).unwrap_or_default();
        match written.strip_prefix("<![CDATA[") {
            Some(section) => lines(section.strip_suffix("]]>").unwrap_or(section)),
            None => resolved(written),
        }
    }
}

/// Text with its line ends as line feeds.
fn lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let mut reader = Reader::new(text);
        let mut told = Vec::new();
        while let Some(event) = reader.next().unwrap() {
            told.push(match event.what {
                What::Start => {
                    let (namespace, local) = reader.element();
                    let attributes: Vec<_> =
                        reader.attributes().map(|a| format!(" {{{}}}{}={}", a.namespace, a.local, a.value)).collect();
                    format!("<{{{namespace}}}{local}{}", attributes.concat())
                }
                What::Text(text) => text.into_owned(),
                What::End => format!("/{}", reader.depth()),
            });
        }
        told
    }

    #[test]
    fn names_and_values_are_those_that_are_meant() {
        assert_eq!(
            told(
                "<?xml version='1.0'?>\n<a xmlns='u' xmlns:p='v' p:x='1&amp;2' y='a\nb'><!-- c --><p:b xmlns=''/>t&lt;\r\n<![CDATA[<&]]></a> "
            ),
            ["<{u}a {v}x=1&2 {}y=a b", "<{v}b", "/1", "t<\n", "<&", "/0"]
        );
        assert_eq!(
            told("<a xmlns='u'><b xmlns=''><c/></b><d/></a>"),
            ["<{u}a", "<{}b", "<{}c", "/2", "/1", "<{u}d", "/1", "/0"]
        );
        assert_eq!(told("<a xml:lang='de'/>"), ["<{}a {http://www.w3.org/XML/1998/namespace}lang=de", "/0"]);
    }

    #[test]
    fn declarations_in_force_come_once_for_each_prefix() {
        let mut reader = Reader::new("<a xmlns='u' xmlns:p='v' xmlns:q='w'><b xmlns:p='z'/></a>");
        reader.next().unwrap();
        reader.next().unwrap();
        assert_eq!(
            reader.declarations(),
            [("", "xmlns='u'", false), ("q", "xmlns:q='w'", false), ("p", "xmlns:p='z'", true)]
        );
        assert_eq!((reader.namespace("p"), reader.namespace(""), reader.namespace("x")), (Some("z"), Some("u"), None));
    }
}
