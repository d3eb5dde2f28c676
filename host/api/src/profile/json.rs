//! Where the values of a JSON text stand: their order, their digits and their places, which a map of values forgets.
//!
//! `serde_json` says whether a text is JSON; this trusts it, and looks for the borders only. Linear in the text, 24 bytes for each
//! value and each name, and no recursion.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use memchr::memchr2;

use crate::parse_error::ParseError;

/// Objects and arrays inside each other: as many as `serde_json` reads into values.
pub(super) const MAX_DEPTH: usize = 127;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

impl Kind {
    /// For messages.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        }
    }
}

/// A value, or the name of a member, which stands before the member's value.
#[derive(Debug)]
struct Entry {
    start: usize,
    end: usize,
    /// Index of the entry that follows all that is inside of this one.
    next: usize,
}

/// A JSON text and where its values are.
#[derive(Debug)]
pub(super) struct Json<'a> {
    text: &'a str,
    entries: Vec<Entry>,
}

/// A value of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'j, 'a> {
    json: &'j Json<'a>,
    index: usize,
}

impl<'a> Json<'a> {
    /// Finds the values of a text, or says why it is not JSON.
    pub(super) fn read(text: &'a str) -> Result<Self, ParseError> {
        crate::json::value(text)?;
        let mut json = Self { text, entries: Vec::new() };
        let mut open = Vec::new();
        let mut at = 0;
        while let Some(first) = text.as_bytes().get(at) {
            let start = at;
            match first {
                b'{' | b'[' if open.len() == MAX_DEPTH => {
                    return Err(ParseError::at(text, at, format!("more than {MAX_DEPTH} values inside each other")));
                }
                b'{' | b'[' => {
                    at += 1;
                    open.push(json.entries.len());
                    json.push(start, at);
                }
                b'}' | b']' => {
                    at += 1;
                    let next = json.entries.len();
                    if let Some(container) = open.pop().and_then(|index| json.entries.get_mut(index)) {
                        (container.end, container.next) = (at, next);
                    }
                }
                b'"' => {
                    at = json.string(start)?;
                    json.push(start, at);
                }
                b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                    let rest = text.get(at..).unwrap_or_default();
                    at += rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
                    json.push(start, at);
                }
                _ => at += 1,
            }
        }
        Ok(json)
    }

    fn push(&mut self, start: usize, end: usize) {
        let next = self.entries.len() + 1;
        self.entries.push(Entry { start, end, next });
    }

    /// The end of the string that begins here. One that stands for no text (half a surrogate pair) is refused.
    fn string(&self, start: usize) -> Result<usize, ParseError> {
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        let mut escaped = false;
        while let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
            at += found;
            if bytes.get(at) == Some(&b'"') {
                break;
            }
            escaped = true;
            at += 2;
        }
        if escaped && decoded(self.text.get(start..=at).unwrap_or_default()).is_none() {
            return Err(ParseError::at(
                self.text,
                start,
                "the string has half a surrogate pair in it: `\\ud83d\\ude00`",
            ));
        }
        Ok(at + 1)
    }

    /// The value that is all of the text.
    pub(super) const fn root(&self) -> Value<'_, 'a> {
        Value { json: self, index: 0 }
    }

    /// The value at a JSON Pointer (RFC 6901).
    pub(super) fn find(&self, pointer: &str) -> Option<Value<'_, 'a>> {
        pointer.split('/').skip(1).try_fold(self.root(), |value, token| {
            let token = unescaped(token);
            match value.kind() {
                Kind::Object => value.get(&token),
                Kind::Array => value.elements().nth(token.parse().ok()?),
                _ => None,
            }
        })
    }

    /// Of JSON Pointers to values of this text: which of them leads to the value that begins first, and that value. One descent for
    /// all of them, linear in the text and the pointers together. None where there are no pointers, or where they lead astray.
    pub(super) fn first(&self, pointers: &[String]) -> Option<(usize, Value<'_, 'a>)> {
        let mut around = self.root();
        let mut left: Vec<_> = pointers.iter().map(|pointer| pointer.split('/').skip(1)).enumerate().collect();
        loop {
            let mut inside: HashMap<_, Vec<_>> = HashMap::new();
            for (which, mut tokens) in left {
                match tokens.next() {
                    // A value begins before all that is inside of it.
                    None => return Some((which, around)),
                    Some(token) => inside.entry(unescaped(token)).or_default().push((which, tokens)),
                }
            }
            (around, left) = around.children().find_map(|(token, value)| Some((value, inside.remove(&*token)?)))?;
        }
    }

    /// How many bytes the names in the JSON Pointers of all values take: the names around a value count for each.
    pub(super) fn pointer_bytes(&self) -> usize {
        let inside = |value: Value<'_, 'a>| value.entry().2.saturating_sub(value.index);
        let members = self.objects().flat_map(Value::named);
        members.fold(0, |all, (name, value)| all.saturating_add(name.text().len().saturating_mul(inside(value))))
    }

    /// The first number that no double comes near.
    pub(super) fn beyond_double(&self) -> Option<Value<'_, 'a>> {
        let is_beyond = |value: &Value<'_, 'a>| {
            value.kind() == Kind::Number && value.text().parse().is_ok_and(|number: f64| number.is_infinite())
        };
        self.values().find(is_beyond)
    }

    /// An error at an offset of the text.
    pub(super) fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError::at(self.text, at, message)
    }

    /// All values and names, in the order of the text.
    fn values(&self) -> impl Iterator<Item = Value<'_, 'a>> {
        (0..self.entries.len()).map(|index| Value { json: self, index })
    }

    /// All objects, in the order of the text.
    pub(super) fn objects(&self) -> impl Iterator<Item = Value<'_, 'a>> {
        self.values().filter(|value| value.kind() == Kind::Object)
    }

    /// The second of two members of one name in one object: readers do not agree which of them counts.
    pub(super) fn twice(&self) -> Option<Value<'_, 'a>> {
        self.objects().find_map(|object| {
            let mut names = HashSet::new();
            object.named().find_map(|(name, _)| (!names.insert(name.string())).then_some(name))
        })
    }
}

impl<'j, 'a> Value<'j, 'a> {
    fn entry(self) -> (usize, usize, usize) {
        self.json.entries.get(self.index).map_or((0, 0, usize::MAX), |entry| (entry.start, entry.end, entry.next))
    }

    /// Which value of its text it is.
    pub(super) const fn index(self) -> usize {
        self.index
    }

    /// Offset in the text.
    pub(super) fn start(self) -> usize {
        self.entry().0
    }

    /// As it is written.
    pub(super) fn text(self) -> &'a str {
        let (start, end, _) = self.entry();
        self.json.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn kind(self) -> Kind {
        match self.text().bytes().next() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The text that a string stands for; that of anything else is as written.
    pub(super) fn string(self) -> Cow<'a, str> {
        decoded(self.text()).unwrap_or(Cow::Borrowed(self.text()))
    }

    /// The text of a string; none for other values.
    pub(super) fn as_string(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.string())
    }

    /// The elements of an array; none of other values.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> + use<'j, 'a> {
        self.inside(Kind::Array)
    }

    /// The members of an object, in their order; none of other values.
    pub(super) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> + use<'j, 'a> {
        self.named().map(|(name, value)| (name.string(), value))
    }

    /// The member of this name.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.members().find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Its JSON Pointer: empty for the root.
    pub(super) fn pointer(self) -> String {
        let mut pointer = String::new();
        for (name, _) in self.path() {
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        pointer
    }

    /// The values around it, from below the root inwards, and itself.
    pub(super) fn around(self) -> impl Iterator<Item = Self> + use<'j, 'a> {
        self.path().map(|(_, value)| value)
    }

    fn path(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> + use<'j, 'a> {
        let mut around = self.json.root();
        std::iter::from_fn(move || {
            let holds = |value: &Self| (value.index..value.entry().2).contains(&self.index);
            let inner = (around.index < self.index).then(|| around.children().find(|(_, value)| holds(value)))??;
            around = inner.1;
            Some(inner)
        })
    }

    /// The values directly inside of an object or an array, with what a JSON Pointer calls them.
    fn children(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> + use<'j, 'a> {
        // One of the two is empty.
        let numbered = self.elements().enumerate().map(|(n, value)| (n.to_string().into(), value));
        self.members().chain(numbered)
    }

    fn named(self) -> impl Iterator<Item = (Self, Self)> + use<'j, 'a> {
        let mut inside = self.inside(Kind::Object);
        std::iter::from_fn(move || Some((inside.next()?, inside.next()?)))
    }

    /// The entries directly inside of a value of a kind.
    fn inside(self, kind: Kind) -> impl Iterator<Item = Self> + use<'j, 'a> {
        let end = if self.kind() == kind { self.entry().2 } else { 0 };
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let value = Self { json: self.json, index };
            (index < end).then(|| {
                #[cfg(test)]
                tests::STEPS.set(tests::STEPS.get() + 1);
                index = value.entry().2;
                value
            })
        })
    }
}

/// A token of a JSON Pointer, as a member is named.
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// What a string as written stands for.
fn decoded(written: &str) -> Option<Cow<'_, str>> {
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(written).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// Entries that this thread has walked over.
        pub(in super::super) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn the_first_of_pointers_is_the_first_in_the_text() {
        let json = Json::read(r#"{"b":[1,{"c":2,"~/":3}],"a":4}"#).unwrap();
        for (pointers, expected) in [
            (&["/a", "/b/1/~0~1", "/b/1/c"][..], Some((2, "2"))),
            (&["/a", "/b/1", "/b/1/c"], Some((1, "{\"c\":2,\"~/\":3}"))),
            (&["/b/1/~0~1", "/a"], Some((0, "3"))),
            (&["/a", "", ""], Some((1, json.root().text()))),
            (&["/x"], None),
            (&[], None),
        ] {
            let pointers: Vec<_> = pointers.iter().map(ToString::to_string).collect();
            assert_eq!(json.first(&pointers).map(|(which, value)| (which, value.text())), expected, "{pointers:?}");
        }
        // "b" is around 5 entries of values and names, "c", "~/" and "a" around one each.
        assert_eq!(json.pointer_bytes(), "\"b\"".len() * 7 + "\"c\"\"~/\"\"a\"".len());
    }

    #[test]
    fn values_are_where_they_are_written() {
        let text = " {\"b\" : 1.50e+3 ,\"a~/\\n\":[true,null,{} , \"x\\\"y\"],\n\"é\":{\"\":[ ]}}\n";
        let json = Json::read(text).unwrap();
        let names: Vec<_> = json.root().members().map(|(name, value)| format!("{name}={}", value.text())).collect();
        assert_eq!(names, ["b=1.50e+3", "a~/\n=[true,null,{} , \"x\\\"y\"]", "é={\"\":[ ]}"]);
        let kinds: Vec<_> = json.find("/a~0~1\n").unwrap().elements().map(Value::kind).collect();
        assert_eq!(kinds, [Kind::Boolean, Kind::Null, Kind::Object, Kind::String]);
        assert_eq!(json.find("/a~0~1\n/3").unwrap().string(), "x\"y");
        let e = json.error_at(json.find("/é").unwrap().start(), "");
        assert_eq!((e.line, e.column), (2, 5));
        for missing in ["/c", "/b/0", "/a~0~1\n/4", "/a~0~1\n/x", "/é/x"] {
            assert!(json.find(missing).is_none(), "{missing}");
        }
        for index in 0..json.entries.len() {
            let value = Value { json: &json, index };
            if let Some(found) = json.find(&value.pointer()) {
                // The pointer of a name is not that of a value.
                assert!(found.index == index || value.kind() == Kind::String, "{}", value.pointer());
            }
        }
    }

    #[test]
    fn what_is_no_text_and_what_is_too_deep_is_refused() {
        let message = |text: &str| Json::read(text).unwrap_err().to_string();
        assert!(message("{\"a\":\n \"\\ud800\"}").starts_with("line 2, column 2: the string has half"));
        assert!(message("{\"a\":}").starts_with("line 1, column 6: expected value"));
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(message(&nested(128)).ends_with("more than 127 values inside each other"));
        assert!(Json::read(&nested(127)).is_ok() && serde_json::from_str::<serde_json::Value>(&nested(127)).is_ok());
    }

    #[test]
    fn a_name_that_comes_twice_is_found() {
        let json = Json::read("{\"a\":{\"b\":1,\"c\":{\"b\":2}},\"d\":[{\"e\":1,\n \"\\u0065\":2}]}").unwrap();
        assert_eq!(json.twice().map(|name| (name.string().into_owned(), name.start())), Some(("e".into(), 39)));
        assert!(Json::read("[{\"a\":1},{\"a\":2}]").unwrap().twice().is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9eE.+\\-a-z\\\\ \né]{0,60}") {
            if let Ok(json) = Json::read(&text) {
                let value: serde_json::Value = serde_json::from_str(json.root().text()).unwrap();
                let members = json.root().members().count();
                prop_assert!(value.as_object().is_none_or(|object| object.len() <= members));
                prop_assert_eq!(json.root().elements().count(), value.as_array().map_or(0, Vec::len));
            }
        }
    }
}
