//! White space, as the facet `whiteSpace` says: what of it belongs to a value.

use std::borrow::Cow;

/// The white space of XML.
pub(super) const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// What becomes of white space, from the loosest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WhiteSpace {
    Preserve,
    /// Each becomes a space.
    Replace,
    /// Runs become one space, at both ends none.
    Collapse,
}

impl WhiteSpace {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "preserve" => Some(Self::Preserve),
            "replace" => Some(Self::Replace),
            "collapse" => Some(Self::Collapse),
            _ => None,
        }
    }

    /// The text with its white space treated. Linear, and a copy only where something within it changes.
    pub(super) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Preserve => Cow::Borrowed(text),
            Self::Replace if text.contains(['\t', '\n', '\r']) => Cow::Owned(text.replace(['\t', '\n', '\r'], " ")),
            Self::Replace => Cow::Borrowed(text),
            Self::Collapse => {
                let inner = text.trim_matches(SPACE);
                if inner.contains(['\t', '\n', '\r']) || inner.contains("  ") {
                    Cow::Owned(words(inner).collect::<Vec<_>>().join(" "))
                } else {
                    Cow::Borrowed(inner)
                }
            }
        }
    }
}

/// What stands between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(SPACE).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_that_of_xml_only() {
        let text = "\u{a0} a\t\n b\u{2003} ";
        assert_eq!(WhiteSpace::Preserve.apply(text), text);
        assert_eq!(WhiteSpace::Replace.apply(text), "\u{a0} a   b\u{2003} ");
        assert_eq!(WhiteSpace::Collapse.apply(text), "\u{a0} a b\u{2003}");
        assert!(matches!(WhiteSpace::Collapse.apply("\n a b "), Cow::Borrowed("a b")));
    }
}
