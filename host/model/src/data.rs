//! The bytes of a document, in one piece or two.
//!
//! A document that was cut out of a list is a short head of its own (declaration, namespaces) and a slice of the list: a list of
//! any size is taken apart without a second copy of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// Bytes in one piece or two. Cloning copies nothing.
#[derive(Clone, Default)]
pub struct Data {
    /// None where there is one piece: most documents are, and pay for a pointer.
    head: Option<Arc<[u8]>>,
    rest: Bytes,
}

impl Data {
    /// No bytes.
    pub const fn new() -> Self {
        Self { head: None, rest: Bytes::new() }
    }

    /// Two pieces, one after the other. The first is meant to be short, and may be shared by many.
    pub fn joined(head: impl Into<Arc<[u8]>>, rest: impl Into<Bytes>) -> Self {
        Self { head: Some(head.into()), rest: rest.into() }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.head().len() + self.rest.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces, in order. The first is empty where there is one.
    pub fn pieces(&self) -> [&[u8]; 2] {
        [self.head(), &self.rest]
    }

    fn head(&self) -> &[u8] {
        self.head.as_deref().unwrap_or_default()
    }

    /// All bytes in one piece. Copies them where there are two.
    pub fn to_bytes(&self) -> Bytes {
        if self.head.is_none() { self.rest.clone() } else { self.to_vec().into() }
    }

    /// As [`Data::to_bytes`]: bytes in one piece that nothing shares stay so.
    pub fn into_bytes(self) -> Bytes {
        if self.head.is_none() { self.rest } else { self.to_vec().into() }
    }

    /// As [`Data::to_bytes`], for looking at.
    pub fn contiguous(&self) -> Cow<'_, [u8]> {
        if self.head.is_none() { Cow::Borrowed(&self.rest) } else { Cow::Owned(self.to_vec()) }
    }

    /// A copy of all bytes, which holds no buffer that they are a part of.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces().concat()
    }

    /// The bytes as text, or none when they are not UTF-8. Copies them where there are two pieces.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.contiguous() {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// The bytes of a range, as far as there are any, in one piece. Those of the second piece are not copied, unless
    /// some of the first come with them.
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let border = self.len() - self.rest.len();
        if start >= border {
            return self.rest.slice(start - border..end - border);
        }
        let head = self.head().get(start..end.min(border)).unwrap_or_default();
        let rest = self.rest.get(..end.saturating_sub(border)).unwrap_or_default();
        [head, rest].concat().into()
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (&self.head, &other.head) {
            (None, _) => *other == *self.rest,
            (_, None) => *self == *other.rest,
            _ => self.len() == other.len() && self.contiguous() == other.contiguous(),
        }
    }
}

impl Eq for Data {}

impl PartialEq<[u8]> for Data {
    fn eq(&self, other: &[u8]) -> bool {
        other
            .split_at_checked(self.head().len())
            .is_some_and(|(head, rest)| *self.head() == *head && *self.rest == *rest)
    }
}

/// As text where it is, since documents mostly are.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Bytes::from(self.contiguous().into_owned()), f)
    }
}

impl<T: Into<Bytes>> From<T> for Data {
    fn from(bytes: T) -> Self {
        Self { head: None, rest: bytes.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_or_two_are_the_same_bytes() {
        let two = Data::joined(*b"<?xml?>", "<a/>");
        let one = Data::from("<?xml?><a/>");
        assert_eq!(two, one);
        assert_eq!(two, *b"<?xml?><a/>".as_slice());
        assert_ne!(two, *b"<?xml?>".as_slice());
        assert_eq!(two.to_bytes(), one.to_bytes());
        assert_eq!(two.text().as_deref(), Some("<?xml?><a/>"));
        for start in 0..13 {
            for end in start..13 {
                assert_eq!(two.slice(start..end), one.slice(start..end), "{start}..{end}");
            }
        }
        assert_eq!(two, Data::joined(*b"<?xml?><", "a/>"));
        assert_ne!(two, Data::joined(*b"<?xml?><", "b/>"));
        assert_eq!((two.pieces(), one.pieces()), ([&b"<?xml?>"[..], b"<a/>"], [&b""[..], b"<?xml?><a/>"]));
        assert!(Data::new().is_empty() && Data::joined([], "").is_empty());
    }
}
