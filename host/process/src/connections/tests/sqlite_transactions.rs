//! Transactions and cursors, on SQLite.

use super::*;

async fn counter(url: &str) -> Store {
    let store = Store::open(url);
    store.execute("CREATE TABLE t (n INTEGER)", &[]).await.unwrap();
    store
}

async fn insert(transaction: &Transaction, n: i64) {
    transaction.execute("INSERT INTO t VALUES ($1)".into(), vec![Value::Integer(n)], soon()).await.unwrap();
}

async fn count(store: &Store) -> String {
    store.values("SELECT count(*) FROM t", &[]).await.remove(0)
}

#[tokio::test]
async fn a_transaction_is_committed_or_leaves_nothing() {
    let (_folder, url) = sqlite_file();
    let mut store = counter(&url).await;

    let committed = store.begin().await;
    insert(&committed, 1).await;
    assert_eq!(count(&store).await, "integer 0", "not seen from outside before");
    committed.commit(soon()).await.unwrap();
    assert_eq!(count(&store).await, "integer 1");
    for ended in [
        committed.commit(soon()).await.err(),
        committed.rollback(soon()).await.err(),
        committed.execute("SELECT 1".into(), vec![], soon()).await.err(),
        committed.query("SELECT 1".into(), vec![], soon()).await.err(),
        committed.open_query("SELECT 1".into(), vec![], soon()).await.err(),
    ] {
        assert_eq!(ended.unwrap().kind, ErrorKind::Closed);
    }

    let rolled_back = store.begin().await;
    insert(&rolled_back, 2).await;
    rolled_back.rollback(soon()).await.unwrap();

    let forgotten = store.begin().await;
    insert(&forgotten, 3).await;
    forgotten.abandon().await;

    let dropped = store.begin().await;
    insert(&dropped, 4).await;
    drop(dropped);

    let left = store.begin().await;
    insert(&left, 5).await;
    store.execution.end().await;
    // The handle outlives its execution in a reused instance.
    assert_eq!(left.execute("SELECT 1".into(), vec![], soon()).await.err().unwrap().kind, ErrorKind::Closed);

    let last = store.begin().await;
    insert(&last, 6).await;
    last.commit(soon()).await.unwrap();
    assert_eq!(store.values("SELECT n FROM t ORDER BY n", &[]).await, ["integer 1", "integer 6"]);
}

#[tokio::test]
async fn a_failed_statement_leaves_the_transaction_going_on() {
    let (_folder, url) = sqlite_file();
    let mut store = counter(&url).await;
    let transaction = store.begin().await;
    insert(&transaction, 1).await;
    assert!(transaction.execute("INSERT INTO nowhere VALUES (1)".into(), vec![], soon()).await.is_err());
    assert!(
        transaction
            .query(
                "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r".into(),
                vec![],
                soon()
            )
            .await
            .is_err()
    );
    let run = |statement: &str| transaction.execute(statement.into(), vec![], soon());
    run("SAVEPOINT a").await.unwrap();
    insert(&transaction, 2).await;
    run("ROLLBACK TO a").await.unwrap();
    run("RELEASE a").await.unwrap();
    for refused in ["COMMIT", "ROLLBACK", "END", "BEGIN"] {
        assert_eq!(run(refused).await.err().unwrap().kind, ErrorKind::Statement, "{refused}");
    }
    transaction.commit(soon()).await.unwrap();
    assert_eq!(store.values("SELECT n FROM t", &[]).await, ["integer 1"]);
}

#[tokio::test]
async fn writers_wait_for_one_another() {
    let (_folder, url) = sqlite_file();
    let pools = pools(&url);
    Store::of(&pools).execute("CREATE TABLE t AS SELECT 0 AS n", &[]).await.unwrap();
    let writers = (0..6).map(|_| {
        let pools = Arc::clone(&pools);
        tokio::spawn(async move {
            let mut store = Store::of(&pools);
            for _ in 0..10 {
                let transaction = store.begin().await;
                let read = transaction.query("SELECT n FROM t".into(), vec![], soon()).await.unwrap();
                let Value::Integer(n) = read.rows[0][0] else { panic!() };
                transaction.execute("UPDATE t SET n = $1".into(), vec![Value::Integer(n + 1)], soon()).await.unwrap();
                transaction.commit(soon()).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(Store::of(&pools).values("SELECT n FROM t", &[]).await, ["integer 60"]);
}

#[tokio::test]
async fn a_cursor_gives_all_rows_in_bounded_pieces() {
    let (_folder, url) = sqlite_file();
    let mut store = Store::open(&url);
    let mut cursor = store
        .cursor("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 25000) SELECT n FROM r")
        .await;
    assert_eq!(cursor.columns()[0].name, "n");
    assert_eq!(cursor.next(0, soon()).await.err().unwrap().kind, ErrorKind::Parameter);
    assert_eq!(cursor.next(7, soon()).await.unwrap().len(), 7);
    let (mut rows, mut pieces) = (7, 0);
    loop {
        let piece = cursor.next(u32::MAX, soon()).await.unwrap();
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= CURSOR_ROWS);
        rows += piece.len();
        assert_eq!(show(&piece.last().unwrap()[0]), format!("integer {rows}"));
        pieces += 1;
    }
    assert_eq!((rows, pieces), (25_000, 25));
    assert!(cursor.next(1, soon()).await.unwrap().is_empty(), "the end stays the end");

    // By bytes: a piece ends before its thousand rows.
    let mut wide = store.cursor("WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 100) SELECT n, zeroblob(100000) FROM r").await;
    let piece = wide.next(1000, soon()).await.unwrap();
    assert!(piece.len() < 20, "{}", piece.len());

    let failing = store.connection.open_query("SELECT * FROM nowhere".into(), vec![], soon()).await;
    assert_eq!(failing.err().unwrap().kind, ErrorKind::Statement);
    let mut midway = store.cursor("SELECT 1 UNION ALL SELECT abs(-9223372036854775808)").await;
    let first = midway.next(10, soon()).await;
    assert!(first.is_err() || midway.next(10, soon()).await.is_err());
}

#[tokio::test]
async fn a_cursor_keeps_other_statements_of_its_transaction_out_until_it_is_done() {
    let (_folder, url) = sqlite_file();
    let mut store = counter(&url).await;
    let transaction = store.begin().await;
    insert(&transaction, 1).await;
    let mut cursor = transaction.open_query(format!("{ENDLESS} n FROM r"), vec![], soon()).await.unwrap();
    assert_eq!(cursor.next(3, soon()).await.unwrap().len(), 3);
    let refused = transaction.execute("INSERT INTO t VALUES (2)".into(), vec![], soon()).await.err().unwrap();
    assert!(refused.message.contains("cursor"), "{}", refused.message);
    assert!(transaction.commit(soon()).await.is_err());
    drop(cursor);
    insert(&transaction, 2).await;

    // A result that is read ahead to its end is in nobody's way, and still there to be read.
    let mut short = transaction.open_query("SELECT n FROM t".into(), vec![], soon()).await.unwrap();
    assert_eq!(short.next(10, soon()).await.unwrap().len(), 2);
    insert(&transaction, 3).await;
    transaction.commit(soon()).await.unwrap();
    assert_eq!(count(&store).await, "integer 3");

    // Left open on both: the end of the execution ends both, and the next writer is not kept waiting.
    let transaction = store.begin().await;
    insert(&transaction, 4).await;
    let mut cursor = transaction.open_query(format!("{ENDLESS} n FROM r"), vec![], soon()).await.unwrap();
    store.execution.watch(&cursor);
    // Until it has read ahead as far as it may: now its thread waits for the reader.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    store.execution.end().await;
    let next = store.begin().await;
    insert(&next, 5).await;
    next.commit(soon()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let mut failure = Ok(Vec::new());
    while failure.is_ok() {
        failure = cursor.next(1000, soon()).await;
        assert!(!matches!(&failure, Ok(rows) if rows.is_empty()), "an aborted cursor must not look read to its end");
    }
    assert_eq!(failure.err().unwrap().kind, ErrorKind::Closed);
    assert_eq!(count(&store).await, "integer 4");
}

#[tokio::test]
async fn a_cursor_that_outlives_its_execution_holds_no_lock() {
    let (_folder, url) = sqlite_file();
    let mut store = counter(&url).await;
    let statement = "INSERT INTO t WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 25000)
        SELECT n FROM r RETURNING n";
    let mut kept = store.cursor(statement).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = store.connection.execute("INSERT INTO t VALUES (0)".into(), vec![], after(200)).await;
    assert_eq!(refused.err().unwrap().kind, ErrorKind::Timeout, "the cursor's statement is not over");
    store.execution.end().await;
    let began = Instant::now();
    store.execute("INSERT INTO t VALUES (0)", &[]).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let mut left = kept.next(1000, soon()).await;
    if left.is_ok() {
        left = kept.next(1000, soon()).await;
    }
    assert_eq!(left.err().unwrap().kind, ErrorKind::Closed, "no more than it had already taken");
}

#[tokio::test]
async fn a_cursor_that_was_read_to_its_end_lets_no_statement_past_the_next_one() {
    let (_folder, url) = sqlite_file();
    let mut store = counter(&url).await;
    let transaction = store.begin().await;
    let mut first = transaction.open_query("SELECT n FROM t".into(), vec![], soon()).await.unwrap();
    assert!(first.next(10, soon()).await.unwrap().is_empty());
    let second = transaction.open_query(format!("{ENDLESS} n FROM r"), vec![], soon()).await.unwrap();
    drop(first);
    let refused = transaction.execute("SELECT 1".into(), vec![], after(500)).await.err().unwrap();
    assert!(refused.message.contains("cursor"), "{}", refused.message);
    drop(second);
    transaction.commit(soon()).await.unwrap();
}
