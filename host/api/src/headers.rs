//! Which request headers a process gets to see, and under what names.
//!
//! The eight special headers and `X-WSS-*` pass everywhere, others where the API lists them, protected ones never (mission,
//! "Input headers"; `decisions.md`, "Properties and headers"). A policy is made once for each API; applying it
//! looks up each header of a request once.

use auricle_model::{Properties, PropertySet};
use compact_str::{CompactString, format_compact};
use http::header::{self, HeaderMap, HeaderName};

/// The document property prefix of request headers.
const PREFIX: &str = "inheader_";

/// The headers that pass without being listed, in their registered spelling.
fn special() -> [(HeaderName, &'static str); 8] {
    [
        (header::ACCEPT, "Accept"),
        (header::ACCEPT_CHARSET, "Accept-Charset"),
        (header::ACCEPT_ENCODING, "Accept-Encoding"),
        (header::ACCEPT_LANGUAGE, "Accept-Language"),
        (header::CONTENT_ENCODING, "Content-Encoding"),
        (header::CONTENT_LANGUAGE, "Content-Language"),
        (HeaderName::from_static("content-md5"), "Content-MD5"),
        (header::CONTENT_TYPE, "Content-Type"),
    ]
}

/// The headers that never pass. They speak of the connection or carry credentials.
fn protected() -> [HeaderName; 10] {
    [
        header::CONNECTION,
        header::UPGRADE,
        header::VIA,
        header::HOST,
        header::PROXY_AUTHORIZATION,
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("x-forwarded-proto"),
        header::AUTHORIZATION,
        header::COOKIE,
    ]
}

/// The custom headers that pass without being listed begin so.
const CUSTOM: &str = "x-wss-";

/// A header that would be passed and can't be, since properties are text; the answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value of the request header `{name}` is not UTF-8: it is passed to the process as text")]
pub struct HeaderError {
    /// Its name, in lower case.
    pub name: HeaderName,
}

/// A declared name that is no header name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a header name")]
pub struct NotAHeaderName(pub String);

/// What of a request's headers becomes document properties.
#[derive(Debug, Clone)]
pub struct HeaderPolicy {
    /// By name; headers that are not here pass only if they are custom ones.
    rules: HeaderMap<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    /// It becomes this property.
    Pass(CompactString),
    /// It never passes.
    Protect,
}

impl Default for HeaderPolicy {
    /// Nothing listed, and only the built-in headers protected.
    fn default() -> Self {
        let passed = special().map(|(name, spelling)| (name, Rule::Pass(format_compact!("{PREFIX}{spelling}"))));
        let protected = protected().map(|name| (name, Rule::Protect));
        Self { rules: passed.into_iter().chain(protected).collect() }
    }
}

impl HeaderPolicy {
    /// A policy that passes `listed` headers, in their spelling here, beside the special ones and `X-WSS-*`; and never those
    /// in `protected`, nor the built-in ones, even when listed. The special ones and `X-WSS-*` keep their own spelling.
    ///
    /// # Errors
    /// A text that is no header name.
    pub fn new(listed: &[String], protected: &[String]) -> Result<Self, NotAHeaderName> {
        let mut policy = Self::default();
        for spelling in listed {
            let name = header_name(spelling)?;
            if !is_custom(&name) {
                policy.rules.entry(name).or_insert_with(|| Rule::Pass(format_compact!("{PREFIX}{spelling}")));
            }
        }
        for name in protected {
            policy.rules.insert(header_name(name)?, Rule::Protect);
        }
        Ok(policy)
    }

    /// The `inheader_*` properties that every document of a request has. Repeated headers are joined with `, `.
    ///
    /// Only for an operation with an input: `Endpoint::document_properties` knows that.
    ///
    /// # Errors
    /// A header that would be passed and is not UTF-8.
    pub fn document_properties(&self, headers: &HeaderMap) -> Result<Properties, HeaderError> {
        let mut properties = PropertySet::new();
        for (name, value) in headers {
            let Some(property) = self.property(name) else { continue };
            let text = str::from_utf8(value.as_bytes()).map_err(|_| HeaderError { name: name.clone() })?;
            if let Some(before) = properties.add(property, text) {
                before.push_str(", ");
                before.push_str(text);
            }
        }
        Ok(properties.into())
    }

    /// Name of the property that a header becomes, or none when it is not passed.
    fn property(&self, name: &HeaderName) -> Option<CompactString> {
        match self.rules.get(name) {
            Some(Rule::Pass(property)) => Some(property.clone()),
            Some(Rule::Protect) => None,
            None => is_custom(name).then(|| custom_property(name.as_str())),
        }
    }
}

fn header_name(name: &str) -> Result<HeaderName, NotAHeaderName> {
    name.parse().map_err(|_| NotAHeaderName(name.to_owned()))
}

/// Whether a header is one of the custom ones.
fn is_custom(name: &HeaderName) -> bool {
    name.as_str().starts_with(CUSTOM)
}

/// `x-wss-some-info` becomes `inheader_X-WSS-Some-Info`, in whatever case it was sent.
fn custom_property(name: &str) -> CompactString {
    let mut property = CompactString::with_capacity(PREFIX.len() + name.len());
    property.push_str(PREFIX);
    property.push_str("X-WSS");
    for part in name.split('-').skip(2) {
        property.push('-');
        let mut letters = part.chars();
        if let Some(first) = letters.next() {
            property.push(first.to_ascii_uppercase());
        }
        property.push_str(letters.as_str());
    }
    property
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn passed(listed: &[&str], headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let listed: Vec<String> = listed.iter().map(|n| (*n).into()).collect();
        let policy = HeaderPolicy::new(&listed, &["X-WSS-Secret".into()]).unwrap();
        let headers: HeaderMap = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let properties = policy.document_properties(&headers).unwrap();
        properties.iter().map(|(n, v)| (n.into(), v.into())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn f1_content_type_passes_without_an_api() {
        assert_eq!(passed(&[], &[("content-type", "text/csv")]), [pair("inheader_Content-Type", "text/csv")]);
    }

    #[test]
    fn f2_custom_headers_pass_with_each_part_capitalised() {
        assert_eq!(passed(&[], &[("X-WSS-SOME-info", "7")]), [pair("inheader_X-WSS-Some-Info", "7")]);
        assert_eq!(passed(&[], &[("x-wss-a--b-", "1")]), [pair("inheader_X-WSS-A--B-", "1")]);
        assert_eq!(passed(&["x-wss-a"], &[("x-wss-a", "1")]), [pair("inheader_X-WSS-A", "1")]);
        assert_eq!(passed(&[], &[("x-wss", "1"), ("x-other", "2")]), []);
    }

    #[test]
    fn f6_protected_headers_do_not_pass_even_when_listed() {
        let listed = ["Host", "Cookie", "X-WSS-Secret", "X-Forwarded-For"];
        let sent = [("host", "a"), ("cookie", "a"), ("x-wss-secret", "a"), ("x-forwarded-for", "a"), ("via", "a")];
        assert_eq!(passed(&listed, &sent), []);
    }

    #[test]
    fn f11_the_eight_special_headers_pass_in_their_registered_spelling() {
        let names = "Accept Accept-Charset Accept-Encoding Accept-Language \
                     Content-Encoding Content-Language Content-MD5 Content-Type";
        let sent: Vec<_> = names.split(' ').map(|name| (name, "v")).collect();
        let expected: Vec<_> = names.split(' ').map(|name| pair(&format!("inheader_{name}"), "v")).collect();
        assert_eq!(passed(&[], &sent), expected);
        assert_eq!(passed(&["content-md5"], &[("CONTENT-MD5", "x")]), [pair("inheader_Content-MD5", "x")]);
    }

    #[test]
    fn f13_repeated_headers_are_joined_in_their_order() {
        assert_eq!(passed(&[], &[("x-wss-a", "1"), ("x-wss-a", "2")]), [pair("inheader_X-WSS-A", "1, 2")]);
    }

    #[test]
    fn listed_headers_pass_in_the_listed_spelling() {
        assert_eq!(passed(&["X-TraceID"], &[("x-traceid", "9")]), [pair("inheader_X-TraceID", "9")]);
        assert_eq!(passed(&[], &[("x-traceid", "9")]), []);
    }

    #[test]
    fn only_a_header_that_is_passed_has_to_be_utf8() {
        let policy = HeaderPolicy::new(&[], &[]).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-other", HeaderValue::from_bytes(b"\xff").unwrap());
        headers.insert("x-wss-name", HeaderValue::from_bytes("café".as_bytes()).unwrap());
        let properties = policy.document_properties(&headers).unwrap();
        assert_eq!(properties.get("inheader_X-WSS-Name"), Some("café"));
        headers.insert("accept", HeaderValue::from_bytes(b"\xff").unwrap());
        let error = policy.document_properties(&headers).unwrap_err();
        assert_eq!(error.name, "accept");
        assert!(error.to_string().contains("`accept`"), "{error}");
    }

    #[test]
    fn a_policy_takes_only_header_names() {
        let error = HeaderPolicy::new(&["no name".into()], &[]).unwrap_err();
        assert_eq!(error, NotAHeaderName("no name".into()));
        assert!(HeaderPolicy::new(&[], &["".into()]).is_err());
    }
}
