//! What the host counts, and `/metrics`, where it is told: OpenMetrics text, on the admin address only.
//!
//! A request costs about eight relaxed additions to memory of its own thread and two looks at the clock: no lock, no
//! allocation, no text. Text is made when somebody scrapes. Series appear with the first thing that they count, so that ten
//! thousand idle processes do not fill a page with zeros. The names are in `docs/monitoring.md`.

mod deploys;
mod machine;
mod page;
mod records;
mod requests;
mod routes;
mod scrape;

pub(crate) use self::deploys::{Deploys, RolledBack};
pub(crate) use self::requests::{Requests, Watch, method_name, version_name};
pub(crate) use self::routes::Routes;
pub(crate) use self::scrape::scrape;

/// What [`scrape`] gives.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
