//! Requests a second and latency over HTTP: an echo in both modes beside a bare hyper server in the same program.
//!
//! `cargo run --release -p auricle-bench [-- --rounds 7 --seconds 3 --connections 32,256]`
//!
//! The three take turns, round after round, so that whatever else the machine does falls on all of them alike; a ratio is
//! taken within each round, and the median over the rounds is printed with its spread. The load comes from threads of the
//! same program over loopback: figures are for comparing, not for planning capacity. `docs/performance.md` has results.

#![expect(clippy::indexing_slicing, reason = "a benchmark that cannot go on had better stop")]

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auricle::{Host, Manifest};
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const BODY: &str = r#"{"Id":"001000000000001AAA","Name":"Acme","BillingCountry":"DE"}"#;

fn main() -> Result<()> {
    let options = Options::from_arguments()?;
    let servers = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clients = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let (hyper, auricle) = servers.block_on(start(folder.path()))?;
    let contestants = [
        ("bare hyper", hyper, "/echo"),
        ("low-latency", auricle, "/ws/rest/bench/fast?echo=1"),
        ("general", auricle, "/ws/rest/bench/fresh?echo=1"),
    ];
    for connections in options.connections {
        let mut results: Vec<Vec<Round>> = contestants.iter().map(|_| Vec::new()).collect();
        for round in 0..=options.rounds {
            for (result, (_, address, target)) in results.iter_mut().zip(contestants) {
                let measured = clients.block_on(load(address, target, connections, options.time))?;
                // The first round warms caches and pools.
                if round > 0 {
                    result.push(measured);
                }
            }
        }
        print(connections, &contestants.map(|c| c.0), &results);
    }
    Ok(())
}

struct Options {
    rounds: usize,
    time: Duration,
    connections: Vec<usize>,
}

impl Options {
    fn from_arguments() -> Result<Self> {
        let mut options = Self { rounds: 5, time: Duration::from_secs(2), connections: vec![32, 256] };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} wants a value"))?;
            match name.as_str() {
                "--rounds" => options.rounds = value.parse()?,
                "--seconds" => options.time = Duration::from_secs_f64(value.parse()?),
                "--connections" => {
                    options.connections = value.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?;
                }
                _ => return Err(format!("{name} is none of --rounds, --seconds, --connections").into()),
            }
        }
        Ok(options)
    }
}

/// Starts both servers in this program and gives their addresses.
async fn start(folder: &Path) -> Result<(SocketAddr, SocketAddr)> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "inspect", "--target", "wasm32-wasip2", "--release"])
        .current_dir(&workspace)
        .status()?;
    if !built.success() {
        return Err("examples/inspect could not be built".into());
    }
    let package = workspace.join("target/wasm32-wasip2/release/inspect.wasm").canonicalize()?;
    let manifest = format!(
        r#"
        [server]
        listen = "127.0.0.1:0"
        admin-listen = "127.0.0.1:0"
        {fast}
        {fresh}
        [[api]]
        name = "bench"
        base = "/bench"
        [[api.rest]]
        method = "POST"
        path = "fast"
        object = ""
        process = "fast"
        [[api.rest]]
        method = "POST"
        path = "fresh"
        object = ""
        process = "fresh"
        "#,
        fast = process("fast", "low-latency", &package),
        fresh = process("fresh", "general", &package),
    );
    let host = Host::builder().manifest(Manifest::parse("bench.toml", &manifest, folder)?).build().await?;
    let server = host.listen().await?;
    host.start().await?;
    let auricle = server.address();
    tokio::spawn(server.run_until(std::future::pending()));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let hyper = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new());
                http.serve_connection(TokioIo::new(stream), service_fn(echo)).await
            });
        }
    });
    Ok((hyper, auricle))
}

fn process(name: &str, mode: &str, package: &Path) -> String {
    format!(
        r#"
        [[process]]
        name = "{name}"
        package = {package:?}
        mode = "{mode}"
        type = "execute"
        object = "{name}"
        input = "single-json"
        output = "single-json"
        max-concurrent = 512
        "#
    )
}

async fn echo(request: Request<hyper::body::Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// One round: requests a second, and the 50th and 99th percentile of latency.
struct Round {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

/// A closed loop: each connection sends its next request when it has the answer to the last.
async fn load(address: SocketAddr, target: &str, connections: usize, time: Duration) -> Result<Round> {
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let begin = Instant::now();
    let end = begin + time;
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(one(address, request.clone(), end))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = begin.elapsed();
    latencies.sort_unstable();
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
    Ok(Round { per_second: latencies.len() as f64 / elapsed.as_secs_f64(), p50: at(0.50), p99: at(0.99) })
}

async fn one(address: SocketAddr, request: String, end: Instant) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Vec::with_capacity(4096);
    let mut buffer = vec![0; 8192];
    while Instant::now() < end {
        let begin = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        while !is_whole(&buffer[..filled])? {
            let n = stream.read(&mut buffer[filled..]).await?;
            if n == 0 {
                return Err("the server closed the connection".into());
            }
            filled += n;
        }
        latencies.push(begin.elapsed());
    }
    Ok(latencies)
}

/// Whether this is a whole answer, and the right one: anything but the echoed body ends the benchmark.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(false) };
    if !answer.starts_with(b"HTTP/1.1 200") {
        return Err(String::from_utf8_lossy(answer).into_owned().into());
    }
    let body = &answer[head + 4..];
    if body.len() > BODY.len() || !BODY.as_bytes().starts_with(body) {
        return Err(format!("not the echo: {}", String::from_utf8_lossy(body)).into());
    }
    Ok(body.len() == BODY.len())
}

fn print(connections: usize, names: &[&str], results: &[Vec<Round>]) {
    println!("\n{connections} connections, {} rounds in turn", results[0].len());
    println!("{:<12} {:>10} {:>10} {:>10}   of bare hyper [least .. most]", "", "req/s", "p50", "p99");
    for (name, rounds) in names.iter().zip(results) {
        let ratios = rounds.iter().zip(&results[0]).map(|(r, bare)| r.per_second / bare.per_second);
        let (least, ratio, most) = spread(ratios);
        let (_, per_second, _) = spread(rounds.iter().map(|r| r.per_second));
        let (_, p50, _) = spread(rounds.iter().map(|r| r.p50.as_secs_f64() * 1e6));
        let (_, p99, _) = spread(rounds.iter().map(|r| r.p99.as_secs_f64() * 1e6));
        println!("{name:<12} {per_second:>10.0} {p50:>7.0} us {p99:>7.0} us   {ratio:.2} [{least:.2} .. {most:.2}]");
    }
}

/// Least, median, most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
