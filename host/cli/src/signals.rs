//! A wish to stop: Ctrl-C or SIGTERM. The first one drains, the second one ends the program at once.

use std::io;

use tokio::sync::watch;

/// Known to everybody who has to end some time. Clones wait for the same wish.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on. What the second signal ends with is the exit status 1: what was in flight is lost.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let (wish, wished) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!("stopping: requests in flight finish first; a second signal ends at once");
            wish.send_replace(true);
            signals.next().await;
            tracing::warn!("ended at once: requests in flight are lost");
            std::process::exit(1);
        });
        Ok(Self(wished))
    }

    /// Does some work to its end, unless a stop is wished for before: then it is dropped and there is no result.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.clone().wished() => None,
        }
    }

    /// Ready when a stop was wished for.
    pub(crate) async fn wished(mut self) {
        // The sender lives as long as the program: an error cannot be, and would mean the end too.
        let _ = self.0.wait_for(|wished| *wished).await;
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
