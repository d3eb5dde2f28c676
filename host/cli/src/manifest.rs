//! Which manifest a command is about, and the process that it names.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use auricle::{EngineConfig, Manifest};
use auricle_model::ProcessDecl;
use auricle_model::manifest::nearest;

use crate::report::WrongUse;

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

/// An engine that runs no server: it shares the host's compiled components, and is small.
pub(crate) fn engine_config(manifest: &Manifest) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(manifest.server.data_dir.join("cache")),
        max_instances: 128,
        ..EngineConfig::default()
    }
}
