//! The load: threads that each drive their share of the connections by one `epoll`, one request in flight on each.
//!
//! It costs 2 to 3 microseconds of a core for a request, kernel aside, so that it takes little from what it measures on the
//! same machine. What is asked when is a [`Plan`]'s to say: a closed loop, or an open one with due times of its own.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::call::Call;

/// Longest wait for an answer before the run counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);
/// Wrong answers that are kept word for word; the rest is counted.
const SAMPLES: usize = 3;

/// What to ask next.
pub(crate) enum Next {
    /// This call of the list; it was due at that time, from which its latency counts.
    Ask(usize, Instant),
    /// Nothing before that time.
    Wait(Instant),
    /// Nothing any more.
    End,
}

/// Says what a thread asks when. Only asked while a connection is free.
pub(crate) trait Plan: Send {
    /// What to ask now.
    fn next(&mut self, now: Instant) -> Next;
}

/// What came of a load.
pub(crate) struct Load {
    /// Answers that were right.
    pub(crate) passed: u64,
    /// Answers that were not.
    pub(crate) failed: u64,
    /// Some of those, as they came.
    pub(crate) samples: Vec<String>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Latencies in nanoseconds, by the group of the call.
    pub(crate) latencies: BTreeMap<usize, Histogram<u64>>,
}

impl Load {
    fn new() -> Self {
        Self { passed: 0, failed: 0, samples: Vec::new(), elapsed: Duration::ZERO, latencies: BTreeMap::new() }
    }

    /// Right answers a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.passed as f64 / self.elapsed.as_secs_f64()
    }

    /// A quantile of the latency of a group of calls.
    pub(crate) fn latency(&self, group: usize, quantile: f64) -> Duration {
        Duration::from_nanos(self.latencies.get(&group).map_or(0, |all| all.value_at_quantile(quantile)))
    }

    /// An error, if an answer was wrong.
    pub(crate) fn all_right(self) -> Result<Self> {
        match self.samples.first() {
            None => Ok(self),
            Some(first) => bail!("{} wrong answers, the first: {first}", self.failed),
        }
    }

    fn add(&mut self, other: Self) -> Result<()> {
        self.passed += other.passed;
        self.failed += other.failed;
        self.samples.extend(other.samples);
        self.samples.truncate(SAMPLES);
        self.elapsed = self.elapsed.max(other.elapsed);
        for (group, latencies) in other.latencies {
            match self.latencies.entry(group) {
                std::collections::btree_map::Entry::Vacant(none) => _ = none.insert(latencies),
                std::collections::btree_map::Entry::Occupied(mut all) => all.get_mut().add(latencies)?,
            }
        }
        Ok(())
    }
}

/// Every connection asks again as soon as it has its answer, until the time is over.
pub(crate) struct Closed<F> {
    time: Duration,
    end: Option<Instant>,
    asked: usize,
    choose: F,
}

impl<F: FnMut(usize) -> usize + Send> Closed<F> {
    /// `choose` gets the number of the request, from 0, and gives the call.
    pub(crate) fn new(time: Duration, choose: F) -> Self {
        Self { time, end: None, asked: 0, choose }
    }
}

impl<F: FnMut(usize) -> usize + Send> Plan for Closed<F> {
    fn next(&mut self, now: Instant) -> Next {
        if now >= *self.end.get_or_insert(now + self.time) {
            return Next::End;
        }
        self.asked += 1;
        Next::Ask((self.choose)(self.asked - 1), now)
    }
}

/// So many requests a second, whether or not the last ones were answered.
pub(crate) struct Paced<F> {
    start: Option<Instant>,
    time: Duration,
    /// Seconds between two of them.
    gap: f64,
    asked: usize,
    choose: F,
}

impl<F: FnMut(usize) -> usize + Send> Paced<F> {
    /// `choose` gets the number of the request, from 0, and gives the call.
    pub(crate) fn new(per_second: f64, time: Duration, choose: F) -> Self {
        Self { start: None, time, gap: 1.0 / per_second, asked: 0, choose }
    }
}

impl<F: FnMut(usize) -> usize + Send> Plan for Paced<F> {
    fn next(&mut self, now: Instant) -> Next {
        let start = *self.start.get_or_insert(now);
        let due = start + Duration::from_secs_f64(self.gap * self.asked as f64);
        if due >= start + self.time {
            return Next::End;
        }
        if due > now {
            return Next::Wait(due);
        }
        self.asked += 1;
        Next::Ask((self.choose)(self.asked - 1), due)
    }
}

/// What one thread does: on so many connections, this plan.
pub(crate) type Share<'a> = (usize, Box<dyn Plan + 'a>);

/// Puts a load on a server: one thread for each share. All calls go to one address. Time begins when all are connected.
pub(crate) fn run(calls: &[Call], shares: Vec<Share<'_>>) -> Result<Load> {
    let mut drivers = Vec::new();
    for (connections, plan) in shares {
        drivers.push((Driver::connect(calls, connections)?, plan));
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            drivers.into_iter().map(|(driver, plan)| scope.spawn(move || driver.drive(plan))).collect();
        let mut all = Load::new();
        for thread in threads {
            all.add(thread.join().map_err(|_| anyhow!("a thread of the load panicked"))??)?;
        }
        Ok(all)
    })
}

/// A closed loop over all calls in turn, on `connections` connections in all, from two threads.
pub(crate) fn closed(calls: &[Call], connections: usize, time: Duration) -> Result<Load> {
    let threads = connections.min(2);
    let share = |thread| {
        // Not all at the same one at the same time.
        let offset = thread * calls.len() / threads;
        let plan = Closed::new(time, move |number| (number + offset) % calls.len());
        (connections / threads, Box::new(plan) as Box<dyn Plan>)
    };
    run(calls, (0..threads).map(share).collect())
}

/// Asks once, on a connection of its own.
pub(crate) fn once(call: &Call) -> Result<Load> {
    run(std::slice::from_ref(call), vec![(1, Box::new(Once(false)))])
}

struct Once(bool);

impl Plan for Once {
    fn next(&mut self, now: Instant) -> Next {
        if std::mem::replace(&mut self.0, true) { Next::End } else { Next::Ask(0, now) }
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    asked: Option<(usize, Instant)>,
}

/// The connections of one thread.
struct Driver<'a> {
    calls: &'a [Call],
    poll: Poll,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    load: Load,
}

impl<'a> Driver<'a> {
    fn connect(calls: &'a [Call], count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let address = calls.first().context("nothing to call")?.address;
        let connections = (0..count).map(|at| {
            let stream =
                std::net::TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            Ok(Connection { stream, buffer: Vec::with_capacity(4096), asked: None })
        });
        let connections = connections.collect::<Result<_>>()?;
        Ok(Self { calls, poll, connections, idle: (0..count).collect(), load: Load::new() })
    }

    fn drive(mut self, mut plan: Box<dyn Plan + '_>) -> Result<Load> {
        let begin = Instant::now();
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let (ended, wait) = self.ask_what_is_due(&mut *plan)?;
            if ended && self.idle.len() == self.connections.len() {
                break;
            }
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                self.read(event.token().0, &mut buffer)?;
            }
            if events.is_empty() {
                self.look_for_hung()?;
            }
        }
        self.load.elapsed = begin.elapsed();
        Ok(self.load)
    }

    /// Whether the plan is at its end, and how long to wait for answers.
    fn ask_what_is_due(&mut self, plan: &mut dyn Plan) -> Result<(bool, Duration)> {
        while let Some(&at) = self.idle.last() {
            let now = Instant::now();
            match plan.next(now) {
                Next::Ask(call, due) => {
                    self.idle.pop();
                    self.ask(at, call, due)?;
                }
                Next::Wait(until) => return Ok((false, until - now)),
                Next::End => return Ok((true, Duration::from_secs(1))),
            }
        }
        Ok((false, Duration::from_secs(1)))
    }

    fn ask(&mut self, at: usize, call: usize, due: Instant) -> Result<()> {
        let (Some(connection), Some(what)) = (self.connections.get_mut(at), self.calls.get(call)) else {
            bail!("no call {call}");
        };
        // A request fits into the socket's buffer: nothing is in flight on this connection.
        connection.stream.write_all(&what.bytes).context("a request could not be written")?;
        connection.asked = Some((call, due));
        Ok(())
    }

    fn read(&mut self, at: usize, buffer: &mut [u8]) -> Result<()> {
        let Some(connection) = self.connections.get_mut(at) else { return Ok(()) };
        // Until the kernel says that there is no more: the readiness is told once only.
        loop {
            match connection.stream.read(buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(n) => connection.buffer.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("an answer could not be read"),
            }
            let Some((call, due)) = connection.asked else { bail!("an answer that was not asked for") };
            let Some(what) = self.calls.get(call) else { bail!("no call {call}") };
            let Some(answer) = what.judge(&connection.buffer)? else { continue };
            if answer.length < connection.buffer.len() {
                bail!("more than the answer came");
            }
            connection.buffer.clear();
            connection.asked = None;
            self.idle.push(at);
            self.load.count(what.group, due, answer.wrong)?;
        }
    }

    fn look_for_hung(&self) -> Result<()> {
        let hung = self.connections.iter().filter_map(|c| c.asked).find(|(_, due)| due.elapsed() > PATIENCE);
        match hung {
            Some((call, _)) => bail!("no answer to call {call} in {PATIENCE:?}"),
            None => Ok(()),
        }
    }
}

impl Load {
    fn count(&mut self, group: usize, due: Instant, wrong: Option<String>) -> Result<()> {
        let Some(wrong) = wrong else {
            self.passed += 1;
            let latencies = match self.latencies.entry(group) {
                std::collections::btree_map::Entry::Vacant(none) => none.insert(Histogram::new(3)?),
                std::collections::btree_map::Entry::Occupied(all) => all.into_mut(),
            };
            latencies.record(u64::try_from(due.elapsed().as_nanos()).unwrap_or(u64::MAX))?;
            return Ok(());
        };
        self.failed += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(wrong);
        }
        Ok(())
    }
}
