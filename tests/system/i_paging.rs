//! Pages of lists.

use auricle_tests::client::Response;
use auricle_tests::manifest::{api, inspect};
use auricle_tests::site::{Server, Site};
use serde_json::{Value, json};

use crate::ran;

fn serve(server: &str, output: &str, keys: &str) -> Server {
    Site::with(
        server,
        [
            inspect("p", &format!("query Contact: none -> {output}")).and(keys),
            inspect("post", &format!("create Contact: single-json -> {output}")).and(keys),
            inspect("one", "get Contact: none -> single-json"),
            api("api", "/api").route("GET", "p").route("POST posted", "post").route("GET one", "one"),
        ],
    )
    .serve()
}

const CONTACTS: &str = "/ws/rest/api/Contact";

/// The pages from a first one on, each as JSON.
#[track_caller]
fn pages(server: &Server, first: Response) -> Vec<Value> {
    let mut pages = vec![first.json()];
    let mut next = first.next();
    while let Some(target) = next {
        let page = server.get(&target);
        pages.push(page.json());
        next = page.next();
    }
    pages
}

#[test]
fn i5_a_page_has_a_hundred_documents_unless_said_otherwise() {
    let server = serve("", "multiple-json", "");
    let all = pages(&server, server.get(&format!("{CONTACTS}?documents=101")));
    let sizes: Vec<_> = all.iter().map(|page| page.as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 1]);
    assert_eq!(all[1], json!([{ "n": 101 }]));
}

/// `decisions.md` allows any page size up to the manifest's limit.
#[test]
fn i6_a_page_can_have_more() {
    let server = serve("", "multiple-json", "max-documents = 500");
    let first = server.get(&format!("{CONTACTS}?documents=500"));
    assert_eq!((first.json().as_array().unwrap().len(), first.next()), (500, None));
}

#[test]
fn i7_pages_of_json() {
    let server = serve("", "multiple-json", "max-documents = 2");
    let first = server.get(&format!("{CONTACTS}?documents=3&a=b"));
    assert!(first.next().unwrap().starts_with(&format!("{CONTACTS}?documents=3&a=b&moreDataToken=")));
    assert_eq!(pages(&server, first), [json!([{ "n": 1 }, { "n": 2 }]), json!([{ "n": 3 }])]);
    // A page is of the same execution as the first.
    let first = server.get(&format!("{CONTACTS}?documents=3"));
    let second = server.get(&first.next().unwrap());
    assert_eq!(first.header("x-execution-id"), second.header("x-execution-id"));
}

#[test]
fn i8_pages_of_xml_say_the_token_in_the_list() {
    let server = serve("", "multiple-xml", "max-documents = 1");
    let first = server.get(&format!("{CONTACTS}?documents=2"));
    let token = first.next().unwrap().rsplit_once('=').unwrap().1.to_owned();
    assert!(first.text().starts_with("<wss:ContactResponseList "), "{first}");
    assert!(first.text().contains(&format!(" moreDataToken=\"{token}\"")), "{first}");
    let last = server.get(&format!("{CONTACTS}?moreDataToken={token}"));
    assert!(last.text().contains("><n>2</n></") && !last.text().contains("moreDataToken"), "{last}");
}

#[test]
fn i10_a_trusted_proxy_says_what_the_link_is_under() {
    let proxied = |server: &Server, header: &str, value: &str| {
        let request = server.request("GET", &format!("{CONTACTS}?documents=2")).header(header, value);
        request.send().header("link").unwrap().to_owned()
    };
    let uri = "https://api.company.com/example/v1/function";
    let trusting = serve("trusted-proxies = ['127.0.0.1']", "multiple-json", "max-documents = 1");
    assert!(proxied(&trusting, "X-Request-Uri", uri).starts_with(&format!("<{uri}?documents=2&moreDataToken=")));
    let forwarded = proxied(&trusting, "Forwarded", "proto=https;host=api.example");
    assert!(forwarded.starts_with(&format!("<https://api.example{CONTACTS}?")), "{forwarded}");
    let wary = serve("", "multiple-json", "max-documents = 1");
    assert!(proxied(&wary, "X-Request-Uri", uri).starts_with(&format!("<http://test{CONTACTS}?")));
}

#[test]
fn a_public_url_is_what_links_are_under() {
    let server = serve("public-url = 'https://crm.example/x'", "multiple-json", "max-documents = 1");
    let first = server.get(&format!("{CONTACTS}?documents=2"));
    assert!(first.header("link").unwrap().starts_with(&format!("<https://crm.example/x{CONTACTS}?")), "{first}");
}

/// `decisions.md`: a GET of the same path with the token, whatever the route's method.
#[test]
fn pages_of_a_post_are_fetched_by_get() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let first = server.post(&format!("{CONTACTS}/posted?documents=2"), "{}");
    assert_eq!(pages(&server, first), [json!([{ "n": 1 }]), json!([{ "n": 2 }])]);
}

/// The path is the same as the router sees it: a slash at its end, or a letter that need not be encoded, makes no other.
#[test]
fn a_page_is_fetched_whatever_the_spelling_of_its_path() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let second = server.get(&format!("{CONTACTS}?documents=3")).next().unwrap();
    let (_, query) = second.split_once('?').unwrap();
    for path in [format!("{CONTACTS}/"), CONTACTS.replace("Contact", "%43ontact"), CONTACTS.to_owned()] {
        assert_eq!(server.get(&format!("{path}?{query}")).json(), json!([{ "n": 2 }]), "{path}");
    }
    let first = server.get(&format!("{CONTACTS}/?documents=2"));
    assert_eq!(pages(&server, first), [json!([{ "n": 1 }]), json!([{ "n": 2 }])]);
}

#[test]
fn pages_over_simple_http_are_linked_too() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let first = server.get("/ws/simple/queryContact?documents=3");
    assert!(first.next().unwrap().starts_with("/ws/simple/queryContact?documents=3&moreDataToken="), "{first}");
    assert_eq!(pages(&server, first), [json!([{ "n": 1 }]), json!([{ "n": 2 }]), json!([{ "n": 3 }])]);
}

#[test]
fn a_token_serves_again_until_the_next_one_is_used() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let second = server.get(&format!("{CONTACTS}?documents=3")).next().unwrap();
    let third = server.get(&second).next().unwrap();
    assert_eq!(server.get(&second).next().as_ref(), Some(&third), "again, and the same");
    assert_eq!(server.get(&third).json(), json!([{ "n": 3 }]));
    let problem = server.get(&second).problem(404);
    assert!(problem.detail.contains("`moreDataToken` is unknown"), "{}", problem.detail);
}

#[test]
fn a_crash_of_the_host_changes_nothing() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let first = server.get(&format!("{CONTACTS}?documents=3"));
    let second = first.next().unwrap();
    let server = server.kill().serve();
    let page = server.get(&second);
    assert_eq!((page.json(), page.header("x-execution-id")), (json!([{ "n": 2 }]), first.header("x-execution-id")));
    let third = page.next().unwrap();
    let server = server.kill().serve();
    assert_eq!(server.get(&second).next().as_ref(), Some(&third), "again, and the same");
    assert_eq!(server.get(&third).json(), json!([{ "n": 3 }]));
    let server = server.kill().serve();
    server.get(&second).problem(404);
}

#[test]
fn a_token_is_of_its_path_and_an_unknown_one_is_404() {
    let server = serve("", "multiple-json", "max-documents = 1");
    let token = server.get(&format!("{CONTACTS}?documents=2")).next().unwrap().rsplit_once('=').unwrap().1.to_owned();
    server.get(&format!("/ws/simple/queryContact?moreDataToken={token}")).problem(404);
    server.get(&format!("{CONTACTS}?moreDataToken=made-up")).problem(404);
    assert_eq!(ran(&server.get(&format!("{CONTACTS}/one?moreDataToken=its-own"))), "one", "it has no pages");
}
