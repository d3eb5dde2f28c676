//! From method, path and headers to the operation that a request is for.
//!
//! A [`Router`] is made once for each deployment and never changes. A look-up takes no lock and costs the same with ten processes
//! or ten thousand: it walks down a tree by the segments of the path. The rules are the mission's ("URL and HTTP
//! header matching for routing REST requests") and those of `decisions.md`, "Routing"; the test model states them once more, slowly.

mod build;
mod condition;
#[cfg(test)]
pub(crate) mod fixtures;
mod miss;
#[cfg(test)]
mod model;
mod near;
mod soap;
#[cfg(test)]
mod tests;
mod trie;

use std::sync::Arc;

use auricle_model::{Deployment, DocumentType, Operation, Properties, Protocol, ServerConfig};
use compact_str::CompactString;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method};
use rustc_hash::FxHashMap;

pub use self::build::Conflict;
use self::condition::Condition;
pub use self::miss::{Miss, NotFound};
pub use self::soap::SoapSite;
use self::trie::{Part, Trie};
use crate::headers::{HeaderError, HeaderPolicy};
use crate::profile::Profile;
use crate::soap::{SoapOperation, Version};
use crate::target::Target;

/// Finds operations for requests. Cheap to share, immutable.
#[derive(Debug)]
pub struct Router {
    endpoints: Vec<Arc<Endpoint>>,
    /// Who owns which part of the URL space: the longest prefix that owns something owns the request.
    places: Trie<Place>,
    simple: FxHashMap<String, Arc<Endpoint>>,
    remarks: Vec<Conflict>,
}

/// What a prefix of the URL space belongs to.
#[derive(Debug)]
enum Place {
    /// An API, from its base on.
    Api(Api),
    /// The REST root, where no API has the base `/`.
    Rest,
    /// The processes by operation name.
    Simple,
    /// A SOAP service; its body says which operation.
    Soap(Arc<SoapSite>),
    /// The root of SOAP, where no process outside of APIs is served.
    SoapRoot(&'static str),
    /// The root of a protocol that is not served in this version.
    Absent(&'static str),
}

/// The routes of an API.
#[derive(Debug)]
struct Api {
    name: String,
    /// Segments of the REST root, after which `inpath` begins.
    root: usize,
    routes: Trie<Route>,
    /// The same endpoints as in `routes`, to tell what is near.
    endpoints: Vec<Arc<Endpoint>>,
}

/// One REST route.
#[derive(Debug)]
struct Route {
    /// Position in the order of preference among the routes of its API: of all that match, the lowest is taken.
    rank: usize,
    method: Method,
    conditions: Vec<Condition>,
    exact: bool,
    /// Parameters, by the number of their segment after the base.
    parameters: Vec<(usize, CompactString)>,
    endpoint: Arc<Endpoint>,
}

/// An operation at a URL.
#[derive(Debug)]
pub struct Endpoint {
    /// Its own among those of its router: from 0, with few gaps if any.
    pub number: usize,
    /// [`Protocol::Rest`], [`Protocol::Simple`] or [`Protocol::Soap`].
    pub protocol: Protocol,
    /// Name of the API; none for simple HTTP and for SOAP outside of APIs.
    pub api: Option<String>,
    /// The methods that it takes. One that takes GET takes HEAD too.
    pub methods: Vec<Method>,
    /// Its URL as a template: `/ws/rest/crm/Account/{Id}`, `/ws/simple/createContact`. Over SOAP the operation follows:
    /// `/ws/soap/crm#createContact`.
    pub route: String,
    /// Name of the process.
    pub process: Arc<str>,
    /// The process's own object, which names lists where the operation's is empty.
    pub object: String,
    /// The operation in force.
    pub operation: Arc<Operation>,
    /// Which request headers are passed.
    pub headers: Arc<HeaderPolicy>,
    /// On simple HTTP, the names of the path parameters that REST routes to this process have: here they come as query
    /// parameters.
    pub keys: Vec<String>,
    /// What documents of a request have to follow, if that is to be checked; over SOAP its operation knows.
    pub validating: Option<Arc<Profile>>,
    /// Over SOAP, the version and the operation.
    pub soap: Option<(Version, Arc<SoapOperation>)>,
    /// The segments of its URL.
    template: Vec<Part>,
}

impl Endpoint {
    /// Whether it answers this method. HEAD is answered where GET is.
    pub fn takes(&self, method: &Method) -> bool {
        self.methods.iter().any(|own| serves(own, method))
    }

    /// The `inheader_*` properties that every document of a request has; none where the input type is none.
    ///
    /// # Errors
    /// A header that would be passed and is not UTF-8.
    pub fn document_properties(&self, headers: &HeaderMap) -> Result<Properties, HeaderError> {
        match self.operation.input {
            DocumentType::None => Ok(Properties::new()),
            _ => self.headers.document_properties(headers),
        }
    }
}

/// Where a request leads.
#[derive(Debug, Clone)]
pub enum Destination {
    /// To an operation.
    Operation(Found),
    /// To a SOAP service: the body says to which operation.
    Soap(AtSoap),
}

impl Destination {
    /// The operation, where the URL alone says it.
    pub fn operation(self) -> Option<Found> {
        match self {
            Self::Operation(found) => Some(found),
            Self::Soap(_) => None,
        }
    }
}

/// A SOAP service found, with what the path says.
#[derive(Debug, Clone)]
pub struct AtSoap {
    /// What is there.
    pub site: Arc<SoapSite>,
    inpath: CompactString,
}

impl AtSoap {
    /// The operation of a number of the service.
    pub fn operation(&self, number: usize) -> Option<Found> {
        let endpoint = self.site.endpoints.get(number)?.clone();
        Some(Found { endpoint, params: Vec::new(), inpath: self.inpath.clone() })
    }
}

/// An operation found, with what the path says.
#[derive(Debug, Clone)]
pub struct Found {
    /// What was found.
    pub endpoint: Arc<Endpoint>,
    /// Path parameters, decoded, by name.
    pub params: Vec<(CompactString, CompactString)>,
    /// The path from the API's base on (simple HTTP: what follows the root), as sent, without matrix parameters or trailing slash.
    pub inpath: CompactString,
}

impl Router {
    /// Builds the router of a deployment.
    ///
    /// # Errors
    /// Everything that would make a request ambiguous or a route lead nowhere: two routes that no request can tell apart,
    /// two APIs with one base, two processes with one simple name, a base that covers another protocol's root, a route
    /// to a process that isn't there, a method or header name that HTTP does not know.
    pub fn new(deployment: &Deployment, server: &ServerConfig) -> Result<Self, Vec<Conflict>> {
        build::build(deployment, server)
    }

    /// Everything that is served: REST routes in the order of the manifest, simple HTTP, SOAP operations.
    pub fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.iter()
    }

    /// Endpoints that no request reaches, with the name of the API in whose part of the URL space they lie: the longest base
    /// owns a request, and there is no fall-back to a shorter one.
    pub fn shadowed(&self) -> impl Iterator<Item = (&Arc<Endpoint>, &str)> {
        self.endpoints.iter().filter_map(|endpoint| {
            let own = endpoint.api.as_deref()?;
            let path: String = endpoint.template.iter().map_while(Part::literal).flat_map(|text| ["/", text]).collect();
            let mut owner = None;
            self.places.visit(Target::parse(&path).ok()?.segments(), |_, place| owner = Some(place));
            match owner {
                Some(Place::Api(api)) if api.name != own => Some((endpoint, api.name.as_str())),
                _ => None,
            }
        })
    }

    /// What is served, and may not be meant so, with the key in the manifest.
    pub fn remarks(&self) -> &[Conflict] {
        &self.remarks
    }

    /// Finds the operation for a request. `path` is that of the request line, without the query.
    ///
    /// # Errors
    /// Why there is none, and what to answer.
    pub fn find(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Destination, Miss> {
        let target = Target::parse(path)?;
        let mut owner = None;
        self.places.visit(target.segments(), |depth, place| owner = Some((depth, place)));
        match owner {
            Some((depth, Place::Api(api))) => api.find(depth, method, &target, headers).map(Destination::Operation),
            Some((depth, Place::Simple)) => self.find_simple(depth, method, &target).map(Destination::Operation),
            Some((depth, Place::Soap(site))) if target.after(depth).is_empty() => {
                Ok(Destination::Soap(AtSoap { site: site.clone(), inpath: target.path_after(site.root) }))
            }
            Some((_, Place::Soap(site))) => Err(self.no_service(method, &target, site.version.name())),
            Some((_, Place::SoapRoot(protocol))) => Err(self.no_service(method, &target, protocol)),
            Some((_, Place::Rest)) => {
                Err(NotFound::new(method, &target, "no API has a base that this path begins with", &self.endpoints)
                    .into())
            }
            Some((_, Place::Absent(protocol))) => {
                Err(NotFound::new(method, &target, format!("{protocol} is not served in this version"), []).into())
            }
            None => {
                Err(NotFound::new(method, &target, "the path begins with no root of this server", &self.endpoints)
                    .into())
            }
        }
    }

    fn no_service(&self, method: &Method, target: &Target<'_>, protocol: &str) -> Miss {
        let near = self.endpoints.iter().filter(|endpoint| endpoint.protocol == Protocol::Soap);
        NotFound::new(method, target, format!("nothing is served over {protocol} at this path"), near).into()
    }

    fn find_simple(&self, root: usize, method: &Method, target: &Target<'_>) -> Result<Found, Miss> {
        let not_found = |reason: &str| {
            let near = self.endpoints.iter().filter(|e| e.protocol == Protocol::Simple);
            Miss::from(NotFound::new(method, target, reason, near))
        };
        let [name] = target.after(root) else {
            return Err(not_found("simple HTTP has exactly one segment here: the operation's type and object"));
        };
        let Some(endpoint) = self.simple.get(name.text()) else {
            return Err(not_found("no process has an operation of this name (names are case-sensitive)"));
        };
        if !endpoint.takes(method) {
            return Err(Miss::other_method(method, &endpoint.methods));
        }
        Ok(Found { endpoint: endpoint.clone(), params: Vec::new(), inpath: target.path_after(root) })
    }
}

impl Api {
    fn find(&self, base: usize, method: &Method, target: &Target<'_>, headers: &HeaderMap) -> Result<Found, Miss> {
        let path = target.after(base);
        let mut best: Option<&Route> = None;
        self.routes.visit(path, |depth, route| {
            let better = best.is_none_or(|b| route.rank < b.rank);
            if better && serves(&route.method, method) && route.ends(depth, path.len()) && route.admits(headers) {
                best = Some(route);
            }
        });
        let Some(route) = best else { return Err(self.miss(base, method, target, headers)) };
        let value = |(nth, name): &(usize, CompactString)| Some((name.clone(), path.get(*nth)?.text().into()));
        Ok(Found {
            endpoint: route.endpoint.clone(),
            params: route.parameters.iter().filter_map(value).collect(),
            inpath: target.path_after(self.root),
        })
    }

    /// Why no route took the request.
    fn miss(&self, base: usize, method: &Method, target: &Target<'_>, headers: &HeaderMap) -> Miss {
        let path = target.after(base);
        let mut methods = Vec::new();
        // Of each route that would take the request but for its headers, the conditions that do not hold.
        let mut failed: Vec<Vec<&Condition>> = Vec::new();
        self.routes.visit(path, |depth, route| {
            if route.ends(depth, path.len()) {
                methods.push(route.method.clone());
                if serves(&route.method, method) {
                    failed.push(route.conditions.iter().filter(|c| !c.holds(headers)).collect());
                }
            }
        });
        if failed.is_empty() && !methods.is_empty() {
            return Miss::other_method(method, &methods);
        }
        for name in [CONTENT_TYPE, ACCEPT] {
            let fails = |route: &Vec<&Condition>| route.iter().any(|c| c.name == name);
            if !failed.is_empty() && failed.iter().all(fails) {
                return Miss::unmet(name, failed.into_iter().flatten(), headers);
            }
            failed.retain(|route| !fails(route));
        }
        let reason = match failed.iter().flatten().next() {
            None => format!("no route of API `{}` has this path", self.name),
            Some(Condition { name, value }) => {
                format!("the route of API `{}` for this path wants the header `{name}: {value}`", self.name)
            }
        };
        NotFound::new(method, target, reason, &self.endpoints).into()
    }
}

impl Route {
    /// Whether it takes what follows a match of its whole template.
    fn ends(&self, depth: usize, segments: usize) -> bool {
        !self.exact || depth == segments
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        self.conditions.iter().all(|condition| condition.holds(headers))
    }
}

/// Whether what takes the method `own` answers a request of method `asked`.
fn serves(own: &Method, asked: &Method) -> bool {
    own == asked || (own == Method::GET && asked == Method::HEAD)
}
