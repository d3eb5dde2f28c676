//! Tests over real sockets on 127.0.0.1: servers that say what a test wants, byte for byte.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use auricle_model::AllowedHost;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks as _};

use super::fault::{Fault, Stage};
use super::send::{Answer, head};
use super::*;

/// A server that answers every request on every connection with the same bytes, and keeps what was asked.
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
}

/// What a connection does after an answer.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    KeepOpen,
    /// Without having said so: what a server does that times out.
    Close,
    /// Says nothing more, ever.
    Hang,
}

impl Server {
    pub(super) async fn start(answer: &'static [u8], then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), connections: Arc::default(), requests: Arc::default() };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answer, then, requests.clone()));
            }
        });
        server
    }

    pub(super) fn url(&self, host: &str) -> String {
        format!("http://{host}:{}", self.address.port())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn last(&self) -> String {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &[u8],
    then: Then,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
) {
    loop {
        let mut request = Vec::new();
        let mut byte = [0; 1];
        while !request.ends_with(b"\r\n\r\n") {
            if !matches!(stream.read(&mut byte).await, Ok(1)) {
                return;
            }
            request.push(byte[0]);
        }
        let text = String::from_utf8(request).unwrap();
        let length =
            text.to_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.unwrap();
        requests.lock().unwrap().push(text + &String::from_utf8_lossy(&body));
        // A client that has heard enough may be gone.
        let _ = stream.write_all(answer).await;
        match then {
            Then::KeepOpen => {}
            Then::Close => return,
            Then::Hang => tokio::time::sleep(Duration::from_secs(600)).await,
        }
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(super) fn rule(url: &str, private: bool) -> AllowedHost {
    let uri: http::Uri = url.parse().unwrap();
    AllowedHost {
        scheme: uri.scheme_str().unwrap().into(),
        host: uri.host().unwrap().trim_matches(['[', ']']).into(),
        port: uri.port_u16().unwrap(),
        private,
    }
}

pub(super) fn outgoing(rules: &[AllowedHost]) -> Outgoing {
    Outgoing::new(Rules::compile(rules), Client::new())
}

async fn call(outgoing: &Outgoing, method: &str, url: &str, body: &'static str, millis: u64) -> Result<Answer, Fault> {
    let head = head(method, url, &[("X-Mine".into(), "1".into())], body.len() as u64)?;
    outgoing.send(head, Bytes::from(body), Instant::now() + Duration::from_millis(millis)).await
}

async fn get(outgoing: &Outgoing, url: &str) -> Result<Answer, Fault> {
    call(outgoing, "GET", url, "", 5000).await
}

#[tokio::test]
async fn an_allowed_server_gets_the_request_and_its_answer_comes_back() {
    let server = Server::start(
        b"HTTP/1.1 418 I am a teapot\r\nX-A: 1\r\nX-B: caf\xe9\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nshort",
        Then::KeepOpen,
    )
    .await;
    let url = server.url("127.0.0.1");
    let outgoing = outgoing(&[rule(&url, true)]);
    let answer = call(&outgoing, "POST", &format!("{url}/a%20b?c=d#e"), "hello", 5000).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (418, &b"short"[..]));
    let all =
        |name: &str| answer.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
    assert_eq!((all("x-a"), all("x-b")), (vec!["1", "2"], vec!["café"]));
    let request = server.last();
    assert!(request.starts_with("POST /a%20b?c=d HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nhello"), "{request}");
    for header in [
        format!("host: 127.0.0.1:{}", server.address.port()),
        "x-mine: 1".into(),
        "content-length: 5".into(),
        "user-agent: auricle/".into(),
    ] {
        assert!(request.contains(&header), "{header} in {request}");
    }
}

#[tokio::test]
async fn what_no_rule_names_is_refused_before_anything_is_sent() {
    let server = Server::start(OK, Then::KeepOpen).await;
    let url = server.url("127.0.0.1");
    let outgoing = outgoing(&[rule(&url, true)]);
    for refused in [
        server.url("localhost"),
        url.replace("http:", "https:"),
        "http://127.0.0.1:1".into(),
        "http://example.com".into(),
    ] {
        let fault = get(&outgoing, &refused).await.err().unwrap();
        assert!(matches!(fault, Fault::NotAllowed(_)), "{refused}: {fault}");
        assert!(fault.to_string().contains(&format!("allow-hosts = [\"{refused}\"]")), "{fault}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_after_the_name_is_looked_up() {
    let server = Server::start(OK, Then::KeepOpen).await;
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "127.1"] {
        let url = server.url(host);
        let fault = get(&outgoing(&[rule(&url, false)]), &url).await.err().expect(host);
        assert!(matches!(fault, Fault::Private(_)), "{host}: {fault}");
        assert!(fault.to_string().contains("private = true"), "{fault}");
    }
    assert_eq!(server.connections(), 0);
    let url = server.url("localhost");
    assert_eq!(&get(&outgoing(&[rule(&url, true)]), &url).await.unwrap().body[..], b"ok");
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let server = Server::start(OK, Then::KeepOpen).await;
    let url = server.url("127.0.0.1");
    let (one, other) = (outgoing(&[rule(&url, true)]), outgoing(&[rule(&url, true)]));
    for _ in 0..5 {
        get(&one, &url).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    get(&other, &url).await.unwrap();
    assert_eq!(server.connections(), 2, "another process has connections of its own");
    let (a, b) = tokio::join!(get(&one, &url), get(&one, &url));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_went_stale_is_replaced() {
    let server = Server::start(OK, Then::Close).await;
    let url = server.url("127.0.0.1");
    let outgoing = outgoing(&[rule(&url, true)]);
    for n in 1..=10 {
        call(&outgoing, if n % 2 == 0 { "POST" } else { "GET" }, &url, "x", 5000).await.unwrap();
        assert_eq!(server.connections(), n);
        // Let the close arrive: it is seen before the request is sent.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Answers the first request of each connection, and closes it on the second without a word.
async fn answers_once() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server =
        Server { address: listener.local_addr().unwrap(), connections: Arc::default(), requests: Arc::default() };
    let connections = server.connections.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                stream.write_all(OK).await.unwrap();
                let _ = stream.read(&mut buffer).await;
            });
        }
    });
    server
}

#[tokio::test]
async fn only_idempotent_requests_are_sent_twice() {
    let server = answers_once().await;
    let url = server.url("127.0.0.1");
    let outgoing = outgoing(&[rule(&url, true)]);
    get(&outgoing, &url).await.unwrap();
    get(&outgoing, &url).await.unwrap();
    assert_eq!(server.connections(), 2, "the second was sent again on a new connection");
    let fault = call(&outgoing, "POST", &url, "x", 5000).await.err().unwrap();
    assert!(matches!(fault, Fault::Broken(_)), "{fault}");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn redirects_are_answers() {
    let server = Server::start(
        b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n",
        Then::KeepOpen,
    )
    .await;
    let url = server.url("127.0.0.1");
    let answer = get(&outgoing(&[rule(&url, true)]), &url).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert!(answer.headers.contains(&("location".into(), "http://example.com/".into())));
}

#[tokio::test]
async fn answers_are_limited_in_size() {
    let announced = Server::start(b"HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n", Then::Hang).await;
    let url = announced.url("127.0.0.1");
    assert!(matches!(get(&outgoing(&[rule(&url, true)]), &url).await.err().unwrap(), Fault::TooLarge));

    let endless: &'static [u8] = {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..20 {
            bytes.extend(b"100000\r\n");
            bytes.extend(vec![b'x'; 1 << 20]);
            bytes.extend(b"\r\n");
        }
        bytes.leak()
    };
    let server = Server::start(endless, Then::Hang).await;
    let url = server.url("127.0.0.1");
    assert!(matches!(get(&outgoing(&[rule(&url, true)]), &url).await.err().unwrap(), Fault::TooLarge));
}

#[tokio::test]
async fn every_step_has_its_end() {
    for (answer, stage) in [(&b""[..], Stage::Head), (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", Stage::Body)] {
        let server = Server::start(answer, Then::Hang).await;
        let url = server.url("127.0.0.1");
        let began = Instant::now();
        let fault = call(&outgoing(&[rule(&url, true)]), "GET", &url, "", 150).await.err().unwrap();
        assert!(matches!(fault, Fault::Timeout(at) if at == stage), "{fault}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
    // TLS to a server that never says hello.
    let silent = Server::start(OK, Then::Hang).await;
    let url = silent.url("127.0.0.1").replace("http:", "https:");
    let fault = call(&secure(&url, &tls().0), "GET", &url, "", 150).await.err().unwrap();
    assert!(matches!(fault, Fault::Timeout(Stage::Connecting)), "{fault}");
}

#[tokio::test]
async fn broken_answers_are_told_apart() {
    for answer in [&b"SSH-2.0-OpenSSH\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b""] {
        let server = Server::start(answer, Then::Close).await;
        let url = server.url("127.0.0.1");
        let fault = get(&outgoing(&[rule(&url, true)]), &url).await.err().unwrap();
        assert!(matches!(fault, Fault::Broken(_)), "{fault}");
    }
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{unused}");
    let fault = get(&outgoing(&[rule(&url, true)]), &url).await.err().unwrap();
    assert!(matches!(fault, Fault::Connect { .. }), "{fault}");
    let url = "http://name.invalid:80";
    let fault = get(&outgoing(&[rule(url, false)]), url).await.err().unwrap();
    assert!(matches!(fault, Fault::Name { .. }), "{fault}");
}

#[tokio::test]
async fn calls_of_a_process_are_limited_in_number() {
    let server = Server::start(b"", Then::Hang).await;
    let url = server.url("127.0.0.1");
    let outgoing = outgoing(&[rule(&url, true)]);
    let waiting: Vec<_> = (0..CONCURRENT_CALLS)
        .map(|_| {
            let (outgoing, url) = (outgoing.clone(), url.clone());
            tokio::spawn(async move { get(&outgoing, &url).await })
        })
        .collect();
    while server.connections() < CONCURRENT_CALLS {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let fault = call(&outgoing, "GET", &url, "", 100).await.err().unwrap();
    assert!(matches!(fault, Fault::Timeout(Stage::Waiting)), "{fault}");
    // A call that is given up makes room at once.
    waiting[0].abort();
    let fault = call(&outgoing, "GET", &url, "", 300).await.err().unwrap();
    assert!(matches!(fault, Fault::Timeout(Stage::Head)), "{fault}");
}

#[test]
fn requests_that_are_none_are_refused() {
    let check =
        |method: &str, url: &str, name: &str, value: &str| head(method, url, &[(name.into(), value.into())], 3).err();
    for (method, url, name, value) in [
        ("GET POST", "http://a", "X-A", "1"),
        ("GET", "http://a b", "X-A", "1"),
        ("GET", "http://bücher.example", "X-A", "1"),
        ("GET", "http://a", "X A", "1"),
        ("GET", "http://a", "X-A", "1\r\nX-B: 2"),
        ("GET", "http://a", "Host", "b"),
        ("GET", "http://a", "Transfer-Encoding", "chunked"),
        ("GET", "http://a", "Connection", "close"),
        ("GET", "http://a", "Content-Length", "4"),
    ] {
        assert!(matches!(check(method, url, name, value), Some(Fault::Invalid(_))), "{method} {url} {name}: {value}");
    }
    assert!(check("PROPFIND", "http://a", "Content-Length", "3").is_none());
}

/// A certificate for 127.0.0.1 with the client that trusts it, and the server that has it.
fn tls() -> (rustls::ClientConfig, rustls::ServerConfig) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let client =
        rustls::ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (
        client.with_root_certificates(roots).with_no_client_auth(),
        server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap(),
    )
}

fn secure(url: &str, config: &rustls::ClientConfig) -> Outgoing {
    Outgoing::new(Rules::compile(&[rule(url, true)]), Client::with_tls(config.clone()))
}

#[tokio::test]
async fn https_is_checked_against_the_name() {
    let (trusting, config) = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, OK, Then::KeepOpen, Arc::default()).await;
                }
            });
        }
    });
    let url = format!("https://127.0.0.1:{port}");
    assert_eq!(&get(&secure(&url, &trusting), &url).await.unwrap().body[..], b"ok");
    let stranger = tls().0;
    let fault = get(&secure(&url, &stranger), &url).await.err().unwrap();
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
    let other_name = format!("https://localhost:{port}");
    let fault = get(&secure(&other_name, &trusting), &other_name).await.err().unwrap();
    assert!(matches!(fault, Fault::Tls { .. }), "{fault}");
}

pub(super) fn wasi_request(url: &str) -> http::Request<WasiBody> {
    let body = http_body_util::Full::new(Bytes::from_static(b"hi")).map_err(|never| match never {}).boxed_unsync();
    http::Request::post(url).body(body).unwrap()
}

async fn wasi(outgoing: &mut Outgoing, url: &str, options: Option<RequestOptions>) -> Result<Bytes, Error> {
    outgoing.deadline = Instant::now() + Duration::from_secs(5);
    let answering = Box::into_pin(outgoing.send_request(wasi_request(url), options, Box::new(async { Ok(()) })));
    let (response, transfer) = answering.await?;
    let body = response.into_body().collect().await?.to_bytes();
    Box::into_pin(transfer).await?;
    Ok(body)
}

#[tokio::test]
async fn wasi_http_goes_by_the_same_rules() {
    let server = Server::start(OK, Then::KeepOpen).await;
    let (url, by_name) = (server.url("127.0.0.1"), server.url("localhost"));
    let mut outgoing = outgoing(&[rule(&url, true), rule(&by_name, false)]);
    for _ in 0..3 {
        assert_eq!(&wasi(&mut outgoing, &url, None).await.unwrap()[..], b"ok");
    }
    assert_eq!(server.connections(), 1);
    assert!(server.last().contains("host: 127.0.0.1"), "{}", server.last());
    assert!(matches!(wasi(&mut outgoing, "http://example.com", None).await, Err(Error::HttpRequestDenied)));
    assert!(matches!(wasi(&mut outgoing, &by_name, None).await, Err(Error::DestinationIpProhibited)));

    let quiet = Server::start(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", Then::Hang).await;
    let url = quiet.url("127.0.0.1");
    let mut outgoing = Outgoing::new(Rules::compile(&[rule(&url, true)]), Client::new());
    let between_bytes =
        RequestOptions { between_bytes_timeout: Some(Duration::from_millis(100)), ..Default::default() };
    let began = Instant::now();
    assert!(matches!(wasi(&mut outgoing, &url, Some(between_bytes)).await, Err(Error::ConnectionReadTimeout)));
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_called_server_is_told_of_the_trace_unless_the_guest_tells_it() {
    let server = Server::start(OK, Then::KeepOpen).await;
    let url = server.url("127.0.0.1");
    let mut outgoing = outgoing(&[rule(&url, true)]);
    get(&outgoing, &url).await.unwrap();
    assert!(!server.last().contains("traceparent"), "{}", server.last());

    let trace = TraceContext::root(true).with_state([&b"a=1"[..]]);
    let own = format!("traceparent: {}\r\n", trace.traceparent());
    outgoing.trace = Some(trace);
    get(&outgoing, &url).await.unwrap();
    assert!(server.last().contains(&own) && server.last().contains("tracestate: a=1\r\n"), "{}", server.last());
    wasi(&mut outgoing, &url, None).await.unwrap();
    assert!(server.last().contains(&own) && server.last().contains("tracestate: a=1\r\n"), "{}", server.last());

    let of_guest = [("traceparent".to_owned(), "mine".to_owned()), ("tracestate".to_owned(), "b=2".to_owned())];
    let head = head("GET", &url, &of_guest, 0).unwrap();
    outgoing.send(head, Bytes::new(), Instant::now() + Duration::from_secs(5)).await.unwrap();
    let request = server.last();
    assert!(request.contains("traceparent: mine\r\n") && request.contains("tracestate: b=2\r\n"), "{request}");
    assert!(!request.contains(&own) && !request.contains("a=1"), "{request}");
}

#[tokio::test]
async fn an_answer_that_is_kept_is_known() {
    let server = Server::start(OK, Then::KeepOpen).await;
    let url = server.url("127.0.0.1");
    let mut outgoing = outgoing(&[rule(&url, true)]);
    outgoing.deadline = Instant::now() + Duration::from_secs(5);
    let answering = outgoing.send_request(wasi_request(&url), None, Box::new(async { Ok(()) }));
    assert!(outgoing.is_open(), "a call that goes on");
    let (response, _) = Box::into_pin(answering).await.unwrap();
    assert!(outgoing.is_open(), "an answer that nobody reads");
    response.into_body().collect().await.unwrap();
    assert!(!outgoing.is_open());
    assert_eq!(outgoing.rules.permits.available_permits(), CONCURRENT_CALLS);
}
