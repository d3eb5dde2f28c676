//! The facet `pattern`: regular expressions of XML Schema (appendix F of the specification), translated for the `regex`
//! crate, which matches in time linear in the text whatever the expression.
//!
//! They differ from those of other languages: they match the whole text, `^` and `$` are ordinary characters, nothing is
//! lazy or captured, `\i` and `\c` are the characters of names, and classes can be subtracted from one another. An escape
//! that is not needed (`\/`) is taken, since many schemas have it. Refused is what could be misread: a `-` amidst a class.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

use super::blocks;

/// How deep parentheses and classes may nest.
const MAX_DEPTH: usize = 50;
/// Most bytes of a compiled expression: `\p{L}{1,255}` needs about 15 MiB, `[A-Za-z]{1,255}` a hundredth of it.
const MAX_BYTES: usize = 32 << 20;
/// Most repetitions that can be asked for by number.
const MAX_COUNT: u32 = 100_000;

/// What begins a name, for a class.
const NAME_START: &str = r":A-Z_a-z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{2FF}\x{370}-\x{37D}\x{37F}-\x{1FFF}\x{200C}-\x{200D}\x{2070}-\x{218F}\x{2C00}-\x{2FEF}\x{3001}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFFD}\x{10000}-\x{EFFFF}";
/// What else a name can have.
const NAME_MORE: &str = r"\-.0-9\x{B7}\x{300}-\x{36F}\x{203F}-\x{2040}";
/// The categories of Unicode that `\p` knows.
const CATEGORIES: [&str; 36] = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Z", "Zs", "Zl", "Zp", "S", "Sm", "Sc", "Sk", "So", "C", "Cc", "Cf", "Co", "Cn",
];

/// The patterns of one restriction, of which a text has to match one.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    written: Vec<String>,
}

impl Pattern {
    /// Compiles patterns that have been translated, beside what was written.
    pub(super) fn compile(patterns: Vec<(String, &str)>) -> Result<Self, String> {
        let (translated, written): (Vec<_>, Vec<_>) =
            patterns.into_iter().map(|(translated, written)| (translated, written.to_owned())).unzip();
        RegexBuilder::new(&format!(r"\A(?:{})\z", translated.join("|")))
            .size_limit(MAX_BYTES)
            .build()
            .map(|regex| Self { regex, written })
            .map_err(|e| match e {
                regex::Error::CompiledTooBig(_) => {
                    {
                    "it is too large; smaller counts, `maxLength`, or ranges like `A-Z` instead of `\\p` make it smaller".into()
                }
                }
                e => e.to_string().lines().last().unwrap_or_default().to_owned(),
            })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(super) fn written(&self) -> &[String] {
        &self.written
    }
}

/// The expression in the syntax of the `regex` crate.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translation = Translation { rest: pattern.chars().peekable(), out: String::new(), depth: 0 };
    translation.alternatives()?;
    match translation.rest.next() {
        None => Ok(translation.out),
        Some(_) => Err("`)` closes nothing; write `\\)` for the character".into()),
    }
}

/// Something that a class consists of.
enum Item {
    Character(char),
    /// A class of its own, in the syntax of the `regex` crate.
    Class(String),
}

struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    depth: usize,
}

impl Translation<'_> {
    /// `branch ('|' branch)*`, up to the end or a `)`.
    fn alternatives(&mut self) -> Result<(), String> {
        while let Some(next) = self.rest.next_if(|c| *c != ')') {
            match next {
                '|' => self.out.push('|'),
                next => {
                    self.atom(next)?;
                    self.quantifier()?;
                }
            }
        }
        Ok(())
    }

    fn atom(&mut self, first: char) -> Result<(), String> {
        match first {
            '(' => {
                self.out.push_str("(?:");
                self.deeper(Self::alternatives)?;
                self.rest.next().ok_or("`(` is not closed; write `\\(` for the character")?;
                self.out.push(')');
            }
            '[' => {
                let class = self.deeper(Self::class)?;
                self.out.push_str(&class);
            }
            '.' => self.out.push_str(r"[^\n\r]"),
            '\\' => match self.escape()? {
                Item::Character(character) => push_literal(character, &mut self.out),
                Item::Class(class) => self.out.push_str(&class),
            },
            '?' | '*' | '+' => {
                return Err(format!("`{first}` has nothing to repeat; write `\\{first}` for the character"));
            }
            ']' => return Err("`]` closes nothing; write `\\]` for the character".into()),
            character => push_literal(character, &mut self.out),
        }
        Ok(())
    }

    fn quantifier(&mut self) -> Result<(), String> {
        if let Some(quantifier) = self.rest.next_if(|c| matches!(c, '?' | '*' | '+')) {
            self.out.push(quantifier);
        } else if self.rest.next_if_eq(&'{').is_some() {
            let least = self.count()?;
            let most = match self.rest.next_if_eq(&',') {
                None => Some(least),
                Some(_) if self.rest.peek() == Some(&'}') => None,
                Some(_) => Some(self.count()?),
            };
            if self.rest.next() != Some('}') {
                return Err("`{` is not closed; write `\\{` for the character".into());
            }
            match most {
                Some(most) if most < least => {
                    return Err(format!("`{{{least},{most}}}`: the second number is the smaller one"));
                }
                Some(most) => self.out.push_str(&format!("{{{least},{most}}}")),
                None => self.out.push_str(&format!("{{{least},}}")),
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<u32, String> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        match digits.parse() {
            Ok(count) if count <= MAX_COUNT => Ok(count),
            Err(_) if digits.is_empty() => {
                Err("a count is missing after `{` or `,`; write `\\{` for the character".into())
            }
            _ => Err(format!("the count `{digits}` is too large, the most is {MAX_COUNT}")),
        }
    }

    /// The rest of a class, after its `[`.
    fn class(&mut self) -> Result<String, String> {
        const OPEN: &str = "`[` is not closed; write `\\[` for the character";
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut items = String::new();
        let mut subtracted = None;
        loop {
            let start = match self.rest.next().ok_or(OPEN)? {
                ']' if items.is_empty() => return Err("a class is empty; write `\\]` for the character".into()),
                ']' => break,
                '[' => return Err("a class has a `[`; write `\\[` for the character".into()),
                '-' if !items.is_empty() && self.rest.next_if_eq(&'[').is_some() => {
                    subtracted = Some(self.deeper(Self::class)?);
                    self.rest.next_if_eq(&']').ok_or("a class has to end after what is subtracted from it")?;
                    break;
                }
                '-' if items.is_empty() || self.rest.peek() == Some(&']') => {
                    items.push_str(r"\-");
                    continue;
                }
                '-' => {
                    return Err(
                        "a class has a `-` that could be meant in several ways; write `\\-` for the character".into()
                    );
                }
                '\\' => self.escape()?,
                character => Item::Character(character),
            };
            match start {
                Item::Class(class) => items.push_str(&class),
                Item::Character(start) => {
                    push_literal(start, &mut items);
                    if let Some(end) = self.range_end()? {
                        if end < start {
                            return Err(format!("the range `{start}-{end}` is empty: its end comes before its start"));
                        }
                        items.push('-');
                        push_literal(end, &mut items);
                    }
                }
            }
        }
        let class = format!("[{}{items}]", if negated { "^" } else { "" });
        Ok(match subtracted {
            Some(subtracted) => format!("[{class}--{subtracted}]"),
            None => class,
        })
    }

    /// The end of a range that a character may have started: `-` ahead is one unless the class ends or is subtracted from.
    fn range_end(&mut self) -> Result<Option<char>, String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']' | '[')) {
            return Ok(None);
        }
        self.rest.next();
        match self.rest.next() {
            Some('\\') => match self.escape()? {
                Item::Character(end) => Ok(Some(end)),
                Item::Class(_) => Err("a range ends in a class; write `\\-` for the character".into()),
            },
            Some('-') => Err("a range ends in `-`; write `\\-` for the character".into()),
            end => Ok(end),
        }
    }

    /// What an escape stands for, after its `\`.
    fn escape(&mut self) -> Result<Item, String> {
        let class = |class: &str| Ok(Item::Class(class.to_owned()));
        match self.rest.next().ok_or("it ends with `\\`; write `\\\\` for the character")? {
            'n' => Ok(Item::Character('\n')),
            'r' => Ok(Item::Character('\r')),
            't' => Ok(Item::Character('\t')),
            's' => class(r"[\t\n\r ]"),
            'S' => class(r"[^\t\n\r ]"),
            'd' => class(r"\p{Nd}"),
            'D' => class(r"\P{Nd}"),
            'w' => class(r"[^\p{P}\p{Z}\p{C}]"),
            'W' => class(r"[\p{P}\p{Z}\p{C}]"),
            'i' => Ok(Item::Class(format!("[{NAME_START}]"))),
            'I' => Ok(Item::Class(format!("[^{NAME_START}]"))),
            'c' => Ok(Item::Class(format!("[{NAME_START}{NAME_MORE}]"))),
            'C' => Ok(Item::Class(format!("[^{NAME_START}{NAME_MORE}]"))),
            'p' => self.property(false),
            'P' => self.property(true),
            character if character.is_ascii_punctuation() => Ok(Item::Character(character)),
            other => Err(format!("`\\{other}` is not known")),
        }
    }

    /// `{Lu}` or `{IsBasicLatin}`.
    fn property(&mut self, negated: bool) -> Result<Item, String> {
        let mut name = String::new();
        if self.rest.next() == Some('{') {
            while let Some(character) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '-') {
                name.push(character);
            }
        }
        if name.is_empty() || self.rest.next() != Some('}') {
            return Err("`\\p` is followed by a category or block, like `\\p{Lu}`".into());
        }
        if let Some(block) = name.strip_prefix("Is") {
            let ranges = blocks::class(block).ok_or_else(|| format!("there is no block `{name}`"))?;
            return Ok(Item::Class(format!("[{}{ranges}]", if negated { "^" } else { "" })));
        }
        if !CATEGORIES.contains(&name.as_str()) {
            return Err(format!("there is no category `{name}`"));
        }
        Ok(Item::Class(format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' })))
    }

    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("it nests more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }
}

fn push_literal(character: char, into: &mut String) {
    into.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::compile(vec![(translate(pattern).unwrap(), pattern)]).unwrap().matches(text)
    }

    #[test]
    fn an_expression_means_what_the_specification_says() {
        for (pattern, text, does) in [
            ("a|bc", "bc", true),
            ("a|bc", "abc", false),
            ("^a$", "^a$", true),
            ("^a$", "a", false),
            (".", "\n", false),
            (r"\i\c*", "é:1", true),
            (r"\i\c*", "1a", false),
            ("[a-z-[aeiou]]+", "xyz", true),
            ("[a-z-[aeiou]]+", "xaz", false),
            ("[^a-z-[0-9-[5]]]", "5", true),
            ("[^a-z-[0-9-[5]]]", "4", false),
            (r"[\w\-&&~]+", "a-&~", true),
            ("[a&&b]", "&", true),
            (r"\p{Lu}\P{Lu}", "Ab", true),
            (r"\p{IsGreek}{2}", "αβ", true),
            (r"\P{IsGreek}", "α", false),
            ("{a}", "{a}", true),
            (r"\/\$", "/$", true),
            ("a{2,}", "aaa", true),
            ("(a(b|))?", "", true),
            ("", "", true),
            ("[+-]?[-0]", "--", true),
        ] {
            assert_eq!(matches(pattern, text), does, "{pattern} {text:?}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (pattern, message) in [
            ("a**", "nothing to repeat"),
            ("a{2,1}", "smaller"),
            ("a{,2}", "count is missing"),
            ("a{1", "`{` is not closed"),
            ("a{200000}", "too large"),
            ("(a", "`(` is not closed"),
            ("a)", "`)` closes nothing"),
            ("a]", "`]` closes nothing"),
            ("[a", "`[` is not closed"),
            ("[]", "empty"),
            ("[^]", "empty"),
            ("[z-a]", "the range `z-a`"),
            (r"[a-\d]", "ends in a class"),
            ("[a-z-_]", "several ways"),
            (r"[\w-.]", "several ways"),
            ("[a-[b]c]", "has to end"),
            ("\\", "ends with"),
            (r"\e", "not known"),
            (r"\pL", "followed by"),
            (r"\p{Cs}", "no category `Cs`"),
            (r"\p{IsKlingon}", "no block `IsKlingon`"),
        ] {
            let error = translate(pattern).unwrap_err();
            assert!(error.contains(message), "{pattern}: {error}");
        }
        assert!(translate(&"(".repeat(51)).unwrap_err().contains("nests"));
        assert!(translate(&"[a-".repeat(51)).unwrap_err().contains("nests"));
        let huge = r"(\c{1000}){1000}";
        let error = Pattern::compile(vec![(translate(huge).unwrap(), huge)]).unwrap_err();
        assert!(error.contains("too large"), "{error}");
    }

    #[test]
    fn matching_does_not_try_every_way() {
        assert!(!matches("(a*)*b", &"a".repeat(100_000)));
    }

    #[test]
    fn every_category_and_block_can_be_used() {
        for name in CATEGORIES.into_iter().map(str::to_owned).chain(blocks::names().map(|name| format!("Is{name}"))) {
            let pattern = format!(r"\p{{{name}}}[\P{{{name}}}]");
            Pattern::compile(vec![(translate(&pattern).unwrap(), &pattern)]).unwrap();
        }
    }
}
