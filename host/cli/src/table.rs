//! Tables and texts for people. What is shown comes from processes and callers: it cannot move the cursor of a terminal.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Row};

/// Rows under the names of their columns, without lines around.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// Without rows yet. A name that begins with `>` has its column stand to the right, as numbers do.
    pub(crate) fn new<const COLUMNS: usize>(names: [&str; COLUMNS]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(names.map(|name| Cell::new(name.trim_start_matches('>').to_uppercase())));
        for (column, name) in table.column_iter_mut().zip(names) {
            column.set_padding((0, 2));
            if name.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds a row; each cell is one line.
    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.0.add_row(Row::from(cells.map(|cell| one_line(&cell))));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.trim_fmt())
    }
}

/// Whether a page has so many rows as were asked for, so that there may be more.
pub(crate) fn is_full(rows: usize, limit: u32) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= limit)
}

/// What there is of a value, or `-`.
pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A text on one line: control characters, line ends too, by their escapes.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// A text with its lines and tabs, and other control characters by their escapes.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !kept(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// At most so many characters of a text, and whether there was more.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_names() {
        let mut table = Table::new([">version", "note"]);
        table.row(["7".into(), "first".into()]);
        table.row(["12".into(), "a\u{1b}[2Jb\nc".into()]);
        assert_eq!(table.to_string(), "VERSION  NOTE\n      7  first\n     12  a\\u{1b}[2Jb\\nc");
    }

    #[test]
    fn texts_are_cut_and_keep_their_lines() {
        assert_eq!(lines("a\r\n\tb\u{7}"), "a\\r\n\tb\\u{7}");
        assert_eq!([beginning("äöü", 2), beginning("äö", 2)], ["äö...", "äö"]);
        assert_eq!([or_dash(Some(7)), or_dash(None::<u32>)], ["7", "-"]);
    }
}
