//! Guests that want more than they may have: each is stopped, told why, and harms nobody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auricle_model::{FailureKind, Limits, Mode};
use auricle_process::{Engine, EngineConfig, ProcessSpec};

use crate::guests;
use crate::support::{Test, decl, execution, failed, number, start};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "current_thread")]
async fn a_spinning_guest_is_stopped_and_others_run_meanwhile() {
    let test = Arc::new(Test::with(Mode::General, |d| d.limits.timeout = SHORT).await);
    let began = Instant::now();
    let spinning = tokio::spawn({
        let test = test.clone();
        async move { test.run("s").await }
    });
    // One thread: the others get on only because the spinning guest yields.
    let mut others = 0;
    while !spinning.is_finished() {
        assert!(test.run("e").await.result.is_ok());
        others += 1;
    }
    let outcome = spinning.await.unwrap();
    assert!(failed(&outcome, FailureKind::Deadline).contains("`timeout` of 300ms"));
    assert!(began.elapsed() >= SHORT && began.elapsed() < 10 * SHORT, "{:?}", began.elapsed());
    assert!(others > 5, "{others}");
    assert!(outcome.ran >= SHORT);
}

#[tokio::test]
async fn a_guest_that_waits_in_the_host_is_stopped_too() {
    let test = Test::with(Mode::LowLatency, |d| d.limits.timeout = SHORT).await;
    let began = Instant::now();
    failed(&test.run("w").await, FailureKind::Deadline);
    assert!(began.elapsed() < 10 * SHORT);
    assert_eq!(number(&test.run("u").await), 1, "a new instance");
}

#[tokio::test]
async fn a_sub_process_has_the_rest_of_its_callers_time() {
    let test = Test::new(Mode::General).await;
    let spec = |name: &str, timeout: Duration| {
        let mut decl = decl(name, Mode::General);
        decl.limits.timeout = timeout;
        ProcessSpec { decl, component: test.component.clone() }
    };
    let processes = start(&test.engine, vec![spec("test", SHORT), spec("child", 100 * SHORT)]).await;
    let began = Instant::now();
    failed(&processes.run(execution("test", "dschild")).await, FailureKind::Deadline);
    assert!(began.elapsed() < 10 * SHORT);
    // And never more than its own.
    let processes = start(&test.engine, vec![spec("test", 100 * SHORT), spec("child", SHORT)]).await;
    let outcome = processes.run(execution("test", "dschild")).await;
    assert!(failed(&outcome, FailureKind::Failed).contains("`timeout` of 300ms"));
}

#[tokio::test]
async fn memory_is_limited() {
    let test = Test::new(Mode::General).await;
    let outcome = test.run("m").await;
    let message = failed(&outcome, FailureKind::Memory);
    assert!(message.contains("more than its `memory` of 16MiB"), "{message}");
    assert!(outcome.memory > 14 << 20 && outcome.memory <= 16 << 20, "{}", outcome.memory);
}

#[tokio::test]
async fn a_process_that_needs_more_memory_than_it_may_have_does_not_start() {
    let engine = crate::support::engine();
    let component = engine.load(guests::commands().into()).await.unwrap();
    let mut decl = decl("test", Mode::General);
    decl.limits.memory = 1 << 16;
    let errors =
        auricle_process::Processes::start(&engine, vec![ProcessSpec { decl, component }], &[]).await.unwrap_err();
    assert!(errors[0].to_string().contains("process `test` does not start: memory"), "{}", errors[0]);
}

#[tokio::test]
async fn recursion_is_limited() {
    let test = Test::new(Mode::General).await;
    assert!(failed(&test.run("r").await, FailureKind::Trapped).contains("recursed too deep: the stack of 512KiB"));
}

#[tokio::test]
async fn the_log_is_limited() {
    let test = Test::new(Mode::LowLatency).await;
    let outcome = test.run("l").await;
    assert!(outcome.result.is_ok());
    assert!(outcome.log.iter().map(|l| l.message.len()).sum::<usize>() <= 1 << 20);
    assert!(outcome.log.last().unwrap().message.starts_with("log truncated"));
    assert_eq!(test.run("O").await.log.len(), 2, "the next execution logs again");
}

#[tokio::test]
async fn handles_are_limited() {
    let test = Test::new(Mode::General).await;
    let outcome = test.run("h").await;
    let message = failed(&outcome, FailureKind::Contract);
    assert!(message.contains("more than 100000 handles"), "{message}");
}

#[tokio::test]
async fn documents_are_limited_in_bytes() {
    let test = Test::new(Mode::General).await;
    for command in ["b", "B"] {
        let outcome = test.run(command).await;
        assert!(failed(&outcome, FailureKind::Contract).contains("more than 256MiB in documents"));
    }
}

#[tokio::test]
async fn properties_are_limited_in_bytes() {
    let test = Test::new(Mode::General).await;
    assert!(failed(&test.run("P").await, FailureKind::Contract).contains("more than 1MiB of process properties"));
}

#[tokio::test]
async fn documents_are_limited_in_number() {
    let test = Test::new(Mode::General).await;
    let mut execution = execution("test", "e");
    execution.documents = vec![execution.documents[0].clone(); 70_000];
    assert!(failed(&test.processes.run(execution).await, FailureKind::Contract).contains("70000 documents"));
}

#[tokio::test]
async fn too_many_at_once_wait_and_are_then_refused() {
    let test = Arc::new(
        Test::with(Mode::General, |d| {
            d.limits.timeout = SHORT;
            d.limits.max_concurrent = 1;
        })
        .await,
    );
    let all: Vec<_> = (0..8)
        .map(|_| {
            let test = test.clone();
            tokio::spawn(async move { test.run("w").await })
        })
        .collect();
    tokio::time::sleep(SHORT / 3).await;
    let status = test.processes.statuses().remove(0);
    assert_eq!((status.busy, status.waiting), (1, 4));
    let mut refused = 0;
    for outcome in all {
        let outcome = outcome.await.unwrap();
        let failure = outcome.result.unwrap_err();
        if failure.kind == FailureKind::Saturated {
            refused += 1;
            assert!(failure.message.contains("`max-concurrent`"), "{failure}");
        } else {
            assert_eq!(failure.kind, FailureKind::Deadline);
        }
    }
    assert!((3..=7).contains(&refused), "{refused}");
    assert!(test.run("e").await.result.is_ok());
}

fn small_engine(instances: u32) -> Engine {
    Engine::new(EngineConfig { max_instances: instances, ..EngineConfig::default() }).unwrap()
}

#[tokio::test]
async fn instances_of_the_whole_engine_are_limited() {
    let test =
        Arc::new(Test::start(small_engine(2), guests::commands(), Mode::General, |d| d.limits.timeout = SHORT).await);
    let all: Vec<_> = (0..3)
        .map(|_| {
            let test = test.clone();
            tokio::spawn(async move { test.run("z").await })
        })
        .collect();
    for outcome in all {
        assert!(outcome.await.unwrap().result.is_ok(), "the third waits for one of the two");
    }
    // A sub-process never waits: this one finds no room for the third of its line.
    let outcome = test.run("ctest").await;
    assert!(failed(&outcome, FailureKind::Failed).contains("all 2 instances"));
}

#[tokio::test]
async fn an_engine_that_can_reserve_no_room_still_runs() {
    // 4 GiB for each of these is more than any processor can address.
    let test = Test::start(small_engine(1 << 20), guests::commands(), Mode::LowLatency, |_| {}).await;
    assert!(test.run("e").await.result.is_ok());
    failed(&test.run("m").await, FailureKind::Memory);
    assert_eq!(number(&test.run("u").await), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_leaves_everything_as_it_was() {
    let engine = small_engine(6);
    let component = engine.load(guests::commands().into()).await.unwrap();
    let spec = |name: &str, mode: Mode| {
        let mut decl = decl(name, mode);
        decl.limits = Limits { timeout: SHORT, memory: 4 << 20, max_concurrent: 4 };
        ProcessSpec { decl, component: component.clone() }
    };
    let specs = vec![spec("fresh", Mode::General), spec("warm", Mode::LowLatency), spec("child", Mode::LowLatency)];
    let processes = start(&engine, specs).await;
    let commands = ["e", "u", "t", "x", "s", "w", "z", "m", "r", "f", "duchild", "dtchild", "cwarm", "g", "k", "D"];
    let storm: Vec<_> = (0..400_usize)
        .map(|n| {
            let processes = processes.clone();
            let process = if n % 3 == 0 { "fresh" } else { "warm" };
            let execution = execution(process, commands[n % commands.len()]);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(n as u64 * 5)).await;
                let running = processes.run(execution);
                if n % 7 == 0 {
                    // Given up by whoever asked.
                    let _ = tokio::time::timeout(Duration::from_millis(20), running).await;
                    return None;
                }
                running.await.result.err().map(|failure| failure.kind)
            })
        })
        .collect();
    for outcome in storm {
        let kind = outcome.await.unwrap();
        assert!(!matches!(kind, Some(FailureKind::Host | FailureKind::Start | FailureKind::Unknown)), "{kind:?}");
    }
    for status in processes.statuses() {
        assert_eq!((status.busy, status.waiting), (0, 0), "{status:?}");
    }
    // All six places can be had again: four at once of one process, one of them a line of three.
    for process in ["fresh", "warm"] {
        let again: Vec<_> = (0..4).map(|_| processes.run(execution(process, "duchild"))).collect();
        for outcome in futures_util::future::join_all(again).await {
            assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        }
    }
}

#[tokio::test]
async fn idle_instances_give_way() {
    let engine = small_engine(1);
    let warm = Test::start(engine.clone(), guests::commands(), Mode::LowLatency, |_| {}).await;
    assert_eq!(warm.warm(), 1);
    let other = Test::start(engine, guests::commands(), Mode::LowLatency, |_| {}).await;
    assert_eq!((warm.warm(), other.warm()), (0, 1));
    assert_eq!(number(&warm.run("u").await), 1);
    assert_eq!(number(&other.run("u").await), 1);
}
