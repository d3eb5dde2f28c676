//! What the benchmarks run on: a manifest of the small guest, and settings under which a count is the same each time.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use auricle::{EngineConfig, Manifest};
use auricle_model::Mode;

use crate::guests;

/// What is sent, and comes back.
pub(crate) const BODY: &str = r#"{"Id":"001000000000001AAA","Name":"Acme","BillingCountry":"DE"}"#;

/// Instances that there is room for. Valgrind has no address space for more than a few, and the pool is what is shipped.
pub(crate) const INSTANCES: u32 = 4;

/// The settings of the product, but for what would make a count depend on chance.
pub(crate) fn settings(folder: &Path) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(folder.join("cache")),
        max_instances: Some(INSTANCES),
        // The clock stands still: a tick would fall into a count or not.
        tick: Duration::from_secs(24 * 60 * 60),
        // No instance retires in the middle of one.
        reuse: u64::MAX / 4,
        ..EngineConfig::default()
    }
}

/// A process of the small guest for each mode, named by it, and a route to each: `POST /ws/rest/count/low-latency/{id}`.
pub(crate) fn manifest(folder: &Path) -> Result<Manifest> {
    let package = folder.join("small.wasm");
    std::fs::write(&package, guests::small()?)?;
    let mut text = "[[api]]\nname = \"count\"\nbase = \"/count\"\n".to_owned();
    for mode in Mode::NAMES {
        let path = format!("{mode}/{{id}}");
        text += &format!("[[api.rest]]\nmethod = \"POST\"\npath = {path:?}\nobject = \"\"\nprocess = {mode:?}\n");
    }
    for mode in Mode::NAMES {
        text += &format!(
            "[[process]]\nname = {mode:?}\npackage = {package:?}\nmode = {mode:?}\ntype = \"execute\"\nobject = {mode:?}\n\
             input = \"single-json\"\noutput = \"single-json\"\n"
        );
    }
    Ok(Manifest::parse("count.toml", &text, folder)?)
}
