//! The character classes of XML 1.0 (fifth edition) and the references that need no DOCTYPE.

use std::borrow::Cow;

/// Production `S`.
pub(super) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Production `Char`.
pub(super) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Production `NameStartChar`, without the colon.
const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// Production `NameChar`, without the colon.
pub(super) const fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether this can be a prefix or a local name: production `NCName` of "Namespaces in XML 1.0".
pub(crate) fn is_ncname(name: &str) -> bool {
    if name.is_ascii() {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
        return name.as_bytes().first().is_some_and(begins) && name.bytes().all(plain);
    }
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Reads the reference that a text begins with: the character it stands for, and its length in bytes with `&` and `;`.
pub(super) fn reference(text: &str) -> Result<(char, usize), String> {
    let inside = text.get(1..).unwrap_or_default();
    let end = inside.find(|c| matches!(c, ';' | '&' | '<') || is_space(c));
    let name = end.and_then(|end| inside.split_at_checked(end)).filter(|(_, rest)| rest.starts_with(';'));
    let Some((name, _)) = name else {
        return Err("`&` begins a reference, which ends with `;`; for the character itself write `&amp;`".into());
    };
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        "quot" => '"',
        _ => match name.strip_prefix('#') {
            Some(number) => numbered(number).ok_or_else(|| format!("`&{name};` stands for no character of XML"))?,
            None => {
                return Err(format!(
                    "entity `&{name};` is unknown: without a DOCTYPE there are amp, lt, gt, apos and quot; \
                     write the character itself or its number"
                ));
            }
        },
    };
    Ok((character, name.len() + 2))
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_char(*c))
}

/// The value of an attribute as XML normalises it: references resolved, white space turned into spaces. The references
/// have been checked before.
pub(super) fn normalised(value: &str) -> Cow<'_, str> {
    if !value.bytes().any(|byte| matches!(byte, b'&' | b'\t' | b'\r' | b'\n')) {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let (character, length) = match first {
            '&' => reference(rest).unwrap_or(('&', 1)),
            c if is_space(c) => (' ', 1),
            c => (c, c.len_utf8()),
        };
        text.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// Text between tags as XML means it: references resolved, line ends turned into line feeds. The references have been
/// checked before.
pub(super) fn resolved(run: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'&', b'\r', run.as_bytes()).is_none() {
        return Cow::Borrowed(run);
    }
    let mut text = String::with_capacity(run.len());
    let mut rest = run;
    while let Some(first) = rest.chars().next() {
        let (character, length) = match first {
            '&' => reference(rest).unwrap_or(('&', 1)),
            '\r' => ('\n', if rest.starts_with("\r\n") { 2 } else { 1 }),
            c => (c, c.len_utf8()),
        };
        text.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(text)
}

/// Writes text as it has to stand between tags to be read back unchanged. What XML has no place for is left out.
pub(crate) fn escaped(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '\r' => into.push_str("&#13;"),
            c if is_char(c) => into.push(c),
            _ => {}
        }
    }
}

/// Text as it has to be written inside a double-quoted attribute value to be read back unchanged. What XML has no place
/// for is left out.
pub(crate) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '"' => text.push_str("&quot;"),
            '\t' => text.push_str("&#9;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            c if is_char(c) => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_recommendation() {
        for good in ["Contact", "_x", "élan", "a-b.c", "x1", "名前"] {
            assert!(is_ncname(good), "{good}");
        }
        for bad in ["", "1x", "-x", ".x", "a b", "a:b", "a×b", "a\u{0}"] {
            assert!(!is_ncname(bad), "{bad:?}");
        }
    }

    #[test]
    fn references_are_the_five_and_numbers() {
        assert_eq!(reference("&lt;x"), Ok(('<', 4)));
        assert_eq!(reference("&#65;"), Ok(('A', 5)));
        assert_eq!(reference("&#x1F600;"), Ok(('😀', 9)));
        for bad in
            ["&", "&amp", "& amp;", "&;", "&#;", "&#x;", "&#+65;", "&#0;", "&#xD800;", "&#99999999999;", "&nbsp;"]
        {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_quoted_value_is_read_back() {
        let value = "a<b>&\"c'\n\td";
        assert_eq!(normalised(&quoted(value)), value);
        assert_eq!(normalised("a\nb&amp;c"), "a b&c");
    }
}
