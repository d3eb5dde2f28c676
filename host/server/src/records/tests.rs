//! What happens where the store does not keep up, or fails: whatever is asked of it waits until the test lets it go on.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use auricle_model::{
    Document, DocumentType, ExecutionId, ExecutionRecord, Failure, FailureKind, LogLevel, LogLine, MinuteCount,
    Operation, OperationKind, Properties, Protocol, RecordsConfig, Redact,
};
use auricle_store::{Answer, RecordFilter, StoreError, StoreErrorKind};

use super::*;

/// Keeps records in a list, and as slowly as it is told.
#[derive(Default)]
struct Shelf {
    kept: Mutex<Vec<ExecutionRecord>>,
    counts: Mutex<Vec<MinuteCount>>,
    batches: Mutex<Vec<usize>>,
    /// While this is held, nothing is written.
    gate: tokio::sync::RwLock<()>,
    away: AtomicBool,
    /// What it never takes.
    refuses: Mutex<Option<ExecutionId>>,
    pruned: Mutex<Vec<(SystemTime, u64)>>,
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    fn ids(&self) -> Vec<(ExecutionId, RecordKind)> {
        lock(&self.kept).iter().map(|record| (record.summary.id, record.summary.kind)).collect()
    }
}

impl Records for Shelf {
    fn put_records(&self, records: Vec<ExecutionRecord>, counts: Vec<MinuteCount>) -> Answer<'_, ()> {
        Box::pin(async move {
            let _gate = self.gate.read().await;
            if self.away.load(Ordering::Relaxed) {
                return Err(StoreError::new(StoreErrorKind::Unavailable, "away"));
            }
            let refused = *lock(&self.refuses);
            if records.iter().any(|record| Some(record.summary.id) == refused) {
                return Err(StoreError::new(StoreErrorKind::Invalid, "never"));
            }
            if !records.is_empty() {
                lock(&self.batches).push(records.len());
            }
            lock(&self.kept).extend(records);
            lock(&self.counts).extend(counts);
            Ok(())
        })
    }

    fn records<'a>(&'a self, _: &'a RecordFilter, _: u32) -> Answer<'a, Vec<RecordSummary>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn record(&self, _: ExecutionId) -> Answer<'_, Option<ExecutionRecord>> {
        Box::pin(async { Ok(None) })
    }

    fn minutes<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: u64, _: u64) -> Answer<'a, Vec<MinuteCount>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn prune_records(&self, before: SystemTime, max_bytes: u64) -> Answer<'_, Usage> {
        lock(&self.pruned).push((before, max_bytes));
        Box::pin(async { Ok(Usage { records: 3, bytes: 7 }) })
    }
}

fn config(records: RecordsConfig) -> ServerConfig {
    ServerConfig { records, ..ServerConfig::default() }
}

fn recorder(records: RecordsConfig) -> (Recorder, Arc<Shelf>, Arc<dyn Records>) {
    let shelf = Arc::<Shelf>::default();
    let store: Arc<dyn Records> = shelf.clone();
    (Recorder::new(&config(records), &store, Vec::new).unwrap(), shelf, store)
}

fn ran(size: usize, failure: Option<FailureKind>) -> Box<Ran> {
    let operation = Operation {
        kind: OperationKind::Execute,
        object: "p".to_owned(),
        input: DocumentType::SingleData,
        output: DocumentType::SingleData,
        content_type: String::new(),
        return_documents: true,
        max_documents: 1,
    };
    let mut execution = Execution::new("p", Arc::new(operation), Protocol::Rest);
    execution.documents = vec![Document::new(vec![b'x'; size])];
    let outcome = Outcome {
        id: execution.id,
        mode: Mode::General,
        uses: 1,
        waited: Duration::ZERO,
        instantiated: Duration::ZERO,
        ran: Duration::from_millis(1),
        instance_age: Duration::ZERO,
        cpu: Duration::ZERO,
        memory: 0,
        log: vec![LogLine { after: Duration::ZERO, level: LogLevel::Info, message: "said".to_owned() }],
        tape: None,
        result: failure.map_or_else(|| Ok(vec![Document::new("out")]), |kind| Err(Failure::new(kind, "why"))),
    };
    Box::new(Ran {
        execution,
        outcome,
        unsendable: None,
        version: 1,
        package: None,
        endpoint: None,
        user: None,
        client: None,
        debug: false,
        began_at: SystemTime::UNIX_EPOCH,
        status: Some(200),
        notes: Vec::new(),
        times: Times::default(),
    })
}

/// Takes all the room there is.
async fn fill(recorder: &Recorder) -> ExecutionId {
    let large = ran(RECORDS_WAITING, None);
    let id = large.execution.id;
    recorder.take(large).await;
    id
}

fn shed(recorder: &Recorder) -> Vec<(&'static str, u64)> {
    recorder.status().shed.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn records_are_written_in_batches_and_in_order() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    let mut follower = recorder.follow();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let ran = ran(10, None);
        expected.push((ran.execution.id, RecordKind::Whole));
        recorder.take(ran).await;
    }
    assert_eq!(recorder.status().behind, 3);
    recorder.flush().await;
    assert_eq!(shelf.ids(), expected);
    assert_eq!(*lock(&shelf.batches), [3]);
    let status = recorder.status();
    assert_eq!((status.written, status.behind, status.stored.records), (3, 0, 3));
    assert_eq!(follower.recv().await.unwrap().id, expected[0].0);
}

#[tokio::test(start_paused = true)]
async fn where_the_store_is_slow_successes_are_shed_failures_shrink_and_debug_runs_wait() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    let recorder = Arc::new(recorder);
    let gate = shelf.gate.write().await;
    let first = fill(&recorder).await;
    recorder.take(ran(10, None)).await;
    let failure = ran(10, Some(FailureKind::Trapped));
    let failed = failure.execution.id;
    recorder.take(failure).await;
    assert_eq!(shed(&recorder), [("success", 1), ("detail", 1)]);

    let mut debug = ran(10, None);
    debug.debug = true;
    let debugged = debug.execution.id;
    let waiting = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.take(debug).await }
    });
    tokio::time::sleep(RECORDS_PATIENCE / 2).await;
    assert!(!waiting.is_finished());
    drop(gate);
    waiting.await.unwrap();
    recorder.flush().await;
    let whole = RecordKind::Whole;
    assert_eq!(shelf.ids(), [(first, whole), (failed, RecordKind::Summary), (debugged, whole)]);
    let kept = lock(&shelf.kept);
    let summary = &kept[1];
    assert_eq!(summary.message.as_deref(), Some("why"));
    assert!(summary.documents_in.is_empty() && summary.log.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_debug_run_does_not_wait_for_ever() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    let _gate = shelf.gate.write().await;
    fill(&recorder).await;
    let mut debug = ran(10, None);
    debug.debug = true;
    recorder.take(debug).await;
    assert_eq!(shed(&recorder), [("detail", 1)]);
}

#[tokio::test(start_paused = true)]
async fn when_the_reserve_is_full_too_failures_are_counted() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    let _gate = shelf.gate.write().await;
    fill(&recorder).await;
    for _ in 0..=RECORDS_RESERVE {
        recorder.take(ran(1, Some(FailureKind::Failed))).await;
    }
    assert_eq!(shed(&recorder), [("detail", RECORDS_RESERVE as u64), ("failure", 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_written_later() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    shelf.away.store(true, Ordering::Relaxed);
    let ran = ran(10, None);
    let id = ran.execution.id;
    recorder.take(ran).await;
    recorder.flush().await;
    assert_eq!((shelf.ids(), recorder.status().behind), (Vec::new(), 1));
    assert!(recorder.status().errors >= 2);
    shelf.away.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((shelf.ids(), recorder.status().behind), (vec![(id, RecordKind::Whole)], 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_for_good_does_not_keep_the_others() {
    let (recorder, shelf, _store) = recorder(RecordsConfig::default());
    let all: Vec<_> = (0..7).map(|_| ran(10, None)).collect();
    let ids: Vec<_> = all.iter().map(|ran| ran.execution.id).collect();
    *lock(&shelf.refuses) = ids.get(4).copied();
    for ran in all {
        recorder.take(ran).await;
    }
    recorder.flush().await;
    let kept: Vec<_> = shelf.ids().into_iter().map(|(id, _)| id).collect();
    let rest: Vec<_> = ids.iter().enumerate().filter(|(nth, _)| *nth != 4).map(|(_, id)| *id).collect();
    assert_eq!(kept, rest);
    assert_eq!((shed(&recorder), recorder.status().behind), (vec![("refused", 1)], 0));
}

#[tokio::test(start_paused = true)]
async fn old_records_are_looked_for_now_and_then_and_after_much_was_written() {
    let records = RecordsConfig { keep: Duration::from_secs(60), max_bytes: 1 << 20, ..RecordsConfig::default() };
    let (recorder, shelf, _store) = recorder(records);
    let looks = || lock(&shelf.pruned).len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(looks(), 1, "at once");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(looks(), 2);
    recorder.take(ran(1 << 20, None)).await;
    recorder.flush().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(looks(), 3);
    let (before, max_bytes) = lock(&shelf.pruned)[0];
    let age = SystemTime::now().duration_since(before).unwrap().as_secs();
    assert!((60..100).contains(&age) && max_bytes == 1 << 20, "{age}");
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_dropped_lets_the_store_go() {
    let (recorder, shelf, store) = recorder(RecordsConfig::default());
    recorder.take(ran(10, None)).await;
    drop((recorder, store));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&shelf), 1);
}

#[tokio::test]
async fn the_level_and_the_mode_say_what_leaves_a_record() {
    let outcome = |mode, ran_ms, failure| {
        let mut outcome = ran(1, failure).outcome;
        (outcome.mode, outcome.ran) = (mode, Duration::from_millis(ran_ms));
        outcome
    };
    let failed = Some(FailureKind::Failed);
    let cases = [
        outcome(Mode::General, 1, None),
        outcome(Mode::LowLatency, 1, None),
        outcome(Mode::LowLatency, 11, None),
        outcome(Mode::LowLatency, 1, failed),
        outcome(Mode::General, 1, failed),
    ];
    for (level, expected) in [
        (RecordLevel::All, [true, false, true, true, true]),
        (RecordLevel::Failures, [false, false, true, true, true]),
        (RecordLevel::Off, [false; 5]),
    ] {
        let slow = Some(Duration::from_millis(10));
        let (recorder, ..) = recorder(RecordsConfig { level, slow, ..RecordsConfig::default() });
        let due: Vec<_> = cases.iter().map(|outcome| recorder.is_due(outcome, false)).collect();
        assert_eq!(due, expected, "{level}");
        assert_eq!(recorder.is_due(&cases[0], true), level != RecordLevel::Off);
    }
}

fn recorded(config: RecordsConfig, ran: &Ran) -> ExecutionRecord {
    Shape::new(&self::config(config)).unwrap().record(ran, RecordKind::Whole)
}

#[test]
fn long_documents_are_cut_between_characters() {
    let cut = |data: &[u8], most: u64| {
        let mut ran = ran(1, None);
        ran.execution.documents = vec![Document::new(data.to_vec())];
        let config = RecordsConfig { max_document_bytes: most, ..RecordsConfig::default() };
        recorded(config, &ran).documents_in.remove(0)
    };
    let whole = cut("grün".as_bytes(), 5);
    assert_eq!((whole.text.as_deref(), whole.altered, whole.size), (Some("grün"), false, 5));
    let short = cut("grün".as_bytes(), 3);
    assert_eq!((short.text.as_deref(), short.altered, short.size), (Some("gr"), true, 5));
    let bytes = cut(&[1, 2, 0xff, 4], 3);
    assert_eq!((bytes.text, bytes.base64.as_deref(), bytes.altered), (None, Some("AQL/"), true));
    assert_eq!(cut(b"abc", 0).text.as_deref(), Some(""));
}

#[test]
fn a_debug_run_is_kept_whole() {
    let mut ran = ran(1 << 20, None);
    assert!(recorded(RecordsConfig::default(), &ran).documents_in[0].altered);
    ran.debug = true;
    let record = recorded(RecordsConfig::default(), &ran);
    assert_eq!((record.documents_in[0].altered, record.documents_in[0].size), (false, 1 << 20));
}

#[test]
fn of_too_many_documents_only_the_size_is_kept() {
    let mut ran = ran(1, None);
    ran.execution.documents = vec![Document::new("abc"); 1002];
    let record = recorded(RecordsConfig::default(), &ran);
    let last = record.documents_in.last().unwrap();
    assert_eq!((record.documents_in.len(), last.size, last.altered), (1001, 6, true));
    assert_eq!(record.notes, ["2 more documents went in: the last that is shown stands for them"]);
}

#[test]
fn what_is_redacted_is_redacted_before_it_is_cut() {
    let mut ran = ran(1, None);
    let long = format!(r#"{{"pad":"{}","pin":"7391"}}"#, "x".repeat(100));
    let mut headers = Properties::new();
    headers.set("inheader_X-Token", "7391");
    ran.execution.documents = vec![Document::with_properties(long.clone(), headers), Document::new("plain")];
    ran.execution.properties.set("query_pin", "7391");
    let redact =
        Redact { headers: vec!["x-token".into()], properties: vec!["query_pin".into()], json: vec!["$.pin".into()] };
    for max_document_bytes in [0, 60, 125, 1000] {
        let record =
            recorded(RecordsConfig { max_document_bytes, redact: redact.clone(), ..RecordsConfig::default() }, &ran);
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("7391") && text.contains("[redacted]"), "{text}");
        assert!(record.documents_in[0].altered && record.documents_in[0].size == long.len() as u64);
        assert_eq!(record.notes.len(), 1);
    }
}

#[test]
fn documents_that_could_not_be_sent_are_in_the_record_of_the_failure() {
    let mut ran = ran(1, None);
    ran.unsendable = Some(Failure::new(FailureKind::Contract, "no list"));
    let record = recorded(RecordsConfig::default(), &ran);
    assert_eq!((record.summary.failure, record.message.as_deref()), (Some(FailureKind::Contract), Some("no list")));
    assert_eq!(record.documents_out[0].text.as_deref(), Some("out"));
}
