//! Tests of the connections against real databases: SQLite in temporary files, PostgreSQL where it can be had, MySQL where
//! `AURICLE_TEST_MYSQL` names one.

mod mysql;
mod postgres;
mod sqlite;
mod sqlite_limits;
mod sqlite_transactions;

use super::*;

/// Begins a query without an end.
const ENDLESS: &str = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT";

/// A store's view of one connection, `db`, granted.
struct Store {
    execution: ExecutionConnections,
    connection: Connection,
}

impl Store {
    fn open(url: &str) -> Self {
        Self::of(&pools(url))
    }

    fn of(pools: &Arc<Pools>) -> Self {
        let execution = ExecutionConnections::new(Arc::clone(pools), ["db".to_owned()].into(), "test".into());
        let connection = execution.open("db").unwrap();
        Self { execution, connection }
    }

    async fn query(&self, statement: &str, parameters: &[Value]) -> Result<ResultSet, SqlError> {
        self.connection.query(statement.into(), parameters.to_vec(), soon()).await
    }

    async fn execute(&self, statement: &str, parameters: &[Value]) -> Result<u64, SqlError> {
        self.connection.execute(statement.into(), parameters.to_vec(), soon()).await
    }

    /// All values of the result, row after row, each as `case content`.
    async fn values(&self, statement: &str, parameters: &[Value]) -> Vec<String> {
        values(self.query(statement, parameters).await)
    }

    /// Kind and message of the error.
    async fn fails(&self, statement: &str, parameters: &[Value]) -> (ErrorKind, String) {
        let failure = self.query(statement, parameters).await.map(|_| ()).expect_err(statement);
        (failure.kind, failure.message)
    }

    async fn begin(&mut self) -> Transaction {
        self.execution.begin(&self.connection, soon()).await.unwrap()
    }

    async fn cursor(&mut self, statement: &str) -> Cursor {
        let cursor = self.connection.open_query(statement.into(), Vec::new(), soon()).await.unwrap();
        self.execution.watch(&cursor);
        cursor
    }
}

fn pools(url: &str) -> Arc<Pools> {
    Pools::open(&[ConnectionDecl { name: "db".into(), url: url.into() }]).unwrap()
}

/// A SQLite file that goes with its folder.
fn sqlite_file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    (folder, url)
}

fn soon() -> Instant {
    after(20_000)
}

fn after(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

fn values(result: Result<ResultSet, SqlError>) -> Vec<String> {
    result.unwrap().rows.iter().flatten().map(show).collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Boolean(v) => format!("boolean {v}"),
        Value::Integer(v) => format!("integer {v}"),
        Value::Float(v) => format!("float {v}"),
        Value::Decimal(v) => format!("decimal {v}"),
        Value::Text(v) => format!("text {v}"),
        Value::Bytes(v) => format!("bytes {v:?}"),
        Value::Date(v) => format!("date {v}"),
        Value::Time(v) => format!("time {v}"),
        Value::Timestamp(v) => format!("timestamp {v}"),
        Value::Uuid(v) => format!("uuid {v}"),
        Value::Json(v) => format!("json {v}"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.into())
}

#[test]
fn urls_that_can_never_work_fail_at_the_start_without_the_password() {
    for (url, why) in [
        ("oracle://x", "has to begin with"),
        ("sqlite::memory:", "name a file"),
        ("sqlite://", "name a file"),
        ("sqlite:///x.db?cache=shared", "?mode=ro"),
        ("postgres://user:s3cret@host:port/db", "its url is wrong"),
        ("mysql://user:s3cret@host:port/db", "its url is wrong"),
    ] {
        let decl = ConnectionDecl { name: "erp".into(), url: url.into() };
        let failure = Pools::open(&[decl]).err().expect(url).to_string();
        assert!(
            failure.contains("connection `erp`") && failure.contains(why) && !failure.contains("s3cret"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn only_granted_connections_open() {
    let (_folder, url) = sqlite_file();
    let decls = ["a", "b"].map(|name| ConnectionDecl { name: name.into(), url: url.clone() });
    let execution = ExecutionConnections::new(Pools::open(&decls).unwrap(), ["a".to_owned()].into(), "reader".into());
    assert!(execution.open("a").is_ok());
    for name in ["b", "c"] {
        let failure = execution.open(name).err().unwrap();
        assert_eq!(failure.kind, ErrorKind::NotGranted);
        assert!(
            failure.message.contains("`connections`") && failure.message.contains("`reader`"),
            "{}",
            failure.message
        );
    }
}
