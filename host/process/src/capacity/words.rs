//! What does not fit, said to who runs the host: how much there is, how much is needed, and what to change.

use super::{Bound, COMPONENT_MAPPINGS, Demand, INSTANCE_MAPPINGS, Machine, OTHER_FILES};

/// The components alone need more mappings than there are.
pub(super) fn mappings(demand: &Demand, all: u64, needed: u64) -> String {
    format!(
        "{} packages take {} memory mappings, {} for each, and the host needs some itself; the system allows {} \
         (`vm.max_map_count`): {}, or serve fewer from one host",
        count(demand.packages),
        count(demand.packages * COMPONENT_MAPPINGS),
        COMPONENT_MAPPINGS,
        count(all),
        raise_mappings(needed + demand.each * INSTANCE_MAPPINGS),
    )
}

/// The components alone need more open files than there may be.
pub(super) fn files(demand: &Demand, files: u64) -> String {
    format!(
        "{} packages take as many open files, and this program may have {} (`ulimit -n`; `LimitNOFILE=` of a systemd \
         unit): raise it to {} or more, or serve fewer from one host",
        count(demand.packages),
        count(files),
        count(roomy(demand.packages * 2 + OTHER_FILES)),
    )
}

/// They leave few for connections.
pub(super) fn few_files(demand: &Demand, files: u64) -> String {
    format!(
        "{} packages take as many open files of the {} that this program may have, and leave {} for connections \
         (`ulimit -n`; `LimitNOFILE=` of a systemd unit): raise it to {} or more",
        count(demand.packages),
        count(files),
        count(files - demand.packages),
        count(roomy(demand.packages * 2 + OTHER_FILES)),
    )
}

/// What is kept even when nobody calls is more than there is memory.
pub(super) fn memory(demand: &Demand, memory: u64, needed: u64) -> String {
    format!(
        "{} packages and {} instances that are always kept (`min-instances`) take {} at the least, and there is {} of \
         memory for this program: lower `min-instances`, give it more memory, or serve fewer from one host",
        count(demand.packages),
        count(demand.kept),
        mebibytes(needed),
        mebibytes(memory),
    )
}

/// What is to be kept is more than there may be at one time.
pub(super) fn kept(demand: &Demand, instances: u64, bound: Bound, machine: &Machine) -> String {
    format!(
        "`min-instances` of all processes come to {}, and the host has room for {} instances at one time{}: lower \
         `min-instances`, or {}",
        count(demand.kept),
        count(instances),
        because(bound, machine),
        remedy(bound, demand),
    )
}

/// There is less room than there should be.
pub(super) fn shared(demand: &Demand, instances: u64, bound: Bound, machine: &Machine) -> String {
    format!(
        "{} room for {} instances at one time{}: where that is not enough, those called least lose their warm ones and \
         executions wait; for {}, {}",
        if demand.processes == 1 {
            "1 process shares".to_owned()
        } else {
            format!("{} processes share", count(demand.processes))
        },
        count(instances),
        because(bound, machine),
        count(demand.wanted()),
        remedy(bound, demand),
    )
}

fn because(bound: Bound, machine: &Machine) -> String {
    match (bound, machine.mappings, machine.memory) {
        (Bound::Mappings, Some(all), _) => {
            format!(", since the system allows {} memory mappings (`vm.max_map_count`)", count(all))
        }
        (Bound::Memory, _, Some(memory)) => {
            format!(", since there is {} of memory for this program", mebibytes(memory))
        }
        (Bound::AddressSpace, ..) => ", since each reserves 4 GiB of address space".to_owned(),
        _ => ", which it was made with".to_owned(),
    }
}

fn remedy(bound: Bound, demand: &Demand) -> String {
    match bound {
        Bound::Mappings => {
            raise_mappings(demand.packages * COMPONENT_MAPPINGS + demand.wanted().max(demand.kept) * INSTANCE_MAPPINGS)
        }
        Bound::Memory => "give it more memory".to_owned(),
        Bound::AddressSpace => "serve fewer from one host".to_owned(),
        Bound::Set => "start the host again with this manifest, or raise `max_instances` if it is set".to_owned(),
    }
}

fn raise_mappings(needed: u64) -> String {
    format!("raise it, as with `sysctl -w vm.max_map_count={}`", roomy(needed))
}

/// Half as much again, as a power of two: a number that need not be set again soon.
fn roomy(needed: u64) -> u64 {
    needed.saturating_add(needed / 2).checked_next_power_of_two().unwrap_or(u64::MAX)
}

/// A number with its thousands set apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as somebody says them who does not count them.
fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", count(bytes >> 20))
}
