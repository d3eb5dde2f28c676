//! `auricle demo`: crm-sync from the source checkout, built, seeded with real companies, and served.
//!
//! Everything that it writes lies under `target/demo` of the checkout and is made anew each time, so that the example itself
//! stays as it is. One folder for each address: two demos at one time do not meet.

use std::fs;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use auricle::{EngineConfig, Host, HostService, Manifest};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Collected, Full};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::build;
use crate::manifest;
use crate::progress;
use crate::report::{Status, Voice, WrongUse, counted, millis, seconds};
use crate::signals::Stop;

/// See it work: six processes keep an ERP's database in step with a CRM
///
/// Builds examples/crm-sync of the source checkout, deploys it with an SQLite database of its own under target/demo, fills that
/// with real companies through the processes themselves, serves, and prints requests to paste. Ctrl-C ends it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle demo --listen 127.0.0.1:8080")]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9090")]
    listen: String,

    /// The checkout of Auricle's source; else that which this program was built from
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What the seed is: `examples/crm-sync/seed/README.md` says more.
const SEED: &str = "companies of the world's stock indices, from the PyPI package pytickersymbols 1.17.10, MIT licence";

/// Accounts that are on their way at one time.
const IN_FLIGHT: usize = 8;

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let checkout = checkout(args.dir.as_deref())?;
    let example = checkout.join("examples/crm-sync");
    let mut manifest = Manifest::load(&example.join("auricle.toml"))?;
    let seed = Seed::load(&example.join("seed/accounts.json"))?;
    let stop = Stop::listen()?;
    let building = async {
        for step in build::plan(&manifest, |_| true) {
            build::run(&step, voice).await?;
        }
        anyhow::Ok(())
    };
    let Some(()) = stop.or(building).await.transpose()? else { return Ok(Status::Done) };

    let address = free_address(&args.listen, voice)?;
    let place = checkout.join("target/demo");
    let data = place.join(address.to_string().replace(['[', ']', ':'], "-"));
    clear(&data)?;
    redirect(&mut manifest, address, &data)?;
    let serving = async {
        let engine = EngineConfig { cache_dir: Some(place.join("cache")), ..manifest::host_engine(&manifest)? };
        let host = Host::builder().manifest(manifest).engine(engine).build().await?;
        let server = host.listen().await?;
        host.start().await?;
        let took = seed.send(&host).await?;
        anyhow::Ok((server, took))
    };
    let Some((server, took)) = stop.or(serving).await.transpose()? else { return Ok(Status::Done) };

    let base = format!("http://{}", server.address());
    let count = seed.accounts.len();
    let requests = seed.requests(&base)?;
    voice.result(
        || {
            let rate = count as f64 / took.as_secs_f64();
            let seeded = format!("{} in {} ({rate:.0} a second)", counted(count, "account"), seconds(took));
            page(&base, &seeded, &requests, &data)
        },
        || json!({ "listening": base, "accounts": count, "seed": SEED, "ms": millis(took), "requests": requests }),
    );
    server.run_until(stop.wished()).await;
    Ok(Status::Done)
}

/// The root of the source checkout.
fn checkout(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = given.map_or_else(own, Path::to_owned);
    if root.join("examples/crm-sync/auricle.toml").is_file() {
        return fs::canonicalize(&root).with_context(|| format!("cannot use {}", root.display()));
    }
    let message = match given {
        Some(dir) => format!("{} is no checkout of Auricle: there is no examples/crm-sync in it", dir.display()),
        None => "the demo needs Auricle's source, and that which this program was built from is gone: clone it, and \
                 name it with --dir"
            .to_owned(),
    };
    Err(WrongUse(message).into())
}

/// The address that was asked for, or another port of it where that one is taken.
fn free_address(asked: &str, voice: Voice) -> anyhow::Result<SocketAddr> {
    if asked.to_socket_addrs().is_err() {
        return Err(WrongUse(format!("`{asked}` is no address: write --listen as HOST:PORT")).into());
    }
    let first = match TcpListener::bind(asked) {
        Ok(listener) => return Ok(listener.local_addr()?),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => error,
        Err(error) => return Err(error).with_context(|| format!("cannot listen on {asked}")),
    };
    let (host, _) = asked.rsplit_once(':').ok_or_else(|| anyhow!("write --listen as HOST:PORT"))?;
    let other =
        TcpListener::bind(format!("{host}:0")).with_context(|| format!("cannot listen on {asked} ({first})"))?;
    let address = other.local_addr()?;
    voice.note(format_args!("{asked} is taken: using port {} instead", address.port()));
    Ok(address)
}

/// Makes a folder, empty.
fn clear(folder: &Path) -> anyhow::Result<()> {
    let cleared = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    cleared.with_context(|| format!("cannot make the folder {} anew", folder.display()))
}

/// Gives the example an address, a data folder and a database of the demo's own.
fn redirect(manifest: &mut Manifest, address: SocketAddr, data: &Path) -> anyhow::Result<()> {
    let database = data.join("erp.db");
    let Some(database) = database.to_str().filter(|path| !path.contains(['?', '#', '%'])) else {
        bail!("the path {} can't be written as a database URL: move the checkout", database.display());
    };
    manifest.server.listen = address.to_string();
    manifest.server.admin_listen = format!("{}:0", ip(address));
    manifest.server.data_dir = data.join("store");
    for connection in &mut manifest.deployment.connections {
        connection.url = format!("sqlite://{database}");
    }
    Ok(())
}

/// The host part of an address, as it stands before a port.
fn ip(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

/// The accounts that the database is filled with.
struct Seed {
    accounts: Vec<Box<RawValue>>,
}

/// A request to paste.
#[derive(Serialize)]
struct Sample {
    what: String,
    curl: String,
}

/// What of an account the printed requests need.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    id: String,
    name: String,
}

impl Seed {
    fn load(file: &Path) -> anyhow::Result<Self> {
        let read = || anyhow::Ok(serde_json::from_slice(&fs::read(file)?)?);
        let accounts = read().with_context(|| format!("cannot read the seed {}", file.display()))?;
        Ok(Self { accounts })
    }

    /// Sends each as a request of its own, as the CRM would: through the router, into `account-create`. Says how long it took.
    async fn send(&self, host: &Host) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let bar = progress::bar(self.accounts.len(), "filling the database");
        let url = format!("{}/crm/Account", host.config().roots.rest);
        let mut sending = JoinSet::new();
        for account in &self.accounts {
            if sending.len() >= IN_FLIGHT {
                ended(&mut sending).await?;
                bar.inc(1);
            }
            sending.spawn(create(host.service(), url.clone(), account.get().to_owned().into()));
        }
        while !sending.is_empty() {
            ended(&mut sending).await?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(begun.elapsed())
    }

    /// Requests to paste, one for each process, about accounts that are there.
    fn requests(&self, base: &str) -> anyhow::Result<[Sample; 5]> {
        let key = |index: usize| -> anyhow::Result<Key> {
            // Spread over the list, so that the names are of several letters.
            let account = self.accounts.get(index * self.accounts.len() / 3).context("the seed is empty")?;
            Ok(serde_json::from_str(account.get())?)
        };
        let (one, changed, gone) = (key(0)?, key(1)?, key(2)?);
        let url = format!("{base}/ws/rest/crm/Account");
        let json = "-H 'Content-Type: application/json'";
        let body = r#"{"Name": "Edge Communications", "BillingCity": "Austin"}"#;
        let sample = |what: String, curl: String| Sample { what, curl };
        Ok([
            sample(format!("Get {}", one.name), format!("curl -i {url}/{}", one.id)),
            sample("Query by country".into(), format!("curl -i '{url}?BillingCountry=Switzerland'")),
            sample("Create".into(), format!("curl -i {url} {json} -d '{body}'")),
            sample(
                format!("Update {}", changed.name),
                format!("curl -i -X PATCH {url}/{} {json} -d '{{\"Phone\": \"+1 555 0100\"}}'", changed.id),
            ),
            sample(format!("Delete {}", gone.name), format!("curl -i -X DELETE {url}/{}", gone.id)),
        ])
    }
}

async fn ended(sending: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    sending.join_next().await.map_or(Ok(()), |sent| sent?)
}

async fn create(mut host: HostService, url: String, account: Bytes) -> anyhow::Result<()> {
    let shown = String::from_utf8_lossy(&account).into_owned();
    let request = Request::post(url)
        .header("Content-Type", "application/json")
        .body(Full::new(account))
        .context("the request")?;
    let response = match host.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    if status != StatusCode::CREATED {
        let answer = response.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        bail!("the account {shown} was answered with {status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(())
}

fn page(base: &str, seeded: &str, requests: &[Sample], data: &Path) -> String {
    let requests: String = requests.iter().map(|Sample { what, curl }| format!("{what}:\n  {curl}\n\n")).collect();
    format!(
        "listening on {base}

The CRM sent {seeded}, one request each:
{SEED}.
The ERP's database is {database}.

Requests to paste in another terminal:

{requests}Where to go next: examples/crm-sync/README.md is what you see here; `auricle new my-process` begins one of your own;
README.md has the rest. Ctrl-C ends the demo.",
        database = data.join("erp.db").display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_moved_to_folders_of_its_own() {
        let root = checkout(None).unwrap();
        let mut manifest = Manifest::load(&root.join("examples/crm-sync/auricle.toml")).unwrap();
        redirect(&mut manifest, "[::1]:9090".parse().unwrap(), Path::new("/x/demo")).unwrap();
        assert_eq!((&*manifest.server.listen, &*manifest.server.admin_listen), ("[::1]:9090", "[::1]:0"));
        assert_eq!(manifest.server.data_dir, Path::new("/x/demo/store"));
        assert_eq!(manifest.deployment.connections[0].url, "sqlite:///x/demo/erp.db");
        assert!(redirect(&mut manifest, "127.0.0.1:1".parse().unwrap(), Path::new("/what?/demo")).is_err());
    }

    #[test]
    fn the_requests_are_about_accounts_of_the_seed() {
        let file = checkout(None).unwrap().join("examples/crm-sync/seed/accounts.json");
        let text = fs::read_to_string(&file).unwrap();
        let requests = Seed::load(&file).unwrap().requests("http://h").unwrap();
        for Sample { what, curl } in requests {
            assert!(curl.contains("http://h/ws/rest/crm/Account"), "{curl}");
            if let Some((_, id)) = curl.split_once("/Account/") {
                assert!(text.contains(&id[..18]), "{what}: {curl}");
            }
        }
    }

    #[test]
    fn a_taken_port_is_replaced_by_a_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = taken.local_addr().unwrap();
        let other = free_address(&asked.to_string(), Voice::new(false)).unwrap();
        assert_eq!(other.ip(), asked.ip());
        assert_ne!(other.port(), asked.port());
        assert!(free_address("nonsense", Voice::new(false)).is_err());
    }

    #[test]
    fn a_folder_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("9090");
        clear(&data).unwrap();
        fs::write(data.join("x"), "").unwrap();
        clear(&data).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }
}
