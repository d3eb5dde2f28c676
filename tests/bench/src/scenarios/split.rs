//! How much memory a large list takes while it is taken apart: a body of 100 MB that becomes 65,000 documents, by REST with
//! its length and without, and by SOAP.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::begin;
use crate::ask::{ask, ask_chunked};
use crate::child::Server;
use crate::guests;
use crate::report::Report;
use crate::site::Site;
use crate::table::Goal;

const MIB: f64 = 1024.0 * 1024.0;

/// What a row is beside its text, about.
const TAGS: usize = "<Row><Number>00000</Number><Text></Text></Row>".len();

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Documents in the list
    #[arg(long, default_value_t = 65_000)]
    documents: usize,

    /// Bytes of the list, about
    #[arg(long, default_value_t = 100_000_000)]
    bytes: usize,
}

/// How a list comes to the host.
#[derive(Clone, Copy)]
enum Way {
    Rest,
    RestChunked,
    Soap,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let mut report = begin(program);
    for (name, way) in [("REST", Way::Rest), ("REST, length unknown", Way::RestChunked), ("SOAP", Way::Soap)] {
        // A host for each: what one body left behind would be there for the next.
        let (site, server) = host(program)?;
        way.send(&site, &way.body(10, 1_000))?;
        let body = way.body(args.documents, args.bytes);
        let rest = server.resident()?;
        server.forget_peak()?;
        let began = Instant::now();
        way.send(&site, &body)?;
        let took = began.elapsed();
        let peak = server.peak()?;
        let (size, more) = (body.len() as f64 / MIB, peak.saturating_sub(rest) as f64 / MIB);
        let shown = format!("{more:.1}, body {size:.1}, {:.1} s", took.as_secs_f64());
        report.found(&format!("{name}: peak above rest, MiB"), more, &shown, Some(Goal::AtMost(1.3 * size + 16.0)));
        let whole = peak as f64 / MIB;
        report.found("  of the whole host, MiB", whole, &format!("{whole:.1}"), None);
    }
    Ok(report)
}

/// A host with one process that takes lists, and answers their first document.
fn host(program: &Path) -> Result<(Site, Server)> {
    let mut site = Site::new(program)?;
    site.set("max-request-bytes = \"256MiB\"");
    let package = guests::small()?;
    site.text(
        &format!(
            "[[process]]\nname = \"rows\"\npackage = {package:?}\nmode = \"low-latency\"\ntype = \"execute\"\nobject = \"Row\"\n\
             input = \"multiple-xml\"\noutput = \"single-xml\"\ntimeout = \"5m\"\n"
        ),
        "[[api.rest]]\nmethod = \"POST\"\npath = \"rows\"\nobject = \"\"\nprocess = \"rows\"\n\n[[api.soap]]\nprocess = \"rows\"\n",
    );
    let mut server = site.serve()?;
    server.wait_for(&site.ready())?;
    Ok((site, server))
}

impl Way {
    /// A list of so many documents and about so many bytes.
    fn body(self, documents: usize, bytes: usize) -> Vec<u8> {
        let text = "x".repeat((bytes / documents.max(1)).saturating_sub(TAGS));
        let mut body = String::with_capacity(bytes + bytes / 8 + 1_000);
        let soap = matches!(self, Self::Soap);
        if soap {
            body.push_str("<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Body>");
            body.push_str("<executeRow xmlns='http://www.boomi.com/connector/wss'>");
        }
        body.push_str("<RowList xmlns='urn:rows'>");
        for number in 0..documents {
            body.push_str(&format!("<Row><Number>{number:05}</Number><Text>{text}</Text></Row>"));
        }
        body.push_str("</RowList>");
        if soap {
            body.push_str("</executeRow></S:Body></S:Envelope>");
        }
        body.into_bytes()
    }

    fn send(self, site: &Site, body: &[u8]) -> Result<()> {
        let headers = "content-type: text/xml\r\n";
        let address = site.address();
        let answer = match self {
            Self::Rest => ask(address, "POST", "/ws/rest/bench/rows?do=echo", headers, body),
            Self::RestChunked => ask_chunked(address, "POST", "/ws/rest/bench/rows?do=echo", headers, body),
            Self::Soap => ask(address, "POST", "/ws/soap/bench?do=echo", headers, body),
        }?;
        let told = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200 && told.contains("<Number>00000</Number>"), "{}: {told}", answer.status);
        Ok(())
    }
}
