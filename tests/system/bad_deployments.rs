//! Manifests and packages that cannot be served: `check` and `serve` refuse them alike, with file, line and key.

use auricle_tests::hostile;
use auricle_tests::manifest::{Section, api, connection, inspect, process};
use auricle_tests::site::Site;

/// Both refuse it, in the same words: what they tell.
#[track_caller]
fn refused(site: &Site) -> String {
    let [check, serve] = ["check", "serve"].map(|command| site.run(command, &[]));
    assert_eq!(check.code, Some(1), "{check:?}");
    assert_eq!(serve.code, Some(1), "{serve:?}");
    assert!(!serve.stdout.contains("listening on"), "{serve:?}");
    check.told()
}

/// What is told names the place where `key` stands: the line that begins so, counted from the end.
#[track_caller]
fn assert_at(told: &str, site: &Site, line_begins: &str, words: &[&str]) {
    let manifest = site.read("auricle.toml");
    let line = 1 + manifest.lines().collect::<Vec<_>>().iter().rposition(|line| line.starts_with(line_begins)).unwrap();
    assert!(told.contains(&format!("auricle.toml:{line}:")), "not at line {line}: {told}\n{manifest}");
    for word in words {
        assert!(told.contains(word), "no {word:?} in: {told}");
    }
}

fn with_package(name: &str, bytes: impl AsRef<[u8]>) -> Site {
    let site = Site::new([]);
    let package = site.write(name, bytes);
    site.rewrite("", [process("p", &package, "get p: none -> single-json")]);
    site
}

fn get(name: &str) -> Section {
    inspect(name, &format!("get {name}: none -> single-json"))
}

#[test]
fn no_such_package() {
    let site = Site::new([process("p", "nowhere.wasm".as_ref(), "get p: none -> single-json")]);
    assert_at(&refused(&site), &site, "package", &["nowhere.wasm"]);
}

#[test]
fn a_corrupt_package() {
    for bytes in [&b"\0asm\x0d\0\x01\0garbage"[..], b"", b"not wasm at all"] {
        let site = with_package("corrupt.wasm", bytes);
        assert_at(&refused(&site), &site, "package", &["process[p].package"]);
    }
    let mut cut = std::fs::read(auricle_tests::build::guest("inspect")).unwrap();
    cut.truncate(cut.len() / 2);
    let site = with_package("cut.wasm", cut);
    assert_at(&refused(&site), &site, "package", &["process[p].package"]);
}

#[test]
fn a_component_of_another_world() {
    let site = with_package("other.wasm", hostile::of_another_world());
    assert_at(&refused(&site), &site, "package", &["auricle:process/listener"]);
}

#[test]
fn a_core_module() {
    let site = with_package("module.wasm", hostile::core_module());
    assert_at(&refused(&site), &site, "package", &["component"]);
}

#[test]
fn a_route_to_nothing() {
    let site = Site::new([get("account"), api("crm", "/crm").route("GET {id}", "acount")]);
    assert_at(&refused(&site), &site, "process = ", &["acount", "account"]);
}

#[test]
fn two_equal_routes() {
    let site = Site::new([
        get("a"),
        get("b"),
        api("crm", "/crm").route("GET {id}", "a").and("object = 'x'").route("GET {Id}/", "b").and("object = 'x'"),
    ]);
    let told = refused(&site);
    assert_at(&told, &site, "[[api.rest]]", &["api[crm].rest[1]", "GET /ws/rest/crm/x/{Id}", "route 0"]);
    let first = 1 + site.read("auricle.toml").lines().position(|line| line == "[[api.rest]]").unwrap();
    assert!(told.contains(&format!("the other one: {}:{first}:", site.manifest().display())), "{told}");
}

#[test]
fn two_apis_of_one_base() {
    let site = Site::new([get("a"), api("one", "/crm").route("GET", "a"), api("two", "/crm/").route("GET x", "a")]);
    assert_at(&refused(&site), &site, "base", &["api[two].base", "api `one`", "`/crm`"]);
}

#[test]
fn two_operations_of_one_name() {
    let site =
        Site::new([inspect("a", "get thing: none -> single-json"), inspect("b", "get Thing: none -> single-json")]);
    let told = refused(&site);
    assert!(told.contains("`getThing`") && told.contains("`a`") && told.contains("process[b]"), "{told}");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let site = Site::new([get("a").and("time-out = '3s'")]);
    assert_at(&refused(&site), &site, "time-out", &["`time-out`", "did you mean `timeout`"]);
}

#[test]
fn an_undeclared_connection() {
    let site = Site::new([get("a").and("connections = ['epr']"), connection("erp", "sqlite://erp.db")]);
    assert_at(&refused(&site), &site, "connections", &["epr", "erp"]);
}

#[test]
fn a_folder_that_is_not_there() {
    let site = Site::new([get("a").and("files = { '/data' = 'nowhere' }")]);
    assert_at(&refused(&site), &site, "files", &["nowhere"]);
}

#[test]
fn what_comes_later_is_refused_by_name() {
    let site = Site::new([get("a"), api("crm", "/crm").and("[[api.odata]]\nprocess = 'a'")]);
    assert!(refused(&site).contains("not in this version"));
}

#[test]
fn a_process_that_needs_more_memory_than_it_may_have() {
    let site = Site::new([get("a").and("memory = '64KiB'")]);
    let told = refused(&site);
    assert!(told.contains("process[a]") && told.contains("memory"), "{told}");
}

#[test]
fn a_manifest_that_is_not_there() {
    let site = Site::new([]);
    std::fs::remove_file(site.manifest()).unwrap();
    let told = refused(&site);
    assert!(told.contains("auricle.toml"), "{told}");
}

#[test]
fn what_is_right_is_said_to_be_right() {
    let site = Site::new([get("a"), api("crm", "/crm").route("GET {id}", "a")]);
    let checked = site.run("check", &[]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

/// The port is in use: told with its key, and nothing is left behind.
#[test]
fn an_address_in_use() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let site = Site::with(&format!("listen = '{address}'"), [get("a")]);
    let serve = site.run("serve", &[]);
    assert_eq!(serve.code, Some(1), "{serve:?}");
    assert!(serve.stderr.contains(&address.to_string()) && serve.stderr.contains("`listen`"), "{serve:?}");
}

/// A second host on one data folder would run what the first has queued.
#[test]
fn a_data_folder_in_use() {
    let server = Site::new([get("a")]).serve();
    let second = server.site.run("serve", &[]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains("data"), "{second:?}");
    assert_eq!(crate::ran(&server.get("/ws/simple/getA")), "a");
}
