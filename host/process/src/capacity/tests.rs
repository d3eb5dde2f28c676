use std::path::PathBuf;

use auricle_model::{DocumentType, Grants, Limits, Operation, OperationKind, RetryPolicy};

use super::*;

/// A usual one.
fn machine() -> Machine {
    Machine {
        mappings: Some(65_530),
        mapped: 300,
        address_space: Some(64 << 40),
        memory: Some(16 << 30),
        files: Some(1 << 20),
    }
}

fn processes(number: u32, mode: Mode, limits: &Limits) -> Vec<ProcessDecl> {
    let process = |n: u32| ProcessDecl {
        name: format!("p{n}"),
        package: PackageRef::Path(PathBuf::from(format!("{n}.wasm"))),
        build: None,
        build_dir: PathBuf::new(),
        mode,
        operation: Operation {
            kind: OperationKind::Get,
            object: format!("O{n}"),
            input: DocumentType::None,
            output: DocumentType::None,
            content_type: String::new(),
            return_documents: true,
            max_documents: 1,
        },
        limits: limits.clone(),
        grants: Grants::default(),
        retry: RetryPolicy::default(),
        smoke: None,
        messages: auricle_model::Messages::default(),
    };
    (0..number).map(process).collect()
}

fn demand(number: u32, mode: Mode, limits: &Limits) -> Demand {
    Demand::of(&processes(number, mode, limits))
}

fn instances(demand: &Demand, machine: &Machine) -> u32 {
    plan(demand, machine, None).instances
}

#[test]
fn every_process_has_room_for_one_and_all_have_some_in_common() {
    let usual = Limits::default();
    assert_eq!(instances(&Demand::default(), &machine()), 1000);
    assert_eq!(instances(&demand(10, Mode::LowLatency, &usual), &machine()), 1000);
    assert_eq!(instances(&demand(200, Mode::General, &usual), &machine()), 1200);
    // One asks for more than what is common.
    let wide = Limits { max_concurrent: 3000, ..Limits::default() };
    assert_eq!(instances(&demand(1, Mode::General, &wide), &machine()), 3000);
    assert_eq!(instances(&demand(5, Mode::General, &wide), &machine()), 3005);
    let kept = Limits { min_instances: 20, ..Limits::default() };
    assert_eq!(instances(&demand(100, Mode::LowLatency, &kept), &machine()), 3000);
    assert!(findings(&demand(100, Mode::LowLatency, &kept), &machine(), None) == Findings::default());
}

#[test]
fn processes_that_share_a_package_share_a_component() {
    let mut processes = processes(3, Mode::General, &Limits::default());
    assert_eq!(Demand::of(&processes).packages, 3);
    processes.iter_mut().for_each(|p| p.package = PackageRef::Path("one.wasm".into()));
    let demand = Demand::of(&processes);
    assert_eq!((demand.packages, demand.processes), (1, 3));
}

#[test]
fn as_many_as_the_mappings_allow() {
    let many = demand(10_000, Mode::LowLatency, &Limits::default());
    let plan = plan(&many, &machine(), None);
    // (65,530 - 300 - 6,553 - 3 * 10,000) / 6
    assert_eq!(plan.instances, 4779);
    let found = findings(&many, &machine(), None);
    assert_eq!(found.problems, Vec::<String>::new());
    let [warning] = &found.warnings[..] else { panic!("{found:?}") };
    assert!(warning.starts_with("10,000 processes share room for 4,779 instances at one time"), "{warning}");
    assert!(warning.contains("65,530 memory mappings (`vm.max_map_count`)"), "{warning}");
    assert!(warning.ends_with("for 11,000, raise it, as with `sysctl -w vm.max_map_count=262144`"), "{warning}");
    // With what it says it is as it should be.
    let raised = Machine { mappings: Some(262_144), ..machine() };
    assert_eq!((instances(&many, &raised), findings(&many, &raised, None)), (11_000, Findings::default()));
}

#[test]
fn components_alone_can_be_too_many() {
    let many = demand(22_000, Mode::General, &Limits::default());
    let found = findings(&many, &machine(), None);
    assert!(found.problems[0].starts_with("22,000 packages take 66,000 memory mappings, 3 for each"), "{found:?}");
    assert!(found.problems[0].contains("the system allows 65,530 (`vm.max_map_count`): raise it"), "{found:?}");

    let few_files = Machine { files: Some(4096), mappings: None, ..machine() };
    let found = findings(&demand(4000, Mode::General, &Limits::default()), &few_files, None);
    assert!(found.problems[0].contains("this program may have 4,096 (`ulimit -n`"), "{found:?}");
    assert!(found.problems[0].contains("raise it to 16,384 or more"), "{found:?}");
    let found = findings(&demand(3000, Mode::General, &Limits::default()), &few_files, None);
    assert!(found.problems.is_empty() && found.warnings[0].contains("leave 1,096 for connections"), "{found:?}");

    let small = Machine { memory: Some(100 << 20), ..machine() };
    let found = findings(&demand(2000, Mode::General, &Limits::default()), &small, None);
    assert!(found.problems.iter().any(|p| p.contains("there is 100 MiB of memory")), "{found:?}");
}

#[test]
fn a_minimum_beyond_all_room_is_a_problem() {
    let kept = Limits { min_instances: 20, ..Limits::default() };
    let found = findings(&demand(1000, Mode::LowLatency, &kept), &machine(), None);
    let [problem] = &found.problems[..] else { panic!("{found:?}") };
    assert!(problem.starts_with("`min-instances` of all processes come to 20,000"), "{problem}");
    assert!(problem.contains("room for 9,279 instances") && problem.contains("vm.max_map_count=262144"), "{problem}");
    // In general mode nothing is kept.
    assert_eq!(findings(&demand(1000, Mode::General, &kept), &machine(), None), Findings::default());
}

#[test]
fn a_number_that_is_set_stands_and_is_judged() {
    let ten = demand(10, Mode::LowLatency, &Limits { min_instances: 2, ..Limits::default() });
    assert_eq!(plan(&ten, &machine(), Some(7)).instances, 7);
    let found = findings(&ten, &machine(), Some(7));
    assert!(found.problems[0].contains("room for 7 instances at one time, which it was made with"), "{found:?}");
    // What a running engine has cannot grow.
    let later = demand(3000, Mode::LowLatency, &Limits::default());
    let found = judge(&later, &machine(), 1000, false);
    assert!(found.warnings[0].contains("start the host again with this manifest"), "{found:?}");
}

#[test]
fn a_machine_that_tells_nothing_bounds_nothing() {
    let unknown = Machine::default();
    let many = demand(10_000, Mode::General, &Limits::default());
    assert_eq!(plan(&many, &unknown, None), Plan { instances: 11_000, warm_slots: 100 });
    assert_eq!(findings(&many, &unknown, None), Findings::default());
}

#[test]
fn slots_are_kept_as_memory_allows() {
    let warm = |memory| plan(&Demand::default(), &Machine { memory: Some(memory), ..machine() }, None).warm_slots;
    assert_eq!((warm(256 << 20), warm(8 << 30), warm(64 << 30)), (100, 682, 1000));
}

#[test]
fn thousands_are_set_apart() {
    let shown = [0, 999, 1000, 65_530, 1_234_567].map(words::count);
    assert_eq!(shown, ["0", "999", "1,000", "65,530", "1,234,567"]);
}
