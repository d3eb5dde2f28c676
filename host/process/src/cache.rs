//! Compiled components on disk, by content: what was compiled once is loaded in a millisecond ever after.
//!
//! A file is named by the digest of the component and by what the compiled code depends on (compiler, settings, processor). Compiled code
//! is trusted by the engine as the program itself is, so each file carries the digest of its content and is used only if that
//! is right. This finds damage, not malice: whoever can write in the folder can run code as this program. It is made
//! readable and writable for its owner only, also when it was there before.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

/// Begins every file; the last byte is the version of this format.
const MAGIC: &[u8; 8] = b"auricle\x01";
const DIGEST_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// Stands for all that compiled code depends on beside its source.
    compatibility: String,
}

impl Cache {
    /// A cache in a folder, which is made if it is not there.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        make_private(folder)?;
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let mut compatibility = hex(&hasher.0.finalize());
        compatibility.truncate(16);
        Ok(Self { folder: folder.to_owned(), compatibility })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.compatibility))
    }

    /// The compiled form of a component, if it is here and undamaged.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let mut file = fs::read(&path).ok()?;
        match checked(&file) {
            Some(start) => Some(file.split_off(start)),
            None => {
                tracing::warn!(path = %path.display(), "refused a damaged file in the cache of compiled components; compiling again");
                None
            }
        }
    }

    /// Keeps the compiled form of a component. Written whole or not at all, so that another program that reads at the same
    /// time sees a whole file.
    pub(crate) fn put(&self, digest: &str, compiled: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        // Two engines of one program may keep the same component at the same time.
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let (program, number) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
        let temporary = self.folder.join(format!("{digest}-{}.{program}.{number}.part", self.compatibility));
        let written = write(&temporary, compiled).and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // Nothing is lost but disk space if this fails too.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn write(path: &Path, compiled: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&Sha256::digest(compiled))?;
    file.write_all(compiled)?;
    file.sync_data()
}

/// Where the compiled code begins in a file that is what it says.
fn checked(file: &[u8]) -> Option<usize> {
    let (digest, compiled) = file.strip_prefix(MAGIC)?.split_at_checked(DIGEST_BYTES)?;
    (Sha256::digest(compiled)[..] == *digest).then_some(MAGIC.len() + DIGEST_BYTES)
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // One that was there may be open to others, and fails here if it is another user's.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A hasher whose result is the same in every run of every build.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_that_was_there_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Cache::open(folder.path(), &Engine::default()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn only_undamaged_files_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache"), &Engine::default()).unwrap();
        assert_eq!(cache.get("d"), None);
        cache.put("d", b"compiled").unwrap();
        assert_eq!(cache.get("d").as_deref(), Some(&b"compiled"[..]));

        let path = cache.path("d");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(cache.get("d"), None, "byte {at}");
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.get("d"), None, "length {length}");
        }
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1, "no temporary file is left");
    }
}
