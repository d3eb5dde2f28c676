//! Manifests, as short as tests want them.

use std::fmt::Write;
use std::path::Path;

use crate::build::guest;

/// A piece of a manifest: a process, a connection, or an API with its routes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Section(pub(crate) String);

/// A process of `examples/inspect`.
pub fn inspect(name: &str, operation: &str) -> Section {
    process(name, guest("inspect"), operation)
}

/// A process of `tests/fixtures/probe`.
pub fn probe(name: &str, operation: &str) -> Section {
    process(name, guest("probe"), operation)
}

/// A process. The operation is written `TYPE OBJECT: INPUT -> OUTPUT`: `create Contact: single-xml -> single-json`.
pub fn process(name: &str, package: &Path, operation: &str) -> Section {
    let (kind, rest) = operation.split_once(' ').unwrap();
    let (object, types) = rest.split_once(": ").unwrap();
    let (input, output) = types.split_once(" -> ").unwrap();
    Section(format!(
        "\n[[process]]\nname = {name:?}\npackage = {package:?}\ntype = {kind:?}\nobject = {object:?}\ninput = {input:?}\noutput = {output:?}\n"
    ))
}

/// Part of a manifest as it is.
pub fn raw(text: &str) -> Section {
    Section(format!("\n{text}\n"))
}

/// A connection.
pub fn connection(name: &str, url: &str) -> Section {
    Section(format!("\n[[connection]]\nname = {name:?}\nurl = {url:?}\n"))
}

/// An API without routes.
pub fn api(name: &str, base: &str) -> Section {
    Section(format!("\n[[api]]\nname = {name:?}\nbase = {base:?}\n"))
}

impl Section {
    /// Adds a route to an API: `route("GET {id}", "get")`.
    pub fn route(mut self, method_and_path: &str, process: &str) -> Self {
        let (method, path) = method_and_path.split_once(' ').unwrap_or((method_and_path, ""));
        writeln!(self.0, "[[api.rest]]\nmethod = {method:?}\npath = {path:?}\nprocess = {process:?}").unwrap();
        self
    }

    /// Adds keys to what was written last: the process, the API before its first route, or a route.
    pub fn and(mut self, keys: &str) -> Self {
        writeln!(self.0, "{keys}").unwrap();
        self
    }
}
