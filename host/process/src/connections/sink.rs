//! Where the rows of a statement go: nowhere, into one bounded result, or piece by piece to a cursor. Drivers know only this.

use tokio::sync::mpsc;

use super::error::error;
use super::{
    CURSOR_BYTES, CURSOR_ROW_BYTES, CURSOR_ROWS, Column, ErrorKind, RESULT_BYTES, RESULT_ROWS, ResultSet, Row,
    SqlError, Value,
};

/// Rows that are sent to a cursor at a time: enough to make the hand-over cheap, few enough to hold in memory ahead of it.
const PIECE_ROWS: usize = 100;
/// Bytes after which a piece is sent before it has all its rows.
const PIECE_BYTES: usize = CURSOR_BYTES / 4;
const _: () = assert!(PIECE_ROWS <= CURSOR_ROWS);

/// What a cursor's task tells its cursor, in this order: columns, rows as often as needed, end. Or how it failed.
pub(super) enum Piece {
    Columns(Vec<Column>),
    Rows(Vec<Row>),
    End,
    Failed(SqlError),
}

/// Takes the rows of a statement.
pub(super) enum Sink {
    /// Only the count of changed rows is wanted.
    Nothing,
    /// The whole result, bounded.
    Rows(Batch),
    /// A cursor, which may be gone by now.
    Cursor(mpsc::Sender<Piece>, Batch),
}

/// Rows that were taken and not yet handed on.
#[derive(Default)]
pub(super) struct Batch {
    columns: Vec<Column>,
    rows: Vec<Row>,
    bytes: usize,
}

impl Sink {
    pub(super) fn rows() -> Self {
        Self::Rows(Batch::default())
    }

    pub(super) fn cursor(to: mpsc::Sender<Piece>) -> Self {
        Self::Cursor(to, Batch::default())
    }

    /// The columns of what comes: to be called once, before the first row, also when no row comes.
    pub(super) async fn columns(&mut self, columns: Vec<Column>) -> Result<(), SqlError> {
        match self.keep_columns(columns) {
            Some((to, piece)) => to.send(piece).await.map_err(|_| gone()),
            None => Ok(()),
        }
    }

    /// As [`Sink::columns`], on a thread that may block.
    pub(super) fn columns_blocking(&mut self, columns: Vec<Column>) -> Result<(), SqlError> {
        match self.keep_columns(columns) {
            Some((to, piece)) => to.blocking_send(piece).map_err(|_| gone()),
            None => Ok(()),
        }
    }

    /// A row. Fails when the result gets too large, or nobody reads it any more.
    pub(super) async fn push(&mut self, row: Row) -> Result<(), SqlError> {
        match self.keep_row(row)? {
            Some((to, piece)) => to.send(piece).await.map_err(|_| gone()),
            None => Ok(()),
        }
    }

    /// As [`Sink::push`], on a thread that may block.
    pub(super) fn push_blocking(&mut self, row: Row) -> Result<(), SqlError> {
        match self.keep_row(row)? {
            Some((to, piece)) => to.blocking_send(piece).map_err(|_| gone()),
            None => Ok(()),
        }
    }

    /// The collected result.
    pub(super) fn into_result(self) -> ResultSet {
        match self {
            Self::Rows(Batch { columns, rows, .. }) => ResultSet { columns, rows },
            Self::Nothing | Self::Cursor(..) => ResultSet { columns: Vec::new(), rows: Vec::new() },
        }
    }

    /// Tells the cursor how its statement ended.
    pub(super) async fn finish(self) {
        if let Self::Cursor(to, batch) = self {
            // A cursor that is gone needs no end.
            if batch.rows.is_empty() || to.send(Piece::Rows(batch.rows)).await.is_ok() {
                let _ = to.send(Piece::End).await;
            }
        }
    }

    fn keep_columns(&mut self, columns: Vec<Column>) -> Option<(&mpsc::Sender<Piece>, Piece)> {
        match self {
            Self::Nothing => None,
            Self::Rows(batch) => {
                batch.columns = columns;
                None
            }
            Self::Cursor(to, _) => Some((to, Piece::Columns(columns))),
        }
    }

    fn keep_row(&mut self, row: Row) -> Result<Option<(&mpsc::Sender<Piece>, Piece)>, SqlError> {
        let size = row_size(&row);
        match self {
            Self::Nothing => Ok(None),
            Self::Rows(batch) => {
                batch.bytes += size;
                if batch.rows.len() >= RESULT_ROWS || batch.bytes > RESULT_BYTES {
                    return Err(too_large());
                }
                batch.rows.push(row);
                Ok(None)
            }
            Self::Cursor(to, batch) => {
                if size > CURSOR_ROW_BYTES {
                    return Err(row_too_large());
                }
                batch.bytes += size;
                batch.rows.push(row);
                if batch.rows.len() < PIECE_ROWS && batch.bytes < PIECE_BYTES {
                    return Ok(None);
                }
                batch.bytes = 0;
                Ok(Some((to, Piece::Rows(std::mem::take(&mut batch.rows)))))
            }
        }
    }
}

/// What a row takes up: its values, and the variant around each.
pub(super) fn row_size(row: &Row) -> usize {
    let payload = |value: &Value| match value {
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => 0,
        Value::Bytes(bytes) => bytes.len(),
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text)
        | Value::Json(text) => text.len(),
    };
    row.iter().map(|value| payload(value) + size_of::<Value>()).sum()
}

fn too_large() -> SqlError {
    let message = format!(
        "the result is larger than {RESULT_ROWS} rows or {} MiB; narrow it with LIMIT, or read it piece by piece with `open-query`",
        RESULT_BYTES >> 20
    );
    error(ErrorKind::TooLarge, message)
}

fn row_too_large() -> SqlError {
    let message = format!(
        "a row is larger than {} MiB; select fewer columns, or read a long value in parts with `substr`",
        CURSOR_ROW_BYTES >> 20
    );
    error(ErrorKind::TooLarge, message)
}

fn gone() -> SqlError {
    error(ErrorKind::Closed, "the cursor was dropped")
}
