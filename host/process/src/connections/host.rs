//! The WIT interface `sql` on a store's state: finds the resource, lends the deadline, hands on. Thin on purpose.

use wasmtime::component::Resource;

use super::{Column, Connection, Cursor, ResultSet, Row, SqlError, Transaction, Value};
use crate::bindings::auricle::process::sql;
use crate::state::State;

/// What a connection and a transaction have alike.
macro_rules! statements {
    ($resource:ty) => {
        async fn query(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<ResultSet, SqlError>> {
            Ok(self.table.get(&this)?.query(statement, parameters, self.deadline).await)
        }

        async fn open_query(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<Resource<Cursor>, SqlError>> {
            if let Err(refused) = self.connections.admit_cursor() {
                return Ok(Err(refused));
            }
            let opened = self.table.get(&this)?.open_query(statement, parameters, self.deadline).await;
            self.keep_cursor(opened)
        }

        async fn execute(
            &mut self,
            this: Resource<$resource>,
            statement: String,
            parameters: Vec<Value>,
        ) -> wasmtime::Result<Result<u64, SqlError>> {
            Ok(self.table.get(&this)?.execute(statement, parameters, self.deadline).await)
        }
    };
}

impl sql::Host for State {}

impl sql::HostConnection for State {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Connection>, SqlError>> {
        Ok(match self.connections.open(&name) {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(failure) => Err(failure),
        })
    }

    async fn dialect(&mut self, this: Resource<Connection>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.dialect().to_owned())
    }

    statements!(Connection);

    async fn begin(&mut self, this: Resource<Connection>) -> wasmtime::Result<Result<Resource<Transaction>, SqlError>> {
        let connection = self.table.get(&this)?;
        Ok(match self.connections.begin(connection, self.deadline).await {
            Ok(transaction) => Ok(self.table.push(transaction)?),
            Err(failure) => Err(failure),
        })
    }

    async fn drop(&mut self, this: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl sql::HostTransaction for State {
    statements!(Transaction);

    async fn commit(&mut self, this: Resource<Transaction>) -> wasmtime::Result<Result<(), SqlError>> {
        Ok(self.table.get(&this)?.commit(self.deadline).await)
    }

    async fn rollback(&mut self, this: Resource<Transaction>) -> wasmtime::Result<Result<(), SqlError>> {
        Ok(self.table.get(&this)?.rollback(self.deadline).await)
    }

    async fn drop(&mut self, this: Resource<Transaction>) -> wasmtime::Result<()> {
        self.table.delete(this)?.abandon().await;
        Ok(())
    }
}

impl sql::HostCursor for State {
    async fn columns(&mut self, this: Resource<Cursor>) -> wasmtime::Result<Vec<Column>> {
        Ok(self.table.get(&this)?.columns().to_vec())
    }

    async fn next(&mut self, this: Resource<Cursor>, limit: u32) -> wasmtime::Result<Result<Vec<Row>, SqlError>> {
        Ok(self.table.get_mut(&this)?.next(limit, self.deadline).await)
    }

    async fn drop(&mut self, this: Resource<Cursor>) -> wasmtime::Result<()> {
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
