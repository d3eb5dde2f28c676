//! `auricle serve`: what a manifest declares, until told to stop.

use std::future::ready;
use std::net::SocketAddr;
use std::path::PathBuf;

use auricle::{Deployed, Host, Server};
use auricle_model::manifest::environment;
use serde_json::json;

use crate::manifest::{self, Config};
use crate::remote::TOKEN_FILE;
use crate::report::{Status, Voice};
use crate::signals::Stop;

/// Serve what a manifest declares
///
/// Deploys the manifest if it or a package changed since it was last deployed; otherwise what is active stays. The first
/// line on standard output is `listening on http://HOST:PORT`. Ctrl-C or SIGTERM lets requests in flight finish; a second
/// one ends at once.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle build && auricle serve --config auricle.toml")]
pub(crate) struct Args {
    #[command(flatten)]
    config: Config,

    /// The environment to serve, whichever the manifest says
    #[arg(long, value_name = "NAME", value_parser = environment)]
    environment: Option<String>,
}

pub(crate) async fn run(args: Args, voice: Voice, sampling: f64) -> anyhow::Result<Status> {
    let stop = Stop::listen()?;
    let mut manifest = args.config.load()?;
    if let Some(environment) = args.environment {
        manifest.server.environment = environment;
    }
    manifest::many_files();
    let engine = manifest::host_engine(&manifest)?;
    let host = Host::builder().manifest(manifest).engine(engine).sampling(sampling).build().await?;
    // Before anything is started, so that health says "starting" while components compile.
    let server = host.listen().await?;
    let deployed = match stop.or(host.start()).await {
        Some(Ok(deployed)) => deployed,
        // The version before may have been serving since: what it was asked is finished.
        None => {
            server.run_until(ready(())).await;
            return Ok(Status::Done);
        }
        Some(Err(error)) => {
            server.run_until(ready(())).await;
            return Err(error.into());
        }
    };
    tracing::info!(version = deployed.version, new = deployed.new, "deployed");
    let admin = url(server.admin_address());
    match token(&host) {
        Some(token) => tracing::info!("the admin API is on {admin}, a token for it in {}", token.display()),
        None => tracing::info!("the admin API is on {admin}"),
    }
    announce(&host, &server, &deployed, voice);
    server.run_until(stop.wished()).await;
    Ok(Status::Done)
}

/// Says where requests are taken: the first line on standard output.
pub(crate) fn announce(host: &Host, server: &Server, deployed: &Deployed, voice: Voice) {
    let (address, admin) = (url(server.address()), url(server.admin_address()));
    voice.result(
        || format!("listening on {address}"),
        || {
            json!({
                "listening": address,
                "admin": admin,
                "admin-token": token(host).map(|file| file.display().to_string()),
                "version": deployed.version,
                "new": deployed.new,
            })
        },
    );
}

/// Where the host wrote its first token, unless that was taken away.
fn token(host: &Host) -> Option<PathBuf> {
    Some(host.config().data_dir.join(TOKEN_FILE)).filter(|file| file.exists())
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
