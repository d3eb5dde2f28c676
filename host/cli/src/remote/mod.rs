//! A running host, as the commands that ask one have it: where its admin API is, and the token that is shown there.
//!
//! What is not said on the command line or by the environment comes from the manifest here, if there is one: a host on
//! this machine needs neither `--server` nor `--token`.

mod client;
mod error;
mod lines;
mod sending;

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context as _;
use auricle::{Manifest, ServerConfig};
use auricle_model::manifest::environment;
use http::Uri;
use http::uri::Authority;

pub(crate) use self::client::{Client, segment, with_query};
pub(crate) use self::error::RemoteError;
pub(crate) use self::lines::Lines;
pub(crate) use self::sending::Sending;
use crate::manifest::Config;
use crate::report::WrongUse;

/// Where a host's admin API is when nobody says: that of a manifest without settings.
const USUAL: &str = "http://127.0.0.1:9091";

/// The file in the data folder that a host writes its first token to.
pub(crate) const TOKEN_FILE: &str = "admin-token";

/// Which host a command asks.
#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Host")]
pub(crate) struct Access {
    /// Where its admin API is [default: the manifest's `admin-listen`, else http://127.0.0.1:9091]
    #[arg(long, value_name = "URL", env = "AURICLE_SERVER")]
    server: Option<String>,

    /// What it knows you by [default: the file `admin-token` in the manifest's `data-dir`]
    #[arg(long, value_name = "TOKEN", env = "AURICLE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// Which host a command asks that needs no manifest beside.
#[derive(clap::Args)]
pub(crate) struct Remote {
    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    config: Config,
}

/// Which environment of it.
#[derive(clap::Args)]
pub(crate) struct Environment {
    /// The environment
    #[arg(long, value_name = "NAME", env = "AURICLE_ENVIRONMENT", default_value = "default", value_parser = environment)]
    pub(crate) environment: String,
}

impl Remote {
    /// Makes ready to ask the host. Nothing is sent yet.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let manifest = if self.access.is_whole() { None } else { self.config.load_if_there()? };
        self.access.client(manifest.as_ref())
    }
}

impl Access {
    /// Whether no manifest has to be looked at.
    pub(crate) fn is_whole(&self) -> bool {
        given(&self.server).is_some() && given(&self.token).is_some()
    }

    /// Makes ready to ask the host; a manifest says what is not said otherwise. Nothing is sent yet.
    pub(crate) fn client(&self, manifest: Option<&Manifest>) -> anyhow::Result<Client> {
        let server = match given(&self.server) {
            Some(server) => base(server)?,
            None => match manifest {
                Some(manifest) => here(&manifest.server)?,
                None => USUAL.to_owned(),
            },
        };
        let token = match (given(&self.token), manifest) {
            (Some(token), _) => Some(Token { text: token.to_owned(), origin: "--token or AURICLE_TOKEN".into() }),
            (None, Some(manifest)) if is_of(&server, &manifest.server) => {
                from_file(&manifest.server.data_dir.join(TOKEN_FILE))?
            }
            (None, _) => None,
        };
        Client::new(server, token)
    }
}

/// A variable of the environment that is set to nothing says nothing.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// What a host knows the caller by.
pub(crate) struct Token {
    pub(crate) text: String,
    /// Where it came from, for errors.
    pub(crate) origin: String,
}

/// The token that a host left in its data folder. One who may not read it goes without: the host says what it wants then.
fn from_file(file: &Path) -> anyhow::Result<Option<Token>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(Token { text: text.trim().to_owned(), origin: file.display().to_string() })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the admin token in {}", file.display())),
    }
}

/// The address that a manifest has a host listen on, as it is reached from here.
fn here(server: &ServerConfig) -> Result<String, WrongUse> {
    let listen = &server.admin_listen;
    let Some((host, port)) = listen.rsplit_once(':') else { return Ok(format!("http://{listen}")) };
    if port == "0" {
        let message =
            format!("`admin-listen` takes a free port ({listen}): name the host with --server http://HOST:PORT");
        return Err(WrongUse(message));
    }
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    Ok(format!("http://{host}:{port}"))
}

/// A server as given: a URL without a path, or `HOST:PORT`.
fn base(given: &str) -> Result<String, WrongUse> {
    let whole = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let uri = whole.parse::<Uri>().ok().filter(|uri| {
        let plain = uri.path().is_empty() || uri.path() == "/";
        plain && uri.query().is_none() && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    });
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("http" | "https") => Ok(whole.trim_end_matches('/').to_owned()),
        _ => Err(WrongUse(format!("--server `{given}` is no address: write http://HOST:PORT, or https://HOST"))),
    }
}

/// Whether a server is that of a manifest, so that its token may be shown there: one on this machine, or the address that
/// the manifest names. A token that is not for a server is not sent to it.
fn is_of(server: &str, manifest: &ServerConfig) -> bool {
    if here(manifest).is_ok_and(|own| own == server) {
        return true;
    }
    let authority = server.parse::<Uri>().ok().and_then(|uri| uri.authority().map(Authority::host).map(str::to_owned));
    authority.is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(server: &str) -> Manifest {
        Manifest::parse("auricle.toml", &format!("[server]\n{server}\n"), Path::new("/nowhere")).unwrap()
    }

    fn asked(server: Option<&str>, manifest: Option<&Manifest>) -> Result<String, String> {
        let access = Access { server: server.map(str::to_owned), token: None };
        access.client(manifest).map(|client| client.server().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_server_is_the_one_that_is_named_or_that_of_the_manifest() {
        assert_eq!(asked(None, None).unwrap(), USUAL);
        assert_eq!(asked(None, Some(&manifest(""))).unwrap(), USUAL);
        assert_eq!(asked(None, Some(&manifest("admin-listen = \"0.0.0.0:7\""))).unwrap(), "http://127.0.0.1:7");
        let free = manifest("admin-listen = \"127.0.0.1:0\"");
        assert!(asked(None, Some(&free)).unwrap_err().contains("--server"));
        assert_eq!(asked(Some("erp.example:9091"), Some(&free)).unwrap(), "http://erp.example:9091");
        assert_eq!(asked(Some("https://erp.example/"), None).unwrap(), "https://erp.example");
        assert_eq!(asked(Some(""), None).unwrap(), USUAL);
        for wrong in ["ftp://a", "http://a/path", "http://u:p@a", "http://"] {
            assert!(asked(Some(wrong), None).unwrap_err().contains("http://HOST:PORT"), "{wrong}");
        }
    }

    #[test]
    fn the_token_of_a_manifest_goes_nowhere_else() {
        let config = manifest("admin-listen = \"10.0.0.5:9091\"").server;
        for (server, own) in [
            ("http://10.0.0.5:9091", true),
            ("http://127.0.0.1:7", true),
            ("http://[::1]:7", true),
            ("http://localhost:7", true),
            ("http://10.0.0.6:9091", false),
            ("https://erp.example", false),
            ("http://localhost.example:7", false),
        ] {
            assert_eq!(is_of(server, &config), own, "{server}");
        }
    }
}
