//! `[[profile]]`: message types, with the text of the files that they are written in.
//!
//! The files are read here, once: what is deployed does not change when they do. Cost: a read of each, and its text as long as the
//! manifest.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::problem::{quote, unknown};
use super::reader::{Table, Value};
use super::{load, values};
use crate::{ProfileDecl, ProfileKind, SourceFile};

/// The largest file that a manifest takes in: many times what schemas have, and little beside what a version may be.
const MAX_FILE: u64 = 4 << 20;

/// Extensions of the files of each kind.
const EXTENSIONS: &[(&str, ProfileKind)] = &[("xsd", ProfileKind::Xsd), ("json", ProfileKind::JsonSchema)];

/// Reads a `[[profile]]`; none where a key that it needs is missing or wrong.
pub(super) fn read(mut table: Table<'_>) -> Option<ProfileDecl> {
    let name = table.require("name", "\"Account\"").and_then(|value| {
        let name = value.parse(values::xml_name)?;
        value.define("profile", &name);
        Some(name)
    });
    let files = table.require("file", "\"account.xsd\"").and_then(|value| files(&value));
    let root = table.parse("root", values::xml_name);
    table.finish();

    let (name, (kind, files)) = (name?, files?);
    Some(ProfileDecl { root: root.unwrap_or_else(|| name.clone()), name, kind, files })
}

/// `"account.xsd"` or `["main.xsd", "common.xsd"]`. All are looked at, so that all their mistakes are noted.
fn files(value: &Value<'_>) -> Option<(ProfileKind, Vec<SourceFile>)> {
    if value.is_text() {
        let (kind, file) = file(value)?;
        return Some((kind, vec![file]));
    }
    if !value.is_list() {
        value.mismatch("a path in quotes, or a list of them");
        return None;
    }
    let listed: Vec<Option<(ProfileKind, SourceFile)>> = value.elements()?.iter().map(file).collect();
    let (kinds, files): (Vec<ProfileKind>, Vec<SourceFile>) =
        listed.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip();
    match kinds.first() {
        None => value.problem("names no file: write for example \"account.xsd\""),
        Some(_) if kinds.len() > 1 && kinds.contains(&ProfileKind::JsonSchema) => value.problem(
            "a JSON Schema is one file, which holds what it refers to in `$defs`; only .xsd files come together",
        ),
        Some(kind) => return Some((*kind, files)),
    }
    None
}

fn file(value: &Value<'_>) -> Option<(ProfileKind, SourceFile)> {
    let kind = value.parse(kind)?;
    Some((kind, source_file(value)?))
}

/// What a file is written in, by its name.
fn kind(path: &str) -> Result<ProfileKind, String> {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)) {
        Some((_, kind)) => Ok(*kind),
        None => {
            let known: Vec<&str> = EXTENSIONS.iter().map(|(known, _)| *known).collect();
            Err(format!("{}: {}", quote(path), unknown("extension", extension, &known)))
        }
    }
}

/// A file that is a part of the manifest, with all of its text.
pub(super) fn source_file(value: &Value<'_>) -> Option<SourceFile> {
    let written = value.text()?;
    let path = value.parse(values::path(&value.scope().source.folder))?;
    value.scope().findings.took_in(path.clone());
    match text(&path) {
        Ok(text) => Some(SourceFile { path: written.to_owned(), text }),
        Err(error) => {
            value.problem(format!("{} cannot be read: {error}", quote(written)));
            None
        }
    }
}

/// The whole of a file as text. A device or a pipe, which may have no end, is none.
fn text(path: &Path) -> io::Result<String> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    if !std::fs::metadata(path)?.is_file() {
        return Err(invalid("it is no file".into()));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(invalid(format!("it is larger than {}", crate::format_size(MAX_FILE))));
    }
    load::utf8(bytes)
}
