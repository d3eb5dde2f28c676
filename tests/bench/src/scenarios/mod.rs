//! What is not a comparison: each scenario sets up a site of its own, and puts what it finds beside its goal.

pub(crate) mod kills;
pub(crate) mod listeners;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod records;
pub(crate) mod soak;
pub(crate) mod soap;
pub(crate) mod spin;
pub(crate) mod split;
pub(crate) mod start;
pub(crate) mod swaps;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::guests::distinct;
use crate::report::Report;
use crate::site::Site;

/// A report that has told the machine.
fn begin(program: &Path) -> Report {
    let report = Report::new(program);
    report.machine.print();
    println!();
    report
}

/// Adds so many listeners with packages of their own, which differ in their digests only. Gives their names.
fn add_distinct(site: &mut Site, count: usize, package: &Path, mode: &str, keys: &str) -> Result<Vec<String>> {
    let component = fs::read(package)?;
    let folder = site.path("packages");
    fs::create_dir_all(&folder)?;
    let one = |number: usize| {
        let name = format!("listener-{number}");
        let file: PathBuf = folder.join(format!("{name}.wasm"));
        let bytes = distinct(&component, u32::try_from(number)?);
        // A package that is rewritten as it was would look newer than it is.
        if !fs::read(&file).is_ok_and(|there| there == bytes) {
            fs::write(&file, bytes)?;
        }
        site.listener(&name, &file, mode, keys)?;
        Ok(name)
    };
    (0..count).map(one).collect()
}
