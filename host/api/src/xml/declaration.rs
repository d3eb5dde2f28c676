//! The XML declaration, `<?xml version="1.0" encoding="..."?>`, and the encodings that are read.

use super::chars::is_space;
use super::cursor::Cursor;
use crate::parse_error::ParseError;

/// An encoding that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, and US-ASCII which is a part of it.
    Utf8,
    /// ISO-8859-1: every byte is the character of its number.
    Latin1,
    /// UTF-16 in either byte order, which a byte order mark tells.
    Utf16,
}

impl Encoding {
    /// The encoding of a name (IANA "Character Sets"), or why it is not read.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Self::Utf8),
            "iso-8859-1" | "latin1" => Ok(Self::Latin1),
            "utf-16" | "utf-16le" | "utf-16be" => Ok(Self::Utf16),
            _ => Err(format!("encoding `{name}` is not read; send UTF-8, UTF-16, US-ASCII or ISO-8859-1")),
        }
    }
}

/// Moves past the XML declaration, if one begins here, and gives the encoding that it names.
pub(super) fn declaration(cursor: &mut Cursor<'_>) -> Result<Option<Encoding>, ParseError> {
    let start = cursor.at();
    if !cursor.rest().strip_prefix("<?xml").is_some_and(|rest| rest.starts_with(|c| c == '?' || is_space(c))) {
        return Ok(None);
    }
    cursor.eat("<?xml");
    let mut part = |name: &str| {
        let mut ahead = cursor.clone();
        if !(ahead.skip_space() && ahead.eat(name)) {
            return Ok(None);
        }
        *cursor = ahead;
        cursor.equals_quoted(name).map(Some)
    };
    let version = part("version")?;
    let encoding = part("encoding")?;
    let standalone = part("standalone")?;
    let is_version =
        |v: &str| v.strip_prefix("1.").is_some_and(|m| !m.is_empty() && m.bytes().all(|b| b.is_ascii_digit()));
    if !version.is_some_and(|(_, v)| is_version(v)) {
        return Err(cursor.error_at(start, "the XML declaration begins with a version: `<?xml version=\"1.0\"`"));
    }
    let encoding = match encoding {
        Some((at, name)) => Some(Encoding::named(name).map_err(|message| cursor.error_at(at, message))?),
        None => None,
    };
    if standalone.is_some_and(|(_, v)| !matches!(v, "yes" | "no")) {
        return Err(cursor.error_at(start, "`standalone` in the XML declaration is `yes` or `no`"));
    }
    cursor.skip_space();
    if !cursor.eat("?>") {
        return Err(cursor
            .error("the XML declaration takes version, encoding and standalone, in this order, and ends with `?>`"));
    }
    Ok(encoding)
}
