//! PostgreSQL: values both ways, errors by kind, transactions, deadlines, and what must not leak.

use super::*;

#[path = "../../../tests/support/postgres.rs"]
mod server;
use server::Postgres;

#[tokio::test]
async fn values_keep_their_types() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    store.execute("DROP TABLE IF EXISTS v", &[]).await.unwrap();
    store.execute("DROP TYPE IF EXISTS mood", &[]).await.unwrap();
    store.execute("DROP DOMAIN IF EXISTS positive", &[]).await.unwrap();
    store.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')", &[]).await.unwrap();
    store.execute("CREATE DOMAIN positive AS numeric(12, 2) CHECK (VALUE > 0)", &[]).await.unwrap();
    store
        .execute(
            "CREATE TABLE v (b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, d positive, t text, c varchar(9), p char(3),
             x bytea, day date, clock time, at timestamp, utc timestamptz, u uuid, j json, k jsonb, m mood)",
            &[],
        )
        .await
        .unwrap();
    let parameters = [
        Value::Boolean(true),
        Value::Integer(-32768),
        Value::Integer(7),
        decimal("9223372036854775807"),
        Value::Float(0.1),
        Value::Float(-1.5e300),
        decimal("-123456789012345678901234567890.000000000000000000010"),
        decimal("12.5"),
        text("naïve"),
        text("short"),
        text("ab"),
        Value::Bytes(vec![0, 255]),
        Value::Date("0099-01-31".into()),
        Value::Time("13:45:00.25".into()),
        Value::Timestamp("2026-11-22T13:45:00.000001".into()),
        Value::Timestamp("2026-11-22T13:45:00.25+02:00".into()),
        Value::Uuid("67E55044-10B1-426F-9247-BB680E5FE0C8".into()),
        Value::Json(r#"{"b": 1,  "a": 1.10}"#.into()),
        Value::Json(r#"{"b": 1,  "a": 1.10}"#.into()),
        text("happy"),
    ];
    let insert = "INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    assert_eq!(store.execute(insert, &parameters).await.unwrap(), 1);
    assert_eq!(
        store.values("SELECT * FROM v", &[]).await,
        [
            "boolean true",
            "integer -32768",
            "integer 7",
            "decimal 9223372036854775807",
            "float 0.1",
            &format!("float {}", -1.5e300),
            "decimal -123456789012345678901234567890.000000000000000000010",
            "decimal 12.50",
            "text naïve",
            "text short",
            "text ab ",
            "bytes [0, 255]",
            "date 0099-01-31",
            "time 13:45:00.25",
            "timestamp 2026-11-22T13:45:00.000001",
            "timestamp 2026-11-22T11:45:00.25Z",
            "uuid 67e55044-10b1-426f-9247-bb680e5fe0c8",
            r#"json {"b": 1,  "a": 1.10}"#,
            r#"json {"a": 1.10, "b": 1}"#,
            "text happy",
        ]
    );
    let result = store.query("SELECT i8, c, n, m, count(*) OVER () FROM v", &[]).await.unwrap();
    let types: Vec<_> = result.columns.iter().map(|c| c.database_type.as_str()).collect();
    assert_eq!(types, ["int8", "varchar", "numeric", "mood", "int8"]);

    // NULL has no type of its own, in any column and in expressions.
    store.execute("DELETE FROM v", &[]).await.unwrap();
    store.execute(insert, &vec![Value::Null; 20]).await.unwrap();
    assert_eq!(store.values("SELECT * FROM v", &[]).await, vec!["null"; 20]);
    assert_eq!(store.values("SELECT count(*) FROM v WHERE n = $1 OR $1 IS NULL", &[Value::Null]).await, ["integer 1"]);
}

#[tokio::test]
async fn unusual_values_are_spelled_out() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    assert_eq!(
        store
            .values(
                "SELECT 'NaN'::numeric, '-Infinity'::float8, 'infinity'::timestamptz, 'infinity'::date, '13:45:00+02'::timetz, 0::numeric(9, 3),
                 '0044-03-15 BC'::date, 9007199254740991::int8, 9007199254740992::int8, '24:00'::time, '0.1'::float4, pg_sleep(0), 'x'::\"char\"",
                &[],
            )
            .await,
        [
            "float NaN",
            "float -inf",
            "text infinity",
            "text infinity",
            "text 13:45:00+02:00",
            "decimal 0.000",
            "text -0043-03-15",
            "integer 9007199254740991",
            "decimal 9007199254740992",
            "time 23:59:59.999999",
            "float 0.1",
            "null",
            "text x",
        ]
    );
}

#[tokio::test]
async fn parameters_fit_what_the_server_wants_or_are_refused() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    for (statement, value, expected) in [
        ("SELECT $1::numeric", text("1.50"), "decimal 1.50"),
        ("SELECT $1::numeric", Value::Integer(3), "decimal 3"),
        ("SELECT $1::numeric", Value::Float(0.25), "decimal 0.25"),
        ("SELECT $1::int4", decimal("5.00"), "integer 5"),
        ("SELECT $1::int2", Value::Float(5.0), "integer 5"),
        ("SELECT $1::float8", decimal("0.5"), "float 0.5"),
        ("SELECT $1::text", Value::Integer(5), "text 5"),
        ("SELECT $1", text("no type at all"), "text no type at all"),
        ("SELECT $1::timestamptz", Value::Timestamp("2026-11-22T13:45:00".into()), "timestamp 2026-11-22T13:45:00Z"),
        ("SELECT $1::timestamp", Value::Timestamp("2026-11-22T13:45:00+01:00".into()), "timestamp 2026-11-22T12:45:00"),
        ("SELECT $1::timestamptz", text("2026-11-22"), "timestamp 2026-11-22T00:00:00Z"),
        ("SELECT $1::date", text("2026-11-22"), "date 2026-11-22"),
        ("SELECT $1::jsonb", text("[1]"), "json [1]"),
        ("SELECT $1::text::inet::text", text("10.0.0.1"), "text 10.0.0.1/32"),
        ("SELECT 2 > $1", decimal("1"), "boolean true"),
    ] {
        assert_eq!(store.values(statement, &[value]).await, [expected], "{statement}");
    }
    for (statement, value) in [
        ("SELECT $1::numeric", text("many")),
        ("SELECT $1::numeric", decimal("1e5")),
        ("SELECT $1::int4", Value::Integer(1 << 40)),
        ("SELECT $1::int4", decimal("5.5")),
        ("SELECT $1::int4", Value::Float(5.5)),
        ("SELECT $1::text", Value::Bytes(vec![1])),
        ("SELECT $1::bytea", text("x")),
        ("SELECT $1::date", text("22.11.2026")),
        ("SELECT $1::timestamptz", Value::Timestamp("now".into())),
        ("SELECT $1::uuid", text("x")),
        ("SELECT $1::jsonb", Value::Json("{".into())),
        ("SELECT $1::bool", Value::Integer(1)),
        ("SELECT $1::inet", text("10.0.0.1")),
        ("SELECT $1::varchar(2)::int4", text("ab")),
    ] {
        let (kind, message) = store.fails(statement, &[value]).await;
        assert_eq!(kind, ErrorKind::Parameter, "{statement}: {message}");
    }
    assert!(store.fails("SELECT $1::inet", &[text("x")]).await.1.contains("::text::inet"));
    for (statement, given) in [("SELECT $1::text", 0), ("SELECT $1::text", 2), ("SELECT 1", 1)] {
        let (kind, message) = store.fails(statement, &vec![text("a"); given]).await;
        assert!(kind == ErrorKind::Parameter && message.contains(&format!("{given} were given")), "{message}");
    }
}

#[tokio::test]
async fn errors_say_what_kind_they_are() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    store.execute("DROP TABLE IF EXISTS k, p", &[]).await.unwrap();
    store
        .execute("CREATE TABLE p (id int4 PRIMARY KEY, n text NOT NULL, c int4 CHECK (c > 0), a inet)", &[])
        .await
        .unwrap();
    store.execute("CREATE TABLE k (p int4 REFERENCES p (id))", &[]).await.unwrap();
    store.execute("INSERT INTO p VALUES (1, 'n', 1)", &[]).await.unwrap();
    for (statement, kind, code) in [
        ("INSERT INTO p VALUES (1, 'n', 1)", ErrorKind::UniqueViolation, "23505"),
        ("INSERT INTO k VALUES (9)", ErrorKind::ForeignKeyViolation, "23503"),
        ("INSERT INTO p VALUES (2, NULL, 1)", ErrorKind::NotNullViolation, "23502"),
        ("INSERT INTO p VALUES (2, 'n', 0)", ErrorKind::CheckViolation, "23514"),
        ("SELEC 1", ErrorKind::Statement, "42601"),
        ("SELECT 1; SELECT 2", ErrorKind::Statement, "42601"),
        ("SELECT * FROM nowhere", ErrorKind::Statement, "42P01"),
        ("SELECT 1 / 0", ErrorKind::Statement, "22012"),
    ] {
        let failure = store.query(statement, &[]).await.map(drop).expect_err(statement);
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{statement}: {}", failure.message);
    }
    for refused in ["BEGIN", "COMMIT", "COPY p FROM STDIN", "PREPARE TRANSACTION 'x'"] {
        assert_eq!(store.fails(refused, &[]).await.0, ErrorKind::Statement, "{refused}");
    }
    // Refused before it runs: nothing is inserted.
    let (kind, message) = store.fails("INSERT INTO p VALUES (3, 'n', 1, '10.0.0.1') RETURNING id, a", &[]).await;
    assert!(kind == ErrorKind::Other && message.contains("a::text"), "{message}");
    assert_eq!(store.values("SELECT count(*) FROM p", &[]).await, ["integer 1"]);
}

#[tokio::test]
async fn transactions_commit_whole_or_not_at_all() {
    let Some(server) = Postgres::shared() else { return };
    let mut store = Store::open(&server.url);
    store.execute("DROP TABLE IF EXISTS t", &[]).await.unwrap();
    store.execute("CREATE TABLE t (n int4 UNIQUE DEFERRABLE INITIALLY DEFERRED)", &[]).await.unwrap();
    let run = |transaction: &Transaction, statement: &str| {
        let (state, statement) = (Arc::clone(&transaction.state), statement.to_owned());
        async move { Transaction { name: "db".into(), state }.execute(statement, vec![], soon()).await }
    };
    let committed = store.begin().await;
    run(&committed, "INSERT INTO t VALUES (1)").await.unwrap();
    committed.commit(soon()).await.unwrap();

    // PostgreSQL answers this COMMIT with a quiet rollback.
    let failed = store.begin().await;
    run(&failed, "INSERT INTO t VALUES (2)").await.unwrap();
    run(&failed, "INSERT INTO nowhere VALUES (1)").await.unwrap_err();
    assert_eq!(run(&failed, "SELECT 1").await.unwrap_err().kind, ErrorKind::Closed);
    let refused = failed.commit(soon()).await.unwrap_err();
    assert!(
        refused.kind == ErrorKind::Closed && refused.message.contains("nothing was committed"),
        "{}",
        refused.message
    );

    let recovered = store.begin().await;
    run(&recovered, "INSERT INTO t VALUES (3)").await.unwrap();
    run(&recovered, "SAVEPOINT a").await.unwrap();
    run(&recovered, "INSERT INTO nowhere VALUES (1)").await.unwrap_err();
    run(&recovered, "ROLLBACK TO a").await.unwrap();
    recovered.commit(soon()).await.unwrap();

    let late = store.begin().await;
    run(&late, "INSERT INTO t VALUES (3)").await.unwrap();
    assert_eq!(late.commit(soon()).await.unwrap_err().kind, ErrorKind::UniqueViolation);

    // A parameter that does not fit is found on this side: the transaction goes on.
    let goes_on = store.begin().await;
    let bad = goes_on.execute("INSERT INTO t VALUES ($1)".into(), vec![text("x")], soon()).await.unwrap_err();
    assert_eq!(bad.kind, ErrorKind::Parameter);
    run(&goes_on, "INSERT INTO t VALUES (4)").await.unwrap();
    // A large result that is not read to its end is skipped.
    let mut cursor =
        goes_on.open_query("SELECT n FROM generate_series(1, 100000) n".into(), vec![], soon()).await.unwrap();
    assert_eq!(cursor.next(10, soon()).await.unwrap().len(), 10);
    drop(cursor);
    let too_large =
        goes_on.query("SELECT n FROM generate_series(1, 100000) n".into(), vec![], soon()).await.err().unwrap();
    assert_eq!(too_large.kind, ErrorKind::TooLarge);
    run(&goes_on, "INSERT INTO t VALUES (5)").await.unwrap();
    goes_on.commit(soon()).await.unwrap();

    let left = store.begin().await;
    run(&left, "INSERT INTO t VALUES (6)").await.unwrap();
    store.execution.end().await;
    assert_eq!(
        store.values("SELECT n FROM t ORDER BY n", &[]).await,
        ["integer 1", "integer 3", "integer 4", "integer 5"]
    );
}

#[tokio::test]
async fn conflicts_are_told_apart() {
    let Some(server) = Postgres::shared() else { return };
    let mut store = Store::open(&server.url);
    store.execute("DROP TABLE IF EXISTS c", &[]).await.unwrap();
    store.execute("CREATE TABLE c AS SELECT 0 AS n", &[]).await.unwrap();
    let (a, b) = (store.begin().await, store.begin().await);
    for transaction in [&a, &b] {
        transaction.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE".into(), vec![], soon()).await.unwrap();
        transaction.query("SELECT n FROM c".into(), vec![], soon()).await.unwrap();
    }
    a.execute("UPDATE c SET n = 1".into(), vec![], soon()).await.unwrap();
    a.commit(soon()).await.unwrap();
    let failure = b.execute("UPDATE c SET n = 2".into(), vec![], soon()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (ErrorKind::Conflict, Some("40001")));
}

#[tokio::test]
async fn the_server_stops_a_statement_at_the_deadline() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    let began = Instant::now();
    let failure =
        store.connection.query("SELECT pg_sleep(60), 'deadline'".into(), vec![], after(300)).await.err().unwrap();
    assert_eq!(failure.kind, ErrorKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(2));
    let running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%deadline%' AND state = 'active' AND pid <> pg_backend_pid()";
    while store.values(running, &[]).await != ["integer 0"] {
        assert!(began.elapsed() < Duration::from_secs(10), "the server still works on it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn sessions_are_reused_and_keep_no_traces() {
    let Some(server) = Postgres::shared() else { return };
    let store = Store::open(&server.url);
    let process = store.values("SELECT pg_backend_pid()", &[]).await;
    store.query("SELECT * FROM nowhere", &[]).await.unwrap_err();
    assert_eq!(store.values("SELECT pg_backend_pid()", &[]).await, process);
    store.execute("SET search_path = elsewhere", &[]).await.unwrap();
    assert_ne!(store.values("SELECT pg_backend_pid()", &[]).await, process);
    assert_eq!(store.values("SELECT current_setting('search_path') LIKE '%elsewhere%'", &[]).await, ["boolean false"]);
}

#[tokio::test]
async fn statements_made_before_a_change_of_the_table_are_made_anew() {
    let Some(server) = Postgres::shared() else { return };
    let mut store = Store::open(&server.url);
    let other = Store::open(&server.url);
    store.execute("DROP TABLE IF EXISTS s", &[]).await.unwrap();
    store.execute("CREATE TABLE s AS SELECT 1 AS n", &[]).await.unwrap();
    assert_eq!(store.values("SELECT * FROM s", &[]).await, ["integer 1"]);
    other.execute("ALTER TABLE s ADD COLUMN d date DEFAULT '2026-11-22'", &[]).await.unwrap();
    assert_eq!(store.values("SELECT * FROM s", &[]).await, ["integer 1", "date 2026-11-22"]);
    other.execute("ALTER TABLE s DROP COLUMN d", &[]).await.unwrap();
    let mut cursor = store.cursor("SELECT * FROM s").await;
    assert_eq!(cursor.columns().len(), 1);
    assert_eq!(cursor.next(5, soon()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_down_fails_statements_without_telling_the_password() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = |port| format!("postgres://user:s3cret@127.0.0.1:{port}/db");
    // It takes the connection and says nothing.
    let silent = Store::open(&url(port));
    let failure = silent.connection.query("SELECT 1".into(), vec![], after(200)).await.err().unwrap();
    assert!(failure.kind == ErrorKind::Unavailable && !failure.message.contains("s3cret"), "{}", failure.message);
    drop(listener);
    let began = Instant::now();
    let (kind, message) = Store::open(&url(port)).fails("SELECT 1", &[]).await;
    assert!(kind == ErrorKind::Unavailable && !message.contains("s3cret"), "{message}");
    assert!(began.elapsed() < Duration::from_secs(2), "refused at once");
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let Some(server) = Postgres::shared() else { return };
    let mut store = Store::open(&server.url);
    let process = store.values("SELECT pg_backend_pid()", &[]).await.remove(0);
    let other = Store::open(&server.url);
    let id: i64 = process.trim_start_matches("integer ").parse().unwrap();
    other.query("SELECT pg_terminate_backend($1)", &[Value::Integer(id)]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The broken connection costs one statement at most.
    if let Err(failure) = store.query("SELECT 1", &[]).await {
        assert_eq!(failure.kind, ErrorKind::Unavailable, "{}", failure.message);
    }
    assert_eq!(store.values("SELECT 1", &[]).await, ["integer 1"]);
    let transaction = store.begin().await;
    let killed =
        transaction.query("SELECT pg_terminate_backend(pg_backend_pid())".into(), vec![], soon()).await.err().unwrap();
    assert_eq!(killed.kind, ErrorKind::Unavailable, "{}", killed.message);
    assert_eq!(transaction.commit(soon()).await.unwrap_err().kind, ErrorKind::Closed);
}
