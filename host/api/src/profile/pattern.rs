//! From a `pattern` of JSON Schema to one of XML Schema, where both can mean the same.
//!
//! JSON Schema's is looked for anywhere in the text, XML Schema's is all of it; some escapes of theirs differ. What is not
//! translated is left out of the XML Schema: it promises less then, and nothing wrong.

/// The pattern of XML Schema that takes the same texts, if there is a simple one.
pub(super) fn translated(pattern: &str) -> Option<String> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let mut translation =
        Translation { rest: inner.chars().peekable(), into: String::with_capacity(pattern.len()), groups: 0 };
    translation.all()?;
    Some(translation.into)
}

struct Translation<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    into: String,
    groups: usize,
}

impl Translation<'_> {
    fn all(&mut self) -> Option<()> {
        while let Some(c) = self.rest.next() {
            match c {
                '[' => self.class()?,
                '\\' => self.escape(false)?,
                // XML Schema's leaves out a lone carriage return too. Its `[^\n]` does not, but not every reader gets that right.
                '.' => self.into.push('.'),
                '(' => self.group()?,
                ')' => {
                    self.groups = self.groups.checked_sub(1)?;
                    self.into.push(')');
                }
                // Outside of a group, `^` and `$` belong to one branch each.
                '|' if self.groups > 0 => self.into.push('|'),
                '?' | '*' | '+' => self.quantifier(c)?,
                '{' => self.counts()?,
                '|' | '^' | '$' | '}' | ']' => return None,
                _ => self.into.push(c),
            }
        }
        (self.groups == 0).then_some(())
    }

    fn group(&mut self) -> Option<()> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.rest.next_if_eq(&':')?;
        }
        self.groups += 1;
        self.into.push('(');
        Some(())
    }

    fn quantifier(&mut self, c: char) -> Option<()> {
        self.into.push(c);
        // A lazy or possessive one.
        if matches!(self.rest.peek(), Some('?' | '+' | '*' | '{')) { None } else { Some(()) }
    }

    fn counts(&mut self) -> Option<()> {
        let mut counts = String::new();
        loop {
            match self.rest.next()? {
                '}' => break,
                c @ ('0'..='9' | ',') => counts.push(c),
                _ => return None,
            }
        }
        let (least, most) = counts.split_once(',').unwrap_or((&counts, ""));
        if least.is_empty() || most.contains(',') {
            return None;
        }
        self.into.push('{');
        self.into.push_str(&counts);
        self.quantifier('}')
    }

    fn escape(&mut self, in_class: bool) -> Option<()> {
        let translated = match (self.rest.next()?, in_class) {
            ('d', false) => "[0-9]",
            ('d', true) => "0-9",
            ('w', false) => "[A-Za-z0-9_]",
            ('w', true) => "A-Za-z0-9_",
            ('D', false) => "[^0-9]",
            ('W', false) => "[^A-Za-z0-9_]",
            ('n', _) => "\\n",
            ('r', _) => "\\r",
            ('t', _) => "\\t",
            (c, _) if c.is_ascii_punctuation() => {
                self.literal(c, in_class);
                return Some(());
            }
            _ => return None,
        };
        self.into.push_str(translated);
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        self.into.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.into.push('^');
        }
        let start = self.into.len();
        // Whether a character has just come that may begin a range.
        let mut begins = false;
        loop {
            match self.rest.next()? {
                ']' if self.into.len() > start => break,
                ']' | '[' | '&' | '~' => return None,
                '-' => match self.rest.peek()? {
                    ']' => self.literal('-', true),
                    '\\' | '-' | '[' => return None,
                    _ if begins => {
                        self.into.push('-');
                        let end = self.rest.next()?;
                        self.literal(end, true);
                        begins = false;
                        continue;
                    }
                    _ => self.literal('-', true),
                },
                '\\' => {
                    self.escape(true)?;
                    if self.rest.peek() == Some(&'-') {
                        let mut ahead = self.rest.clone();
                        ahead.next();
                        if ahead.peek() != Some(&']') {
                            return None;
                        }
                    }
                }
                c => {
                    self.literal(c, true);
                    begins = true;
                    continue;
                }
            }
            begins = false;
        }
        self.into.push(']');
        Some(())
    }

    /// A character that means itself, where XML Schema might see more in it. What needs no escape in a class has none: some
    /// readers take no escaped one for the end of a range.
    fn literal(&mut self, c: char, in_class: bool) {
        let special = if in_class { "\\-[]^" } else { "\\|.?*+(){}[]-^" };
        if special.contains(c) {
            self.into.push('\\');
        }
        self.into.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_translated() {
        for (pattern, expected) in [
            ("^[A-Za-z0-9]{18}$", "[A-Za-z0-9]{18}"),
            ("^\\d{3}-\\w+$", "[0-9]{3}-[A-Za-z0-9_]+"),
            ("^(?:a|b\\.c)*$", "(a|b\\.c)*"),
            ("^[\\w.-]+@[^@\\s]$", ""),
            ("^[\\w.-]+@[^@]{1,}$", "[A-Za-z0-9_.\\-]+@[^@]{1,}"),
            ("^.*$", ".*"),
            ("^[^\\n]$", "[^\\n]"),
            ("^a\\/b$", "a/b"),
            ("^[-a]$", "[\\-a]"),
            ("^$", ""),
        ] {
            match translated(pattern) {
                Some(translation) => assert_eq!(translation, expected, "{pattern}"),
                None => assert_eq!(expected, "", "{pattern}"),
            }
        }
    }

    #[test]
    fn what_does_not_is_left_out() {
        for pattern in [
            "a",
            "^a",
            "a$",
            "^a|b$",
            "^(?=a)b$",
            "^(?<n>a)$",
            "^a+?$",
            "^\\bx$",
            "^\\s$",
            "^\\p{L}$",
            "^(a$",
            "^a)$",
            "^a\\$",
            "^[a$",
            "^x{,3}$",
            "^x{a}$",
            "^[a&&b]$",
            "^[[:alpha:]]$",
            "^[\\d-z]$",
            "^(a)\\1$",
            "^a**$",
        ] {
            assert_eq!(translated(pattern), None, "{pattern}");
        }
    }
}
