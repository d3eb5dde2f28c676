//! Compiled components on disk, by content: what was compiled once is loaded in a moment ever after.
//!
//! A file is the machine code, named by the digest of the component and by what the code depends on (compiler, settings,
//! processor), with a seal behind it: a keyed hash of the name and the code. The [key](self::key) is this installation's own and lies
//! outside of the folder, so that a file that someone changed or renamed is refused, whatever they reckoned anew. The seal is checked on
//! the open file, and that open file is mapped: code in use is memory that the kernel may drop and that several hosts share.
//!
//! Not kept out is who may act as the user of this program: they could write into a file that is mapped already, as they
//! could into the program itself.

mod key;
mod prune;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use self::key::Key;
use crate::compile::compatibility;
use crate::limits;

/// Ends every file; the last byte is the version of this format.
const MAGIC: &[u8; 8] = b"auricle\x02";
const SEAL_BYTES: usize = blake3::OUT_LEN + MAGIC.len();

/// The ending of the files of the cache.
const ENDING: &str = "cwasm";

/// A folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: Arc<Path>,
    key: Key,
    compatibility: String,
    /// Bytes that were put here since it was last looked through.
    put: AtomicU64,
}

impl Cache {
    /// A cache in a folder, which is made if it is not there. What nobody needs any more is removed, by a thread of its own.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        make_private(folder)?;
        // The key is beside the folder itself, not beside a link to it.
        let folder: Arc<Path> = fs::canonicalize(folder)?.into();
        let key = Key::beside(&folder)?;
        let cache = Self { folder, key, compatibility: compatibility(engine), put: AtomicU64::new(0) };
        cache.prune();
        Ok(cache)
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.{ENDING}", self.compatibility)
    }

    /// Whether there is a file for a component. What is in it is not looked at.
    pub(crate) fn has(&self, digest: &str) -> bool {
        self.folder.join(self.name(digest)).is_file()
    }

    /// The compiled form of a component, if it is here and is what was put here.
    pub(crate) fn get(&self, digest: &str, engine: &Engine) -> Option<Code> {
        let name = self.name(digest);
        let path = self.folder.join(&name);
        let opened = File::open(&path).and_then(|file| Ok((self.is_sealed(&name, &file)?, file)));
        let refused = match opened {
            Ok((true, file)) => match map(engine, &file) {
                Ok(code) => {
                    touch(&file);
                    return Some(code);
                }
                Err(why) => format!("{why:#}"),
            },
            Ok((false, _)) => "it is not as it was put here".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        let path = path.display();
        tracing::warn!(%path, "refused a file in the cache of compiled components ({refused}); compiling again");
        None
    }

    /// An empty file for the compiled form of a component. Dropped, it is gone.
    pub(crate) fn begin(&self, digest: &str) -> io::Result<NamedTempFile> {
        // Made readable and writable for its owner only.
        tempfile::Builder::new().prefix(digest).suffix(prune::PART).tempfile_in(&self.folder)
    }

    /// Keeps what was written into a file that was [begun](Self::begin): sealed, and under its name whole or not at all, so that another
    /// program that reads at the same time sees a whole file.
    ///
    /// It is not synced: what a loss of power leaves of it is refused by its seal.
    pub(crate) fn keep(&self, digest: &str, file: NamedTempFile) -> io::Result<()> {
        let name = self.name(digest);
        let mut open = file.as_file();
        open.seek(SeekFrom::Start(0))?;
        let seal = self.key.seal(&name, &mut open)?;
        open.write_all(seal.as_bytes())?;
        open.write_all(MAGIC)?;
        read_only(open)?;
        let bytes = open.metadata()?.len();
        file.persist(self.folder.join(name)).map_err(|e| e.error)?;
        if self.put.fetch_add(bytes, Ordering::Relaxed) + bytes >= limits::CACHE_BYTES / 16 {
            self.put.store(0, Ordering::Relaxed);
            self.prune();
        }
        Ok(())
    }

    /// Whether a file holds what was put here under this name.
    fn is_sealed(&self, name: &str, mut file: &File) -> io::Result<bool> {
        let Some(length) = file.metadata()?.len().checked_sub(SEAL_BYTES as u64) else { return Ok(false) };
        let found = self.key.seal(name, &mut file.take(length))?;
        let mut seal = [0; SEAL_BYTES];
        file.read_exact(&mut seal)?;
        let Some((seal, magic)) = seal.split_first_chunk() else { return Ok(false) };
        // Compared in a time that tells nothing.
        Ok(magic == MAGIC && found == blake3::Hash::from_bytes(*seal))
    }

    /// Looks through the folder for what nobody needs.
    fn prune(&self) {
        let (folder, own) = (self.folder.clone(), format!("-{}.{ENDING}", self.compatibility));
        let looking = move || prune::prune(&folder, &own, limits::CACHE_BYTES, SystemTime::now());
        if let Err(error) = std::thread::Builder::new().name("auricle-prune".into()).spawn(looking) {
            tracing::warn!(%error, "the cache of compiled components is not looked through");
        }
    }
}

/// Machine code that can be run.
pub(crate) struct Code {
    pub(crate) component: Component,
    /// Whether it is a file, mapped; else it is memory.
    pub(crate) mapped: bool,
}

/// Maps the machine code in an open file that has to be trusted. Where that cannot be, reads it.
pub(crate) fn map(engine: &Engine, mut file: &File) -> wasmtime::Result<Code> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;

        let open = format!("/proc/self/fd/{}", file.as_raw_fd());
        #[expect(unsafe_code, reason = "compiled code is trusted as this program is")]
        // SAFETY: every caller has just made the file or checked its seal, and it is this very file, not its name, that is
        // opened again. The runtime checks its version and settings besides.
        match unsafe { Component::deserialize_file(engine, open) } {
            Ok(component) => return Ok(Code { component, mapped: true }),
            // The folder may forbid that what is in it is run, or there is no /proc.
            Err(why) => tracing::debug!("a compiled component is read, since it cannot be mapped: {why:#}"),
        }
    }
    file.seek(SeekFrom::Start(0))?;
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    #[expect(unsafe_code, reason = "compiled code is trusted as this program is")]
    // SAFETY: as above.
    let component = unsafe { Component::deserialize(engine, code) }?;
    Ok(Code { component, mapped: false })
}

/// Notes that a file is in use, for [`prune`]: once a day is enough. If it cannot be noted, the file is made again one day.
fn touch(file: &File) {
    let now = SystemTime::now();
    let last = file.metadata().and_then(|data| data.modified());
    if last.is_ok_and(|last| now.duration_since(last).is_ok_and(|age| age >= limits::CACHE_TOUCH)) {
        let _ = file.set_modified(now);
    }
}

#[cfg(unix)]
fn read_only(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(fs::Permissions::from_mode(0o400))
}

#[cfg(not(unix))]
fn read_only(_: &File) -> io::Result<()> {
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn put(cache: &Cache, digest: &str, code: &[u8]) -> PathBuf {
        let mut file = cache.begin(digest).unwrap();
        file.write_all(code).unwrap();
        cache.keep(digest, file).unwrap();
        cache.folder.join(cache.name(digest))
    }

    fn is_sealed(cache: &Cache, path: &Path) -> bool {
        let name = path.file_name().unwrap().to_str().unwrap();
        cache.is_sealed(name, &File::open(path).unwrap()).unwrap()
    }

    fn write(path: &Path, bytes: &[u8]) {
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn only_what_was_put_there_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::default();
        let cache = Cache::open(&folder.path().join("cache"), &engine).unwrap();
        assert!(cache.get("d", &engine).is_none());
        let path = put(&cache, "d", b"compiled");
        assert!(is_sealed(&cache, &path));

        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            write(&path, &damaged);
            assert!(!is_sealed(&cache, &path), "byte {at}");
        }
        for length in 0..whole.len() {
            write(&path, &whole[..length]);
            assert!(!is_sealed(&cache, &path), "length {length}");
        }
        write(&path, &whole);
        assert!(is_sealed(&cache, &path));

        // Sealed by somebody who has not the key.
        fs::remove_file(folder.path().join("cache.key")).unwrap();
        let other = Cache::open(&folder.path().join("cache"), &engine).unwrap();
        let forged = put(&other, "d", b"compiled");
        assert!(is_sealed(&other, &forged) && !is_sealed(&cache, &forged));
        write(&path, &whole);

        // The same file under another component's name.
        let other = cache.folder.join(cache.name("f"));
        fs::rename(&path, &other).unwrap();
        assert!(!is_sealed(&cache, &other));
        assert!(cache.get("f", &engine).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_or_write_it() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("cache");
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        let cache = Cache::open(&place, &Engine::default()).unwrap();
        assert_eq!(mode(&place), 0o700, "also when it was there");
        assert_eq!(mode(&folder.path().join("cache.key")), 0o600);
        let path = put(&cache, "d", b"compiled");
        assert_eq!(mode(&path), 0o400);
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "no temporary file is left");
        drop(cache.begin("e").unwrap());
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nor one that came to nothing");
    }
}
