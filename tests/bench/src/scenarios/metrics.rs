//! What the program tells of itself on `/metrics`, as far as a scenario asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};

/// One reading of all metrics.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks at the admin address.
    pub(crate) fn read(admin: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(admin)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "no metrics: {}", answer.lines().next().unwrap_or_default());
        Ok(Self(answer))
    }

    /// The sum over all labels of one metric; zero where there is none.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            if !rest.starts_with(['{', ' ']) {
                return None;
            }
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        };
        self.0.lines().filter_map(of).sum()
    }

    /// Room for instances that somebody has and no instance fills: what leaked. Executions must be over.
    pub(crate) fn leaked_instances(&self) -> f64 {
        let taken = self.sum("auricle_engine_permits") - self.sum("auricle_engine_permits_free");
        taken - self.sum("auricle_instances_warm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let metrics = Metrics(
            "# TYPE a gauge\na{process=\"x\"} 2\na{process=\"y z\"} 3\na_b 7\n\
             auricle_engine_permits 10\nauricle_engine_permits_free 4\nauricle_instances_warm{process=\"x\"} 5\n"
                .to_owned(),
        );
        assert_eq!((metrics.sum("a"), metrics.sum("a_b"), metrics.sum("c")), (5.0, 7.0, 0.0));
        assert_eq!(metrics.leaked_instances(), 1.0);
    }
}
