//! Makes connections: name look-up, the check of the addresses, TCP, TLS, HTTP/1.1. All of it within one time limit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::client::conn::http1::{self, SendRequest};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::io::TokioIo;

use super::address::is_private;
use super::fault::{Fault, Stage};
use super::rules::{Rule, Server};
use super::{ADDRESS_TIMEOUT, CONNECT_TIMEOUT};

/// What all calls of an engine share: the TLS settings, with the certificates that the system trusts (or `SSL_CERT_FILE`).
#[derive(Clone, Default)]
pub(crate) struct Client {
    tls: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl Client {
    /// Loads nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With TLS settings of one's own.
    #[cfg(test)]
    pub(super) fn with_tls(config: ClientConfig) -> Self {
        Self { tls: Arc::new(OnceCell::from(Arc::new(config))) }
    }

    async fn tls(&self) -> io::Result<TlsConnector> {
        let load = || async { tokio::task::spawn_blocking(load_tls).await.map_err(io::Error::other)? };
        self.tls.get_or_try_init(load).await.map(|config| TlsConnector::from(Arc::clone(config)))
    }
}

/// Reads the system's certificates.
fn load_tls() -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let message = "this system has no trusted certificates; install them (ca-certificates) or set SSL_CERT_FILE";
        return Err(io::Error::other(message));
    }
    // The provider is named, so that no other part of the program can change it.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A connection with HTTP on it. Dropping it closes it.
pub(super) struct Link {
    pub(super) sender: SendRequest<WasiBody>,
    driver: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A new connection to an allowed server.
pub(super) async fn connect(client: &Client, rule: &Rule, server: &Server, limit: Instant) -> Result<Link, Fault> {
    let limit = limit.min(Instant::now() + CONNECT_TIMEOUT);
    timeout_at(limit, connect_unlimited(client, rule, server)).await.map_err(|_| Fault::Timeout(Stage::Connecting))?
}

async fn connect_unlimited(client: &Client, rule: &Rule, server: &Server) -> Result<Link, Fault> {
    let addresses = look_up(server, rule.private()).await?;
    let tcp = reach(&addresses).await.map_err(|error| Fault::Connect { server: server.to_string(), error })?;
    // Requests are written whole: waiting for more to send along only delays them.
    tcp.set_nodelay(true).map_err(|error| Fault::Connect { server: server.to_string(), error })?;
    if !server.https {
        return start(tcp).await;
    }
    let tls = |error| Fault::Tls { server: server.to_string(), error };
    let name = ServerName::try_from(server.host.clone()).map_err(|e| tls(io::Error::other(e)))?;
    start(client.tls().await.map_err(tls)?.connect(name, tcp).await.map_err(tls)?).await
}

async fn start<T>(stream: T) -> Result<Link, Fault>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Fault::Broken)?;
    // How it ends is told to whoever waits for an answer.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Link { sender, driver })
}

/// The addresses that may be connected to. All of a name's addresses being private is an error of its own.
async fn look_up(server: &Server, private: bool) -> Result<Vec<SocketAddr>, Fault> {
    let found: Vec<SocketAddr> = match server.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, server.port)],
        Err(_) => {
            let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
            found.map_err(|error| Fault::Name { host: server.host.clone(), error })?.collect()
        }
    };
    if found.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "it has no addresses");
        return Err(Fault::Name { host: server.host.clone(), error });
    }
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| private || !is_private(address.ip())).collect();
    if allowed.is_empty() { Err(Fault::Private(server.to_string())) } else { Ok(allowed) }
}

/// The first address that answers.
async fn reach(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no addresses");
    for address in addresses {
        match timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
