//! The rules of routing once more, in the words of the decisions and in no hurry: all routes are listed, filtered and
//! compared. The router has to give the same answer to every request.

use std::cmp::Ordering;

use auricle_model::{ApiDecl, Deployment, RouteDecl, RouteHeader};
use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::fixtures::*;
use crate::properties::{is_debug, process_properties};

/// What a request comes to: the route's process and its parameters, or a status.
type Answer = Result<(String, Vec<(String, String)>), u16>;

struct Candidate<'d> {
    route: &'d RouteDecl,
    template: Vec<String>,
}

fn split(path: &str) -> Vec<String> {
    path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

impl Candidate<'_> {
    fn matches(&self, path: &[String]) -> bool {
        self.template.len() <= path.len()
            && (!self.route.exact || self.template.len() == path.len())
            && self.template.iter().zip(path).all(|(part, segment)| is_parameter(part) || part == segment)
    }

    fn fails<'r>(&'r self, sent: &'r [(&str, &str)]) -> impl Iterator<Item = &'r RouteHeader> {
        self.route.headers.iter().filter(move |c| !sent.contains(&(c.name.as_str(), c.value.as_str())))
    }

    fn prefer(&self, other: &Self) -> Ordering {
        other
            .template
            .len()
            .cmp(&self.template.len())
            .then_with(|| {
                let pairs = self.template.iter().zip(&other.template);
                let differ = pairs.map(|(a, b)| is_parameter(a).cmp(&is_parameter(b)));
                differ.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            })
            .then_with(|| other.route.headers.len().cmp(&self.route.headers.len()))
    }
}

fn answer(deployment: &Deployment, method: &str, path: &str, sent: &[(&str, &str)]) -> Answer {
    let path = split(path.strip_prefix("/ws/rest").unwrap());
    let owning = deployment.apis.iter().filter(|api| path.starts_with(&split(&api.base)));
    let api = owning.max_by_key(|api| split(&api.base).len()).ok_or(404_u16)?;
    let path = path[split(&api.base).len()..].to_vec();
    let all = api.rest.iter().map(|route| {
        let own = deployment.process(&route.process).unwrap();
        let object = route.object.as_ref().unwrap_or(&own.operation.object);
        Candidate { route, template: split(&format!("{object}/{}", route.path)) }
    });
    let matching: Vec<Candidate<'_>> = all.filter(|c| c.matches(&path)).collect();
    if matching.is_empty() {
        return Err(404);
    }
    let wanted = if method == "HEAD" { "GET" } else { method };
    let of_method: Vec<&Candidate<'_>> = matching.iter().filter(|c| c.route.method == wanted).collect();
    if of_method.is_empty() {
        return Err(if method == "OPTIONS" { 204 } else { 405 });
    }
    let mut left: Vec<&Candidate<'_>> = of_method.iter().copied().filter(|c| c.fails(sent).next().is_none()).collect();
    left.sort_by(|a, b| a.prefer(b));
    let Some(best) = left.first() else {
        let fails = |c: &Candidate<'_>, name: &str| c.fails(sent).any(|h| h.name == name);
        let readable: Vec<_> = of_method.iter().filter(|c| !fails(c, "content-type")).collect();
        return Err(match readable.as_slice() {
            [] => 415,
            readable if readable.iter().all(|c| fails(c, "accept")) => 406,
            _ => 404,
        });
    };
    let pairs = best.template.iter().zip(&path).filter(|(part, _)| is_parameter(part));
    let params = pairs.map(|(part, value)| (part.trim_matches(['{', '}']).to_owned(), value.clone())).collect();
    Ok((best.route.process.clone(), params))
}

fn any_part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "{x}", "{y}"])
}

fn any_conditions() -> impl Strategy<Value = Vec<RouteHeader>> {
    let condition =
        prop::sample::select(vec![("content-type", "json"), ("content-type", "xml"), ("accept", "json"), ("x-a", "1")]);
    prop::collection::btree_set(condition, 0..3).prop_map(|set| {
        set.into_iter().map(|(name, value)| RouteHeader { name: name.into(), value: value.into() }).collect()
    })
}

fn any_route() -> impl Strategy<Value = RouteDecl> {
    let method = prop::sample::select(vec!["GET", "GET", "POST"]);
    let path = prop::collection::vec(any_part(), 0..4).prop_map(|parts| parts.join("/"));
    let object = prop::sample::select(vec![None, Some(""), Some(""), Some("a"), Some("b")]);
    (method, path, object, any_conditions(), prop::bool::weighted(0.2)).prop_map(
        |(method, path, object, headers, exact)| RouteDecl {
            object: object.map(str::to_owned),
            headers,
            exact,
            ..route(method, &path, "")
        },
    )
}

/// APIs with routes, each to a process of its own; routes that no request tells apart are left out.
fn any_deployment() -> impl Strategy<Value = Deployment> {
    let bases = prop::sample::subsequence(vec!["", "/a", "/a/b", "/c"], 0..=4);
    let routes = prop::collection::vec(prop::collection::vec(any_route(), 0..7), 4);
    (bases, routes).prop_map(|(bases, routes)| {
        let mut apis: Vec<ApiDecl> =
            bases.into_iter().zip(routes).map(|(base, rest)| api(&format!("api{base}"), base, rest)).collect();
        for api in &mut apis {
            let mut seen = Vec::new();
            api.rest.retain(|r| {
                let object = r.object.as_deref().unwrap_or("o");
                let template = format!("{object}/{}", r.path).replace("{y}", "{x}").trim_matches('/').to_owned();
                let identity = (r.method.clone(), template, r.headers.clone());
                let new = !seen.contains(&identity);
                seen.push(identity);
                new
            });
            for (n, route) in api.rest.iter_mut().enumerate() {
                route.process = format!("{}#{n}", api.name);
            }
        }
        let mut deployment = deployment(apis);
        // Operation names have to differ; the first has the object that the requests below ask for.
        for (n, process) in deployment.processes.iter_mut().enumerate() {
            process.operation.object = if n == 0 { "o".into() } else { format!("o{n}") };
        }
        deployment
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_router_is_the_model(
        deployment in any_deployment(),
        requests in prop::collection::vec(
            (
                prop::sample::select(vec!["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
                prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "o", "o1", "7"]), 0..6),
                prop::sample::subsequence(vec![("content-type", "json"), ("accept", "json"), ("x-a", "1")], 0..=3),
            ),
            8,
        ),
    ) {
        let router = router(&deployment);
        for (method, segments, sent) in requests {
            let path = format!("/ws/rest/{}", segments.join("/"));
            let found = find_with(&router, &format!("{method} {path}"), &sent);
            let reached = found
                .map(|f| (f.endpoint.process.to_string(), f.params.into_iter().map(|(n, v)| (n.into(), v.into())).collect()))
                .map_err(|miss| miss.status().as_u16());
            prop_assert_eq!(reached, answer(&deployment, method, &path, &sent), "{} {} {:?}", method, path, sent);
        }
    }

    #[test]
    fn any_request_is_answered(
        method in "[A-Z]{1,7}",
        path in "/ws/(rest|simple|odata)[/.;%a-c0-9A-F]{0,30}|\\PC*",
        query in "[a-c&=+%0-9A-F\\[\\]]{0,30}|\\PC*",
    ) {
        let router = bases();
        let method: Method = method.parse().unwrap();
        if let Ok(found) = router.find(&method, &path, &HeaderMap::new()) {
            let found = found.operation().unwrap();
            let _ = process_properties(&found, &method, Some(&query), None);
        }
        let _ = is_debug(Some(&query), &HeaderMap::new());
    }
}
