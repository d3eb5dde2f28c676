//! A host in somebody else's program: as a service of requests, and with no HTTP at all.

use auricle::{Document, FailureKind, Host, Manifest, State};
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::Site;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_service::Service;

fn site() -> Site {
    Site::new([
        inspect("p", "query p: single-data -> multiple-json").and("max-documents = 2"),
        api("api", "/api").route("POST", "p"),
    ])
}

fn manifest(site: &Site) -> Manifest {
    Manifest::load(&site.manifest()).unwrap()
}

/// The service sees a request as any `tower` server hands it over, here one that took a path of its own off.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_a_service_of_requests() {
    let site = site();
    site.rewrite(
        "public-url = 'https://example.org/apis'",
        [
            inspect("p", "query p: single-data -> multiple-json").and("max-documents = 2"),
            api("api", "/api").route("POST", "p"),
        ],
    );
    let host = Host::builder().manifest(manifest(&site)).build().await.unwrap();
    let mut service = host.service();
    let request = || Request::post("/ws/rest/api/p?documents=3").body(Full::new(Bytes::from("x"))).unwrap();
    let early = service.call(request()).await.unwrap();
    assert_eq!((early.status().as_u16(), host.state()), (503, State::Starting));

    host.start().await.unwrap();
    let response = service.call(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    let link = response.headers()["link"].to_str().unwrap();
    assert!(link.starts_with("<https://example.org/apis/ws/rest/api/p?documents=3&moreDataToken="), "{link}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap().as_array().unwrap().len(), 2);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_runs_with_no_http() {
    let site = site();
    let host = Host::builder().manifest(manifest(&site)).start().await.unwrap();
    let outcome = host.run("p", [Document::new("hello")]).await;
    let documents = outcome.result.unwrap();
    let seen: Value = serde_json::from_str(&documents[0].text().unwrap()).unwrap();
    assert_eq!(seen["documents"][0]["text"], "hello");
    assert_eq!(seen["execution"]["id"], outcome.id.to_string());

    let mut execution = host.execution("p");
    execution.properties.set("query_fail", "oh");
    let failure = host.execute(execution).await.result.unwrap_err();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::Failed, "oh"));
    assert_eq!(host.run("q", []).await.result.unwrap_err().kind, FailureKind::Unknown);

    // Closed, it leaves its data folder to the next one at once.
    host.close().await;
    Host::builder().manifest(manifest(&site)).start().await.unwrap().close().await;
}

/// Long lists are worked on where they hold up no other request; a runtime of one thread has no such place.
async fn a_long_list_comes_back() {
    let site = Site::new([
        inspect("p", "query p: multiple-json -> multiple-json").and("max-documents = 10000"),
        api("api", "/api").route("POST", "p"),
    ]);
    let host = Host::builder().manifest(manifest(&site)).start().await.unwrap();
    let list = format!("[{}]", vec![format!("\"{}\"", "x".repeat(200)); 5000].join(","));
    assert!(list.len() > auricle::limits::HEAVY_BYTES);
    let request = Request::post("/ws/rest/api/p?echo=1").body(Full::new(Bytes::from(list.clone()))).unwrap();
    let response = host.service().call(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), list);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_comes_back_on_many_threads() {
    a_long_list_comes_back().await;
}

#[tokio::test]
async fn a_long_list_comes_back_on_one_thread() {
    a_long_list_comes_back().await;
}
