//! Progress of long work, for a person who watches: nothing is drawn where standard error is no terminal.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use auricle::{Compilation, CompilationStep, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// All that is drawn at one time, below one another.
static DRAWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A turning sign beside a message, for work whose length is not known. It is gone when dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    pub(crate) fn new(message: &'static str) -> Self {
        Self(turning().with_message(message))
    }
}

fn turning() -> ProgressBar {
    let bar = DRAWN.add(ProgressBar::new_spinner());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar for work of known length.
pub(crate) fn bar(length: usize, message: &'static str) -> ProgressBar {
    let bar = DRAWN.add(ProgressBar::new(length.try_into().unwrap_or(u64::MAX))).with_message(message);
    match ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A bar for so many bytes that are sent or taken.
pub(crate) fn bytes(length: u64, message: String) -> ProgressBar {
    let bar = DRAWN.add(ProgressBar::new(length)).with_message(message);
    match ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Tells what is being compiled: beside a turning sign to a person who watches, else to the log.
pub(crate) fn compilations() -> Progress {
    if !io::stderr().is_terminal() {
        return Progress::log();
    }
    let shown = Mutex::new(Compiling::default());
    Progress::new(move |compilation| shown.lock().unwrap_or_else(PoisonError::into_inner).tell(compilation))
}

/// What is drawn while anything is compiled.
#[derive(Default)]
struct Compiling {
    running: usize,
    sign: Option<Spinner>,
}

impl Compiling {
    fn tell(&mut self, compilation: &Compilation<'_>) {
        match compilation.step {
            CompilationStep::Begun => self.running += 1,
            CompilationStep::GoesOn(_) => {}
            CompilationStep::Done(_) | CompilationStep::Failed(_) => {
                self.running = self.running.saturating_sub(1);
                if self.running == 0 {
                    self.sign = None;
                }
                return;
            }
        }
        let Spinner(sign) = self.sign.get_or_insert_with(|| Spinner(turning()));
        sign.set_message(compilation.to_string());
    }
}

/// Standard error, for lines that have to stand beside what is drawn.
pub(crate) struct Beside;

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        DRAWN.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_is_there_as_long_as_something_is_compiled() {
        let mut shown = Compiling::default();
        let mut tell = |step| {
            shown.tell(&Compilation { name: "report", size: 1, number: 1, total: 2, step });
            shown.sign.as_ref().map(|sign| sign.0.message())
        };
        let text = "compiling report (0.0 KiB), 1 of 2".to_owned();
        assert_eq!(tell(CompilationStep::Begun), Some(text.clone()));
        assert_eq!(tell(CompilationStep::Begun), Some(text.clone()));
        assert_eq!(tell(CompilationStep::Done(Duration::ZERO)), Some(text));
        assert_eq!(tell(CompilationStep::Failed(Duration::ZERO)), None);
    }
}
