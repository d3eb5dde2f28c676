//! What a backup is: one SQLite file with every table of the embedded store, whichever engine it was made of. Rows are
//! copied one by one between it and a database, so that a backup of either engine is restored into either.

/// Tables of what is durable, each after those that it refers to.
pub(crate) const TABLES: [&str; 9] =
    ["package", "deployment", "deployment_package", "environment", "token", "audit", "queue", "idempotency", "page"];

/// Tables of execution records.
pub(crate) const RECORD_TABLES: [&str; 3] = ["record", "record_total", "minute_count"];

/// A table with its columns, as the backup has them.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<(String, Kind)>,
}

/// What a column holds: all that the engines' tables are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Number,
    Bytes,
}

/// A value on its way.
#[derive(Debug)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Number(_) => 8,
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

impl Table {
    /// Its columns as a list for SQL.
    pub(crate) fn list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        names.join(", ")
    }
}
