//! SQLite: values both ways, errors by kind, what is refused.

use super::*;

#[tokio::test]
async fn values_keep_their_types() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    store
        .execute(
            "CREATE TABLE v (b BOOLEAN, i INTEGER, f REAL, d DECIMAL(18, 2), n NUMERIC, t TEXT, x BLOB, day DATE, clock TIME,
             at TIMESTAMP, utc DATETIME, u UUID, j JSON)",
            &[],
        )
        .await
        .unwrap();
    let parameters = [
        Value::Boolean(true),
        Value::Integer(-(1 << 53) + 1),
        Value::Float(0.1),
        decimal("-12.25"),
        decimal("7"),
        text("naïve 'quoted'"),
        Value::Bytes(vec![0, 255]),
        Value::Date("2026-11-22".into()),
        Value::Time("13:45:00.25".into()),
        Value::Timestamp("2026-11-22T13:45:00".into()),
        Value::Timestamp("2026-11-22T13:45:00.25Z".into()),
        Value::Uuid("67E55044-10B1-426F-9247-BB680E5FE0C8".into()),
        Value::Json(r#"{"a": [1.10]}"#.into()),
    ];
    let insert = "INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    assert_eq!(store.execute(insert, &parameters).await.unwrap(), 1);
    assert_eq!(
        store.values("SELECT * FROM v", &[]).await,
        [
            "boolean true",
            "integer -9007199254740991",
            "float 0.1",
            "decimal -12.25",
            "decimal 7",
            "text naïve 'quoted'",
            "bytes [0, 255]",
            "date 2026-11-22",
            "time 13:45:00.25",
            "timestamp 2026-11-22T13:45:00",
            "timestamp 2026-11-22T13:45:00.25Z",
            "uuid 67e55044-10b1-426f-9247-bb680e5fe0c8",
            r#"json {"a": [1.10]}"#,
        ]
    );
    let result = store.query("SELECT d, at, count(*) AS n FROM v", &[]).await.unwrap();
    let columns: Vec<_> = result.columns.iter().map(|c| (c.name.as_str(), c.database_type.as_str())).collect();
    assert_eq!(columns, [("d", "decimal"), ("at", "timestamp"), ("n", "integer")]);

    store.execute("DELETE FROM v", &[]).await.unwrap();
    store.execute(insert, &vec![Value::Null; 13]).await.unwrap();
    assert_eq!(store.values("SELECT * FROM v", &[]).await, vec!["null"; 13]);
    // Columns are told also where there are no rows.
    let nothing = store.query("SELECT b, d FROM v WHERE b", &[]).await.unwrap();
    assert_eq!((nothing.columns.len(), nothing.rows.len()), (2, 0));
}

#[tokio::test]
async fn what_is_not_as_declared_is_read_as_it_is_stored() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    store
        .execute("CREATE TABLE v (b BOOLEAN, day DATE, at TIMESTAMP, u UUID, j JSON, d DECIMAL, t TEXT)", &[])
        .await
        .unwrap();
    store
        .execute("INSERT INTO v VALUES (2, 'soon', 1700000000, 'x', '{', 'many', CAST(x'ff' AS TEXT))", &[])
        .await
        .unwrap();
    assert_eq!(
        store.values("SELECT * FROM v", &[]).await,
        ["integer 2", "text soon", "integer 1700000000", "text x", "text {", "text many", "bytes [255]"]
    );
    assert_eq!(store.values("SELECT 'a', 1.5, x'01', NULL", &[]).await, ["text a", "float 1.5", "bytes [1]", "null"]);
    store.execute("DELETE FROM v", &[]).await.unwrap();
    store.execute("INSERT INTO v (at) VALUES ('2026-11-22 13:45:00')", &[]).await.unwrap();
    assert_eq!(store.values("SELECT at FROM v", &[]).await, ["timestamp 2026-11-22T13:45:00"]);
}

#[tokio::test]
async fn large_integers_are_decimals_and_both_are_taken() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    let both = [Value::Integer(i64::MAX), decimal("9223372036854775807")];
    assert_eq!(
        store.values("SELECT $1, $2, $1 = $2, 9007199254740992, -9007199254740991", &both).await,
        [
            "decimal 9223372036854775807",
            "decimal 9223372036854775807",
            "integer 1",
            "decimal 9007199254740992",
            "integer -9007199254740991"
        ]
    );
}

#[tokio::test]
async fn decimals_compare_and_sum_as_numbers() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    store.execute("CREATE TABLE account (AnnualRevenue DECIMAL)", &[]).await.unwrap();
    for revenue in ["9.50", "10", "100.25", "139016000000"] {
        store.execute("INSERT INTO account VALUES ($1)", &[decimal(revenue)]).await.unwrap();
    }
    assert_eq!(
        store
            .values(
                "SELECT AnnualRevenue FROM account WHERE AnnualRevenue > $1 ORDER BY AnnualRevenue",
                &[decimal("9.9")]
            )
            .await,
        ["decimal 10", "decimal 100.25", "decimal 139016000000"]
    );
    // An expression has no affinity: a text would compare as larger than any number.
    let more = "SELECT sum(AnnualRevenue) > $1 FROM account";
    assert_eq!(store.values(more, &[decimal("200000000000")]).await, ["integer 0"]);
    // Digits beyond a float's are kept where the column is text.
    store.execute("CREATE TABLE exact (d TEXT)", &[]).await.unwrap();
    store.execute("INSERT INTO exact VALUES ($1)", &[decimal("0.12345678901234567890")]).await.unwrap();
    assert_eq!(store.values("SELECT d FROM exact", &[]).await, ["text 0.12345678901234567890"]);
}

#[tokio::test]
async fn placeholders_are_numbered_and_counted() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    let two = [text("a"), text("b")];
    assert_eq!(store.values("SELECT $2, $1, $2", &two).await, ["text b", "text a", "text b"]);
    assert_eq!(store.values("SELECT ?2, ?1", &two).await, ["text b", "text a"]);
    assert_eq!(store.values("SELECT ?, ?", &two).await, ["text a", "text b"]);
    assert_eq!(store.values("SELECT '$9', $1 -- $8", &two[..1]).await, ["text $9", "text a"]);
    for (statement, given) in
        [("SELECT $1", 0), ("SELECT $1", 2), ("SELECT $2", 1), ("SELECT 1", 1), ("SELECT :name", 1), ("SELECT $0", 0)]
    {
        let (kind, message) = store.fails(statement, &two[..given]).await;
        assert_eq!(kind, ErrorKind::Parameter, "{statement}: {message}");
    }
    for bad in [decimal("1e5"), Value::Date("22.11.2026".into()), Value::Uuid("x".into()), Value::Json("{".into())] {
        let (kind, message) = store.fails("SELECT $1, $2", &[Value::Null, bad]).await;
        assert!(kind == ErrorKind::Parameter && message.contains("parameter 2"), "{message}");
    }
}

#[tokio::test]
async fn counts_are_of_this_statement() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    assert_eq!(store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", &[]).await.unwrap(), 0);
    assert_eq!(store.execute("INSERT INTO t (v) VALUES ('a'), ('b'), ('c')", &[]).await.unwrap(), 3);
    assert_eq!(store.execute("UPDATE t SET v = 'x' WHERE id > 1", &[]).await.unwrap(), 2);
    assert_eq!(store.execute("SELECT * FROM t", &[]).await.unwrap(), 0);
    assert_eq!(store.execute("DELETE FROM t WHERE id > 9", &[]).await.unwrap(), 0);
    assert_eq!(store.values("INSERT INTO t (v) VALUES ('d') RETURNING id, v", &[]).await, ["integer 4", "text d"]);
}

#[tokio::test]
async fn errors_say_what_kind_they_are() {
    let (_folder, url) = sqlite_file();
    let store = Store::open(&url);
    store
        .execute(
            "CREATE TABLE p (id INTEGER PRIMARY KEY, u TEXT UNIQUE, n TEXT NOT NULL, c INTEGER CHECK (c > 0))",
            &[],
        )
        .await
        .unwrap();
    store.execute("CREATE TABLE k (p INTEGER REFERENCES p (id))", &[]).await.unwrap();
    store.execute("INSERT INTO p VALUES (1, 'a', 'n', 1)", &[]).await.unwrap();
    for (statement, kind, code) in [
        ("INSERT INTO p VALUES (1, 'b', 'n', 1)", ErrorKind::UniqueViolation, "1555"),
        ("INSERT INTO p VALUES (2, 'a', 'n', 1)", ErrorKind::UniqueViolation, "2067"),
        ("INSERT INTO k VALUES (9)", ErrorKind::ForeignKeyViolation, "787"),
        ("INSERT INTO p VALUES (2, 'b', NULL, 1)", ErrorKind::NotNullViolation, "1299"),
        ("INSERT INTO p VALUES (2, 'b', 'n', 0)", ErrorKind::CheckViolation, "275"),
        ("SELEC 1", ErrorKind::Statement, "1"),
        ("SELECT * FROM nowhere", ErrorKind::Statement, "1"),
        ("SELECT zeroblob(1000000000)", ErrorKind::TooLarge, "18"),
    ] {
        let failure = store.query(statement, &[]).await.map(drop).expect_err(statement);
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, Some(code)), "{statement}: {}", failure.message);
    }
}

#[tokio::test]
async fn what_reaches_beyond_the_file_is_refused() {
    let (folder, url) = sqlite_file();
    let store = Store::open(&url);
    store.execute("CREATE TABLE t (x)", &[]).await.unwrap();
    let other = folder.path().join("other.db");
    for statement in [
        format!("ATTACH DATABASE '{}' AS other", other.display()),
        format!("VACUUM INTO '{}'", other.display()),
        "VACUUM".into(),
        "DETACH main".into(),
        "PRAGMA foreign_keys = OFF".into(),
        "PRAGMA journal_mode = DELETE".into(),
        "PRAGMA writable_schema = ON".into(),
        "PRAGMA database_list".into(),
        "PRAGMA user_version = 7".into(),
        "SELECT * FROM pragma_database_list".into(),
        "BEGIN".into(),
        "/* x */ COMMIT".into(),
        "SAVEPOINT a".into(),
        "SELECT 1; DROP TABLE t".into(),
        "SELECT load_extension('x')".into(),
    ] {
        let (kind, message) = store.fails(&statement, &[]).await;
        assert_eq!(kind, ErrorKind::Statement, "{statement}: {message}");
        assert!(!message.contains("other.db"), "{message}");
    }
    assert!(!other.exists());
    assert!(store.fails("ATTACH 'x' AS y", &[]).await.1.contains("another connection"));
    assert_eq!(store.values("SELECT count(*) FROM t", &[]).await, ["integer 0"]);
    assert_eq!(store.query("PRAGMA table_info(t)", &[]).await.unwrap().rows.len(), 1);
    assert_eq!(store.values("PRAGMA user_version", &[]).await, ["integer 0"]);
    assert_eq!(store.values("SELECT 1;  -- one is enough\n", &[]).await, ["integer 1"]);
}

#[tokio::test]
async fn a_statement_made_before_a_change_of_the_table_is_made_anew() {
    let (_folder, url) = sqlite_file();
    let (a, b) = (Store::open(&url), Store::open(&url));
    a.execute("CREATE TABLE t (x INTEGER)", &[]).await.unwrap();
    a.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap();
    assert_eq!(a.query("SELECT * FROM t", &[]).await.unwrap().columns.len(), 1);
    b.execute("ALTER TABLE t ADD COLUMN d DATE DEFAULT '2026-11-22'", &[]).await.unwrap();
    let result = a.query("SELECT * FROM t", &[]).await.unwrap();
    assert_eq!(result.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["x", "d"]);
    assert_eq!(result.rows.iter().flatten().map(show).collect::<Vec<_>>(), ["integer 1", "date 2026-11-22"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_fails_the_statement_only() {
    let store = Store::open("sqlite:///nonexistent-folder/secret.db");
    let (kind, message) = store.fails("SELECT 1", &[]).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(message.contains("connection `db`") && !message.contains("secret"), "{message}");

    let (_folder, url) = sqlite_file();
    assert_eq!(Store::open(&format!("{url}?mode=ro")).fails("SELECT 1", &[]).await.0, ErrorKind::Unavailable);
    Store::open(&url).execute("CREATE TABLE t (x)", &[]).await.unwrap();
    let reader = Store::open(&format!("{url}?mode=ro"));
    assert_eq!(reader.fails("INSERT INTO t VALUES (1)", &[]).await.0, ErrorKind::Statement);
    assert_eq!(reader.values("SELECT count(*) FROM t", &[]).await, ["integer 0"]);
}
