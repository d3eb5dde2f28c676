//! Host functions about the execution that goes on: its id, its operation, its log and its process properties.
//!
//! Of these only the id and the attempt are on a tape: a replay has others, and its guest has to see those that were recorded.
//! All else comes with the execution.
//!
//! During `lifecycle.start` there is no execution: the id is empty, the mode is the declared one, there are no properties, and what is
//! set is gone.

use auricle_model::LogLevel;
use compact_str::CompactString;

use crate::bindings::auricle::process::{execution, process_properties};
use crate::documents::pairs;
use crate::failure::Breach;
use crate::limits::PROPERTY_BYTES;
use crate::state::State;

impl State {
    /// A process property of the execution that goes on.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.current.as_ref()?.properties.get(name)
    }

    /// Sets one. Fails, and so traps the guest, when it has set more than it may.
    pub(crate) fn set_property(&mut self, name: CompactString, value: CompactString) -> wasmtime::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        current.properties_set += name.len() + value.len();
        if current.properties_set > PROPERTY_BYTES {
            return Err(Breach::Properties.into());
        }
        current.properties.set(name, value);
        Ok(())
    }
}

impl process_properties::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.property(&name).map(str::to_owned))
    }

    fn set(&mut self, name: String, value: String) -> wasmtime::Result<()> {
        self.set_property(name.into(), value.into())
    }

    fn entries(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.current.as_ref().map(|c| pairs(&c.properties)).unwrap_or_default())
    }
}

impl execution::Host for State {
    fn log(&mut self, level: execution::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            execution::Level::Trace => LogLevel::Trace,
            execution::Level::Debug => LogLevel::Debug,
            execution::Level::Info => LogLevel::Info,
            execution::Level::Warn => LogLevel::Warn,
            execution::Level::Error => LogLevel::Error,
        };
        self.log.write(level, message);
        Ok(())
    }

    fn id(&mut self) -> wasmtime::Result<String> {
        let id = |state: &mut Self| Ok(state.current.as_ref().map(|c| c.id.to_string()).unwrap_or_default());
        self.taped("execution.id", String::new, id)
    }

    fn process_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.process.to_string())
    }

    fn mode(&mut self) -> wasmtime::Result<String> {
        Ok(self.current.as_ref().map_or(self.mode, |c| c.mode).name().to_owned())
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        self.taped("execution.attempt", String::new, |state| Ok(state.current.as_ref().map_or(1, |c| c.attempt)))
    }

    fn current_operation(&mut self) -> wasmtime::Result<execution::Operation> {
        let (operation, protocol) = match &self.current {
            Some(current) => (&current.operation, current.protocol.name()),
            None => (&self.operation, ""),
        };
        Ok(execution::Operation {
            kind: operation.kind.name().to_owned(),
            object: operation.object.clone(),
            input: operation.input.name().to_owned(),
            output: operation.output.name().to_owned(),
            protocol: protocol.to_owned(),
        })
    }
}
