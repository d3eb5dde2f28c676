//! Counts the instructions of one execution, layer by layer, and compares them with the counts that are kept: the part of the
//! benchmark that is the same on a busy machine as on a quiet one. `docs/performance.md` says how to read it.
//!
//!     cargo build --release --workspace --bin auricle-count
//!     target/release/auricle-count                            counts; fails where one has risen by more than 10 %
//!     target/release/auricle-count --bless                    counts, and keeps what it counted
//!     target/release/auricle-count --times                    nanoseconds instead, by criterion
//!     target/release/auricle-count --profile low-latency/host the functions that the instructions are spent in

mod bare;
mod benches;
mod callgrind;
mod guests;
mod kept;
mod layers;
mod profile;
mod pure;
mod site;
mod times;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::benches::{BENCHES, Bench};
use crate::kept::Kept;

/// Counts the instructions of one execution, layer by layer.
#[derive(Parser)]
struct Options {
    /// Only those whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Keep what is counted as what is expected from now on
    #[arg(long, conflicts_with_all = ["times", "profile"])]
    bless: bool,
    /// Measure time with criterion instead
    #[arg(long, conflicts_with = "profile")]
    times: bool,
    /// Show in which functions the instructions of this one are spent
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The counts that are kept
    #[arg(long, value_name = "FILE", default_value = "tests/count/expected.toml")]
    expected: PathBuf,
    /// Do one under valgrind, with files in a folder: what this program starts itself with
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "FOLDER"])]
    counted: Option<Vec<PathBuf>>,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some([name, folder]) = options.counted.as_deref() {
        callgrind::counted(find(&name.to_string_lossy())?, folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = tempfile::tempdir()?;
    if let Some(name) = &options.profile {
        let bench = find(name)?;
        profile::print(&callgrind::dump(&[bench], folder.path())?, bench.times)?;
        return Ok(ExitCode::SUCCESS);
    }
    let wanted: Vec<&Bench> = BENCHES.iter().filter(|bench| bench.name.contains(&options.only)).collect();
    ensure!(!wanted.is_empty(), "nothing has `{}` in its name; there are {}", options.only, names());
    if options.times {
        times::measure(&wanted, folder.path())?;
        return Ok(ExitCode::SUCCESS);
    }
    let counts = count(&wanted, folder.path())?;
    compare(&options, counts)
}

fn find(name: &str) -> Result<&'static Bench> {
    BENCHES.iter().find(|bench| bench.name == name).with_context(|| format!("`{name}` is none of {}", names()))
}

fn names() -> String {
    BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ")
}

fn count(benches: &[&Bench], folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for together in benches.chunks(std::thread::available_parallelism()?.get()) {
        let dumps = callgrind::dump(together, folder)?;
        for (bench, dump) in together.iter().zip(&dumps) {
            counts.insert(bench.name.to_owned(), profile::total(&fs::read_to_string(dump)?)? / bench.times);
        }
    }
    Ok(counts)
}

/// Prints the table, and keeps the counts or tells those that have risen.
fn compare(options: &Options, counts: BTreeMap<String, u64>) -> Result<ExitCode> {
    let file = &options.expected;
    let (os, arch) = (env::consts::OS, env::consts::ARCH);
    if options.bless {
        let mut kept = Kept::read(file).unwrap_or_default();
        if options.only.is_empty() {
            kept = Kept::default();
        }
        kept.instructions.extend(counts);
        kept.write(file)?;
        println!("{kept}\nkept in {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    if (os, arch) != kept::MACHINE {
        println!(
            "{}\nnot compared: the counts that are kept are of another kind of machine",
            Kept { instructions: counts }
        );
        return Ok(ExitCode::SUCCESS);
    }
    let comparison = Kept::read(file)?.compare(&counts, &options.only);
    println!("{comparison}");
    Ok(if comparison.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
