//! What an execution gives back, and what it sees.

use auricle_model::{Document, FailureKind, LogLevel, Mode, Properties};
use auricle_process::ProcessSpec;

use crate::support::{Test, decl, execution, failed, number, only, start};

#[tokio::test]
async fn documents_come_back_as_they_went_in() {
    let test = Test::new(Mode::General).await;
    let mut execution = execution("test", "echo");
    let properties: Properties = [("inheader_Content-Type", "text/csv")].into_iter().collect();
    execution.documents.push(Document::with_properties(vec![0xff; 100_000], properties));
    let sent = execution.documents.clone();
    let id = execution.id;
    let outcome = test.processes.run(execution).await;
    assert_eq!(outcome.result.unwrap(), sent);
    assert_eq!((outcome.id, outcome.mode, outcome.uses), (id, Mode::General, 1));
    assert_eq!(outcome.memory, 2 << 16);
}

#[tokio::test]
async fn no_documents_go_and_none_come() {
    let test = Test::new(Mode::General).await;
    let mut execution = execution("test", "");
    execution.documents.clear();
    assert_eq!(test.processes.run(execution).await.result.unwrap(), []);
}

#[tokio::test]
async fn a_guest_sees_its_execution() {
    let test = Test::new(Mode::General).await;
    let mut by_property = execution("test", "p");
    by_property.properties.set("who", "Ada");
    assert_eq!(only(&test.processes.run(by_property).await), b"Ada");
    let outcome = test.run("i").await;
    assert_eq!(only(&outcome), outcome.id.to_string().as_bytes());
    assert_eq!(only(&test.run("o").await), b"general");
}

#[tokio::test]
async fn a_failure_is_the_guests_own_words() {
    let test = Test::new(Mode::General).await;
    assert_eq!(failed(&test.run("f").await, FailureKind::Failed), "asked to fail");
}

#[tokio::test]
async fn a_trap_tells_its_kind_the_last_words_and_the_functions() {
    let test = Test::new(Mode::General).await;
    let outcome = test.run("x").await;
    let message = failed(&outcome, FailureKind::Trapped);
    assert!(message.contains("panicked or aborted"), "{message}");
    assert!(message.contains("last on stderr:\n  asked to fail"), "{message}");
    assert!(message.contains("\nin:\n  execute"), "{message}");
    assert_eq!(outcome.log[0].message, "asked to fail");
    assert_eq!(outcome.log[0].level, LogLevel::Warn);
}

#[tokio::test]
async fn an_unknown_process_is_named_with_the_nearest() {
    let test = Test::new(Mode::General).await;
    let outcome = test.processes.run(execution("tests", "e")).await;
    let message = failed(&outcome, FailureKind::Unknown);
    assert!(message.contains("`tests`") && message.contains("did you mean `test`"), "{message}");
    assert_eq!(outcome.uses, 0);
}

async fn family(mode: Mode) -> Test {
    let mut test = Test::new(mode).await;
    let spec = |name: &str| ProcessSpec { decl: decl(name, mode), component: test.component.clone() };
    test.processes = start(&test.engine, vec![spec("test"), spec("child")]).await;
    test
}

#[tokio::test]
async fn a_sub_process_gets_documents_and_a_copy_of_the_properties() {
    for mode in [Mode::General, Mode::LowLatency] {
        let test = family(mode).await;
        assert_eq!(only(&test.run("SGrace").await), b"Grace");
        assert_eq!(only(&test.run("dochild").await), mode.name().as_bytes());
    }
}

#[tokio::test]
async fn a_sub_process_runs_in_its_callers_mode() {
    let test = family(Mode::LowLatency).await;
    let mut debug = execution("test", "dochild");
    debug.mode = Some(Mode::General);
    assert_eq!(only(&test.processes.run(debug).await), b"general");
}

#[tokio::test]
async fn what_befalls_a_sub_process_is_its_callers_to_handle() {
    let test = family(Mode::LowLatency).await;
    assert_eq!(failed(&test.run("dfchild").await, FailureKind::Failed), "asked to fail");
    let trapped = test.run("dtchild").await;
    assert!(failed(&trapped, FailureKind::Failed).contains("panicked or aborted"));
    let unknown = test.run("duchilt").await;
    assert!(failed(&unknown, FailureKind::Failed).contains("did you mean `child`"));
    // The caller's own instance is unharmed.
    assert_eq!(number(&test.run("u").await), 4);
}

#[tokio::test]
async fn what_a_sub_process_logs_is_in_its_callers_log() {
    let test = family(Mode::General).await;
    let outcome = test.run("dOchild").await;
    let log: Vec<_> = outcome.log.iter().map(|l| l.message.as_str()).collect();
    assert_eq!(log, ["child: one", "child: two"]);
}

#[tokio::test]
async fn a_process_that_calls_itself_ends_at_the_depth_limit() {
    for mode in [Mode::General, Mode::LowLatency] {
        // One at a time, so that waiting for a permit of its own would be a deadlock.
        let test = Test::with(mode, |d| d.limits.max_concurrent = 1).await;
        let outcome = test.run("ctest").await;
        let message = failed(&outcome, FailureKind::Failed);
        assert!(message.contains("more than 16 deep"), "{message}");
        assert!(test.run("e").await.result.is_ok());
    }
}

#[tokio::test]
async fn counts_are_kept() {
    let test = Test::new(Mode::General).await;
    test.run("e").await;
    test.run("t").await;
    test.run("f").await;
    let status = &test.processes.statuses()[0];
    assert_eq!((status.executions, status.busy, status.waiting), (3, 0, 0));
    let failures: Vec<_> = status.failures.iter().filter(|(_, count)| **count > 0).collect();
    assert_eq!(failures, [(&FailureKind::Failed, &1), (&FailureKind::Trapped, &1)]);
}
