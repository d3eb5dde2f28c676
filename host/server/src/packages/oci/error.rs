//! What a registry answered, in words that say what to do. What it sends is its own text: cut, and on one line.

use std::error::Error;

use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciErrorCode};

use super::credentials::Credentials;

/// As much of what a registry says is repeated.
const SAID: usize = 200;

/// Why a package cannot be had from a registry, or put there. Complete as a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Nobody answered, or not in time.
    #[error("the registry {registry} cannot be reached: {why}")]
    Unreachable {
        /// `HOST` or `HOST:PORT`.
        registry: String,
        /// What went wrong on the way.
        why: String,
    },
    /// It wants other credentials.
    #[error(
        "the registry {registry} refuses access {who}{said}: set AURICLE_OCI_USERNAME and AURICLE_OCI_PASSWORD, or run `docker login {registry}`"
    )]
    Refused {
        /// `HOST` or `HOST:PORT`.
        registry: String,
        /// As whom it was asked.
        who: String,
        /// What it said, with `: ` before it.
        said: String,
    },
    /// It does not have it.
    #[error("the registry {registry} has no such artifact: push it with `auricle push`, or correct the reference")]
    Missing {
        /// `HOST` or `HOST:PORT`.
        registry: String,
    },
    /// It answered something else.
    #[error("the registry {registry} answered: {said}")]
    Answered {
        /// `HOST` or `HOST:PORT`.
        registry: String,
        /// What it said.
        said: String,
    },
    /// What it has cannot be used.
    #[error("{0}")]
    Invalid(String),
}

/// Says what an error of the client means here.
pub(super) fn explain(registry: &str, credentials: &Credentials, error: &OciDistributionError) -> RegistryError {
    let registry = registry.to_owned();
    let refused = |said: &str| RegistryError::Refused {
        registry: registry.clone(),
        who: credentials.origin().to_owned(),
        said: if said.trim().is_empty() { String::new() } else { format!(": {}", line(said)) },
    };
    let other_bytes = |error: &DigestError| {
        let error = line(&error.to_string());
        RegistryError::Invalid(format!("the registry {registry} sends other bytes than the digest stands for: {error}"))
    };
    let answered = |said: &str| RegistryError::Answered { registry: registry.clone(), said: line(said) };
    match error {
        OciDistributionError::RequestError(error) => match error.status().map(|status| status.as_u16()) {
            Some(401 | 403) => refused(""),
            Some(404) => RegistryError::Missing { registry },
            Some(status) => answered(&format!("status {status}")),
            None => RegistryError::Unreachable { registry, why: innermost(error) },
        },
        // What is found when the last byte has come is wrapped as what goes wrong on the way is.
        OciDistributionError::IoError(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(error) => other_bytes(error),
            None => RegistryError::Unreachable { registry, why: innermost(error) },
        },
        OciDistributionError::UnauthorizedError { .. } => refused(""),
        OciDistributionError::AuthenticationFailure(said) => refused(said),
        OciDistributionError::ImageManifestNotFoundError(_) => RegistryError::Missing { registry },
        OciDistributionError::RegistryError { envelope, .. } => match code(envelope) {
            Some(OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound) => {
                RegistryError::Missing { registry }
            }
            Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => refused(&messages(envelope)),
            _ => answered(&messages(envelope)),
        },
        OciDistributionError::ServerError { code: 401 | 403, message, .. } => refused(message),
        OciDistributionError::ServerError { code: 404, .. } => RegistryError::Missing { registry },
        OciDistributionError::ServerError { code, message, .. } => answered(&format!("status {code}: {message}")),
        OciDistributionError::ImageIndexParsingNoPlatformResolverError => RegistryError::Invalid(
            "it is no package, but an index of several artifacts: name one of them by its digest".into(),
        ),
        OciDistributionError::DigestError(error) => other_bytes(error),
        other => answered(&other.to_string()),
    }
}

/// The code of the first error.
fn code(envelope: &OciEnvelope) -> Option<&OciErrorCode> {
    envelope.errors.first().map(|error| &error.code)
}

fn messages(envelope: &OciEnvelope) -> String {
    let one =
        |error: &oci_client::errors::OciError| format!("{:?} {}", error.code, error.message).trim_end().to_owned();
    envelope.errors.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is at the bottom of an error: those above it repeat the URL.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    line(&error.to_string())
}

/// A text of somebody else's: on one line, and not more of it than helps.
fn line(text: &str) -> String {
    let mut said: String = text.trim().chars().take(SAID).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(SAID).is_some() {
        said.push_str("...");
    }
    said
}
