//! The file that a backup is: made new, or opened and looked over before anything is taken from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::folder::private_file;
use super::sql::migrate;
use super::{MAIN, RECORDS};
use crate::backup::{Kind, Table};
use crate::{StoreError, StoreErrorKind, time};

/// A backup on its way. Dropped before it is finished, its file is deleted.
pub(crate) struct NewBackup {
    pub(crate) connection: SqliteConnection,
    file: Unfinished,
}

/// A file that is deleted when this is dropped.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(file) = self.0.take()
            && let Err(error) = fs::remove_file(&file)
        {
            tracing::warn!(%error, file = %file.display(), "a file that is of no use could not be deleted");
        }
    }
}

impl NewBackup {
    /// Makes the file, readable by the host's user only, with empty tables.
    pub(crate) async fn create(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::unavailable(format!("the backup `{}` can't be written: {error}", path.display()))
        };
        private_file().create_new(true).open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::invalid(format!(
                "there is a file `{}` already: name another, a backup never overwrites one",
                path.display()
            )),
            _ => failed(&error),
        })?;
        let file = Unfinished(Some(path.to_owned()));
        let mut connection = prepared(path).await.map_err(|error| failed(&error))?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.map_err(|error| failed(&error))?;
        Ok(Self { connection, file })
    }

    /// Ends it: the file is whole and on disk.
    pub(crate) async fn finish(mut self) -> Result<(), StoreError> {
        let failed =
            |error: sqlx::Error| StoreError::unavailable(format!("the backup can't be written to its end: {error}"));
        sqlx::raw_sql("COMMIT").execute(&mut self.connection).await.map_err(failed)?;
        self.connection.close().await.map_err(failed)?;
        self.file.0 = None;
        Ok(())
    }
}

/// A backup that was found to be whole, with tables of this version.
pub(crate) struct Backup {
    pub(crate) connection: SqliteConnection,
    /// What an older one was copied to, to be brought up to date.
    _copy: Option<Unfinished>,
}

impl Backup {
    /// Opens a backup, or a copy of the embedded store's `auricle.db`.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: sqlx::Error| unreadable(path, &error);
        let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        let found: String =
            sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await.map_err(failed)?;
        if found != "ok" {
            return Err(unreadable(path, &found));
        }
        let mut same = true;
        for schema in [&MAIN, &RECORDS] {
            let version = schema.version(&mut connection).await?;
            if version.is_none() && schema.versions == MAIN.versions {
                return Err(StoreError::invalid(format!("`{}` is no backup of an Auricle store", path.display())));
            }
            same &= version == i64::try_from(schema.migrations.len()).ok();
        }
        if same {
            return Ok(Self { connection, _copy: None });
        }
        // An older one is brought up to date in a copy (with what is still in its write-ahead log), a newer one refused there.
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", time::to_millis(time::now())));
        let copy = PathBuf::from(name);
        let unfinished = Unfinished(Some(copy.clone()));
        sqlx::query("VACUUM INTO $1")
            .bind(copy.to_string_lossy().as_ref())
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        connection.close().await.map_err(failed)?;
        Ok(Self { connection: prepared(&copy).await?, _copy: Some(unfinished) })
    }
}

/// A table of a backup, with the columns that it has there.
pub(crate) async fn table(on: &mut SqliteConnection, name: &'static str) -> Result<Table, StoreError> {
    let columns: Vec<(String, String)> = sqlx::query_as("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
        .bind(name)
        .fetch_all(on)
        .await
        .map_err(super::cannot("look at the backup's tables"))?;
    let kind = |of: &str| match of {
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Bytes,
        _ => Kind::Number,
    };
    Ok(Table { name, columns: columns.into_iter().map(|(name, of)| (name, kind(&of))).collect() })
}

/// A file with all tables, of this version.
async fn prepared(file: &Path) -> Result<SqliteConnection, StoreError> {
    let options =
        SqliteConnectOptions::new().filename(file).synchronous(SqliteSynchronous::Full).disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| unreadable(file, &error))?;
    let place = format!("the backup `{}`", file.display());
    for schema in [&MAIN, &RECORDS] {
        migrate(&mut connection, schema, &place).await?;
    }
    Ok(connection)
}

fn unreadable(file: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("the backup `{}` is damaged or can't be read ({why}): take another", file.display()),
    )
}
