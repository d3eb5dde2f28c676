//! Components are compiled by a process of its own, within limits, while the host goes on with what it has.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use auricle::{
    Compiler, CompilerLimits, DeployError, Engine, EngineConfig, Host, HostError, Manifest, Progress, State,
};
use auricle_tests::hostile::{Harm, guest, heavy};
use auricle_tests::manifest::{inspect, process};
use auricle_tests::site::{Site, wait};
use auricle_tests::{build, hostile};

const COMMAND: &str = "compile-component";

/// The real program as the compiler.
fn compiler(limits: CompilerLimits) -> Compiler {
    Compiler { program: build::program().to_owned(), arguments: vec![COMMAND.into()], limits }
}

/// A program of the shell as the compiler.
fn script(text: &str) -> Compiler {
    let arguments = vec!["-c".into(), text.into()];
    Compiler { program: "/bin/sh".into(), arguments, limits: CompilerLimits::default() }
}

/// The engine of a host whose compiler is this one. Nothing is shared with other tests: all is compiled.
fn config(site: &Site, compiler: Compiler) -> EngineConfig {
    let cache_dir = Some(site.path("own-cache"));
    EngineConfig {
        cache_dir,
        compiler: Some(compiler),
        max_instances: Some(8),
        progress: Progress::none(),
        ..EngineConfig::default()
    }
}

async fn load(compiler: Compiler, wasm: Vec<u8>) -> Result<(), String> {
    let site = Site::new([]);
    let engine = Engine::new(config(&site, compiler)).unwrap();
    let loaded = engine.load(wasm.into()).await.map(drop).map_err(|error| error.to_string());
    // Whatever comes of it, nothing half done is left, and nothing that cannot be used.
    let mut files = fs::read_dir(site.path("own-cache")).unwrap().map(|f| f.unwrap().path());
    let kept = files.all(|file| file.extension().is_some_and(|ending| ending == "cwasm"));
    assert!(kept, "{files:?}");
    loaded
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_of_its_own_compiles() {
    let limits = CompilerLimits::default;
    assert_eq!(load(compiler(limits()), guest(Harm::Recurse)).await, Ok(()));
    // What is wrong with a component is told as if it were compiled here.
    let mut broken = guest(Harm::Recurse);
    broken.truncate(broken.len() / 2);
    let told = load(compiler(limits()), broken.clone()).await.unwrap_err();
    assert!(told.contains("this component is broken"), "{told}");
    let here = Engine::new(EngineConfig { max_instances: Some(4), ..EngineConfig::default() }).unwrap();
    assert_eq!(here.load(broken.into()).await.unwrap_err().to_string(), told);
    let told = load(compiler(limits()), hostile::of_another_world()).await;
    // It compiles, and is kept; that it is no listener is found here.
    assert!(told.is_err_and(|told| told.contains("does not export")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_much_to_compile_is_refused() {
    let most = CompilerLimits::default;
    let told = load(compiler(CompilerLimits { memory: 64 << 20, ..most() }), heavy(300_000)).await.unwrap_err();
    assert!(told.contains("larger than this host takes") && told.contains("more than 64MiB of memory"), "{told}");
    let told =
        load(compiler(CompilerLimits { cpu: Duration::from_secs(1), ..most() }), heavy(300_000)).await.unwrap_err();
    assert!(told.contains("more than 1s of the processor"), "{told}");
    let told = load(compiler(CompilerLimits { output: 1000, ..most() }), heavy(10)).await.unwrap_err();
    assert!(told.contains("more than 1000B of machine code"), "{told}");
    let mut slow = script("exec sleep 1000");
    slow.limits.time = Duration::from_millis(100);
    let told = load(slow, heavy(10)).await.unwrap_err();
    assert!(told.contains("its compilation takes more than 100ms"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_none_is_told() {
    let (site, wasm) = (Site::new([]), heavy(10));
    let engine = Engine::new(config(&site, script("exit 0"))).unwrap();
    let told = engine.load(wasm.into()).await.unwrap_err().to_string();
    assert!(told.contains("what the compiler made cannot be used"), "{told}");
    assert_eq!(fs::read_dir(site.path("own-cache")).unwrap().count(), 0, "it is not kept");
    let told = load(script("echo no such luck >&2; exit 3"), heavy(10)).await.unwrap_err();
    assert!(told.contains("/bin/sh") && told.contains("no such luck"), "{told}");
    let nowhere = Compiler { program: "/nowhere/at/all".into(), ..script("") };
    let told = load(nowhere, heavy(10)).await.unwrap_err();
    assert!(told.contains("/nowhere/at/all"), "{told}");
    // It sees nothing of the environment.
    let told = load(script("env | cut -d = -f 1 | sort | tr '\\n' ' ' >&2; exit 3"), heavy(10)).await.unwrap_err();
    assert!(!told.contains("CARGO") && !told.contains("HOME"), "{told}");
}

/// The process itself, asked by hand.
fn ask(order: &str, component: &[u8]) -> Child {
    let mut asked = Command::new(build::program())
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = asked.stdin.as_mut().unwrap();
    input.write_all(format!("{order}\n").as_bytes()).unwrap();
    input.write_all(component).unwrap();
    asked
}

#[test]
fn the_process_refuses_what_it_cannot_do_and_ends_with_who_asked() {
    let order = |compatibility: &str, size: usize| {
        format!(
            r#"{{"compatibility":"{compatibility}","size":{size},"memory":4294967296,"cpu":600,"output":1073741824}}"#
        )
    };
    let wasm = heavy(10);
    let mut asked = ask(&order("another", wasm.len()), &wasm);
    // Whoever asks stays until it is answered: the process ends without a word when its input does.
    let stays = asked.stdin.take();
    let other = asked.wait_with_output().unwrap();
    drop(stays);
    assert_eq!(other.status.code(), Some(70));
    let told = String::from_utf8(other.stderr).unwrap();
    assert!(told.contains("another version of the program"), "{told}");
    let compatibility = told.split("compiles for ").nth(1).unwrap().split(',').next().unwrap();

    let nonsense = ask("{}", &wasm).wait_with_output().unwrap();
    assert_eq!(nonsense.status.code(), Some(70));

    // Far from done, and nobody is there any more.
    let wasm = heavy(300_000);
    let mut left = ask(&order(compatibility, wasm.len()), &wasm);
    drop(left.stdin.take());
    assert_eq!(left.wait().unwrap().code(), Some(70));
}

fn manifest(site: &Site) -> Manifest {
    Manifest::load(&site.manifest()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_serves_on_when_a_component_does_not_compile() {
    let site = Site::new([inspect("p", "query p: single-data -> single-json")]);
    let start = |limits| Host::builder().manifest(manifest(&site)).engine(config(&site, compiler(limits))).start();
    // Its own component is in the cache by now, and is not held to the small limit.
    start(CompilerLimits::default()).await.unwrap().close().await;
    let host = start(CompilerLimits { memory: 64 << 20, ..CompilerLimits::default() }).await.unwrap();
    let bomb = site.write("bomb.wasm", heavy(300_000));
    site.rewrite(
        "",
        [
            inspect("p", "query p: single-data -> single-json"),
            process("bomb", &bomb, "execute bomb: single-data -> single-data"),
        ],
    );
    let deploying = tokio::spawn({
        let (host, manifest) = (host.clone(), manifest(&site));
        async move { host.deploy(&manifest).await }
    });
    while !deploying.is_finished() {
        assert!(host.run("p", [auricle::Document::new("x")]).await.result.is_ok());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = deploying.await.unwrap().unwrap_err();
    assert!(matches!(error, DeployError::Problems(_)));
    let told = error.to_string();
    assert!(told.contains("auricle.toml:") && told.contains("its compilation takes"), "{told}");
    assert!(host.run("p", [auricle::Document::new("x")]).await.result.is_ok());
    host.close().await;
}

/// A compiler that waits until there is a file `go`.
fn gated(site: &Site) -> Compiler {
    let (go, program) = (site.path("go"), build::program());
    let quoted = |path: &Path| format!("'{}'", path.display());
    script(&format!("while [ ! -e {} ]; do sleep 0.05; done; exec {} {COMMAND}", quoted(&go), quoted(program)))
}

/// What is active is version 1 of this process, and answers.
async fn answers(host: &Host, process: &str) -> bool {
    host.state() == State::Ready && host.run(process, [auricle::Document::new("x")]).await.result.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_serves_while_the_new_one_is_compiled_at_start() {
    let site = Site::new([inspect("old", "query p: single-data -> single-json")]);
    site.write("go", "");
    let start = |site: &Site| Host::builder().manifest(manifest(site)).engine(config(site, gated(site)));
    start(&site).start().await.unwrap().close().await;

    fs::remove_file(site.path("go")).unwrap();
    let package = site.write("new.wasm", guest(Harm::FloodLog));
    site.rewrite("", [process("new", &package, "execute q: single-data -> single-data")]);
    let host = start(&site).build().await.unwrap();
    let starting = tokio::spawn({
        let host = host.clone();
        async move { host.start().await }
    });
    while !answers(&host, "old").await {
        assert!(!starting.is_finished(), "it cannot be through: {:?}", starting.await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!starting.is_finished());
    site.write("go", "");
    let deployed = starting.await.unwrap().unwrap();
    assert_eq!((deployed.version, deployed.new), (2, true));
    assert!(answers(&host, "new").await && !answers(&host, "old").await);
    host.close().await;

    // What cannot be compiled is told as without one before; that goes on, for whoever wants it.
    let package = site.write("broken.wasm", b"\0asm\x0d\0\x01\0x");
    site.rewrite("", [process("broken", &package, "execute q: single-data -> single-data")]);
    let host = start(&site).build().await.unwrap();
    let error = host.start().await.unwrap_err();
    assert!(matches!(error, HostError::Deploy(DeployError::Problems(_))), "{error}");
    assert!(answers(&host, "new").await);
    host.close().await;
}

#[test]
fn serve_ends_with_the_error_when_the_new_version_does_not_compile() {
    let site = Site::new([inspect("p", "query p: single-data -> single-json")]);
    let site = site.serve().kill();
    let package = site.write("broken.wasm", b"\0asm\x0d\0\x01\0x");
    site.rewrite("", [process("broken", &package, "execute q: single-data -> single-data")]);
    let serve = site.run("serve", &[]);
    assert_eq!(serve.code, Some(1), "{serve:?}");
    assert!(serve.told().contains("this component is broken") && !serve.stdout.contains("listening"), "{serve:?}");
}

#[test]
fn the_program_says_what_it_compiles() {
    let site = Site::new([]);
    fs::remove_file(site.path("data/cache")).unwrap();
    // Large enough to be worth a line.
    let package = site.write("p.wasm", [heavy(10), vec![0; 0]].concat());
    let mut large = fs::read(&package).unwrap();
    let name = b"\x06filler";
    let size = (1 << 20) + name.len();
    large.push(0);
    large.extend(leb(size));
    large.extend(name);
    large.extend(vec![0; 1 << 20]);
    fs::write(&package, large).unwrap();
    site.rewrite("", [process("report", &package, "execute q: single-data -> single-data")]);
    let server = site.serve();
    let log = server.log();
    wait("the log", || server.log().contains("compiled report"));
    assert!(log.contains("compiling report (1.0 MiB), 1 of 1"), "{log}");
}

/// A number as WebAssembly writes it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
