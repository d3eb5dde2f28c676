//! Stores as the rest of Auricle uses them: one suite for every engine, then what is SQLite's own, then crashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "only tests")]

mod crash;
mod sqlite;
mod suite;
