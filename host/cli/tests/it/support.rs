//! What the tests have in common: a folder to work in, the program, and a component to run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// A folder with manifests, gone at the end.
pub(crate) struct Folder(tempfile::TempDir);

/// What the program came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With an `auricle.toml`.
    pub(crate) fn with(manifest: &str) -> Self {
        let folder = Self::new();
        folder.write("auricle.toml", manifest);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, to be run in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auricle"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        for name in ["AURICLE_LOG", "RUST_LOG", "AURICLE_SERVER", "AURICLE_TOKEN", "AURICLE_ENVIRONMENT"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().unwrap())
    }
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

pub(crate) fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The bytes of `examples/inspect`, built by the program itself.
pub(crate) fn inspect() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let manifest = checkout().join("examples/inspect/auricle.toml");
        let said = Folder::new().run(&["build", "--config", manifest.to_str().unwrap()]);
        assert_eq!(said.status, 0, "{said:?}");
        fs::read(checkout().join("target/wasm32-wasip2/release/inspect.wasm")).unwrap()
    })
}

/// A manifest of one process `inspect`, with more lines for it, on free ports.
pub(crate) fn manifest(more: &str) -> String {
    format!(
        r#"[server]
listen = "127.0.0.1:0"
admin-listen = "127.0.0.1:0"

[[process]]
name = "inspect"
package = "inspect.wasm"
type = "execute"
object = "inspect"
input = "single-data"
output = "single-data"
{more}
"#
    )
}

/// A folder with that manifest and the component.
pub(crate) fn ready(more: &str) -> Folder {
    let folder = Folder::with(&manifest(more));
    folder.write("inspect.wasm", inspect());
    folder
}
