//! The time of an execution: how long it may last by the wall, and how much of that it may compute.
//!
//! Both cost an execution that ends soon two looks at the clock. A timer is registered only for one that has to wait, and
//! the clock of the thread (a system call) is asked only for one that has run past a tick of the engine: until then the
//! wall is exact enough, after it a machine that is busy with others must not use up an execution's own limit.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time that an execution is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// When it begins.
    pub(crate) began: Instant,
    /// When it has to be over.
    pub(crate) deadline: Instant,
    /// How much of that it may compute.
    pub(crate) cpu: Duration,
    /// How much it has computed already, when it was made.
    pub(crate) used: Duration,
}

/// Waits for a future until a time; none if it was not ready by then.
///
/// Unlike tokio's own it registers no timer for a future that is ready at once, and fires also where the future
/// uses up its task's budget each time.
pub(crate) async fn within<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(None);
    poll_fn(move |context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(tokio::task::unconstrained(sleep_until(deadline))));
        }
        timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(context).map(|()| None))
    })
    .await
}

/// Adds up the CPU time of one execution: the time that its future is being polled, sub-processes included.
///
/// Shared by whoever polls and by the callback of the engine's ticks, which is called within a poll: never by two threads
/// at a time. The numbers are nanoseconds, of the wall's since the meter was made.
#[derive(Debug)]
pub(crate) struct Meter {
    made: Instant,
    limit: AtomicU64,
    used: AtomicU64,
    /// When the poll that goes on has begun, by the clock that it is measured with.
    began: AtomicU64,
    /// When the last poll has ended, by the wall.
    ended: AtomicU64,
    /// Whether the poll that goes on is measured by the clock of its thread.
    by_thread: AtomicBool,
    /// Whether a tick has found the execution at work.
    ticked: AtomicBool,
}

impl Meter {
    /// A meter with nothing on it.
    pub(crate) fn new(made: Instant) -> Arc<Self> {
        Arc::new(Self {
            made,
            limit: AtomicU64::new(u64::MAX),
            used: AtomicU64::new(0),
            began: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            by_thread: AtomicBool::new(false),
            ticked: AtomicBool::new(false),
        })
    }

    /// Sets it back, for an execution that has this time.
    pub(crate) fn begin(&self, time: &Time) {
        self.limit.store(nanoseconds(time.cpu), Ordering::Relaxed);
        self.used.store(nanoseconds(time.used), Ordering::Relaxed);
        self.by_thread.store(false, Ordering::Relaxed);
        self.ticked.store(false, Ordering::Relaxed);
    }

    /// Runs a future on this meter. It is polled for the first time just after `began`.
    pub(crate) async fn measure<F: Future>(&self, began: Instant, mut future: Pin<&mut F>) -> F::Output {
        let mut began = Some(began);
        poll_fn(move |context| {
            self.enter(began.take());
            let polled = future.as_mut().poll(context);
            self.leave();
            polled
        })
        .await
    }

    fn enter(&self, now: Option<Instant>) {
        let by_thread = self.ticked.load(Ordering::Relaxed);
        self.by_thread.store(by_thread, Ordering::Relaxed);
        let began = if by_thread { thread_clock(self.made) } else { self.wall(now.unwrap_or_else(Instant::now)) };
        self.began.store(began, Ordering::Relaxed);
    }

    fn leave(&self) {
        let ended = self.wall(Instant::now());
        let clock = if self.by_thread.load(Ordering::Relaxed) { thread_clock(self.made) } else { ended };
        let polled = clock.saturating_sub(self.began.load(Ordering::Relaxed));
        self.used.store(self.used.load(Ordering::Relaxed).saturating_add(polled), Ordering::Relaxed);
        self.ended.store(ended, Ordering::Relaxed);
    }

    fn wall(&self, now: Instant) -> u64 {
        nanoseconds(now.saturating_duration_since(self.made))
    }

    /// To be called at each tick that finds the execution at work, before it yields.
    pub(crate) fn tick(&self) {
        self.ticked.store(true, Ordering::Relaxed);
    }

    /// What is left, asked from within a poll.
    pub(crate) fn left(&self) -> Duration {
        let clock =
            if self.by_thread.load(Ordering::Relaxed) { thread_clock(self.made) } else { self.wall(Instant::now()) };
        let polled = clock.saturating_sub(self.began.load(Ordering::Relaxed));
        let used = self.used.load(Ordering::Relaxed).saturating_add(polled);
        Duration::from_nanos(self.limit.load(Ordering::Relaxed).saturating_sub(used))
    }

    /// What the execution may use.
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_nanos(self.limit.load(Ordering::Relaxed))
    }

    /// What has been used, asked between polls.
    pub(crate) fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// From when the meter was made until the last poll has ended.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_nanos(self.ended.load(Ordering::Relaxed))
    }

    /// When the last poll has ended.
    pub(crate) fn ended(&self) -> Instant {
        self.made + self.age()
    }
}

/// Some 580 years at most.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// CPU time of this thread.
#[cfg(unix)]
fn thread_clock(_: Instant) -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let whole = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
    whole.saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Where there is no such clock, the wall.
#[cfg(not(unix))]
fn thread_clock(made: Instant) -> u64 {
    nanoseconds(made.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_future_is_waited_for_until_its_time() {
        let now = Instant::now();
        assert_eq!(within(now, async { 7 }).await, Some(7), "ready at once, though the time is up");
        assert_eq!(within(now + SECOND, tokio::time::sleep(SECOND / 2)).await, Some(()));
        assert_eq!(within(now + SECOND, std::future::pending::<()>()).await, None);
        assert_eq!(now.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn a_future_that_never_rests_is_ended_too() {
        let greedy = async {
            loop {
                tokio::task::coop::consume_budget().await;
            }
        };
        let soon = Instant::now() + SECOND / 50;
        assert_eq!(within(soon, greedy).await, None::<()>);
    }

    fn second(began: Instant) -> Time {
        Time { began, deadline: began + SECOND, cpu: SECOND, used: Duration::ZERO }
    }

    /// Uses so much time of its thread.
    fn compute(time: Duration) {
        let began = std::time::Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn computing_counts_and_waiting_does_not() {
        let now = Instant::now();
        let meter = Meter::new(now);
        meter.begin(&second(now));
        let work = pin!(async {
            compute(SECOND / 50);
            tokio::time::sleep(SECOND / 5).await;
            meter.tick();
            tokio::task::yield_now().await;
            compute(SECOND / 50);
            assert!(meter.left() < SECOND);
        });
        meter.measure(now, work).await;
        assert!(meter.used() > SECOND / 50 && meter.used() < SECOND / 5, "{:?}", meter.used());
        assert!(meter.ended() >= now + SECOND / 5);
        meter.begin(&second(now));
        assert_eq!((meter.used(), meter.limit()), (Duration::ZERO, SECOND));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn after_a_tick_only_the_threads_own_time_counts() {
        let now = Instant::now();
        let meter = Meter::new(now);
        meter.begin(&second(now));
        meter.tick();
        // The thread is kept from running within the poll, as by other programs.
        let work = pin!(async { std::thread::sleep(SECOND / 5) });
        meter.measure(now, work).await;
        assert!(meter.used() < SECOND / 5, "{:?}", meter.used());
    }
}
