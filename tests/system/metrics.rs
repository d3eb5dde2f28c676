//! `/metrics`, as Prometheus reads it.

use std::net::SocketAddr;

use auricle::{Host, Manifest};
use auricle_tests::client::Request;
use auricle_tests::manifest::{Section, api, inspect};
use auricle_tests::site::{Server, Site, free_port};

/// A page of metrics.
struct Page(String);

impl Page {
    #[track_caller]
    fn read(admin: SocketAddr) -> Self {
        let answer = Request::new(admin, "GET", "/metrics").send();
        let media_type = answer.header("content-type").unwrap();
        assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"), "{media_type}");
        let text = answer.text().to_owned();
        assert_eq!(answer.status, 200);
        assert!(text.ends_with("# EOF\n"));
        Self(text)
    }

    /// The value of a series, written as it is on the page without its value.
    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        self.find(series).unwrap_or_else(|| panic!("there is no {series}:\n{}", self.0))
    }

    fn find(&self, series: &str) -> Option<f64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }
}

fn sections() -> [Section; 3] {
    [
        inspect("p", "get p: none -> single-json"),
        inspect("idle", "get idle: none -> single-json"),
        api("api", "/api").route("GET {id}", "p"),
    ]
}

struct Metered {
    server: Server,
    admin: SocketAddr,
}

impl Metered {
    fn start(server: &str, sections: impl IntoIterator<Item = Section>) -> Self {
        let admin = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let server = Site::with(&format!("admin-listen = '{admin}'\n{server}"), sections).serve();
        Self { server, admin }
    }

    #[track_caller]
    fn page(&self) -> Page {
        Page::read(self.admin)
    }
}

/// A series of a request's duration.
fn request(labels: &str, status: u16) -> String {
    format!(
        "http_server_request_duration_seconds_count{{{labels},http_response_status_code=\"{status}\",network_protocol_version=\"1.1\",url_scheme=\"http\"}}"
    )
}

#[test]
fn requests_are_counted_by_route_and_executions_by_process() {
    let metered = Metered::start("", sections());
    let server = &metered.server;
    for id in 1..=3 {
        assert_eq!(server.get(&format!("/ws/rest/api/p/{id}")).status, 200);
    }
    assert_eq!(server.get("/ws/rest/api/p/4?fail=oh").status, 500);
    assert_eq!(server.get("/nowhere/1").status, 404);
    assert_eq!(server.get("/nowhere/2").status, 404);
    assert_eq!(server.request("BREW", "/ws/rest/api/p/1").send().status, 405);
    server.get("/metrics").problem(404);

    let page = metered.page();
    let route = "http_request_method=\"GET\",http_route=\"/ws/rest/api/p/{id}\"";
    assert_eq!(page.value(&request(route, 200)), 3.0);
    assert_eq!(page.value(&request(route, 500)), 1.0);
    assert_eq!(page.value(&request("http_request_method=\"GET\"", 404)), 3.0, "no path is a label");
    assert_eq!(page.value(&request("http_request_method=\"_OTHER\"", 405)), 1.0);
    let sent = request(route, 200).replace("request_duration_seconds_count", "response_body_size_bytes_sum");
    assert!(page.value(&sent) > 0.0);
    let taken = request(route, 200).replace("request_duration_seconds_count", "request_body_size_bytes_count");
    assert_eq!(page.value(&taken), 3.0);
    assert_eq!(page.value("http_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"}"), 0.0);
    assert_eq!(page.value("auricle_requests_refused_total{reason=\"no-route\"}"), 4.0);

    assert_eq!(page.value("auricle_executions_total{process=\"p\"}"), 4.0);
    assert_eq!(page.value("auricle_execution_failures_total{process=\"p\",kind=\"failed\"}"), 1.0);
    assert_eq!(page.value("auricle_execution_duration_seconds_count{process=\"p\"}"), 4.0);
    assert_eq!(page.value("auricle_executions_active{process=\"p\"}"), 0.0);
    assert!(page.value("auricle_instances_made_total{process=\"p\"}") >= 4.0);
    assert!(page.value("auricle_execution_cpu_seconds_total{process=\"p\"}") > 0.0);
    assert!(page.value("auricle_instance_memory_bytes{process=\"p\"}") >= 65536.0);
    assert_eq!(page.find("auricle_executions_total{process=\"idle\"}").unwrap_or_default(), 0.0);
    assert_eq!(page.find("auricle_execution_duration_seconds_count{process=\"idle\"}"), None);

    assert_eq!(page.value("auricle_processes_deployed"), 2.0);
    assert_eq!(page.value("auricle_engine_permits"), 1000.0);
    assert!(page.value("auricle_engine_permits_free") <= 1000.0);
    assert!(page.0.contains("auricle_build_info{version=\""));
    if cfg!(target_os = "linux") {
        assert!(page.value("process_resident_memory_bytes") > 1e6);
        assert!(page.value("process_open_fds") > 3.0);
    }
}

#[test]
fn warm_instances_and_refusals_are_told() {
    let low = inspect("p", "get p: none -> single-json").and("mode = 'low-latency'");
    let metered = Metered::start("requests-per-second = 2", [low]);
    let statuses: Vec<u16> = (0..10).map(|_| metered.server.get("/ws/simple/getP").status).collect();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused > 0, "{statuses:?}");
    let page = metered.page();
    assert_eq!(page.value("auricle_requests_refused_total{reason=\"rate\"}"), refused as f64);
    assert_eq!(page.value(&request("http_request_method=\"GET\"", 429)), refused as f64);
    assert!(page.value("auricle_instances_warm{process=\"p\"}") >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_goes_on_with_the_counts_of_the_one_before() {
    let site = Site::new(sections());
    let load = || Manifest::load(&site.manifest()).unwrap();
    let host = Host::builder().manifest(load()).start().await.unwrap();
    let server = host.listen().await.unwrap();
    let (address, admin) = (server.address(), server.admin_address());
    let get = |target: &'static str| async move {
        tokio::task::spawn_blocking(move || Request::new(address, "GET", target).send().status).await.unwrap()
    };
    assert_eq!(get("/ws/rest/api/p/1").await, 200);
    site.rewrite("", sections().into_iter().chain([api("more", "/more").route("GET {id}", "p")]));
    assert!(host.deploy(&load()).await.unwrap().new);
    assert_eq!(get("/ws/rest/api/p/1").await, 200);
    assert_eq!(get("/ws/rest/more/p/1").await, 200);

    let page = tokio::task::spawn_blocking(move || Page::read(admin)).await.unwrap();
    assert_eq!(page.value("auricle_executions_total{process=\"p\"}"), 3.0);
    assert_eq!(page.value("auricle_deployment_version{environment=\"default\",role=\"active\"}"), 2.0);
    let route = |route: &str| request(&format!("http_request_method=\"GET\",http_route=\"{route}\""), 200);
    assert_eq!(page.value(&route("/ws/rest/api/p/{id}")), 2.0);
    assert_eq!(page.value(&route("/ws/rest/more/p/{id}")), 1.0);
    drop(server);
    host.close().await;
}
