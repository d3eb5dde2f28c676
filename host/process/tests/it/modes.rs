//! General mode makes a fresh instance for each execution; low latency uses warm ones again, and only those that are fit.

use std::sync::Arc;

use auricle_model::{FailureKind, Mode};
use auricle_process::{EngineConfig, ProcessSpec, Processes};

use crate::guests::{self, FAILING_START, MODE_AT_START, START};
use crate::support::{Test, decl, engine, execution, failed, number, only};

#[tokio::test]
async fn general_mode_is_fresh_each_time() {
    let test = Test::new(Mode::General).await;
    for _ in 0..3 {
        let outcome = test.run("u").await;
        assert_eq!((number(&outcome), outcome.uses), (1, 1));
    }
    assert_eq!(test.warm(), 0);
}

#[tokio::test]
async fn low_latency_uses_an_instance_again() {
    let test = Test::new(Mode::LowLatency).await;
    assert_eq!(test.warm(), 1, "made at start");
    for use_ in 1..=5 {
        let outcome = test.run("u").await;
        assert_eq!((number(&outcome), outcome.uses, outcome.mode), (use_, u64::from(use_), Mode::LowLatency));
    }
    assert_eq!(test.warm(), 1);
}

#[tokio::test]
async fn a_debug_execution_of_a_low_latency_process_is_fresh() {
    let test = Test::new(Mode::LowLatency).await;
    test.run("u").await;
    let mut debug = execution("test", "u");
    debug.mode = Some(Mode::General);
    let outcome = test.processes.run(debug).await;
    assert_eq!((number(&outcome), outcome.mode), (1, Mode::General));
    assert_eq!(number(&test.run("u").await), 2);
}

#[tokio::test]
async fn each_instance_serves_one_execution_at_a_time() {
    let test = Arc::new(Test::new(Mode::LowLatency).await);
    let both: Vec<_> = (0..4)
        .map(|_| {
            let test = test.clone();
            tokio::spawn(async move { test.run("z").await })
        })
        .collect();
    for outcome in both {
        assert_eq!(number(&outcome.await.unwrap()), 1);
    }
    assert_eq!(test.warm(), 4);
}

#[tokio::test]
async fn a_failure_keeps_the_instance_and_a_trap_throws_it_away() {
    // One at most, so that it is not the replacement of an earlier one that is looked at.
    let test = Test::with(Mode::LowLatency, |d| d.limits.max_instances = Some(1)).await;
    assert_eq!(number(&test.run("u").await), 1);
    failed(&test.run("f").await, FailureKind::Failed);
    assert_eq!(number(&test.run("u").await), 3);
    for (command, kind) in [
        ("t", FailureKind::Trapped),
        ("r", FailureKind::Trapped),
        ("m", FailureKind::Memory),
        ("h", FailureKind::Contract),
    ] {
        failed(&test.run(command).await, kind);
        assert_eq!(number(&test.run("u").await), 1, "a new one after {command}");
    }
}

#[tokio::test]
async fn an_execution_that_is_given_up_takes_its_instance_with_it() {
    let test = Test::new(Mode::LowLatency).await;
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), test.run("w")).await;
    assert!(given_up.is_err());
    let status = &test.processes.statuses()[0];
    assert_eq!((status.busy, status.warm), (0, 0));
    assert_eq!(number(&test.run("u").await), 1);
}

#[tokio::test]
async fn an_instance_that_has_grown_near_its_limit_is_let_go() {
    let test = Test::with(Mode::LowLatency, |d| d.limits.max_instances = Some(1)).await;
    // 2 MiB more each time, of 16: past 12 it goes.
    let uses: Vec<u32> = {
        let mut uses = Vec::new();
        for _ in 0..8 {
            uses.push(number(&test.run("g").await));
        }
        uses
    };
    assert_eq!(uses, [1, 2, 3, 4, 5, 6, 1, 2]);
}

#[tokio::test]
async fn an_instance_that_leaves_much_open_is_let_go_before_an_execution_fails_of_it() {
    let test = Test::new(Mode::LowLatency).await;
    let mut uses = Vec::new();
    for _ in 0..12 {
        uses.push(number(&test.run("q").await));
    }
    assert!(uses.iter().filter(|n| **n == 1).count() > 1, "{uses:?}");
}

#[tokio::test]
async fn an_instance_is_let_go_after_so_many_uses() {
    let engine =
        auricle_process::Engine::new(EngineConfig { reuse: 4, max_instances: Some(4), ..EngineConfig::default() })
            .unwrap();
    let test = Test::start(engine, guests::commands(), Mode::LowLatency, |_| {}).await;
    let mut most = 0;
    for _ in 0..30 {
        most = most.max(number(&test.run("u").await));
    }
    assert!((3..=5).contains(&most), "{most}");
}

#[tokio::test]
async fn nothing_of_one_execution_is_seen_by_the_next() {
    let test = Test::new(Mode::LowLatency).await;
    let mut first = execution("test", "p");
    first.properties.set("who", "Ada");
    assert_eq!(only(&test.processes.run(first).await), b"Ada");
    assert_eq!(only(&test.run("p").await), b"");
    assert_eq!(test.run("O").await.log.len(), 2);
    assert_eq!(test.run("O").await.log.len(), 2);
}

#[tokio::test]
async fn a_document_kept_beyond_its_execution_is_never_another_ones() {
    let test = Test::new(Mode::LowLatency).await;
    assert!(test.run("k").await.result.is_ok());
    // Dropped late, as garbage collectors do: the document of this execution, in the same place of the slab, is untouched.
    assert_eq!(only(&test.run("D").await), b"D");
    assert_eq!(number(&test.run("u").await), 3);
    // Used late: refused.
    assert!(test.run("k").await.result.is_ok());
    assert!(failed(&test.run("K").await, FailureKind::Contract).contains("earlier execution"));
}

#[tokio::test]
async fn start_is_called_once_for_each_warm_instance() {
    let test = Test::start(engine(), guests::with_start(START), Mode::LowLatency, |_| {}).await;
    assert!(test.component.has_lifecycle());
    for _ in 0..3 {
        let outcome = test.run("y").await;
        assert_eq!(number(&outcome), 1);
        assert!(outcome.log.is_empty(), "what start says is of no execution");
    }
    failed(&test.run("t").await, FailureKind::Trapped);
    // Replaced off the way of any request.
    warm(&test, 1).await;
    assert_eq!(number(&test.run("y").await), 1);
}

/// Waits until so many instances lie idle.
async fn warm(test: &Test, instances: usize) {
    for _ in 0..500 {
        if test.warm() == instances {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(test.warm(), instances);
}

#[tokio::test]
async fn a_minimum_is_kept_warm() {
    let test = Test::with(Mode::LowLatency, |d| d.limits.min_instances = 3).await;
    warm(&test, 3).await;
    for _ in 0..2 {
        failed(&test.run("t").await, FailureKind::Trapped);
        assert_eq!(test.warm(), 2);
        warm(&test, 3).await;
    }
    assert_eq!(number(&test.run("u").await), 1);
}

#[tokio::test]
async fn what_becomes_of_instances_is_counted() {
    let retired = |test: &Test| {
        let (_, counts) = test.engine.counts().into_iter().next().unwrap();
        let retired: u64 = counts.retired.iter().map(|(_, count)| count).sum();
        let reasons: Vec<_> = counts.retired.into_iter().filter(|(_, count)| *count > 0).collect();
        (counts.made - retired, reasons)
    };
    let test = Test::with(Mode::LowLatency, |d| {
        d.limits.max_instances = Some(1);
        d.limits.timeout = std::time::Duration::from_secs(2);
        d.limits.cpu_timeout = Some(std::time::Duration::from_millis(100));
    })
    .await;
    for command in ["u", "t", "w", "s", "m"] {
        test.run(command).await;
    }
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), test.run("w")).await;
    assert!(given_up.is_err());
    let (_, reasons) = retired(&test);
    assert_eq!(reasons, [("memory", 1), ("trap", 1), ("deadline", 1), ("cpu", 1), ("cancelled", 1)]);
    test.run("u").await;
    warm(&test, 1).await;
    assert_eq!(retired(&test).0, 1, "one is left");
    let Test { engine, component, processes } = test;
    drop(processes);
    let (_, counts) = engine.counts().into_iter().next().unwrap();
    assert!(counts.retired.contains(&("undeployed", 1)), "{:?}", counts.retired);

    let test = Test::start(engine, guests::commands(), Mode::General, |d| d.name = "fresh".into()).await;
    let execution = execution("fresh", "u");
    assert!(test.processes.run(execution).await.result.is_ok());
    let counts = test.engine.counts();
    let (_, fresh) = counts.iter().find(|(name, _)| &**name == "fresh").unwrap();
    assert_eq!((fresh.made, fresh.retired.iter().find(|(why, _)| *why == "once")), (2, Some(&("once", 2))));
    drop(component);
}

#[tokio::test]
async fn a_maximum_is_never_passed() {
    let test = Arc::new(Test::with(Mode::LowLatency, |d| d.limits.max_instances = Some(2)).await);
    let all: Vec<_> = (0..4)
        .map(|_| {
            let test = test.clone();
            tokio::spawn(async move { number(&test.run("z").await) })
        })
        .collect();
    let mut uses = Vec::new();
    for one in all {
        uses.push(one.await.unwrap());
    }
    uses.sort_unstable();
    assert_eq!((uses, test.warm()), (vec![1, 1, 2, 2], 2));
}

#[tokio::test]
async fn a_sub_process_beyond_the_maximum_has_an_instance_of_its_own() {
    let test = Test::with(Mode::LowLatency, |d| d.limits.max_instances = Some(1)).await;
    for _ in 0..2 {
        // The first waits for the second, which is of the same process.
        assert_eq!(number(&test.run("dutest").await), 1);
        assert_eq!(test.warm(), 1);
    }
}

#[tokio::test]
async fn start_is_told_the_declared_mode() {
    for (mode, first) in [(Mode::General, b'g'), (Mode::LowLatency, b'l')] {
        let test = Test::start(engine(), guests::with_start(MODE_AT_START), mode, |_| {}).await;
        let mut warm = execution("test", "y");
        warm.mode = Some(Mode::LowLatency);
        assert_eq!(number(&test.processes.run(warm).await), u32::from(first));
    }
}

#[tokio::test]
async fn start_is_not_called_in_general_mode() {
    let test = Test::start(engine(), guests::with_start(START), Mode::General, |_| {}).await;
    assert_eq!(number(&test.run("y").await), 0);
}

#[tokio::test]
async fn a_debug_execution_has_been_started_too() {
    let test = Test::start(engine(), guests::with_start(START), Mode::LowLatency, |_| {}).await;
    let mut debug = execution("test", "y");
    debug.mode = Some(Mode::General);
    assert_eq!(number(&test.processes.run(debug).await), 1);
}

#[tokio::test]
async fn a_start_that_fails_fails_the_deployment() {
    let call = "(call $call (i32.const 32) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 176)) (i32.const 176)";
    let cases = [
        (FAILING_START, "`lifecycle.start` failed: asked to fail"),
        ("(unreachable)", "panicked or aborted"),
        ("(loop $forever (br $forever)) (unreachable)", "`timeout` of 300ms"),
        (call, "no sub-processes in `lifecycle.start`"),
    ];
    let engine = engine();
    for mode in [Mode::General, Mode::LowLatency] {
        for (body, why) in cases {
            let component = engine.load(guests::with_start(body).into()).await.unwrap();
            let mut decl = decl("test", mode);
            decl.limits.timeout = std::time::Duration::from_millis(300);
            let spec = ProcessSpec { decl, component };
            let errors = Processes::start(&engine, vec![spec], &[]).await.unwrap_err();
            assert_eq!(errors.len(), 1);
            let error = errors[0].to_string();
            assert!(error.starts_with("process `test` does not start") && error.contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn two_processes_of_one_name_are_refused() {
    let test = Test::new(Mode::General).await;
    let spec = ProcessSpec { decl: decl("test", Mode::General), component: test.component.clone() };
    let mut granted = decl("other", Mode::General);
    granted.grants.connections.push("erp".into());
    let other = ProcessSpec { decl: granted, component: test.component.clone() };
    let errors = Processes::start(&test.engine, vec![spec.clone(), spec, other], &[]).await.unwrap_err();
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    for words in ["two processes `test`", "process `other` is granted connection `erp`"] {
        assert!(errors.iter().any(|e| e.contains(words)), "{errors:?}");
    }
}
