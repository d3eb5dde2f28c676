//! How the recording of executions goes.

use super::page::{Labels, Page};
use crate::records::{Recorder, RecorderStatus};

/// Adds it.
pub(super) fn tell(recorder: &Recorder, page: &mut Page) {
    let RecorderStatus { written, behind, shed, errors, stored } = recorder.status();
    page.counter("auricle_records_written", "Execution records written.", [(Vec::new(), written)]);
    let shed = shed.into_iter().map(|(kind, count)| (vec![("kind", kind.to_owned())], count));
    page.counter("auricle_records_shed", "Execution records that were lost or shortened.", shed);
    page.counter("auricle_records_errors", "Failed attempts to write or to delete records.", [(Vec::new(), errors)]);
    page.gauge("auricle_records_behind", "Execution records that wait to be written.", one(behind));
    page.gauge("auricle_records_stored", "Execution records in the store, at the last look.", one(stored.records));
    page.gauge("auricle_records_stored_bytes", "What they take.", one(stored.bytes));
}

#[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
fn one(value: u64) -> [(Labels, f64); 1] {
    [(Vec::new(), value as f64)]
}
