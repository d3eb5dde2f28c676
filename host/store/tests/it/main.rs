//! Stores as the rest of Auricle uses them: one suite for every engine, a queue against a model of it, then what is
//! SQLite's own, then crashes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "only tests")]

mod backup;
mod crash;
mod engines;
mod fixtures;
#[path = "../../../process/tests/support/postgres.rs"]
mod postgres;
mod queue_model;
mod shared;
mod sqlite;
mod suite;
mod upgrade;
