//! `auricle new`: a listener process with its test and its manifest, ready to be built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use auricle_model::OperationKind;
use serde_json::json;

use crate::report::{Status, Voice, WrongUse};
use crate::template::{self, Source};

/// Make a new listener process
///
/// Writes a folder with the source of a process, its test, and the manifest that serves it.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  auricle new account-get --lang rust --type get --object Account\n  cd account-get && auricle dev"
)]
pub(crate) struct Args {
    /// Name of the process, of its folder and of its API
    #[arg(value_name = "NAME")]
    name: String,

    /// The language: rust
    #[arg(long, default_value = "rust")]
    lang: String,

    /// What the operation does: get, query, create, update, upsert, delete or execute
    #[arg(long = "type", value_name = "TYPE", default_value = "get")]
    kind: OperationKind,

    /// The object that it does it with
    #[arg(long, default_value = "Account")]
    object: String,

    /// The folder to make, else NAME
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,

    /// The Rust SDK: the folder guest-sdk/rust of a checkout of Auricle
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

/// Languages that a later version speaks.
const LATER: [&str; 4] = ["javascript", "python", "go", "c"];

pub(crate) fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let made = make(args)?;
    let (shown, curl) = (made.folder.display(), &made.curl);
    voice.result(
        || format!("made {shown}\n\nNext:\n  cd {shown}\n  auricle dev\n\nand in another terminal:\n  {curl}"),
        || json!({ "folder": made.folder, "files": made.files, "curl": curl }),
    );
    Ok(Status::Done)
}

/// What was written, and a request to try it with.
struct Made {
    folder: PathBuf,
    files: Vec<&'static str>,
    curl: String,
}

fn make(args: Args) -> anyhow::Result<Made> {
    language(&args.lang)?;
    package_name(&args.name)?;
    object(&args.object)?;
    let sdk = dependency(&sdk(args.sdk.as_deref())?)?;
    let shape = Shape::of(args.kind);
    let curl = shape.curl(&args.name, &args.object);
    let folder = args.path.unwrap_or_else(|| args.name.clone().into());
    if folder.exists() {
        return Err(
            WrongUse(format!("{} is there already: choose another folder with --path", folder.display())).into()
        );
    }

    let values = [
        ("name", &*args.name),
        ("crate", &args.name.replace('-', "_")),
        ("type", args.kind.name()),
        ("object", &args.object),
        ("input", shape.input),
        ("output", shape.output),
        ("method", shape.method),
        ("path", shape.path),
        ("sdk", &sdk),
        ("curl", &curl),
    ];
    let files = template::rust(shape.source);
    for file in &files {
        let path = folder.join(file.path);
        let write = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, file.render(&values))
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Made { folder, files: files.iter().map(|file| file.path).collect(), curl })
}

/// What follows from the type of the operation.
struct Shape {
    source: Source,
    method: &'static str,
    path: &'static str,
    input: &'static str,
    output: &'static str,
}

impl Shape {
    fn of(kind: OperationKind) -> Self {
        use OperationKind as Kind;
        let (source, method, path) = match kind {
            Kind::Get => (Source::ById, "GET", "{id}"),
            Kind::Delete => (Source::ById, "DELETE", "{id}"),
            Kind::Query => (Source::Query, "GET", ""),
            Kind::Create | Kind::Execute => (Source::Document, "POST", ""),
            Kind::Update => (Source::Document, "PATCH", "{id}"),
            Kind::Upsert => (Source::Document, "PUT", "{id}"),
        };
        let (input, output) = match source {
            Source::ById => ("none", "single-json"),
            Source::Query => ("none", "multiple-json"),
            Source::Document => ("single-json", "single-json"),
        };
        Self { source, method, path, input, output }
    }

    /// A request to try.
    fn curl(&self, name: &str, object: &str) -> String {
        let url = format!("http://127.0.0.1:9090/ws/rest/{name}/{object}");
        let method = if self.method == "GET" { String::new() } else { format!("-X {} ", self.method) };
        let id = if self.path.is_empty() { "" } else { "/42" };
        match self.source {
            Source::ById => format!("curl -i {method}{url}{id}"),
            Source::Query => format!("curl -i '{url}?q=a'"),
            Source::Document => {
                format!("curl -i {method}{url}{id} -H 'Content-Type: application/json' -d '{{\"Name\":\"Acme\"}}'")
            }
        }
    }
}

fn language(given: &str) -> Result<(), WrongUse> {
    match given {
        "rust" => Ok(()),
        later if LATER.contains(&later) => Err(WrongUse(format!("`--lang {later}` is not in this version; rust is"))),
        other => Err(WrongUse(format!("`--lang {other}` is unknown: rust is what there is"))),
    }
}

/// The name is a process's, a cargo package's, a crate's and a segment of a URL.
fn package_name(name: &str) -> Result<(), WrongUse> {
    const TAKEN: &[&str] = &[
        "abstract",
        "alloc",
        "as",
        "async",
        "auricle-guest",
        "await",
        "become",
        "box",
        "break",
        "const",
        "continue",
        "core",
        "crate",
        "do",
        "dyn",
        "else",
        "enum",
        "extern",
        "false",
        "final",
        "fn",
        "for",
        "gen",
        "if",
        "impl",
        "in",
        "let",
        "loop",
        "macro",
        "match",
        "mod",
        "move",
        "mut",
        "override",
        "priv",
        "proc-macro",
        "pub",
        "ref",
        "return",
        "self",
        "serde-json",
        "static",
        "std",
        "struct",
        "super",
        "test",
        "trait",
        "tracing",
        "true",
        "try",
        "type",
        "typeof",
        "unsafe",
        "unsized",
        "use",
        "virtual",
        "where",
        "while",
        "yield",
    ];
    if TAKEN.contains(&&*name.replace('_', "-")) {
        return Err(WrongUse(format!("`{name}` means something to Rust: choose another name, such as `my-{name}`")));
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(WrongUse(format!("`{name}` is no name for a process: begin with a letter, go on with a-z, 0-9, `-` and `_`")))
}

/// Narrower than a manifest takes it: the name stands in source code and in URLs as it is.
fn object(name: &str) -> Result<(), WrongUse> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(WrongUse(format!("`{name}` is no name for an object here: use letters, digits, `_` and `-`")))
}

/// The folder of the SDK: given, or that of the checkout that this program was built from.
fn sdk(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/rust");
    let folder = given.map_or_else(own, Path::to_owned);
    if folder.join("Cargo.toml").is_file() {
        return fs::canonicalize(&folder).with_context(|| format!("cannot use {}", folder.display()));
    }
    let message = match given {
        Some(folder) => format!("{} holds no Cargo.toml: --sdk names guest-sdk/rust of a checkout", folder.display()),
        None => "the checkout that this program was built from is gone, and the Rust SDK is not on a registry yet: \
                 name the folder guest-sdk/rust of a checkout with --sdk PATH"
            .to_owned(),
    };
    Err(WrongUse(message).into())
}

/// The SDK as a dependency in TOML.
fn dependency(sdk: &Path) -> anyhow::Result<String> {
    let Some(path) = sdk.to_str().filter(|path| !path.contains(['\'', '\n'])) else {
        bail!("the path {} can't be written into Cargo.toml: name another one with --sdk", sdk.display());
    };
    Ok(format!("{{ path = '{path}' }}"))
}

#[cfg(test)]
mod tests {
    use auricle::Manifest;

    use super::*;

    fn made(kind: OperationKind) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made");
        let args = Args {
            name: "my-process".into(),
            lang: "rust".into(),
            kind,
            object: "Account".into(),
            path: Some(path.clone()),
            sdk: None,
        };
        assert_eq!(make(args).unwrap().files.len(), 5);
        (folder, path)
    }

    #[test]
    fn each_type_makes_a_right_manifest_and_leaves_no_placeholder() {
        for kind in OperationKind::NAMES {
            let (_folder, path) = made(kind.parse().unwrap());
            let manifest = Manifest::load(&path.join("auricle.toml")).unwrap();
            let process = &manifest.deployment.processes[0];
            assert_eq!((process.name.as_str(), process.operation.kind.name()), ("my-process", *kind));
            assert!(crate::build::package(process).unwrap().ends_with("my_process.wasm"));
            for file in ["Cargo.toml", "auricle.toml", "README.md", ".gitignore", "src/lib.rs"] {
                let text = fs::read_to_string(path.join(file)).unwrap();
                let open = text.split("{{").nth(1).and_then(|t| t.split_once("}}")).map(|(name, _)| name);
                assert!(open.is_none_or(|name| name.contains([' ', '\n'])), "{kind} {file}: {open:?}");
            }
        }
    }

    #[test]
    fn routes_take_an_id_where_the_type_is_about_one() {
        let route = |kind: OperationKind| {
            let (_folder, path) = made(kind);
            let manifest = Manifest::load(&path.join("auricle.toml")).unwrap();
            let route = &manifest.deployment.apis[0].rest[0];
            (route.method.clone(), route.path.clone())
        };
        assert_eq!(route(OperationKind::Get), ("GET".into(), "{id}".into()));
        assert_eq!(route(OperationKind::Query), ("GET".into(), String::new()));
        assert_eq!(route(OperationKind::Upsert), ("PUT".into(), "{id}".into()));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in ["account-get", "a", "a_b2"] {
            assert!(package_name(name).is_ok(), "{name}");
        }
        for name in ["", "2a", "-a", "Account", "a.b", "a/b", "../x", "test", "tracing", "serde_json", "é"] {
            assert!(package_name(name).is_err(), "{name}");
        }
        assert!(object("Account").is_ok() && object("a\"b").is_err() && object("{x}").is_err() && object("").is_err());
        assert!(language("python").unwrap_err().to_string().contains("not in this version; rust is"));
    }
}
