//! What the machine has of what instances and components take up. Looked at once, when an engine is made or a manifest is
//! checked; what the system does not tell is taken to be no bound.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Address space that one reservation can have: user space is 128 TiB where it is smallest, and the program lies in it.
const ADDRESS_SPACE: u64 = 64 << 40;

/// What this program may take of its machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Machine {
    /// Memory mappings at most (`vm.max_map_count`).
    pub mappings: Option<u64>,
    /// Of these, those in use, components and instances left out.
    pub mapped: u64,
    /// Bytes of address space that can be reserved.
    pub address_space: Option<u64>,
    /// Bytes of memory: the machine's, or the control group's if that is less.
    pub memory: Option<u64>,
    /// Open files at most, see [`raise_file_limit`].
    pub files: Option<u64>,
}

impl Machine {
    /// Looks at this one. Call it before anything is loaded: all that is mapped counts as being there anyway.
    pub fn look() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        let mapped = fs::read("/proc/self/maps").map_or(0, |maps| maps.iter().filter(|b| **b == b'\n').count());
        let installed = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
        let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| group_limit(&text, Path::new(GROUPS)));
        let (space, files) = resources();
        Self {
            mappings: number("/proc/sys/vm/max_map_count"),
            mapped: mapped as u64,
            address_space: (size_of::<usize>() >= 8)
                .then(|| space.map_or(ADDRESS_SPACE, |s| (s / 2).min(ADDRESS_SPACE))),
            memory: installed.into_iter().chain(group).min(),
            files,
        }
    }
}

/// Address space and open files that this program may have.
#[cfg(unix)]
fn resources() -> (Option<u64>, Option<u64>) {
    use rustix::process::{Resource, getrlimit};

    (getrlimit(Resource::As).current, getrlimit(Resource::Nofile).current)
}

#[cfg(not(unix))]
fn resources() -> (Option<u64>, Option<u64>) {
    (None, None)
}

/// Lets this program have as many open files as the system allows it: each component takes one, and each connection. It is the
/// program's own affair, so no engine does it by itself; programs that it starts inherit it.
///
/// # Errors
///
/// What the system says; then all is as it was.
pub fn raise_file_limit() -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
        }
    }
    Ok(())
}

/// `MemTotal:       24683992 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// Where control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// The smallest limit of memory of the group that this program is in and of those around it. `groups` is what
/// `/proc/self/cgroup` says: `0::/PATH` for version 2, `N:memory:/PATH` for version 1.
fn group_limit(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (base, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let own: PathBuf = base.join(path.trim_start_matches('/'));
        // Inside a container the path may be that of the world outside: what is not there is passed over.
        let around = own.ancestors().take_while(|folder| folder.starts_with(&base));
        around.filter_map(|folder| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok()).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_is_seen() {
        let machine = Machine::look();
        assert!(machine.mapped > 10 && machine.mappings.unwrap() > machine.mapped, "{machine:?}");
        assert!(machine.memory.unwrap() > 64 << 20 && machine.files.unwrap() > 16, "{machine:?}");
        assert!(machine.address_space.unwrap() <= ADDRESS_SPACE);
    }

    #[test]
    fn memory_is_that_of_the_narrowest_group() {
        assert_eq!(total("MemTotal:       2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let limit = |groups: &str| group_limit(groups, root.path());
        assert_eq!(limit("0::/a/b\n"), None);
        write("memory.max", "max\n");
        write("a/memory.max", "700\n");
        write("a/b/memory.max", "900\n");
        write("memory/c/memory.limit_in_bytes", "500\n");
        assert_eq!(limit("0::/a/b\n"), Some(700));
        assert_eq!(limit("0::/\n"), None);
        assert_eq!(limit("0::/not/seen/from/here\n"), None);
        assert_eq!(limit("4:cpu,memory:/c\n1:name=systemd:/a\n0::/a/b\n"), Some(500));
    }
}
