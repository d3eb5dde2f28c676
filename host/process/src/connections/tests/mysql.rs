//! MySQL and MariaDB, where `AURICLE_TEST_MYSQL` is the URL of a database in which a test may make what it likes.

use super::*;

#[tokio::test]
async fn values_errors_and_transactions() {
    let Ok(url) = std::env::var("AURICLE_TEST_MYSQL") else {
        eprintln!("skipped: no MySQL; set AURICLE_TEST_MYSQL to the URL of a database");
        return;
    };
    let mut store = Store::open(&url);
    store.execute("DROP TABLE IF EXISTS auricle_v", &[]).await.unwrap();
    store
        .execute(
            "CREATE TABLE auricle_v (id INT PRIMARY KEY, b BOOLEAN, i BIGINT UNSIGNED, f FLOAT, d DECIMAL(40, 10), t VARCHAR(20) COLLATE utf8mb4_bin, x BLOB, day DATE,
             clock TIME(2), at DATETIME(2), utc TIMESTAMP(2) NULL, u CHAR(36), e ENUM('a', 'b')) ENGINE=InnoDB",
            &[],
        )
        .await
        .unwrap();
    let parameters = [
        Value::Integer(1),
        Value::Boolean(true),
        decimal("18446744073709551615"),
        Value::Float(0.1),
        decimal("-123456789012345678901234567890.5"),
        text("naïve"),
        Value::Bytes(vec![0, 255]),
        Value::Date("2026-11-22".into()),
        Value::Time("13:45:00.25".into()),
        Value::Timestamp("2026-11-22T13:45:00.5".into()),
        Value::Timestamp("2026-11-22T13:45:00+02:00".into()),
        Value::Uuid("67E55044-10B1-426F-9247-BB680E5FE0C8".into()),
        text("b"),
    ];
    let insert = "INSERT INTO auricle_v VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    assert_eq!(store.execute(insert, &parameters).await.unwrap(), 1);
    assert_eq!(
        store.values("SELECT * FROM auricle_v", &[]).await,
        [
            "integer 1",
            "boolean true",
            "decimal 18446744073709551615",
            "float 0.1",
            "decimal -123456789012345678901234567890.5000000000",
            "text naïve",
            "bytes [0, 255]",
            "date 2026-11-22",
            "time 13:45:00.25",
            "timestamp 2026-11-22T13:45:00.5",
            "timestamp 2026-11-22T11:45:00Z",
            "text 67e55044-10b1-426f-9247-bb680e5fe0c8",
            "text b",
        ]
    );
    let mut nulls = vec![Value::Null; 13];
    nulls[0] = Value::Integer(2);
    store.execute(insert, &nulls).await.unwrap();
    assert_eq!(store.values("SELECT d FROM auricle_v WHERE id = ?", &[Value::Integer(2)]).await, ["null"]);
    assert_eq!(store.fails("SELECT ?", &[]).await.0, ErrorKind::Parameter);
    assert_eq!(store.fails("INSERT INTO auricle_v (id) VALUES (1)", &[]).await.0, ErrorKind::UniqueViolation);
    assert_eq!(store.fails("SELECT 1; SELECT 2", &[]).await.0, ErrorKind::Statement);
    assert_eq!(store.fails("START TRANSACTION", &[]).await.0, ErrorKind::Statement);

    let transaction = store.begin().await;
    transaction.execute("DELETE FROM auricle_v".into(), vec![], soon()).await.unwrap();
    store.execution.end().await;
    let transaction = store.begin().await;
    transaction.execute("DELETE FROM auricle_v WHERE id = 2".into(), vec![], soon()).await.unwrap();
    transaction.commit(soon()).await.unwrap();
    assert_eq!(store.values("SELECT id FROM auricle_v", &[]).await, ["integer 1"]);
    let failure = store.connection.query("SELECT sleep(30)".into(), vec![], after(200)).await.err().unwrap();
    assert_eq!(failure.kind, ErrorKind::Timeout);
    store.execute("DROP TABLE auricle_v", &[]).await.unwrap();
}
