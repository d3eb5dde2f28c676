//! multipart/related (RFC 2387): a body taken apart into its root and its other parts.
//!
//! One pass that looks for the boundary; parts are slices of the body, but for those that were sent as base64 or
//! quoted-printable. Lines end with a line feed, with or without a carriage return before it.

mod decode;
mod media_type;

use bytes::Bytes;
use memchr::memchr;
use memchr::memmem::Finder;

pub(super) use self::media_type::MediaType;

/// Parts of one request: more are refused.
pub(super) const MAX_PARTS: usize = 1_000;

/// Bytes of the header of one part: more are refused.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Bytes of a boundary (RFC 2046 section 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;

/// A part of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Its Content-ID, without angle brackets.
    pub(super) id: Option<String>,
    /// Its Content-Type, as sent.
    pub(super) content_type: Option<String>,
    /// What it holds, decoded.
    pub(super) data: Bytes,
}

/// The parts of a body: the root, then the others in their order.
///
/// # Errors
/// What is wrong with the body, for a person.
pub(super) fn parts(media_type: &MediaType<'_>, body: &Bytes) -> Result<(Part, Vec<Part>), String> {
    let boundary = media_type
        .parameter("boundary")
        .filter(|boundary| (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()))
        .ok_or_else(|| format!("multipart/related needs a `boundary` of 1 to {MAX_BOUNDARY_BYTES} characters"))?;
    let mark = format!("--{boundary}");
    let delimiters = Delimiters { finder: Finder::new(mark.as_bytes()), body };
    let mut parts = Vec::new();
    let mut last = delimiters.next(0).ok_or_else(|| format!("no line of the body is the boundary `{mark}`"))?;
    while !last.closes {
        if parts.len() >= MAX_PARTS {
            return Err(format!("more than {MAX_PARTS} parts"));
        }
        let number = parts.len() + 1;
        let next = delimiters.next(last.end).ok_or_else(|| {
            format!("part {number} never ends: the line `{mark}--` is missing, so the body may have been cut off")
        })?;
        // The line end before a delimiter belongs to it, and may be that of the delimiter before.
        let part = body.slice(last.end.min(next.start)..next.start);
        parts.push(read(&part).map_err(|message| format!("part {number}: {message}"))?);
        last = next;
    }
    let root = match media_type.parameter("start") {
        Some(start) => {
            let id = without_brackets(start);
            parts.iter().position(|part| part.id.as_deref() == Some(id)).ok_or_else(|| {
                format!("`start` says that the part with Content-ID `<{id}>` holds the envelope, and there is none")
            })?
        }
        None => 0,
    };
    if parts.is_empty() {
        return Err("the body has no part".into());
    }
    Ok((parts.remove(root), parts))
}

/// A line that divides parts.
#[derive(Debug)]
struct Delimiter {
    /// Where what lies before it ends.
    start: usize,
    /// Where the next line begins.
    end: usize,
    /// Whether no part follows.
    closes: bool,
}

struct Delimiters<'a> {
    finder: Finder<'a>,
    body: &'a [u8],
}

impl Delimiters<'_> {
    /// The first one at or after a place where a line begins.
    fn next(&self, from: usize) -> Option<Delimiter> {
        let mut at = from;
        loop {
            let found = at + self.finder.find(self.body.get(at..)?)?;
            let before = self.body.get(..found)?;
            let begins_line = found == from || before.ends_with(b"\n");
            let after = self.body.get(found + self.finder.needle().len()..)?;
            if begins_line && let Some((length, closes)) = rest_of_line(after) {
                let start = before.strip_suffix(b"\n").map_or(before, |line| line.strip_suffix(b"\r").unwrap_or(line));
                let end = found + self.finder.needle().len() + length;
                return Some(Delimiter { start: start.len(), end, closes });
            }
            at = found + 1;
        }
    }
}

/// What follows a boundary in its line, if that is a delimiter: its length, and whether it closes.
fn rest_of_line(after: &[u8]) -> Option<(usize, bool)> {
    let (closes, rest) = after.strip_prefix(b"--").map_or((false, after), |rest| (true, rest));
    let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let length = after.len() - rest.len() + spaces;
    match rest.get(spaces..)? {
        [b'\n', ..] => Some((length + 1, closes)),
        [b'\r', b'\n', ..] => Some((length + 2, closes)),
        [] => Some((length, closes)),
        _ => None,
    }
}

/// A part: its header, an empty line, what it holds.
fn read(part: &Bytes) -> Result<Part, String> {
    let mut read = Part::default();
    let mut encoding = None;
    let mut at = 0;
    while let Some((line, next)) = line(part, at)? {
        at = next;
        if line.is_empty() {
            break;
        }
        let mut field = text(line)?;
        // A field goes on in the lines that begin with white space.
        while let Some((line, next)) = self::line(part, at)?.filter(|(line, _)| matches!(line, [b' ' | b'\t', ..])) {
            field.push_str(&text(line)?);
            at = next;
        }
        let Some((name, value)) = field.split_once(':') else {
            return Err(format!(
                "`{}` is no header field: a part begins with its header and an empty line",
                excerpt(&field)
            ));
        };
        let value = value.trim();
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "content-id" => read.id.replace(without_brackets(value).to_owned()),
            "content-type" => read.content_type.replace(value.to_owned()),
            "content-transfer-encoding" => encoding.replace(value.to_owned()),
            _ => continue,
        };
        if place.is_some() {
            return Err(format!("`{}` comes twice", name.trim()));
        }
    }
    read.data = decode::decoded(encoding.as_deref(), part.slice(at..))?;
    read.id = read.id.filter(|id| !id.is_empty());
    Ok(read)
}

/// The line of a header that begins at a place, without its end, and where the next one begins.
fn line(part: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, String> {
    let Some(rest) = part.get(at..).filter(|rest| !rest.is_empty()) else { return Ok(None) };
    let (line, length) = match memchr(b'\n', rest) {
        Some(end) => (rest.get(..end).unwrap_or_default(), end + 1),
        None => (rest, rest.len()),
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if at + line.len() > MAX_HEADER_BYTES {
        return Err(format!("a header of more than {MAX_HEADER_BYTES} bytes: an empty line ends it"));
    }
    Ok(Some((line, at + length)))
}

fn text(line: &[u8]) -> Result<String, String> {
    std::str::from_utf8(line).map(str::to_owned).map_err(|_| "its header is not UTF-8".into())
}

fn without_brackets(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

fn excerpt(text: &str) -> String {
    crate::percent::excerpt(text).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
