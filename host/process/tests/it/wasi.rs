//! What a guest reaches by WASI: what the manifest grants, and nothing else.

use std::fs;

use auricle_model::{FailureKind, FolderGrant, LogLevel, Mode};
use auricle_process::{ProcessSpec, Processes};

use crate::support::{Test, decl, engine, failed, only};

/// `error-code.not-permitted` or `error-code.read-only`, as `create-directory-at` gives them.
const DENIED: [u8; 2] = [31, 33];

#[tokio::test]
async fn stdout_and_stderr_go_into_the_log() {
    let test = Test::new(Mode::LowLatency).await;
    let log = test.run("O").await.log;
    let log: Vec<_> = log.iter().map(|l| (l.level, l.message.as_str())).collect();
    assert_eq!(log, [(LogLevel::Info, "one"), (LogLevel::Info, "two")]);
}

#[tokio::test]
async fn the_environment_is_what_the_manifest_says() {
    let test = Test::new(Mode::General).await;
    assert_eq!(only(&test.run("v").await), b"", "nothing of the host's");
    let test = Test::with(Mode::General, |d| {
        d.grants.env.insert("REGION".into(), "eu".into());
    })
    .await;
    assert_eq!(only(&test.run("v").await), b"REGION");
}

fn grant(host: &std::path::Path, write: bool) -> FolderGrant {
    FolderGrant { guest: "/data".into(), host: host.to_owned(), write }
}

#[tokio::test]
async fn folders_are_granted_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let none = Test::new(Mode::General).await;
    failed(&none.run("nx").await, FailureKind::Failed);

    let read = Test::with(Mode::General, |d| d.grants.files.push(grant(folder.path(), false))).await;
    let outcome = read.run("nx").await;
    assert_eq!(only(&outcome)[0], 1);
    assert!(DENIED.contains(&only(&outcome)[1]), "{:?}", only(&outcome));

    let write = Test::with(Mode::General, |d| d.grants.files.push(grant(folder.path(), true))).await;
    assert_eq!(only(&write.run("nmade").await)[0], 0);
    assert!(folder.path().join("made").is_dir());
    let outcome = write.run("n../escaped").await;
    assert_eq!(only(&outcome)[0], 1);
    assert!(!folder.path().parent().unwrap().join("escaped").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_granted_folder_is_held_through_a_rename() {
    let outer = tempfile::tempdir().unwrap();
    let (before, after) = (outer.path().join("before"), outer.path().join("after"));
    fs::create_dir(&before).unwrap();
    let test = Test::with(Mode::General, |d| d.grants.files.push(grant(&before, true))).await;
    fs::rename(&before, &after).unwrap();
    fs::create_dir(&before).unwrap();
    assert_eq!(only(&test.run("nmade").await)[0], 0);
    assert!(after.join("made").is_dir() && !before.join("made").exists());
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let engine = engine();
    let component = engine.load(crate::guests::commands().into()).await.unwrap();
    let mut decl = decl("test", Mode::General);
    decl.grants.files.push(grant("/no/such/folder".as_ref(), false));
    let errors = Processes::start(&engine, vec![ProcessSpec { decl, component }], &[]).await.unwrap_err();
    let text = errors[0].to_string();
    assert!(text.contains("process `test`") && text.contains("/no/such/folder") && text.contains("`/data`"), "{text}");
}
