//! A media type with its parameters: the value of a Content-Type (RFC 9110 section 8.3.1, RFC 2045 section 5.1).

use std::borrow::Cow;

/// A media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType<'a> {
    /// Type and subtype, in lower case.
    pub(crate) essence: String,
    parameters: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> MediaType<'a> {
    /// Reads a value. Parameters that can't be read are passed over: what they would have said shows otherwise.
    pub(crate) fn parse(value: &'a str) -> Self {
        let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
        let mut parameters = Vec::new();
        while let Some((name, value, after)) = parameter(rest) {
            if !value.is_empty() {
                parameters.push((name, value));
            }
            rest = after;
        }
        Self { essence: essence.trim().to_ascii_lowercase(), parameters }
    }

    /// The first parameter of this name, which has no case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// Name and value of the next parameter, the value empty where it can't be read, and what follows its `;`.
fn parameter(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    // Only from its start: this is asked once for each parameter, and white space at the end would be passed over as often.
    if text.trim_start().is_empty() {
        return None;
    }
    let plain = text.split(';').next().unwrap_or(text);
    let Some((name, value)) = plain.split_once('=') else {
        return Some(("", Cow::Borrowed(""), after(text, plain.len())));
    };
    let name = name.trim();
    let (_, quoted) = text.split_once('=')?;
    match quoted.trim_start().strip_prefix('"') {
        None => Some((name, Cow::Borrowed(value.trim()), after(text, plain.len()))),
        Some(inside) => {
            let (value, rest) = unquoted(inside)?;
            Some((name, value, rest.split_once(';').map_or("", |(_, rest)| rest)))
        }
    }
}

fn after(text: &str, length: usize) -> &str {
    text.get(length + 1..).unwrap_or_default()
}

/// A quoted string, from after its first quote: what it says, and what follows its last.
fn unquoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if text.as_bytes().get(end) == Some(&b'"') {
        return Some((Cow::Borrowed(text.get(..end)?), text.get(end + 1..)?));
    }
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((Cow::Owned(value), text.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_however_they_are_written() {
        let read = MediaType::parse(
            "Multipart/Related ; type=\"application/xop+xml\";START=\"<a;b=\\\"c>\" ; boundary=x_y ;; a ; charset = utf-8;",
        );
        assert_eq!(read.essence, "multipart/related");
        for (name, value) in
            [("type", "application/xop+xml"), ("start", "<a;b=\"c>"), ("Boundary", "x_y"), ("charset", "utf-8")]
        {
            assert_eq!(read.parameter(name), Some(value), "{name}");
        }
        assert_eq!(read.parameter("a"), None);
        assert_eq!(MediaType::parse("text/xml; charset=\"utf-8").parameter("charset"), None);
        assert_eq!(MediaType::parse("").essence, "");
    }

    /// Linear time: with quadratic work, this would take many minutes.
    #[test]
    fn white_space_at_the_end_is_not_read_for_each_parameter() {
        let value = format!("text/xml{}; charset=utf-8;{}", ";a".repeat(1 << 17), " ".repeat(1 << 21));
        assert_eq!(MediaType::parse(&value).parameter("charset"), Some("utf-8"));
    }
}
