//! What SOAP costs: one process, called by SOAP and by REST with the same bytes in turn.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::begin;
use crate::call::Call;
use crate::child::Server;
use crate::guests;
use crate::load;
use crate::report::Report;
use crate::site::Site;
use crate::table::{Goal, Spread};

/// A small call, as a client sends it. Over REST it is the process's document as it is; over SOAP what the wrapper holds is.
const ENVELOPE: &str = "<?xml version='1.0' encoding='utf-8'?>\
<soap-env:Envelope xmlns:soap-env=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap-env:Body>\
<ns0:executeEcho xmlns:ns0=\"http://www.boomi.com/connector/wss\">\
<Account><Id>001000000000001AAA</Id><Name>Acme</Name><BillingCountry>DE</BillingCountry></Account>\
</ns0:executeEcho></soap-env:Body></soap-env:Envelope>";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds that count; one before them does not
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// Length of each turn
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,

    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// Runs it and prints it.
pub(crate) fn run(program: &Path, args: &Args) -> Result<Report> {
    let mut report = begin(program);
    let mut site = Site::new(program)?;
    let package = guests::small()?;
    site.text(
        &format!(
            "[[process]]\nname = \"echo\"\npackage = {package:?}\nmode = \"low-latency\"\ntype = \"execute\"\nobject = \"echo\"\n\
             input = \"single-xml\"\noutput = \"single-xml\"\nmax-concurrent = 512\n"
        ),
        "[[api.rest]]\nmethod = \"POST\"\nprocess = \"echo\"\n\n[[api.soap]]\nprocess = \"echo\"\n",
    );
    let mut server = site.serve()?;
    let rest = call(&site, "/ws/rest/bench/echo", ENVELOPE);
    let soap = call(&site, "/ws/soap/bench", "");
    for call in [&rest, &soap] {
        server.wait_for(call).with_context(|| site.log())?;
    }
    let mut turns = Vec::new();
    for round in 0..=args.rounds {
        let both = (turn(&server, &rest, args)?, turn(&server, &soap, args)?);
        if round > 0 {
            turns.push(both);
        }
    }
    let of = |what: fn(&Turn, &Turn) -> f64| Spread::of(turns.iter().map(|(rest, soap)| what(rest, soap)));
    let (rest, soap) = (of(|rest, _| rest.per_second), of(|_, soap| soap.per_second));
    report.found("requests a second by REST", rest.median, &rest.to_string(), None);
    report.found("requests a second by SOAP", soap.median, &soap.to_string(), None);
    let more = of(|rest, soap| soap.cpu - rest.cpu);
    report.found("CPU of the envelope, us", more.median, &more.to_string(), None);
    let ratio = of(|rest, soap| soap.per_second / rest.per_second);
    report.found("SOAP / REST", ratio.median, &ratio.to_string(), Some(Goal::AtLeast(0.7)));
    Ok(report)
}

/// A POST of the envelope. `answer`: what comes back, where that is known.
fn call(site: &Site, target: &str, answer: &str) -> Call {
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: bench\r\ncontent-type: text/xml; charset=utf-8\r\ncontent-length: ");
    let bytes = format!("{head}{}\r\n\r\n{ENVELOPE}", ENVELOPE.len()).into_bytes();
    let bodies = if answer.is_empty() { Vec::new() } else { vec![answer.into()] };
    Call { address: site.address(), bytes, status: 200, bodies, group: 0 }
}

/// What one side did in its time.
struct Turn {
    per_second: f64,
    /// Microseconds of the host for a request.
    cpu: f64,
}

fn turn(server: &Server, call: &Call, args: &Args) -> Result<Turn> {
    let before = server.cpu()?;
    let time = Duration::from_secs_f64(args.seconds);
    let load = load::closed(std::slice::from_ref(call), args.connections, time)?.all_right()?;
    let cpu = server.cpu()? - before;
    Ok(Turn { per_second: load.per_second(), cpu: cpu.as_secs_f64() * 1e6 / load.passed.max(1) as f64 })
}
