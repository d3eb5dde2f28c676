//! W3C Trace Context in and out, and the export of traces to a collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use auricle_tests::manifest::{inspect, probe};
use auricle_tests::site::{Site, free_port};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// What a test gives up after.
const PATIENCE: Duration = Duration::from_secs(60);

fn given() -> String {
    format!("00-{TRACE}-{PARENT}-01")
}

/// What a server was sent.
struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Trace, span and flags of its `traceparent`.
    #[track_caller]
    fn trace(&self) -> (&str, &str, &str) {
        let traceparent = self.header("traceparent").unwrap_or_else(|| panic!("no traceparent: {}", self.head));
        let parts: Vec<&str> = traceparent.split('-').collect();
        assert_eq!((parts.len(), parts[0]), (4, "00"), "{traceparent}");
        (parts[1], parts[2], parts[3])
    }
}

/// A server that answers everything with `here` and tells what it was asked.
fn start() -> (SocketAddr, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            thread::spawn(move || answer(stream, &tell));
        }
    });
    (address, told)
}

fn answer(stream: TcpStream, tell: &Sender<Asked>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(stream.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhere";
        if tell.send(Asked { head, body }).is_err() || stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn next(told: &Receiver<Asked>) -> Asked {
    told.recv_timeout(PATIENCE).unwrap()
}

fn site(called: SocketAddr) -> Site {
    let process = |name: &str| {
        probe(name, &format!("execute {name}: single-data -> single-json"))
            .and(&format!("allow-hosts = ['http://{called}']"))
    };
    let queued = process("queued").and("return-documents = false");
    Site::new([process("p"), process("sub"), queued])
}

#[test]
fn a_trace_goes_on_through_every_call_of_a_process() {
    let (called, told) = start();
    let server = site(called).serve();
    let ask = |target: &str| {
        let request = server.request("POST", target).header("traceparent", given()).header("tracestate", "a=1,b=2");
        assert_eq!(request.body("x").send().status, 200);
    };
    let mut spans = Vec::new();
    let mut expect = || {
        let asked = next(&told);
        let (trace, span, flags) = asked.trace();
        assert_eq!((trace, flags, asked.header("tracestate")), (TRACE, "01", Some("a=1,b=2")));
        assert_ne!(span, PARENT, "the called server is below the execution, not beside it");
        spans.push(span.to_owned());
    };
    ask(&format!("/ws/simple/executeP?get=http://{called}/"));
    expect();
    ask(&format!("/ws/simple/executeP?wasi_get=http://{called}/"));
    expect();
    // The probe asks once itself, and its sub-process once.
    ask(&format!("/ws/simple/executeP?call=sub&get=http://{called}/"));
    expect();
    expect();
    ask(&format!("/ws/simple/executeQueued?get=http://{called}/"));
    expect();
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), 5, "each execution is a span of its own");
}

#[test]
fn what_is_no_traceparent_is_not_passed_on() {
    let (called, told) = start();
    let server = site(called).serve();
    let target = format!("/ws/simple/executeP?get=http://{called}/");
    let ask = |headers: &[&str]| {
        let request = headers.iter().fold(server.request("POST", &target), |r, h| r.header("traceparent", h));
        assert_eq!(request.header("tracestate", "a=1").body("x").send().status, 200);
        let asked = next(&told);
        assert_eq!((asked.header("traceparent"), asked.header("tracestate")), (None, None), "{headers:?}");
    };
    ask(&[]);
    ask(&[&given().replacen("00", "ff", 1)]);
    ask(&[&given().to_uppercase()]);
    ask(&[&given(), &given()]);
}

#[test]
fn the_log_of_a_failure_names_the_trace() {
    let failing = inspect("f", "get f: none -> single-json");
    let server = Site::new([failing]).serve();
    let request = server.request("GET", "/ws/simple/getF?fail=oh").header("traceparent", given());
    assert_eq!(request.send().status, 500);
    server.wait_for_log(&format!("trace_id={TRACE}"));
}

fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], free_port()))
}

/// The spans of requests of a collector, as far as they have come.
fn spans(told: &Receiver<Asked>, wanted: usize) -> Vec<(String, Span)> {
    let mut spans = Vec::new();
    while spans.len() < wanted {
        let asked = next(told);
        assert!(asked.head.starts_with("post /v1/traces "), "{}", asked.head);
        assert_eq!(asked.header("content-type"), Some("application/x-protobuf"));
        for resource in ExportTraceServiceRequest::decode(&*asked.body).unwrap().resource_spans {
            let attributes = format!("{:?}", resource.resource.unwrap().attributes);
            let of_resource = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(of_resource.map(|span| (attributes.clone(), span)));
        }
    }
    spans
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn named<'s>(spans: &'s [(String, Span)], name: &str) -> &'s Span {
    let found = spans.iter().find(|(_, span)| span.name == name);
    &found.unwrap_or_else(|| panic!("no span {name}: {spans:?}")).1
}

#[test]
fn spans_are_exported_below_the_caller_s_and_above_the_called_server_s() {
    let (collector, exported) = start();
    let (called, told) = start();
    let server = site(called).serve_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{collector}")),
        // Nothing is sent before the end: what comes was flushed by it.
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ]);
    let target = format!("/ws/simple/executeP?get=http://{called}/");
    assert_eq!(server.request("POST", &target).header("traceparent", given()).body("x").send().status, 200);
    // One whose caller does not want it recorded.
    let unwanted = given().replace("-01", "-00");
    assert_eq!(server.request("POST", &target).header("traceparent", unwanted).body("x").send().status, 200);
    server.terminate();
    server.wait();

    let spans = spans(&exported, 2);
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert!(spans[0].0.contains("\"service.name\"") && spans[0].0.contains("\"auricle\""), "{}", spans[0].0);
    let request = named(&spans, "POST /ws/simple/executeP");
    let execution = named(&spans, "p");
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.into(), PARENT.into()));
    assert_eq!(request.kind, 2, "a server's");
    assert_eq!((&execution.trace_id, &execution.parent_span_id), (&request.trace_id, &request.span_id));
    let attributes = format!("{:?}", request.attributes);
    for expected in ["http.request.method", "http.route", "http.response.status_code", "IntValue(200)"] {
        assert!(attributes.contains(expected), "{expected}: {attributes}");
    }
    assert_eq!(next(&told).trace(), (TRACE, &*hex(&execution.span_id), "01"));
    assert_eq!(next(&told).trace().2, "00", "what was not wanted stays so");
}

#[test]
fn a_request_without_a_trace_begins_one() {
    let (collector, exported) = start();
    let (called, told) = start();
    let server = site(called).serve_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{collector}/")),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_SERVICE_NAME", "shop"),
    ]);
    assert_eq!(server.post(&format!("/ws/simple/executeP?get=http://{called}/"), "x").status, 200);
    let spans = spans(&exported, 2);
    let request = named(&spans, "POST /ws/simple/executeP");
    assert!(request.parent_span_id.is_empty(), "{request:?}");
    assert_eq!(next(&told).trace().0, hex(&request.trace_id));
    assert!(spans[0].0.contains("\"shop\""), "{}", spans[0].0);
}

#[test]
fn a_collector_that_is_away_hurts_nobody() {
    let endpoint = format!("http://{}", free());
    let server =
        site(free()).serve_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "10")]);
    for _ in 0..20 {
        assert_eq!(server.post("/ws/simple/executeP", "x").status, 200);
    }
    server.terminate();
    assert!(server.wait().0.success());
}
