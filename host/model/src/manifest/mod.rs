//! The manifest `auricle.toml`: one file, and those it includes, that say what a runtime serves.
//!
//! [`Manifest::load`] gives plain declarations with defaults filled in and paths absolute, or every mistake with file,
//! line, key and the nearest right name. The files are read here and nowhere else in this crate. Cost: linear in the
//! size of the files; their texts and the places of their keys are kept, so that what other crates find wrong can be
//! shown where it is written.
//!
//! - `reader`: asks tables for keys, notes what is wrong; `values` and `url`: what single texts may say
//! - `server` (and its `records`, `trust`), `process` (and its `package`, `limits`), `guard`, `profile`, `api`, `soap`: one table
//!   of the manifest each; `messages`: the keys that name profiles; `check`: what only the whole can be wrong in
//! - `source`: texts and places; `problem`: what a mistake looks like

mod api;
mod check;
mod guard;
mod limits;
mod load;
mod messages;
mod package;
mod problem;
mod process;
mod profile;
mod reader;
mod records;
mod server;
mod soap;
mod source;
#[cfg(test)]
mod tests;
mod trust;
mod url;
mod values;

use std::path::{Path, PathBuf};

pub use problem::{Location, Problem, Problems, nearest};

use crate::{Deployment, ServerConfig};

/// A manifest that was read and found right.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file: absolute where it was read from disk, else the name that was given.
    pub file: PathBuf,
    /// The shared web server.
    pub server: ServerConfig,
    /// What it serves: the declarations of this file, then of those it includes, in their order.
    pub deployment: Deployment,
    files: Vec<PathBuf>,
    places: Places,
}

impl Manifest {
    /// Reads a file and what it includes.
    ///
    /// # Errors
    ///
    /// Everything found wrong: files that cannot be read, all that is no TOML, and all mistakes of the files that are.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        load::from_file(file)
    }

    /// Reads a text, for embedders and tests: `name` is what messages call it, relative paths and includes are taken
    /// from `folder`.
    ///
    /// # Errors
    ///
    /// As [`Manifest::load`].
    pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, Problems> {
        load::from_text(name, text, folder)
    }

    /// Every file that was read, absolute: the manifest, what it includes, then what profiles and APIs name.
    /// [`Manifest::parse`] reads no manifest of its own.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Where a key stands: `process[account-get].package`, `api[crm].rest[0].process` (tables of a list go by their
    /// `name`, else by their index from 0). For a value that is its value, for a table its header. A key that is not
    /// written gives the nearest table around it, and at last the start of the manifest.
    pub fn locate(&self, key: &str) -> Location {
        self.places.locate(key)
    }

    /// A problem at a key, found by whoever knows more than the manifest says.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem { location: Some(self.locate(key)), key: key.to_owned(), message: message.into() }
    }
}

/// Reads the name of an environment, as `[server] environment` takes it.
///
/// # Errors
///
/// What such a name may have.
pub fn environment(name: &str) -> Result<String, String> {
    values::identifier("an environment")(name)
}

/// The texts that were read, and where each key stands in them.
#[derive(Debug, Clone, Default)]
struct Places {
    sources: Vec<source::Source>,
    positions: source::Positions,
}

impl Places {
    fn locate(&self, key: &str) -> Location {
        let (index, offset) = self.positions.find(key).unwrap_or((0, 0));
        match self.sources.get(index) {
            Some(source) => source.location(offset),
            None => Location { file: PathBuf::new(), line: 1, column: 1 },
        }
    }
}
