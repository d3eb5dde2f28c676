//! `invoke`: a process is run with what the command line gives it.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{ready, said};

#[test]
fn documents_go_in_and_come_out() {
    let folder = ready("");
    folder.write("in.bin", [0xff, 0x00]);
    let args = ["invoke", "inspect", "--query", "echo=1", "--document", "one", "--document", "two"];
    let echoed = folder.run(&args);
    assert_eq!((echoed.status, &*echoed.out, &*echoed.err), (0, "one\ntwo", ""));

    let binary = folder.command(&["invoke", "inspect", "--query", "echo=1", "--document", "@in.bin"]).output().unwrap();
    assert_eq!(binary.stdout, [0xff, 0x00]);

    let mut child = folder
        .command(&["invoke", "inspect", "--query", "echo=1", "--document", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"from a pipe");
}

#[test]
fn the_process_sees_the_request() {
    let folder = ready("");
    let args = [
        "invoke",
        "inspect",
        "--param",
        "id=7",
        "--query",
        "log=hello",
        "--property",
        "own=x=y",
        "--method",
        "PATCH",
        "--path",
        "/a/7",
        "--user",
        "anna",
        "--header",
        "Content-Type=text/csv",
        "--mode",
        "low-latency",
        "--document",
        "d",
    ];
    let plain = folder.run(&args);
    assert_eq!(plain.status, 0, "{plain:?}");
    assert!(plain.err.contains("hello"), "the log is on standard error: {plain:?}");
    let seen = plain.json();
    let process = &seen["process"];
    for (name, value) in
        [("param_id", "7"), ("own", "x=y"), ("inmethod", "PATCH"), ("inpath", "/a/7"), ("inuser", "anna")]
    {
        assert_eq!(process[name], value, "{name}");
    }
    assert_eq!(seen["documents"][0]["properties"]["inheader_Content-Type"], "text/csv");
    assert_eq!(seen["execution"]["mode"], "low-latency");

    let whole = said(folder.command(&args).arg("--json").output().unwrap()).json();
    assert_eq!((&whole["mode"], &whole["process"]), (&"low-latency".into(), &"inspect".into()));
    assert!(whole["ms"].is_number() && whole["id"].is_string());
    assert!(whole["log"][0]["message"].as_str().unwrap().contains("hello"), "{whole}");
    assert!(whole["documents"][0]["text"].as_str().unwrap().contains("param_id"));
}

#[test]
fn a_failure_is_told_with_its_kind() {
    let folder = ready("timeout = \"200ms\"");
    let failed = folder.run(&["invoke", "inspect", "--query", "fail=no stock"]);
    assert_eq!((failed.status, &*failed.out), (1, ""));
    assert!(failed.err.contains("error: process `inspect`: failed: no stock"), "{failed:?}");

    let late = folder.run(&["invoke", "inspect", "--query", "spin_ms=60000", "--json"]);
    assert_eq!((late.status, &late.json()["failure"]["kind"]), (1, &"deadline".into()));

    let wrong = folder.run(&["invoke", "inspct"]);
    assert!(wrong.status == 2 && wrong.err.contains("did you mean `inspect`?"), "{wrong:?}");
}
