//! Makes a router of declarations, and refuses those that would make a request ambiguous or a route lead nowhere.
//!
//! All conflicts are found, not only the first. Costs time in proportion to the number of routes.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use auricle_model::manifest::nearest;
use auricle_model::{ApiDecl, Deployment, DocumentType, ProcessDecl, Protocol, RouteDecl, ServerConfig};
use http::Method;
use rustc_hash::FxHashMap;

use super::condition::Condition;
use super::soap::{Profiles, path_keys};
use super::trie::{Part, Trie};
use super::{Api, Endpoint, Place, Route, Router};
use crate::headers::HeaderPolicy;

/// Where the host's own administration is, and what callers come back to for what is answered later.
const RESERVED: [(&str, &str); 2] =
    [("/_admin", "the host's own administration"), ("/_executions", "the status of executions")];

/// Why declarations can't be served together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct Conflict {
    /// Path of the key in the manifest: `api[crm].rest[3]`, routes counted from 0; `process[account-get]`.
    pub key: String,
    /// Path of the one that it collides with, where there is one.
    pub other: Option<String>,
    /// What is wrong and what to do; names the other one too.
    pub message: String,
}

impl Conflict {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), other: None, message: message.into() }
    }

    pub(super) fn between(key: impl Into<String>, other: impl Into<String>, message: impl Into<String>) -> Self {
        Self { other: Some(other.into()), ..Self::new(key, message) }
    }
}

/// What no request tells apart when it is equal: method, literals by position, header conditions in any order.
type Identity = (Method, Vec<Option<String>>, BTreeSet<(String, String)>);

/// Builds the router of a deployment, or says everything that stands against it.
pub(super) fn build(deployment: &Deployment, server: &ServerConfig) -> Result<Router, Vec<Conflict>> {
    let bare = HeaderPolicy::new(&[], &server.protected_headers)
        .map_err(|error| vec![Conflict::new("server.protected-headers", error.to_string())])?;
    let processes = deployment.processes.iter().map(|p| (p.name.as_str(), (p, Arc::from(p.name.as_str())))).collect();
    let mut builder = Builder {
        server,
        processes,
        path_keys: path_keys(deployment),
        endpoints: Vec::new(),
        made: 0,
        conflicts: Vec::new(),
        remarks: Vec::new(),
    };
    builder.roots();
    let profiles = builder.profiles(deployment);
    let bare = Arc::new(bare);
    let mut places = Trie::new();
    let mut bases = HashMap::new();
    let mut services = Vec::new();
    for api in &deployment.apis {
        builder.base(api, &mut bases);
        let base = parts([&server.roots.rest, &api.base]);
        let policy = builder.policy(api);
        if has_routes(api) {
            let routes = builder.api(api, &base, &policy, &profiles);
            places.at(&base).push(Place::Api(routes));
        }
        let sites = builder.soap_api(api, &policy, &profiles);
        services.extend(sites.into_iter().map(|(segments, site)| (api, segments, site)));
    }
    let simple = builder.simple(deployment, &bare, &profiles);
    places.at(&parts([&server.roots.simple])).push(Place::Simple);
    for (api, segments, site) in services {
        let place = places.at(&segments);
        if !place.is_empty() {
            let message =
                format!("`{}` is taken: give the API another base, or a protocol another root", written(&segments));
            builder.conflicts.push(Conflict::new(format!("api[{}].base", api.name), message));
        }
        place.push(site);
    }
    for (segments, site) in builder.soap_bare(deployment, &bare, &profiles) {
        let place = places.at(&segments);
        if place.is_empty() {
            place.push(site);
        } else {
            let message = format!(
                "the processes that no API names are not served at `{}`: an API with the base `/` is there",
                written(&segments)
            );
            builder.remarks.push(Conflict::new("", message));
        }
    }
    for (key, root, protocol) in others(server) {
        let place = places.at(&parts([root]));
        if place.is_empty() {
            place.push(if key.starts_with("soap") { Place::SoapRoot(protocol) } else { Place::Absent(protocol) });
        }
    }
    let rest = places.at(&parts([&server.roots.rest]));
    if rest.is_empty() {
        rest.push(Place::Rest);
    }
    match builder.conflicts {
        conflicts if conflicts.is_empty() => {
            Ok(Router { endpoints: builder.endpoints, places, simple, remarks: builder.remarks })
        }
        conflicts => Err(conflicts),
    }
}

/// Whether an API has a place among the REST routes: one of SOAP alone has none.
fn has_routes(api: &ApiDecl) -> bool {
    !api.rest.is_empty() || api.soap.is_empty()
}

/// The protocols beside REST and simple HTTP: key of the root, root, name.
fn others(server: &ServerConfig) -> [(&'static str, &str, &'static str); 4] {
    let roots = &server.roots;
    [
        ("soap-root", &roots.soap, "SOAP 1.1"),
        ("soap12-root", &roots.soap12, "SOAP 1.2"),
        ("odata-root", &roots.odata, "OData 4.0"),
        ("odata2-root", &roots.odata2, "OData 2.0"),
    ]
}

/// The segments of pieces of a URL, one after the other.
pub(super) fn parts<'t>(pieces: impl IntoIterator<Item = &'t (impl AsRef<str> + ?Sized + 't)>) -> Vec<Part> {
    pieces.into_iter().flat_map(|piece| Part::parse(piece.as_ref())).collect()
}

/// Segments as a template.
pub(super) fn written(template: &[Part]) -> String {
    if template.is_empty() {
        return "/".to_owned();
    }
    template
        .iter()
        .map(|part| match part {
            Part::Literal(text) => format!("/{text}"),
            Part::Parameter(name) => format!("/{{{name}}}"),
        })
        .collect()
}

pub(super) struct Builder<'d> {
    pub(super) server: &'d ServerConfig,
    processes: HashMap<&'d str, (&'d ProcessDecl, Arc<str>)>,
    /// The path parameters of the REST routes to each process.
    pub(super) path_keys: HashMap<&'d str, Vec<BTreeSet<String>>>,
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// Endpoints that were made, for their numbers.
    made: usize,
    pub(super) conflicts: Vec<Conflict>,
    /// What may be meant so.
    pub(super) remarks: Vec<Conflict>,
}

impl<'d> Builder<'d> {
    /// Refuses two protocols with one root.
    fn roots(&mut self) {
        let roots = &self.server.roots;
        let mut seen = HashMap::new();
        let others = others(self.server).map(|(key, root, _)| (key, root));
        for (key, root) in
            [("rest-root", roots.rest.as_str()), ("simple-root", &roots.simple)].into_iter().chain(others)
        {
            if let Some(other) = seen.insert(literals(&parts([root])), key) {
                let message = format!("`{key}` and `{other}` are both `{root}`: give each protocol a root of its own");
                self.conflicts.push(Conflict::between(format!("server.{key}"), format!("server.{other}"), message));
            }
        }
    }

    /// Refuses a base that is another API's, or that covers what belongs to another protocol or to the host.
    fn base(&mut self, api: &'d ApiDecl, bases: &mut HashMap<Vec<Option<String>>, &'d str>) {
        let key = format!("api[{}].base", api.name);
        let rest = literals(&parts([&self.server.roots.rest]));
        let own = literals(&parts([&self.server.roots.rest, &api.base]));
        let others = others(self.server).map(|(_, root, protocol)| (root, protocol));
        let simple = [(self.server.roots.simple.as_str(), "simple HTTP")];
        for (root, whose) in simple.into_iter().chain(RESERVED).chain(others) {
            let theirs = literals(&parts([root]));
            // A root that the REST root itself lies under keeps what no API takes.
            if has_routes(api) && own.starts_with(&theirs) && !rest.starts_with(&theirs) {
                let message = format!("base `{}` lies under `{root}`, where {whose} is: choose another base", api.base);
                self.conflicts.push(Conflict::new(&key, message));
            }
        }
        if let Some(other) = bases.insert(own, &api.name) {
            let message = format!(
                "API `{}` has the same base `{}` as API `{other}`: give one another base, or put the routes into one API",
                api.name, api.base
            );
            self.conflicts.push(Conflict::between(key, format!("api[{other}].base"), message));
        }
    }

    /// Which headers an API passes.
    fn policy(&mut self, api: &ApiDecl) -> Arc<HeaderPolicy> {
        let policy = HeaderPolicy::new(&api.headers, &self.server.protected_headers).unwrap_or_else(|error| {
            self.conflicts.push(Conflict::new(format!("api[{}].headers", api.name), error.to_string()));
            HeaderPolicy::default()
        });
        Arc::new(policy)
    }

    /// The process of a name, or what is wrong with the name.
    pub(super) fn process(&self, name: &str) -> Result<(&'d ProcessDecl, Arc<str>), String> {
        self.processes.get(name).map(|(process, name)| (*process, name.clone())).ok_or_else(|| {
            let hint = nearest(name, self.processes.keys().copied());
            let hint = hint.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
            format!("there is no process `{name}`{hint}")
        })
    }

    /// The routes of an API whose base has these segments.
    fn api(&mut self, api: &'d ApiDecl, base: &[Part], policy: &Arc<HeaderPolicy>, profiles: &Profiles) -> Api {
        let mut seen: HashMap<Identity, usize> = HashMap::new();
        let mut routes: Vec<(Vec<Part>, Route)> = Vec::new();
        for (index, declared) in api.rest.iter().enumerate() {
            let key = format!("api[{}].rest[{index}]", api.name);
            match self.route(api, declared, base, policy, &key, profiles) {
                Ok((template, route)) => {
                    let conditions = route.conditions.iter().map(Condition::key).collect();
                    let identity = (route.method.clone(), literals(&template), conditions);
                    if let Some(other) = seen.insert(identity, index) {
                        let message = format!(
                            "no request tells `{} {}` from route {other} of the same API: change the method, the path or the header conditions of one",
                            route.method, route.endpoint.route
                        );
                        self.conflicts.push(Conflict::between(
                            key,
                            format!("api[{}].rest[{other}]", api.name),
                            message,
                        ));
                    }
                    routes.push((template, route));
                }
                Err((what, message)) => self.conflicts.push(Conflict::new(format!("{key}.{what}"), message)),
            }
        }
        let endpoints: Vec<Arc<Endpoint>> = routes.iter().map(|(_, route)| route.endpoint.clone()).collect();
        self.endpoints.extend(endpoints.iter().cloned());

        // The order of preference is one of the templates alone: a route that matches consumes its whole template, and
        // where two of one length match, the leftmost segment in which they differ is a literal in one and a parameter in the other.
        // The sort is stable: routes that are equal in all of it are taken in the order of the manifest.
        routes.sort_by_cached_key(|(template, route)| {
            let parameters: Vec<bool> = template.iter().map(|part| part.literal().is_none()).collect();
            (Reverse(template.len()), parameters, Reverse(route.conditions.len()))
        });
        let mut trie = Trie::new();
        for (rank, (template, route)) in routes.into_iter().enumerate() {
            trie.at(&template).push(Route { rank, ..route });
        }
        Api { name: api.name.clone(), root: parts([&self.server.roots.rest]).len(), routes: trie, endpoints }
    }

    /// A route, with its segments after the base. The error is the key in the route and what is wrong there.
    fn route(
        &mut self,
        api: &ApiDecl,
        declared: &RouteDecl,
        base: &[Part],
        policy: &Arc<HeaderPolicy>,
        key: &str,
        profiles: &Profiles,
    ) -> Result<(Vec<Part>, Route), (&'static str, String)> {
        let number = self.number();
        let (process, name) = self.process(&declared.process).map_err(|message| ("process", message))?;
        let method = Method::from_bytes(declared.method.as_bytes())
            .map_err(|_| ("method", format!("`{}` is not an HTTP method", declared.method)))?;
        if method == Method::HEAD || method == Method::OPTIONS {
            return Err(("method", format!("{method} is answered by the host from the other routes: leave it out")));
        }
        let conditions = declared
            .headers
            .iter()
            .map(|header| Condition::new(header).map_err(|error| ("headers", error.to_string())))
            .collect::<Result<Vec<_>, _>>()?;

        let operation = Arc::new(declared.operation(&process.operation));
        let messages = declared.messages.over(&process.messages);
        let validating = self.validating(key, &messages, operation.input, profiles);
        let object = operation.object.split('/').filter(|s| !s.is_empty()).map(|s| Part::Literal(s.to_owned()));
        let template: Vec<Part> = object.chain(Part::parse(&declared.path)).collect();
        let parameters = template.iter().enumerate().filter_map(|(nth, part)| match part {
            Part::Parameter(name) => Some((nth, name.as_str().into())),
            Part::Literal(_) => None,
        });
        let parameters = parameters.collect();
        let whole: Vec<Part> = base.iter().chain(&template).cloned().collect();
        let endpoint = Endpoint {
            number,
            protocol: Protocol::Rest,
            api: Some(api.name.clone()),
            methods: vec![method.clone()],
            route: written(&whole),
            process: name,
            object: process.operation.object.clone(),
            operation,
            headers: policy.clone(),
            keys: Vec::new(),
            validating,
            soap: None,
            template: whole,
        };
        let route =
            Route { rank: 0, method, conditions, exact: declared.exact, parameters, endpoint: Arc::new(endpoint) };
        Ok((template, route))
    }

    /// The number of a new endpoint.
    pub(super) const fn number(&mut self) -> usize {
        self.made += 1;
        self.made - 1
    }

    /// The path parameters that some REST route to a process has.
    fn all_keys(&self, process: &str) -> Vec<String> {
        let names: BTreeSet<&String> = self.path_keys.get(process).into_iter().flatten().flatten().collect();
        names.into_iter().cloned().collect()
    }

    /// The processes by operation name.
    fn simple(
        &mut self,
        deployment: &'d Deployment,
        policy: &Arc<HeaderPolicy>,
        profiles: &Profiles,
    ) -> FxHashMap<String, Arc<Endpoint>> {
        let root = parts([&self.server.roots.simple]);
        let mut simple = FxHashMap::with_capacity_and_hasher(deployment.processes.len(), Default::default());
        for process in &deployment.processes {
            let name = process.operation.name();
            let methods = match process.operation.input {
                DocumentType::None => vec![Method::GET, Method::POST],
                _ => vec![Method::POST],
            };
            let mut template = root.clone();
            template.push(Part::Literal(name.clone()));
            let key = format!("process[{}]", process.name);
            let validating = self.validating(&key, &process.messages, process.operation.input, profiles);
            let endpoint = Arc::new(Endpoint {
                number: self.number(),
                protocol: Protocol::Simple,
                api: None,
                methods,
                route: written(&template),
                process: process.name.as_str().into(),
                object: process.operation.object.clone(),
                operation: Arc::new(process.operation.clone()),
                headers: policy.clone(),
                keys: self.all_keys(&process.name),
                validating,
                soap: None,
                template,
            });
            self.endpoints.push(endpoint.clone());
            if let Some(other) = simple.insert(name, endpoint.clone()) {
                let message = format!(
                    "process `{}` and process `{}` are both `{}`: change the type or the object of one",
                    process.name, other.process, endpoint.route
                );
                let key = |name: &str| format!("process[{name}]");
                self.conflicts.push(Conflict::between(key(&process.name), key(&other.process), message));
            }
        }
        simple
    }
}

/// Literals by position: what is left of a template when the names of its parameters are forgotten.
fn literals(template: &[Part]) -> Vec<Option<String>> {
    template.iter().map(|part| part.literal().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use auricle_model::OperationKind;

    use super::*;
    use crate::route::fixtures::*;

    fn conflicts(deployment: &Deployment) -> Vec<Conflict> {
        Router::new(deployment, &ServerConfig::default()).unwrap_err()
    }

    #[test]
    fn routes_that_no_request_tells_apart_are_refused_by_name() {
        let at = |path: &str, conditions: &[(&str, &str)]| when(object(route("GET", path, "p"), "o"), conditions);
        let refused = |a: RouteDecl, b: RouteDecl| {
            let found = conflicts(&deployment(vec![api("crm", "/crm", vec![at("other", &[]), a, b])]));
            assert_eq!(found.len(), 1, "{found:?}");
            found.into_iter().next().unwrap()
        };
        let conflict = refused(at("{id}", &[]), at("/{Id}/", &[]));
        assert_eq!((conflict.key.as_str(), conflict.other.as_deref()), ("api[crm].rest[2]", Some("api[crm].rest[1]")));
        assert_eq!(
            conflict.message,
            "no request tells `GET /ws/rest/crm/o/{Id}` from route 1 of the same API: change the method, the path or the header conditions of one"
        );
        refused(at("a", &[]), exact(at("a", &[])));
        refused(at("a", &[]), object(at("o/a", &[]), ""));
        refused(at("a", &[("Accept", "JSON"), ("X-A", "1")]), at("a", &[("x-a", "1"), ("accept", "json")]));
        refused(at("a", &[("Accept", "text/xml;q=1")]), at("a", &[("Accept", "Text/XML")]));

        let distinct = [at("a", &[]), at("{a}", &[]), at("a", &[("Accept", "json")]), at("a", &[("Accept", "xml")])];
        router(&deployment(vec![api("crm", "/crm", distinct.to_vec())]));
    }

    #[test]
    fn a_route_to_nothing_is_refused_with_the_nearest_process() {
        let mut declared = deployment(vec![api("crm", "", vec![route("GET", "", "account-get")])]);
        declared.apis[0].rest[0].process = "acount-get".into();
        let found = conflicts(&declared);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "api[crm].rest[0].process: there is no process `acount-get`: did you mean `account-get`?"
        );
    }

    #[test]
    fn processes_with_one_simple_name_are_refused() {
        let named = |name: &str, object: &str| process(name, OperationKind::Get, object, DocumentType::None);
        let processes = vec![named("a", "Contact"), named("b", "contact")];
        let found = conflicts(&Deployment { processes, ..Deployment::default() });
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key.as_str(), found[0].other.as_deref()), ("process[b]", Some("process[a]")));
        assert!(found[0].message.contains("/ws/simple/getContact"), "{}", found[0]);
    }

    #[test]
    fn bases_that_collide_are_refused() {
        let found = conflicts(&deployment(vec![api("a", "/x", vec![]), api("b", "/x", vec![])]));
        assert_eq!((found[0].key.as_str(), found[0].other.as_deref()), ("api[b].base", Some("api[a].base")));

        let mut server = ServerConfig::default();
        server.roots.rest = String::new();
        for (base, whose) in [
            ("/ws/simple", "simple HTTP"),
            ("/ws/soap/x", "SOAP 1.1"),
            ("/_admin", "administration"),
            ("/_executions", "status"),
        ] {
            let found = Router::new(&deployment(vec![api("a", base, vec![])]), &server).unwrap_err();
            assert!(found.len() == 1 && found[0].message.contains(whose), "{found:?}");
        }
        let root = deployment(vec![api("a", "", vec![object(route("GET", "{x}", "a"), "")])]);
        let beside = Router::new(&root, &server).unwrap();
        assert_eq!(reached(&beside, "GET /anything"), "a");
        assert_eq!(reached(&beside, "GET /ws/simple/executeA"), "a");

        server.roots.rest = server.roots.simple.clone();
        let found = Router::new(&Deployment::default(), &server).unwrap_err();
        assert_eq!(
            found[0].to_string(),
            "server.simple-root: `simple-root` and `rest-root` are both `/ws/simple`: give each protocol a root of its own"
        );
    }

    #[test]
    fn methods_and_header_names_have_to_be_such() {
        let one = |route: RouteDecl| conflicts(&deployment(vec![api("a", "", vec![route])]))[0].to_string();
        assert_eq!(one(route("G T", "", "p")), "api[a].rest[0].method: `G T` is not an HTTP method");
        assert!(one(route("HEAD", "", "p")).contains("answered by the host"));
        assert_eq!(
            one(when(route("GET", "", "p"), &[("no name", "1")])),
            "api[a].rest[0].headers: `no name` is not a header name"
        );
        let mut declared = deployment(vec![api("a", "", vec![])]);
        declared.apis[0].headers.push("a b".into());
        assert_eq!(conflicts(&declared)[0].to_string(), "api[a].headers: `a b` is not a header name");
        let server = ServerConfig { protected_headers: vec!["a:".into()], ..ServerConfig::default() };
        let found = Router::new(&Deployment::default(), &server).unwrap_err();
        assert_eq!(found[0].to_string(), "server.protected-headers: `a:` is not a header name");
    }
}
