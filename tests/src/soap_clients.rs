//! SOAP clients that others wrote: zeep and lxml in a Python environment, JAX-WS unpacked from the system's packages. Both live
//! under `target/`, made once; nothing is installed. Where one cannot be had its tests are skipped, in one line that says how
//! to get it; with `CI=true` that is a failure.
//!
//! The first run takes about a minute, most of it downloads of some 25 MB.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::build::WORKSPACE;

/// What the Python environment holds, to the version.
const PYTHON: [&str; 3] = ["zeep==4.3.3", "lxml==6.1.3", "xmlschema==4.3.2"];

/// The system's packages of JAX-WS and of what it needs to run; Java itself is not among them.
const JAXWS: [&str; 27] = [
    "jaxws",
    "libactivation-java",
    "libargs4j-java",
    "libcodemodel-java",
    "libdtd-parser-java",
    "libfastinfoset-java",
    "libgmbal-commons-java",
    "libgmbal-java",
    "libgmbal-pfl-java",
    "libistack-commons-java",
    "libjaxb-api-java",
    "libjaxb-java",
    "libjaxws-api-java",
    "libjaxws-java",
    "libjws-api-java",
    "libmetro-policy-java",
    "libmimepull-java",
    "librelaxng-datatype-java",
    "librngom-java",
    "libsaaj-java",
    "libsaaj-ri-java",
    "libstax-ex-java",
    "libstax2-api-java",
    "libstreambuffer-java",
    "libtxw2-java",
    "libxml-commons-resolver1.1-java",
    "libxsom-java",
];

/// The interpreter of the environment. None: skip.
pub fn python() -> Option<&'static Path> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let how = "python3 with its venv module, and pip that reaches a package index";
    or_skip(FOUND.get_or_init(|| once(&format!("soap-python-{}", PYTHON.join("-")), make_python)), "zeep", how)
        .map(|folder| folder.join("bin/python"))
        .map(|interpreter| &*Box::leak(interpreter.into_boxed_path()))
}

/// The class path of JAX-WS. None: skip.
pub fn jaxws() -> Option<&'static str> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    static CLASSES: OnceLock<String> = OnceLock::new();
    let how = "a JDK, and apt-get that reaches the packages of `jaxws`";
    let folder = or_skip(FOUND.get_or_init(|| once("soap-jaxws", make_jaxws)), "JAX-WS", how)?;
    Some(CLASSES.get_or_init(|| {
        let jars = fs::read_dir(folder.join("usr/share/java")).expect("the unpacked packages");
        let jars = jars.flatten().map(|jar| jar.path().to_string_lossy().into_owned());
        jars.filter(|jar| jar.ends_with(".jar")).collect::<Vec<_>>().join(":")
    }))
}

/// Runs a command to its end and gives what it printed; a failure is told with all of it.
///
/// # Panics
/// When the command cannot be started or fails.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}: {}\n{told}", done.status);
    told
}

fn or_skip<'a>(found: &'a Result<PathBuf, String>, what: &str, how: &str) -> Option<&'a Path> {
    match found {
        Ok(folder) => Some(folder),
        Err(why) => {
            let told = format!("no {what} ({why}): it takes {how}");
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{told}");
            eprintln!("skipped: {told}");
            None
        }
    }
}

/// A folder under `target/` that is there as soon as it is whole. One makes it, others wait.
fn once(name: &str, make: fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let target = WORKSPACE.join("target");
    let folder = target.join(name);
    let said = |error: std::io::Error| format!("{}: {error}", target.display());
    fs::create_dir_all(&target).map_err(said)?;
    let turn = File::create(target.join(format!("{name}.lock"))).map_err(said)?;
    turn.lock().map_err(said)?;
    let whole = folder.join("whole");
    if !whole.exists() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(said)?;
        make(&folder)?;
        File::create(whole).map_err(said)?;
    }
    Ok(folder)
}

fn make_python(folder: &Path) -> Result<(), String> {
    tried(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip = folder.join("bin/pip");
    tried(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check"]).args(PYTHON))
}

fn make_jaxws(folder: &Path) -> Result<(), String> {
    tried(Command::new("javac").arg("-version"))?;
    let mut download = Command::new("apt-get");
    download.args(["-qq", "download"]).args(JAXWS).current_dir(folder);
    if tried(&mut download).is_err() {
        // The lists of packages may be old or missing.
        tried(Command::new("apt-get").args(["-qq", "update"]))?;
        tried(&mut download)?;
    }
    let packages = fs::read_dir(folder).map_err(|error| error.to_string())?;
    for package in
        packages.flatten().map(|package| package.path()).filter(|p| p.extension().is_some_and(|e| e == "deb"))
    {
        tried(Command::new("dpkg").arg("-x").arg(&package).arg(folder))?;
        fs::remove_file(package).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn tried(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| format!("{name}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&done.stderr);
    Err(format!("{name}: {}", error.lines().rfind(|line| !line.is_empty()).unwrap_or("no reason given")))
}
