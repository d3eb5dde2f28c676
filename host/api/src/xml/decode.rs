//! From bytes to text: byte order mark, then the media type's charset, then the declaration, then UTF-8, in the order of
//! RFC 7303 section 3. UTF-8 is borrowed; the others cost one copy.

use std::borrow::Cow;

use bytes::Bytes;

use super::cursor::Cursor;
use super::declaration::{Encoding, declaration};
use crate::parse_error::ParseError;

/// More of a document is not looked through for the end of its declaration.
const DECLARATION_BYTES: usize = 1_024;

/// The text of an XML document without its byte order mark. `charset` is that of its media type.
pub(crate) fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, ParseError> {
    let (encoding, bytes) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Encoding::Utf8, rest),
        [0xFF, 0xFE, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => match charset {
            Some(name) => (Encoding::named(name).map_err(|message| ParseError::at("", 0, message))?, bytes),
            None => (declared(bytes)?, bytes),
        },
    };
    match encoding {
        Encoding::Utf8 => utf8(bytes).map(Cow::Borrowed),
        Encoding::Latin1 if bytes.is_ascii() => utf8(bytes).map(Cow::Borrowed),
        Encoding::Latin1 => Ok(Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect())),
        Encoding::Utf16 => Err(ParseError::at("", 0, "UTF-16 is said, but no byte order mark begins the document")),
    }
}

/// As [`decode`]: UTF-8 is a slice of the bytes.
pub(crate) fn decoded(bytes: &Bytes, charset: Option<&str>) -> Result<Bytes, ParseError> {
    Ok(match decode(bytes, charset)? {
        Cow::Borrowed(text) => bytes.slice_ref(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    })
}

/// What the declaration says; UTF-8 without one. What is wrong with a declaration otherwise is for the reader to tell.
fn declared(bytes: &[u8]) -> Result<Encoding, ParseError> {
    let head = bytes.get(..DECLARATION_BYTES).unwrap_or(bytes);
    let Some(end) = head.windows(2).position(|pair| pair == b"?>") else {
        return Ok(Encoding::Utf8);
    };
    let head = std::str::from_utf8(head.get(..end + 2).unwrap_or_default()).unwrap_or_default();
    Ok(declaration(&mut Cursor::new(head))?.unwrap_or(Encoding::Utf8))
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(bytes).map_err(|e| {
        let good = bytes.get(..e.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default();
        ParseError::at(good, good.len(), "the bytes here are not UTF-8; another encoding has to be declared")
    })
}

fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'a, str>, ParseError> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Err(ParseError::at(&text, text.len(), "half a surrogate pair: this is not UTF-16")),
        }
    }
    if odd.is_empty() {
        Ok(Cow::Owned(text))
    } else {
        Err(ParseError::at(&text, text.len(), "half a UTF-16 unit ends the text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, bom: [u8; 2], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        bom.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
    }

    #[test]
    fn each_encoding_gives_the_same_text() {
        let text = "<a>é😀</a>";
        assert_eq!(decode(text.as_bytes(), None).unwrap(), text);
        assert_eq!(decode(format!("\u{FEFF}{text}").as_bytes(), None).unwrap(), text);
        assert_eq!(decode(&utf16_bytes(text, [0xFF, 0xFE], u16::to_le_bytes), None).unwrap(), text);
        assert_eq!(decode(&utf16_bytes(text, [0xFE, 0xFF], u16::to_be_bytes), Some("utf-8")).unwrap(), text);
        assert_eq!(decode(b"<a>\xE9</a>", Some("ISO-8859-1")).unwrap(), "<a>é</a>");
        let declared = b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>";
        assert!(decode(declared, None).unwrap().ends_with("<a>é</a>"));
        assert!(decode(b"<?xml version='1.0' encoding='US-ASCII'?><a/>", None).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let message = |bytes: &[u8], charset| decode(bytes, charset).unwrap_err().to_string();
        assert!(
            message(b"<?xml version='1.0' encoding='EBCDIC-US'?><a/>", None)
                .starts_with("line 1, column 31: encoding `EBCDIC-US`")
        );
        assert!(message(b"<a/>", Some("windows-1252")).contains("`windows-1252` is not read"));
        assert!(message(b"<?xml version='1.0' encoding='UTF-16'?><a/>", None).contains("byte order mark"));
        assert!(message(b"<a>\n\xE9</a>", None).starts_with("line 2, column 1: the bytes"));
        assert!(message(b"\xFF\xFEa\0b", None).contains("half a UTF-16 unit"));
        assert!(message(b"\xFE\xFF\xD8\x00\x00a", None).contains("surrogate"));
    }
}
