//! From bytes to a component that can be instantiated: checked, compiled or taken from the cache, and linked once. What is
//! wrong with a component is said here, at load, by name and with what to do; no request ever finds it out.

use std::sync::{Arc, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::{InstancePre, Linker};

use crate::bindings::ProcessIndices;
use crate::bindings::lifecycle::LifecycleOnlyIndices;
use crate::cache::{Code, hex};
use crate::engine::weight;
use crate::load::Known;
use crate::signature;
use crate::state::State;

const LISTENER: &str = "auricle:process/listener@0.1.0";
const LIFECYCLE: &str = "auricle:process/lifecycle@0.1.0";

/// What the host provides: packages by name, with the version that has to be compatible.
const PROVIDED: &[(&str, &str)] = &[
    ("auricle:process", "0.1"),
    ("wasi:cli", "0.2"),
    ("wasi:clocks", "0.2"),
    ("wasi:filesystem", "0.2"),
    ("wasi:http", "0.2"),
    ("wasi:io", "0.2"),
    ("wasi:random", "0.2"),
    ("wasi:sockets", "0.2"),
];

/// Why bytes are not a listener process that can be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Not WebAssembly at all.
    #[error("this is not WebAssembly: give the .wasm file that the build wrote")]
    NotWasm,
    /// A core module.
    #[error(
        "this is a core module, not a component: build it as a component (Rust: --target wasm32-wasip2; \
         others: `wasm-tools component new`)"
    )]
    CoreModule,
    /// Not valid.
    #[error("this component is broken: {why}; build it again")]
    Corrupt {
        /// What the validator says.
        why: String,
    },
    /// Exports no listener.
    #[error("this component does not export `{LISTENER}`{}", exports_hint(exports))]
    MissingListener {
        /// What it does export.
        exports: Vec<String>,
    },
    /// An import or export has not the type that it has here.
    #[error("`{name}` is not as this Auricle has it: {why}; {}", type_hint(name))]
    WrongType {
        /// The import or export.
        name: String,
        /// In what it differs.
        why: String,
    },
    /// Imports what is not provided.
    #[error("nothing provides the import `{name}`: {}", import_hint(name))]
    UnknownImport {
        /// The import.
        name: String,
    },
    /// Valid, but one instance would take more than this engine gives.
    #[error("this component is larger than this host takes: {why}")]
    TooLarge {
        /// What there is too much of.
        why: String,
    },
    /// The host itself went wrong.
    #[error("{0}")]
    Host(String),
}

fn exports_hint(exports: &[String]) -> String {
    if exports.iter().any(|e| e.starts_with("auricle:process/listener@")) {
        return format!(" but another version of it ({}): it was built for another Auricle", exports.join(", "));
    }
    let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    format!(
        " (it exports {found}): mark a function with #[listener] or build it for the world `auricle:process/process`"
    )
}

fn type_hint(name: &str) -> &'static str {
    if name.starts_with("auricle:process/") {
        "it may be built for a newer Auricle: build it with the SDK of this version"
    } else {
        "build it with a toolchain for WASI 0.2"
    }
}

fn import_hint(name: &str) -> &'static str {
    if name.starts_with("auricle:process/") {
        "it is built for a newer Auricle; build it with the SDK of this version"
    } else if name.starts_with("wasi:") {
        "this host has WASI 0.2 (cli, clocks, filesystem, http, io, random, sockets); build it without this interface"
    } else {
        "a listener process may import `auricle:process` 0.1 and WASI 0.2; compose what else it needs into the component"
    }
}

/// A compiled component, ready to be instantiated. Cloning shares it.
#[derive(Clone)]
pub struct Component(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    digest: String,
    imports: Vec<String>,
    weight: u32,
    known: Weak<Known>,
    /// Whether its machine code is a mapped file.
    mapped: bool,
    pub(crate) pre: InstancePre<State>,
    pub(crate) listener: ProcessIndices,
    pub(crate) lifecycle: Option<LifecycleOnlyIndices>,
}

impl Component {
    /// SHA-256 of the bytes it was made from, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// What it imports, as it names it: `auricle:process/sql@0.1.0`, `wasi:cli/environment@0.2.6`.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// Whether it exports `lifecycle`.
    pub fn has_lifecycle(&self) -> bool {
        self.0.lifecycle.is_some()
    }

    /// Permits of the engine that one instance takes.
    pub(crate) fn weight(&self) -> u32 {
        self.0.weight
    }
}

impl Component {
    /// Gives the pages back that were only looked at to link it and to make a first instance. Those of the code that is called
    /// come again, from memory, in a microsecond each: of thousands of components few are.
    pub(crate) fn settle(&self) {
        #[cfg(target_os = "linux")]
        if self.0.mapped {
            use rustix::mm::{Advice, madvise};

            let code = self.0.pre.component().image_range();
            let length = code.end.addr() - code.start.addr();
            #[expect(unsafe_code, reason = "there is no safe call for it")]
            // SAFETY: it is a mapping of a file that nothing has written to, and that nothing can write to since the code was
            // made ready to be run: each page that is given back is read again, the same.
            let settled = unsafe { madvise(code.start.cast_mut().cast(), length, Advice::LinuxDontNeed) };
            if let Err(error) = settled {
                tracing::debug!(%error, "pages of compiled code were not given back");
            }
        }
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("digest", &self.0.digest)
            .field("imports", &self.0.imports)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Finds out whether the component is a listener process, and resolves all that it imports.
    pub(crate) fn link(
        linker: &Linker<State>,
        Code { component, mapped }: Code,
        digest: String,
        room: u32,
        known: Weak<Known>,
    ) -> Result<Self, LoadError> {
        let engine = linker.engine();
        let ty = component.component_type();
        // What it exports comes first: something else altogether is not told to change its imports.
        if component.get_export_index(None, LISTENER).is_none() {
            return Err(LoadError::MissingListener {
                exports: ty.exports(engine).map(|(n, _)| n.to_owned()).collect(),
            });
        }
        let imports: Vec<String> = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
        if let Some(name) = imports.iter().find(|name| !is_provided(name)) {
            return Err(LoadError::UnknownImport { name: name.clone() });
        }
        let pre = linker.instantiate_pre(&component).map_err(|e| wrong_import(&imports, &e))?;
        let ty = linker.substituted_component_type(&component).map_err(|e| wrong_type(LISTENER, &e))?;
        let listener = ProcessIndices::new(&pre).map_err(|e| wrong_type(LISTENER, &e))?;
        signature::check_listener(engine, &ty).map_err(|why| mistyped(LISTENER, why))?;
        let lifecycle = match component.get_export_index(None, LIFECYCLE) {
            Some(_) => {
                signature::check_lifecycle(engine, &ty).map_err(|why| mistyped(LIFECYCLE, why))?;
                Some(LifecycleOnlyIndices::new(&pre).map_err(|e| wrong_type(LIFECYCLE, &e))?)
            }
            None => None,
        };
        let weight = component.resources_required().map_or(1, |r| weight(r.num_memories, r.num_tables));
        if weight > room {
            let why = format!("one instance takes the room of {weight}, and `max_instances` of the engine is {room}");
            return Err(LoadError::TooLarge { why });
        }
        Ok(Self { digest, imports, weight, known, mapped, pre, listener, lifecycle })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(known) = self.known.upgrade() {
            known.forget(&self.digest);
        }
    }
}

/// The digest by which a component is known.
pub(crate) fn digest(wasm: &[u8]) -> String {
    hex(&Sha256::digest(wasm))
}

/// Tells the usual mistakes apart, before the compiler says it in its own words.
pub(crate) fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    match wasm.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Err(LoadError::CoreModule),
        Some([0, b'a', b's', b'm', ..]) => Ok(()),
        _ => Err(LoadError::NotWasm),
    }
}

/// The runtime refuses in one breath what is wrong and what is too large for its pool. Only the words differ; a test keeps
/// them.
pub(crate) fn not_loaded(why: String) -> LoadError {
    if why.contains("pooling allocator") || why.contains("exceeds the limit") {
        LoadError::TooLarge { why }
    } else {
        LoadError::Corrupt { why }
    }
}

/// `auricle:process/sql@0.1.0`: whether there is a package of that name and a compatible version here.
fn is_provided(import: &str) -> bool {
    let Some((package, rest)) = import.split_once('/') else { return false };
    let Some((_, version)) = rest.split_once('@') else { return false };
    PROVIDED.iter().any(|(name, compatible)| {
        *name == package && version.strip_prefix(compatible).is_some_and(|rest| rest.starts_with('.'))
    })
}

fn wrong_type(name: &str, error: &wasmtime::Error) -> LoadError {
    mistyped(name, &format!("{error:#}"))
}

fn mistyped(name: &str, why: &str) -> LoadError {
    LoadError::WrongType { name: name.to_owned(), why: why.to_owned() }
}

/// Finds the import that the linker's message is about, and leaves the rest of the message.
fn wrong_import(imports: &[String], error: &wasmtime::Error) -> LoadError {
    let outer = error.to_string();
    let Some(name) = imports.iter().find(|name| outer.contains(&format!("`{name}`"))) else {
        return wrong_type("import", error);
    };
    let why: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    mistyped(name, &why.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_versions_are_provided() {
        assert!(is_provided("auricle:process/sql@0.1.0"));
        assert!(is_provided("auricle:process/sql@0.1.7"));
        assert!(is_provided("wasi:cli/environment@0.2.12"));
        for not in
            ["auricle:process/sql@0.2.0", "wasi:cli/environment@0.3.0", "wasi:keyvalue/store@0.2.0", "env", "a:b/c"]
        {
            assert!(!is_provided(not), "{not}");
        }
    }
}
