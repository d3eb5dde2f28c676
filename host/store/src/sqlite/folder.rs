//! The data folder: made if missing, readable by the host's user only, and held by one host at a time.
//!
//! The lock is the operating system's, on an open file: it ends with the process however that ends, so a crash leaves
//! nothing to clean up.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::{StoreError, time};

/// A data folder that this process holds until the value is dropped.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing and takes it for this process.
    pub(super) fn claim(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| {
            StoreError::unavailable(format!(
                "the data folder `{}` can't be used: {error}; make it writable for the host's user, or set another \
                 `data-dir`",
                path.display()
            ))
        };
        make_private_folder(path).map_err(failed)?;
        let lock_path = path.join("auricle.lock");
        let mut lock = private_file().open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(path, &lock_path)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // For the message of a second host, and for people.
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// A database file: made here when it is missing, since SQLite would make it readable by all. Its companions
    /// (`-wal`, `-shm`) take its mode.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, StoreError> {
        let file = self.path.join(name);
        let made = || -> io::Result<()> {
            private_file().open(&file)?.sync_all()?;
            // The entry in the folder has to survive a power loss too.
            if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
        };
        made().map_err(|error| {
            StoreError::unavailable(format!("the database `{}` can't be opened: {error}", file.display()))
        })?;
        Ok(file)
    }

    /// Gives a database file that can't be used another name, and says which. Its companions are of no use without it.
    pub(super) fn set_aside(&self, file: &Path) -> Result<PathBuf, StoreError> {
        let beside = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let aside = beside(&format!(".damaged-{}", time::to_millis(time::now())));
        let moved = fs::rename(file, &aside).and_then(|()| {
            ["-wal", "-shm"].map(beside).iter().filter(|companion| companion.exists()).try_for_each(fs::remove_file)
        });
        moved.map(|()| aside).map_err(|error| {
            StoreError::unavailable(format!(
                "`{}` is damaged and can't be set aside ({error}): move it away by hand",
                file.display()
            ))
        })
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // To close the file would not do: a child process that this one is just starting still has it open.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, folder = %self.path.display(), "the data folder stays locked until the program ends");
        }
    }
}

fn held(folder: &Path, lock: &Path) -> StoreError {
    let holder = fs::read_to_string(lock).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let holder = holder.map(|id| format!(" (process {id})")).unwrap_or_default();
    StoreError::unavailable(format!(
        "another Auricle host{holder} uses the data folder `{}`: stop that host, or give this one a `data-dir` of its own",
        folder.display()
    ))
}

/// For a file of which others may not know: made where there is none.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = DataFolder::claim(&path).unwrap();
        let message = DataFolder::claim(&path).unwrap_err().to_string();
        for part in [path.to_str().unwrap(), "data-dir", &std::process::id().to_string()] {
            assert!(message.contains(part), "{message}");
        }
        drop(first);
        DataFolder::claim(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let file = DataFolder::claim(&path).unwrap().file("auricle.db").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        fs::write(&path, "").unwrap();
        let message = DataFolder::claim(&path).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
}
