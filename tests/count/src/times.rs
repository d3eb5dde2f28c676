//! The same benchmarks by the clock: for a quiet machine, by hand.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::Criterion;

use crate::benches::Bench;

/// Prints how long each takes. Criterion keeps its figures under `target/criterion` and compares with the last.
pub(crate) fn measure(benches: &[&Bench], folder: &Path) -> Result<()> {
    let mut criterion = Criterion::default().without_plots();
    for bench in benches {
        let mut run = (bench.make)(folder)?;
        let mut failed = None;
        criterion.bench_function(bench.name, |bencher| {
            bencher.iter_custom(|times| {
                let begin = Instant::now();
                if let Err(error) = run(times) {
                    failed = Some(error);
                }
                // Criterion wants a time above none, though a failed one is no measurement.
                begin.elapsed().max(Duration::from_nanos(1))
            });
        });
        if let Some(error) = failed {
            return Err(error.context(bench.name));
        }
    }
    Ok(())
}
