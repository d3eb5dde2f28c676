//! A query, to process properties, the debug switch and the links of pages.

use auricle_api::{paging, properties};
use auricle_model::Properties;
use http::{HeaderMap, Method};

use crate::served::ROUTER;

const PATH: &str = "/ws/simple/getAccount";

fn told(query: &str) -> Option<Properties> {
    let found = ROUTER.find(&Method::GET, PATH, &HeaderMap::new()).expect("the fixture serves it");
    let found = found.operation().expect("the URL says the operation");
    properties::process_properties(&found, &Method::GET, Some(query), Some("joe")).ok()
}

/// What a query says can be said again and comes out the same; the debug switch never reaches a process.
pub fn run(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let debug = properties::is_debug(Some(query), &HeaderMap::new());
    if let Some(told) = told(query) {
        for (name, value) in &[("inmethod", "GET"), ("inpath", "/getAccount"), ("inuser", "joe")] {
            assert_eq!(told.get(name), Some(*value));
        }
        assert_eq!(told.get("query__boomi_debug"), None);
        assert_eq!(told.get("param_Id"), told.get("query_Id"));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        assert!(told.iter().filter(|(name, _)| name.starts_with("query_")).count() <= pairs.count());
        said_again(&told);
        assert_eq!(debug, asks_to_debug(query), "{query:?}");
    }
    pages(query);
}

/// Every property written out as a parameter of its own gives the same properties.
fn said_again(told: &Properties) {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let queried = told.iter().filter_map(|(name, value)| Some((name.strip_prefix("query_")?, value)));
    let query: Vec<_> = queried.map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    assert_eq!(self::told(&query.join("&")).as_ref(), Some(told));
}

/// The switch by the letter: any parameter of this name whose value is `true`, in a query that can be read.
fn asks_to_debug(query: &str) -> bool {
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, value)| {
        // One parameter alone, with its name hidden behind a letter, since the name itself is never told.
        let key = told(&format!("_{key}"));
        let value = told(&format!("_={value}"));
        let value = value.as_ref().and_then(|value| value.get("query__")).unwrap_or_default();
        key.is_some_and(|key| key.get("query___boomi_debug").is_some()) && value.trim().eq_ignore_ascii_case("true")
    })
}

/// A token goes into a link and comes out of it, whatever the query around it; no link says more than one thing.
fn pages(query: &str) {
    let token = paging::token_of(query);
    for token in [token.as_deref().unwrap_or("t"), query] {
        let link = paging::link("http://localhost/ws/rest", Some(query), token);
        let link = link.to_str().expect("a link is visible ASCII");
        let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect("one link");
        assert!(!target.contains(['<', '>', '"', ' ']), "{link}");
        let (_, query) = target.split_once('?').expect("a query");
        assert_eq!(paging::token_of(query).as_deref(), Some(token), "{link}");
    }
}
