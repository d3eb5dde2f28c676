//! The built program from outside: what it prints, where, and the status that it ends with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect by unwrapping it"
)]

mod building;
mod checking;
mod running;
mod serving;
mod support;
mod usage;
