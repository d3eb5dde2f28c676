//! What the targets that need a router ask: made once for a run, from a manifest, as the host makes it.

use std::path::Path;
use std::sync::LazyLock;

use auricle_api::route::Router;
use auricle_model::manifest::Manifest;

/// The declarations, for the slow model.
pub(crate) static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    Manifest::parse("served.toml", include_str!("served.toml"), Path::new("/auricle-fuzz"))
        .expect("the fixture is right")
});

/// The router of these declarations.
pub(crate) static ROUTER: LazyLock<Router> =
    LazyLock::new(|| Router::new(&MANIFEST.deployment, &MANIFEST.server).expect("the fixture has no conflicts"));
