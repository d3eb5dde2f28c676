//! Which connections of HTTP/1 are of no use any more: nobody has asked anything on them for too long, the head of a request
//! does not arrive, or the client does not take its answer.
//!
//! Costs a request a few plain stores and no timer: a clock of whole seconds is advanced by whoever looks at all
//! connections.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};

/// Counts seconds, roughly.
#[derive(Debug)]
pub(crate) struct Clock(AtomicU32);

impl Clock {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// One second more.
    pub(crate) fn tick(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a connection has been idle: since it was opened, since its last answer was ready, or since the client last took a
/// piece of that, whichever is later. What the client *sends* does not count: a head that comes byte by byte is as idle as none.
#[derive(Debug)]
pub(crate) struct Idle {
    clock: Arc<Clock>,
    since: AtomicU32,
    busy: AtomicBool,
}

impl Idle {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        let since = AtomicU32::new(clock.now());
        Self { clock, since, busy: AtomicBool::new(false) }
    }

    /// Not idle for as long as what is returned lives. HTTP/1 answers one request at a time.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.store(true, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Whether it has been idle for longer than this.
    pub(crate) fn is_over(&self, limit: Duration) -> bool {
        // In this order: one that has just become idle is seen with the time from which on it is.
        if self.busy.load(Ordering::Acquire) {
            return false;
        }
        let idle = self.clock.now().wrapping_sub(self.since.load(Ordering::Relaxed));
        u64::from(idle) > limit.as_secs()
    }

    fn renew(&self) {
        self.since.store(self.clock.now(), Ordering::Relaxed);
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Idle>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.renew();
        self.0.busy.store(false, Ordering::Release);
    }
}

/// A connection whose writing renews it.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    io: T,
    idle: Arc<Idle>,
}

impl<T> Watched<T> {
    pub(crate) const fn new(io: T, idle: Arc<Idle>) -> Self {
        Self { io, idle }
    }
}

impl<T: Read + Unpin> Read for Watched<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        if written.is_ready() {
            self.idle.renew();
        }
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        if written.is_ready() {
            self.idle.renew();
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_from_its_last_answer_on() {
        let clock = Arc::new(Clock::new());
        let idle = Arc::new(Idle::new(clock.clone()));
        let limit = Duration::from_secs(2);
        let wait = |seconds: u32| (0..seconds).for_each(|_| clock.tick());
        wait(2);
        assert!(!idle.is_over(limit));
        wait(1);
        assert!(idle.is_over(limit));
        let busy = idle.busy();
        assert!(!idle.is_over(limit));
        wait(9);
        drop(busy);
        assert!(!idle.is_over(limit));
        wait(3);
        assert!(idle.is_over(limit));
        idle.renew();
        assert!(!idle.is_over(limit), "the client took a piece");
    }
}
