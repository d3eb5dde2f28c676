//! Records and counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auricle_model::{
    ExecutionId, ExecutionRecord, FailureKind, MinuteCount, Mode, RecordKind, RecordSummary, Tape, TapeEntry,
};
use auricle_store::{RecordFilter, Store, Usage};

use crate::fixtures::{at, record};

const DAY: u64 = 86_400_000;

fn ids(of: &[RecordSummary]) -> Vec<ExecutionId> {
    of.iter().map(|summary| summary.id).collect()
}

async fn put(store: &dyn Store, records: &[ExecutionRecord]) {
    store.put_records(records.to_vec(), Vec::new()).await.unwrap();
}

async fn found(store: &dyn Store, filter: RecordFilter) -> Vec<ExecutionId> {
    ids(&store.records(&filter, 1000).await.unwrap())
}

async fn usage(store: &dyn Store) -> Usage {
    store.prune_records(UNIX_EPOCH, u64::MAX).await.unwrap()
}

pub(super) async fn a_record_comes_back_as_it_was(store: &dyn Store) {
    let mut failed = record("account-create", at(DAY + 7));
    failed.summary.failure = Some(FailureKind::Trapped);
    failed.summary.kind = RecordKind::Summary;
    failed.summary.debug = true;
    failed.message = Some("unreachable\0 \u{1F980}".into());
    failed.tape = Some(Tape {
        entries: vec![TapeEntry {
            call: "sql.query".into(),
            asked: "select 1".into(),
            answer: serde_json::json!([1, { "a": null }]),
        }],
        cut: true,
    });
    let mut bare = record("account-get", at(DAY));
    (bare.summary.api, bare.summary.route, bare.summary.user, bare.summary.status) = (None, None, None, None);
    (bare.summary.trace_id, bare.package, bare.client) = (None, None, None);
    put(store, &[failed.clone(), bare.clone()]).await;

    assert_eq!(store.record(failed.summary.id).await.unwrap(), Some(failed.clone()));
    assert_eq!(store.record(bare.summary.id).await.unwrap(), Some(bare.clone()));
    assert_eq!(store.record(ExecutionId::new()).await.unwrap(), None);
    let all = store.records(&RecordFilter::default(), 10).await.unwrap();
    assert_eq!(all, [failed.summary, bare.summary]);
}

pub(super) async fn records_are_listed_newest_first(store: &dyn Store) {
    // Several in one millisecond: then the id decides.
    let records: Vec<_> = (0..50).map(|n| record("p", at(DAY + n / 3))).collect();
    let newest_first: Vec<_> = records.iter().rev().map(|record| record.summary.id).collect();
    for some in records.rchunks(7) {
        put(store, some).await;
    }
    assert_eq!(found(store, RecordFilter::default()).await, newest_first);
    assert_eq!(ids(&store.records(&RecordFilter::default(), 3).await.unwrap()), newest_first[..3]);
    assert!(store.records(&RecordFilter::default(), 0).await.unwrap().is_empty());
}

pub(super) async fn records_are_found_by_what_they_are(store: &dyn Store) {
    let plain = record("plain", at(DAY));
    let change = |name: &str, change: fn(&mut RecordSummary)| {
        let mut record = record(name, at(DAY));
        change(&mut record.summary);
        record
    };
    let all = [
        plain.clone(),
        change("elsewhere", |summary| summary.environment = "test".into()),
        change("failed", |summary| summary.failure = Some(FailureKind::Failed)),
        change("late", |summary| summary.failure = Some(FailureKind::Deadline)),
        change("teapot", |summary| summary.status = Some(418)),
        change("quick", |summary| summary.mode = Mode::LowLatency),
        change("old", |summary| summary.version = 2),
        change("bob", |summary| summary.user = Some("bob".into())),
        change("slow", |summary| summary.ran_us = 5_000_000),
        change("early", |summary| summary.began_at = at(DAY - 1)),
        change("next", |summary| summary.began_at = at(DAY + 1)),
    ];
    put(store, &all).await;
    let none = RecordFilter::default;
    let asked = [
        (RecordFilter { environment: Some("test".into()), ..none() }, vec!["elsewhere"]),
        (RecordFilter { process: Some("slow".into()), ..none() }, vec!["slow"]),
        (RecordFilter { failed: Some(true), ..none() }, vec!["failed", "late"]),
        (RecordFilter { failure: Some(FailureKind::Deadline), ..none() }, vec!["late"]),
        (RecordFilter { failed: Some(false), failure: Some(FailureKind::Deadline), ..none() }, vec![]),
        (RecordFilter { status: Some(418), ..none() }, vec!["teapot"]),
        (RecordFilter { mode: Some(Mode::LowLatency), ..none() }, vec!["quick"]),
        (RecordFilter { version: Some(2), ..none() }, vec!["old"]),
        (RecordFilter { user: Some("bob".into()), ..none() }, vec!["bob"]),
        (RecordFilter { longer_us: Some(5_000_000), ..none() }, vec!["slow"]),
        (RecordFilter { until: Some(at(DAY)), ..none() }, vec!["early"]),
        (RecordFilter { since: Some(at(DAY + 1)), ..none() }, vec!["next"]),
        (RecordFilter { process: Some("next".into()), since: Some(at(DAY)), ..none() }, vec!["next"]),
        (RecordFilter { process: Some("next".into()), until: Some(at(DAY)), ..none() }, vec![]),
        (RecordFilter { failed: Some(true), status: Some(418), ..none() }, vec![]),
    ];
    for (filter, wanted) in asked {
        let list = store.records(&filter, 100).await.unwrap();
        let mut names: Vec<_> = list.iter().map(|summary| summary.process.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, wanted, "{filter:?}");
        assert!(all.iter().all(|one| filter.matches(&one.summary) == names.contains(&&*one.summary.process)));
    }
    assert_eq!(found(store, RecordFilter { failed: Some(false), ..none() }).await.len(), all.len() - 2);
}

pub(super) async fn lists_are_walked_in_pages_and_followed(store: &dyn Store) {
    let records: Vec<_> = (0..40).map(|n| record(["a", "b"][n % 2], at(DAY + n as u64))).collect();
    put(store, &records[..30]).await;
    let of = |range: std::ops::Range<usize>| -> Vec<_> {
        records[range].iter().map(|record| record.summary.id).step_by(2).collect()
    };
    let a = || RecordFilter { process: Some("a".into()), ..RecordFilter::default() };
    let (mut walked, mut before) = (Vec::new(), None);
    loop {
        let page = ids(&store.records(&RecordFilter { before, ..a() }, 4).await.unwrap());
        let Some(last) = page.last() else { break };
        before = Some(*last);
        walked.extend(page);
    }
    walked.reverse();
    assert_eq!(walked, of(0..30));

    put(store, &records[30..]).await;
    let after = Some(records[28].summary.id);
    assert_eq!(found(store, RecordFilter { after, ..a() }).await, of(30..40), "oldest first");
    let after = Some(records[38].summary.id);
    assert!(found(store, RecordFilter { after, ..a() }).await.is_empty());
    let (after, before) = (Some(records[9].summary.id), Some(records[20].summary.id));
    assert_eq!(found(store, RecordFilter { after, before, ..a() }).await, of(10..20));

    // The last of the page before may be gone when the next is asked for: its id says where it stood.
    let gone = record("a", SystemTime::now());
    let now = record("a", SystemTime::now() + Duration::from_secs(60));
    put(store, std::slice::from_ref(&now)).await;
    let before = Some(gone.summary.id);
    assert_eq!(found(store, RecordFilter { before, ..a() }).await.len(), 20);
    assert_eq!(found(store, RecordFilter { after: before, ..a() }).await, [now.summary.id]);
}

pub(super) async fn a_later_attempt_replaces_an_earlier_one(store: &dyn Store) {
    let mut attempt = record("p", at(DAY));
    attempt.summary.attempt = 2;
    let numbered = |number: u32| {
        let mut other = attempt.clone();
        other.summary.attempt = number;
        other.message = Some("x".repeat(100 * number as usize));
        other
    };
    put(store, &[numbered(2)]).await;
    put(store, &[numbered(1), record("q", at(DAY))]).await;
    assert_eq!(store.record(attempt.summary.id).await.unwrap(), Some(numbered(2)), "an earlier one is left out");
    let before = usage(store).await;
    assert_eq!(before.records, 2);

    let same = ExecutionRecord { message: None, ..numbered(2) };
    put(store, &[same]).await;
    assert_eq!(store.record(attempt.summary.id).await.unwrap(), Some(numbered(2)), "the first of an attempt stays");
    assert_eq!(usage(store).await, before);

    put(store, &[record("r", at(DAY)), numbered(3), numbered(5), numbered(4)]).await;
    assert_eq!(store.record(attempt.summary.id).await.unwrap(), Some(numbered(5)));
    let all = found(store, RecordFilter::default()).await;
    assert_eq!(all.len(), 3);
    let after = usage(store).await;
    assert_eq!(after.records, 3);

    // Asked again because the answer was lost: nothing is counted twice.
    put(store, &[numbered(5), numbered(1)]).await;
    assert_eq!(usage(store).await, after);
    let twice = record("twice", at(DAY));
    put(store, &[twice.clone(), twice.clone()]).await;
    put(store, &[twice]).await;
    assert_eq!(usage(store).await.records, 4);

    let mut again = numbered(1);
    again.summary.began_at = at(DAY + 1);
    put(store, &[again.clone()]).await;
    let kept = store.record(attempt.summary.id).await.unwrap();
    assert_eq!(kept, Some(again), "a dead letter that is sent again counts anew");
}

pub(super) async fn counts_of_a_minute_are_added_up(store: &dyn Store) {
    let count = |environment: &str, process: &str, minute: u64, executions: u64| MinuteCount {
        environment: environment.into(),
        process: process.into(),
        minute,
        executions,
        failures: 1,
        ran_us: 100 * executions,
        longest_us: 1000 / executions,
        buckets: std::array::from_fn(|n| n as u64 * executions),
    };
    let first = vec![
        count("default", "b", 10, 2),
        count("default", "a", 10, 4),
        count("default", "a", 11, 1),
        count("test", "a", 10, 1),
    ];
    store.put_records(Vec::new(), first).await.unwrap();
    store.put_records(Vec::new(), vec![count("default", "a", 10, 5), count("default", "a", 10, 8)]).await.unwrap();

    let minutes = async |process, from, to| store.minutes("default", process, from, to).await.unwrap();
    let a = MinuteCount { failures: 3, longest_us: 250, ..count("default", "a", 10, 17) };
    let all = [a, count("default", "b", 10, 2), count("default", "a", 11, 1)];
    assert_eq!(minutes(None, 0, 100).await, all);
    assert_eq!(minutes(Some("a"), 10, 11).await, all[..1]);
    assert_eq!(minutes(None, 11, 12).await, all[2..]);
    assert!(minutes(None, 0, 10).await.is_empty());

    store.prune_records(at(11 * 60_000 + 59_999), u64::MAX).await.unwrap();
    assert_eq!(minutes(None, 0, 100).await, all[2..], "the minute of the bound itself stays");
    assert!(store.minutes("test", None, 0, 100).await.unwrap().is_empty());
}

pub(super) async fn old_records_go_first(store: &dyn Store) {
    assert_eq!(usage(store).await, Usage::default());
    // More than one step of the clean-up takes.
    let records: Vec<_> = (0..1300).map(|n| record("p", at(DAY + n))).collect();
    for some in records.chunks(325) {
        put(store, some).await;
    }
    let all = usage(store).await;
    assert_eq!(all.records, 1300);
    let left = store.prune_records(at(DAY + 1200), u64::MAX).await.unwrap();
    assert_eq!(left.records, 100);
    assert_eq!(left.bytes, all.bytes / 13);
    let kept: Vec<_> = records[1200..].iter().rev().map(|record| record.summary.id).collect();
    assert_eq!(found(store, RecordFilter::default()).await, kept);
    assert_eq!(usage(store).await, left);
    assert_eq!(store.prune_records(at(2 * DAY), u64::MAX).await.unwrap(), Usage::default());
}

pub(super) async fn too_many_bytes_are_pruned(store: &dyn Store) {
    let records: Vec<_> = (0..20)
        .map(|n| {
            let mut record = record("p", at(DAY + n));
            record.documents_in[0].text = Some("x".repeat(10_000));
            record
        })
        .collect();
    put(store, &records).await;
    let all = usage(store).await;
    assert!((200_000..300_000).contains(&all.bytes), "{all:?}");
    let left = store.prune_records(UNIX_EPOCH, 60_000).await.unwrap();
    assert!((1..=60_000).contains(&left.bytes) && left.records == 5, "{left:?}");
    let newest: Vec<_> = records[15..].iter().rev().map(|record| record.summary.id).collect();
    assert_eq!(found(store, RecordFilter::default()).await, newest, "the oldest went");
    assert_eq!(store.prune_records(UNIX_EPOCH, left.bytes).await.unwrap(), left);
    assert_eq!(store.prune_records(UNIX_EPOCH, 0).await.unwrap(), Usage::default());
}

pub(super) async fn many_records_at_once_are_all_there(store: &dyn Store) {
    let batch = async |size: usize| {
        let mut records: Vec<_> = (0..size).map(|n| record("p", at(DAY + n as u64))).collect();
        if let Some(large) = records.get_mut(size / 2) {
            large.documents_out[0].text = Some("y".repeat(300_000));
        }
        put(store, &records).await;
        records.into_iter().map(|record| record.summary.id).collect::<Vec<_>>()
    };
    let sizes = [0, 1, 31, 32, 33, 64, 100, 7];
    let mut given = futures_util::future::join_all(sizes.map(batch)).await.concat();
    let mut listed = found(store, RecordFilter::default()).await;
    given.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, given);
    assert_eq!(usage(store).await.records, given.len() as u64);
}
