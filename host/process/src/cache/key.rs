//! The key with which the files of a cache are sealed: 32 bytes by chance, made once, in a file beside the folder that only its
//! owner can read. Whoever can write in the folder alone cannot seal. If the key is gone, everything is compiled again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// A key. It is never shown.
#[derive(Clone)]
pub(super) struct Key([u8; blake3::KEY_LEN]);

impl Key {
    /// A new one.
    pub(super) fn new() -> io::Result<Self> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// That of the cache in a folder: `cache.key` beside `cache`.
    pub(super) fn beside(folder: &Path) -> io::Result<Self> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".key");
        let path = folder.with_file_name(name);
        loop {
            match OpenOptions::new().read(true).open(&path).and_then(|file| read(&file)) {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => {
                    let shown = path.display();
                    tracing::warn!(
                        "{shown} is no key that only its owner can read: making another one, and compiling anew"
                    );
                    fs::remove_file(&path)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let key = Self::new()?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = NamedTempFile::new_in(parent)?;
            file.write_all(&key.0)?;
            file.as_file().sync_data()?;
            match file.persist_noclobber(&path) {
                Ok(_) => return Ok(key),
                // Another program was quicker: its key is the one.
                Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e.error),
            }
        }
    }

    /// The seal of what is read, under a name.
    pub(super) fn seal(&self, name: &str, code: &mut impl Read) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update_reader(code)?;
        Ok(hasher.finalize())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// The key in a file; none if it is no key, or others may have read it.
fn read(file: &File) -> io::Result<Option<Key>> {
    let data = file.metadata()?;
    if !is_own(&data) {
        // Replacing it would shut that user out.
        let why = "the key beside it (`.key`) belongs to another user: run as that user, or use another data folder";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    if !data.is_file() || data.len() != blake3::KEY_LEN as u64 || !is_private(&data) {
        return Ok(None);
    }
    let mut key = [0; blake3::KEY_LEN];
    let mut file = file;
    file.read_exact(&mut key)?;
    Ok(Some(Key(key)))
}

#[cfg(unix)]
fn is_private(data: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    data.mode() & 0o077 == 0
}

#[cfg(unix)]
fn is_own(data: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    data.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let [first, second] = [Key::beside(&cache).unwrap(), Key::beside(&cache).unwrap()];
        assert_eq!(first.0, second.0);
        assert_ne!(first.0, Key::new().unwrap().0);
    }

    #[test]
    fn what_is_no_key_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, path) = (folder.path().join("cache"), folder.path().join("cache.key"));
        fs::write(&path, "short").unwrap();
        let made = Key::beside(&cache).unwrap();
        assert_eq!(fs::read(&path).unwrap(), made.0);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_could_read_is_replaced() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let (cache, path) = (folder.path().join("cache"), folder.path().join("cache.key"));
        let before = Key::beside(&cache).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(Key::beside(&cache).unwrap().0, before.0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_seal_is_of_the_key_the_name_and_the_code() {
        let (key, other) = (Key([1; 32]), Key([2; 32]));
        let seal = |key: &Key, name: &str, code: &str| key.seal(name, &mut code.as_bytes()).unwrap();
        assert_eq!(seal(&key, "n", "code"), seal(&key, "n", "code"));
        let others = [seal(&other, "n", "code"), seal(&key, "m", "code"), seal(&key, "nc", "ode")];
        assert!(!others.contains(&seal(&key, "n", "code")));
    }
}
