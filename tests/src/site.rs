//! A folder with a manifest, and the program running in it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::build;
use crate::client::{Request, Response, Wire};
use crate::manifest::Section;

/// How long something may take that is waited for, before it counts as never coming.
const PATIENCE: Duration = Duration::from_secs(90);

/// A temporary folder with a manifest in it. Dropped, it is removed.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// What it told, wherever it told it.
    pub fn told(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Site {
    /// A site that serves these, with the default settings but for the ports, which are free ones.
    pub fn new(sections: impl IntoIterator<Item = Section>) -> Self {
        Self::with("", sections)
    }

    /// The same with more keys of `[server]`.
    pub fn with(server: &str, sections: impl IntoIterator<Item = Section>) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        // Where the host would compile each component anew, it finds what other tests have compiled.
        fs::create_dir(site.path("data")).unwrap();
        std::os::unix::fs::symlink(build::cache(), site.path("data/cache")).unwrap();
        site.rewrite(server, sections);
        site
    }

    /// Writes another manifest in its place.
    pub fn rewrite(&self, server: &str, sections: impl IntoIterator<Item = Section>) {
        let mut text = String::from("[server]\ndata-dir = \"data\"\n");
        for (key, default) in [("listen", "127.0.0.1:0"), ("admin-listen", "127.0.0.1:0")] {
            if !server.lines().any(|line| line.starts_with(&format!("{key} "))) {
                writeln!(text, "{key} = {default:?}").unwrap();
            }
        }
        writeln!(text, "{server}").unwrap();
        text.extend(sections.into_iter().map(|section| section.0));
        self.write("auricle.toml", text);
    }

    /// A path in the folder.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.path("auricle.toml")
    }

    /// Writes a file in the folder.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A file of the folder as text; empty where there is none.
    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_default()
    }

    /// Runs a command of the program to its end: `run("check", &[])`, which is given `--config`.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Finished {
        let mut program = self.command(command);
        program.args(arguments);
        Running::start(program, &[]).finish(&format!("`auricle {command}`"))
    }

    /// Runs the program in the folder as a person there does, where the manifest is found by itself:
    /// `cli(&["executions", "list"])`.
    pub fn cli(&self, arguments: &[&str]) -> Finished {
        self.cli_with(arguments, &[])
    }

    /// The same with something on standard input.
    pub fn cli_with(&self, arguments: &[&str], input: &[u8]) -> Finished {
        self.start_cli_with(arguments, input).finish(&format!("{arguments:?}"))
    }

    /// Starts the program in the folder as a person there does.
    pub fn start_cli(&self, arguments: &[&str]) -> Running {
        self.start_cli_with(arguments, &[])
    }

    fn start_cli_with(&self, arguments: &[&str], input: &[u8]) -> Running {
        let mut program = self.program();
        program.args(arguments);
        Running::start(program, input)
    }

    /// Starts `auricle serve` and waits until it takes requests.
    pub fn serve(self) -> Server {
        self.serve_with(&[])
    }

    /// The same with variables of the environment.
    pub fn serve_with(self, variables: &[(&str, &str)]) -> Server {
        let mut program = self.command("serve");
        program.envs(variables.iter().copied());
        self.serve_by(program)
    }

    /// The same where a file that grows past a limit is an error and no signal, so that [`Server::limit_files`] is as a
    /// disk that is full.
    pub fn serve_on_a_small_disk(self) -> Server {
        let serve = self.command("serve");
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(serve.get_program()).args(serve.get_args());
        for (name, value) in serve.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.current_dir(self.folder.path());
        self.serve_by(shell)
    }

    fn serve_by(self, mut program: Command) -> Server {
        let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let log = Log::collect(child.stderr.take().unwrap());
        let process = Process { child, log };
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://").and_then(|a| a.parse().ok());
        let address = address.unwrap_or_else(|| panic!("the first line is {first:?}"));
        // What else it prints is read and passed over, so that it never waits for a reader.
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let server = Server { process, address, site: self };
        wait("the host to be ready", || server.get("/_admin/status").status == 200);
        server
    }

    fn command(&self, command: &str) -> Command {
        let mut program = self.program();
        program.arg(command).arg("--config").arg(self.manifest());
        program
    }

    fn program(&self) -> Command {
        let mut program = Command::new(build::program());
        // What the one who runs the tests has set must not change them.
        for name in ["AURICLE_LOG", "RUST_LOG", "AURICLE_SERVER", "AURICLE_TOKEN", "AURICLE_ENVIRONMENT"] {
            program.env_remove(name);
        }
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
            program.env_remove(name);
        }
        program.env("NO_COLOR", "1").current_dir(self.folder.path());
        program
    }
}

/// A command of the program, running. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    process: Process,
    stdout: Log,
}

impl Running {
    fn start(mut program: Command, input: &[u8]) -> Self {
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let stdout = Log::collect(child.stdout.take().unwrap());
        let log = Log::collect(child.stderr.take().unwrap());
        // It may not want it; dropped, it ends.
        let _ = child.stdin.take().unwrap().write_all(input);
        Self { process: Process { child, log }, stdout }
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub fn interrupt(self) -> Finished {
        let sent = Command::new("kill").args(["-INT", &self.process.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.finish("an interrupted command")
    }

    fn finish(mut self, what: &str) -> Finished {
        wait(&format!("{what} to end"), || self.process.child.try_wait().unwrap().is_some());
        let code = self.process.child.wait().unwrap().code();
        Finished { code, stdout: self.stdout.whole(), stderr: self.process.log.whole() }
    }
}

/// `auricle serve`, running. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    /// The folder it runs in.
    pub site: Site,
}

impl Server {
    /// Lets no file grow past so many bytes from now on; none: as it was.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let id = self.process.child.id().to_string();
        let set = Command::new("prlimit").args([&format!("--fsize={limit}:unlimited"), "--pid", &id]).status();
        assert!(set.unwrap().success(), "prlimit");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it.
    pub fn connect(&self) -> Wire {
        Wire::open(self.address)
    }

    /// A request to it.
    pub fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.address, method, target)
    }

    /// A GET.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target).send()
    }

    /// A POST.
    #[track_caller]
    pub fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", target).body(body).send()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.log.text()
    }

    /// Waits until the log says something.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) {
        wait(&format!("the log to say {words:?}"), || self.log().contains(words));
    }

    /// Asks it to stop, as a service manager does.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.process.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> (ExitStatus, Site) {
        wait("the host to end", || self.process.child.try_wait().unwrap().is_some());
        (self.process.child.wait().unwrap(), self.site)
    }

    /// Kills it at once, as a crash does; its folder stays.
    pub fn kill(mut self) -> Site {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
        self.site
    }
}

/// A child that does not outlive the test, and shows its log where the test fails.
#[derive(Debug)]
struct Process {
    child: Child,
    log: Log,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the host's log\n{}---", self.log.text());
        }
    }
}

/// What a child writes, collected.
#[derive(Debug)]
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

impl Log {
    fn collect(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let lines = bytes.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                lines.lock().unwrap().extend(buffer.iter().take(read));
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All of it, once the child has ended.
    fn whole(&self) -> String {
        wait("the rest of what was written", || self.reader.is_finished());
        self.text()
    }
}

/// Waits until something is so. Fails the test where it never is.
#[track_caller]
pub fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
