//! Where a package comes from: `package` of a `[[process]]`. A file, or an artifact of an OCI registry.

use std::path::Path;

use super::problem::quote;
use super::values;
use crate::{OciReference, PackageRef};

const SCHEME: &str = "oci://";

/// A package: a file of this folder, or a reference into a registry.
pub(super) fn package(folder: &Path) -> impl Fn(&str) -> Result<PackageRef, String> {
    let path = values::path(folder);
    move |text| match text.strip_prefix(SCHEME) {
        Some(reference) => oci(reference),
        None if text.contains("://") => Err(format!(
            "{}: a package is a file or from an OCI registry: write for example \"registry.example/acme/account-get:1.0\"",
            quote(text)
        )),
        None if is_remote(text) => oci(text),
        None => path(text).map(PackageRef::Path),
    }
}

/// Whether a text looks like a reference into a registry: `host.tld/name:tag`, or `host.tld/name@digest`.
fn is_remote(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else {
        return false;
    };
    let is_host = host == "localhost" || (host.contains(['.', ':']) && !host.starts_with('.'));
    let last = rest.rsplit('/').next().unwrap_or(rest);
    is_host && (last.contains(':') || last.contains('@'))
}

fn oci(text: &str) -> Result<PackageRef, String> {
    match text.parse::<OciReference>() {
        Ok(reference) => Ok(PackageRef::Oci(reference.to_string())),
        Err(error) => Err(format!("{}: {error}", quote(text))),
    }
}
