//! The rules of routing in the words of `docs/http.md` and in no hurry: every route is listed, filtered and compared.
//! Unlike the model of the property tests it begins with the request line's own path, and so covers percent-decoding,
//! matrix parameters, simple HTTP, `inpath` and the comparison of header conditions too.

use std::cmp::Ordering;

use auricle_model::manifest::Manifest;
use auricle_model::{ApiDecl, DocumentType, RouteDecl, RouteHeader};
use http::HeaderMap;

/// What a request comes to: process, path parameters and `inpath`; or the status of a miss.
pub(crate) type Answer = Result<(String, Vec<(String, String)>, String), u16>;

/// The answer to a request.
pub(crate) fn answer(manifest: &Manifest, method: &str, path: &str, headers: &HeaderMap) -> Answer {
    let (roots, deployment) = (&manifest.server.roots, &manifest.deployment);
    let sent = read(path).ok_or(400_u16)?;
    let segments: Vec<String> = sent.iter().map(|(text, _)| text.clone()).filter(|text| !text.is_empty()).collect();
    let owns = |prefix: &[String]| segments.starts_with(prefix);

    let simple = split(&roots.simple);
    let absent = [&roots.soap, &roots.soap12, &roots.odata, &roots.odata2].map(String::as_str).map(split);
    let of_api = |api: &ApiDecl| split(&format!("{}{}", roots.rest, api.base));
    let api = deployment.apis.iter().filter(|api| owns(&of_api(api))).max_by_key(|api| of_api(api).len());
    let deepest = absent.iter().filter(|root| owns(root)).map(Vec::len).max();
    let of_rest = api.map(|api| of_api(api).len());
    if owns(&simple) && Some(simple.len()) > of_rest.max(deepest) {
        return by_name(manifest, method, &segments[simple.len()..])
            .map(|process| (process, Vec::new(), rest(&sent, simple.len())));
    }
    match api {
        Some(api) if of_rest > deepest => {
            let (process, params) = by_route(manifest, api, method, &segments[of_api(api).len()..], headers)?;
            Ok((process, params, rest(&sent, split(&roots.rest).len())))
        }
        _ => Err(404),
    }
}

/// Each segment decoded, and as sent; matrix parameters are gone from both. None where the path is refused.
fn read(path: &str) -> Option<Vec<(String, &str)>> {
    let segments = path.strip_prefix('/')?.split('/').map(|sent| sent.split(';').next().unwrap_or_default());
    segments.map(|sent| Some((decode(sent).filter(|text| text != "." && text != "..")?, sent))).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(left.next())? * 16 + digit(left.next())?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What was sent after so many segments, without slashes at its end.
fn rest(sent: &[(String, &str)], count: usize) -> String {
    let there = sent.iter().enumerate().filter(|(_, (text, _))| !text.is_empty()).map(|(at, _)| at).nth(count);
    let after = there.map_or_else(Vec::new, |at| sent[at..].iter().map(|(_, sent)| *sent).collect());
    format!("/{}", after.join("/").trim_end_matches('/'))
}

fn split(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// A process over simple HTTP.
fn by_name(manifest: &Manifest, method: &str, after: &[String]) -> Result<String, u16> {
    let [name] = after else { return Err(404) };
    let process = manifest.deployment.processes.iter().find(|p| p.operation.name() == *name).ok_or(404_u16)?;
    let takes: &[&str] = match process.operation.input {
        DocumentType::None => &["GET", "HEAD", "POST"],
        _ => &["POST"],
    };
    if takes.contains(&method) { Ok(process.name.clone()) } else { Err(if method == "OPTIONS" { 204 } else { 405 }) }
}

/// A process over REST, with its path parameters.
fn by_route(
    manifest: &Manifest,
    api: &ApiDecl,
    method: &str,
    path: &[String],
    headers: &HeaderMap,
) -> Result<(String, Vec<(String, String)>), u16> {
    let template = |route: &RouteDecl| {
        let own = manifest.deployment.process(&route.process).map(|p| p.operation.object.as_str());
        split(&format!("{}/{}", route.object.as_deref().or(own).unwrap_or_default(), route.path))
    };
    let matching: Vec<(&RouteDecl, Vec<String>)> = api
        .rest
        .iter()
        .map(|route| (route, template(route)))
        .filter(|(_, parts)| parts.len() <= path.len())
        .filter(|(route, parts)| !route.exact || parts.len() == path.len())
        .filter(|(_, parts)| parts.iter().zip(path).all(|(part, segment)| is_parameter(part) || part == segment))
        .collect();
    if matching.is_empty() {
        return Err(404);
    }
    let wanted = if method == "HEAD" { "GET" } else { method };
    let of_method: Vec<_> = matching.into_iter().filter(|(route, _)| route.method == wanted).collect();
    if of_method.is_empty() {
        return Err(if method == "OPTIONS" { 204 } else { 405 });
    }
    let failing = |route: &RouteDecl| -> Vec<String> {
        let failed = route.headers.iter().filter(|condition| !holds(condition, headers));
        failed.map(|condition| condition.name.to_ascii_lowercase()).collect()
    };
    let failed: Vec<Vec<String>> = of_method.iter().map(|(route, _)| failing(route)).collect();
    let mut left: Vec<_> = of_method.into_iter().filter(|(route, _)| failing(route).is_empty()).collect();
    left.sort_by(preference);
    let Some((route, parts)) = left.first() else {
        let on = |route: &[String], name: &str| route.iter().any(|failed| failed == name);
        let readable: Vec<_> = failed.iter().filter(|route| !on(route, "content-type")).collect();
        return Err(match readable.as_slice() {
            [] => 415,
            readable if readable.iter().all(|route| on(route, "accept")) => 406,
            _ => 404,
        });
    };
    let params = parts.iter().zip(path).filter(|(part, _)| is_parameter(part));
    let params = params.map(|(part, value)| (part.trim_matches(['{', '}']).to_owned(), value.clone())).collect();
    Ok((route.process.clone(), params))
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

/// More segments first; then, from the left, static before parameter; then more conditions.
fn preference(a: &(&RouteDecl, Vec<String>), b: &(&RouteDecl, Vec<String>)) -> Ordering {
    let parameters = |parts: &[String]| parts.iter().map(|part| is_parameter(part)).collect::<Vec<_>>();
    b.1.len()
        .cmp(&a.1.len())
        .then_with(|| parameters(&a.1).cmp(&parameters(&b.1)))
        .then_with(|| b.0.headers.len().cmp(&a.0.headers.len()))
}

/// Whether a request meets a condition.
fn holds(condition: &RouteHeader, headers: &HeaderMap) -> bool {
    let sent = headers.get_all(condition.name.as_str()).iter().filter_map(|v| std::str::from_utf8(v.as_bytes()).ok());
    let mut sent = sent.map(str::to_lowercase);
    let wanted = condition.value.to_lowercase();
    if !condition.name.eq_ignore_ascii_case("accept") {
        return sent.any(|value| names(&value, &wanted));
    }
    let is_refused = |range: &str| {
        let weight = range.split(';').skip(1).find_map(|p| p.trim().split_once('=').filter(|(n, _)| n.trim() == "q"));
        weight.is_some_and(|(_, value)| value.trim().parse() == Ok(0.0_f32))
    };
    sent.any(|list| list.trim() == wanted || list.split(',').any(|range| !is_refused(range) && names(range, &wanted)))
}

/// Whether a value is the one that is wanted, the same media type, or one of the subtype that is wanted.
fn names(value: &str, wanted: &str) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let media_type = value.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = media_type.split_once('/').filter(|(kind, subtype)| {
        !kind.is_empty() && !subtype.is_empty() && kind.chars().chain(subtype.chars()).all(is_token)
    }) else {
        return value.trim() == wanted;
    };
    value.trim() == wanted
        || format!("{kind}/{subtype}") == wanted
        || subtype == wanted
        || subtype.rsplit_once('+').is_some_and(|(_, suffix)| suffix == wanted)
}
