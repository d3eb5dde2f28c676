//! What a store keeps as bytes in one column: an execution that waits, an answer, and a record.

mod answer;
mod execution;
mod record;

pub(crate) use answer::{decode_answer, encode_answer};
pub(crate) use execution::{decode, encode};
pub(crate) use record::{EncodedRecord, decode_record, decode_summary, encode_record};
