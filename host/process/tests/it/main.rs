//! The engine, from outside: components written by hand in WAT, so that no guest toolchain is needed, run through the crate's
//! public API. Replays run the probe too, which sees more of the outside than is written by hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests say what they expect by unwrapping it"
)]

mod guests;
mod limits;
mod load;
mod modes;
mod replay;
mod run;
mod support;
mod wasi;
