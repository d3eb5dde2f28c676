//! A server in a process of its own, and what the kernel tells of it: CPU time, memory, handles, threads, mappings.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::call::Call;
use crate::load;

/// How long a server may take to answer at all. The first start compiles; ten thousand listeners take their time.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long it may take to end when asked to.
const END: Duration = Duration::from_secs(10);
/// The unit of CPU time in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// A server. Dropped, it is asked to end, and killed if it does not.
#[derive(Debug)]
pub(crate) struct Server(Child);

/// What a server holds at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Resident bytes.
    pub(crate) resident: u64,
    /// Resident bytes that are its own and changed.
    pub(crate) dirty: u64,
    pub(crate) files: usize,
    pub(crate) threads: usize,
    pub(crate) mappings: usize,
}

impl Server {
    /// Starts a program. What it prints goes to a file that is shown if it ends by itself.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let what = format!("{} does not start", command.get_program().display());
        Ok(Self(command.stdin(Stdio::null()).spawn().context(what)?))
    }

    /// Waits until a call gets its answer, and gives how long that took. Until then there may be no connection, or a 503; any
    /// other answer is an error at once.
    pub(crate) fn wait_for(&mut self, call: &Call) -> Result<Duration> {
        let begin = Instant::now();
        loop {
            if let Ok(load) = load::once(call) {
                match load.samples.first() {
                    None => return Ok(begin.elapsed()),
                    Some(answer) if answer.starts_with("HTTP/1.1 503") => {}
                    Some(answer) => bail!("a wrong answer: {answer}"),
                }
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended with {status}");
            }
            if begin.elapsed() > PATIENCE {
                bail!("waited in vain for the server");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// CPU time that it and its children have used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.all().into_iter().map(cpu_of).sum()
    }

    /// What it holds, its children left out.
    pub(crate) fn held(&self) -> Result<Held> {
        let folder = format!("/proc/{}", self.0.id());
        let rollup = fs::read_to_string(format!("{folder}/smaps_rollup"))?;
        Ok(Held {
            resident: kilobytes(&rollup, "Rss:")?,
            dirty: kilobytes(&rollup, "Private_Dirty:")?,
            files: fs::read_dir(format!("{folder}/fd"))?.count(),
            threads: fs::read_dir(format!("{folder}/task"))?.count(),
            mappings: fs::read_to_string(format!("{folder}/maps"))?.lines().count(),
        })
    }

    /// Its resident bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most resident bytes that it had since it began, or since [`Server::forget_peak`].
    pub(crate) fn peak(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// Begins anew with [`Server::peak`].
    pub(crate) fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.0.id()), "5")?)
    }

    /// A size in `/proc/PID/status`, in bytes.
    fn status(&self, name: &str) -> Result<u64> {
        kilobytes(&fs::read_to_string(format!("/proc/{}/status", self.0.id()))?, name)
    }

    /// It and its children: some servers work in those.
    fn all(&self) -> Vec<u32> {
        let own = self.0.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }

    /// Kills it, as a crash does: nothing of it is finished.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let begin = Instant::now();
        while asked.as_ref().is_ok_and(ExitStatus::success) && begin.elapsed() < END {
            if self.0.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // Nothing can be done about one that does not even die.
            let _ = self.stop();
        }
    }
}

/// A line of what the kernel tells in kilobytes, in bytes.
fn kilobytes(told: &str, name: &str) -> Result<u64> {
    let value = told.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    value.and_then(|v| v.parse::<u64>().ok()).map(|v| v << 10).with_context(|| format!("no {name} from the kernel"))
}

fn cpu_of(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in parentheses, may hold anything; fields 14 and 15 of the whole are 12 and 13 after it.
    let (_, rest) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// A port that nobody uses now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_a_process_uses() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 60"]);
        let server = Server::start(command).unwrap();
        while server.cpu().unwrap() < TICK {
            std::thread::sleep(TICK);
        }
        let held = server.held().unwrap();
        assert!(held.resident > 100 << 10 && held.dirty < held.resident, "{held:?}");
        assert!(held.files >= 1 && held.threads == 1 && held.mappings > 3, "{held:?}");
    }
}
