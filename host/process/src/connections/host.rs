//! The WIT interface `sql` on a store's state: asks the deck, finds the resource, lends the deadline, hands on. Thin on purpose.

use wasmtime::component::Resource;

use super::taped::in_transaction;
use super::{Column, Connection, Cursor, ResultSet, Row, SqlError, Transaction, Value};
use crate::bindings::auricle::process::sql;
use crate::state::State;
use crate::tape::Asked;

/// Returns what the tape answers; where it does not, gives the place to note what the database does.
macro_rules! ask {
    ($state:ident, $call:literal, $asked:expr) => {
        match $state.deck.ask($call, || $asked)? {
            Asked::Answered(answer) => return Ok(answer),
            Asked::Live(note) => note,
        }
    };
}

/// The same for what gives a handle: of it only that there is one is on the tape, and what it stands for.
macro_rules! ask_for_handle {
    ($state:ident, $call:literal, $asked:expr, $subject:expr) => {
        match $state.deck.ask($call, || $asked)? {
            Asked::Answered(opened) => {
                let subject = $subject;
                return $state.played::<_, SqlError>(opened, subject);
            }
            Asked::Live(note) => note,
        }
    };
}

/// What a connection and a transaction have alike.
macro_rules! statements {
    ($resource:ty) => {
        async fn query(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<ResultSet, SqlError>> {
            let note = ask!(self, "sql.query", self.statement(&this, &statement, &parameters));
            let answer = self.table.get(&this)?.query(statement, parameters, self.deadline).await;
            note.keep(&answer);
            Ok(answer)
        }

        async fn open_query(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<Resource<Cursor>, SqlError>> {
            let note =
                ask_for_handle!(self, "sql.open-query", self.statement(&this, &statement, &parameters), String::new());
            let opened = match self.connections.admit_cursor() {
                Ok(()) => self.table.get(&this)?.open_query(statement, parameters, self.deadline).await,
                Err(refused) => Err(refused),
            };
            note.keep(&given(&opened));
            self.keep_cursor(opened)
        }

        async fn execute(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<u64, SqlError>> {
            let note = ask!(self, "sql.execute", self.statement(&this, &statement, &parameters));
            let answer = self.table.get(&this)?.execute(statement, parameters, self.deadline).await;
            note.keep(&answer);
            Ok(answer)
        }
    };
}

impl sql::Host for State {}

impl sql::HostConnection for State {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Connection>, SqlError>> {
        let note = ask_for_handle!(self, "sql.open", name.clone(), name);
        let opened = self.connections.open(&name);
        note.keep(&given(&opened));
        Ok(match opened {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(failure) => Err(failure),
        })
    }

    async fn dialect(&mut self, this: Resource<Connection>) -> wasmtime::Result<String> {
        let note = ask!(self, "sql.dialect", self.subject(&this));
        let dialect = self.table.get(&this)?.dialect().to_owned();
        note.keep(&dialect);
        Ok(dialect)
    }

    statements!(Connection);

    async fn begin(&mut self, this: Resource<Connection>) -> wasmtime::Result<Result<Resource<Transaction>, SqlError>> {
        let note = ask_for_handle!(self, "sql.begin", self.subject(&this), in_transaction(&self.subject(&this)));
        let connection = self.table.get(&this)?;
        let begun = self.connections.begin(connection, self.deadline).await;
        note.keep(&given(&begun));
        Ok(match begun {
            Ok(transaction) => Ok(self.table.push(transaction)?),
            Err(failure) => Err(failure),
        })
    }

    async fn drop(&mut self, this: Resource<Connection>) -> wasmtime::Result<()> {
        if self.deck.is_playing() {
            return self.drop_played(&this);
        }
        self.table.delete(this)?;
        Ok(())
    }
}

impl sql::HostTransaction for State {
    statements!(Transaction);

    async fn commit(&mut self, this: Resource<Transaction>) -> wasmtime::Result<Result<(), SqlError>> {
        let note = ask!(self, "sql.commit", self.subject(&this));
        let answer = self.table.get(&this)?.commit(self.deadline).await;
        note.keep(&answer);
        Ok(answer)
    }

    async fn rollback(&mut self, this: Resource<Transaction>) -> wasmtime::Result<Result<(), SqlError>> {
        let note = ask!(self, "sql.rollback", self.subject(&this));
        let answer = self.table.get(&this)?.rollback(self.deadline).await;
        note.keep(&answer);
        Ok(answer)
    }

    async fn drop(&mut self, this: Resource<Transaction>) -> wasmtime::Result<()> {
        if self.deck.is_playing() {
            return self.drop_played(&this);
        }
        self.table.delete(this)?.abandon().await;
        Ok(())
    }
}

impl sql::HostCursor for State {
    async fn columns(&mut self, this: Resource<Cursor>) -> wasmtime::Result<Vec<Column>> {
        let note = ask!(self, "sql.columns", String::new());
        let columns = self.table.get(&this)?.columns().to_vec();
        note.keep(&columns);
        Ok(columns)
    }

    async fn next(&mut self, this: Resource<Cursor>, limit: u32) -> wasmtime::Result<Result<Vec<Row>, SqlError>> {
        let note = ask!(self, "sql.next", limit.to_string());
        let rows = self.table.get_mut(&this)?.next(limit, self.deadline).await;
        note.keep(&rows);
        Ok(rows)
    }

    async fn drop(&mut self, this: Resource<Cursor>) -> wasmtime::Result<()> {
        if self.deck.is_playing() {
            return self.drop_played(&this);
        }
        self.table.delete(this)?;
        Ok(())
    }
}

impl State {
    fn keep_cursor(
        &mut self,
        opened: Result<Cursor, SqlError>,
    ) -> wasmtime::Result<Result<Resource<Cursor>, SqlError>> {
        Ok(match opened {
            Ok(cursor) => {
                self.connections.watch(&cursor);
                Ok(self.table.push(cursor)?)
            }
            Err(failure) => Err(failure),
        })
    }
}

/// Of something that was opened, what is noted.
fn given<T>(opened: &Result<T, SqlError>) -> Result<(), &SqlError> {
    opened.as_ref().map(|_| ())
}
