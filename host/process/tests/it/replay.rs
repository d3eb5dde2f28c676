//! Recording what an execution saw of the outside, and running it again with none of that there.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use auricle_model::{
    AllowedHost, ConnectionDecl, Execution, FailureKind, LogLevel, Mode, Outcome, ProcessDecl, Tape, Taping,
};
use auricle_process::{Component, Engine, ProcessSpec, Processes};
use auricle_tests::build::guest;

use crate::support::{Test, decl, engine, execution, failed, only};

/// One engine for all, since each would compile the probe anew.
static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

async fn probe() -> Component {
    ENGINE.load(std::fs::read(guest("probe")).unwrap().into()).await.unwrap()
}

/// The probe twice: `first`, which may reach what is here, and `second`, its sub-process.
async fn processes(connections: &[ConnectionDecl], change: impl Fn(&mut ProcessDecl)) -> Arc<Processes> {
    let component = probe().await;
    let spec = |name: &str| {
        let mut decl = decl(name, Mode::LowLatency);
        decl.grants.connections = connections.iter().map(|c| c.name.clone()).collect();
        change(&mut decl);
        ProcessSpec { decl, component: component.clone() }
    };
    Processes::start(&ENGINE, vec![spec("first"), spec("second")], connections).await.unwrap()
}

/// An execution of `first` with query parameters.
fn asking(query: &[(&str, &str)]) -> Execution {
    let mut execution = execution("first", "in");
    for (name, value) in query {
        execution.properties.set(format!("query_{name}"), *value);
    }
    execution
}

async fn run(processes: &Arc<Processes>, query: &[(&str, &str)], taping: Taping) -> Outcome {
    processes.run(Execution { taping, ..asking(query) }).await
}

async fn record(processes: &Arc<Processes>, query: &[(&str, &str)]) -> (Outcome, Tape) {
    let mut outcome = run(processes, query, Taping::Record).await;
    let tape = *outcome.tape.take().unwrap();
    // As it is stored and read again.
    let tape: Tape = serde_json::from_str(&serde_json::to_string(&tape).unwrap()).unwrap();
    assert!(!tape.cut && tape.entries.iter().all(|entry| !entry.answer.is_null()), "{tape:?}");
    (outcome, tape)
}

fn play(tape: &Tape) -> Taping {
    Taping::Play(Arc::new(tape.clone()))
}

fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(only(outcome)).unwrap()
}

/// Answers so many requests, each otherwise, and is gone.
fn server(requests: usize) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        for number in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
            write!(stream, "{head}X-Number: {number}\r\n\r\n5\r\npart \r\n").unwrap();
            stream.flush().unwrap();
            write!(stream, "1\r\n{number}\r\n0\r\n\r\n").unwrap();
        }
    });
    (address, serving)
}

fn allow(decl: &mut ProcessDecl, address: SocketAddr) {
    let (scheme, host) = ("http".into(), "127.0.0.1".into());
    decl.grants.allow_hosts.push(AllowedHost { scheme, host, port: address.port(), private: true });
}

const ROWS: &str = "SELECT 1 AS n, 'a' AS t, 1.5 AS f, x'00ff' AS b, NULL AS z, 9007199254740993 AS large
    UNION ALL SELECT n, t, f, b, z, random() FROM seen";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_saw_is_seen_again_with_none_of_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("erp.db");
    let connection = ConnectionDecl { name: "erp".into(), url: format!("sqlite://{}", file.display()) };
    let (address, serving) = server(8);
    let url = format!("http://{address}/");
    let there = processes(&[connection], |decl| allow(decl, address)).await;
    let table = "CREATE TABLE seen AS SELECT 2 AS n, 'b' AS t, 0.1 AS f, x'ff' AS b, NULL AS z";
    run(&there, &[("on", "erp"), ("sql", table)], Taping::Off).await;

    // Its sub-process does the same again, and then nothing more.
    let query = [
        ("outside", "20"),
        ("on", "erp"),
        ("sql", "SELECT hex(randomblob(16))"),
        ("rows", ROWS),
        ("get", &*url),
        ("wasi_get", &*url),
        ("call", "second"),
    ];
    let (recorded, tape) = record(&there, &query).await;
    let other = run(&there, &query, Taping::Record).await;
    assert_ne!(text(&other), text(&recorded), "nothing here differs from one run to the next");

    for seen in ["part 0", "part 1", "part 2", "part 3", r#""order""#, "Decimal(\\\"9007199254740993\\\")", "Null"] {
        assert!(text(&recorded).contains(seen), "{seen} in {}", text(&recorded));
    }

    drop((there, folder));
    serving.join().unwrap();
    let nothing = processes(&[], |_| ()).await;
    let replayed = run(&nothing, &query, play(&tape)).await;
    assert!(!file.exists());
    assert_eq!(text(&replayed), text(&recorded));
    assert_eq!(replayed.result, recorded.result);
    assert_ne!(replayed.id, recorded.id, "only the guest sees the recorded id");
    assert!(text(&replayed).contains(&recorded.id.to_string()));
    assert_eq!((replayed.tape, replayed.log), (None, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_outside_fails_again_in_the_same_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("erp.db");
    let connection = ConnectionDecl { name: "erp".into(), url: format!("sqlite://{}", file.display()) };
    let (address, serving) = server(0);
    serving.join().unwrap();
    let url = format!("http://{address}/");
    let there = processes(&[connection], |decl| allow(decl, address)).await;
    let query = [
        ("on", "erp"),
        ("sql", "SELECT * FROM nowhere"),
        ("rows", "SELECT 1/0 FROM nowhere"),
        ("get", &*url),
        ("wasi_get", &*url),
    ];
    let (recorded, tape) = record(&there, &query).await;
    for error in ["no such table", "can't be reached", "ConnectionRefused"] {
        assert!(text(&recorded).contains(error), "{}", text(&recorded));
    }
    // Nothing is granted here, which is another error.
    let nothing = processes(&[], |_| ()).await;
    assert_ne!(text(&run(&nothing, &query, Taping::Off).await), text(&recorded));
    assert_eq!(text(&run(&nothing, &query, play(&tape)).await), text(&recorded));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_question_ends_the_replay_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("erp.db").display());
    let there = processes(&[ConnectionDecl { name: "erp".into(), url }], |_| ()).await;
    let query = |sql: &'static str| [("on", "erp"), ("sql", sql), ("call", "second")];
    let (recorded, tape) = record(&there, &query("SELECT 'a'")).await;
    assert!(recorded.result.is_ok());

    let other = run(&there, &query("SELECT 'b'"), play(&tape)).await;
    let message = failed(&other, FailureKind::Diverged);
    let number = tape.entries.iter().position(|entry| entry.call == "sql.query").unwrap() + 1;
    let expected = format!(
        "entry {number} of the tape is `sql.query` (erp: SELECT 'a'), and it asked for `sql.query` (erp: SELECT 'b') instead"
    );
    assert_eq!(message, expected);

    // The tape ends within the sub-process, which its caller could handle if it were its own failure.
    let last = tape.entries.iter().rposition(|entry| entry.call == "sql.query").unwrap();
    assert!(last + 1 > number);
    let mut short = tape.clone();
    short.entries.truncate(last);
    let ended = run(&there, &query("SELECT 'a'"), play(&short)).await;
    let message = failed(&ended, FailureKind::Diverged);
    assert!(
        message.starts_with(&format!("the tape ends after {last} entries, and it asked for one more")),
        "{message}"
    );
    short.cut = true;
    let cut = run(&there, &query("SELECT 'a'"), play(&short)).await;
    assert!(failed(&cut, FailureKind::Diverged).starts_with(&format!("the tape was cut after {last} entries")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_asks_for_less_says_so_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("erp.db").display());
    let there = processes(&[ConnectionDecl { name: "erp".into(), url }], |_| ()).await;
    let (_, mut tape) = record(&there, &[("on", "erp"), ("sql", "SELECT 'a'")]).await;
    tape.entries.push(tape.entries[0].clone());
    let less = run(&there, &[("on", "erp"), ("sql", "SELECT 'a'")], play(&tape)).await;
    assert!(less.result.is_ok());
    let [line] = &*less.log else { panic!("{:?}", less.log) };
    assert_eq!(line.level, LogLevel::Warn);
    assert!(line.message.starts_with("1 entries of the tape were not asked for"), "{}", line.message);
}

#[tokio::test]
async fn only_a_fresh_instance_is_on_tape() {
    let test = Test::new(Mode::LowLatency).await;
    let warm = test.run("e").await;
    assert_eq!((warm.mode, warm.instantiated), (Mode::LowLatency, Duration::ZERO), "it was made at the start");
    assert!(warm.tape.is_none() && warm.instance_age >= warm.ran);
    let recorded = test.processes.run(Execution { taping: Taping::Record, ..execution("test", "i") }).await;
    assert_eq!((recorded.mode, recorded.uses), (Mode::General, 1));
    assert!(recorded.instantiated > Duration::ZERO && recorded.instance_age >= recorded.instantiated);
    let tape = recorded.tape.as_ref().unwrap();
    let calls: Vec<_> = tape.entries.iter().map(|entry| entry.call.as_str()).collect();
    assert_eq!(calls, ["execution.id"]);
    let replayed = test.processes.run(Execution { taping: play(tape), ..execution("test", "i") }).await;
    assert_eq!(only(&replayed), recorded.id.to_string().as_bytes());
}

#[tokio::test]
async fn nobody_sleeps_in_a_replay() {
    let test = Test::new(Mode::General).await;
    // It sleeps for ten minutes and then traps.
    let slept = test.processes.run(Execution { taping: play(&Tape::default()), ..execution("test", "w") }).await;
    failed(&slept, FailureKind::Trapped);
}
