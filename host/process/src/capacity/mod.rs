//! How many instances there may be at one time, from what is to be deployed ([`Demand`]) and what the machine has
//! ([`Machine`]), and what of it does not fit, in words that say what to do.
//!
//! A plan is made once, when an engine is: its pool cannot grow. It is pure arithmetic, a few additions for each process.
//! The rule: room for the minimum of every process, at least one instance each, and in common as many more as the largest
//! maximum, at least [`COMMON`]; as far as the machine carries it. Maxima are not added up, since they are not reached by all
//! processes at the same time.

mod machine;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashSet;
use std::ffi::OsStr;

use auricle_model::{Mode, PackageRef, ProcessDecl};

pub use self::machine::{Machine, raise_file_limit};

/// Instances that all processes have in common beyond their minima, where none asks for more. An engine for which nothing is
/// declared has as many.
pub(crate) const COMMON: u64 = 1000;
/// Fewest that are planned for, whatever the machine has: fewer would be no host.
const LEAST: u64 = 64;
/// Mappings of one component: its machine code, and what is before and behind it in its file.
const COMPONENT_MAPPINGS: u64 = 3;
/// Mappings of one instance: its stack and the guard page, which are there from the start, and four of its memory, from when
/// it is first used.
const INSTANCE_MAPPINGS: u64 = 6;
/// Part of all mappings that is left for threads, libraries and the allocator: one in so many.
const MAPPINGS_RESERVE: u64 = 10;
/// Address space that one instance reserves: 4 GiB for its memory and 32 MiB of guard, tables and stack.
const INSTANCE_SPACE: u64 = (4 << 30) + (64 << 20);
/// What a small component takes of memory.
const COMPONENT_BYTES: u64 = 100 << 10;
/// What a small warm instance takes.
const INSTANCE_BYTES: u64 = 40 << 10;
/// What a slot of the pool that nobody uses may keep of memory: what `engine::pool` sets.
pub(crate) const SLOT_MEMORY: usize = 128 << 10;
/// The same of tables.
pub(crate) const SLOT_TABLES: usize = 64 << 10;
/// Part of the machine's memory that such slots may have in all: one in so many.
const SLOTS_SHARE: u64 = 64;
/// Open files that are not components: sockets, databases, folders.
const OTHER_FILES: u64 = 256;

/// What is to be deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    processes: u64,
    packages: u64,
    /// Sum of the instances that are kept when nobody calls.
    kept: u64,
    /// The same, with one for each process that keeps none.
    each: u64,
    /// The largest number that one process may have at one time.
    largest: u64,
    /// Sum of these.
    most: u64,
}

impl Demand {
    /// What these processes need. Two that name the same package share a component.
    pub fn of(processes: &[ProcessDecl]) -> Self {
        let mut demand = Self::default();
        let mut packages = HashSet::with_capacity(processes.len());
        for process in processes {
            let limits = &process.limits;
            let pooled = process.mode == Mode::LowLatency;
            let kept = if pooled { limits.min_instances.into() } else { 0 };
            let most = if pooled { limits.max_instances().min(limits.max_concurrent) } else { limits.max_concurrent };
            // A path is absolute: it is no name of an artifact.
            packages.insert(match &process.package {
                PackageRef::Path(package) => package.as_os_str(),
                PackageRef::Oci(artifact) => OsStr::new(artifact),
            });
            demand.processes += 1;
            demand.kept += kept;
            demand.each += kept.max(1);
            demand.largest = demand.largest.max(most.into());
            demand.most += u64::from(most);
        }
        demand.packages = packages.len() as u64;
        demand
    }

    /// Instances that there should be room for.
    fn wanted(&self) -> u64 {
        let in_common = COMMON.max(self.largest);
        // Never more than all maxima together, nor less than an engine has for which nothing is declared.
        (self.each + in_common).min(self.most).max(COMMON)
    }
}

/// What an engine is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Instances at one time.
    pub(crate) instances: u32,
    /// Slots of the pool that stay mapped for the component that used them last.
    pub(crate) warm_slots: u32,
}

/// What does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// What cannot work, each with what to do.
    pub problems: Vec<String>,
    /// What works less well than it could.
    pub warnings: Vec<String>,
}

/// What keeps the number of instances down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Mappings,
    AddressSpace,
    Memory,
    /// It was set.
    Set,
}

/// Instances that the machine carries beside these components, and what bounds them.
fn carried(demand: &Demand, machine: &Machine) -> (u64, Bound) {
    let by_mappings = machine.mappings.map(|all| {
        let others = machine.mapped + all / MAPPINGS_RESERVE + demand.packages * COMPONENT_MAPPINGS;
        (all.saturating_sub(others) / INSTANCE_MAPPINGS, Bound::Mappings)
    });
    let by_space = machine.address_space.map(|space| (space / INSTANCE_SPACE, Bound::AddressSpace));
    // Half of all memory is for what instances and requests really use.
    let by_memory = machine.memory.map(|memory| {
        let left = (memory / 2).saturating_sub(demand.packages * COMPONENT_BYTES);
        (left / INSTANCE_BYTES, Bound::Memory)
    });
    let bounds = [by_mappings, by_space, by_memory].into_iter().flatten();
    let (most, bound) = bounds.min_by_key(|(most, _)| *most).unwrap_or((u64::MAX, Bound::AddressSpace));
    (most.max(LEAST), bound)
}

/// What to make an engine with. `set`: the number of instances, where it is not to be computed.
pub(crate) fn plan(demand: &Demand, machine: &Machine, set: Option<u32>) -> Plan {
    let instances = set.unwrap_or_else(|| {
        let (most, _) = carried(demand, machine);
        u32::try_from(demand.wanted().min(most)).unwrap_or(u32::MAX)
    });
    let slot = (SLOT_MEMORY + SLOT_TABLES) as u64;
    let affordable = machine.memory.unwrap_or_default() / SLOTS_SHARE / slot;
    let warm_slots = u32::try_from(affordable).unwrap_or(u32::MAX).max(100).min(instances);
    Plan { instances, warm_slots }
}

/// Finds what does not fit a machine, for an engine that is made for this demand. `set`: the number of instances, where it
/// is not to be computed.
pub fn findings(demand: &Demand, machine: &Machine, set: Option<u32>) -> Findings {
    judge(demand, machine, plan(demand, machine, set).instances, set.is_some())
}

/// Finds what does not fit an engine of so many instances on this machine.
pub(crate) fn judge(demand: &Demand, machine: &Machine, instances: u32, set: bool) -> Findings {
    let mut found = Findings::default();
    let (most, bound) = carried(demand, machine);
    let bound = if set || most > u64::from(instances) { Bound::Set } else { bound };
    let instances = u64::from(instances);

    if let Some(all) = machine.mappings {
        let needed = machine.mapped + demand.packages * COMPONENT_MAPPINGS + LEAST.min(instances) * INSTANCE_MAPPINGS;
        if needed > all {
            found.problems.push(words::mappings(demand, all, needed));
        }
    }
    if let Some(files) = machine.files {
        let needed = demand.packages + OTHER_FILES;
        if needed > files {
            found.problems.push(words::files(demand, files));
        } else if demand.packages > files / 2 {
            found.warnings.push(words::few_files(demand, files));
        }
    }
    if let Some(memory) = machine.memory {
        let needed = demand.packages * COMPONENT_BYTES + demand.kept * INSTANCE_BYTES;
        if needed > memory {
            found.problems.push(words::memory(demand, memory, needed));
        }
    }
    if demand.kept > instances {
        found.problems.push(words::kept(demand, instances, bound, machine));
    } else if demand.wanted() > instances {
        found.warnings.push(words::shared(demand, instances, bound, machine));
    }
    found
}
