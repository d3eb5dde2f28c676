//! What is measured on: figures without it mean nothing.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::tools::version;

/// Names and values, in the order to be shown.
pub(crate) struct Machine(Vec<(&'static str, String)>);

impl Machine {
    /// Asks the kernel, and the program.
    pub(crate) fn look(auricle: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        // As the program decides it: where pages can be swapped out, used instances are cleared the slower way.
        let scan = match (read("/proc/swaps").lines().count() > 1, has_pagemap_scan(&kernel)) {
            (true, _) => "off: this machine can swap",
            (false, false) => "off: the kernel is older than 6.7",
            (false, true) => "on",
        };
        Self(vec![
            ("processor", format!("{}, {cores} cores", after(&read("/proc/cpuinfo"), "model name"))),
            ("memory", after(&read("/proc/meminfo"), "MemTotal")),
            ("kernel", kernel),
            ("load before", read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
            ("pagemap_scan", scan.to_owned()),
            ("auricle", version(auricle, "--version").unwrap_or_default()),
            ("rustc", version(Path::new("rustc"), "--version").unwrap_or_default()),
        ])
    }

    /// Adds a fact.
    pub(crate) fn add(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        for (name, value) in &self.0 {
            println!("{name:<16} {value}");
        }
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> Value {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }
}

fn has_pagemap_scan(kernel: &str) -> bool {
    let mut numbers = kernel.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_by_its_version() {
        assert!(has_pagemap_scan("6.18.5+deb") && has_pagemap_scan("6.7") && has_pagemap_scan("7.0.0-rc1"));
        assert!(!has_pagemap_scan("6.6.99-cloud") && !has_pagemap_scan("5.15.0") && !has_pagemap_scan(""));
    }
}
