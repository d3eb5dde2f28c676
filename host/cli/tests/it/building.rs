//! `build`: each command once, its words, and what it left.

use crate::support::{Folder, manifest, said};

/// A process of this name and build command.
fn process(name: &str, build: &str) -> String {
    format!(
        "[[process]]\nname = \"{name}\"\npackage = \"{name}.wasm\"\nbuild = '{build}'\ntype = \"get\"\nobject = \"{name}\"\n\
         input = \"none\"\noutput = \"single-json\"\n"
    )
}

#[test]
fn equal_commands_run_once_and_names_choose() {
    let both = "echo run >> runs; touch a.wasm b.wasm";
    let folder = Folder::with(&[process("a", both), process("b", both), process("c", "touch c.wasm")].concat());
    let all = folder.run(&["build"]);
    assert_eq!(all.status, 0, "{all:?}");
    assert!(all.out.starts_with("built 3 packages in "), "{all:?}");
    assert!(all.err.contains("building `a`, `b`: echo run"), "{all:?}");
    assert_eq!(folder.read("runs"), "run\n");

    std::fs::remove_file(folder.path("c.wasm")).unwrap();
    let value = folder.run(&["build", "b", "--json"]).json();
    assert_eq!(value["built"][0]["processes"], serde_json::json!(["b"]));
    assert_eq!(folder.read("runs"), "run\nrun\n");
    assert!(!folder.path("c.wasm").exists());

    let wrong = folder.run(&["build", "aa"]);
    assert!(wrong.status == 2 && wrong.err.contains("no process `aa`"), "{wrong:?}");
}

#[test]
fn a_failed_build_shows_the_compilers_words() {
    let folder = Folder::with(&process("a", "echo expected one of >&2; exit 101"));
    let plain = folder.run(&["build"]);
    assert_eq!((plain.status, &*plain.out), (1, ""));
    assert!(plain.err.contains("\nexpected one of\n"), "{plain:?}");
    assert!(plain.err.contains("error: building process `a` failed (exit status 101): echo expected"), "{plain:?}");

    let json = folder.run(&["build", "--json"]);
    assert_eq!((json.status, &*json.err), (1, ""));
    assert_eq!(json.json()["output"], "expected one of\n");
}

#[test]
fn a_package_that_was_not_made_is_missed() {
    let folder = Folder::with(&process("a", "touch elsewhere.wasm"));
    let said = folder.run(&["build"]);
    assert_eq!(said.status, 1);
    for part in ["process `a`", "a.wasm", "`touch elsewhere.wasm`"] {
        assert!(said.err.contains(part), "{said:?}");
    }
}

#[test]
fn output_is_not_moved_by_the_cargo_around() {
    let folder = Folder::with(&process("a", "echo ${CARGO_TARGET_DIR:-none} ${KEPT:-none} > a.wasm"));
    let mut command = folder.command(&["build"]);
    let said = said(command.env("CARGO_TARGET_DIR", "/elsewhere").env("KEPT", "kept").output().unwrap());
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(folder.read("a.wasm"), "none kept\n");
}

#[test]
fn nothing_to_build_is_said() {
    let folder = Folder::with(&manifest(""));
    let said = folder.run(&["build"]);
    assert!(said.status == 0 && said.out.starts_with("nothing to build"), "{said:?}");
    let said = folder.run(&["build", "inspect"]);
    assert!(said.status == 1 && said.err.contains("no `build` command"), "{said:?}");
}
