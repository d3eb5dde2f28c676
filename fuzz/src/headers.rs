//! `Name: value` lines, through the header policy of an API.

use auricle_api::headers::HeaderPolicy;

use crate::header_lines;

const LISTED: &[&str] = &["X-TraceID", "x-wss-listed", "Cookie", "content-MD5"];
const PROTECTED: &[&str] = &["X-WSS-Secret"];
const SPECIAL: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
];

fn passes(name: &str) -> bool {
    let protected = name == "x-wss-secret" || name == "cookie";
    !protected && (SPECIAL.contains(&name) || name == "x-traceid" || name.starts_with("x-wss-"))
}

/// Exactly the headers that may pass do, under one name each, with all their values in order.
pub fn run(data: &[u8]) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let policy = HeaderPolicy::new(&names(LISTED), &names(PROTECTED)).expect("these are header names");
    let headers = header_lines(data);
    let passed: Vec<_> = headers.keys().filter(|name| passes(name.as_str())).collect();
    let text = |name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8(value.as_bytes().to_vec()));
        values.collect::<Result<Vec<_>, _>>().map(|values| values.join(", "))
    };
    match policy.document_properties(&headers) {
        Err(error) => assert!(passes(error.name.as_str()) && text(&error.name).is_err(), "{error}"),
        Ok(properties) => {
            assert_eq!(properties.len(), passed.len(), "{properties:?}");
            for name in passed {
                let property = format!("inheader_{name}");
                assert_eq!(properties.get_document(&property), text(name).ok().as_deref(), "{name}");
                assert!(
                    properties.iter().any(|(n, _)| n.starts_with("inheader_") && n.eq_ignore_ascii_case(&property))
                );
            }
        }
    }
}
