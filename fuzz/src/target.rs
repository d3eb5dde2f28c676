//! A request line and headers, to the router: `GET /ws/rest/crm/Account/7`, then `Name: value` lines.

use auricle_api::route::Destination;
use auricle_api::target::Target;
use http::Method;

use crate::served::{MANIFEST, ROUTER};
use crate::{header_lines, slow_router, split_once};

/// The router gives the answer of the slow model, and every answer and miss can be told.
pub fn run(data: &[u8]) {
    let (line, headers) = split_once(data, b'\n').unwrap_or((data, &[]));
    let Some((method, path)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let headers = header_lines(headers);

    let found = match ROUTER.find(&method, path, &headers) {
        // Which operation it is, the body says.
        Ok(Destination::Soap(_)) => return assert!(path.contains("soap")),
        Ok(Destination::Operation(found)) => Ok(found),
        Err(miss) => Err(miss),
    };
    let expected = slow_router::answer(&MANIFEST, method.as_str(), path, &headers);
    let reached = match &found {
        Ok(found) => {
            let params = found.params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            Ok((found.endpoint.process.to_string(), params, found.inpath.to_string()))
        }
        Err(miss) => Err(miss.status().as_u16()),
    };
    assert_eq!(reached, expected, "{method} {path:?} {headers:?}");

    match found {
        Ok(found) => {
            assert!(found.endpoint.takes(&method));
            // What a process is told of its path is a path again, of the same segments.
            let (again, whole) = (Target::parse(&found.inpath).expect("inpath"), Target::parse(path).expect("path"));
            let texts = |target: &Target<'_>| target.segments().iter().map(|s| s.text().to_owned()).collect::<Vec<_>>();
            assert!(texts(&whole).ends_with(&texts(&again)), "{path:?} has inpath {:?}", found.inpath);
        }
        Err(miss) => {
            let told = miss.problem();
            assert_eq!(told.is_none(), miss.status().as_u16() == 204);
            assert_eq!(miss.headers().contains_key("allow"), matches!(miss.status().as_u16(), 204 | 405));
            if let Some(problem) = told {
                assert!(problem.to_json().len() < 4_096, "a miss repeats what was sent: {problem:?}");
            }
        }
    }
}
