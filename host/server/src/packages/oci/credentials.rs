//! Who asks a registry: what the environment says, else what Docker's configuration has for it, else nobody.

use std::env;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

const USERNAME: &str = "AURICLE_OCI_USERNAME";
const PASSWORD: &str = "AURICLE_OCI_PASSWORD";

/// What Docker calls its own registry, and where its configuration has the credentials for it.
const DOCKER_HUB: (&str, &str) = ("docker.io", "https://index.docker.io/v1/");

/// Credentials, and where they are from.
pub(super) struct Credentials {
    auth: RegistryAuth,
    origin: String,
}

impl Credentials {
    /// Those for a registry.
    pub(super) async fn of(registry: &str) -> Self {
        if let (Ok(username), Ok(password)) = (env::var(USERNAME), env::var(PASSWORD)) {
            let origin = format!("as `{username}` of {USERNAME}");
            return Self { auth: RegistryAuth::Basic(username, password), origin };
        }
        let server = if registry == DOCKER_HUB.0 { DOCKER_HUB.1 } else { registry }.to_owned();
        // It reads a file, and may run a helper that asks a key ring.
        let asked = tokio::task::spawn_blocking(move || docker_credential::get_credential(&server)).await;
        let nobody = |origin: &str| Self { auth: RegistryAuth::Anonymous, origin: origin.to_owned() };
        match asked {
            Ok(Ok(DockerCredential::UsernamePassword(username, password))) => {
                let origin = format!("as `{username}` of Docker's configuration");
                Self { auth: RegistryAuth::Basic(username, password), origin }
            }
            Ok(Ok(DockerCredential::IdentityToken(_))) => nobody(
                "without credentials, as Docker's configuration has only an identity token, which is not understood",
            ),
            Ok(Err(
                CredentialRetrievalError::NoCredentialConfigured
                | CredentialRetrievalError::ConfigNotFound
                | CredentialRetrievalError::ConfigReadError,
            )) => nobody("without credentials"),
            Ok(Err(error)) => {
                nobody(&format!("without credentials, as those of Docker's configuration cannot be read ({error})"))
            }
            Err(stopped) => nobody(&format!("without credentials, as the search for them ended early ({stopped})")),
        }
    }

    pub(super) fn auth(&self) -> &RegistryAuth {
        &self.auth
    }

    /// As whom, for people: `as `joe` of ...` or `without credentials`.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}
