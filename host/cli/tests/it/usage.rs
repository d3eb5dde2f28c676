//! Help, and what is answered to a wrong question.

use crate::support::Folder;

const COMMANDS: [&[&str]; 37] = [
    &["serve"],
    &["demo"],
    &["dev"],
    &["new"],
    &["build"],
    &["check"],
    &["invoke"],
    &["deploy"],
    &["deployments"],
    &["deployments", "show"],
    &["deployments", "diff"],
    &["diff"],
    &["rollback"],
    &["promote"],
    &["undeploy"],
    &["executions"],
    &["executions", "list"],
    &["executions", "show"],
    &["executions", "follow"],
    &["executions", "replay"],
    &["usage"],
    &["queue"],
    &["queue", "list"],
    &["queue", "show"],
    &["queue", "resend"],
    &["queue", "discard"],
    &["tokens"],
    &["tokens", "list"],
    &["tokens", "add"],
    &["tokens", "remove"],
    &["audit"],
    &["keygen"],
    &["sign"],
    &["push"],
    &["backup"],
    &["restore"],
    &["status"],
];

#[test]
fn help_shows_what_is_there_with_examples() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]);
    assert_eq!((help.status, &*help.err), (0, ""));
    for command in COMMANDS {
        assert!(help.out.contains(&format!("\n  {} ", command[0])), "{command:?}: {}", help.out);
        let one = folder.run(&[command, &["--help"]].concat());
        assert_eq!(one.status, 0);
        assert!(one.out.contains("Example") && one.out.contains("--json"), "{}", one.out);
    }
    assert!(!help.out.contains("describe"), "what is not there is not promised: {}", help.out);
}

#[test]
fn a_wrong_use_is_status_2() {
    let folder = Folder::new();
    for args in [
        &["frobnicate"][..],
        &["serve", "--port", "1"],
        &["invoke"],
        &["invoke", "x", "--param", "novalue"],
        &[],
        &["executions"],
        &["executions", "replay"],
        &["executions", "replay", "--all"],
        &["executions", "show", "7"],
        &["deploy", "x.wasm"],
        &["deploy", "-"],
        &["deploy", "--canary", "ten"],
        &["deploy", "--environment", "a/b"],
        &["queue", "resend"],
        &["queue", "list", "--state", "lost"],
        &["tokens", "add", "ci", "--role", "boss"],
        &["status", "--server", "ftp://x"],
        &["restore", "Cargo.toml", "--server"],
    ] {
        let said = folder.run(args);
        assert_eq!((said.status, &*said.out), (2, ""), "{args:?} {said:?}");
    }
    let said = folder.run(&["invoke", "x", "--mode", "fast", "--json"]);
    assert_eq!(said.status, 2);
    assert!(said.json()["error"].as_str().unwrap().contains("low-latency"), "{said:?}");
    let mut command = folder.command(&["check"]);
    let said = crate::support::said(command.env("AURICLE_LOG", "a=b=c").output().unwrap());
    assert!(said.status == 2 && said.err.contains("AURICLE_LOG"), "{said:?}");
}

#[test]
fn no_manifest_says_how_to_get_one() {
    let folder = Folder::new();
    for command in ["serve", "dev", "build", "check", "deploy"] {
        let said = folder.run(&[command]);
        assert_eq!(said.status, 1);
        assert!(
            said.err.starts_with("error: there is no auricle.toml here") && said.err.contains("auricle new"),
            "{said:?}"
        );
    }
    let said = folder.run(&["check", "--config", "other.toml", "--json"]);
    assert_eq!(said.status, 1);
    assert!(said.json()["problems"][0]["message"].as_str().unwrap().contains("other.toml"), "{said:?}");
}

#[test]
fn no_host_says_where_and_how_to_start_one() {
    let folder = Folder::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{free}");
    for command in [&["status"][..], &["deployments"], &["executions", "list"], &["queue", "list"], &["audit"]] {
        let said = folder.run(&[command, &["--server", &server]].concat());
        assert_eq!((said.status, &*said.out), (1, ""));
        for part in [&*server, "auricle serve", "--server"] {
            assert!(said.err.contains(part), "{said:?}");
        }
    }
    let said = folder.run(&["status", "--json", "--server", &server]);
    assert!(said.status == 1 && said.json()["error"].as_str().unwrap().contains(&server), "{said:?}");
    let said = folder.run(&["restore", "nothing.db", "--server", &server]);
    assert!(said.status == 1 && said.err.contains("nothing.db"), "{said:?}");
}

#[test]
fn new_makes_a_process_once() {
    let folder = Folder::new();
    let said = folder.run(&["new", "account-get", "--lang", "rust", "--type", "get", "--object", "Account"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("cd account-get") && said.out.contains("/ws/rest/account-get/Account/42"), "{said:?}");
    assert!(folder.read("account-get/src/lib.rs").contains("#[listener]"));
    assert!(folder.read("account-get/auricle.toml").contains(r#"path = "{id}""#));
    assert!(folder.read("account-get/Cargo.toml").contains("guest-sdk/rust"));

    // It is a right manifest, whose package is yet to be built.
    let said = folder.run(&["check", "--config", "account-get/auricle.toml"]);
    assert!(said.status == 1 && said.err.contains("auricle build"), "{said:?}");

    let said = folder.run(&["new", "account-get"]);
    assert!(said.status == 2 && said.err.contains("is there already"), "{said:?}");
    let said = folder.run(&["new", "x", "--lang", "python"]);
    assert!(said.status == 2 && said.err.contains("`--lang python` is not in this version; rust is"), "{said:?}");
    let said = folder.run(&["new", "x", "--sdk", "nowhere"]);
    assert!(said.status == 2 && said.err.contains("--sdk"), "{said:?}");
}
