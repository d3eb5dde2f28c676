//! The dynamic process properties of a request: `inmethod`, `inpath`, `inuser`, `param_*`, `query_*`.
//!
//! Mission, "Request parameters" and "Request metadata"; `decisions.md`, "Properties and headers". Costs no allocation for a
//! name or value of up to 24 bytes, and one for a longer one.

use std::borrow::Cow;
use std::collections::HashMap;

use auricle_model::{Properties, PropertySet, Protocol};
use compact_str::{CompactString, ToCompactString, format_compact};
use http::{HeaderMap, HeaderName, Method};

use crate::percent::{self, DecodeError, excerpt};
use crate::route::Found;

/// The query parameter that asks for a debug run. It is the host's, and no process sees it.
const DEBUG_QUERY: &str = "_boomi_debug";
/// The header that asks for the same.
const DEBUG_HEADER: HeaderName = HeaderName::from_static("x-boomi-debug");

/// A query that can't be read; the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("query parameter `{key}`: {cause}")]
pub struct QueryError {
    /// The key as sent.
    pub key: String,
    /// What is wrong with it or its value.
    pub cause: DecodeError,
}

/// What a process is told of its request. `query` is what follows the `?`; `user` is the authenticated name.
///
/// # Errors
/// A query that is not UTF-8 in percent-encoding.
pub fn process_properties(
    found: &Found,
    method: &Method,
    query: Option<&str>,
    user: Option<&str>,
) -> Result<Properties, QueryError> {
    let mut properties = PropertySet::new();
    properties.set("inmethod", method.as_str());
    properties.set("inpath", found.inpath.clone());
    if let Some(user) = user {
        properties.set("inuser", user);
    }
    set_query(&mut properties, query)?;
    if found.endpoint.protocol == Protocol::Simple {
        for key in &found.endpoint.keys {
            if let Some(value) = properties.get(&prefixed("query_", key)).map(CompactString::new) {
                properties.set(prefixed("param_", key), value);
            }
        }
    }
    for (name, value) in &found.params {
        properties.set(prefixed("param_", name), value.clone());
    }
    Ok(properties.into())
}

fn prefixed(prefix: &'static str, name: &str) -> CompactString {
    let mut prefixed = CompactString::const_new(prefix);
    prefixed.push_str(name);
    prefixed
}

/// `query_k` is the first value of `k`, `query_k[1]` the second and so on.
fn set_query(properties: &mut PropertySet, query: Option<&str>) -> Result<(), QueryError> {
    let Some(query) = query else { return Ok(()) };
    let mut repeats: HashMap<CompactString, usize> = HashMap::new();
    let mut further = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode =
            |text| percent::decode_query(text).map_err(|cause| QueryError { key: excerpt(key).into_owned(), cause });
        let (key, value) = (decode(key)?, decode(value)?.to_compact_string());
        if key == DEBUG_QUERY {
            continue;
        }
        let name = prefixed("query_", &key);
        if properties.get(&name).is_none() {
            properties.set(name, value);
        } else {
            let nth = repeats.entry(name.clone()).or_insert(0);
            *nth += 1;
            further.push((format_compact!("{name}[{nth}]"), value));
        }
    }
    // Only now is it known which of these names were sent as they are: a parameter that is called `k[1]` is that.
    for (name, value) in further {
        properties.add(name, value);
    }
    Ok(())
}

/// Whether the caller asks for a debug run: `_boomi_debug=true` in the query, or `X-Boomi-Debug: true`; the value in any case.
pub fn is_debug(query: Option<&str>, headers: &HeaderMap) -> bool {
    let is_true = |text: &str| text.trim().eq_ignore_ascii_case("true");
    let mut pairs = query.iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('='));
    pairs.any(|(key, value)| is_debug_query(key) && is_true(&decoded(value)))
        || headers.get_all(DEBUG_HEADER).iter().any(|value| value.to_str().is_ok_and(is_true))
}

/// Decodes the key only where that could make it the name.
fn is_debug_query(key: &str) -> bool {
    key == DEBUG_QUERY || (key.contains('%') && decoded(key) == DEBUG_QUERY)
}

/// What can't be decoded is no switch; it is told of later.
fn decoded(text: &str) -> Cow<'_, str> {
    percent::decode_query(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use auricle_model::{Deployment, DocumentType, OperationKind};

    use super::*;
    use crate::route::Router;
    use crate::route::fixtures::*;

    /// All process properties of a request, as `name=value`.
    fn properties(router: &Router, request: &str, user: Option<&str>) -> Result<Vec<String>, QueryError> {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        let method: Method = method.parse().unwrap();
        let found = router.find(&method, path, &HeaderMap::new()).unwrap().operation().unwrap();
        let properties = process_properties(&found, &method, query, user)?;
        Ok(properties.iter().map(|(n, v)| format!("{n}={v}")).collect())
    }

    /// Only what the query became.
    fn queried(query: &str) -> Vec<String> {
        let all = properties(&bases(), &format!("GET /ws/rest/?{query}"), None).unwrap();
        all.into_iter().filter(|p| p.starts_with("query_")).collect()
    }

    #[test]
    fn e1_to_e7_query_parameters() {
        assert_eq!(queried("foo=blah&bar=buzz"), ["query_bar=buzz", "query_foo=blah"]);
        assert_eq!(queried("a=x%20y%26z+w%2B"), ["query_a=x y&z w+"]);
        assert_eq!(queried("my-key=1&a.b=2&%C3%A9+=3"), ["query_a.b=2", "query_my-key=1", "query_é =3"]);
        assert_eq!(queried("k=1&k=2&k=3"), ["query_k=1", "query_k[1]=2", "query_k[2]=3"]);
        assert_eq!(queried("k=1&k=2&k[1]=own"), ["query_k=1", "query_k[1]=own"]);
        assert_eq!(queried("a=\"q\"&b=c=d&c&&d="), ["query_a=\"q\"", "query_b=c=d", "query_c=", "query_d="]);
        assert_eq!(queried(""), [""; 0]);
    }

    #[test]
    fn a_query_that_cannot_be_read_names_its_key() {
        for (query, message) in [
            (
                "a=1&rate=5%",
                "query parameter `rate`: `%` is not followed by two hexadecimal digits: write a literal `%` as `%25`",
            ),
            ("n%ff=1", "query parameter `n%ff`: it does not decode to UTF-8"),
        ] {
            let error = properties(&bases(), &format!("GET /ws/rest/?{query}"), None).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn e8_e9_e10_e12_e15_what_is_told_of_the_request() {
        let router = bases();
        let told = |request: &str, user| properties(&router, request, user).unwrap();
        assert_eq!(
            told("GET /ws/rest/test/other/1;m=2/?x=2", Some("me@acct-1")),
            ["inmethod=GET", "inpath=/test/other/1", "inuser=me@acct-1", "query_x=2"]
        );
        assert_eq!(told("HEAD /ws/rest/", None), ["inmethod=HEAD", "inpath=/"]);
        assert_eq!(
            properties(&items(), "GET /ws/rest/api/item/0042/caf%C3%A9", None).unwrap(),
            ["inmethod=GET", "inpath=/api/item/0042/caf%C3%A9", "param_fieldName=café", "param_id=0042"]
        );
        assert_eq!(told("POST /ws/simple/executeA/", None), ["inmethod=POST", "inpath=/executeA"]);
    }

    #[test]
    fn simple_http_gives_the_keys_of_rest_routes_as_parameters() {
        let processes = vec![process("get", OperationKind::Get, "Account", DocumentType::None)];
        let apis = vec![api("a", "/crm", vec![route("GET", "{Id}/{Part}", "get")])];
        let router = router(&Deployment { processes, apis, ..Deployment::default() });
        assert_eq!(
            properties(&router, "GET /ws/simple/getAccount?Id=7&Id=8&id=9", None).unwrap(),
            ["inmethod=GET", "inpath=/getAccount", "param_Id=7", "query_Id=7", "query_Id[1]=8", "query_id=9"]
        );
        // Over REST the path is the only source.
        assert!(properties(&router, "GET /ws/rest/crm/Account/1/2?Id=7", None).unwrap().contains(&"param_Id=1".into()));
    }

    #[test]
    fn the_debug_switch_is_not_passed_on() {
        let none = headers(&[]);
        assert_eq!(queried("_boomi_debug=true&a=1&_boomi%5Fdebug=x"), ["query_a=1"]);
        assert!(is_debug(Some("a=1&_boomi_debug=TRUE"), &none));
        assert!(is_debug(None, &headers(&[("X-Boomi-Debug", "True")])));
        for query in
            ["_boomi_debug", "_boomi_debug=1", "_boomi_debug=truely", "x_boomi_debug=true", "_BOOMI_DEBUG=true"]
        {
            assert!(!is_debug(Some(query), &none), "{query}");
        }
        assert!(!is_debug(None, &headers(&[("X-Boomi-Debug", "false")])));
    }
}
