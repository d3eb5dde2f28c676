//! Puts a package into a registry, as other tools for components do: its bytes as the only layer, what it imports and
//! exports as the configuration, and its signature beside them.

use std::collections::BTreeMap;

use auricle_model::OciReference;
use auricle_store::Digest;
use bytes::Bytes;
use http::HeaderValue;
use oci_client::RegistryOperation;
use oci_client::manifest::OciImageManifest;
use oci_wasm::{ToConfig as _, WASM_MANIFEST_MEDIA_TYPE, WasmConfig};

use super::super::signature::Signature;
use super::error::explain;
use super::{Registry, RegistryError, SIGNATURE, address};
use crate::limits::PACKAGE_BYTES;

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Digest of the package: what deployments and signatures name.
    pub package: Digest,
    /// Digest of the artifact: what pins it in a reference.
    pub artifact: Digest,
}

impl Registry {
    /// Puts a package there, with its signature, under the tag of the reference.
    ///
    /// # Errors
    ///
    /// The bytes are no component or too many, the reference has no tag or a digest, or the registry does not take it.
    pub async fn push(
        &self,
        reference: &OciReference,
        bytes: Vec<u8>,
        signature: Option<&Signature>,
    ) -> Result<Pushed, RegistryError> {
        let invalid = |why: String| RegistryError::Invalid(why);
        if reference.digest.is_some() {
            return Err(invalid("a digest cannot be pushed to: name a tag, and the digest comes of itself".into()));
        }
        if bytes.len() > PACKAGE_BYTES {
            let most = auricle_model::format_size(PACKAGE_BYTES as u64);
            return Err(invalid(format!("it has {} bytes, and {most} at most are taken", bytes.len())));
        }
        let package = Digest::of(&bytes);
        let no_component = |error| invalid(format!("it is no component: {error:#}"));
        let (config, layer) = WasmConfig::from_raw_component(bytes, None).map_err(no_component)?;
        let config = config.to_config().map_err(no_component)?;
        let annotations = signature.map(|signature| BTreeMap::from([(SIGNATURE.to_owned(), signature.to_string())]));
        let layers = [layer];
        let manifest = OciImageManifest {
            media_type: Some(WASM_MANIFEST_MEDIA_TYPE.to_owned()),
            ..OciImageManifest::build(&layers, &config, annotations)
        };
        let body = serde_json::to_vec(&manifest).map_err(|error| invalid(error.to_string()))?;
        let artifact = Digest::of(&body);

        let at = address(reference);
        let explained = |error| explain(&self.name, &self.credentials, &error);
        self.client.auth(&at, self.credentials.auth(), RegistryOperation::Push).await.map_err(explained)?;
        let [layer] = layers;
        for (bytes, digest) in [(layer.data, package.to_string()), (config.data, manifest.config.digest)] {
            self.put(&at, bytes, &digest).await.map_err(explained)?;
        }
        let media_type = HeaderValue::from_static(WASM_MANIFEST_MEDIA_TYPE);
        self.client.push_manifest_raw(&at, body, media_type).await.map_err(explained)?;
        Ok(Pushed { package, artifact })
    }

    /// Uploads what the registry does not have yet.
    async fn put(
        &self,
        at: &oci_client::Reference,
        bytes: Bytes,
        digest: &str,
    ) -> Result<(), oci_client::errors::OciDistributionError> {
        if !self.client.blob_exists(at, digest).await.unwrap_or(false) {
            self.client.push_blob(at, bytes, digest).await?;
        }
        Ok(())
    }
}
