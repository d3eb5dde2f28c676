//! A PostgreSQL server for tests: the one that `AURICLE_TEST_POSTGRES` names, else one that is started from the PATH or
//! `/usr/lib/postgresql` on a free port, over a temporary folder, and stopped with the last test that uses it. Where none can be
//! had the test is skipped, in one line that says how to get it; with `CI=true` that is a failure.
//!
//! Stands alone, so that any crate's tests can include it by `#[path]`. Starting takes some two seconds.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The user that a server runs as where the tests run as root, which PostgreSQL refuses.
const USER: &str = "postgres";

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
        let Some(programs) = programs() else {
            let how =
                "no PostgreSQL: apt-get install postgresql, or set AURICLE_TEST_POSTGRES to the URL of a database";
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{how}");
            eprintln!("skipped: {how}");
            return None;
        };
        Some(Self::start(&programs))
    }

    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let as_root = output("id", ["-u"]) == "0";
        if as_root {
            output("chown", [OsStr::new(USER), folder.path().as_os_str()]);
        }
        let data = folder.path().join("data");
        let command = |program: &str| {
            let program = programs.join(program);
            let mut command = Command::new(if as_root { Path::new("setpriv") } else { &program });
            if as_root {
                let identity = [format!("--reuid={USER}"), format!("--regid={USER}")];
                command.args(identity).arg("--clear-groups").arg(&program);
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
        while !std::fs::read_to_string(&state)
            .is_ok_and(|text| text.lines().last().is_some_and(|l| l.trim() == "ready"))
        {
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

/// The folder of `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let installed =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    on_path
        .into_iter()
        .chain(installed)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn output<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let done = Command::new(program).args(arguments).output().expect(program);
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}
