//! What is compared, in the order of the table. Each is a server in a process of its own that does the same work; what cannot
//! be had here is left out, and the report says how to get it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::call::{BODY, Call};
use crate::child::{Server, free_port};
use crate::guests;
use crate::machine::Machine;
use crate::site::Site;
use crate::tools;

/// The one that all others are compared to.
pub(crate) const HYPER: &str = "bare hyper";
pub(crate) const LOW_LATENCY: &str = "low-latency";
pub(crate) const GENERAL: &str = "general";
pub(crate) const GENERAL_WASI: &str = "general, WASI guest";
pub(crate) const SERVE: &str = "wasmtime serve";
pub(crate) const SERVE_TUNED: &str = "wasmtime serve, tuned";
pub(crate) const SERVE_REUSE: &str = "wasmtime serve, reuse";

/// One of Auricle's.
struct Listener {
    name: &'static str,
    process: &'static str,
    package: fn() -> Result<PathBuf>,
    mode: &'static str,
    query: &'static str,
}

const LISTENERS: [Listener; 6] = [
    small(LOW_LATENCY, "fast", guests::small, "low-latency"),
    small(GENERAL, "fresh", guests::small, "general"),
    small(GENERAL_WASI, "fresh-wasi", guests::small_wasi, "general"),
    small("low-latency, WASI guest", "fast-wasi", guests::small_wasi, "low-latency"),
    inspect("low-latency, inspect", "fast-inspect", "low-latency"),
    inspect("general, inspect", "fresh-inspect", "general"),
];

const fn small(
    name: &'static str,
    process: &'static str,
    package: fn() -> Result<PathBuf>,
    mode: &'static str,
) -> Listener {
    Listener { name, process, package, mode, query: "do=echo" }
}

/// A process that does a little more: it looks up nine query parameters, reads all properties and duplicates the document.
const fn inspect(name: &'static str, process: &'static str, mode: &'static str) -> Listener {
    Listener { name, process, package: guests::inspect, mode, query: "echo=1" }
}

/// As `docs/performance.md` says that Auricle's own pool is set.
const TUNED: &str = "pooling-allocator=y,pooling-memory-keep-resident=131072,pooling-table-keep-resident=65536,\
                     pooling-pagemap-scan=auto,pooling-decommit-batch-size=1";

/// One that takes part.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Shared where several are in one server: only one is called at a time.
    pub(crate) server: Rc<Server>,
    pub(crate) call: Call,
}

/// Those that take part, with what has to be there as long as they run.
pub(crate) struct Field {
    pub(crate) contestants: Vec<Contestant>,
    _folders: Vec<TempDir>,
    _site: Option<Site>,
}

impl Field {
    /// Starts all that are wanted and can be had; says of the others how to get them.
    pub(crate) fn start(
        wanted: &dyn Fn(&str) -> bool,
        program: &Path,
        keys: &str,
        machine: &mut Machine,
    ) -> Result<Self> {
        let mut field = Self { contestants: Vec::new(), _folders: Vec::new(), _site: None };
        field.add(HYPER, hyper()?);
        field.auricle(wanted, program, keys)?;
        let serves: [(&str, &[&str]); 3] =
            [(SERVE, &[]), (SERVE_TUNED, &["-O", TUNED]), (SERVE_REUSE, &["--max-instance-reuse-count", "1000000"])];
        for (name, flags) in serves.into_iter().filter(|(name, _)| wanted(name)) {
            field.others(name, |_| serve(flags), machine);
        }
        for (name, start) in [("node", node as fn(&Path) -> _), ("nginx", nginx)] {
            if wanted(name) {
                field.others(name, start, machine);
            }
        }
        Ok(field)
    }

    fn add(&mut self, name: &'static str, (server, call): (Server, Call)) {
        self.contestants.push(Contestant { name, server: Rc::new(server), call });
    }

    fn auricle(&mut self, wanted: &dyn Fn(&str) -> bool, program: &Path, keys: &str) -> Result<()> {
        let wanted: Vec<_> = LISTENERS.into_iter().filter(|listener| wanted(listener.name)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let mut site = Site::new(program)?;
        for Listener { process, package, mode, .. } in &wanted {
            site.listener(process, &package()?, mode, &format!("max-concurrent = 512\n{keys}"))?;
        }
        let mut server = site.serve()?;
        for Listener { process, query, .. } in &wanted {
            server.wait_for(&site.asking(process, query)).with_context(|| site.log())?;
        }
        let server = Rc::new(server);
        for Listener { name, process, query, .. } in wanted {
            self.contestants.push(Contestant { name, server: server.clone(), call: site.asking(process, query) });
        }
        self._site = Some(site);
        Ok(())
    }

    fn others(
        &mut self,
        name: &'static str,
        start: impl FnOnce(&Path) -> Result<(Server, Call, String)>,
        machine: &mut Machine,
    ) {
        let started = tempfile::tempdir().map_err(anyhow::Error::from).and_then(|folder| {
            let started = start(folder.path())?;
            self._folders.push(folder);
            Ok(started)
        });
        match started {
            Ok((server, call, version)) => {
                machine.add(name, version);
                self.add(name, (server, call));
            }
            Err(error) => machine.add(name, format!("left out: {error:#}")),
        }
    }
}

fn started(command: Command, port: u16, target: &str) -> Result<(Server, Call)> {
    let mut server = Server::start(command)?;
    let call = Call::echo(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), target);
    server.wait_for(&call)?;
    Ok((server, call))
}

fn hyper() -> Result<(Server, Call)> {
    let port = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve-hyper", &port.to_string()]);
    started(command, port, "/echo?do=echo")
}

fn serve(flags: &[&str]) -> Result<(Server, Call, String)> {
    let program = tools::wasmtime()?;
    let port = free_port()?;
    let mut command = Command::new(&program);
    command.args(["serve", "--addr", &format!("127.0.0.1:{port}"), "-S", "cli"]).args(flags).arg(guests::serve()?);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (server, call) = started(command, port, "/echo?do=echo")?;
    Ok((server, call, format!("{} {}", tools::version(&program, "--version")?, flags.join(" "))))
}

fn node(folder: &Path) -> Result<(Server, Call, String)> {
    let program = tools::node()?;
    let port = free_port()?;
    let script = folder.join("echo.js");
    fs::write(
        &script,
        "require('http').createServer((request, response) => {
           const chunks = [];
           request.on('data', (chunk) => chunks.push(chunk));
           request.on('end', () => {
             const body = Buffer.concat(chunks);
             response.writeHead(200, {
               'content-type': 'application/json', 'content-length': body.length, 'x-bench-one': '1', 'x-bench-two': '2',
             });
             response.end(body);
           });
         }).listen(Number(process.argv[2]), '127.0.0.1');",
    )?;
    let mut command = Command::new(&program);
    command.arg(script).arg(port.to_string());
    let (server, call) = started(command, port, "/echo?do=echo")?;
    Ok((server, call, format!("{}, its http module, one thread", tools::version(&program, "--version")?)))
}

fn nginx(folder: &Path) -> Result<(Server, Call, String)> {
    let program = tools::nginx()?;
    let port = free_port()?;
    let configuration = folder.join("nginx.conf");
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}; ", folder.join(name).display()))
        .concat();
    fs::write(
        &configuration,
        format!(
            "daemon off; worker_processes auto; pid {pid}; error_log stderr crit;
             events {{ worker_connections 4096; }}
             http {{
               access_log off; keepalive_requests 1000000000; {temporary}
               server {{
                 listen 127.0.0.1:{port} backlog=4096;
                 default_type application/json;
                 add_header x-bench-one 1; add_header x-bench-two 2;
                 location / {{ return 200 '{BODY}'; }}
               }}
             }}",
            pid = folder.join("pid").display(),
        ),
    )?;
    let mut command = Command::new(&program);
    command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(&configuration);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (server, call) = started(command, port, "/echo?do=echo")?;
    Ok((server, call, format!("{}, `return 200`, a worker for each core", tools::version(&program, "-v")?)))
}
