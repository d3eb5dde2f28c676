//! Which manifest a command is about, and the process that it names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use auricle::{Compiler, EngineConfig, Manifest};
use auricle_model::ProcessDecl;
use auricle_model::manifest::nearest;

use crate::progress;
use crate::report::WrongUse;

/// What this program is started with to compile one component. It is for the program itself, so no command says so.
pub(crate) const COMPILE: &str = "compile-component";

/// The manifest's usual name.
const USUAL: &str = "auricle.toml";

/// The manifest that a command is about.
#[derive(clap::Args)]
pub(crate) struct Config {
    /// The manifest
    #[arg(long, value_name = "FILE", default_value = USUAL)]
    pub(crate) config: PathBuf,
}

impl Config {
    /// Reads it.
    pub(crate) fn load(&self) -> anyhow::Result<Manifest> {
        if self.config == Path::new(USUAL) && !self.config.exists() {
            return Err(anyhow!(
                "there is no {USUAL} here: name a manifest with `--config FILE`, or make a process with `auricle new`"
            ));
        }
        Ok(Manifest::load(&self.config)?)
    }

    /// Reads it, unless nobody named one and none is here.
    pub(crate) fn load_if_there(&self) -> anyhow::Result<Option<Manifest>> {
        if self.config == Path::new(USUAL) && !self.config.exists() {
            return Ok(None);
        }
        self.load().map(Some)
    }
}

/// The process of this name, or a wrong use that names the nearest.
pub(crate) fn process<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a ProcessDecl, WrongUse> {
    let deployment = &manifest.deployment;
    deployment.process(name).ok_or_else(|| {
        let known: Vec<&str> = deployment.processes.iter().map(|p| p.name.as_str()).collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it declares none".to_owned(),
            None => format!("it has {}", known.join(", ")),
        };
        WrongUse(format!("{} has no process `{name}`: {hint}", manifest.file.display()))
    })
}

/// The engine of a host: components are compiled by this program in processes of their own.
pub(crate) fn host_engine(manifest: &Manifest) -> anyhow::Result<EngineConfig> {
    let compiler = Compiler::this_program([COMPILE]).context("cannot find this program, to compile with it")?;
    Ok(EngineConfig {
        cache_dir: Some(manifest.server.data_dir.join("cache")),
        compiler: Some(compiler),
        progress: progress::compilations(),
        ..EngineConfig::default()
    })
}

/// An engine that runs no server: it shares the host's compiled components, and is small.
pub(crate) fn small_engine(manifest: &Manifest) -> anyhow::Result<EngineConfig> {
    Ok(EngineConfig { max_instances: Some(128), ..host_engine(manifest)? })
}

/// Lets this program open as many files as it may: each package that is loaded takes one. Not for commands that run others' builds.
pub(crate) fn many_files() {
    if let Err(error) = auricle::raise_file_limit() {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
