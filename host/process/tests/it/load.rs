//! What is loaded, what is refused and in what words, and what the cache on disk does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use auricle_model::Mode;
use auricle_process::{CompilationStep, Engine, EngineConfig, LoadError, Progress};
use proptest::prelude::*;

use crate::guests;
use crate::support::{Test, engine};

/// The least that can be called a listener.
const LISTENER: &str = r#"(memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "auricle:process/listener@0.1.0#execute") (param i32 i32) (result i32) (i32.const 0))"#;

async fn refused(wasm: Vec<u8>) -> LoadError {
    engine().load(wasm.into()).await.unwrap_err()
}

#[tokio::test]
async fn a_component_tells_its_digest_and_imports() {
    let component = engine().load(guests::commands().into()).await.unwrap();
    assert_eq!(component.digest().len(), 64);
    assert!(component.imports().iter().any(|i| i == "auricle:process/documents@0.1.0"));
    assert!(component.imports().iter().any(|i| i == "wasi:cli/environment@0.2.6"));
    assert!(!component.imports().iter().any(|i| i.starts_with("auricle:process/sql")), "never used");
    assert!(!component.has_lifecycle());
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    assert_eq!(refused(Vec::new()).await, LoadError::NotWasm);
    assert_eq!(refused(b"#!/bin/sh\n".to_vec()).await, LoadError::NotWasm);
    let error = refused(wat::parse_str("(module)").unwrap()).await;
    assert_eq!(error, LoadError::CoreModule);
    assert!(error.to_string().contains("--target wasm32-wasip2"), "{error}");
}

#[tokio::test]
async fn truncated_and_damaged_components_are_refused() {
    let whole = guests::commands();
    let engine = engine();
    for length in [8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let error = engine.load(whole[..length].to_vec().into()).await.unwrap_err();
        let known = matches!(error, LoadError::Corrupt { .. } | LoadError::MissingListener { .. });
        assert!(known, "{length}: {error}");
    }
}

#[tokio::test]
async fn a_component_without_a_listener_is_refused() {
    let wasm = guests::component(
        r#"(module (func (export "run")) (memory (export "memory") 1))"#,
        "package test:other; world other { export run: func(); }",
        "other",
    );
    let error = refused(wasm).await;
    assert_eq!(error, LoadError::MissingListener { exports: vec!["run".into()] });
    let text = error.to_string();
    assert!(text.contains("auricle:process/listener@0.1.0") && text.contains("it exports run"), "{text}");
}

const NEWER: &str = "package auricle:process@0.2.0; interface listener { execute: func(); }";

#[tokio::test]
async fn a_listener_of_another_version_is_refused() {
    let wasm = guests::foreign_component(
        r#"(module (func (export "auricle:process/listener@0.2.0#execute")))"#,
        &[NEWER, "package test:other; world other { export auricle:process/listener@0.2.0; }"],
        "other",
    );
    let text = refused(wasm).await.to_string();
    assert!(text.contains("another version") && text.contains("listener@0.2.0"), "{text}");
}

#[tokio::test]
async fn a_listener_of_another_type_is_refused() {
    let wasm = guests::foreign_component(
        r#"(module (func (export "auricle:process/listener@0.1.0#execute")))"#,
        &[
            "package auricle:process@0.1.0; interface listener { execute: func(); }",
            "package test:other; world other { export auricle:process/listener@0.1.0; }",
        ],
        "other",
    );
    let error = refused(wasm).await;
    let LoadError::WrongType { name, .. } = &error else { panic!("{error}") };
    assert_eq!(name, "auricle:process/listener@0.1.0");
    assert!(error.to_string().contains("execute"), "{error}");
}

#[tokio::test]
async fn an_import_that_nothing_provides_is_refused_by_name() {
    let wasm = guests::component(
        &format!(r#"(module (import "acme:robot/arm@1.0.0" "wave" (func $wave)) {LISTENER} (func (call $wave)))"#),
        "package test:other;
        world other { include auricle:process/process@0.1.0; import acme:robot/arm@1.0.0; }
        package acme:robot@1.0.0 { interface arm { wave: func(); } }",
        "other",
    );
    let error = refused(wasm).await;
    assert_eq!(error, LoadError::UnknownImport { name: "acme:robot/arm@1.0.0".into() });
    assert!(error.to_string().contains("compose what else it needs"), "{error}");
}

#[tokio::test]
async fn a_function_of_a_newer_version_is_refused_by_name() {
    let wasm = guests::foreign_component(
        r#"(module (import "auricle:process/execution@0.1.9" "fly" (func $fly))
            (func (export "auricle:process/listener@0.1.9#execute") (call $fly)))"#,
        &[
            "package auricle:process@0.1.9; interface execution { fly: func(); } interface listener { execute: func(); }",
            "package test:other;
            world other { import auricle:process/execution@0.1.9; export auricle:process/listener@0.1.9; }",
        ],
        "other",
    );
    let text = refused(wasm).await.to_string();
    assert!(text.contains("auricle:process/execution@0.1.9") && text.contains("`fly`"), "{text}");
    assert!(text.contains("newer Auricle"), "{text}");
}

#[tokio::test]
async fn a_component_for_which_there_is_never_room_is_refused() {
    let no_room = Engine::new(EngineConfig { max_instances: Some(0), ..EngineConfig::default() }).unwrap();
    let error = no_room.load(guests::commands().into()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");

    let wasm = guests::component(
        &format!("(module (table 200000 funcref) {LISTENER})"),
        "package test:other; world other { include auricle:process/process@0.1.0; }",
        "other",
    );
    let error = refused(wasm).await;
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("200000"), "{error}");
}

#[tokio::test]
async fn the_same_component_is_shared() {
    let engine = engine();
    let (a, b) = tokio::join!(engine.load(guests::commands().into()), engine.load(guests::commands().into()));
    assert_eq!(a.unwrap().digest(), b.unwrap().digest());
}

fn caching(folder: &Path) -> Engine {
    let config = EngineConfig { cache_dir: Some(folder.to_owned()), max_instances: Some(4), ..EngineConfig::default() };
    Engine::new(config).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect()
}

#[tokio::test]
async fn compiled_code_is_kept_checked_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache");
    let run = async || {
        let test = Test::start(caching(&place), guests::commands(), Mode::General, |_| {}).await;
        assert!(test.run("e").await.result.is_ok());
    };
    run().await;
    let [file] = &files(&place)[..] else { panic!("one file") };
    assert_eq!(file.extension().unwrap(), "cwasm");
    let whole = fs::read(file).unwrap();
    let written = fs::metadata(file).unwrap().modified().unwrap();

    run().await;
    assert_eq!(fs::metadata(file).unwrap().modified().unwrap(), written, "used, not made again");

    // Another program could have put anything here: it is not run, and the component still is.
    for at in [0, 8, 40, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        replace(file, &damaged);
        run().await;
        let now = fs::read(file).unwrap();
        assert_ne!(now, damaged, "byte {at} is repaired");
    }
    replace(file, &whole[..whole.len() / 2]);
    run().await;
    assert_eq!(fs::read(file).unwrap().len(), whole.len());
}

/// The files of the cache cannot be written to, by design.
fn replace(file: &Path, content: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, content).unwrap();
}

#[tokio::test]
async fn what_another_installation_sealed_is_not_run() {
    let [ours, theirs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let cache = |place: &tempfile::TempDir| place.path().join("cache");
    for place in [&ours, &theirs] {
        caching(&cache(place)).load(guests::commands().into()).await.unwrap();
    }
    let file = |place| files(&cache(place)).remove(0);
    let forged = fs::read(file(&theirs)).unwrap();
    assert_ne!(forged, fs::read(file(&ours)).unwrap(), "the code is the same, the seal is not");
    replace(&file(&ours), &forged);
    let digest = caching(&cache(&theirs)).load(guests::commands().into()).await.unwrap().digest().to_owned();
    assert!(caching(&cache(&ours)).cached(&digest).await.unwrap().is_none(), "refused");
    assert!(caching(&cache(&theirs)).cached(&digest).await.unwrap().is_some());
}

#[tokio::test]
async fn a_component_is_found_by_its_digest_alone() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let digest = {
        let engine = caching(&cache);
        let component = engine.load(guests::commands().into()).await.unwrap();
        component.digest().to_owned()
    };
    let engine = caching(&cache);
    let never = async { panic!("the bytes are not needed") };
    let component = engine.load_for("test", &digest, never).await.unwrap();
    assert_eq!(component.digest(), digest);
    assert!(engine.cached(&"0".repeat(64)).await.unwrap().is_none());
    // Without a cache, as long as it is in use.
    let engine = self::engine();
    let component = engine.load(guests::commands().into()).await.unwrap();
    assert!(engine.cached(&digest).await.unwrap().is_some());
    drop(component);
    assert!(engine.cached(&digest).await.unwrap().is_none());
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_are_refused() {
    let digest = "0".repeat(64);
    let error = engine().load_for("test", &digest, async { Ok(guests::commands().into()) }).await.unwrap_err();
    assert!(error.to_string().contains("being changed"), "{error}");
}

#[tokio::test]
async fn progress_tells_what_is_compiled_and_not_what_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let engine = || {
        let to = told.clone();
        let progress = Progress::new(move |c| {
            let step = match c.step {
                CompilationStep::Begun => "begun",
                CompilationStep::GoesOn(_) => return,
                CompilationStep::Done(_) => "done",
                CompilationStep::Failed(_) => "failed",
            };
            to.lock().unwrap().push(format!("{} {} of {} {step}", c.name, c.number, c.total));
        });
        let cache_dir = Some(folder.path().join("cache"));
        Engine::new(EngineConfig { cache_dir, max_instances: Some(4), progress, ..EngineConfig::default() }).unwrap()
    };
    let digest = engine().load(guests::commands().into()).await.unwrap().digest().to_owned();
    let short = &digest[..12];
    assert_eq!(*told.lock().unwrap(), [format!("{short} 1 of 1 begun"), format!("{short} 1 of 1 done")]);
    engine().load(guests::commands().into()).await.unwrap();
    assert_eq!(told.lock().unwrap().len(), 2);
    engine().load(b"\0asm\x0d\0\x01\0x"[..].into()).await.unwrap_err();
    assert!(told.lock().unwrap().last().unwrap().ends_with("failed"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn compiled_code_is_mapped_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let engine = caching(&folder.path().join("cache"));
    let component = engine.load(guests::commands().into()).await.unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = |line: &str| line.contains(component.digest()) && line.contains("r-xp");
    assert!(maps.lines().any(mapped), "{maps}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_made_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Engine::new(EngineConfig { cache_dir: Some(file), ..EngineConfig::default() }).unwrap_err();
    assert!(error.to_string().contains("folder for compiled components"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes, the answer is an error and the engine goes on.
    #[test]
    fn any_bytes_are_refused_in_words(tail in proptest::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let mut wasm = if header { b"\0asm\x0d\0\x01\0".to_vec() } else { Vec::new() };
        wasm.extend(tail);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(async { Engine::new(EngineConfig { max_instances: Some(1), ..EngineConfig::default() }).unwrap().load(wasm.into()).await });
        prop_assert!(!error.unwrap_err().to_string().is_empty());
    }
}
