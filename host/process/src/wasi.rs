//! WASI 0.2 for one process: everything is linked, nothing is reachable but what the manifest grants.
//!
//! Granted folders are opened once, at start, and held: a folder that is renamed or replaced later is still the one that
//! was granted. Each store gets a clone of the opened set, which costs no system call.

use std::path::PathBuf;
use std::sync::Arc;

use auricle_model::{FolderGrant, Grants};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use crate::limits;
use crate::log::{Log, Stream};

/// A granted folder that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("folder `{}`, granted as `{guest}`: {why}", host.display())]
pub struct FolderError {
    /// Its path in the guest.
    pub guest: String,
    /// The folder.
    pub host: PathBuf,
    /// What the system says.
    pub why: String,
}

/// What a process gets of WASI, made ready once.
pub(crate) struct Wasi {
    folders: WasiFilesystemCtx,
    env: Vec<(String, String)>,
    /// Keeps the folders pinned as long as the process is deployed.
    _held: Vec<Dir>,
}

impl Wasi {
    /// Opens the granted folders. Blocks on the file system.
    pub(crate) fn open(grants: &Grants) -> Result<Self, FolderError> {
        let mut builder = WasiCtxBuilder::new();
        let mut held = Vec::with_capacity(grants.files.len());
        for grant in &grants.files {
            let error = |why: String| FolderError { guest: grant.guest.clone(), host: grant.host.clone(), why };
            let dir = Dir::open_ambient_dir(&grant.host, ambient_authority())
                .map_err(|e| error(format!("{e}; make the folder, or correct `files` of the process")))?;
            let perms = if grant.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder
                .preopened_dir(reopen(&dir, grant), &grant.guest, perms)
                .map_err(|e| error(e.root_cause().to_string()))?;
            held.push(dir);
        }
        let folders = builder.build().filesystem().clone();
        let env = grants.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { folders, env, _held: held })
    }

    /// A context for one store, with stdout and stderr going to a log.
    pub(crate) fn context(&self, log: &Arc<Log>) -> WasiCtx {
        let mut builder = WasiCtxBuilder::new();
        builder
            .stdout(Stream::stdout(log.clone()))
            .stderr(Stream::stderr(log.clone()))
            .envs(&self.env)
            .allow_tcp(false)
            .allow_udp(false)
            .max_random_size(limits::RANDOM_BYTES);
        let mut context = builder.build();
        *context.filesystem() = self.folders.clone();
        context
    }
}

/// The path by which the held folder itself is opened again, whatever its name points to by now.
#[cfg(target_os = "linux")]
fn reopen(dir: &Dir, _: &FolderGrant) -> PathBuf {
    use std::os::fd::AsRawFd;

    PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()))
}

/// Elsewhere there is no such path: the folder is opened by its name, a moment after it was found to be there.
#[cfg(not(target_os = "linux"))]
fn reopen(_: &Dir, grant: &FolderGrant) -> PathBuf {
    grant.host.clone()
}
