//! Counting: this program starts itself under valgrind once for each benchmark, so that none is changed by another, and
//! valgrind writes down what was executed between two marks.
//!
//! No signal, no address space of terabytes and no other thread gets in the way: see `site` for the settings. The clock is read by
//! a system call there, which costs a few instructions less than without valgrind.

use std::hint::black_box;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::benches::Bench;

/// How often each is done before it is counted: what is made on first use is there then.
const WARM_UP: u64 = 20;

/// Valgrind writes down what it has counted since the last time, whenever this is called.
#[inline(never)]
fn callgrind_mark(time: u64) {
    black_box(time);
}

/// Does one benchmark between two marks.
pub(crate) fn counted(bench: &Bench, folder: &Path) -> Result<()> {
    let mut run = (bench.make)(folder)?;
    run(WARM_UP)?;
    callgrind_mark(1);
    run(bench.times)?;
    callgrind_mark(2);
    Ok(())
}

/// Does benchmarks under valgrind, all at one time, and gives the files in which it wrote down their counts.
pub(crate) fn dump(benches: &[&Bench], folder: &Path) -> Result<Vec<PathBuf>> {
    let running = benches.iter().map(|bench| start(bench, folder)).collect::<Result<Vec<_>>>()?;
    running.into_iter().map(|(name, dump, child)| finish(name, dump, child)).collect()
}

type Running = (&'static str, PathBuf, Child);

fn start(bench: &Bench, folder: &Path) -> Result<Running> {
    let own = folder.join(bench.name.replace('/', "-"));
    std::fs::create_dir_all(&own)?;
    let dump = own.join("counts");
    let child = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--dump-before=*callgrind_mark*"])
        .arg(format!("--callgrind-out-file={}", dump.display()))
        .arg(std::env::current_exe()?)
        .args(["--counted", bench.name])
        .arg(&own)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    match child {
        Ok(child) => Ok((bench.name, dump, child)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(
                "instructions are counted by valgrind, which is not here: `apt-get install valgrind`, or your system's like"
            )
        }
        Err(error) => Err(error).context("valgrind"),
    }
}

fn finish(name: &str, dump: PathBuf, child: Child) -> Result<PathBuf> {
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed under valgrind ({}): {said}", output.status);
    // The first is of the time before the first mark, the second of that between both.
    let counts = dump.with_extension("2");
    ensure!(counts.exists(), "valgrind did not see the marks of {name}: {said}");
    Ok(counts)
}
