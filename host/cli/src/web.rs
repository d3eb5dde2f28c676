//! The program's HTTP client: for the admin API of hosts and for collectors of traces. Plain HTTP and HTTPS, with the
//! certificates that the system trusts; a system that has none can still speak plain HTTP.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

/// A client that sends bodies of one type. Clones share its connections.
pub(crate) type Client<B> = legacy::Client<HttpsConnector<HttpConnector>, B>;

/// The longest that a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(10);

/// A client without connections yet.
pub(crate) fn client<B>() -> anyhow::Result<Client<B>>
where
    B: Body<Data = Bytes> + Send,
{
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_nodelay(true);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    Ok(legacy::Client::builder(TokioExecutor::new()).build(connector))
}
