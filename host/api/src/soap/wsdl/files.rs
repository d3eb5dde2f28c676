//! The XML Schema files of a profile, each as a document that stands on its own.

use std::borrow::Cow;

use auricle_model::SourceFile;

use super::outline::{Outline, Part, outline};
use crate::profile::Profile;
use crate::xml;

/// A file with its text and the outline of that.
pub(super) struct File<'a> {
    pub(super) source: &'a SourceFile,
    pub(super) text: Cow<'a, str>,
    pub(super) outline: Outline,
}

/// The files of a profile. One without a namespace that is included by one with a namespace belongs to that, and says so here:
/// what includes it is then not needed to understand it.
pub(super) fn files<'a>(profile: &'a Profile) -> Vec<File<'a>> {
    let read =
        |source: &'a SourceFile| File { source, text: Cow::Borrowed(&source.text), outline: outline(&source.text) };
    let mut files: Vec<File<'_>> = profile.sources().iter().map(read).collect();
    while let Some((index, namespace)) = included_without_namespace(&files) {
        let Some(file) = files.get_mut(index) else { break };
        let namespace = xml::quoted(&namespace);
        let mut text = file.text.clone().into_owned();
        let default = if file.outline.has_default { String::new() } else { format!(" xmlns=\"{namespace}\"") };
        text.insert_str(file.outline.head, &format!(" targetNamespace=\"{namespace}\"{default}"));
        file.outline = outline(&text);
        file.text = Cow::Owned(text);
    }
    files
}

/// The first file without a namespace that one with a namespace includes, and that namespace.
fn included_without_namespace(files: &[File<'_>]) -> Option<(usize, String)> {
    files.iter().filter(|file| !file.outline.namespace.is_empty()).find_map(|file| {
        let included = file.outline.parts.iter().filter_map(Part::included);
        let mut found = included.filter_map(|location| files.iter().position(|file| is_named(file.source, location)));
        let index = found.find(|index| files.get(*index).is_some_and(|file| file.outline.namespace.is_empty()))?;
        Some((index, file.outline.namespace.clone()))
    })
}

/// Whether a `schemaLocation` means a file: by the last segment, as the files are read.
pub(super) fn is_named(file: &SourceFile, location: &str) -> bool {
    last_segment(&file.path) == last_segment(location)
}

fn last_segment(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
