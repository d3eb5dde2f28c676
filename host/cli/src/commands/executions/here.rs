//! `auricle executions replay --here`: a recorded execution again, in this program, with the processes of a manifest. No host
//! takes part in it but to give the record.

use auricle::admin::Replayed;
use auricle::{Engine, Manifest, deploy, replay};
use auricle_model::ExecutionRecord;

use crate::manifest;
use crate::progress::Spinner;

/// Runs it, and compares.
pub(super) async fn replay(manifest: &Manifest, record: &ExecutionRecord, live: bool) -> anyhow::Result<Replayed> {
    let (id, version) = (record.summary.id, record.summary.version);
    let process = manifest::process(manifest, &record.summary.process)?;
    let execution = replay::execution(record, live, None)?;
    let operation = execution.operation.clone();
    let _turning = Spinner::new("running it again");
    let engine = Engine::new(manifest::small_engine(manifest)?)?;
    let processes = deploy::processes_for(&engine, manifest, &process.name).await?;
    let outcome = processes.run(execution).await;
    let differences = replay::differences(record, &operation, &outcome);
    let run = replay::record(record, version, &operation, &outcome);
    let same = differences.is_empty();
    Ok(Replayed { id, version, same, differences, skipped: None, record: Some(Box::new(run)) })
}
