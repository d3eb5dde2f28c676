//! `auricle dev`: builds, serves, and swaps in every change.
//!
//! The old version answers until the new one has been built, loaded and started; a change that does not build or cannot be
//! deployed is told, and the old version stays.

use std::collections::BTreeMap;
use std::fs;
use std::future::ready;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use auricle::{Host, Manifest, Problems};
use auricle_model::{Deployment, ServerConfig};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::serve;
use crate::build;
use crate::manifest::{self, Config};
use crate::report::{Status, Voice, millis, seconds};
use crate::signals::Stop;
use crate::watch::{Changes, Watch};

/// Build, serve, and swap in every change of a source, a package or the manifest
///
/// Requests in flight end in the version that they began with. While a change does not build, the last good version
/// answers.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle dev --config examples/inspect/auricle.toml")]
pub(crate) struct Args {
    #[command(flatten)]
    config: Config,
}

pub(crate) async fn run(args: Args, voice: Voice, sampling: f64) -> anyhow::Result<Status> {
    let stop = Stop::listen()?;
    let manifest = args.config.load()?;
    let mut watch = Watch::new(&manifest)?;
    let mut dev = Dev { config: args.config, voice, sampling, manifest, serving: None, unbuilt: Changes::default() };
    let working = async {
        dev.turn(Changes::all(), &mut watch).await;
        loop {
            let changes = watch.next().await;
            dev.turn(changes, &mut watch).await;
        }
    };
    // A build that goes on is ended with the rest.
    let _: Option<()> = stop.or(working).await;
    if let Some(serving) = dev.serving {
        serving.end().await;
    }
    Ok(Status::Done)
}

struct Dev {
    config: Config,
    voice: Voice,
    /// The share of requests that begin a trace.
    sampling: f64,
    /// The last one that could be read.
    manifest: Manifest,
    serving: Option<Serving>,
    /// What changed since everything was last built.
    unbuilt: Changes,
}

/// What answers.
struct Serving {
    host: Host,
    server: ServerConfig,
    version: Version,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What was deployed: the declarations, and the bytes of each package.
#[derive(PartialEq)]
struct Version {
    deployment: Deployment,
    packages: BTreeMap<String, Option<[u8; 32]>>,
}

impl Dev {
    /// Takes changes in. Whatever goes wrong is told, and the next change tries again.
    async fn turn(&mut self, changes: Changes, watch: &mut Watch) {
        let begun = Instant::now();
        self.unbuilt = std::mem::take(&mut self.unbuilt).and(changes);
        // One that could not be read is still among them, so that its correction is seen wherever it is made.
        let again = self.serving.is_none() || self.unbuilt.touch_manifest(&self.manifest);
        let taken = self.take_in(again, watch, begun).await;
        if let Err(error) = taken {
            self.voice.error(&error);
            self.voice.note(match self.serving {
                Some(_) => "the version before still answers; waiting for a change",
                None => "nothing is served yet; waiting for a change",
            });
        }
    }

    async fn take_in(&mut self, read: bool, watch: &mut Watch, begun: Instant) -> anyhow::Result<()> {
        if read {
            self.manifest = self.config.load().inspect_err(|error| follow_mistakes(error, watch))?;
            watch.follow(&self.manifest)?;
        }
        let everything = Changes::all();
        let changed = if read { &everything } else { &self.unbuilt };
        for step in build::plan(&self.manifest, |process| changed.touch_sources(process)) {
            build::run(&step, self.voice).await?;
        }
        self.unbuilt = Changes::default();
        // What was built may lie in a folder that was not there to be watched.
        watch.follow(&self.manifest)?;
        let version = Version::of(&self.manifest);
        match &mut self.serving {
            None => self.serving = Some(Serving::begin(&self.manifest, version, self.voice, self.sampling).await?),
            Some(serving) => serving.swap(&self.manifest, version, self.voice, begun).await?,
        }
        Ok(())
    }
}

/// A mistake may be in a file that only the new manifest includes.
fn follow_mistakes(error: &anyhow::Error, watch: &mut Watch) {
    let Some(Problems(problems)) = error.downcast_ref() else { return };
    let files: Vec<PathBuf> = problems.iter().filter_map(|p| p.location.as_ref()).map(|l| l.file.clone()).collect();
    for file in files {
        if let Err(error) = watch.follow_file(&file) {
            tracing::warn!("{error:#}");
        }
    }
}

impl Version {
    fn of(manifest: &Manifest) -> Self {
        let processes = manifest.deployment.processes.iter();
        let digest = |file: &PathBuf| fs::read(file).ok().map(|bytes| Sha256::digest(bytes).into());
        let packages = processes.map(|p| (p.name.clone(), build::package(p).and_then(digest))).collect();
        Self { deployment: manifest.deployment.clone(), packages }
    }

    /// The processes whose package is another one.
    fn changed(&self, before: &Self) -> Vec<&str> {
        let changed = self.packages.iter().filter(|(name, digest)| before.packages.get(*name) != Some(digest));
        changed.map(|(name, _)| name.as_str()).collect()
    }
}

impl Serving {
    async fn begin(manifest: &Manifest, version: Version, voice: Voice, sampling: f64) -> anyhow::Result<Self> {
        let engine = manifest::host_engine(manifest)?;
        let host = Host::builder().manifest(manifest.clone()).engine(engine).sampling(sampling).build().await?;
        let server = host.listen().await?;
        let deployed = match host.start().await {
            Ok(deployed) => deployed,
            Err(error) => {
                // The version before may have been serving since.
                server.run_until(ready(())).await;
                host.close().await;
                return Err(error.into());
            }
        };
        serve::announce(&host, &server, &deployed, voice);
        voice.note("watching for changes; Ctrl-C ends");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run_until(async {
            // Dropped or sent: both mean the end.
            let _ = stopped.await;
        }));
        Ok(Self { host, server: manifest.server.clone(), version, stop, task })
    }

    async fn swap(
        &mut self,
        manifest: &Manifest,
        version: Version,
        voice: Voice,
        begun: Instant,
    ) -> anyhow::Result<()> {
        if manifest.server != self.server {
            voice.note("[server] has changed: stop `auricle dev` and start it again for that");
            self.server = manifest.server.clone();
        }
        if version == self.version {
            return Ok(());
        }
        let deployed = self.host.deploy(manifest).await?;
        let took: Duration = begun.elapsed();
        let changed = version.changed(&self.version);
        let what = if changed.is_empty() { "the manifest".to_owned() } else { changed.join(", ") };
        voice.result(
            || format!("swapped {what} in {}", seconds(took)),
            || json!({ "swapped": changed, "version": deployed.version, "ms": millis(took) }),
        );
        self.version = version;
        Ok(())
    }

    async fn end(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the server ended badly");
        }
    }
}
