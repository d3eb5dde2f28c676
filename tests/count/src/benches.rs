//! What is counted and timed, by name.

use std::path::Path;

use anyhow::Result;
use auricle_model::{DocumentType, Mode};

use crate::{bare, layers, pure};

/// Does it so many times.
pub(crate) type Run = Box<dyn FnMut(u64) -> Result<()>>;

/// One thing that is counted and timed.
pub(crate) struct Bench {
    /// Its name in the table and in the file.
    pub(crate) name: &'static str,
    /// How often it is done for one count: so often that what is around it does not show.
    pub(crate) times: u64,
    /// Makes it ready. Files that it needs go into the folder.
    pub(crate) make: fn(&Path) -> Result<Run>,
}

const fn bench(name: &'static str, times: u64, make: fn(&Path) -> Result<Run>) -> Bench {
    Bench { name, times, make }
}

/// All of them: the layers of an execution in each mode, then the parts of a request.
pub(crate) const BENCHES: &[Bench] = &[
    bench("low-latency/engine", 500, |_| bare::engine(Mode::LowLatency)),
    bench("low-latency/crossings", 500, |_| bare::crossings(Mode::LowLatency)),
    bench("low-latency/documents", 500, |folder| layers::documents(Mode::LowLatency, folder)),
    bench("low-latency/host", 500, |folder| layers::host(Mode::LowLatency, folder)),
    bench("general/engine", 100, |_| bare::engine(Mode::General)),
    bench("general/crossings", 100, |_| bare::crossings(Mode::General)),
    bench("general/documents", 100, |folder| layers::documents(Mode::General, folder)),
    bench("general/host", 100, |folder| layers::host(Mode::General, folder)),
    bench("route/10", 1000, |folder| pure::route(10, folder)),
    bench("route/10000", 1000, |folder| pure::route(10_000, folder)),
    bench("properties", 1000, pure::properties),
    bench("inbound/single", 1000, |_| pure::inbound(DocumentType::SingleJson)),
    bench("inbound/json-100", 20, |_| pure::inbound(DocumentType::MultipleJson)),
    bench("inbound/xml-100", 20, |_| pure::inbound(DocumentType::MultipleXml)),
    bench("outbound/single", 1000, |_| pure::outbound(DocumentType::SingleJson)),
    bench("outbound/json-100", 20, |_| pure::outbound(DocumentType::MultipleJson)),
    bench("outbound/xml-100", 20, |_| pure::outbound(DocumentType::MultipleXml)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_does_what_it_says() {
        for bench in BENCHES {
            let folder = tempfile::tempdir().unwrap();
            (bench.make)(folder.path()).and_then(|mut run| run(2)).unwrap_or_else(|e| panic!("{}: {e:#}", bench.name));
        }
    }
}
