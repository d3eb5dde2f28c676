//! Limits, deadlines and what must not leak from one execution to the next, on SQLite.

use super::*;

#[tokio::test]
async fn large_results_are_refused_in_one_piece() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    let upto = |n: usize| {
        format!("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {n}) SELECT n FROM r")
    };
    assert_eq!(store.query(&upto(RESULT_ROWS), &[]).await.unwrap().rows.len(), RESULT_ROWS);
    let (kind, message) = store.fails(&upto(RESULT_ROWS + 1), &[]).await;
    assert!(kind == ErrorKind::TooLarge && message.contains("open-query"), "{message}");
    assert_eq!(store.fails("SELECT zeroblob(20000000)", &[]).await.0, ErrorKind::TooLarge);
    assert_eq!(store.values("SELECT 1", &[]).await, ["integer 1"]);
}

#[tokio::test]
async fn a_statement_is_stopped_at_the_deadline() {
    let (_folder, url) = sqlite_file();
    let mut store = Store::open(&url);
    store.execute("CREATE TABLE t (n)", &[]).await.unwrap();
    let began = Instant::now();
    let counted = store.connection.query(format!("{ENDLESS} count(*) FROM r"), vec![], after(150)).await;
    assert_eq!(counted.err().unwrap().kind, ErrorKind::Timeout);
    // A writer holds the file's lock: that another can write soon after shows that this one was stopped, not only left alone.
    let written = store.connection.execute(format!("INSERT INTO t {ENDLESS} n FROM r"), vec![], after(150)).await;
    assert_eq!(written.err().unwrap().kind, ErrorKind::Timeout);
    store.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap();

    let transaction = store.begin().await;
    let written = transaction.execute(format!("INSERT INTO t {ENDLESS} n FROM r"), vec![], after(150)).await;
    assert_eq!(written.err().unwrap().kind, ErrorKind::Timeout);
    assert_eq!(transaction.commit(soon()).await.err().unwrap().kind, ErrorKind::Closed);
    store.execute("INSERT INTO t VALUES (2)", &[]).await.unwrap();

    let mut cursor = store.connection.open_query(format!("{ENDLESS} n FROM r"), vec![], after(150)).await.unwrap();
    let mut last = cursor.next(1000, soon()).await;
    while last.is_ok() {
        last = cursor.next(1000, soon()).await;
    }
    assert_eq!(last.err().unwrap().kind, ErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(store.values("SELECT n FROM t", &[]).await, ["integer 1", "integer 2"]);
}

#[tokio::test]
async fn a_statement_that_waited_for_a_lock_beyond_the_deadline_is_not_carried_out() {
    let (_folder, url) = sqlite_file();
    let (mut holder, late) = (Store::open(&url), Store::open(&url));
    holder.execute("CREATE TABLE t (n)", &[]).await.unwrap();
    let transaction = holder.begin().await;
    let written = late.connection.execute("INSERT INTO t VALUES (1)".into(), vec![], after(150)).await;
    assert_eq!(written.err().unwrap().kind, ErrorKind::Timeout);
    transaction.rollback(soon()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(holder.values("SELECT count(*) FROM t", &[]).await, ["integer 0"]);
}

#[tokio::test]
async fn cursors_are_limited_in_number_and_their_rows_in_size() {
    let (_folder, url) = sqlite_file();
    let mut store = Store::open(&url);
    let mut cursors = Vec::new();
    for _ in 0..CURSORS {
        store.execution.admit_cursor().unwrap();
        cursors.push(store.cursor("SELECT 1").await);
        // To its end, so that its session goes back.
        assert_eq!(cursors.last_mut().unwrap().next(2, soon()).await.unwrap().len(), 1);
    }
    let refused = store.execution.admit_cursor().err().unwrap();
    assert!(refused.message.contains("drop those"), "{}", refused.message);
    cursors.pop();
    store.execution.admit_cursor().unwrap();

    let mut wide = store.cursor("SELECT zeroblob(4000000) UNION ALL SELECT zeroblob(5000000)").await;
    assert_eq!(wide.next(1, soon()).await.unwrap().len(), 1);
    let refused = wide.next(1, soon()).await.err().unwrap();
    assert!(refused.kind == ErrorKind::TooLarge && refused.message.contains("a row"), "{}", refused.message);
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_stopped() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    store.execute("CREATE TABLE t (n)", &[]).await.unwrap();
    let statement = format!("INSERT INTO t {ENDLESS} n FROM r");
    // As when the execution traps or its request goes away: the future is dropped.
    assert!(tokio::time::timeout(Duration::from_millis(150), store.execute(&statement, &[])).await.is_err());
    let began = Instant::now();
    store.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(store.values("SELECT count(*) FROM t", &[]).await, ["integer 1"]);
}

#[tokio::test]
async fn the_pool_is_bounded_and_waits_no_longer_than_the_deadline() {
    let (_folder, url) = sqlite_file();
    let mut store = Store::open(&url);
    let mut cursors = Vec::new();
    for _ in 0..POOL_SIZE {
        cursors.push(store.cursor(&format!("{ENDLESS} n FROM r")).await);
    }
    let began = Instant::now();
    let refused = store.connection.query("SELECT 1".into(), vec![], after(200)).await.err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(refused.message.contains("in use"), "{}", refused.message);
    assert!(began.elapsed() < Duration::from_secs(2));
    cursors.pop();
    assert_eq!(store.values("SELECT 1", &[]).await, ["integer 1"]);
    store.execution.end().await;
    let mut again = Vec::new();
    for _ in 0..POOL_SIZE - 1 {
        again.push(store.cursor("SELECT 1").await);
    }
}

#[tokio::test]
async fn sessions_are_reused_and_keep_no_traces() {
    let (_folder, url) = sqlite_file();
    let pools = pools(&url);
    let store = Store::of(&pools);
    let idle = || pools.0["db"].idle();
    store.query("SELECT 1", &[]).await.unwrap();
    store.query("SELECT 2", &[]).await.unwrap();
    assert_eq!(idle(), 1, "one session served both");
    assert!(store.query("SELECT * FROM nowhere", &[]).await.is_err());
    assert_eq!(idle(), 1, "a refused statement does not cost the session");
    store.execute("CREATE TEMP TABLE mine (x)", &[]).await.unwrap();
    assert_eq!(idle(), 0, "what may leave a trace does");
    assert_eq!(store.fails("SELECT * FROM mine", &[]).await.0, ErrorKind::Statement);

    let mut store = store;
    let clean = store.begin().await;
    clean.execute("CREATE TEMP TABLE mine (x)".into(), vec![], soon()).await.unwrap();
    clean.commit(soon()).await.unwrap();
    assert_eq!(store.fails("SELECT * FROM mine", &[]).await.0, ErrorKind::Statement);
}
