//! What a store keeps as bytes in one column: an execution that waits, a page, an answer, and a record.

mod answer;
mod documents;
mod execution;
mod page;
mod record;

pub(crate) use answer::{decode_answer, encode_answer};
pub(crate) use execution::{decode, encode};
pub(crate) use page::{decode_page, encode_page};
pub(crate) use record::{EncodedRecord, decode_record, decode_summary, encode_record};
