//! `check`: what is wrong is told with its place.

use crate::support::{Folder, manifest, ready};

#[test]
fn a_bad_manifest_is_shown_by_file_line_and_key() {
    let folder = Folder::with(&manifest("time-out = \"30s\""));
    let said = folder.run(&["check"]);
    assert_eq!((said.status, &*said.out), (1, ""));
    assert!(said.err.starts_with("auricle.toml:12:1: process[inspect].time-out: "), "{}", said.err);
    assert!(said.err.contains("did you mean `timeout`?") && said.err.contains("error: 1 problem"), "{}", said.err);

    let said = folder.run(&["serve", "--json"]);
    assert_eq!(said.status, 1);
    let problem = &said.json()["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&"auricle.toml".into(), &12.into(), &1.into())
    );
    assert_eq!(problem["key"], "process[inspect].time-out");
}

#[test]
fn a_sound_one_is_counted() {
    let api =
        "[[api]]\nname = \"a\"\nbase = \"/a\"\n[[api.rest]]\nmethod = \"GET\"\npath = \"\"\nprocess = \"inspect\"";
    let folder = ready(api);
    let said = folder.run(&["check"]);
    assert_eq!((said.status, &*said.out), (0, "ok: 1 process, 1 API, 1 route\n"), "{said:?}");
    let value = folder.run(&["check", "--json"]).json();
    assert_eq!((&value["ok"], &value["problems"], &value["routes"]), (&true.into(), &serde_json::json!([]), &1.into()));
}

#[test]
fn a_package_that_is_no_process_is_a_problem() {
    let folder = ready("");
    folder.write("inspect.wasm", b"\0asm\x01\0\0\0");
    let said = folder.run(&["check"]);
    assert_eq!((said.status, &*said.out), (1, ""));
    assert!(said.err.contains("auricle.toml:7:11: process[inspect].package: "), "{}", said.err);
    let value = folder.run(&["check", "--json"]).json();
    assert_eq!((&value["ok"], &value["problems"][0]["line"]), (&false.into(), &7.into()));
}

#[test]
fn what_no_machine_has_room_for_is_a_problem_and_what_it_may_run_out_of_a_warning() {
    let low_latency = "mode = \"low-latency\"\nmax-concurrent = 1000000\n";
    let folder = ready(low_latency);
    let said = folder.run(&["check"]);
    assert_eq!((said.status, &*said.out), (0, "ok: 1 process, 0 APIs, 0 routes\n"), "{said:?}");
    assert!(said.err.contains("warning: ") && said.err.contains("1 process shares room for "), "{}", said.err);

    let folder = ready(&format!("{low_latency}min-instances = 1000000"));
    let said = folder.run(&["check"]);
    assert_eq!((said.status, &*said.out), (1, ""));
    assert!(
        said.err.contains("`min-instances` of all processes come to 1,000,000, and the host has room for "),
        "{}",
        said.err
    );
}
