//! Percent-decoding that refuses what it can't read, for paths and queries alike.
//!
//! Costs nothing where nothing is encoded. Decoding is done once for each piece of a request, never on a result.

use std::borrow::Cow;

use memchr::memchr;
use percent_encoding::percent_decode_str;

/// Why a piece of a path or query can't be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A `%` that two hexadecimal digits do not follow.
    #[error("`%` is not followed by two hexadecimal digits: write a literal `%` as `%25`")]
    Encoding,
    /// The decoded bytes are not UTF-8.
    #[error("it does not decode to UTF-8")]
    NotUtf8,
}

/// Decodes `%XX`, borrowing where nothing is encoded.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, DecodeError> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    // The library passes a stray `%` through. Two readers of one URL must not understand it differently.
    let hex = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_hexdigit());
    let well_formed = text.split('%').skip(1).map(str::bytes).all(|mut rest| hex(rest.next()) && hex(rest.next()));
    if !well_formed {
        return Err(DecodeError::Encoding);
    }
    percent_decode_str(text).decode_utf8().map_err(|_| DecodeError::NotUtf8)
}

/// Decodes a key or value of a query, where `+` is a space.
pub(crate) fn decode_query(text: &str) -> Result<Cow<'_, str>, DecodeError> {
    if memchr(b'+', text.as_bytes()).is_none() {
        return decode(text);
    }
    decode(&text.replace('+', " ")).map(|decoded| Cow::Owned(decoded.into_owned()))
}

/// The beginning of a text that came with a request, short enough for a message.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    const CHARS: usize = 120;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once() {
        assert_eq!(decode("caf%C3%A9").unwrap(), "café");
        assert_eq!(decode("%2541").unwrap(), "%41");
        assert_eq!(decode("a+b").unwrap(), "a+b");
        assert_eq!(decode_query("a+b%2Bc").unwrap(), "a b+c");
        assert!(matches!(decode("plain"), Ok(Cow::Borrowed("plain"))));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for bad in ["%", "%4", "%zz", "a%4gb", "%%41", "%é1"] {
            assert_eq!(decode(bad), Err(DecodeError::Encoding), "{bad}");
        }
        assert_eq!(decode("%FF"), Err(DecodeError::NotUtf8));
        assert_eq!(decode_query("+%C3"), Err(DecodeError::NotUtf8));
    }

    #[test]
    fn an_excerpt_ends_between_characters() {
        let long = "é".repeat(200);
        assert_eq!(excerpt(&long).chars().count(), 123);
        assert_eq!(excerpt("short"), "short");
    }
}
