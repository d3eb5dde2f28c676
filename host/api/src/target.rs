//! The path of a request, taken apart once.
//!
//! Everything that decides by path (the router, and whoever stands before it) has to read it in the same way: a path
//! that two readers understand differently is how filters are walked around. So it is done here, once, and strictly:
//! matrix parameters (`;...`) are cut off each segment, each segment is percent-decoded exactly once, empty segments are
//! dropped, and what is ambiguous is refused. Costs an allocation for each segment that is encoded, and one where there are
//! more than eight.

use std::borrow::Cow;

use compact_str::CompactString;
use memchr::{memchr, memchr_iter, memchr2};
use smallvec::SmallVec;

pub use crate::percent::DecodeError;
use crate::percent::{self, excerpt};

/// Why a path is refused; the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It does not begin with `/`.
    #[error("the request target `{path}` is not a path: it has to begin with `/`")]
    NotAPath {
        /// What was sent.
        path: String,
    },
    /// A segment can't be decoded.
    #[error("path segment `{segment}`: {cause}")]
    Undecodable {
        /// The segment as sent.
        segment: String,
        /// What is wrong with it.
        cause: DecodeError,
    },
    /// A `.` or `..` segment, encoded or not. Clients resolve these before they send.
    #[error("path segment `{segment}`: `.` and `..` are not taken in a path: send the path that is meant")]
    Dots {
        /// The segment as sent.
        segment: String,
    },
}

/// A path in its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    path: &'a str,
    segments: SmallVec<[Segment<'a>; 8]>,
}

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'a> {
    text: Cow<'a, str>,
    /// Offset of its first byte in the path.
    start: usize,
}

impl Segment<'_> {
    /// What it says: decoded, without matrix parameters, never empty. May hold a `/` that was sent as `%2F`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> Target<'a> {
    /// Takes a path apart. The path is that of the request line, without the query.
    ///
    /// # Errors
    /// A path that does not begin with `/`, a `.` or `..` segment, bad percent-encoding, and what is not UTF-8.
    pub fn parse(path: &'a str) -> Result<Self, TargetError> {
        let Some(relative) = path.strip_prefix('/') else {
            return Err(TargetError::NotAPath { path: excerpt(path).into_owned() });
        };
        let mut segments = SmallVec::new();
        // Most paths have neither parameters nor anything encoded: nothing is then looked for in each segment.
        let plain = memchr2(b'%', b';', relative.as_bytes()).is_none();
        let mut start = 1;
        let ends = memchr_iter(b'/', relative.as_bytes()).chain([relative.len()]);
        for end in ends {
            // Slashes are whole characters, so there is always something.
            let sent = path.get(start..1 + end).unwrap_or_default();
            let (named, text) = if plain {
                (sent, Cow::Borrowed(sent))
            } else {
                let named = without_matrix(sent);
                let text = percent::decode(named)
                    .map_err(|cause| TargetError::Undecodable { segment: excerpt(named).into_owned(), cause })?;
                (named, text)
            };
            if text == "." || text == ".." {
                return Err(TargetError::Dots { segment: named.to_owned() });
            }
            if !text.is_empty() {
                segments.push(Segment { text, start });
            }
            start += sent.len() + 1;
        }
        Ok(Self { path, segments })
    }

    /// The path as sent.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// All segments, from the left.
    pub fn segments(&self) -> &[Segment<'a>] {
        &self.segments
    }

    /// The segments but for the first so many.
    pub fn after(&self, count: usize) -> &[Segment<'a>] {
        self.segments.get(count..).unwrap_or_default()
    }

    /// The path from after the first so many segments, as sent but for matrix parameters and slashes at its end. Begins with
    /// `/`, and is just that where nothing follows.
    pub fn path_after(&self, count: usize) -> CompactString {
        let sent = self.segments.get(count).and_then(|s| self.path.get(s.start..)).unwrap_or_default();
        let mut path = CompactString::with_capacity(1 + sent.len());
        path.push('/');
        if memchr(b';', sent.as_bytes()).is_some() {
            let segments = sent.split('/').map(without_matrix);
            path.extend(segments.enumerate().flat_map(|(nth, segment)| [if nth > 0 { "/" } else { "" }, segment]));
        } else {
            path.push_str(sent);
        }
        path.truncate(path.trim_end_matches('/').len().max(1));
        path
    }
}

/// A segment as sent, up to its matrix parameters.
fn without_matrix(segment: &str) -> &str {
    memchr(b';', segment.as_bytes()).and_then(|at| segment.get(..at)).unwrap_or(segment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(path: &str) -> Vec<String> {
        Target::parse(path).unwrap().segments().iter().map(|s| s.text().to_owned()).collect()
    }

    #[test]
    fn segments_are_decoded_once_and_empty_ones_dropped() {
        assert_eq!(texts("/"), [""; 0]);
        assert_eq!(texts("//a///b/"), ["a", "b"]);
        assert_eq!(texts("/caf%C3%A9/a%2Fb/%2541"), ["café", "a/b", "%41"]);
        assert_eq!(texts("/a;x=1/b;boomi_auth=Zm9v/;y"), ["a", "b"]);
        assert_eq!(texts("/a%3Bx/..."), ["a;x", "..."]);
    }

    #[test]
    fn dots_are_refused_however_they_are_written() {
        for bad in ["/.", "/a/..", "/%2e%2E/a", "/a/.%2e/b", "/..;x=1/a", "/%2e"] {
            assert!(matches!(Target::parse(bad), Err(TargetError::Dots { .. })), "{bad}");
        }
    }

    #[test]
    fn errors_name_the_segment() {
        let error = Target::parse("/ws/100%/x").unwrap_err();
        assert_eq!(
            error.to_string(),
            "path segment `100%`: `%` is not followed by two hexadecimal digits: write a literal `%` as `%25`"
        );
        assert_eq!(Target::parse("/%ff").unwrap_err().to_string(), "path segment `%ff`: it does not decode to UTF-8");
        assert!(matches!(Target::parse("*"), Err(TargetError::NotAPath { .. })));
        assert!(matches!(Target::parse(""), Err(TargetError::NotAPath { .. })));
    }

    #[test]
    fn the_rest_of_a_path_is_as_sent() {
        let rest = |path, count| Target::parse(path).unwrap().path_after(count);
        assert_eq!(rest("/ws/rest/test/caf%C3%A9/1", 2), "/test/caf%C3%A9/1");
        assert_eq!(rest("//ws//rest//test//a;x=1/b;y//", 2), "/test//a/b");
        assert_eq!(rest("/ws/rest/", 2), "/");
        assert_eq!(rest("/ws", 7), "/");
        assert_eq!(rest("/;a", 0), "/");
    }

    proptest! {
        #[test]
        fn any_path_is_read_or_refused(path in "[/.;%a2fE +é]{0,24}|\\PC*") {
            if let Ok(target) = Target::parse(&path) {
                for segment in target.segments() {
                    prop_assert!(!matches!(segment.text(), "" | "." | ".."));
                }
                for count in 0..=target.segments().len() {
                    let rest = target.path_after(count);
                    // What is left reads as the same segments: nothing is lost or decoded on the way.
                    let again = Target::parse(&rest).unwrap();
                    let texts = |s: &[Segment<'_>]| s.iter().map(|s| s.text().to_owned()).collect::<Vec<_>>();
                    prop_assert_eq!(texts(again.segments()), texts(target.after(count)));
                }
            }
        }

        #[test]
        fn encoding_every_byte_gives_the_segments_back(texts in prop::collection::vec("[^.]{1,6}", 1..5)) {
            let path: String = texts
                .iter()
                .map(|t| format!("/{}", t.bytes().map(|b| format!("%{b:02x}")).collect::<String>()))
                .collect();
            let target = Target::parse(&path).unwrap();
            prop_assert_eq!(target.segments().iter().map(Segment::text).collect::<Vec<_>>(), texts);
        }
    }
}
