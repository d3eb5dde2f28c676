//! What nobody needs any more leaves the cache: code for other settings or versions that was not used for a week, what a
//! program that was killed left behind, and beyond a number of bytes what was not used the longest.
//!
//! A file that is removed while it is mapped stays until it is no longer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::ENDING;
use crate::limits;

/// The ending of files that are being written.
pub(super) const PART: &str = ".part";

struct Entry {
    path: PathBuf,
    bytes: u64,
    /// How long ago it was last used, to the day.
    idle: Duration,
    /// Whether it is for this engine.
    own: bool,
}

/// Removes what nobody needs. Files whose names end with `own` are for this engine.
pub(super) fn prune(folder: &Path, own: &str, most: u64, now: SystemTime) {
    match entries(folder, own, now) {
        Ok(entries) => {
            for path in surplus(entries, most) {
                // It may be gone already, or in the way of nobody but this one.
                if let Err(error) = fs::remove_file(&path) {
                    tracing::debug!(path = %path.display(), %error, "not removed from the cache");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "the cache of compiled components cannot be looked through"),
    }
}

/// The files that the cache has made. Whatever else lies there is left alone.
fn entries(folder: &Path, own: &str, now: SystemTime) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let name = file.file_name();
        let Some(name) = name.to_str() else { continue };
        if !name.ends_with(PART) && !name.ends_with(&format!(".{ENDING}")) {
            continue;
        }
        // Another program may have removed it just now.
        let Ok(data) = file.metadata() else { continue };
        let idle = data.modified().ok().and_then(|then| now.duration_since(then).ok()).unwrap_or_default();
        entries.push(Entry { path: file.path(), bytes: data.len(), idle, own: name.ends_with(own) });
    }
    Ok(entries)
}

/// Those that are to go.
fn surplus(mut entries: Vec<Entry>, most: u64) -> Vec<PathBuf> {
    entries.sort_by_key(|entry| entry.idle);
    let mut kept = 0_u64;
    entries.retain(|entry| {
        if !entry.own && entry.idle >= limits::CACHE_FOREIGN {
            return true;
        }
        kept = kept.saturating_add(entry.bytes);
        kept > most
    });
    entries.into_iter().map(|entry| entry.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_foreign_or_too_much_goes() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let file = |name: &str, bytes: usize, days: u32| {
            let path = folder.path().join(name);
            fs::write(&path, vec![0; bytes]).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(now - days * Duration::from_secs(24 * 3600)).unwrap();
        };
        file("a-own.cwasm", 100, 0);
        file("b-own.cwasm", 100, 20);
        file("c-own.cwasm", 100, 21);
        file("a-other.cwasm", 100, 1);
        file("b-other.cwasm", 1, 8);
        file("dabc.part", 1, 0);
        file("eabc.part", 1, 8);
        file("somebody's", 1000, 100);
        prune(folder.path(), "-own.cwasm", 301, now);
        let mut left: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["a-other.cwasm", "a-own.cwasm", "b-own.cwasm", "dabc.part", "somebody's"]);
    }

    #[test]
    fn a_folder_that_is_gone_is_no_matter() {
        prune(Path::new("/nowhere/at/all"), "-own.cwasm", 1, SystemTime::now());
    }
}
