//! The table `account` of the connection `erp`, on SQLite and PostgreSQL.
//!
//! Each operation is one statement, so that none needs a transaction: it happens whole or not at all, however many
//! workers run it at once. The statements are the same for both databases; only the types of the table differ.

use std::fmt::Write;

use auricle_guest::sql::{self, Connection};
use auricle_guest::{Document, Error, bail};

use crate::field::{FIELDS, Field};
use crate::{Account, Changes, Id, Refusal};

/// The manifest's name for the database.
const CONNECTION: &str = "erp";

/// What the database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.35 or later.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    fn of(connection: &Connection) -> Result<Self, Error> {
        match connection.dialect().as_str() {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            other => bail!("crm-sync speaks SQLite and PostgreSQL, and the connection `{CONNECTION}` is {other}"),
        }
    }

    /// What makes the table. Where SQLite has no exact type, a text keeps every digit of a decimal, and a time in the
    /// one spelling of [`Timestamp`](crate::Timestamp) sorts as it should.
    fn definition(self) -> [String; 3] {
        let (decimal, timestamp) = match self {
            Self::Sqlite => ("TEXT", "TEXT"),
            Self::Postgres => ("NUMERIC(18,2)", "TIMESTAMP WITH TIME ZONE"),
        };
        [
            format!(
                r#"CREATE TABLE IF NOT EXISTS account (
                    "Id" VARCHAR(18) NOT NULL PRIMARY KEY,
                    "Name" VARCHAR(255) NOT NULL,
                    "Type" VARCHAR(255),
                    "Industry" VARCHAR(255),
                    "AnnualRevenue" {decimal},
                    "NumberOfEmployees" INTEGER,
                    "BillingCity" VARCHAR(40),
                    "BillingCountry" VARCHAR(80),
                    "Phone" VARCHAR(40),
                    "Website" VARCHAR(255),
                    "LastModifiedDate" {timestamp} NOT NULL
                )"#
            ),
            r#"CREATE INDEX IF NOT EXISTS account_name ON account ("Name", "Id")"#.to_owned(),
            r#"CREATE INDEX IF NOT EXISTS account_country ON account ("BillingCountry", "Name", "Id")"#.to_owned(),
        ]
    }
}

/// Makes the table where there is none. Any number of processes may do it at the same time.
///
/// # Errors
/// Where the database cannot be reached, or does not let this user make tables.
pub fn prepare() -> Result<(), Error> {
    let connection = Connection::open(CONNECTION)?;
    let dialect = Dialect::of(&connection)?;
    // Every new instance comes by here, and all but the first find the table: a look takes no lock.
    if connection.query("SELECT 1 FROM account WHERE 1 = 0", &[]).is_ok() {
        return Ok(());
    }
    let transaction = connection.begin()?;
    if dialect == Dialect::Postgres {
        // IF NOT EXISTS looks before it creates, and two that looked at once would collide: here one waits for the other.
        // The number is any that nobody else in this database uses.
        transaction.execute("SELECT pg_advisory_xact_lock(4711001)", &[])?;
    }
    for statement in dialect.definition() {
        transaction.execute(&statement, &[])?;
    }
    transaction.commit()?;
    Ok(())
}

/// The Accounts in the table.
#[derive(Debug)]
pub struct Accounts {
    connection: Connection,
    dialect: Dialect,
}

impl Accounts {
    /// Opens the connection. It holds nothing in the database.
    ///
    /// # Errors
    /// Where the manifest does not grant the connection, or its database speaks another SQL.
    pub fn open() -> Result<Self, Error> {
        let connection = Connection::open(CONNECTION)?;
        let dialect = Dialect::of(&connection)?;
        Ok(Self { connection, dialect })
    }

    /// The Account of this Id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or what the database says.
    pub fn get(&self, id: &Id) -> Result<Account, Refusal> {
        let statement = format!(r#"SELECT {} FROM account WHERE "Id" = $1"#, columns());
        self.one(&statement, &[id.as_str().into()])?.ok_or_else(|| Refusal::NotFound(id.to_string()))
    }

    /// Every Account whose fields have these values, each as a JSON document, ordered by Name and Id.
    ///
    /// The rows are read piece by piece, so that the table may be larger than this instance's memory.
    ///
    /// # Errors
    /// What the database says.
    pub fn query(&self, filters: &[(&'static Field, String)]) -> Result<Vec<Document>, Error> {
        if filters.iter().any(|(_, value)| value.contains('\0')) {
            // No field can hold it, and PostgreSQL would rather fail than compare with it.
            return Ok(Vec::new());
        }
        let mut statement = format!("SELECT {} FROM account", columns());
        let mut parameters = Parameters::default();
        for (at, (field, value)) in filters.iter().enumerate() {
            let word = if at == 0 { "WHERE" } else { "AND" };
            write!(statement, r#" {word} "{}" = {}"#, field.name, parameters.bind(value.into()))?;
        }
        statement.push_str(r#" ORDER BY "Name", "Id""#);
        let rows = self.connection.open_query(&statement, &parameters.0)?;
        rows.map(|row| Document::from_json(&Account::from_row(&row?)?)).collect()
    }

    /// Adds an Account and gives it back as it is in the table.
    ///
    /// # Errors
    /// [`Refusal::Exists`], or what the database says.
    pub fn create(&self, id: &Id, fields: &Changes) -> Result<Account, Refusal> {
        let mut parameters = Parameters::default();
        let statement = format!("{} RETURNING {}", self.insert(fields, &mut parameters), columns());
        match self.one(&statement, &parameters.0) {
            Err(StatementError::Sql(error)) if error.kind == sql::ErrorKind::UniqueViolation => {
                Err(Refusal::Exists(id.clone()))
            }
            stored => stored?.ok_or_else(|| Error::new("the database gave nothing back of what it stored").into()),
        }
    }

    /// Makes the Account of this Id what a whole one says, unless the one in the table was changed later than that. Gives whether
    /// the table has it now: the same twice, or an older one after a newer one, does no harm.
    ///
    /// # Errors
    /// What the database says.
    pub fn replace(&self, whole: &Changes) -> Result<bool, Error> {
        let mut parameters = Parameters::default();
        let insert = self.insert(whole, &mut parameters);
        let set: Vec<_> = whole
            .iter()
            .filter(|(field, _)| field.name != "Id")
            .map(|(field, value)| match value {
                Some(_) => format!("{0} = excluded.{0}", quoted(field)),
                None => format!("{} = NULL", quoted(field)),
            })
            .collect();
        let statement = format!(
            r#"{insert} ON CONFLICT ("Id") DO UPDATE SET {}
                WHERE account."LastModifiedDate" <= excluded."LastModifiedDate""#,
            set.join(", ")
        );
        Ok(self.connection.execute(&statement, &parameters.0)? > 0)
    }

    /// Changes the fields given of the Account of this Id, and gives the whole back.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or what the database says.
    pub fn update(&self, id: &Id, changes: &Changes) -> Result<Account, Refusal> {
        let mut parameters = Parameters::default();
        let set: Vec<_> = changes
            .iter()
            .map(|(field, value)| match value {
                Some(value) => format!("{} = {}", quoted(field), parameters.bind(value.to_parameter(self.dialect))),
                None => format!("{} = NULL", quoted(field)),
            })
            .collect();
        let statement = format!(
            r#"UPDATE account SET {} WHERE "Id" = {} RETURNING {}"#,
            set.join(", "),
            parameters.bind(id.as_str().into()),
            columns()
        );
        self.one(&statement, &parameters.0)?.ok_or_else(|| Refusal::NotFound(id.to_string()))
    }

    /// Removes the Account of this Id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or what the database says.
    pub fn delete(&self, id: &Id) -> Result<(), Refusal> {
        match self.connection.execute(r#"DELETE FROM account WHERE "Id" = $1"#, &[id.as_str().into()])? {
            0 => Err(Refusal::NotFound(id.to_string())),
            _ => Ok(()),
        }
    }

    /// The beginning of a statement that adds an Account: null is what is not given.
    fn insert(&self, fields: &Changes, parameters: &mut Parameters) -> String {
        let given = || fields.iter().filter_map(|(field, value)| Some((field, value?)));
        let names: Vec<_> = given().map(|(field, _)| quoted(field)).collect();
        let places: Vec<_> = given().map(|(_, value)| parameters.bind(value.to_parameter(self.dialect))).collect();
        format!("INSERT INTO account ({}) VALUES ({})", names.join(", "), places.join(", "))
    }

    /// The one Account that a statement gives, if any.
    fn one(&self, statement: &str, parameters: &[sql::Value]) -> Result<Option<Account>, StatementError> {
        let rows = self.connection.query(statement, parameters)?;
        Ok(rows.first().as_ref().map(Account::from_row).transpose()?)
    }
}

/// What went wrong with a statement: still told apart, because a value that is there already is not a failure.
enum StatementError {
    Sql(sql::Error),
    Row(Error),
}

impl From<sql::Error> for StatementError {
    fn from(error: sql::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for StatementError {
    fn from(error: Error) -> Self {
        Self::Row(error)
    }
}

impl From<StatementError> for Refusal {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Sql(error) => error.into(),
            StatementError::Row(error) => error.into(),
        }
    }
}

/// The parameters of a statement, in the order of its placeholders.
#[derive(Default)]
struct Parameters(Vec<sql::Value>);

impl Parameters {
    /// Takes a value and gives the placeholder that stands for it.
    fn bind(&mut self, value: sql::Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }
}

/// Every column, in the order of [`FIELDS`].
fn columns() -> String {
    FIELDS.each_ref().map(quoted).join(", ")
}

/// A column's name as SQL has to write it to keep its case.
fn quoted(field: &Field) -> String {
    format!("\"{}\"", field.name)
}
