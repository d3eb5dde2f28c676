//! What is told while components are compiled, so that whoever waits for a start knows for what. Costs a call when a
//! compilation begins and ends, and every few seconds between.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::limits;

/// The target of the lines that [`Progress::log`] writes.
const TARGET: &str = "auricle::compile";
/// A component smaller than this is compiled in a moment: that it begins is worth no line of the log.
const LARGE: usize = 1 << 20;

/// A compilation, at a moment of it.
#[derive(Debug, Clone, Copy)]
pub struct Compilation<'c> {
    /// The process that it is for, as [`Engine::load_for`](crate::Engine::load_for) was told.
    pub name: &'c str,
    /// Bytes of the component.
    pub size: usize,
    /// Which of those it is that were begun since nothing was being compiled, from 1.
    pub number: usize,
    /// How many are known to have to be.
    pub total: usize,
    /// How far it is.
    pub step: CompilationStep,
}

/// How far a compilation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompilationStep {
    /// It begins.
    Begun,
    /// It goes on, for so long already. Told every few seconds.
    GoesOn(Duration),
    /// The component is compiled.
    Done(Duration),
    /// There is no machine code; the error of the loading says why.
    Failed(Duration),
}

/// `compiling report (12.3 MiB), 3 of 7`.
impl fmt::Display for Compilation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, size, number, total, step } = self;
        let verb = match step {
            CompilationStep::Begun => "compiling",
            CompilationStep::GoesOn(_) => "still compiling",
            CompilationStep::Done(_) => "compiled",
            CompilationStep::Failed(_) => "could not compile",
        };
        let size = *size as f64;
        let (size, unit) = if size < 1048576.0 { (size / 1024.0, "KiB") } else { (size / 1048576.0, "MiB") };
        write!(f, "{verb} {name} ({size:.1} {unit}), {number} of {total}")?;
        match step {
            CompilationStep::Begun => Ok(()),
            CompilationStep::GoesOn(time) => write!(f, ", for {:.0} s", time.as_secs_f64()),
            CompilationStep::Done(time) | CompilationStep::Failed(time) => {
                write!(f, ", in {:.1} s", time.as_secs_f64())
            }
        }
    }
}

/// Who is told. Cloning shares it.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&Compilation<'_>) + Send + Sync>);

impl Progress {
    /// Calls a function, which must not block: compilations wait for it.
    pub fn new(tell: impl Fn(&Compilation<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Writes to the log, target `auricle::compile`: at level `info` what takes long, all the rest at `debug`.
    pub fn log() -> Self {
        Self::new(|compilation| {
            let long = match compilation.step {
                CompilationStep::Begun => compilation.size >= LARGE,
                CompilationStep::GoesOn(_) => true,
                CompilationStep::Done(took) | CompilationStep::Failed(took) => {
                    compilation.size >= LARGE || took >= limits::COMPILING_TOLD
                }
            };
            if long {
                tracing::info!(target: TARGET, "{compilation}");
            } else {
                tracing::debug!(target: TARGET, "{compilation}");
            }
        })
    }

    /// Tells nobody.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn tell(&self, compilation: &Compilation<'_>) {
        (self.0)(compilation);
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::log()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compilation_is_told_in_words() {
        let told = |size, step| Compilation { name: "report", size, number: 3, total: 7, step }.to_string();
        assert_eq!(told(12_900_000, CompilationStep::Begun), "compiling report (12.3 MiB), 3 of 7");
        assert_eq!(
            told(2048, CompilationStep::GoesOn(Duration::from_secs(6))),
            "still compiling report (2.0 KiB), 3 of 7, for 6 s"
        );
        assert_eq!(
            told(2048, CompilationStep::Done(Duration::from_millis(1250))),
            "compiled report (2.0 KiB), 3 of 7, in 1.2 s"
        );
    }
}
