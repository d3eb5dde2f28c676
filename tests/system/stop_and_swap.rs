//! Stopping, restarting and deploying while requests come in: none of them fails.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use auricle::{Host, Manifest};
use auricle_tests::client::{Request, Wire};
use auricle_tests::manifest::{Section, api, inspect, probe};
use auricle_tests::site::{Site, free_port, wait};

#[test]
fn a_stop_answers_what_was_asked_before() {
    let site =
        Site::new([probe("p", "execute p: single-data -> single-json")
            .and("files = { '/out' = { path = 'out', write = true } }")]);
    std::fs::create_dir(site.path("out")).unwrap();
    let server = site.serve();
    let mut wires: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send("POST /ws/simple/executeP?journal=/out/log HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
    }
    wait("all of them to run", || server.site.read("out/log").matches("begin").count() == 8);
    server.terminate();
    wait("new connections to be refused", || TcpStream::connect(server.address()).is_err());
    server.site.write("out/log.go", "");
    for wire in &mut wires {
        assert_eq!(wire.read().json()["journal"], true);
        assert!(wire.is_closed(), "told to go, after its answer");
    }
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
}

/// A balancer that asks is told to look elsewhere, for as long as there is anything to wait for.
#[test]
fn a_host_that_stops_says_so_until_the_end() {
    let admin = free_port();
    let site = Site::with(
        &format!("admin-listen = '127.0.0.1:{admin}'"),
        [probe("p", "execute p: single-data -> single-json")
            .and("files = { '/out' = { path = 'out', write = true } }")],
    );
    std::fs::create_dir(site.path("out")).unwrap();
    let server = site.serve();
    let health = || Request::new(([127, 0, 0, 1], admin).into(), "GET", "/_admin/status").send();
    assert_eq!(health().json()["status"], "ready");
    let mut wire = server.connect();
    wire.send("POST /ws/simple/executeP?journal=/out/log HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
    wait("it to run", || server.site.read("out/log").contains("begin"));
    server.terminate();
    wait("new connections to be refused", || TcpStream::connect(server.address()).is_err());
    assert_eq!(health().json_of(503)["status"], "draining");
    server.site.write("out/log.go", "");
    assert_eq!(wire.read().json()["journal"], true);
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
}

/// A process `p`, and a route to it that says which version it is.
fn version(n: usize) -> [Section; 2] {
    let name = format!("v{n}");
    [
        inspect(&name, "get p: none -> single-json").and(if n.is_multiple_of(2) { "mode = 'low-latency'" } else { "" }),
        api("api", "/api").route("GET", &name),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_swapped_without_a_failed_request() {
    let site = Site::new(version(0));
    let host = Host::builder().manifest(Manifest::load(&site.manifest()).unwrap()).build().await.unwrap();
    let server = host.listen().await.unwrap();
    assert!(host.start().await.unwrap().new);
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));

    static OVER: AtomicBool = AtomicBool::new(false);
    let clients: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let mut wire = Wire::open(address);
                let mut seen = Vec::new();
                while !OVER.load(Ordering::Relaxed) {
                    let answer = wire.send("GET /ws/rest/api/p HTTP/1.1\r\nhost: a\r\n\r\n").read();
                    let name = answer.json()["execution"]["name"].as_str().unwrap().to_owned();
                    if seen.last() != Some(&name) {
                        seen.push(name);
                    }
                }
                seen
            })
        })
        .collect();
    for n in 1..=5 {
        site.rewrite("", version(n));
        let deployed = host.deploy(&Manifest::load(&site.manifest()).unwrap()).await.unwrap();
        assert_eq!((deployed.version, deployed.new), (n as u32 + 1, true));
        let fresh = tokio::task::spawn_blocking(move || {
            Wire::open(address).send("GET /ws/rest/api/p HTTP/1.1\r\nhost: a\r\n\r\n").read()
        });
        assert_eq!(crate::ran(&fresh.await.unwrap()), format!("v{n}"), "it is in force when `deploy` returns");
    }
    OVER.store(true, Ordering::Relaxed);
    let expected: Vec<_> = (0..=5).map(|n| format!("v{n}")).collect();
    for client in clients {
        // In order, each at most once: nobody saw an old version after a new one.
        let seen = client.join().unwrap();
        assert!(seen.is_sorted() && seen.iter().all(|name| expected.contains(name)), "{seen:?}");
    }
    stop.send(()).unwrap();
    serving.await.unwrap();
}

#[tokio::test]
async fn a_deployment_that_fails_changes_nothing() {
    let site = Site::new(version(0));
    let host = Host::builder().manifest(Manifest::load(&site.manifest()).unwrap()).start().await.unwrap();
    site.rewrite("", [inspect("p", "get p: none -> single-json"), api("api", "/api").route("GET", "nobody")]);
    let refused = match Manifest::load(&site.manifest()) {
        Ok(manifest) => host.deploy(&manifest).await.unwrap_err().to_string(),
        Err(problems) => problems.to_string(),
    };
    assert!(refused.contains("nobody"), "{refused}");
    site.rewrite("", version(0));
    let text = std::fs::read_to_string(site.manifest()).unwrap();
    let corrupt = site.write("corrupt.wasm", "\0asm");
    let package = format!("{:?}", auricle_tests::build::guest("inspect"));
    site.write("auricle.toml", text.replace(&package, &format!("{corrupt:?}")));
    let error = host.deploy(&Manifest::load(&site.manifest()).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("process[v0].package"), "{error}");
    assert!(host.run("v0", []).await.result.is_ok());
    assert_eq!(host.active().unwrap().version, 1);
}

#[test]
fn a_restart_deploys_only_what_changed() {
    let deployed = |site: Site, expected: &str| {
        let server = site.serve();
        server.wait_for_log(expected);
        server.terminate();
        let (status, site) = server.wait();
        assert!(status.success(), "{status}");
        site
    };
    let site = deployed(Site::new(version(0)), "deployed version=1 new=true");
    let site = deployed(site, "deployed version=1 new=false");
    site.rewrite("", version(1));
    let site = deployed(site, "deployed version=2 new=true");
    deployed(site, "deployed version=2 new=false");
}
