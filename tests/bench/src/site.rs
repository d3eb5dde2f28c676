//! A folder with a manifest, and the program `auricle` serving it.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::call::Call;
use crate::child::{Server, free_port};
use crate::guests::{cargo, workspace};

/// A manifest that grows by listeners: each is a process with one route of its own, `POST /ws/rest/bench/NAME`.
#[derive(Debug)]
pub(crate) struct Site {
    folder: PathBuf,
    /// Removes the folder in the end, unless it is one that is kept.
    _temporary: Option<TempDir>,
    program: PathBuf,
    address: SocketAddr,
    /// The admin address, for metrics.
    pub(crate) admin: SocketAddr,
    processes: String,
    routes: String,
    settings: String,
}

/// A process in a manifest.
pub(crate) struct Process<'a> {
    pub(crate) name: &'a str,
    pub(crate) package: &'a Path,
    pub(crate) mode: &'a str,
    /// The type of its operation.
    pub(crate) kind: &'a str,
    pub(crate) object: &'a str,
    /// More lines of its `[[process]]`.
    pub(crate) keys: &'a str,
}

impl Site {
    /// An empty one in a folder that goes with it.
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let temporary = tempfile::tempdir()?;
        let site = Self::at(temporary.path(), program)?;
        Ok(Self { _temporary: Some(temporary), ..site })
    }

    /// An empty one in a folder that stays, with what was compiled for it.
    pub(crate) fn at(folder: &Path, program: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("log"), "")?;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Self {
            folder: folder.to_owned(),
            _temporary: None,
            program: program.to_owned(),
            address: local(free_port()?),
            admin: local(free_port()?),
            processes: String::new(),
            routes: String::new(),
            settings: String::new(),
        })
    }

    /// Adds a listener. `keys` are more lines of its `[[process]]`.
    pub(crate) fn listener(&mut self, name: &str, package: &Path, mode: &str, keys: &str) -> Result<()> {
        self.process(&Process { name, package, mode, kind: "execute", object: name, keys })
    }

    /// Adds a process with its route.
    pub(crate) fn process(&mut self, process: &Process<'_>) -> Result<()> {
        let Process { name, package, mode, kind, object, keys } = process;
        writeln!(
            self.processes,
            "[[process]]\nname = {name:?}\npackage = {package:?}\nmode = {mode:?}\ntype = {kind:?}\nobject = {object:?}\n\
             input = \"single-json\"\noutput = \"single-json\"\n{keys}\n"
        )?;
        writeln!(self.routes, "[[api.rest]]\nmethod = \"POST\"\npath = {name:?}\nobject = \"\"\nprocess = {name:?}\n")?;
        Ok(())
    }

    /// Adds a process and its endpoints as they are written in a manifest.
    pub(crate) fn text(&mut self, process: &str, endpoints: &str) {
        self.processes.push_str(process);
        self.routes.push_str(endpoints);
    }

    /// A folder of its own for packages that only this site has.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// Removes what was deployed here before. What was compiled stays.
    pub(crate) fn forget_deployments(&self) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.path("data")) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Takes all processes out again: the next manifest has others.
    pub(crate) fn clear(&mut self) {
        self.processes.clear();
        self.routes.clear();
    }

    /// Adds a line of `[server]`, or a table below it.
    pub(crate) fn set(&mut self, line: &str) {
        self.settings.push_str(line);
        self.settings.push('\n');
    }

    /// Writes the manifest.
    pub(crate) fn write(&self) -> Result<()> {
        self.write_as("auricle.toml").map(|_| ())
    }

    /// Writes the manifest to a file of another name, which it gives.
    pub(crate) fn write_as(&self, name: &str) -> Result<PathBuf> {
        let text = format!(
            "[server]\nlisten = \"{}\"\nadmin-listen = \"{}\"\ndata-dir = \"data\"\n{}\n{}\n[[api]]\nname = \"bench\"\nbase = \"/bench\"\n\n{}",
            self.address, self.admin, self.settings, self.processes, self.routes
        );
        let file = self.path(name);
        fs::write(&file, text)?;
        Ok(file)
    }

    /// The token that the host's first start has left.
    pub(crate) fn token(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path("data/admin-token"))?.trim().to_owned())
    }

    /// Has the program change what the host serves, as an operator does. Gives what it said.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<String> {
        let mut program = Command::new(&self.program);
        program.args(arguments).current_dir(&self.folder);
        program.args(["--server", &format!("http://{}", self.admin), "--token", &self.token()?]);
        let output = program.output()?;
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "`auricle {}` failed: {told}", arguments.join(" "));
        Ok(told)
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A command of the program on this manifest.
    pub(crate) fn command(&self, command: &str) -> Result<Command> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log"))?;
        let mut program = Command::new(&self.program);
        // What is measured is what runs where nothing is set.
        for name in ["AURICLE_LOG", "RUST_LOG", "AURICLE_SERVER", "AURICLE_TOKEN"] {
            program.env_remove(name);
        }
        program.arg(command).arg("--config").arg(self.path("auricle.toml")).current_dir(&self.folder);
        program.stdout(log.try_clone()?).stderr(log);
        Ok(program)
    }

    /// Writes the manifest and starts `auricle serve`.
    pub(crate) fn serve(&self) -> Result<Server> {
        self.write()?;
        Server::start(self.command("serve")?)
    }

    /// A call of a listener with `guests/small` that echoes.
    pub(crate) fn echo(&self, name: &str) -> Call {
        self.asking(name, "do=echo")
    }

    /// A call of a listener that echoes when asked by this query.
    pub(crate) fn asking(&self, name: &str, query: &str) -> Call {
        Call::echo(self.address, &format!("/ws/rest/bench/{name}?{query}"))
    }

    /// A call that succeeds once the host is ready.
    pub(crate) fn ready(&self) -> Call {
        Call::ready(self.address)
    }

    /// A call of a listener that has to fail.
    pub(crate) fn failing(&self, name: &str, what: &str, status: u16) -> Call {
        Call::failing(self.address, &format!("/ws/rest/bench/{name}?do={what}"), status)
    }

    /// The end of what the program has said.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.path("log")).unwrap_or_default();
        let end = log.get(log.len().saturating_sub(4000)..).unwrap_or_default();
        String::from_utf8_lossy(end).into_owned()
    }

    /// How many lines of what the program has said begin with this.
    pub(crate) fn said(&self, begin: &str) -> usize {
        let log = fs::read(self.path("log")).unwrap_or_default();
        log.split(|byte| *byte == b'\n').filter(|line| line.starts_with(begin.as_bytes())).count()
    }
}

/// The program: what was named, else built with the whole workspace, whose features it then shares.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf> {
    let program = match named {
        Some(program) => program.to_owned(),
        None => {
            cargo(&["build", "--release", "--workspace", "--bin", "auricle"])?;
            workspace()?.join("target/release/auricle")
        }
    };
    program.canonicalize().with_context(|| format!("there is no program {}", program.display()))
}
