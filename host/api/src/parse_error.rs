//! Where a text stops being what it should be: what the XML and the JSON reader have in common.

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub(crate) struct ParseError {
    /// From 1; a line ends at a line feed.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// What is wrong, and where it helps what to do.
    pub(crate) message: String,
}

impl ParseError {
    /// An error at a byte offset of a text. Reads the text up to there: for the one error that ends the reading.
    pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |feed| feed + 1);
        Self {
            line: before.bytes().filter(|b| *b == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: short(message.into()),
        }
    }
}

/// Messages quote what was sent: this keeps them short whatever it was, at most this many bytes and a mark.
const MESSAGE_BYTES: usize = 400;

/// A message that is fit to be sent and recorded.
pub(crate) fn short(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push_str("...");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let place = |offset| {
            let e = ParseError::at("é\nzwö!", offset, "");
            (e.line, e.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (1, 2));
        assert_eq!(place(3), (2, 1));
        assert_eq!(place(7), (2, 4));
        assert_eq!(place(99), (2, 5), "an offset past the end is the end");
    }

    #[test]
    fn a_message_is_short() {
        assert_eq!(short("é".into()), "é");
        let cut = short(format!("x{}", "é".repeat(1_000)));
        assert_eq!((cut.len(), cut.ends_with("é...")), (402, true));
    }
}
