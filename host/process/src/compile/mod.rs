//! Compilation: from a component's bytes to a file of machine code.
//!
//! The compiler is the largest thing that a stranger's bytes reach, and what it takes grows with what they say. So it runs in a
//! process of its own ([`Compiler`]) that has limits of memory and time, no environment, and ends with this one. It costs
//! the start of a program, some ten milliseconds. Without a [`Compiler`] it runs in this process, without limits.
//!
//! [`order`] is what the two processes say to one another, [`child`] is the one, [`parent`] the other; [`line`](mod@line) has so many
//! compile at a time as the machine has cores.

mod child;
mod line;
mod order;
mod parent;

use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wasmtime::Config;

pub use self::child::compile_main;
pub(crate) use self::line::Line;
use crate::cache::hex;
use crate::component::LoadError;

/// The program that compiles components: it has to call [`compile_main`] when it is started with these arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What one compilation may take.
    pub limits: CompilerLimits,
}

impl Compiler {
    /// This very program, started once more with these arguments. On Linux it is the same one even if the file was
    /// replaced since; elsewhere a program that was replaced is refused when it compiles otherwise.
    ///
    /// # Errors
    ///
    /// If the system does not tell which program this is.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        let program =
            if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        let arguments = arguments.into_iter().map(Into::into).collect();
        Ok(Self { program, arguments, limits: CompilerLimits::default() })
    }
}

/// What the compilation of one component may take. Over it the component is refused as too large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompilerLimits {
    /// Bytes of memory. Default 4 GiB.
    pub memory: u64,
    /// Time of the processor, over all cores, to the second. Default 10 minutes.
    pub cpu: Duration,
    /// Time by the clock. Default 10 minutes.
    pub time: Duration,
    /// Bytes of machine code. Default 1 GiB.
    pub output: u64,
}

impl Default for CompilerLimits {
    fn default() -> Self {
        let time = Duration::from_secs(600);
        Self { memory: 4 << 30, cpu: time, time, output: 1 << 30 }
    }
}

/// What compiled code depends on: the same here and in the process that compiles.
pub(crate) fn code() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Every function of the world is sync: the machinery for async ones would cost each call, and has had most of
        // the runtime's security advisories.
        .concurrency_support(false)
        .gc_support(false)
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true);
    // Only other programs' debuggers and profilers would read it. Without it a component is smaller, and is not registered
    // with the C library, which looks through all that is registered.
    #[cfg(not(windows))]
    config.native_unwind_info(false);
    config
}

/// Stands for all that compiled code depends on beside its source: compiler, settings, processor.
pub(crate) fn compatibility(engine: &wasmtime::Engine) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let mut compatibility = hex(&hasher.0.finalize());
    compatibility.truncate(16);
    compatibility
}

/// Compiles a component into a file, which is empty.
pub(crate) async fn compile(
    engine: &wasmtime::Engine,
    compiler: Option<&Compiler>,
    wasm: Bytes,
    threads: usize,
    to: File,
) -> Result<(), LoadError> {
    if let Some(compiler) = compiler {
        return parent::compile(compiler, compatibility(engine), wasm, threads, to).await;
    }
    let engine = engine.clone();
    blocking(move || {
        let compiled = engine.precompile_component(&wasm).map_err(|e| LoadError::Corrupt { why: format!("{e:#}") })?;
        (&to).write_all(&compiled).map_err(|e| LoadError::Host(format!("the compiled component was not written: {e}")))
    })
    .await
}

/// Does work that takes a while where it keeps no request waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(LoadError::Host(format!("the loading of a component stopped: {e}"))))
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
