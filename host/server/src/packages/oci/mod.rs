//! Packages in registries that speak the distribution protocol of the Open Container Initiative.
//!
//! A package is an artifact with one layer, the component (`application/wasm`): so its manifest, a few hundred bytes, tells
//! its digest, and the bytes are fetched only where they are needed. Registries on this machine are spoken to by HTTP, the
//! others by HTTPS.

mod credentials;
mod error;
mod push;

use std::net::IpAddr;
use std::sync::Arc;

use auricle_model::OciReference;
use auricle_store::Digest;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use oci_client::{Client, Reference};
use oci_wasm::WASM_LAYER_MEDIA_TYPE;
use tokio::sync::OnceCell;

use self::credentials::Credentials;
use crate::limits::{PACKAGE_BYTES, REGISTRY_CONNECT, REGISTRY_SILENCE};

pub use error::RegistryError;
pub use push::Pushed;

/// The annotation of an artifact's manifest that holds the signature of its package.
const SIGNATURE: &str = "dev.auricle.signature";
/// Set to `1`, it has every registry spoken to by HTTP.
const INSECURE: &str = "AURICLE_OCI_INSECURE";

/// A registry, and what it is told of who asks.
///
/// Credentials are those of `AURICLE_OCI_USERNAME` and `AURICLE_OCI_PASSWORD`, else those that Docker's configuration has for
/// it, else none.
pub struct Registry {
    name: String,
    client: Client,
    credentials: Credentials,
}

impl Registry {
    /// The registry `HOST` or `HOST:PORT`. Nothing is sent yet; a credential helper of Docker's may be run.
    ///
    /// # Errors
    ///
    /// The system's certificates cannot be used.
    pub async fn open(name: &str) -> Result<Self, RegistryError> {
        let credentials = Credentials::of(name).await;
        let plain = is_local(name) || std::env::var_os(INSECURE).is_some_and(|value| value == "1");
        let config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            use_monolithic_push: true,
            // An index of several artifacts is no package, on no platform.
            platform_resolver: None,
            connect_timeout: Some(REGISTRY_CONNECT),
            read_timeout: Some(REGISTRY_SILENCE),
            user_agent: concat!("auricle/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let name = name.to_owned();
        let client = Client::try_from(config).map_err(|error| error::explain(&name, &credentials, &error))?;
        Ok(Self { name, client, credentials })
    }

    /// What is at a reference now. Fetches the manifest only.
    ///
    /// # Errors
    ///
    /// The registry cannot be reached, refuses, has no such artifact, or what it has is no package.
    pub(super) async fn find(self: &Arc<Self>, reference: &OciReference) -> Result<Artifact, RegistryError> {
        let at = address(reference);
        let found = self.client.pull_image_manifest(&at, self.credentials.auth()).await;
        let (manifest, _) = found.map_err(|error| error::explain(&self.name, &self.credentials, &error))?;
        let (layer, digest) = package(&manifest)?;
        let signature = manifest.annotations.and_then(|mut annotations| annotations.remove(SIGNATURE));
        Ok(Artifact { registry: self.clone(), at, layer, digest, signature, bytes: OnceCell::new() })
    }
}

/// A package as a registry has it.
pub(super) struct Artifact {
    registry: Arc<Registry>,
    at: Reference,
    layer: OciDescriptor,
    /// Of the package.
    pub(super) digest: Digest,
    /// As it was pushed with.
    pub(super) signature: Option<String>,
    bytes: OnceCell<Bytes>,
}

impl Artifact {
    /// The package. It is fetched once and has the digest.
    pub(super) async fn bytes(&self) -> Result<Bytes, RegistryError> {
        self.bytes.get_or_try_init(|| self.fetch()).await.cloned()
    }

    async fn fetch(&self) -> Result<Bytes, RegistryError> {
        let Registry { name, client, credentials } = self.registry.as_ref();
        let explain = |error| error::explain(name, credentials, &error);
        let mut blob = client.pull_blob_stream(&self.at, &self.layer).await.map_err(explain)?;
        let size = usize::try_from(self.layer.size).unwrap_or_default();
        // What the manifest says is believed only as it comes.
        let mut bytes = BytesMut::new();
        while let Some(part) = blob.next().await {
            let part = part.map_err(|error| explain(error.into()))?;
            if bytes.len() + part.len() > size {
                return Err(RegistryError::Invalid("the registry sends more than its manifest says".into()));
            }
            bytes.extend_from_slice(&part);
        }
        let bytes = bytes.freeze();
        if Digest::of(&bytes) != self.digest {
            return Err(RegistryError::Invalid(
                "what the registry sends has not the digest that its manifest says".into(),
            ));
        }
        Ok(bytes)
    }
}

/// The layer that is the package, and its digest.
fn package(manifest: &OciImageManifest) -> Result<(OciDescriptor, Digest), RegistryError> {
    let invalid = |why: String| Err(RegistryError::Invalid(why));
    let [layer] = manifest.layers.as_slice() else {
        let count = manifest.layers.len();
        return invalid(format!("it is no package: that is one component, and this has {count} layers"));
    };
    if layer.media_type != WASM_LAYER_MEDIA_TYPE {
        let media_type = &layer.media_type;
        return invalid(format!("it is no package: its layer is `{media_type}`, not `{WASM_LAYER_MEDIA_TYPE}`"));
    }
    let Ok(digest) = layer.digest.parse() else {
        return invalid(format!("it names its package by `{}`, which is no SHA-256", layer.digest));
    };
    if usize::try_from(layer.size).is_ok_and(|size| size <= PACKAGE_BYTES) {
        return Ok((layer.clone(), digest));
    }
    let most = auricle_model::format_size(PACKAGE_BYTES as u64);
    invalid(format!("its package has {} bytes, and {most} at most are taken", layer.size))
}

fn address(reference: &OciReference) -> Reference {
    let OciReference { registry, repository, tag, digest } = reference.clone();
    match (tag, digest) {
        (Some(tag), Some(digest)) => Reference::with_tag_and_digest(registry, repository, tag, digest),
        (None, Some(digest)) => Reference::with_digest(registry, repository, digest),
        (tag, None) => Reference::with_tag(registry, repository, tag.unwrap_or_default()),
    }
}

/// Whether a registry is on this machine.
fn is_local(name: &str) -> bool {
    let host = name.rsplit_once(':').map_or(name, |(host, _)| host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
