//! Guests that want more than they may have: each is stopped, told why, and harms nobody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auricle_model::{Bounds, Document, FailureKind, Limits, Mode};
use auricle_process::{Engine, EngineConfig, ProcessSpec};

use crate::guests;
use crate::support::{Test, decl, execution, failed, number, only, start};

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
async fn computing_is_limited_apart_from_waiting() {
    let limits = |mode| Test::with(mode, |d| d.limits.cpu_timeout = Some(SHORT / 3));
    for mode in [Mode::General, Mode::LowLatency] {
        let test = limits(mode).await;
        // Twice as long as it may compute, in a call of the host.
        let outcome = test.run("z").await;
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        assert!(outcome.cpu + SHORT / 2 < outcome.ran, "{:?} {:?}", outcome.ran, outcome.cpu);
        let outcome = test.run("s").await;
        assert!(failed(&outcome, FailureKind::Cpu).contains("`cpu-timeout` of 100ms"));
        assert!(outcome.cpu >= SHORT / 3 && outcome.ran >= outcome.cpu, "{:?} {:?}", outcome.ran, outcome.cpu);
        assert_eq!(number(&test.run("u").await), 1, "a new instance");
    }
}

#[tokio::test]
async fn what_a_sub_process_computes_is_its_callers_too() {
    let test = Test::new(Mode::General).await;
    let spec = |name: &str, cpu: Duration| {
        let mut decl = decl(name, Mode::General);
        decl.limits.cpu_timeout = Some(cpu);
        ProcessSpec { decl, component: test.component.clone() }
    };
    let processes = start(&test.engine, vec![spec("test", SHORT), spec("child", 50 * SHORT)]).await;
    let outcome = processes.run(execution("test", "dschild")).await;
    let failure = outcome.result.unwrap_err();
    assert!(failure.message.contains("more CPU time than"), "{failure}");
    assert!(outcome.cpu >= SHORT, "{:?}", outcome.cpu);
}

#[tokio::test]
async fn the_log_is_limited() {
    let test = Test::new(Mode::LowLatency).await;
    let outcome = test.run("l").await;
    assert!(outcome.result.is_ok());
    assert!(outcome.log.iter().map(|l| l.message.len()).sum::<usize>() <= 1 << 20);
    assert!(outcome.log.last().unwrap().message.contains("`limits.log` of 1MiB"));
    assert_eq!(test.run("O").await.log.len(), 2, "the next execution logs again");

    let test = Test::with(Mode::LowLatency, |d| d.limits.bounds.log = 2 << 10).await;
    let outcome = test.run("l").await;
    assert!(outcome.log.len() < 100, "{}", outcome.log.len());
    assert!(outcome.log.last().unwrap().message.contains("`limits.log` of 2KiB"));
}

#[tokio::test]
async fn handles_are_limited() {
    let test = Test::new(Mode::General).await;
    let outcome = test.run("h").await;
    let message = failed(&outcome, FailureKind::Contract);
    assert!(message.contains("more than its `limits.handles` of 100000"), "{message}");

    let test = Test::with(Mode::General, |d| d.limits.bounds.handles = 50).await;
    let outcome = test.run("h").await;
    assert!(failed(&outcome, FailureKind::Contract).contains("`limits.handles` of 50"));
}

#[tokio::test]
async fn documents_are_limited_in_bytes() {
    for (limit, words) in [(Bounds::default().documents, "256MiB"), (1 << 20, "1MiB")] {
        let test = Test::with(Mode::General, |d| d.limits.bounds.documents = limit).await;
        for command in ["b", "B"] {
            let outcome = test.run(command).await;
            let message = failed(&outcome, FailureKind::Contract);
            assert!(message.contains(&format!("more than its `limits.documents` of {words}")), "{message}");
        }
    }
}

#[tokio::test]
async fn what_is_returned_is_limited_in_bytes() {
    let test = Test::with(Mode::LowLatency, |d| d.limits.bounds.response = 100 << 10).await;
    let half = |size: usize| {
        let mut execution = execution("test", "e");
        execution.documents.push(Document::new(vec![b' '; size]));
        execution
    };
    assert!(test.processes.run(half((100 << 10) - 1)).await.result.is_ok());
    let outcome = test.processes.run(half(100 << 10)).await;
    assert!(failed(&outcome, FailureKind::Contract).contains("`limits.response` is 100KiB"));
    assert_eq!(number(&test.run("u").await), 3, "the instance is as good as before");
}

#[tokio::test]
async fn one_call_hands_over_so_many_bytes() {
    let test = Test::new(Mode::General).await;
    assert_eq!(only(&test.run("H").await).len(), 128 << 10);
    let test = Test::with(Mode::General, |d| d.limits.bounds.host_call = 100 << 10).await;
    let outcome = test.run("H").await;
    assert!(failed(&outcome, FailureKind::Contract).contains("`limits.host-call` of 100KiB"));
    assert!(test.run("u").await.result.is_ok());
}

#[tokio::test]
async fn tables_are_limited() {
    let test = Test::with(Mode::General, |d| d.limits.bounds.table_elements = 1000).await;
    let outcome = test.run("T").await;
    assert!(failed(&outcome, FailureKind::Contract).contains("`limits.table-elements` of 1000"));
}

#[tokio::test]
async fn a_process_that_needs_more_than_its_limits_is_refused_in_words() {
    let engine = crate::support::engine();
    type Lower = fn(&mut Bounds);
    let cases: [(&str, Lower, &str); 4] = [
        ("(table 5000 funcref)", |b| b.table_elements = 1000, "`limits.table-elements` of 1000"),
        ("(table 1 funcref) (table 1 funcref)", |b| b.tables = 2, "more tables than its `limits.tables` of 2"),
        ("(memory 1) (memory 1)", |b| b.memories = 2, "more memories than its `limits.memories` of 2"),
        ("", |b| b.core_instances = 1, "more core instances than its `limits.core-instances` of 1"),
    ];
    for (more, limit, words) in cases {
        let component = engine.load(guests::with(more).into()).await.unwrap();
        let mut decl = decl("test", Mode::General);
        let spec = ProcessSpec { decl: decl.clone(), component: component.clone() };
        assert!(auricle_process::Processes::start(&engine, vec![spec], &[]).await.is_ok(), "{words}");
        limit(&mut decl.limits.bounds);
        let spec = ProcessSpec { decl, component };
        let errors = auricle_process::Processes::start(&engine, vec![spec], &[]).await.unwrap_err();
        let error = errors[0].to_string();
        assert!(error.starts_with("process `test` does not start") && error.contains(words), "{error}");
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
    Engine::new(EngineConfig { max_instances: Some(instances), ..EngineConfig::default() }).unwrap()
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
        decl.limits = Limits { timeout: SHORT, memory: 4 << 20, max_concurrent: 4, ..Limits::default() };
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
    // There is no room for both: the second is only tried.
    let other = Test::start(engine, guests::commands(), Mode::LowLatency, |_| {}).await;
    assert_eq!((warm.warm(), other.warm()), (0, 0));
    for _ in 0..2 {
        assert_eq!(number(&warm.run("u").await), 1);
        assert_eq!(number(&other.run("u").await), 1);
    }
    assert_eq!((warm.warm(), other.warm()), (0, 1));
}

#[tokio::test]
async fn warm_up_of_many_leaves_room_and_tries_them_all() {
    let engine = small_engine(8);
    let component = engine.load(guests::with_start(guests::START).into()).await.unwrap();
    let spec = |n: usize| ProcessSpec { decl: decl(&format!("p{n}"), Mode::LowLatency), component: component.clone() };
    let processes = start(&engine, (0..12).map(spec).collect()).await;
    let statuses = processes.statuses();
    assert_eq!(statuses.iter().map(|s| s.warm).sum::<usize>(), 7, "one of eight stays free: {statuses:?}");
    for n in 0..12 {
        let outcome = processes.run(execution(&format!("p{n}"), "y")).await;
        assert_eq!(number(&outcome), 1);
    }
    // One that can't start is found also where nothing is kept.
    let failing = engine.load(guests::with_start(guests::FAILING_START).into()).await.unwrap();
    let spec = ProcessSpec { decl: decl("failing", Mode::LowLatency), component: failing };
    let errors = auricle_process::Processes::start(&engine, vec![spec], &[]).await.unwrap_err();
    assert!(errors[0].to_string().contains("asked to fail"), "{}", errors[0]);
}
