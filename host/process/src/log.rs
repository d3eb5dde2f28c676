//! The log of one execution: what the process says by `execution.log` and what it writes to stdout and stderr, line by line.
//!
//! Bounded in lines and in bytes, so that a guest that floods it costs its `limits.log` and no more. A reused instance keeps
//! its streams; [`Log::begin`] turns them to the next execution. Cheap to write to: one uncontended lock; an execution that
//! says nothing takes none.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use auricle_model::{LogLevel, LogLine};
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::limits::{LOG_LINE_BYTES, cut};

/// What a line costs beside its text.
const LINE_COST: usize = size_of::<LogLine>();
/// How many of the last lines of stderr are kept for the message of a trap.
const LAST_WORDS: usize = 8;
/// Bytes that a guest may write to a stream in one go.
const CHUNK: usize = 64 << 10;

/// A log that host functions and WASI streams write to.
pub(crate) struct Log {
    made: Instant,
    /// When the execution began, in nanoseconds since the log was made.
    began: AtomicU64,
    /// Whether anything was written since it was emptied.
    written: AtomicBool,
    lines: Mutex<Lines>,
}

struct Lines {
    lines: Vec<LogLine>,
    used: usize,
    limit: usize,
    full: bool,
    out: Vec<u8>,
    err: Vec<u8>,
    last_words: VecDeque<String>,
}

impl Log {
    /// A log of so many bytes for each execution.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let lines = Lines {
            lines: Vec::new(),
            used: 0,
            limit,
            full: false,
            out: Vec::new(),
            err: Vec::new(),
            last_words: VecDeque::new(),
        };
        let (began, written) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { made: Instant::now(), began, written, lines: Mutex::new(lines) })
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the clock.
    pub(crate) fn begin(&self, now: Instant) {
        let began = now.saturating_duration_since(self.made).as_nanos();
        self.began.store(u64::try_from(began).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Since the execution began.
    fn after(&self) -> Duration {
        self.made.elapsed().saturating_sub(Duration::from_nanos(self.began.load(Ordering::Relaxed)))
    }

    /// The lines, to write to them.
    fn write_to(&self) -> MutexGuard<'_, Lines> {
        let lines = self.lock();
        // Never by two at a time: a store has one execution, and it runs on one thread.
        self.written.store(true, Ordering::Relaxed);
        lines
    }

    /// Adds a message, as one line.
    pub(crate) fn write(&self, level: LogLevel, mut message: String) {
        message.truncate(message.trim_end_matches(['\r', '\n']).len());
        self.write_to().push(level, message, self.after());
    }

    fn stream(&self, source: Source, bytes: &[u8]) {
        self.write_to().stream(source, bytes, self.after());
    }

    /// Adds what a sub-process has said, under its name.
    pub(crate) fn adopt(&self, process: &str, began: Instant, said: Vec<LogLine>) {
        if said.is_empty() {
            return;
        }
        let offset = self.after().saturating_sub(began.elapsed());
        let mut lines = self.write_to();
        for line in said {
            lines.push(line.level, format!("{process}: {}", line.message), offset + line.after);
        }
    }

    /// The last lines of stderr: a panic's message goes there.
    pub(crate) fn last_words(&self) -> Vec<String> {
        let mut lines = self.lock();
        lines.finish(Source::Stderr, self.after());
        lines.last_words.iter().cloned().collect()
    }

    /// All lines, unfinished ones included; empties the log for the next execution.
    pub(crate) fn take(&self) -> Vec<LogLine> {
        if !self.written.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let after = self.after();
        let mut lines = self.lock();
        self.written.store(false, Ordering::Relaxed);
        lines.finish(Source::Stdout, after);
        lines.finish(Source::Stderr, after);
        lines.used = 0;
        lines.full = false;
        lines.last_words.clear();
        std::mem::take(&mut lines.lines)
    }
}

impl Lines {
    fn push(&mut self, level: LogLevel, mut message: String, after: Duration) {
        if self.full {
            return;
        }
        cut(&mut message, LOG_LINE_BYTES);
        let cost = message.len() + LINE_COST;
        if self.used + cost > self.limit {
            self.full = true;
            let limit = auricle_model::format_size(self.limit as u64);
            let message = format!("log truncated: more than `limits.log` of {limit} in one execution");
            self.lines.push(LogLine { after, level: LogLevel::Warn, message });
            return;
        }
        self.used += cost;
        self.lines.push(LogLine { after, level, message });
    }

    fn partial(&mut self, source: Source) -> &mut Vec<u8> {
        match source {
            Source::Stdout => &mut self.out,
            Source::Stderr => &mut self.err,
        }
    }

    fn stream(&mut self, source: Source, bytes: &[u8], after: Duration) {
        let mut pieces = bytes.split(|b| *b == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let partial = self.partial(source);
            // What is longer than a line may be is left out here already.
            let room = LOG_LINE_BYTES.saturating_sub(partial.len()).min(piece.len());
            partial.extend_from_slice(piece.get(..room).unwrap_or_default());
            if pieces.peek().is_some() {
                self.end_line(source, after);
            }
        }
    }

    fn finish(&mut self, source: Source, after: Duration) {
        if !self.partial(source).is_empty() {
            self.end_line(source, after);
        }
    }

    fn end_line(&mut self, source: Source, after: Duration) {
        let bytes = std::mem::take(self.partial(source));
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
        if source == Source::Stderr && !text.is_empty() {
            if self.last_words.len() == LAST_WORDS {
                self.last_words.pop_front();
            }
            self.last_words.push_back(text.clone());
        }
        self.push(source.level(), text, after);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Stdout,
    Stderr,
}

impl Source {
    const fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Info,
            // Panics and the complaints of language runtimes come here.
            Self::Stderr => LogLevel::Warn,
        }
    }
}

/// A guest's stdout or stderr. Never blocks and never fails: what is over the limit is dropped.
#[derive(Clone)]
pub(crate) struct Stream {
    log: Arc<Log>,
    source: Source,
}

impl Stream {
    pub(crate) const fn stdout(log: Arc<Log>) -> Self {
        Self { log, source: Source::Stdout }
    }

    pub(crate) const fn stderr(log: Arc<Log>) -> Self {
        Self { log, source: Source::Stderr }
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.stream(self.source, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.log.stream(self.source, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|l| l.message.as_str()).collect()
    }

    #[test]
    fn streams_become_lines() {
        let log = Log::new(1 << 20);
        let mut out = Stream::stdout(log.clone());
        let mut err = Stream::stderr(log.clone());
        out.write(Bytes::from_static(b"one\r\ntw")).unwrap();
        err.write(Bytes::from_static(b"oh")).unwrap();
        out.write(Bytes::from_static(b"o\n\nlast")).unwrap();
        assert_eq!(log.last_words(), ["oh"]);
        let lines = log.take();
        assert_eq!(messages(&lines), ["one", "two", "", "oh", "last"]);
        assert_eq!(lines[0].level, LogLevel::Info);
        assert_eq!(lines[3].level, LogLevel::Warn);
        assert!(log.take().is_empty());
    }

    #[test]
    fn a_flood_is_cut_once_and_the_next_execution_logs_again() {
        let log = Log::new(1 << 20);
        for _ in 0..100_000 {
            log.write(LogLevel::Info, "x".repeat(100));
        }
        let lines = log.take();
        assert!(lines.iter().map(|l| l.message.len()).sum::<usize>() <= (1 << 20) + 100);
        assert_eq!(lines.iter().filter(|l| l.message.starts_with("log truncated")).count(), 1);
        log.write(LogLevel::Info, "again".into());
        assert_eq!(messages(&log.take()), ["again"]);
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let log = Log::new(1 << 20);
        let mut out = Stream::stdout(log.clone());
        for _ in 0..100 {
            out.write(Bytes::from(vec![b'x'; CHUNK])).unwrap();
        }
        assert_eq!(log.lock().out.len(), LOG_LINE_BYTES);
        assert_eq!(log.take()[0].message.len(), LOG_LINE_BYTES);
    }
}
