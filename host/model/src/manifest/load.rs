//! Reads the files of a manifest: the first, then what it includes, depth first.

use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::de::DeTable;

use super::problem::{Location, Problem, Problems, quote};
use super::reader::{Findings, Scope, Table};
use super::source::Source;
use super::{Manifest, Places, api, check, guard, process, profile, server, values};
use crate::{Deployment, ServerConfig};

pub(super) fn from_file(file: &Path) -> Result<Manifest, Problems> {
    let read = || {
        let absolute = std::path::absolute(file)?;
        let text = read_text(&absolute)?;
        io::Result::Ok((absolute, text))
    };
    let (absolute, text) = read().map_err(|error| Problem {
        location: None,
        key: String::new(),
        message: format!("{}: cannot be read: {error}", file.display()),
    })?;
    let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
    let mut loader = Loader { files: vec![absolute.clone()], ..Loader::default() };
    loader.open.push(canonical(&absolute));
    loader.read(Source::new(file.to_owned(), folder, text));
    loader.finish(absolute)
}

pub(super) fn from_text(name: &str, text: &str, folder: &Path) -> Result<Manifest, Problems> {
    let folder = std::path::absolute(folder).map_err(|error| Problem {
        location: None,
        key: String::new(),
        message: format!("{name}: the folder {} cannot be used: {error}", quote(&folder.to_string_lossy())),
    })?;
    let mut loader = Loader::default();
    loader.open.push(canonical(&folder.join(name)));
    loader.read(Source::new(name.into(), folder, text.to_owned()));
    loader.finish(name.into())
}

/// What the parser calls a key that is there twice.
const DUPLICATE: &str = "duplicate key";
/// How it begins what it says of a value that is none.
const NOT_QUOTED: &str = "string values must be quoted";

/// A file to be included, and where that is written.
struct Include {
    path: PathBuf,
    shown: PathBuf,
    location: Location,
    key: String,
}

/// What has been read so far.
#[derive(Default)]
struct Loader {
    findings: Findings,
    places: Places,
    files: Vec<PathBuf>,
    server: Option<ServerConfig>,
    deployment: Deployment,
    /// The files that are being read, each included by the one before it.
    open: Vec<PathBuf>,
    /// The files that were included, and where.
    included: Vec<(PathBuf, Location)>,
    /// Whether some file could not be read: what it declares cannot be told from what nobody declares.
    incomplete: bool,
}

impl Loader {
    /// Reads one file, then its includes.
    fn read(&mut self, source: Source) {
        let includes = {
            let (table, errors) = DeTable::parse_recoverable(source.text());
            let table = table.into_inner();
            if errors.is_empty() {
                self.places.positions.add(self.places.sources.len(), &table);
                self.declarations(&source, &table)
            } else {
                self.syntax(&source, &table, &errors);
                self.incomplete = true;
                Vec::new()
            }
        };
        self.places.sources.push(source);
        for include in includes {
            self.include(include);
        }
    }

    /// Text that is no TOML: nothing else of the file is believed. After its first slip the parser guesses, and what it
    /// says then misleads; keys that are there twice do not throw it off.
    fn syntax(&self, source: &Source, table: &DeTable<'_>, errors: &[toml::de::Error]) {
        let at = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        let slip = errors.iter().filter(|error| error.message() != DUPLICATE).min_by_key(|error| at(error));
        let twice = errors.iter().filter(|error| error.message() == DUPLICATE);
        for error in twice.filter(|error| slip.is_none_or(|slip| at(error) < at(slip))).chain(slip) {
            let span = error.span().unwrap_or(0..0);
            let text = source.text().get(span.clone()).unwrap_or_default();
            let twice = (error.message() == DUPLICATE).then_some(text);
            let message = match error.message() {
                DUPLICATE => format!("{} is written twice: take one out", quote(text)),
                bare if bare.starts_with(NOT_QUOTED) && text.trim().is_empty() => "the value is missing".to_owned(),
                bare if bare.starts_with(NOT_QUOTED) => "this is no value: text goes in quotes".to_owned(),
                other => other.to_owned(),
            };
            self.findings.add(Some(source.location(span.start)), &source.key_near(span.start, twice, table), message);
        }
    }

    /// Reads what a file declares; gives what it includes.
    fn declarations(&mut self, source: &Source, entries: &DeTable<'_>) -> Vec<Include> {
        let scope = Scope { source, findings: &self.findings };
        let mut table = Table::root(scope, entries);
        for key in ["proxy", "user", "worker"] {
            table.later(key);
        }
        let includes = table.get("include").and_then(|value| value.elements()).unwrap_or_default();
        let settings = table.table("server");
        if self.places.sources.is_empty() {
            self.server = Some(settings.map_or_else(|| server::default(scope), server::read));
        } else if let Some(settings) = settings {
            settings.problem("an included file cannot have [server]: write it in the manifest that includes this one");
        }
        let watched = table.table("deployment");
        let deployment = &mut self.deployment;
        if self.places.sources.is_empty() {
            deployment.guard = watched.and_then(guard::read);
        } else if let Some(watched) = watched {
            watched
                .problem("an included file cannot have [deployment]: write it in the manifest that includes this one");
        }
        deployment.processes.extend(table.tables("process").into_iter().filter_map(process::read));
        deployment.connections.extend(table.tables("connection").into_iter().filter_map(process::connection));
        deployment.profiles.extend(table.tables("profile").into_iter().filter_map(profile::read));
        deployment.apis.extend(table.tables("api").into_iter().filter_map(api::read));
        table.finish();

        let beside = source.shown.parent().unwrap_or(Path::new(""));
        let include = |value: &super::reader::Value<'_>| {
            let path = value.parse(values::path(&source.folder))?;
            let shown = value.parse(values::path(beside))?;
            Some(Include { path, shown, location: value.location(), key: value.key().to_owned() })
        };
        includes.iter().filter_map(include).collect()
    }

    fn include(&mut self, include: Include) {
        let Include { path, shown, location, key } = include;
        let known = canonical(&path);
        let refuse = |message: String| self.findings.add(Some(location.clone()), &key, message);
        if self.open.contains(&known) {
            return refuse(format!("{} would include itself: take this out", quote(&shown.to_string_lossy())));
        }
        if let Some((_, there)) = self.included.iter().find(|(other, _)| *other == known) {
            return refuse(format!("{} is included already, at {there}", quote(&shown.to_string_lossy())));
        }
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                refuse(format!("{} cannot be read: {error}", quote(&shown.to_string_lossy())));
                self.incomplete = true;
                return;
            }
        };
        self.included.push((known.clone(), location));
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        self.files.push(path);
        self.open.push(known);
        self.read(Source::new(shown, folder, text));
        self.open.pop();
    }

    /// Checks the whole, and gives it if nothing is wrong.
    fn finish(self, file: PathBuf) -> Result<Manifest, Problems> {
        let Self { findings, places, mut files, server, deployment, incomplete, .. } = self;
        files.extend(findings.files());
        let server = server.unwrap_or_default();
        if !incomplete {
            findings.resolve();
            check::check(&server, &deployment, &places, &findings);
        }
        let mut problems = findings.into_problems();
        if problems.is_empty() {
            return Ok(Manifest { file, server, deployment, files, places });
        }
        problems.sort_by_cached_key(|problem| {
            let location = problem.location.as_ref()?;
            let file = places.sources.iter().position(|source| source.shown == location.file);
            Some((file, location.line, location.column))
        });
        Err(Problems(problems))
    }
}

/// The whole of a file as text.
fn read_text(path: &Path) -> io::Result<String> {
    utf8(fs::read(path)?)
}

/// Bytes as text, or where they are none.
pub(super) fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("it is not UTF-8 text: see byte {}", at + 1))
    })
}

/// One name for one file, so that two ways to write it are seen to be one. A file that is not there keeps its path.
fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
